"""From the names on a command line to single sources."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from hailstack.errors import InputError, NotFoundError
from hailstack.imaging import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from hailstack.pipeline.addresses import is_whole, without_password
from hailstack.pipeline.sources.options import Options, parse_options, split_options
from hailstack.pipeline.sources.source import Source, SourceKind

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+):(.*)$", re.IGNORECASE | re.DOTALL)
_HERE = Path()


def find_sources(names: Iterable[str]) -> list[Source]:
    """All sources that the names stand for, in the order of the names; inside a folder or pattern, sorted.

    Raises:
        NotFoundError: a file or folder is not there, or a pattern matches nothing.
        InputError: a folder holds no picture and no video; an address or option is wrong; no name; a camera named
            twice.
    """
    sources = [source for name in names for source in _expand(name, _HERE)]
    if not sources:
        raise InputError("there is nothing to read: name a picture, a folder, a pattern, a video or a camera")
    for source in sources:
        source.check()
    once_only = [source.name for source in sources if source.has_own_turns or source.kind == "stdin"]
    if twice := [name for name in once_only if once_only.count(name) > 1]:
        message = f"{twice[0]}: named twice, and can be read only once at a time"
        raise InputError(message)
    return sources


def _expand(name: str, folder: Path) -> list[Source]:
    """The sources behind one name; ``folder`` is what paths are relative to."""
    base, text = (name, None) if _exists(folder, name) else split_options(name)
    path = folder / base
    if base == "-":
        found = [Source("-", "stdin")]
    elif _exists(folder, base):
        found = _existing(path)
    elif base.startswith("@"):
        return _listed(folder / base[1:], text)
    elif match := _SCHEME.match(base):
        found = [_addressed(match[1].lower(), match[2])]
    elif glob.has_magic(base):
        found = _pattern(str(Path(glob.escape(str(folder))) / base))
    else:
        raise _missing(name, text)
    return found if text is None else _with(found, _parsed(name, text))


def _exists(folder: Path, name: str) -> bool:
    """Whether it is the name of something there; what is too long or has zeros in it is none."""
    try:
        return bool(name) and (folder / name).exists()
    except (OSError, ValueError):
        return False


def _missing(name: str, text: str | None) -> InputError:
    if name.startswith("-"):
        return InputError(f"{name}: neither an option of this command nor a file")
    ending = "" if text is None else f" ({text!r} behind the # taken for options)"
    return NotFoundError(f"{name or 'an empty name'}: no such file or folder{ending}")


def _parsed(name: str, text: str) -> Options:
    try:
        return parse_options(text)
    except InputError as error:
        message = f"{without_password(name)}: {error}"
        raise InputError(message) from error


def _with(sources: Sequence[Source], options: Options) -> list[Source]:
    """The sources with options. Of several pictures ``stride`` takes every n-th; options for videos leave pictures
    beside them as they are."""
    pictures = [source for source in sources if source.kind == "image"]
    taken = set(pictures[:: options.stride])
    is_mixed = len(pictures) < len(sources)
    for_pictures = Options(size=options.size) if is_mixed else replace(options, stride=1)
    return [
        replace(source, options=for_pictures if source.kind == "image" else options)
        for source in sources
        if source.kind != "image" or source in taken
    ]


def _existing(path: Path) -> list[Source]:
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return [_file(path)]
    message = (
        f"{path}: neither a file nor a folder; a camera is camera:{path}, a pipe is read from standard input as -"
    )
    raise InputError(message)


def _folder(folder: Path) -> list[Source]:
    known = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in known and not path.is_dir())
    except OSError as error:
        message = f"{folder}: this folder cannot be read: {error.strerror}"
        raise InputError(message) from error
    if not files:
        message = f"{folder}: there is no picture and no video in this folder"
        raise InputError(message)
    return [_file(path) for path in files]


def _pattern(pattern: str) -> list[Source]:
    found = sorted(Path(hit) for hit in glob.glob(pattern, recursive=True))  # noqa: PTH207 - as the shell writes it
    files = [_file(path) for path in found if path.is_file()]
    if not files:
        message = f"{pattern}: no file matches"
        raise NotFoundError(message)
    return files


def _listed(path: Path, text: str | None) -> list[Source]:
    """The sources of a list file."""
    if text is not None:
        message = f"@{path}: a list takes no options ({text!r}); write them behind its lines"
        raise InputError(message)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"@{path}: this list cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        raise (NotFoundError if isinstance(error, FileNotFoundError) else InputError)(message) from error
    found: list[Source] = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        try:
            if line.startswith("@"):
                raise InputError("a list does not name other lists")
            found += _expand(line, path.parent)
        except InputError as error:
            message = f"@{path}: line {number}: {error}"
            raise type(error)(message) from error
    return found


def _addressed(scheme: str, rest: str) -> Source:
    uri = f"{scheme}:{rest}"
    if scheme in ("http", "https", "rtsp", "rtsps"):
        return _on_network(uri)
    if scheme == "camera" and (rest.isdecimal() or rest.startswith("/")):
        return Source(uri, "camera")
    if scheme == "picamera" and rest.isdecimal():
        return Source(uri, "picamera")
    if scheme == "lavfi" and rest:
        return Source(uri, "lavfi")
    known = "camera:0, camera:/dev/video0, picamera:0, rtsp://…, rtsps://…, http://…, https://…, lavfi:testsrc"
    message = f"{without_password(uri)}: no such file, and no address that is read; those look like {known}"
    raise InputError(message)


def _on_network(uri: str) -> Source:
    if not is_whole(uri):
        message = f"{Source(uri, 'rtsp').name}: not a whole address; those look like rtsp://host:port/path"
        raise InputError(message)
    parts = urlsplit(uri)
    if parts.scheme.startswith("rtsp"):
        return Source(uri, "rtsp")
    return Source(uri, "image" if Path(parts.path).suffix.lower() in IMAGE_SUFFIXES else "video")


def _file(path: Path) -> Source:
    kind: SourceKind = "image" if path.suffix.lower() in IMAGE_SUFFIXES else "video"
    return Source(str(path), kind)
