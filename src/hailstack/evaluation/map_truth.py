"""Pictures with a number for every pixel: distances, or classes.

The map of ``a/images/b/c.jpg`` is ``a/depth/b/c.npy`` (or ``masks``), or beside it ``c.npy``, ``c_depth.png``
(``c_mask.png``), or ``c.png`` where the picture itself is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hailstack.errors import ConfigError, NotFoundError
from hailstack.evaluation.depth import DepthScorer
from hailstack.evaluation.network import NetworkFacts
from hailstack.evaluation.score import Scorer
from hailstack.evaluation.segmentation import SegmentationScorer
from hailstack.evaluation.truth import choose_split, thin_out
from hailstack.imaging import IMAGE_SUFFIXES

FOLDERS: Mapping[str, tuple[str, ...]] = {"depth": ("depth", "depths"), "mask": ("masks", "mask")}
SPLITS = frozenset({"train", "val", "test"})


@dataclass(frozen=True, slots=True)
class MapTruth:
    """See :class:`hailstack.evaluation.truth.Truth`."""

    split: str
    paths: tuple[Path, ...]
    maps: tuple[Path, ...]
    kind: Literal["depth", "mask"]
    names: Mapping[int, str] = field(default_factory=dict)

    def scorer(self, facts: NetworkFacts) -> Scorer:
        """Depth networks are judged by distances, others by the class of each pixel."""
        return DepthScorer(self.maps) if self.kind == "depth" else SegmentationScorer(self.maps, facts)

    def warnings(self, facts: NetworkFacts) -> Iterator[str]:
        """None."""
        return iter(())


def read_depths(data: Path, split: str | None, limit: int | None) -> MapTruth:
    """Pictures with distances: :func:`read_maps`."""
    return read_maps(data, "depth", split, limit)


def read_masks(data: Path, split: str | None, limit: int | None) -> MapTruth:
    """Pictures with classes of pixels: :func:`read_maps`."""
    return read_maps(data, "mask", split, limit)


def read_maps(data: Path, kind: Literal["depth", "mask"], split: str | None, limit: int | None) -> MapTruth:
    """The pictures in a folder that have a map.

    Args:
        split: a subfolder (also of ``images``); None: ``val``, if there is one, else all.
        limit: at most so many pictures, spread over all.

    Raises:
        NotFoundError: there is no such folder.
        ConfigError: no picture has a map, or there is no such split.
    """
    if not data.is_dir():
        message = f"{data}: no such folder of pictures with maps"
        raise NotFoundError(message)
    root = data / "images" if (data / "images").is_dir() else data
    splits = sorted(one.name for one in root.iterdir() if one.is_dir() and one.name in SPLITS)
    chosen = choose_split(data, splits or ["all"], split)
    folder = root / chosen if splits else root
    found = [(path, there) for path in sorted(folder.rglob("*")) if (there := _map_of(path, data, kind)) is not None]
    if not found:
        message = f"{data}: no picture has a map; expected are {_expected(kind)}"
        raise ConfigError(message)
    kept = thin_out(found, limit)
    return MapTruth(chosen, tuple(path for path, _ in kept), tuple(there for _, there in kept), kind)


def _expected(kind: str) -> str:
    return (
        f"{FOLDERS[kind][0]}/NAME.npy or .png for images/NAME.jpg, or NAME.npy or NAME_{kind}.png beside the picture"
    )


def _map_of(picture: Path, data: Path, kind: str) -> Path | None:
    if picture.suffix.lower() not in IMAGE_SUFFIXES or picture.stem.endswith(f"_{kind}"):
        return None
    inner = picture.relative_to(data)
    within = inner.relative_to("images") if inner.parts[0] == "images" else inner
    places = [data / folder / within.with_suffix(end) for folder in FOLDERS[kind] for end in (".npy", ".png")]
    places += [
        picture.with_suffix(".npy"),
        picture.with_name(f"{picture.stem}_{kind}.png"),
        picture.with_suffix(".png"),
    ]
    return next((one for one in places if one != picture and one.is_file()), None)
