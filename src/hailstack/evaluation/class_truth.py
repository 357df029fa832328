"""Pictures with one class each: a folder a class, or a CSV file ``picture,class``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hailstack.datasets.class_list import read_class_list
from hailstack.errors import ConfigError, NotFoundError
from hailstack.evaluation.classification import ClassificationScorer
from hailstack.evaluation.network import NetworkFacts
from hailstack.evaluation.truth import choose_split, listed, thin_out
from hailstack.imaging import IMAGE_SUFFIXES

SPLITS = frozenset({"train", "val", "valid", "validation", "test"})
"""Names of folders that hold folders of classes."""


@dataclass(frozen=True, slots=True)
class ClassTruth:
    """See :class:`hailstack.evaluation.truth.Truth`."""

    source: Path
    split: str
    paths: tuple[Path, ...]
    words: tuple[str, ...]
    """Class of each picture, by name or id."""
    kinds: tuple[str, ...]
    """All classes of the data, sorted by name."""

    @property
    def names(self) -> Mapping[int, str]:
        """In alphabetical order, as the usual trainers count folders."""
        return dict(enumerate(self.kinds))

    def scorer(self, facts: NetworkFacts) -> ClassificationScorer:
        """Classes are found by name where the network knows names, by number where they are numbers, else they count
        in alphabetical order, if there are as many as the network tells apart.
        """
        ids = self._class_ids(facts)
        known = dict(enumerate(facts.names)) or {row: word for word, row in ids.items()}
        return ClassificationScorer([ids[word] for word in self.words], known)

    def _class_ids(self, facts: NetworkFacts) -> Mapping[str, int]:
        places = {_plainly(name): row for row, name in reversed(list(enumerate(facts.names)))}
        if all(_plainly(word) in places for word in self.kinds):
            return {word: places[_plainly(word)] for word in self.kinds}
        numbers = {word: int(word) for word in self.kinds if word.isdecimal()}
        if len(numbers) == len(self.kinds) and (not facts.classes or max(numbers.values()) < facts.classes):
            return numbers
        if not facts.names and len(self.kinds) == facts.classes:
            return {word: row for row, word in enumerate(self.kinds)}
        unknown = [word for word in self.kinds if _plainly(word) not in places]
        message = (
            f"{facts.path} tells {facts.classes} classes apart{listed(facts.names)}, {self.source} has "
            f"{len(self.kinds)}{listed(self.kinds)}; not known to the network: {', '.join(unknown[:3])}"
        )
        raise ConfigError(message)

    def warnings(self, facts: NetworkFacts) -> Iterator[str]:
        """See :class:`hailstack.evaluation.truth.Truth`."""
        if not facts.names and not all(word.isdecimal() for word in self.kinds):
            yield f"{facts.path.name} has no class names: its classes are taken to be the data's in alphabetical order"


def _plainly(name: str) -> str:
    return name.casefold().replace("_", " ").strip()


def read_classes(data: Path, split: str | None, limit: int | None) -> ClassTruth:
    """The pictures of a split with their classes.

    Args:
        data: a CSV file, whose pictures are found from its folder; or a folder with a subfolder a class, or with
            ``train``, ``val`` … that have these.
        split: None: ``val``, or the only one.
        limit: at most so many pictures, spread over all.

    Raises:
        NotFoundError: there is nothing at the path, or a listed picture is not there.
        ConfigError: no picture has a class, or there is no such split.
    """
    if data.is_file():
        chosen, found = "all", list(_listed_pictures(data))
    elif data.is_dir():
        splits = sorted(one.name for one in data.iterdir() if one.is_dir() and one.name in SPLITS)
        chosen = choose_split(data, splits or ["all"], split)
        found = list(_sorted_pictures(data / chosen if splits else data))
    else:
        message = f"{data}: no such folder with a subfolder for each class, nor CSV file picture,class"
        raise NotFoundError(message)
    if not found:
        message = f"{data}: no picture with a class; a folder for each class, or a CSV file picture,class, is expected"
        raise ConfigError(message)
    kept = thin_out(found, limit)
    kinds = tuple(sorted({word for _, word in found}))
    return ClassTruth(data, chosen, tuple(path for path, _ in kept), tuple(word for _, word in kept), kinds)


def _listed_pictures(file: Path) -> Iterator[tuple[Path, str]]:
    for place, one in enumerate(read_class_list(file)):
        path = file.parent / one.picture
        if path.suffix.lower() not in IMAGE_SUFFIXES and not place:
            continue  # headings
        if not path.is_file():
            message = f"{one.where}: there is no picture {path}"
            raise NotFoundError(message)
        yield path, one.word


def _sorted_pictures(folder: Path) -> Iterator[tuple[Path, str]]:
    for kind in sorted(one for one in folder.iterdir() if one.is_dir()):
        for path in sorted(kind.rglob("*")):
            if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
                yield path, kind.name
