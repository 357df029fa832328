"""What is in the pictures that networks are judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

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
        """See :class:`Truth`."""
        theirs, ours = list(facts.names), [self.names[key] for key in sorted(self.names)]
        named = facts.classes != self.classes if ours else facts.classes < self.classes
        if facts.classes and named:
            message = (
                f"{facts.path} tells {facts.classes} classes apart{listed(theirs)}, {self.source} has "
                f"{self.classes}{listed(ours)}: other labels, or another network?"
            )
            raise ConfigError(message)
        if theirs and ours and theirs != ours and sorted(theirs) == sorted(ours):
            row = next(row for row, name in enumerate(theirs) if name != ours[row])
            message = (
                f"class {row} is {theirs[row]!r} in {facts.path}, but {ours[row]!r} in {self.source}: the same "
                "names in another order; write them in the network's order, with the labels' class ids to match"
            )
            raise ConfigError(message)
        return DetectionScorer(self.objects, self.names or dict(enumerate(facts.names)))

    def warnings(self, facts: NetworkFacts) -> Iterator[str]:
        """See :class:`Truth`."""
        other = [(mine, self.names.get(row, mine)) for row, mine in enumerate(facts.names)]
        if odd := [pair for pair in other if pair[0].casefold() != pair[1].casefold()]:
            yield (
                f"{len(odd)} of {len(other)} class names differ: {odd[0][0]!r} in {facts.path.name} is "
                f"{odd[0][1]!r} in {self.source.name}"
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
