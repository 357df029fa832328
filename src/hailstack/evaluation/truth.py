"""What is in the pictures that networks are judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets import Dataset, Objects, open_dataset
from hailstack.errors import ConfigError
from hailstack.evaluation.detection import DetectionScorer
from hailstack.evaluation.network import NetworkFacts
from hailstack.evaluation.score import Scorer

NAMES_SHOWN = 5
Item = TypeVar("Item")


class Truth(Protocol):
    """Labelled pictures of one split."""

    @property
    def split(self) -> str: ...

    @property
    def paths(self) -> Sequence[Path]: ...

    @property
    def names(self) -> Mapping[int, str]:
        """Class id → name."""
        ...

    def scorer(self, facts: NetworkFacts) -> Scorer:
        """What judges such a network.

        Raises:
            ConfigError: the network has other classes; the message names both.
        """
        ...

    def warnings(self, facts: NetworkFacts) -> Iterator[str]:
        """What looks odd, but need not be wrong."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectTruth:
    """Boxes with classes."""

    source: Path
    split: str
    paths: tuple[Path, ...]
    objects: tuple[Objects, ...]
    names: Mapping[int, str]

    @property
    def classes(self) -> int:
        """As many as have names, or as are there."""
        return len(self.names) or 1 + max((int(one.class_id.max(initial=-1)) for one in self.objects), default=-1)

    def scorer(self, facts: NetworkFacts) -> DetectionScorer:
        """The network's classes are the data's of the same names if the names are the same, else they follow the order
        of the data's class ids.
        """
        theirs, ours = list(facts.names), list(self._ranked.values())
        other = facts.classes != self.classes if ours else facts.classes < self.classes
        if facts.classes and other:
            message = (
                f"{facts.path} tells {facts.classes} classes apart{listed(theirs)}, {self.source} has "
                f"{self.classes}{listed(ours)}: other labels, or another network?"
            )
            raise ConfigError(message)
        return DetectionScorer(self.objects, self.names or dict(enumerate(facts.names)), self._ids_of(facts))

    @property
    def _ranked(self) -> Mapping[int, str]:
        return {key: self.names[key] for key in sorted(self.names)}

    def _ids_of(self, facts: NetworkFacts) -> NDArray[np.int32] | None:
        """The data's id of each of the network's classes; None: the same numbers."""
        if not self.names:
            return None
        by_name = {name.casefold(): key for key, name in self._ranked.items()}
        wanted = [name.casefold() for name in facts.names]
        same = sorted(wanted) == sorted(by_name) and len(by_name) == len(self.names)
        return np.array([by_name[name] for name in wanted] if same else list(self._ranked), np.int32)

    def warnings(self, facts: NetworkFacts) -> Iterator[str]:
        """See :class:`Truth`."""
        ids = self._ids_of(facts)
        paired = [] if ids is None else [(one, self.names[key]) for one, key in zip(facts.names, ids, strict=False)]
        if odd := [pair for pair in paired if pair[0].casefold() != pair[1].casefold()]:
            yield (
                f"{len(odd)} of {len(paired)} class names differ: {odd[0][0]!r} in {facts.path.name} is "
                f"{odd[0][1]!r} in {self.source.name}"
            )
        elif ids is not None and list(ids) != sorted(ids):
            yield (
                f"{facts.path.name} and {self.source.name} have the same class names in another order; they are "
                "matched by name"
            )


def read_objects(data: Path | Dataset, split: str | None, limit: int | None) -> ObjectTruth:
    """The labelled pictures of a split; those that nobody has labelled are left out.

    Args:
        split: None: ``val``, or the only one.
        limit: at most so many pictures, spread over all.

    Raises:
        NotFoundError, ConfigError: no dataset, no such split, or nothing in it is labelled.
    """
    dataset = data if isinstance(data, Dataset) else open_dataset(data)
    chosen = choose_split(dataset.source, tuple(dataset.splits), split)
    labelled = [(one.image, one.objects) for one in dataset.splits[chosen] if one.objects is not None]
    if not any(len(objects) for _, objects in labelled):
        message = (
            f"{dataset.source}: no object is labelled in any of {len(dataset.splits[chosen])} pictures of {chosen!r}"
        )
        raise ConfigError(message)
    strange = {int(one) for _, objects in labelled for one in objects.class_id} - set(dataset.names or ())
    if dataset.names and strange:
        message = (
            f"{dataset.source}: labels of {chosen!r} hold class {min(strange)}, which has no name there; hailstack "
            "data verify shows where"
        )
        raise ConfigError(message)
    kept = thin_out(labelled, limit)
    return ObjectTruth(
        dataset.source, chosen, tuple(one for one, _ in kept), tuple(one for _, one in kept), dataset.names
    )


def choose_split(source: Path, splits: Sequence[str], wanted: str | None) -> str:
    """The split of that name; None: ``val``, or the only one.

    Raises:
        ConfigError: there is none of that name.
    """
    if wanted is None and len(splits) == 1:
        return splits[0]
    chosen = wanted or "val"
    if chosen not in splits:
        message = f"{source}: has no split {chosen!r}; it has {', '.join(splits)} (--split)"
        raise ConfigError(message)
    return chosen


def thin_out(items: Sequence[Item], limit: int | None) -> list[Item]:
    """At most ``limit`` of them, evenly."""
    if limit is None or len(items) <= limit:
        return list(items)
    return [items[row * len(items) // limit] for row in range(limit)]


def listed(names: Sequence[str]) -> str:
    """Names in brackets, the first of them; empty if there are none."""
    more = ", …" if len(names) > NAMES_SHOWN else ""
    return f" ({', '.join(names[:NAMES_SHOWN])}{more})" if names else ""
