"""Rendered photos with their labels: the same every time, told to belong together, and nothing is written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from hailstack.datasets.formats import open_dataset
from hailstack.datasets.sequences import sequence_of
from hailstack.datasets.verify import verify
from hailstack.demo.photos import write_photos
from hailstack.errors import InputError


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos") / "field", 18, 160)


def test_every_photo_is_labelled_and_belongs_to_its_field(photos: Path) -> None:
    dataset = open_dataset(photos)
    samples = [sample for part in dataset.splits.values() for sample in part]
    assert len(samples) == 18
    assert sorted({sequence_of(sample.image) for sample in samples}) == ["field000", "field001", "field002"]
    assert sum(len(sample.objects or ()) for sample in samples) > 30
    assert list(dataset.names.values()) == ["bud", "open", "wilted"]


def test_nothing_is_wrong_with_the_labels(photos: Path) -> None:
    errors = [one for one in verify(photos.parent).findings if one.severity == "error"]
    assert errors == []


def test_a_seed_always_gives_the_same_photos(photos: Path, tmp_path: Path) -> None:
    again = write_photos(tmp_path / "again", 2, 160).parent
    other = write_photos(tmp_path / "other", 1, 160, seed=1).parent
    for name in ("images/field000/field000_1.jpg", "labels/field000/field000_1.txt"):
        assert (again / name).read_bytes() == (photos.parent / name).read_bytes()
    first = "images/field000/field000_0.jpg"
    assert (other / first).read_bytes() != (photos.parent / first).read_bytes()


def test_what_is_there_is_not_written_over(photos: Path) -> None:
    with pytest.raises(InputError, match="is not empty"):
        write_photos(photos.parent, 1, 160)
