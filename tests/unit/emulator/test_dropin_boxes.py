"""Boxes as programs over the drop-in get them, in every shape they may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from dropin_programs import open_device, own_chips, params_of, play  # noqa: F401
from hailo_platform import HEF, FormatOrder, InferVStreams, InputVStreams, OutputVStreams
from hailo_platform.pyhailort import _pyhailort
from hailo_platform.pyhailort import pyhailort as hailort
from onnx import TensorProto, helper, numpy_helper

from hailstack.hef import (
    EMULATED_GRAPH,
    Direction,
    HefBlueprint,
    NmsOp,
    QuantInfo,
    RegClsDecoder,
    Shape,
    StreamPlan,
    write_hef,
)
from hailstack.hef import FormatOrder as DeviceOrder

pytestmark = pytest.mark.usefixtures("own_chips")
NHCW = DeviceOrder.NHCW

BINS, CLASSES = 2, 4
BOXES = "boxes/yolov8_nms_postprocess"


@pytest.fixture(scope="module")
def boxes_hef(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector whose picture is its own result: 2x2 cells, eight channels of box bins, four of class scores."""
    channels = 4 * BINS + CLASSES
    split = numpy_helper.from_array(np.array([4 * BINS, CLASSES], np.int64), "sizes")
    graph = helper.make_graph(
        [helper.make_node("Split", ["image", "sizes"], ["reg", "cls"], axis=3)],
        "boxes",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 2, 2, channels])],
        [
            helper.make_tensor_value_info("reg", TensorProto.UINT8, [1, 2, 2, 4 * BINS]),
            helper.make_tensor_value_info("cls", TensorProto.UINT8, [1, 2, 2, CLASSES]),
        ],
        [split],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    score = QuantInfo(0, 1 / 256, 0, 1)
    op = NmsOp(
        name="",
        output=BOXES,
        inputs=("boxes/conv1", "boxes/conv2"),
        kind="YOLOV8",
        score_threshold=0.5,
        iou_threshold=0.7,
        classes=CLASSES,
        max_proposals_per_class=4,
        image_height=32,
        image_width=32,
        decoders=(RegClsDecoder(stride=16, reg="boxes/conv1", cls="boxes/conv2"),),
        regression_length=BINS,
    )
    blueprint = HefBlueprint(
        group_name="boxes",
        streams=(
            StreamPlan("boxes/input_layer1", Direction.H2D, Shape(2, 2, channels)),
            StreamPlan("boxes/conv1", Direction.D2H, Shape(2, 2, 4 * BINS), order=NHCW),
            StreamPlan("boxes/conv2", Direction.D2H, Shape(2, 2, CLASSES), order=NHCW, quant=score),
        ),
        ops=(op,),
        graphs={EMULATED_GRAPH: model.SerializeToString()},
        meta={
            "groups": {
                "boxes": {
                    "graph": EMULATED_GRAPH,
                    "inputs": {"boxes/input_layer1": "image"},
                    "outputs": {"boxes/conv1": "reg", "boxes/conv2": "cls"},
                }
            }
        },
    )
    path = tmp_path_factory.mktemp("boxes") / "boxes.hef"
    write_hef(path, blueprint)
    return path


@pytest.fixture
def pictures() -> np.ndarray:
    """Two frames: one box of class 1 in the upper left cell; two of class 2 in the right cells.

    All bins are alike, so a box reaches half a stride from its cell's centre: it is the cell.
    """
    frames = np.zeros((2, 2, 2, 4 * BINS + CLASSES), np.uint8)
    frames[0, 0, 0, 4 * BINS + 1] = 192
    frames[1, :, 1, 4 * BINS + 2] = 224, 160
    return frames


UPPER_LEFT, UPPER_RIGHT, LOWER_RIGHT = (0, 0, 0.5, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)


def check_by_class(frames: list[list[np.ndarray]]) -> None:
    assert [[len(boxes) for boxes in frame] for frame in frames] == [[0, 1, 0, 0], [0, 0, 2, 0]]
    np.testing.assert_allclose(frames[0][1], [[*UPPER_LEFT, 0.75]], atol=1e-6)
    np.testing.assert_allclose(frames[1][2], [[*UPPER_RIGHT, 0.875], [*LOWER_RIGHT, 0.625]], atol=1e-6)
    assert (frames[0][0].shape, frames[0][0].dtype) == ((0, 5), np.float64)


@pytest.fixture
def boxes_group(boxes_hef: Path) -> Iterator[Any]:
    with open_device() as device:
        yield device.configure(HEF(str(boxes_hef)))[0]


def test_boxes_come_as_a_list_per_frame_of_lists_per_class(boxes_group: Any, pictures: np.ndarray) -> None:
    with InferVStreams(boxes_group, *params_of(boxes_group)) as pipeline:
        check_by_class(pipeline.infer(pictures)[BOXES])
        pipeline.set_nms_score_threshold(0.7)
        assert [len(boxes) for boxes in pipeline.infer(pictures)[BOXES][1]] == [0, 0, 1, 0]


def test_boxes_come_as_one_padded_array_when_asked(boxes_group: Any, pictures: np.ndarray) -> None:
    with InferVStreams(boxes_group, *params_of(boxes_group), tf_nms_format=True) as pipeline:
        padded = pipeline.infer(pictures)[BOXES]
        assert padded.shape == (2, CLASSES, 5, 4)
        np.testing.assert_allclose(padded[1, 2, :, 1], [*LOWER_RIGHT, 0.625], atol=1e-6)
        assert not padded[0, 2].any()
        pipeline.set_nms_max_proposals_per_class(1)
        assert pipeline.infer(pictures)[BOXES][1, 2, 4].tolist() == [0.875, 0, 0, 0]


def test_boxes_come_frame_by_frame(boxes_group: Any, pictures: np.ndarray) -> None:
    inputs, outputs = params_of(boxes_group)
    with InputVStreams(boxes_group, inputs) as sources, OutputVStreams(boxes_group, outputs) as sinks:
        sources.get().send(pictures)
        check_by_class([sinks.get().recv(), sinks.get().recv()])


def test_thresholds_need_boxes(small_hef: Path) -> None:
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        pipeline = InferVStreams(group, *params_of(group))
        with pipeline, pytest.raises(_pyhailort.HailoRTStatusException) as refused:
            pipeline.set_nms_iou_threshold(0.5)
        assert refused.value.args == ("6",)
        model = device.create_infer_model(str(small_hef))
        model.output("small/conv1").set_nms_iou_threshold(0.5)
        with pytest.raises(hailort.HailoRTInvalidOperationException):
            model.configure()


def infer_boxes(boxes_hef: Path, picture: np.ndarray, order: Any = None) -> Any:
    with open_device() as device:
        model = device.create_infer_model(boxes_hef.read_bytes())
        output = model.output()
        if order is not None:
            output.set_format_order(order)
        assert output.is_nms
        dtype = np.float32 if output.format.order == FormatOrder.HAILO_NMS_BY_CLASS else np.uint8
        with model.configure() as configured:
            bindings = configured.create_bindings(output_buffers={BOXES: np.empty(output.shape, dtype)})
            bindings.input().set_buffer(picture)
            configured.run([bindings], 1000)
            return bindings.output()


def test_models_give_boxes_by_class(boxes_hef: Path, pictures: np.ndarray) -> None:
    outputs = [infer_boxes(boxes_hef, picture) for picture in pictures]
    assert outputs[0].get_buffer(None).shape == (CLASSES * (1 + 5 * 4),)
    check_by_class([output.get_buffer() for output in outputs])
    assert outputs[1].get_buffer(tf_format=True).shape == (CLASSES, 5, 4)


def test_models_give_boxes_by_score(boxes_hef: Path, pictures: np.ndarray) -> None:
    output = infer_boxes(boxes_hef, pictures[1], FormatOrder.HAILO_NMS_BY_SCORE)
    found = output.get_buffer()
    assert [(one.class_id, round(one.score, 3)) for one in found] == [(2, 0.875), (2, 0.625)]
    assert (found[0].y_min, found[0].x_min, found[0].y_max, found[0].x_max) == pytest.approx(UPPER_RIGHT, abs=1e-6)
    with pytest.raises(hailort.HailoRTException, match=r"^Use of tf format is unsupported for format order: FormatOr"):
        output.get_buffer(tf_format=True)


def test_records_need_buffers_of_bytes(boxes_hef: Path) -> None:
    with open_device() as device:
        model = device.create_infer_model(str(boxes_hef))
        model.output().set_format_order(FormatOrder.HAILO_NMS_BY_SCORE)
        floats = np.empty(model.output().shape, np.float32)
        with model.configure() as configured, pytest.raises(hailort.HailoRTException) as refused:
            configured.create_bindings(output_buffers={BOXES: floats})
    assert str(refused.value) == (
        "Buffer must be of type uint8 for FormatOrder.HAILO_NMS_BY_SCORE format order. Got float32."
    )


def test_virtual_streams_have_no_boxes_by_score(boxes_group: Any) -> None:
    inputs, outputs = params_of(boxes_group)
    outputs[BOXES].user_buffer_format.order = FormatOrder.HAILO_NMS_BY_SCORE
    with pytest.raises(_pyhailort.HailoRTStatusException, match=r"^79"), InferVStreams(boxes_group, inputs, outputs):
        pass


def test_a_failed_frame_ends_a_model_whose_boxes_come_of_several_streams(
    boxes_hef: Path, pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, lock_dir=tmp_path, faults="wait@1")
    ends: list[Exception | None] = []
    with open_device() as device, device.create_infer_model(str(boxes_hef)).configure() as configured:
        outputs = [np.empty(CLASSES * 21, np.float32) for _ in range(3)]
        slots = [configured.create_bindings(output_buffers={BOXES: output}) for output in outputs]
        for slot in slots[:2]:
            slot.input().set_buffer(pictures[0])
            job = configured.run_async([slot], lambda completion_info: ends.append(completion_info.exception))
            job.wait(5000)
        assert [type(end) for end in ends] == [type(None), hailort.HailoRTException]
        with pytest.raises(hailort.HailoRTException, match="HAILO_INTERNAL_FAILURE"):
            configured.run_async([slots[2]])
