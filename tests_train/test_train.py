"""A run learns, can be stopped at any moment, and says what is wrong."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.files import locked
from hailstack.imaging import read_image
from hailstack.training import builtin, device
from hailstack.training.checkpoint import arguments_of, check_same
from hailstack.training.decode import predict
from hailstack.training.folder import RunFolder
from hailstack.training.material import read_material
from hailstack.training.options import Augmentation, Tick, Trained, TrainOptions
from hailstack.training.train import train
from hailstack.training.weights import load_weights

pytestmark = pytest.mark.timeout(1200)  # about a minute where nothing else runs

QUICK = TrainOptions(model="yolov8n-tiny", epochs=3, batch=4, imgsz=64, device="cpu", workers=1)


@pytest.fixture(scope="module")
def trained(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run that learns what there is to learn, in about a minute."""
    options = TrainOptions(
        model="yolov8n-tiny",
        epochs=20,
        batch=8,
        imgsz=160,
        device="cpu",
        lr=0.004,
        licence="CC0-1.0",
        augment=Augmentation(mosaic=0.0),
    )
    return train(shapes, tmp_path_factory.mktemp("runs"), options)


@pytest.fixture(scope="module")
def quick(few_shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(few_shapes, tmp_path_factory.mktemp("runs"), QUICK)


def test_a_small_network_learns_shapes_from_nothing(trained: Trained) -> None:
    assert trained.metrics["mAP50"] >= 0.8
    assert trained.epochs == 20


def test_a_run_leaves_its_files(trained: Trained) -> None:
    folder = trained.results.parent
    rows = list(csv.DictReader(trained.results.read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 21))
    assert max(float(row["mAP50-95"]) for row in rows) == pytest.approx(trained.metrics["mAP50-95"], rel=1e-4)
    assert float(rows[-1]["train/box"]) < float(rows[0]["train/box"])
    arguments = json.loads((folder / "args.json").read_text())
    assert (arguments["model"], arguments["seed"], arguments["pictures"]["train"]) == ("yolov8n-tiny", 0, 160)
    for chart in ("curves.png", "pr.png", "confusion.png"):
        assert read_image(folder / chart).std() > 10


def test_best_weights_find_shapes_in_a_picture(trained: Trained, shapes: Path) -> None:
    weights = load_weights(trained.best)
    assert (weights.names, weights.imgsz, weights.licence) == (("disc", "square", "triangle"), 160, "CC0-1.0")
    image = read_image(shapes.parent / "images" / "val" / "0000.png")
    (found,) = predict(weights.network, torch.from_numpy(image.transpose(2, 0, 1).copy())[None] / 255)
    labels = (shapes.parent / "labels" / "val" / "0000.txt").read_text().splitlines()
    assert abs((found.score > 0.3).sum() - len(labels)) <= 2


def test_the_same_seed_gives_the_same_weights(quick: Trained, few_shapes: Path, tmp_path: Path) -> None:
    again = train(few_shapes, tmp_path, replace(QUICK, workers=0))
    assert again.best.read_bytes() == quick.best.read_bytes()
    assert again.last.read_bytes() == quick.last.read_bytes()


class Pulled(BaseException):
    """The plug was."""


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(quick: Trained, few_shapes: Path, tmp_path: Path) -> None:
    def pull(tick: Tick) -> None:
        if tick.epoch == 2 and tick.batch == 2:
            raise Pulled

    with pytest.raises(Pulled):
        train(few_shapes, tmp_path, QUICK, progress=pull)
    epochs: set[int] = set()
    resumed = train(few_shapes, tmp_path, QUICK, resume=True, progress=lambda tick: epochs.add(tick.epoch))
    assert epochs == {2, 3}
    assert resumed.best.read_bytes() == quick.best.read_bytes()
    assert resumed.last.read_bytes() == quick.last.read_bytes()
    assert resumed.metrics == quick.metrics


def test_a_killed_run_goes_on_as_if_it_had_not(quick: Trained, few_shapes: Path, tmp_path: Path) -> None:
    words = ["train", "--model", "yolov8n-tiny", "--epochs", "3", "--batch", "4", "--imgsz", "64", "--device", "cpu"]
    program = [sys.executable, "-m", "hailstack", *words, str(few_shapes), "--folder", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(program, env=environment)
    last = tmp_path / "train" / "weights" / "last.pt"
    while not last.exists() and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    done = subprocess.run(
        [*program, "--resume", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["metrics"] == pytest.approx(quick.metrics)
    assert last.read_bytes() == quick.last.read_bytes()
    assert (last.parent / "best.pt").read_bytes() == quick.best.read_bytes()
    assert done.stderr == ""


def test_resuming_a_finished_run_does_nothing_and_gives_its_outcome(quick: Trained, few_shapes: Path) -> None:
    def refuse(tick: Tick) -> None:
        raise AssertionError

    again = train(few_shapes, quick.results.parents[1], QUICK, resume=True, progress=refuse)
    assert again == quick


def test_resuming_what_never_began_begins(few_shapes: Path, tmp_path: Path) -> None:
    assert train(few_shapes, tmp_path, replace(QUICK, epochs=1), resume=True).epochs == 1


def test_a_run_is_not_overwritten(quick: Trained, few_shapes: Path) -> None:
    with pytest.raises(InputError, match=r"holds a run already; --resume continues it"):
        train(few_shapes, quick.results.parents[1], QUICK)


def test_two_trainings_do_not_share_a_folder(few_shapes: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "train", ""), pytest.raises(InputError, match=r"train: another training is at work here"):
        train(few_shapes, tmp_path, QUICK)
    assert not (tmp_path / "train" / "args.json").exists()


def test_a_run_may_be_resumed_with_the_weights_it_started_from_in_another_place(
    quick: Trained, few_shapes: Path, tmp_path: Path
) -> None:
    folder, material = RunFolder(tmp_path), read_material(few_shapes)
    first, moved = replace(QUICK, weights=quick.best), replace(QUICK, weights=tmp_path / "moved.pt")
    folder.write_arguments(arguments_of(material, first))
    moved.weights.write_bytes(quick.best.read_bytes())
    check_same(folder, arguments_of(material, moved), moved)
    moved.weights.write_bytes(quick.last.read_bytes())
    with pytest.raises(ConfigError, match="the weights to start from have changed"):
        check_same(folder, arguments_of(material, moved), moved)


def test_a_run_is_not_resumed_with_other_options(quick: Trained, few_shapes: Path) -> None:
    with pytest.raises(ConfigError, match=r"was begun with epochs 3, and is to be resumed with 9"):
        train(few_shapes, quick.results.parents[1], replace(QUICK, epochs=9), resume=True)


def test_a_run_is_not_resumed_on_other_data(quick: Trained, shapes: Path) -> None:
    with pytest.raises(ConfigError, match=r"pictures or labels have changed"):
        train(shapes, quick.results.parents[1], QUICK, resume=True)


def test_a_damaged_checkpoint_is_named(few_shapes: Path, tmp_path: Path) -> None:
    done = train(few_shapes, tmp_path, replace(QUICK, epochs=1))
    done.last.write_bytes(done.last.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"last\.pt: is damaged"):
        train(few_shapes, tmp_path, replace(QUICK, epochs=1), resume=True)


def test_training_ends_when_nothing_gets_better(few_shapes: Path, tmp_path: Path) -> None:
    """With so low a rate nothing is learned, and the first epoch stays the best."""
    options = replace(QUICK, epochs=30, patience=2, lr=1e-9)
    assert train(few_shapes, tmp_path, options).epochs == 3


def test_a_run_may_start_from_weights(trained: Trained, shapes: Path, tmp_path: Path) -> None:
    options = TrainOptions(
        model="yolov8n-tiny", epochs=1, batch=16, imgsz=160, device="cpu", lr=1e-6, weights=trained.best
    )
    assert train(shapes, tmp_path, options).metrics["mAP50"] > 0.7


def test_weights_for_other_classes_lend_what_fits(trained: Trained, few_shapes: Path, tmp_path: Path) -> None:
    text = few_shapes.read_text().replace("names:\n", "names:\n  3: star\n")
    other = few_shapes.with_name("other.yaml")
    other.write_text(text)
    done = train(other, tmp_path, replace(QUICK, epochs=1, weights=trained.best))
    assert load_weights(done.best).names == ("disc", "square", "triangle", "star")


def test_weights_of_another_network_are_refused(trained: Trained, few_shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"of these weights fit yolov8n; it needs a file of the same model"):
        train(few_shapes, tmp_path, replace(QUICK, model="yolov8n", weights=trained.best))


def test_a_batch_that_normalisation_learns_nothing_from_is_told(few_shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one picture of 32 pixels at a time teaches nothing"):
        train(few_shapes, tmp_path, replace(QUICK, batch=1, imgsz=32))


def test_missing_weights_are_named(few_shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere.pt: no such file"):
        train(few_shapes, tmp_path, replace(QUICK, weights=tmp_path / "nowhere.pt"))


def test_a_rate_that_is_far_too_high_is_told_from_bad_luck(few_shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training has diverged.*a lower --lr than 1e"):
        train(few_shapes, tmp_path, replace(QUICK, lr=1e30, optimizer="SGD", warmup_epochs=0))


def test_memory_that_runs_out_is_told_with_what_to_try(
    few_shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(builtin, "measure", full)
    with pytest.raises(InputError, match=r"out of memory on cpu with --batch 4 and --imgsz 64: try --batch 2"):
        train(few_shapes, tmp_path, QUICK)


def test_more_memory_than_there_is_on_a_cpu_is_told_too() -> None:
    with pytest.raises(InputError, match=r"out of memory on cpu"), device.enough_memory(torch.device("cpu"), 8, 64):
        torch.empty(1 << 60)


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"--device cuda: asks for an NVIDIA GPU, and PyTorch finds none"):
        device.choose_device("cuda")


@pytest.mark.parametrize("wanted", ["gpu", "mps", "meta"])
def test_a_device_that_is_none_is_told(wanted: str) -> None:
    with pytest.raises(InputError, match=f"--device {wanted}: "):
        device.choose_device(wanted)


def test_without_a_gpu_the_cpu_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose_device("auto").type == "cpu"


def test_a_picture_that_cannot_be_read_is_named(few_shapes: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(few_shapes.parent, tmp_path / "data")
    (copy / "images" / "train" / "0004.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"0004\.png: not a picture"):
        train(copy, tmp_path / "runs", QUICK)
