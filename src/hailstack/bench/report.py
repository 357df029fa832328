"""What was measured, and the files and lines it becomes."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hailstack.bench.environment import Environment
from hailstack.bench.plan import Plan, Point
from hailstack.bench.resources import Range, Resources
from hailstack.bench.statistics import PERCENTILES, Estimate, Steadiness, percentiles, rate, steadiness
from hailstack.bench.streams import Times
from hailstack.errors import InputError, NotFoundError
from hailstack.files import replacing
from hailstack.profiling.sampler import usable_cores

SCHEMA = 1
OTHERS = 0.2
"""Of the machine, from which on other programs disturb."""
KEPT_UP = 0.98
"""Of the rate of an open load, from which on the device kept up with it."""


@dataclass(frozen=True, slots=True)
class PointReport:
    """One point as it was measured."""

    point: Point
    load: str
    frames: int
    seconds: float
    fps: Estimate
    latency_ms: Mapping[str, Estimate]
    """``p50``, ``p90``, ``p95``, ``p99``."""
    mean_ms: float
    min_ms: float
    max_ms: float
    steadiness: Steadiness
    resources: Resources
    limit: str = ""
    """What limited a pipeline, in a sentence."""
    samples: tuple[float, ...] = ()
    """Every frame's latency in ms; only just after the measurement, not in files of reports."""

    @property
    def key(self) -> tuple[Point, str]:
        """What two reports must have in common to be compared."""
        return self.point, self.load

    def to_dict(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in ("load", "frames", "seconds", "mean_ms", "min_ms", "max_ms")}
        return {
            **asdict(self.point),
            **found,
            "fps": asdict(self.fps),
            "latency_ms": {name: asdict(one) for name, one in self.latency_ms.items()},
            "steadiness": asdict(self.steadiness),
            "resources": self.resources.to_dict(),
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All points of a plan."""

    environment: Environment
    points: tuple[PointReport, ...]

    def to_json(self) -> str:
        environment = {**self.environment.to_dict(), "fingerprint": self.environment.fingerprint}
        points = [point.to_dict() for point in self.points]
        return json.dumps({"schema": SCHEMA, "environment": environment, "points": points}, indent=2)

    def to_csv(self) -> str:
        """One line a point; the names of ``hailortcli benchmark --csv`` where it has the figure."""
        out = io.StringIO()
        rows = [csv_row(self.environment.model, point) for point in self.points]
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def samples_csv(self) -> str:
        """One line a frame: point, running number, latency in ms."""
        lines = ["point,iter,latency_ms"]
        for point in self.points:
            lines += [f'"{point.point.name}",{number},{value:.4f}' for number, value in enumerate(point.samples)]
        return "\n".join(lines) + "\n"


def csv_row(model: str, report: PointReport) -> dict[str, Any]:
    """A line of the table for spreadsheets."""
    row: dict[str, Any] = {"net_name": Path(model).stem, "mode": report.point.what, "load": report.load}
    row |= {"batch_size": report.point.batch_size, "depth": report.point.depth or "", "workers": report.point.workers}
    row |= {"num_of_frames": report.frames, "seconds": round(report.seconds, 3)}
    row |= {
        "fps": round(report.fps.value, 2),
        "fps_low": round(report.fps.low, 2),
        "fps_high": round(report.fps.high, 2),
    }
    row |= {"mean_ms": round(report.mean_ms, 4), "min_ms": round(report.min_ms, 4), "max_ms": round(report.max_ms, 4)}
    row |= {f"{name}_ms": round(one.value, 4) for name, one in report.latency_ms.items()}
    row |= {"steady": not report.steadiness.trouble}
    for name in ("cpu_percent", "memory_mb", "temperature_c"):
        seen: Range | None = getattr(report.resources, name)
        row[name] = round(seen.high if name == "memory_mb" else seen.mean, 2) if seen else ""
    power = report.resources.power_w
    named = {"min_power": "low", "average_power": "mean", "max_power": "high"}
    return row | {name: round(getattr(power, what), 3) if power else "" for name, what in named.items()}


def summarise(plan: Plan, point: Point, times: Times, resources: Resources, limit: str = "") -> PointReport:
    """The figures of one point."""
    latency = times.latency_ms
    found = _disturbed(steadiness(times.completions_ns), resources)
    fps = rate(times.completions_ns)
    load = plan.load if point.what in ("hw", "stream") else type(plan.load)()
    offered = (load.rate or 0.0) * point.workers
    if fps.value < KEPT_UP * offered:
        trouble = f"{offered:g} frames a second came, more than it can do: latencies only grow"
        found = Steadiness(found.spread, found.drift, trouble)
    return PointReport(
        point=point,
        load=str(load),
        frames=len(latency),
        seconds=float(times.done_ns[-1] - times.began_ns) / 1e9,
        fps=fps,
        latency_ms={f"p{rank:g}": one for rank, one in zip(PERCENTILES, percentiles(latency), strict=True)},
        mean_ms=float(latency.mean()),
        min_ms=float(latency.min()),
        max_ms=float(latency.max()),
        steadiness=found,
        resources=resources,
        limit=limit,
        samples=tuple(latency.tolist()),
    )


def _disturbed(found: Steadiness, resources: Resources) -> Steadiness:
    """The steadiness, with the trouble that others made while this was measured."""
    ours, all_of_it = resources.cpu_percent, resources.machine_percent
    if found.trouble or ours is None or all_of_it is None:
        return found
    others = all_of_it.mean - ours.mean * usable_cores() / (os.cpu_count() or 1)
    if others <= 100 * OTHERS:
        return found
    return replace(found, trouble=f"other programs used {others:.0f} % of the machine meanwhile")


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """A file, whole or not at all."""
    with replacing(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8")


def read_report(path: str | os.PathLike[str]) -> Report:
    """A report that was written with :meth:`Report.to_json`.

    Raises:
        NotFoundError: there is no such file.
        InputError: it holds something else.
    """
    if not Path(path).is_file():
        message = f"{path}: no such file"
        raise NotFoundError(message)
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        about = {name: value for name, value in content["environment"].items() if name != "fingerprint"}
        return Report(Environment(**about), tuple(_point(one) for one in content["points"]))
    except ValueError as error:
        message = f"{path}: not a report of hailstack bench --json: {error}"
        raise InputError(message) from error
    except (KeyError, TypeError, AttributeError) as error:
        message = f"{path}: not a report of hailstack bench --json: {error!r}"
        raise InputError(message) from error


def _point(one: dict[str, Any]) -> PointReport:
    resources = {name: Range(**value) for name, value in one["resources"].items()}
    return PointReport(
        point=Point(one["what"], one["batch_size"], one["depth"], one["workers"]),
        load=one["load"],
        frames=one["frames"],
        seconds=one["seconds"],
        fps=_estimate(one["fps"]),
        latency_ms={name: _estimate(one["latency_ms"][name]) for name in (f"p{rank:g}" for rank in PERCENTILES)},
        mean_ms=one["mean_ms"],
        min_ms=one["min_ms"],
        max_ms=one["max_ms"],
        steadiness=Steadiness(**one["steadiness"]),
        resources=Resources(**resources),
        limit=one["limit"],
    )


def _estimate(one: dict[str, Any]) -> Estimate:
    return Estimate(float(one["value"]), float(one["low"]), float(one["high"]))
