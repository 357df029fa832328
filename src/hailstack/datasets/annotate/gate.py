"""Who may come in: the door before the annotation server, as one layer of ASGI.

Three things could go wrong with a server on a laptop. A page elsewhere on the web could send it requests: the browser
says where they come from (``Origin``), and only the own page is let in. A name on the web could be pointed at this
machine (DNS rebinding): without a token only this machine's own names are answered to. Somebody on the network could
find the port: whoever listens beyond this machine asks for a token.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 2 << 20
OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
HEADERS = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Key:
    """What lets somebody in. ``token`` empty: being on this machine."""

    token: str
    cookie: str
    """The name under which a browser keeps the token; one for each port, which cookies do not tell apart."""


class Gate:
    """Passes on to ``app`` what may come in, and puts headers on what goes out."""

    def __init__(self, app: App, key: Key) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if reason := self._refusal(scope, headers):
            await _refuse(scope, send, *reason)
        elif scope["type"] == "http" and self._brings_token(scope):
            await _answer(send, 303, b"", [(b"location", b"/"), (b"set-cookie", self._cookie())])
        else:
            await self._app(scope, _limited(receive), _dressed(send))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host, origin, length = (headers.get(name, "") for name in ("host", "origin", "content-length"))
        if origin and origin.partition("://")[2] != host:
            return 403, "this request comes from a page elsewhere"
        if not self._key.token and _hostname(host) not in OWN_NAMES:
            return 403, "without a token only localhost and 127.0.0.1 are answered to"
        if self._key.token and not (self._brings_token(scope) or self._has_cookie(headers)):
            return 401, "open the address that 'hailstack data annotate' printed: it ends in ?token=..."
        if length and (not length.isdecimal() or int(length) > LARGEST_BODY):
            return 413, f"more than {LARGEST_BODY} bytes"
        return None

    def _brings_token(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return bool(self._key.token) and _same(given, self._key.token)

    def _has_cookie(self, headers: dict[str, str]) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self._key.cookie)
        except CookieError:
            return False
        return morsel is not None and _same(morsel.value, self._key.token)

    def _cookie(self) -> bytes:
        value = f"{self._key.cookie}={quote(self._key.token)}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000"
        return value.encode()


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())


def _hostname(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _limited(receive: Receive) -> Receive:
    """Bodies end at the limit, whatever their header says; what reads them sees broken JSON."""
    taken = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        return message if taken <= LARGEST_BODY else {"type": "http.request", "body": b"", "more_body": False}

    return limited


def _dressed(send: Send) -> Send:
    async def dressed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            said = {name for name, _ in message.get("headers", [])}
            fresh = [] if b"cache-control" in said else [(b"cache-control", b"no-cache")]
            message["headers"] = [*message.get("headers", []), *HEADERS, *fresh]
        await send(message)

    return dressed


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
    else:
        await _answer(
            send, status, f"hailstack: {reason}\n".encode(), [(b"content-type", b"text/plain; charset=utf-8")]
        )


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *HEADERS]})
    await send({"type": "http.response.body", "body": body})
