"""The annotation server, started and stopped."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hailstack.datasets.annotate.desk import Desk
from hailstack.datasets.annotate.gate import OWN_NAMES, Gate, Key
from hailstack.datasets.annotate.proposals import Proposals, Propose
from hailstack.errors import InputError, MissingExtraError

FIRST_PORT = 8420
PORTS_TRIED = 20
LAST_PORT = 65_535
LONGEST_NOTE = 4096
"""Bytes that a window says about itself at most."""


class Annotator:
    """A page to draw boxes on, over one dataset. A context manager; :meth:`serve` works until it is stopped.

    Args:
        path: a folder of pictures, or a YOLO dataset.
        host: where to listen. Beyond this machine's own addresses whoever comes needs the token in :attr:`url`.
        port: 0 takes a free one; None 8420, or the next free one.
        propose: finds objects for people to accept or not.
        with_token: ask for a token on this machine, too, where others have accounts.

    Raises:
        MissingExtraError: the web server or PyYAML is not installed.
        InputError and its kinds: there is nothing to label, it is open elsewhere, or the address cannot be had.
    """

    def __init__(
        self,
        path: Path,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        propose: Propose | None = None,
        with_token: bool = False,
    ) -> None:
        make_app, uvicorn = _load()
        self._socket = _listen(host, port)
        try:
            self._desk = Desk(path)
        except BaseException:
            self._socket.close()
            raise
        self._host = host
        self._token = secrets.token_urlsafe(18) if with_token or host not in OWN_NAMES else ""
        key = Key(self._token, f"hailstack-{self.port}")
        app = Gate(make_app(self._desk, Proposals(propose) if propose else None), key)
        config = uvicorn.Config(
            app, log_level="error", timeout_graceful_shutdown=1, server_header=False, ws_max_size=LONGEST_NOTE
        )
        self._server = uvicorn.Server(config)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """What to open in a browser."""
        own = _seen_from_outside(self._host) if self._host in ("0.0.0.0", "::") else self._host
        name = f"[{own}]" if ":" in own else own
        return f"http://{name}:{self.port}/{f'?token={self._token}' if self._token else ''}"

    @property
    def pictures(self) -> int:
        """How many pictures there are."""
        return len(self._desk)

    def serve(self) -> None:
        """Answer until :meth:`stop`, Ctrl-C or SIGTERM."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End :meth:`serve`, from another thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Let go of the address and the dataset. May be called again."""
        self._socket.close()
        self._desk.close()

    def __enter__(self) -> Annotator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _load() -> tuple[Callable[..., Any], Any]:
    try:
        import uvicorn
        import yaml  # type: ignore[import-untyped]  # noqa: F401 - for the class list, later

        from hailstack.datasets.annotate.app import make_app
    except ImportError as error:
        message = f"the annotation page needs {error.name}: pip install 'hailstack[serve,data]'"
        raise MissingExtraError(message) from error
    return make_app, uvicorn


def _listen(host: str, port: int | None) -> socket.socket:
    wanted = [*range(FIRST_PORT, FIRST_PORT + PORTS_TRIED), 0] if port is None else [port]
    for number in wanted[:-1]:
        with suppress(_TakenError):
            return _bind(host, number)
    return _bind(host, wanted[-1])


class _TakenError(InputError):
    """Something else listens there."""


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= LAST_PORT:
        message = f"{port}: ports go from 0 to {LAST_PORT}"
        raise InputError(message)
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        message = f"{host}:{port}: cannot listen there: {error.strerror or error}"
        raise (_TakenError if error.errno == errno.EADDRINUSE else InputError)(message) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _seen_from_outside(host: str) -> str:
    """The address by which others reach a server that listens on all of them. No packet is sent."""
    with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1" if ":" in host else "192.0.2.1", 9))  # reserved for documentation (RFC 5737)
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
