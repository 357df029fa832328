"""Which head reads a network's outputs: by their shape and role, never by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, TypeAlias

from hailstack.errors import InputError
from hailstack.heads.classification import bind_classification
from hailstack.heads.depth import bind_depth
from hailstack.heads.detection import bind_nms
from hailstack.heads.detectors import bind_detector
from hailstack.heads.embedding import bind_embedding, is_like_embedding
from hailstack.heads.end_to_end import bind_end_to_end
from hailstack.heads.face import bind_face
from hailstack.heads.hand import bind_hand
from hailstack.heads.movenet import bind_movenet
from hailstack.heads.outputs import Head, OutputFacts
from hailstack.heads.palm import bind_palm
from hailstack.heads.raw import RawHead
from hailstack.heads.semantic import bind_semantic
from hailstack.heads.settings import Binder, HeadSettings

HeadName: TypeAlias = Literal[
    "classification",
    "depth_estimation",
    "detection",
    "embedding",
    "face_detection",
    "fast_depth",
    "instance_segmentation",
    "landmarks",
    "midas",
    "monodepth2",
    "nms_on_host",
    "oriented_detection",
    "palm_detection",
    "pose",
    "raw",
    "scdepthv3",
    "semantic_segmentation",
]


def _bind_detection(outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
    return bind_detector("detection", outputs, settings) or bind_end_to_end(outputs, settings)


def _bind_faces(outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
    return bind_detector("face_detection", outputs, settings) or bind_face(outputs, settings)


def _bind_pose(outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
    return bind_movenet(outputs, settings) or bind_detector("pose", outputs, settings)


BINDERS: Mapping[HeadName, tuple[Binder, str]] = {
    "nms_on_host": (bind_nms, "one output with NMS"),
    "detection": (_bind_detection, "the maps of a detector, with its anchors where it has some, or a list of boxes"),
    "pose": (_bind_pose, "a detector's maps with one of key points for each level, or MoveNet's four maps"),
    "instance_segmentation": (partial(bind_detector, "instance_segmentation"), "a detector's maps and prototypes"),
    "oriented_detection": (
        partial(bind_detector, "oriented_detection"),
        "a detector's maps and angles",
    ),
    "palm_detection": (bind_palm, "scores and 18 numbers for each anchor of a palm detector"),
    "face_detection": (_bind_faces, "the maps of a face detector, or scores and 16 numbers for each of its anchors"),
    "landmarks": (bind_hand, "63 coordinates of a hand's 21 points, and one or two scores"),
    "semantic_segmentation": (bind_semantic, "a single map"),
    "embedding": (bind_embedding, "one vector"),
    "depth_estimation": (partial(bind_depth, "depth_estimation"), "a single map with one channel"),
    "scdepthv3": (partial(bind_depth, "scdepthv3"), "a single map with one channel"),
    "fast_depth": (partial(bind_depth, "fast_depth"), "a single map with one channel"),
    "monodepth2": (partial(bind_depth, "monodepth2"), "a single map with one channel"),
    "midas": (partial(bind_depth, "midas"), "a single map with one channel"),
    "classification": (bind_classification, "one output with a score a class"),
}
"""Head → what binds it, and what that needs, in words. ``auto`` takes the first that suits."""

TELLING: frozenset[HeadName] = frozenset(
    {
        "nms_on_host",
        "detection",
        "pose",
        "instance_segmentation",
        "oriented_detection",
        "palm_detection",
        "face_detection",
        "landmarks",
    }
)
"""Heads whose outputs look like nothing else: ``auto`` takes them where the HEF does not say what it is for."""


def choose_head(
    wanted: HeadName | Literal["auto"], outputs: Sequence[OutputFacts], settings: HeadSettings
) -> tuple[HeadName, Head]:
    """The head of that name, bound to the outputs it reads; ``auto`` takes what fits and ``raw`` if nothing does.

    Raises:
        InputError: the outputs do not suit the wanted head; the message lists them.
        ConfigError: there are more class names than classes.
    """
    if wanted == "raw":
        return "raw", RawHead()
    if wanted == "auto":
        return _suitable(outputs, settings)
    bind, needed = BINDERS[wanted]
    head = bind(outputs, settings)
    if head is None:
        listed = "; ".join(map(str, outputs))
        message = f"--postprocess {wanted} needs {needed}; this network has {listed}. Try --postprocess raw"
        raise InputError(message)
    return wanted, head


def _suitable(outputs: Sequence[OutputFacts], settings: HeadSettings) -> tuple[HeadName, Head]:
    """Where the HEF says what it is for, that decides. A vector beside other outputs is not taken for scores."""
    task = settings.facts.get("task") or settings.task
    for name, (bind, _) in BINDERS.items():
        wanted = name in ("nms_on_host", task) if task else name in TELLING or name == _of_vector(outputs, settings)
        head = bind(outputs, settings) if wanted else None
        if head is not None:
            return name, head
    return "raw", RawHead()


def _of_vector(outputs: Sequence[OutputFacts], settings: HeadSettings) -> HeadName | None:
    if len(outputs) != 1:
        return None
    return "embedding" if is_like_embedding(outputs[0], settings) else "classification"
