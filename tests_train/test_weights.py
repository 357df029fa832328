"""Files of weights come back as they were written, and what is none says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from hailstack.errors import InputError, NotFoundError
from hailstack.training.network import build_network
from hailstack.training.weights import load_weights, save_weights


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "best.pt"
    torch.manual_seed(0)
    save_weights(path, build_network("yolov8n-tiny", 2), ("bud", "flower"), 160, licence="CC0-1.0")
    return path


def test_weights_come_back_with_what_belongs_to_them(file: Path) -> None:
    torch.manual_seed(0)
    network = build_network("yolov8n-tiny", 2).eval()
    read = load_weights(file)
    assert (read.names, read.imgsz, read.model, read.licence) == (("bud", "flower"), 160, "yolov8n-tiny", "CC0-1.0")
    assert not read.network.training
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert all(torch.equal(a, b) for a, b in zip(read.network(picture)[0], network(picture)[0], strict=True))


def test_equal_weights_are_equal_files_whatever_their_names(file: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    other = tmp_path / "another name.pt"
    save_weights(other, build_network("yolov8n-tiny", 2), ("bud", "flower"), 160, licence="CC0-1.0")
    assert other.read_bytes() == file.read_bytes()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"best.pt: no such file of weights"):
        load_weights(tmp_path / "best.pt")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_ends_too_early_is_damaged(file: Path, share: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"best.pt: is damaged"):
        load_weights(file)


def test_weights_of_another_shape_are_damage(file: Path) -> None:
    content = torch.load(file, weights_only=True)
    content["weights"]["model.22.cv2.0.2.bias"] = torch.zeros(3)
    torch.save(content, file)
    with pytest.raises(InputError, match=r"model\.22\.cv2\.0\.2\.bias is \(3,\), yolov8n-tiny wants \(64,\)"):
        load_weights(file)


class Trap:
    """An object that would run a program when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trapped",)


def test_objects_of_other_programs_are_refused_and_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"kind": "hailstack weights", "model": Trap()}, "best.pt")
    with pytest.raises(InputError, match=r"best.pt: holds Python objects"):
        load_weights("best.pt")
    assert not Path("trapped").exists()


def test_tensors_of_another_program_are_no_file_of_ours(tmp_path: Path) -> None:
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"holds no weights of Hailstack"):
        load_weights(tmp_path / "x.pt")


def test_a_file_of_a_later_version_says_so(file: Path) -> None:
    content = torch.load(file, weights_only=True)
    torch.save({**content, "version": 99}, file)
    with pytest.raises(InputError, match=r"another version"):
        load_weights(file)
