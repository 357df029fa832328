"""Boxes are read from the network's outputs as its tensors say and as the compiled network's head does."""

from __future__ import annotations

import pytest
import torch

from hailstack.errors import InferencePipelineError
from hailstack.training.decode import cell_middles, decode, detections, predict
from hailstack.training.network import build_network


def maps_of(box: int, cls: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Outputs for 64 x 64 pixels in which no cell says anything."""
    return [(torch.zeros(1, box, side, side), torch.full((1, cls, side, side), -20.0)) for side in (8, 4, 2)]


def test_cells_have_their_middles_row_by_row() -> None:
    middles, strides = cell_middles(maps_of(64, 2))
    assert middles[:, 0].tolist() == [0.5, 0.5]
    assert middles[:, 9].tolist() == [1.5, 1.5]
    assert strides[[0, 63, 64, 83]].tolist() == [8.0, 8.0, 16.0, 32.0]


def test_a_cell_that_is_sure_gives_its_box() -> None:
    maps = maps_of(64, 2)
    boxes, classes = maps[0]
    classes[0, 1, 3, 4] = 4.0
    for side, distance in enumerate((1, 2, 3, 4)):
        boxes[0, 16 * side + distance, 3, 4] = 30.0
    network = build_network("yolov8n-tiny", 2)
    (found,) = detections(network, maps)
    # The middle is at (36, 28); the sides are 1, 2, 3 and 4 cells of 8 pixels away.
    assert found.xyxy.tolist() == [pytest.approx([28, 12, 60, 60], abs=1e-3)]
    assert found.class_id.tolist() == [1]
    assert found.score[0] == pytest.approx(1 / (1 + 2.718281828**-4))


def test_both_ways_of_decoding_agree() -> None:
    torch.manual_seed(3)
    network = build_network("yolov8n-tiny", 3).eval()
    batch = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        boxes, scores = decode(network, network(batch))
    for picture, found in enumerate(predict(network, batch, iou=1.0, most=10)):
        best = scores[picture].max()
        assert found.score[0] == pytest.approx(float(best), rel=1e-5)
        cell = int(scores[picture].max(0).values.argmax())
        expected = boxes[picture, :, cell].clamp(0, 64).tolist()
        assert found.xyxy[0].tolist() == pytest.approx(expected, abs=1e-3)


def test_numbers_that_are_none_are_an_error_not_an_empty_result() -> None:
    maps = maps_of(64, 2)
    maps[1][1][0, 0, 0, 0] = torch.nan
    with pytest.raises(InferencePipelineError, match=r"not a number|broken"):
        detections(build_network("yolov8n-tiny", 2), maps)
