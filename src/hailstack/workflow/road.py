"""The steps from labelled photos to a checked HEF, for one plan."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hailstack import __version__
from hailstack.compiler.calibration.build import build_calibration
from hailstack.compiler.calibration.network import preprocess_of
from hailstack.compiler.calibration.plan import Plan as CalibrationPlan
from hailstack.compiler.compile import compile_model
from hailstack.datasets.formats import open_dataset, write_dataset
from hailstack.datasets.split import divide
from hailstack.datasets.verify import verify
from hailstack.errors import ConfigError, InputError
from hailstack.evaluation import EvalOptions, evaluate
from hailstack.evaluation.demands import Demands
from hailstack.evaluation.page import write_page
from hailstack.training.options import WITHOUT_EFFECT, Tick
from hailstack.training.train import train
from hailstack.workflow.plan import BuildPlan, as_json
from hailstack.workflow.step import Figures, Listener, Step

STEPS = ("verify", "dataset", "train", "export", "calibration", "compile", "check")
"""Steps in their order."""
REFUSED = "refused"
"""The figure of a step whose work is done and whose answer is no: why."""


class Road:
    """What the steps of one plan do, and where they find what earlier ones made."""

    def __init__(self, plan: BuildPlan) -> None:
        self._plan = plan
        self.dataset = plan.output / "dataset" / "data" / "data.yaml"
        self.weights = plan.output / "train" / "run" / "weights" / "best.pt"
        self.onnx = plan.output / "export" / "model.onnx"
        self.calibration = plan.output / "calibration" / "set.npz"
        self.hef = plan.output / "compile" / "model.hef"

    def steps(self) -> tuple[Step, ...]:
        """All steps. One that reads what another makes can be looked at when that is done."""
        plan, photos, data = self._plan, self._photos(), {"dataset": self.dataset.parent}
        start = {} if plan.train.weights is None else {"weights to start from": plan.train.weights}
        output = plan.output.resolve()
        return (
            Step("verify", photos, plan.verify.model_dump(), _versions(), self._verify, skips=output),
            Step("dataset", photos, {"split": _plain(plan.split)}, _versions(), self._make_dataset, skips=output),
            Step("train", {**data, **start}, _decisive(plan), _versions("torch", "numpy"), self._train, resumes=True),
            Step(
                "export",
                {"weights": self.weights, **data},
                plan.export.model_dump(),
                _versions("torch", "onnx"),
                self._export,
            ),
            Step(
                "calibration",
                {"network": self.onnx, **data},
                plan.calibration.model_dump(),
                _versions("numpy"),
                self._calibrate,
            ),
            Step(
                "compile",
                {"network": self.onnx, "calibration": self.calibration},
                _plain_compile(plan),
                _versions("onnx", "onnxruntime", "numpy"),
                self._compile,
            ),
            Step(
                "check",
                {"network": self.onnx, "hef": self.hef, **data},
                plan.check.model_dump(),
                _versions("onnxruntime"),
                self._check,
            ),
        )

    def _photos(self) -> Mapping[str, Path | tuple[Path, ...]]:
        """What counts as the photos: the folder, that of a YAML or JSON file, and what the dataset names elsewhere."""
        data = self._plan.data
        folder = data if data.is_dir() else data.parent
        elsewhere = _elsewhere(data, folder)
        return {"photos": folder, **({"photos elsewhere": elsewhere} if elsewhere else {})}

    def _verify(self, folder: Path, listener: Listener) -> Figures:
        found = verify(self._plan.data, ignore=self._plan.verify.ignore, progress=listener)
        _write_json(folder / "findings.json", found.to_json())
        seen = {"pictures": len(found.survey.pictures), "boxes": len(found.survey.rows), **found.counts}
        if found.passes():
            return seen
        first = next(one for one in found.findings if one.severity != "note")
        answer = (
            f"{self._plan.data}: {found.counts['error']} errors and {found.counts['warning']} warnings, the first: "
            f"{first.path}: {first.message}. hailstack data verify lists them; verify.ignore in the plan lets kinds "
            "of them pass"
        )
        return {**seen, REFUSED: answer}

    def _make_dataset(self, folder: Path, listener: Listener) -> Figures:
        dataset = open_dataset(self._plan.data)
        if self._plan.split != "keep":
            division = divide(dataset, self._plan.split, lambda done, total: listener("looking", done, total))
            dataset = replace(dataset, splits={split: part for split, part in division.splits.items() if part})
        wanted = ["train", "val", *([self._plan.check.split] if self._plan.check.split else [])]
        missing = [split for split in wanted if split not in dataset.splits]
        if missing:
            message = (
                f"{self._plan.data}: no picture is in {missing[0]!r}; say in the plan how to split: "
                "split: {val: 0.15, test: 0.15}"
            )
            raise ConfigError(message)
        write_dataset(dataset, folder / "data", "yolo", images="link")
        return {split: len(samples) for split, samples in dataset.splits.items()}

    def _train(self, folder: Path, listener: Listener) -> Figures:
        def tell(tick: Tick) -> None:
            listener("epoch", tick.epoch, tick.epochs)

        done = train(self.dataset, folder, replace(self._plan.train, name="run"), resume=True, progress=tell)
        return {**done.metrics, "epochs": done.epochs}

    def _export(self, folder: Path, listener: Listener) -> Figures:
        from hailstack.training.export import ExportOptions, export  # needs PyTorch

        listener("export", 0, None)
        made = export(self.weights, folder / "model.onnx", ExportOptions(opset=self._plan.export.opset))
        _write_json(folder / "parity.json", made.parity.to_json())
        seen = {"max_abs": made.parity.max_abs, "cosine": made.parity.cosine, "top5": made.parity.top5}
        if made.parity.ok:
            return seen
        answer = (
            f"{made.path}: is not what was trained; they part at {made.parity.first_parting_layer or 'the outputs'}"
        )
        return {**seen, REFUSED: answer}

    def _calibrate(self, folder: Path, listener: Listener) -> Figures:
        plan = CalibrationPlan(preprocess_of(self.onnx, {}), count=self._plan.calibration.count, split="train")
        report = build_calibration([self.dataset], folder / "set.npz", plan, listener)
        return {"pictures": report.count, "findings": [f"{one.severity}: {one.message}" for one in report.findings]}

    def _compile(self, folder: Path, listener: Listener) -> Figures:
        asked = self._plan.compile
        report = compile_model(
            self.onnx,
            self.calibration,
            folder / "model.hef",
            progress=listener,
            target=asked.target,
            score_threshold=asked.score_threshold,
            iou_threshold=asked.iou_threshold,
            quantisation=asked.quantisation,
        )
        _write_json(folder / "report.json", report.to_json())
        return {"head": str(report.head.get("family")), "target": asked.target}

    def _check(self, folder: Path, listener: Listener) -> Figures:
        split = self._plan.check.split or ("test" if "test" in open_dataset(self.dataset).splits else "val")
        found = evaluate([self.onnx, self.hef], self.dataset, EvalOptions(split=split), listener)
        _write_json(folder / "evaluation.json", found.to_json())
        write_page(found, folder / "evaluation.html")
        real, integer = (one.figures["mAP50"].value for one in found.networks)
        seen = {"onnx mAP50": round(real, 4), "hef mAP50": round(integer, 4), "split": split}
        demands = Demands(self._plan.check.min_map50, self._plan.check.max_drop)
        failures = demands.failures(found)
        return {**seen, REFUSED: "; ".join(failures)} if failures else seen


def _elsewhere(data: Path, folder: Path) -> tuple[Path, ...]:
    """The pictures and labels of a dataset that do not lie in a folder, sorted."""
    try:
        samples = list(open_dataset(data).samples)
    except InputError:  # the first step says what is wrong with it
        return ()
    named = {os.path.abspath(file) for one in samples for file in (one.image, one.label) if file is not None}  # noqa: PTH100 - by the hundred thousand
    within = os.path.join(os.path.abspath(folder), "")  # noqa: PTH100, PTH118
    return tuple(Path(file) for file in sorted(named) if not file.startswith(within) and Path(file).exists())


def _versions(*packages: str) -> Mapping[str, str]:
    """Of this package and of some others, as far as they are there."""
    found = {"hailstack": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def _plain(options: Any) -> Any:
    return options if isinstance(options, str) else as_json(options)


def _decisive(plan: BuildPlan) -> Mapping[str, Any]:
    return {key: value for key, value in as_json(plan.train).items() if key not in WITHOUT_EFFECT}


def _plain_compile(plan: BuildPlan) -> Mapping[str, Any]:
    return {**plan.compile.model_dump(exclude={"quantisation"}), **asdict(plan.compile.quantisation)}


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
