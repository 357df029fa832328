"""The demo's report: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from hailstack.demo.detector import LABELS, SCORE_THRESHOLD
from hailstack.demo.figures import bar_plot, curve_plot, detection_frame
from hailstack.demo.score import IOU, match
from hailstack.demo.show import Showing
from hailstack.demo.sinks import above
from hailstack.demo.truth import MIN_SIDE_PX, MIN_VISIBILITY
from hailstack.imaging import data_uri, raster
from hailstack.imaging.video import VideoFile
from hailstack.types import Image

DISTANCES_M = (0.0, 2.0, 3.0, 4.0, 5.0, 6.0)
"""Limits of the bars that show recall by distance."""
CROP_PX, CROP_SHOWN_PX = 72, 216


def write_page(shown: Showing) -> Path:
    """Write ``index.html`` and give its path."""
    middle = len(shown.truths) // 2
    pictures = _frames(shown.video, [0, middle, len(shown.truths) - 1])
    template = (files("hailstack.demo") / "data" / "page.html").read_text(encoding="utf-8")
    html = Template(template).substitute(
        summary=_summary(shown),
        tiles=_tiles(shown),
        frame=detection_frame(pictures[middle], above(shown.found[middle], SCORE_THRESHOLD), shown.truths[middle]),
        frame_number=middle,
        stages=_stages(shown, pictures),
        curves=curve_plot(list(zip(LABELS, shown.score.classes, strict=True)), SCORE_THRESHOLD),
        distances=bar_plot(recall_by_distance(shown), "distance in metres"),
        classes=_class_rows(shown),
        facts=_rows(_facts(shown)),
        times=_rows([(_STAGES[name], f"{seconds:.1f} s") for name, seconds in shown.seconds.items()]),
        files=_rows(_files(shown)),
        threshold=f"{SCORE_THRESHOLD:.2f}",
        iou=f"{IOU:.1f}",
        side=f"{MIN_SIDE_PX:.0f}",
        visible=f"{100 * MIN_VISIBILITY:.0f}",
        command=escape(f"hailstack run {shown.video} --net {shown.compiled.hef} --json -"),
    )
    shown.page.write_text(html, encoding="utf-8")
    return shown.page


_STAGES = {
    "film": "rendering the field and its truth, writing the video",
    "compile": "calibrating and compiling the detector for Hailo-8L",
    "infer": "decoding, inference on the emulated NPU, drawing, encoding",
}


def _frames(video: Path, numbers: Sequence[int]) -> dict[int, Image]:
    """Some frames of the video, as the network saw them."""
    clip = VideoFile(video)
    try:
        return {number: image for number, (_, image) in enumerate(clip.frames()) if number in numbers}
    finally:
        clip.close()


def _summary(shown: Showing) -> str:
    precision, recall = shown.score.overall.at(SCORE_THRESHOLD)
    wanted = shown.score.overall.wanted
    return (
        f"A robot's camera drives {shown.filming.drive.speed_m_s * len(shown.truths) / shown.filming.frame_rate:.1f} "
        f"metres along the rows of a rendered field. In {len(shown.truths)} frames {wanted} flowers are large and "
        f"visible enough to be asked for; the detector, compiled for Hailo-8L and run on the emulated NPU, finds "
        f"{100 * recall:.0f} % of them, and {100 * precision:.0f} % of what it reports is right."
    )


def _tiles(shown: Showing) -> str:
    precision, recall = shown.score.overall.at(SCORE_THRESHOLD)
    tiles = [
        (f"{precision:.3f}", "precision"),
        (f"{recall:.3f}", "recall"),
        (f"{shown.score.ap50:.3f}", "AP50, mean of the classes"),
        (f"{shown.outcome.fps:.1f}", "frames a second, whole pipeline, on this machine's CPU"),
        (f"{shown.compiled.estimate.fps:.0f}", "frames a second, estimated for a Hailo-8L chip"),
    ]
    return "".join(f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>' for value, name in tiles)


def _stages(shown: Showing, pictures: dict[int, Image]) -> str:
    """One near, well visible flower of each stage, enlarged."""
    figures = []
    for class_id, name in enumerate(LABELS):
        best = max(
            (
                (float(truth.visibility[row]) * float(_side(truth.xyxy[row])), number, row)
                for number in pictures
                for truth in [shown.truths[number]]
                for row in np.flatnonzero(truth.class_id == class_id)
            ),
            default=None,
        )
        if best is not None:
            crop = _crop(pictures[best[1]], shown.truths[best[1]].xyxy[best[2]])
            figures.append(
                f'<figure><img src="{data_uri(crop)}" width="{CROP_SHOWN_PX}" height="{CROP_SHOWN_PX}" '
                f'alt="A rendered flower, stage {name}"><figcaption>{name}</figcaption></figure>'
            )
    return "".join(figures)


def _side(xyxy: np.ndarray) -> float:
    return float(min(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1], CROP_PX))


def _crop(image: Image, xyxy: np.ndarray) -> Image:
    height, width = image.shape[:2]
    left = int(np.clip((xyxy[0] + xyxy[2]) / 2 - CROP_PX / 2, 0, width - CROP_PX))
    top = int(np.clip((xyxy[1] + xyxy[3]) / 2 - CROP_PX / 2, 0, height - CROP_PX))
    return raster.resize(image[top : top + CROP_PX, left : left + CROP_PX], CROP_SHOWN_PX, CROP_SHOWN_PX, "cubic")


def recall_by_distance(shown: Showing) -> list[tuple[str, float, int]]:
    """Which share of the wanted flowers is found, by their distance from the camera: name, share, out of how many."""
    depth, missed = [], []
    for found, truth in zip(shown.found, shown.truths, strict=True):
        matches = match(above(found, SCORE_THRESHOLD), truth)
        depth.append(truth.depth_m[truth.wanted])
        missed.append(matches.missed[truth.wanted])
    depths, lost = np.concatenate(depth), np.concatenate(missed)
    bars = []
    for near, far in zip(DISTANCES_M, (*DISTANCES_M[1:], np.inf), strict=True):
        inside = (depths >= near) & (depths < far)
        if inside.any():
            name = f"{near:.0f}–{far:.0f}" if far < np.inf else f"over {near:.0f}"  # noqa: RUF001
            bars.append((name, float(1.0 - lost[inside].mean()), int(inside.sum())))
    return bars


def _class_rows(shown: Showing) -> str:
    rows = []
    for name, curve in (*zip(LABELS, shown.score.classes, strict=True), ("all", shown.score.overall)):
        precision, recall = curve.at(SCORE_THRESHOLD)
        area = shown.score.ap50 if curve is shown.score.overall else curve.average_precision
        cells = [f"{precision:.3f}", f"{recall:.3f}", f"{area:.3f}", str(curve.wanted)]
        rows.append(f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')
    return "".join(rows)


def _facts(shown: Showing) -> list[tuple[str, str]]:
    compiled, estimate = shown.compiled, shown.compiled.estimate
    inputs = compiled.inputs[0].shape
    return [
        ("network", "anchor-free detector of this project, strides 8, 16 and 32; trained on rendered fields alone"),
        ("parameters", f"{estimate.parameters / 1e6:.2f} million"),
        ("multiply-adds a frame", f"{estimate.macs / 1e9:.2f} billion"),
        ("input", f"{inputs.width} x {inputs.height} RGB, 8 bits"),
        ("arithmetic", "int8 weights, uint8 activations"),
        ("calibration", f"{compiled.calibration.count} pictures of three other fields"),
        ("HEF", f"{compiled.size_bytes / 1e6:.2f} MB for {compiled.target}, for the emulated NPU"),
        ("speed on the chip", "a rough estimate from the vendor's published tables"),
    ]


def _files(shown: Showing) -> list[tuple[str, str]]:
    entries = [
        ("annotated video", shown.annotated),
        ("detections, a JSON line a frame", shown.detections),
        ("the video as rendered", shown.video),
        ("truth, a JSON line a frame", shown.folder / "truth.jsonl"),
        ("compiled model", shown.compiled.hef),
    ]
    return [(name, f'<a href="{path.relative_to(shown.folder).as_posix()}">{path}</a>') for name, path in entries]


def _rows(pairs: Sequence[tuple[str, str]]) -> str:
    return "".join(f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in pairs)
