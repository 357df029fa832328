"""What goes to a page and comes from it: the lines of a picture, and edits of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hailstack.datasets.annotate.lines import Conflict, Edit

State = Literal["open", "draft", "labelled", "reviewed"]
"""``open``: no label file. ``draft``: something unsaved. ``labelled``: a label file that nobody saved here.
``reviewed``: saved here."""


@dataclass(frozen=True, slots=True)
class Document:
    """One picture's lines as they are now."""

    name: str
    lines: tuple[str, ...]
    state: State
    saved: tuple[str, ...] | None
    """Those of the label file; None: there is none."""
    conflicts: tuple[Conflict, ...] = ()

    @property
    def revision(self) -> str:
        """Another one whenever lines or state are others, the same after a restart."""
        return hashlib.sha256("\n".join((self.state, *self.lines)).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Batch:
    """Edits as they came from a page; ``sender`` and ``number`` tell a batch that is sent again from a new one."""

    edits: Sequence[Edit]
    sender: str = ""
    number: int = 0
    undoes: bool = False
    """They take back what the same person did: where others have been there since, theirs stays."""
