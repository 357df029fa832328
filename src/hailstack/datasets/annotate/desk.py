"""A dataset as the page sees it: pictures, their lines, what is saved and what is not. Safe from several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hailstack.datasets.annotate.classes import check_called, check_name, check_unused, list_names, write_names
from hailstack.datasets.annotate.documents import Batch, Document, State
from hailstack.datasets.annotate.drafts import Draft, Drafts, make_folder
from hailstack.datasets.annotate.lines import (
    MOST_LINES,
    Conflict,
    Edit,
    Sheet,
    join_lines,
    merge,
    problem,
    split_lines,
)
from hailstack.datasets.annotate.reviews import Reviews
from hailstack.datasets.claim import claimed
from hailstack.datasets.formats import open_dataset
from hailstack.datasets.picture_files import plain
from hailstack.datasets.yolo import label_file, unlisted_samples
from hailstack.errors import InputError, NotFoundError
from hailstack.files import replacing

STATE_FOLDER = Path(".hailstack", "annotate")


@dataclass(slots=True)
class _Memory:
    """What is only known as long as the server runs."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    last: dict[tuple[str, str], int] = field(default_factory=dict)
    """Picture and sender → number of the last batch."""


class Desk:
    """The pictures of a dataset, ready to be labelled. A context manager: one at a time works on a dataset.

    Args:
        path: a folder of pictures, or a YOLO dataset (folder or YAML file).

    Raises:
        NotFoundError, ConfigError: there is nothing to label.
        InputError: its labels are of another format, or another server has it open.
    """

    def __init__(self, path: Path) -> None:
        dataset = open_dataset(path)
        if dataset.kind not in ("yolo", "pictures"):
            message = f"{path}: labels are edited as YOLO files; hailstack data convert makes them of {dataset.kind}"
            raise InputError(message)
        self.folder = plain(dataset.folder)
        self._source = dataset.source
        samples = [*dataset.samples, *unlisted_samples(dataset)]  # who is in no split is often who is to be labelled
        images = dict.fromkeys(plain(sample.image) for sample in samples)
        self._pictures = {_name(image, self.folder): image for image in images}
        self._lock = threading.RLock()
        self._memory = _Memory()
        state = self.folder / STATE_FOLDER
        self._drafts = Drafts(state / "drafts")
        self._claim = ExitStack()
        self._claim.enter_context(claimed(self.folder))
        try:  # what others may have changed up to now
            make_folder(state)
            self.names = list_names(path)
            self._reviews = Reviews(state / "reviewed.json")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others open the dataset. May be called again."""
        self._claim.close()

    def __len__(self) -> int:
        return len(self._pictures)

    def __contains__(self, name: object) -> bool:
        return name in self._pictures

    def picture(self, name: str) -> Path:
        """The file of a picture.

        Args:
            name: its path below the folder, with ``/``, as :meth:`overview` gives it.

        Raises:
            NotFoundError: there is no such picture.
        """
        if name not in self._pictures:
            message = f"{name}: there is no such picture in {self.folder.name}"
            raise NotFoundError(message)
        return self._pictures[name]

    def overview(self) -> list[tuple[str, State, int]]:
        """Name, state and number of lines of every picture."""
        with self._lock:
            drafts = self._drafts.names()
            return [self._glance(name, drafts) for name in self._pictures]

    def document(self, name: str) -> Document:
        """A picture's lines.

        Raises:
            NotFoundError: there is no such picture.
            InputError: its label file, or its draft, cannot be read.
        """
        with self._lock:
            return self._document(name)

    def edit(self, name: str, batch: Batch) -> Document:
        """Carry out edits and keep them as a draft.

        Raises:
            NotFoundError: there is no such picture.
            InputError: a line is not one that can stand in a label file; nothing was changed.
        """
        with self._lock:
            return self._edit(name, batch)

    def save(self, name: str, batch: Batch, person: str) -> Document:
        """Carry out edits, write all lines to the label file, and take the picture for reviewed.

        Raises:
            NotFoundError, InputError: as :meth:`edit`.
        """
        with self._lock:
            document = self._edit(name, batch)
            label = self._label(name)
            make_folder(label.parent)
            with replacing(label) as partial:
                partial.write_text(join_lines(document.lines), "utf-8")
            self._reviews.record(document.name, person)
            self._drafts.drop(document.name)
            return self._document(name, document.conflicts)

    def reopen(self, name: str) -> Document:
        """The picture is to be looked at again; that nothing is in it is no longer known."""
        with self._lock:
            self._reviews.forget(name)
            if self._saved(name) == ():
                self._label(name).unlink()
            return self._document(name)

    def add_class(self, name: str) -> int:
        """The number of a class of that name, which is made if there is none.

        Raises:
            InputError: the name cannot be one.
        """
        with self._lock:
            if name.strip() not in self.names:
                self._write_names([*self.names, check_name(name, self.names)])
            return self.names.index(name.strip())

    def rename_class(self, number: int, was: str, name: str) -> None:
        """Give a class another name.

        Raises:
            InputError: the name cannot be one, or the class is no longer called ``was``.
        """
        with self._lock:
            check_called(number, was, self.names)
            if name.strip() != was:
                self._write_names([*self.names[:number], check_name(name, self.names), *self.names[number + 1 :]])

    def remove_class(self, number: int, was: str) -> None:
        """Take a class out of the list that no box has.

        Raises:
            InputError: it has boxes, saved or not; others behind it have, whose number would change; it is no longer
                called ``was``; or a label file cannot be read.
        """
        with self._lock:
            check_called(number, was, self.names)
            check_unused(number, self.names, (self._every_line(name) for name in self._pictures))
            self._write_names([*self.names[:number], *self.names[number + 1 :]])

    def _every_line(self, name: str) -> set[str]:
        """The lines of a picture, saved ones that a draft has removed included."""
        document = self._document(name)
        return {*document.lines, *(document.saved or ())}

    def _write_names(self, names: list[str]) -> None:
        write_names(self._source, names)
        self.names = names

    def _glance(self, name: str, drafts: Iterable[str]) -> tuple[str, State, int]:
        try:
            if name in drafts:
                document = self._document(name)
                return name, document.state, len(document.lines)
            saved = self._saved(name)
        except InputError:  # said when the picture is opened
            return name, "labelled", 0
        return name, self._state(name, saved, is_draft=False), len(saved or ())

    def _state(self, name: str, saved: tuple[str, ...] | None, *, is_draft: bool) -> State:
        if is_draft:
            return "draft"
        if saved is None:
            return "open"
        return "reviewed" if name in self._reviews else "labelled"

    def _document(self, name: str, conflicts: tuple[Conflict, ...] = ()) -> Document:
        saved = self._saved(name)
        draft = self._drafts.read(name)
        lines = saved or () if draft is None else merge(draft.base, draft.lines, saved or ())
        is_draft = draft is not None and lines != (saved or ())
        return Document(name, lines, self._state(name, saved, is_draft=is_draft), saved, conflicts)

    def _edit(self, name: str, batch: Batch) -> Document:
        _check(batch.edits)
        document = self._document(name)
        if batch.sender and batch.number <= self._memory.last.get((name, batch.sender), -1):
            return document
        sheet = self._memory.sheets.setdefault(name, Sheet(()))
        sheet.lines = list(document.lines)
        conflicts = sheet.apply(batch.edits, keep=not batch.undoes)
        if len(sheet.lines) > MOST_LINES:
            message = f"{document.name}: more than {MOST_LINES} objects in one picture"
            raise InputError(message)
        self._keep(document, tuple(sheet.lines))
        if batch.sender:
            self._memory.last[name, batch.sender] = batch.number
        return self._document(name, conflicts)

    def _keep(self, document: Document, lines: tuple[str, ...]) -> None:
        saved = document.saved or ()
        if lines == saved:
            self._drafts.drop(document.name)
        elif lines != document.lines:
            self._drafts.write(document.name, Draft(saved, lines))

    def _label(self, name: str) -> Path:
        return label_file(self.picture(name))

    def _saved(self, name: str) -> tuple[str, ...] | None:
        label = self._label(name)
        try:
            return split_lines(label.read_text("utf-8-sig"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            message = f"{label}: this label file cannot be read: {error}"
            raise InputError(message) from error


def _name(picture: Path, folder: Path) -> str:
    """Its path below the folder, or the whole path for pictures elsewhere; bytes that are no text are spelled out."""
    inside = picture.is_relative_to(folder)
    path = (picture.relative_to(folder) if inside else Path(*picture.parts[1:])).as_posix()
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _check(edits: Sequence[Edit]) -> None:
    for edit in edits:
        if edit.now is not None and (reason := problem(edit.now)):
            message = f"the line {edit.now[:80]!r} {reason}"
            raise InputError(message)
