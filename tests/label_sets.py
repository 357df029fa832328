"""Datasets on disk and in memory for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from hailstack.datasets import Dataset, Objects, Sample, open_dataset
from hailstack.errors import HailstackError

SIZE = (64, 48)


def write_picture(file: Path, shade: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """A small picture whose pixels depend on ``shade``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(shade).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    done, data = cv2.imencode(file.suffix, pixels)
    assert done
    file.write_bytes(data.tobytes())
    return file


def shares(low: float = 0.0, high: float = 1.0) -> st.SearchStrategy[float]:
    """Numbers of six decimals, as label files have them."""
    return st.integers(round(low * 10**6), round(high * 10**6)).map(lambda number: number / 10**6)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Centre, width and height; partly outside, now and then."""
    return draw(shares(-0.2, 1.2)), draw(shares(-0.2, 1.2)), draw(shares(0.0, 0.7)), draw(shares(0.0, 0.7))


def dataset_of(folder: Path, splits: Mapping[str, Mapping[str, Objects | None]], **rest: Any) -> Dataset:
    """Pictures that are written to ``folder``, with these objects."""
    shade = iter(range(10**6))
    found = {
        split: tuple(
            Sample(write_picture(folder / split / name, next(shade)), objects, SIZE)
            for name, objects in samples.items()
        )
        for split, samples in splits.items()
    }
    return Dataset(folder, **{"names": {0: "cat", 1: "dog"}, "splits": found, **rest})


def box_objects(rows: list[tuple[int, tuple[float, float, float, float]]]) -> Objects:
    """Objects from class and centre, width, height."""
    centres = np.array([box for _, box in rows], float).reshape(-1, 4)
    corners = np.hstack([centres[:, :2] - centres[:, 2:] / 2, centres[:, :2] + centres[:, 2:] / 2])
    return Objects(corners, np.array([class_id for class_id, _ in rows], np.int32))


JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})


def put_junk(data: st.DataObject, content: Any) -> None:
    """Replace one to three places of a JSON document, wherever they lie, by something else."""
    for _ in range(data.draw(st.integers(1, 3))):
        place = content
        while True:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.booleans()):
                break
            place = place[key]
        place[key] = data.draw(JUNK)


def demand_read_or_refused(file: Path) -> None:
    """A dataset whose boxes are whole, or an error that names the file."""
    try:
        dataset = open_dataset(file)
    except HailstackError as error:
        assert str(file) in str(error)
    else:
        assert all(len(one.objects.relative_xyxy) == len(one.objects) for one in dataset.samples if one.objects)
