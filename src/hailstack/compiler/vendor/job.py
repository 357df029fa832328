"""A folder for one compilation, which a later run can take up where this one stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hailstack.files import replacing

Stage: TypeAlias = Literal["parse", "optimise", "compile"]

STAGES: tuple[Stage, ...] = ("parse", "optimise", "compile")
ARCHIVES: Mapping[Stage, str] = {"parse": "parsed.har", "optimise": "optimised.har", "compile": "model.hef"}
"""What each stage leaves in the folder."""


@dataclass(frozen=True, slots=True)
class Ingredients:
    """All that decides what comes out."""

    model: Path
    name: str
    target: str
    compiler: str
    """Version."""
    script: str
    calibration: str
    """Digest of the pictures."""
    end_nodes: tuple[str, ...] = ()
    input_shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None
    """Of the post-processing."""

    def fingerprints(self) -> dict[Stage, str]:
        """Stage → what its result depends on, so that it can be used again if nothing of that has changed."""
        nodes = list(self.end_nodes)
        shapes = {name: list(shape) for name, shape in self.input_shapes.items()}
        parse = _digest([_file_digest(self.model), self.name, self.target, self.compiler, nodes, shapes])
        optimise = _digest([parse, self.script, self.calibration, self.config])
        return {"parse": parse, "optimise": optimise, "compile": _digest([optimise, "compile"])}

    def to_json(self) -> dict[str, Any]:
        """For the manifest: files by their digests."""
        return {
            "model": self.model.name,
            "model_sha256": _file_digest(self.model),
            "name": self.name,
            "target": self.target,
            "compiler": self.compiler,
            "script": self.script,
            "calibration": self.calibration,
            "end_nodes": list(self.end_nodes),
        }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Job:
    """The folder: ``manifest.json``, ``model.alls``, ``calibration.npy``, archives, ``log.txt``, ``work/``."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def work(self) -> Path:
        """Where the compiler runs and drops its own logs."""
        return self.folder / "work"

    def prepare(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)

    def manifest(self) -> dict[str, Any]:
        """What was done here so far; empty for a new folder, or one whose manifest cannot be read."""
        try:
            found = json.loads(self.path("manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_manifest(self, **facts: Any) -> None:
        """Add facts to the manifest."""
        with replacing(self.path("manifest.json")) as file:
            file.write_text(json.dumps(self.manifest() | facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def write_task(
        self,
        ingredients: Ingredients,
        calibration: Mapping[str, Path],
        start: Stage,
        processors: Sequence[int],
        memory_bytes: int | None,
    ) -> Path:
        """Write down what the runner is to do, with the script and the configuration it names."""
        script = self.path("model.alls")
        files = {script: ingredients.script}
        if ingredients.config is not None:
            files[self.path("nms_config.json")] = json.dumps(ingredients.config, indent=2)
        task = {
            "model": str(ingredients.model),
            "name": ingredients.name,
            "target": ingredients.target,
            "start": start,
            "end_node_names": list(ingredients.end_nodes),
            "net_input_shapes": {name: list(shape) for name, shape in ingredients.input_shapes.items()},
            "script": str(script),
            "calibration": {name: str(path) for name, path in calibration.items()},
            "parsed_har": str(self.path(ARCHIVES["parse"])),
            "optimised_har": str(self.path(ARCHIVES["optimise"])),
            "hef": str(self.path(ARCHIVES["compile"])),
            "cpus": list(processors),
            "memory_bytes": memory_bytes,
        }
        files[self.path("task.json")] = json.dumps(task, indent=2)
        for path, text in files.items():
            with replacing(path) as file:
                file.write_text(text, encoding="utf-8")
        return self.path("task.json")

    def remember(self, stage: Stage, fingerprint: str) -> None:
        """Note that a stage is done."""
        self.write_manifest(stages={**self.manifest().get("stages", {}), stage: fingerprint})

    def first_stage(self, fingerprints: Mapping[Stage, str]) -> Stage | None:
        """Where to go on: behind the last stage whose result still counts; None when all is done."""
        done = self.manifest().get("stages", {})
        for i, stage in reversed(list(enumerate(STAGES))):
            if done.get(stage) == fingerprints[stage] and self.path(ARCHIVES[stage]).is_file():
                return STAGES[i + 1] if i + 1 < len(STAGES) else None
        return "parse"
