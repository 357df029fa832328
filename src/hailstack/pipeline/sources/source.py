"""One thing to read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from hailstack.errors import InputError
from hailstack.pipeline.addresses import without_password
from hailstack.pipeline.sources.options import Options, Policy

SourceKind: TypeAlias = Literal["image", "video", "stdin", "rtsp", "camera", "picamera", "lavfi"]

_LIVE = frozenset({"rtsp", "camera", "picamera", "lavfi"})
_RECORDED = frozenset({"video", "stdin"})
_MOVING = _LIVE | _RECORDED
_FITS: Mapping[str, frozenset[str]] = {
    "fps": _MOVING,
    "stride": _MOVING | {"image"},
    "size": _MOVING | {"image"},
    "start": _RECORDED,
    "end": _RECORDED,
    "loop": frozenset({"video"}),
    "realtime": _RECORDED,
    "live": _RECORDED,
    "policy": _MOVING,
    "weight": _MOVING,
    "timeout": frozenset({"image", "video", "rtsp"}),
    "reconnect": frozenset({"video", "rtsp", "camera"}),
    "transport": frozenset({"rtsp"}),
    "format": frozenset({"video", "stdin", "camera"}),
    "pixels": frozenset({"video", "stdin", "camera"}),
}
"""Option → the kinds of source that it means something to."""
_NEEDS_SERVER = ("timeout", "live", "reconnect")
_RECORDINGS_ONLY = ("start", "end", "loop", "realtime")
_LIVE_ONLY = ("reconnect",)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, stream or camera to read."""

    uri: str
    """As the user named it, without options; may hold a password."""
    kind: SourceKind
    options: Options = field(default_factory=Options)
    after: int = field(default=-1, compare=False)
    """Frames up to this number are passed over: an earlier run has seen them."""

    @property
    def name(self) -> str:
        """For people and records: the URI, a password in it replaced by stars, and bytes that are no UTF-8 (a file may
        be named by such) written as ``\\udcff``."""
        return without_password(self.uri.encode(errors="backslashreplace").decode())

    @property
    def is_live(self) -> bool:
        """Whether it shows what is happening now, and has no end."""
        return self.kind in _LIVE or self.options.live

    @property
    def has_own_turns(self) -> bool:
        """Whether it is read at the same time as other sources; else after those before it."""
        return self.is_live or self.options.realtime or self.options.weight is not None

    @property
    def is_remote(self) -> bool:
        """Whether it is read from a server."""
        return self.uri.startswith(("http://", "https://"))

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return Path(self.uri) if self.kind in ("image", "video") and not self.is_remote else None

    @property
    def stem(self) -> str:
        """A file name without ending for what is made of it: ``clip``, ``camera-0``, ``host-stream1``, ``stdin``."""
        if self.path is not None:
            return self.path.stem
        if self.kind == "stdin":
            return "stdin"
        if self.is_remote and (stem := PurePosixPath(urlsplit(self.uri).path).stem):
            return stem
        return re.sub(r"[^A-Za-z0-9._]+", "-", re.sub(r"^[a-z]+://([^/]*@)?", "", self.uri)).strip("-.") or self.kind

    @property
    def suffix(self) -> str:
        """The ending of the file's name, ``.jpg``; empty if it has none."""
        return self.path.suffix if self.path is not None else PurePosixPath(urlsplit(self.uri).path).suffix

    @property
    def policy(self) -> Policy:
        """What happens when its frames come faster than they are taken."""
        return self.options.policy or ("latest" if self.is_live or self.options.realtime else "block")

    def check(self) -> None:
        """See that every option that is set means something here.

        Raises:
            InputError: naming the source and the option.
        """
        chosen = _chosen(self.options)
        for key in chosen:
            if self.kind not in _FITS[key] or (key in _NEEDS_SERVER and self.path is not None):
                message = f"{self.name}: option {key!r} means nothing for this kind of source"
                raise InputError(message)
        wrong = [key for key in chosen if key in (_RECORDINGS_ONLY if self.is_live else _LIVE_ONLY)]
        if wrong:
            meant = "recordings; this source is live" if self.is_live else "live sources; this is a recording"
            message = f"{self.name}: option {wrong[0]!r} is for {meant}"
            raise InputError(message)


def _chosen(options: Options) -> list[str]:
    default = Options()
    return [one.name for one in fields(Options) if getattr(options, one.name) != getattr(default, one.name)]
