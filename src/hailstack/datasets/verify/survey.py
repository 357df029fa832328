"""A dataset as it lies on the disk, damage included: what a lossless model could not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Kind
from hailstack.datasets.verify.finding import Finding

Listener: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being looked at, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture file."""

    path: str
    splits: tuple[str, ...]
    label: str | None
    """The file that its labels are in."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, if the labels say."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The labelled boxes of all pictures that are rows of numbers, sound or not; element ``i`` of each is one box."""

    picture: NDArray[np.intp]
    """``(n,)`` index into the pictures."""
    line: NDArray[np.int32]
    """``(n,)`` from 1; 0 where the file has no lines to speak of."""
    class_id: NDArray[np.float64]
    """``(n,)`` as written."""
    xywh: NDArray[np.float64]
    """``(n, 4)`` centre, width, height, in shares of the picture."""
    outline: NDArray[np.bool_]
    """``(n,)`` whether an outline is given, around which this is the box."""
    digest: NDArray[np.int64]
    """``(n,)`` equal where rows say the same, outlines and key points included."""
    item: tuple[str, ...] = ()
    """``(n,)`` what the label file calls it, such as ``annotation 17``; empty: the line says it."""

    def __len__(self) -> int:
        return len(self.line)

    @staticmethod
    def of(
        picture: Sequence[int],
        line: Sequence[int],
        class_id: Sequence[float],
        xywh: Sequence[float],
        outline: Sequence[bool],
        digest: Sequence[int],
        item: Sequence[str] = (),
    ) -> Rows:
        """The rows of lists; those of ``xywh`` one behind the other."""
        return Rows(
            np.array(picture, np.intp),
            np.array(line, np.int32),
            np.array(class_id, np.float64),
            np.array(xywh, np.float64).reshape(-1, 4),
            np.array(outline, bool),
            np.array(digest, np.int64),
            tuple(item),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """All that labels and names of files say."""

    kind: Kind
    source: Path
    """The file or folder that the dataset goes by."""
    names: Mapping[int, str] = field(default_factory=dict)
    name_lines: Mapping[int, int] = field(default_factory=dict)
    """Class id → the line in ``source`` that names it."""
    splits: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    rows: Rows = field(default_factory=lambda: Rows.of((), (), (), (), (), ()))
    findings: tuple[Finding, ...] = ()

    @property
    def labels(self) -> list[str]:
        """All label files of pictures, each once."""
        return list(dict.fromkeys(one.label for one in self.pictures if one.label is not None))

    def findings_of_rows(self, code: str, rows: NDArray[np.bool_], message: str) -> Iterator[Finding]:
        """One finding for each row where ``rows`` is true; ``message`` is formatted with its ``c``, ``x y w h``."""
        for row in np.flatnonzero(rows).tolist():
            yield self.finding_of_row(code, row, message)

    def finding_of_row(self, code: str, row: int, message: str, *, is_fixable: bool = False) -> Finding:
        """The finding about one row."""
        x, y, w, h = self.rows.xywh[row].tolist()
        text = message.format(c=self.rows.class_id[row], x=x, y=y, w=w, h=h)
        picture = self.pictures[self.rows.picture[row]]
        where = f"{self.rows.item[row]}: " if self.rows.item else ""
        line = int(self.rows.line[row]) or None
        return Finding(code, Path(picture.label or picture.path), where + text, line, is_fixable)
