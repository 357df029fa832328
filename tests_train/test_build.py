"""``hailstack build``: photos in, a checked HEF out; each step once, and none lost to a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from shapes import write_shapes

from hailstack.datasets.formats import open_dataset
from hailstack.hef import read_hef
from hailstack.workflow.road import STEPS

pytestmark = pytest.mark.timeout(1800)  # a minute or two where nothing else runs

PLAN = {
    "data": "photos",
    "output": "out",
    "verify": {"ignore": ["class-imbalance", "box-tiny"]},
    "split": {"val": 0.25, "seed": 0, "grouping": "none"},
    "train": {"model": "yolov8n-tiny", "epochs": 2, "batch": 4, "imgsz": 64, "device": "cpu", "workers": 0},
    "calibration": {"count": 8},
}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of shapes that nobody has split."""
    from hailstack.datasets.model import Dataset
    from hailstack.datasets.yolo import UNSPLIT
    from hailstack.datasets.yolo_write import write_yolo

    folder = tmp_path_factory.mktemp("photos")
    made = open_dataset(write_shapes(folder / "split", train=14, val=6, side=64, seed=2))
    samples = tuple(sample for part in made.splits.values() for sample in part)
    write_yolo(Dataset(made.source, made.names, {UNSPLIT: samples}), folder / "photos")
    return folder / "photos"


def write_plan(folder: Path, photos: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "plan.yaml"
    file.write_text(yaml.safe_dump({**PLAN, "data": str(photos), **changes}))
    return file


def command(plan: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "hailstack", "build", str(plan), *words]


def build(plan: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(plan, *words), env=ENVIRONMENT, capture_output=True, text=True, check=False)


def outcome(plan: Path) -> dict[str, dict[str, str]]:
    """Digests of what decides: weights, ONNX, calibration, HEF."""
    kept = ("weights/best.pt", "model.onnx", "set.npz", "model.hef")
    records = {step: json.loads((plan.parent / "out" / step / "step.json").read_text()) for step in STEPS}
    return {
        step: {name: digest for name, digest in record["files"].items() if name.endswith(kept)}
        for step, record in records.items()
    }


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan of a build that nothing interrupted."""
    plan = write_plan(tmp_path_factory.mktemp("whole"), photos)
    ended = build(plan)
    assert ended.returncode == 0, ended.stderr
    return plan


def test_every_step_leaves_its_files_its_figures_and_its_place_on_the_page(whole: Path) -> None:
    out = whole.parent / "out"
    read_hef(out / "compile" / "model.hef")
    page = (out / "index.html").read_text()
    for step in STEPS:
        record = json.loads((out / step / "step.json").read_text())
        assert record["is_done"] and record["versions"]["hailstack"]
        assert f"<h2>{step}</h2>" in page
    assert 'src="train/run/curves.png"' in page
    assert 'href="check/evaluation.html"' in page
    parity = json.loads((out / "export" / "parity.json").read_text())
    assert parity["ok"] and parity["max_abs"] <= 1e-4
    assert "warning: 8 pictures are few" in page


def test_again_nothing_is_done(whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (whole.parent / "out").rglob("step.json")}
    ended = build(whole, "--json")
    assert ended.returncode == 0, ended.stderr
    assert [step["reason"] for step in json.loads(ended.stdout)["steps"]] == ["fresh"] * len(STEPS)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_preview_says_what_an_option_would_change(whole: Path, photos: Path) -> None:
    plan = whole.with_name("other.yaml")
    plan.write_text(yaml.safe_dump({**PLAN, "data": str(photos), "compile": {"level": 0}}))
    ended = build(plan, "--dry-run", "--json")
    told = {row["step"]: (row["reason"], row.get("changes")) for row in json.loads(ended.stdout)}
    assert told.pop("compile") == ("changed", ["level"])
    assert told.pop("check") == (None, None)
    assert {reason for reason, _ in told.values()} == {"fresh"}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_same_command_ends_with_the_same_files(
    whole: Path, photos: Path, tmp_path: Path, step: str
) -> None:
    plan = write_plan(tmp_path, photos)
    begun = plan.parent / "out" / f".{step}.part" / "step.json"
    running = subprocess.Popen(command(plan), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = begun.parent / "run" / "weights" / "last.pt"
    while running.poll() is None and not (checkpoint if step == "train" else begun).exists():
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert not (plan.parent / "out" / step).exists()
    ended = build(plan)
    assert ended.returncode == 0, ended.stderr
    if step == "train":
        assert "goes on where it was interrupted" in ended.stderr
    assert outcome(plan) == outcome(whole)


def test_an_outcome_that_is_not_what_was_demanded_ends_with_2_and_stays_to_be_seen(whole: Path, photos: Path) -> None:
    plan = whole.with_name("strict.yaml")
    plan.write_text(yaml.safe_dump({**PLAN, "data": str(photos), "check": {"min_map50": 1.0}}))
    for _ in range(2):
        ended = build(plan)
        assert ended.returncode == 2
        assert "at least 1 is demanded" in ended.stderr
    assert "at least 1 is demanded" in (whole.parent / "out" / "index.html").read_text()
    assert (whole.parent / "out" / "check" / "evaluation.html").is_file()
    assert build(whole).returncode == 0


def test_damaged_labels_end_a_build_before_anything_is_trained(photos: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(photos, tmp_path / "damaged")
    label = min((tmp_path / "damaged" / "labels").rglob("*.txt"))
    label.write_text("0 0.5 0.5 0.2 nan\n")
    plan = write_plan(tmp_path, tmp_path / "damaged")
    ended = build(plan)
    assert ended.returncode == 2
    assert label.name in ended.stderr
    assert not (tmp_path / "out" / "dataset").exists()


def test_two_builds_at_once_do_not_mix(whole: Path) -> None:
    from hailstack.files import locked

    with locked(whole.parent / "out", ""):
        ended = build(whole)
    assert ended.returncode == 1
    assert "another build is at work here" in ended.stderr
