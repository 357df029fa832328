"""Labelled photos of rendered flowers: a dataset to try the road from photos to a HEF on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets import Objects
from hailstack.datasets.yolo_label import write_label
from hailstack.datasets.yolo_write import write_data_yaml
from hailstack.demo.camera import Camera, Lens, Pose
from hailstack.demo.field import STAGES, FieldPlan, grow
from hailstack.demo.look import Look
from hailstack.demo.render import Rendered, render
from hailstack.demo.scenery import FAR_M, Scenery, build
from hailstack.demo.truth import FlowerTruth
from hailstack.errors import InputError
from hailstack.files import unwritable
from hailstack.imaging import write_image

SHOTS = 8
"""Photos of each field. Their names say that they belong together."""
MIN_SIDE = 0.05
"""Flowers whose longer side would be a smaller share of the photo's width are picked before, ..."""
MIN_VISIBILITY = 0.6
"""... and so are those of which less would be seen."""


def write_photos(
    folder: Path,
    count: int = 200,
    width_px: int = 480,
    seed: int = 0,
    progress: Callable[[str, int, int | None], None] = lambda stage, done, total: None,
) -> Path:
    """The ``data.yaml`` of a new YOLO dataset, not split: photos of many fields, taken from above, the flowers boxed.

    Args:
        width_px: of a photo; its height is 9/16 of that.
        seed: another one, other fields.
        progress: told how many are done.

    Raises:
        InputError: there is something in ``folder`` already, or it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder}: is {'not empty' if folder.is_dir() else 'a file'}; name a new folder"
        raise InputError(message)
    for number, photo in enumerate(_photos(seed, count, width_px)):
        series = f"field{number // SHOTS:03d}"
        places = [_folder(folder / part / series) / f"{series}_{number % SHOTS}" for part in ("images", "labels")]
        write_image(places[0].with_suffix(".jpg"), photo.image)
        write_label(places[1].with_suffix(".txt"), _objects(photo))
        progress("photos", number + 1, count)
    return write_data_yaml(folder, dict(enumerate(STAGES)), {})


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def _photos(seed: int, count: int, width_px: int) -> Iterator[Rendered]:
    lens = Lens(width_px, width_px * 9 // 16, width_px * 1.3)
    for number in range(count):
        if number % SHOTS == 0:
            sown = 1000 * (seed + 1) + number // SHOTS
            rng = np.random.default_rng([sown, 11])
            plan = FieldPlan(flowers_per_plant=float(rng.uniform(9.0, 13.0)), missing=0.05)
            scenery = build(grow(sown, plan), Look.of_seed(sown))
        camera, time_s = Camera(lens, _pose(rng, plan)), float(rng.uniform(0, 60))
        picked = _hidden(render(scenery, camera, time_s).truth, width_px)
        yield render(_without(scenery, picked), camera, time_s, sensor_seed=sown * 1000 + number)


def _hidden(truth: FlowerTruth, width_px: int) -> NDArray[np.int32]:
    """Flowers in view of which nobody could say where they end; they are picked before the photo is taken."""
    sides = (truth.xyxy[:, 2:] - truth.xyxy[:, :2]).max(axis=1, initial=0.0)
    hidden: NDArray[np.int32] = truth.flower[(sides < MIN_SIDE * width_px) | (truth.visibility < MIN_VISIBILITY)]
    return hidden


def _without(scenery: Scenery, picked: NDArray[np.int32]) -> Scenery:
    left = (mesh.take(~np.isin(mesh.flower, picked)) for mesh in (scenery.blossoms, scenery.far_blossoms))
    return replace(scenery, blossoms=next(left), far_blossoms=next(left))


def _pose(rng: np.random.Generator, plan: FieldPlan) -> Pose:
    """Somebody who walks between the rows and looks down at the plants."""
    across = plan.row_spacing_m / 2 + rng.normal(0.0, 0.15)
    place = (across, rng.uniform(0.8, plan.length_m - FAR_M), rng.normal(0.95, 0.04))
    return Pose.looking(place, rng.normal(0.0, 20.0), rng.normal(58.0, 4.0), rng.normal(0.0, 2.0))


def _objects(photo: Rendered) -> Objects:
    height, width = photo.image.shape[:2]
    size = np.array([width, height, width, height], np.float64)
    return Objects(photo.truth.xyxy / size, photo.truth.class_id)
