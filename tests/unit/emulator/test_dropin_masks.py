"""A segmenting detector, written as a HEF and run by programs over the drop-in, from picture to masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from dropin_programs import open_device, own_chips, params_of  # noqa: F401
from hailo_platform import HEF, InferVStreams
from onnx import TensorProto, helper, numpy_helper

from hailstack.hef import (
    EMULATED_GRAPH,
    AnchorDecoder,
    Direction,
    HefBlueprint,
    NmsOp,
    QuantInfo,
    Shape,
    StreamPlan,
    write_hef,
)
from hailstack.hef import FormatOrder as DeviceOrder

pytestmark = pytest.mark.usefixtures("own_chips")

GRID, IMAGE, CLASSES, COEFFICIENTS = 8, 64, 2, 32
CHANNELS = 5 + CLASSES + COEFFICIENTS
MASKS = "seg/yolov5_seg_post_process"
HALF = QuantInfo(128.0, 0.1, -12.8, 12.7)


@pytest.fixture(scope="module")
def seg_hef(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose picture is its own head: one anchor of 16 pixels a cell, and one prototype that is positive in
    the left half of the image."""
    prototypes = np.full((1, 16, 16, COEFFICIENTS), 128, np.uint8)
    prototypes[0, :, :8, 0], prototypes[0, :, 8:, 0] = 255, 0
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["head"]), helper.make_node("Identity", ["known"], ["proto"])],
        "seg",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, GRID, GRID, CHANNELS])],
        [
            helper.make_tensor_value_info("head", TensorProto.UINT8, [1, GRID, GRID, CHANNELS]),
            helper.make_tensor_value_info("proto", TensorProto.UINT8, [1, 16, 16, COEFFICIENTS]),
        ],
        [numpy_helper.from_array(prototypes, "known")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    op = NmsOp(
        name="",
        output=MASKS,
        inputs=("seg/conv1", "seg/conv2"),
        kind="YOLOV5SEG",
        score_threshold=0.3,
        iou_threshold=0.5,
        classes=CLASSES,
        max_proposals_per_class=5,
        max_proposals_total=10,
        image_height=IMAGE,
        image_width=IMAGE,
        anchor_decoders=(AnchorDecoder("seg/conv1", 8, (16.0,), (16.0,)),),
        mask_threshold=0.5,
        proto_stream="seg/conv2",
        proto_stride=4,
        max_accumulated_mask_size=8192,
    )
    outputs = {"seg/conv1": "head", "seg/conv2": "proto"}
    blueprint = HefBlueprint(
        group_name="seg",
        streams=(
            StreamPlan("seg/input_layer1", Direction.H2D, Shape(GRID, GRID, CHANNELS)),
            StreamPlan("seg/conv1", Direction.D2H, Shape(GRID, GRID, CHANNELS), order=DeviceOrder.NHCW, quant=HALF),
            StreamPlan("seg/conv2", Direction.D2H, Shape(16, 16, COEFFICIENTS), order=DeviceOrder.NHCW, quant=HALF),
        ),
        ops=(op,),
        graphs={EMULATED_GRAPH: model.SerializeToString()},
        meta={
            "groups": {"seg": {"graph": EMULATED_GRAPH, "inputs": {"seg/input_layer1": "image"}, "outputs": outputs}}
        },
    )
    path = tmp_path_factory.mktemp("seg") / "seg.hef"
    write_hef(path, blueprint)
    return path


@pytest.fixture
def pictures() -> np.ndarray:
    """One frame with an object of class 1 on the border of the prototype and one of class 0 right of it, one empty."""
    frames = np.zeros((2, GRID, GRID, CHANNELS), np.uint8)
    for rank, (row, column, class_id) in enumerate([(2, 3, 1), (5, 6, 0)]):
        cell = frames[0, row, column]
        cell[:4], cell[4], cell[5 + class_id] = 128, 255 - rank, 255
        cell[5 + CLASSES :] = 128
        cell[5 + CLASSES] = 200
    return frames


def check_masks(found: Any) -> None:
    assert [one.class_id for one in found] == [1, 0]
    assert found[0].score > found[1].score > 0.9
    sides = [round(IMAGE * side) for side in (found[0].y_min, found[0].x_min, found[0].y_max, found[0].x_max)]
    assert sides == [12, 20, 28, 36]
    rows = found[0].mask.reshape(16, 16)
    assert rows[:, :11].all()
    assert not rows[:, 13:].any()
    assert not found[1].mask.any()


def test_a_batch_gives_each_frame_its_masks(seg_hef: Path, pictures: np.ndarray) -> None:
    with open_device() as device:
        (group,) = device.configure(HEF(str(seg_hef)))
        with InferVStreams(group, *params_of(group)) as pipeline:
            found = pipeline.infer(pictures)[MASKS]
            check_masks(found[0])
            assert len(found[1]) == 0
            pipeline.set_nms_score_threshold(1.0)
            assert [len(one) for one in pipeline.infer(pictures)[MASKS]] == [0, 0]


def test_models_give_masks(seg_hef: Path, pictures: np.ndarray) -> None:
    with open_device() as device:
        model = device.create_infer_model(str(seg_hef))
        size = model.output().shape[0]
        with model.configure() as configured:
            bindings = configured.create_bindings(output_buffers={MASKS: np.empty(size, np.uint8)})
            bindings.input().set_buffer(pictures[0])
            configured.run([bindings], 1000)
            check_masks(bindings.output().get_buffer())
