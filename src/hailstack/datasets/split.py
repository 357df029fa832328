"""Which pictures a network learns from and which it is judged by: splits without leaks, the same on every machine."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hailstack.datasets.belonging import Grouping, belong_together, listed
from hailstack.datasets.dealing import NOTHING, Group, deal
from hailstack.datasets.model import Dataset, Sample
from hailstack.datasets.picture_files import plain
from hailstack.datasets.voc import read_voc
from hailstack.datasets.yolo import unlisted_samples
from hailstack.errors import InputError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How to split."""

    val: float = 0.15
    """Share of the pictures."""
    test: float | None = None
    """None: pictures that are in ``test`` stay there, and no others come to it."""
    seed: int | None = None
    """None: pictures stay in the split that they are in, and new ones are dealt; a number: all are dealt anew."""
    grouping: Grouping = "auto"

    def shares(self, kept: float = 0.0) -> Mapping[str, float]:
        """Split → share that it is to be filled to.

        Args:
            kept: the share of pictures that stay in ``test``, to which no others come.

        Raises:
            InputError: they are no shares, or leave nothing to train on.
        """
        test = self.test or 0.0
        if not (0 <= self.val < 1 and 0 <= test < 1 and 0 < self.val + test + kept < 1):
            message = (
                f"val {self.val} and test {test or kept:.3g} are shares of the pictures: 0 to 1, together above 0 and "
                "below 1"
            )
            raise InputError(message)
        shares = {"train": 1 - self.val - test - kept, "val": self.val, "test": test}
        return {split: share for split, share in shares.items() if share > 0 or (split == "test" and kept)}


@dataclass(frozen=True, slots=True)
class Division:
    """A dataset's pictures in their splits."""

    names: Mapping[int, str]
    """Class id → name."""
    splits: Mapping[str, tuple[Sample, ...]]
    unlabelled: tuple[Sample, ...]
    """In no split: a trainer would take them for empty."""
    groups: Mapping[str, int]
    """Split → groups in it."""
    moved: int
    """Pictures that were in another split before."""
    dealt: int
    """Pictures that were in none."""
    notes: tuple[str, ...]
    """What people should know, in sentences."""


def divide(
    dataset: Dataset, options: SplitOptions, progress: Callable[[int, int], None] = lambda done, total: None
) -> Division:
    """Deal a dataset's labelled pictures to splits. Nothing is written.

    Args:
        progress: told how many pictures have been looked at, of how many.

    Raises:
        InputError: the shares make no sense, nothing is labelled, or all pictures are one group.
    """
    before = _before(dataset)
    if dataset.kind == "voc":  # its lists hide pictures, and classes with them
        dataset = read_voc(dataset.source, listed=False)
    everything = sorted(_everything(dataset), key=lambda sample: _key(dataset, sample))
    samples = [sample for sample in everything if sample.objects is not None]
    kept = {one.image: "test" for one in samples if options.test is None and before.get(one.image) == "test"}
    if len(samples) == len(kept):
        message = f"{dataset.source}: not one picture is labelled (hailstack data annotate); there is nothing to split"
        raise InputError(message)
    shares = options.shares(len(kept) / len(samples))
    together = belong_together(samples, options.grouping, progress)
    past = {**(_past(before, shares) if options.seed is None else {}), **kept}
    groups = _summed(dataset, samples, together.roots, past)
    if len(groups) == 1:
        message = (
            f"{dataset.source}: all {len(samples)} pictures belong together (one video, or all look alike), so that "
            "no split is without leaks; --group none deals single pictures"
        )
        raise InputError(message)
    dealt = deal(list(groups.values()), shares, options.seed or 0)
    split_of = {one.image: dealt[groups[root].key] for one, root in zip(samples, together.roots, strict=True)}
    was = before if _is_split(before) else {}
    return Division(
        dataset.names,
        {split: tuple(one for one in samples if split_of[one.image] == split) for split in SPLITS},
        tuple(one for one in everything if one.objects is None),
        Counter(dealt.values()),
        sum(was.get(image, split) != split for image, split in split_of.items()),
        sum(image not in was for image in split_of),
        (
            *together.notes(split_of, samples),
            *_short(shares, samples, split_of, bool(past)),
            *_missing(dataset, samples, split_of, shares),
        ),
    )


def _before(dataset: Dataset) -> Mapping[Path, str]:
    """Picture → the first split that it is in."""
    found: dict[Path, str] = {}
    for split, samples in dataset.splits.items():
        for sample in samples:
            found.setdefault(plain(sample.image), split)
    return found


def _everything(dataset: Dataset) -> Sequence[Sample]:
    """All samples once, those that are in no split, too."""
    unlisted = unlisted_samples(dataset) if dataset.kind == "yolo" else []
    found = {plain(sample.image): sample for sample in [*unlisted, *dataset.samples]}
    return [replace(sample, image=place) for place, sample in found.items()]


def _key(dataset: Dataset, sample: Sample) -> str:
    """A picture's place in its dataset, spelled alike on every system."""
    place = os.path.relpath(sample.image, dataset.folder).replace(os.sep, "/")
    return unicodedata.normalize("NFC", place)


def _is_split(before: Mapping[Path, str]) -> bool:
    """A dataset whose pictures are all in ``train`` has been split by nobody."""
    return len(set(before.values()) & set(SPLITS)) > 1


def _past(before: Mapping[Path, str], shares: Mapping[str, float]) -> Mapping[Path, str]:
    """Where pictures are and may stay. If a wanted split is not there yet, it is filled from ``train``."""
    if not _is_split(before):
        return {}
    there = set(before.values())
    is_whole = all(split in there for split in shares)
    return {place: split for place, split in before.items() if split in shares and (is_whole or split != "train")}


def _summed(
    dataset: Dataset, pool: Sequence[Sample], roots: Sequence[int], past: Mapping[Path, str]
) -> Mapping[int, Group]:
    """Root → its group. One in several splits goes to ``test`` if any of it is there, else to where most of it is."""
    members: dict[int, list[Sample]] = {}
    for sample, root in zip(pool, roots, strict=True):
        members.setdefault(root, []).append(sample)
    return {root: _group(dataset, found, past) for root, found in members.items()}


def _group(dataset: Dataset, samples: Sequence[Sample], past: Mapping[Path, str]) -> Group:
    classes = Counter[int](label for sample in samples for label in _labels(sample))
    splits = Counter(past[sample.image] for sample in samples if sample.image in past)
    most = "test" if splits["test"] else max(splits, key=lambda one: (splits[one], -SPLITS.index(one)), default=None)
    return Group(min(_key(dataset, sample) for sample in samples), len(samples), classes, most)


def class_counts(samples: Sequence[Sample]) -> Counter[int]:
    """Class → pictures that have it."""
    return Counter(label for sample in samples for label in _labels(sample) - {NOTHING})


def _labels(sample: Sample) -> set[int]:
    found = set() if sample.objects is None else set(sample.objects.class_id.tolist())
    return found or {NOTHING}


def _short(
    shares: Mapping[str, float], samples: Sequence[Sample], split_of: Mapping[Path, str], kept: bool
) -> list[str]:
    """Splits that are far from the share that was asked for."""
    counts = Counter(split_of[sample.image] for sample in samples)
    why = (
        "pictures stay where they are; --seed N deals all anew"
        if kept
        else "rare classes come first, and what belongs together stays together"
    )
    return [
        f"{split} has {counts[split] / len(samples):.1%} of the pictures, not {share:.1%}: {why}"
        for split, share in shares.items()
        if split != "train"
        and share
        and abs(counts[split] / len(samples) - share) > max(0.25 * share, 1 / len(samples))
    ]


def _missing(
    dataset: Dataset, samples: Sequence[Sample], split_of: Mapping[Path, str], shares: Mapping[str, float]
) -> list[str]:
    """Classes that a split has no picture of."""
    found: dict[str, set[int]] = {split: set() for split in shares}
    for sample in samples:
        found.setdefault(split_of[sample.image], set()).update(_labels(sample) - {NOTHING})
    every = set().union(*found.values())
    return [
        f"{split} has no picture of {listed([dataset.name(i) for i in sorted(every - ids)])}"
        for split, ids in found.items()
        if every - ids
    ]
