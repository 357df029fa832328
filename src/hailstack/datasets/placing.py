"""Where the pictures of a dataset lie in a new folder: copied, linked or left, under names that do not collide."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from hailstack.datasets.model import Sample
from hailstack.datasets.picture_files import plain
from hailstack.datasets.sequences import name_in_sequence
from hailstack.errors import HailstackError, InputError, NotFoundError
from hailstack.files import replacing, unwritable
from hailstack.imaging.glance import glance

Images: TypeAlias = Literal["copy", "link", "none"]
"""What becomes of the pictures; ``none``: labels alone are written."""


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A folder to fill. At the end it becomes ``folder``; after a failure nothing is left.

    A process that is killed leaves it, hidden beside ``folder``; whoever builds ``folder`` next takes it away.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder}: is there already; name a new folder"
        raise InputError(message)
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        _clear(folder)
        part, lock = _new_part(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        part.chmod(0o777 & ~_umask())
        yield part
        part.rename(folder)
    except HailstackError:
        raise
    except OSError as error:
        raise unwritable(error.filename or folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(lock)


def _prefix(folder: Path) -> str:
    return f".{folder.name[:60]}."


def _new_part(folder: Path) -> tuple[Path, int]:
    """A new folder, and the descriptor of a lock on it, which the system lets go when the process dies."""
    while True:
        part = Path(tempfile.mkdtemp(prefix=_prefix(folder), suffix=".part", dir=folder.absolute().parent))
        lock = os.open(part, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks, where nobody clears up either
            fcntl.flock(lock, fcntl.LOCK_EX)
        if part.exists():
            return part, lock
        os.close(lock)  # somebody who cleared up was quicker than the lock


def _clear(folder: Path) -> None:
    """Take away what others have left who were killed while they built the same folder: it is not locked any more."""
    left = re.compile(rf"{re.escape(_prefix(folder))}[a-z0-9_]{{8}}\.part")
    for part in folder.absolute().parent.iterdir():
        if left.fullmatch(part.name) and part.is_dir() and not part.is_symlink():
            with suppress(OSError):
                lock = os.open(part, os.O_RDONLY)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(part)
                finally:
                    os.close(lock)


def place(picture: Path, target: Path, images: Images) -> None:
    """Bring a picture to ``target``. A link is a hard one, or a symbolic one to another file system.

    Raises:
        NotFoundError: there is no such picture.
        InputError: it cannot be read or written.
    """
    if images == "none":
        return
    if not picture.is_file():
        message = f"{picture}: the dataset names this picture, but it is not there"
        raise NotFoundError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    if images == "copy":
        with replacing(target) as partial:
            shutil.copyfile(picture, partial)
    else:
        _link(picture.resolve(), target)


def _link(picture: Path, target: Path) -> None:
    if target.exists():
        return  # a list names the picture twice
    try:
        target.hardlink_to(picture)
    except OSError:  # another file system, or one without such links
        target.symlink_to(picture)


def picture_size(picture: Path) -> tuple[int, int]:
    """Width and height of the upright picture in a file, in pixels.

    Raises:
        NotFoundError: there is no such file.
        MediaError: it is no picture.
    """
    try:
        with picture.open("rb") as stream:
            return glance(stream, str(picture)).size
    except FileNotFoundError as error:
        message = f"{picture}: the dataset names this picture, but it is not there"
        raise NotFoundError(message) from error


def name_pictures(pictures: Iterable[Path], taken: Iterable[str] = ()) -> Mapping[Path, PurePosixPath]:
    """A name for each picture, relative to a new folder: its place below the folder that all have in common.

    No two differ in their ending or in capitals alone, for their label files would be one.

    Args:
        taken: names that are in use, as :func:`bare` gives them.
    """
    unique = list(dict.fromkeys(pictures))
    if not unique:
        return {}
    places = [plain(picture) for picture in unique]  # .. would lead out of the folder
    root = os.path.commonpath([place.parent for place in places])
    used = set(taken)
    names = [free_name(PurePosixPath(place.relative_to(root)), used) for place in places]
    return dict(zip(unique, names, strict=True))


def name_samples(samples: Iterable[Sample]) -> Mapping[Path, PurePosixPath]:
    """A name for each sample's picture, as :func:`name_pictures` gives it, that tells its group."""
    groups = {sample.image: sample.group for sample in samples}
    used: set[str] = set()
    names = name_pictures(groups)
    return {picture: free_name(name_in_sequence(name, groups[picture]), used) for picture, name in names.items()}


def free_name(name: PurePosixPath, used: set[str]) -> PurePosixPath:
    """``name``, with ``_2``, ``_3`` … behind its stem if that is in use; it is in use afterwards.

    Line ends in it become ``_``: lists have a line for each picture.
    """
    name = PurePosixPath("_".join(str(name).splitlines()))
    free, number = name, 1
    while bare(free) in used:
        number += 1
        free = name.with_name(f"{name.stem}_{number}{name.suffix}")
    used.add(bare(free))
    return free


def bare(name: PurePosixPath) -> str:
    """A name without its ending, as file systems compare it that do not tell capitals apart."""
    return str(name.with_suffix("")).casefold()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
