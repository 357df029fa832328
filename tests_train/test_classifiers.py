"""Classifiers by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision_build import lend_operators

from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.training.classifiers import load_classifier
from hailstack.training.export import export
from hailstack.training.export_options import ExportOptions

SIZE = 64


@pytest.fixture(scope="module", autouse=True)
def torchvision_without_cuda() -> None:
    lend_operators()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    torch.save(load_classifier("resnet18", None).network.state_dict(), tmp_path / "resnet18.pth")
    return tmp_path / "resnet18.pth"


@pytest.mark.parametrize(("name", "tolerance"), [("resnet18", 1e-5), ("mobilenet_v2", 1e-4)])
def test_the_seeds_networks_compute_the_same_as_onnx(name: str, tolerance: float, tmp_path: Path) -> None:
    options = ExportOptions(imgsz=SIZE, untrained=True, tolerance=tolerance)
    made = export(name, tmp_path / "m.onnx", options)
    assert made.parity.ok
    assert made.parity.inputs == 4
    assert made.outputs == {"logits": (1, 1000)}


def test_random_weights_leave_the_programs_own_chance_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    load_classifier("resnet18", None, size=(SIZE, SIZE))
    assert torch.equal(torch.rand(3), wanted)


def test_networks_take_the_size_that_they_are_published_for() -> None:
    assert load_classifier("efficientnet_b1", None).input_shape == (1, 3, 240, 240)


def test_weights_say_how_many_classes_there_are(tmp_path: Path) -> None:
    import torchvision

    network = torchvision.models.resnet18(num_classes=4)
    wrapped = {"state_dict": {f"module.{name}": value for name, value in network.state_dict().items()}, "epoch": 3}
    torch.save(wrapped, tmp_path / "w.pth")
    loaded = load_classifier("resnet18", tmp_path / "w.pth", ("a", "b", "c", "d"))
    assert torch.equal(loaded.network.fc.weight, network.fc.weight)
    with pytest.raises(ConfigError, match="4 classes, but 2 class names"):
        load_classifier("resnet18", tmp_path / "w.pth", ("a", "b"))


def test_files_of_old_and_of_others_are_told_apart(state: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.pth"
    torch.save(torch.load(state), old, _use_new_zipfile_serialization=False)
    assert load_classifier("resnet18", old).model == "resnet18"
    with pytest.raises(ConfigError, match=r"not mobilenet_v2's: \d+ of \d+ are missing \(features"):
        load_classifier("mobilenet_v2", state)
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match=r"text\.pth"):
        load_classifier("resnet18", tmp_path / "text.pth")
    with pytest.raises(NotFoundError, match=r"gone\.pth"):
        load_classifier("resnet18", tmp_path / "gone.pth")


def test_names_that_nobody_knows_are_answered_with_similar_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"similar: .*resnet18"):
        load_classifier("resnet19", None)
    with pytest.raises(InputError, match="--weights FILE"):
        export("resnet18", tmp_path / "m.onnx")
