"""The network has the published shape and the public names."""

from __future__ import annotations

import pytest
import torch

from hailstack.errors import InputError
from hailstack.training.network import build_network


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("yolov8n", 3_157_200), ("yolov8s", 11_166_560), ("yolov8m", 25_902_640), ("yolov8l", 43_691_520)],
)
def test_a_network_for_80_classes_has_the_published_number_of_parameters(model: str, parameters: int) -> None:
    with torch.device("meta"):
        network = build_network(model, 80)
    assert sum(one.numel() for one in network.parameters()) == parameters


def test_weights_have_the_public_names() -> None:
    names = build_network("yolov8n-tiny", 3).state_dict()
    for name in (
        "model.0.conv.weight",
        "model.2.m.0.cv1.bn.running_mean",
        "model.9.cv2.conv.weight",
        "model.21.cv1.bn.bias",
        "model.22.cv2.0.2.weight",
        "model.22.cv3.2.1.conv.weight",
        "model.22.dfl.conv.weight",
    ):
        assert name in names


def test_each_stride_has_sixteen_logits_a_side_and_one_a_class() -> None:
    maps = build_network("yolov8n-tiny", 5).eval()(torch.rand(2, 3, 64, 96))
    assert [tuple(box.shape) for box, _ in maps] == [(2, 64, 8, 12), (2, 64, 4, 6), (2, 64, 2, 3)]
    assert [tuple(classes.shape) for _, classes in maps] == [(2, 5, 8, 12), (2, 5, 4, 6), (2, 5, 2, 3)]


def test_an_untrained_network_expects_few_objects() -> None:
    maps = build_network("yolov8n-tiny", 3).eval()(torch.rand(1, 3, 64, 64))
    assert all(float(classes.detach().sigmoid().max()) < 0.1 for _, classes in maps)


def test_an_unknown_model_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"yolov9z.*yolov8n-tiny, yolov8n"):
        build_network("yolov9z", 3)


def test_a_detector_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"at least one class"):
        build_network("yolov8n", 0)
