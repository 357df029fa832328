"""Float against integers on labelled pictures."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from inputs.quantise_tasks import Outputs, Sample, Task, all_tasks, share_right
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.quantise.network import QuantisedNetwork, quantise
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.pixels import feed, take_pixels
from hailstack.compiler.quantise.raising import points_changed

Row = dict[str, object]
HEADINGS = (
    "network", "metric", "options", "float", "integer", "drop", "doubt", "published", "agreement", "changed", "snr_db",
    "seconds",
)  # fmt: skip
GROUPS = 10
"""Of pictures, each of which is left out once to see how far the figures can be trusted."""


def measure_accuracy(only: Sequence[str], levels: Sequence[int], *, every: bool) -> list[Row]:
    """One row for each network and set of options."""
    rows = []
    print("  ".join(HEADINGS), file=sys.stderr)
    for task in all_tasks():
        if only and not task.name.startswith(tuple(only)):
            continue
        for name, options in _choices(levels, every=every):
            rows.append(_row(task, name, options))
            print("  ".join(f"{rows[-1][key]}" for key in HEADINGS), file=sys.stderr, flush=True)
    return rows


def _choices(levels: Sequence[int], *, every: bool) -> Iterator[tuple[str, QuantiseOptions | None]]:
    """Options by name; None stands for onnxruntime's quantiser."""
    for level in levels:
        yield f"level {level}", QuantiseOptions(level=level)  # type: ignore[arg-type]
    yield "onnxruntime quantize_static", None
    if every:
        for clipping in ("minmax", "percentile", "mse"):
            yield clipping, QuantiseOptions(clipping=clipping)  # type: ignore[arg-type]
        for level in levels:
            yield f"layer scales, level {level}", QuantiseOptions(weight_scales="layer", level=level)  # type: ignore[arg-type]
        yield "16-bit outputs", QuantiseOptions(output_type="uint16")


def _row(task: Task, name: str, options: QuantiseOptions | None) -> Row:
    graph, plan = task.cut()
    real: list[tuple[Outputs, Sample]] = []
    integer: list[tuple[Outputs, Sample]] = []
    seconds, level = 0.0, None
    for calibration, scored in task.folds():
        start = time.perf_counter()
        frames = [sample.frame for sample in calibration]
        if options is None:
            plain, model = quantise_with_onnxruntime(graph, task, frames)
            seconds += time.perf_counter() - start
            integer += zip(_run(model, plain, plan, scored), scored, strict=True)
        else:
            network = quantise(graph, plan, task.normalisation, frames, options)
            seconds += time.perf_counter() - start
            plain, level = network.float_graph, network.effort.effective
            integer += zip(_run_integers(network, scored), scored, strict=True)
        real += zip(_run(plain.model, plain, plan, scored), scored, strict=True)
    before, after, doubt = _judge(task, plan, real, integer)
    return {
        "network": task.name,
        "metric": task.metric.name,
        "options": name,
        "effective_level": level,
        "float": round(before, 2),
        "integer": round(after, 2),
        "drop": round(before - after, 2),
        "doubt": round(doubt, 2),
        "published": task.published_drop,
        "agreement": _agreement(task, plan, real, integer),
        "changed": round(points_changed(plan, [a for a, _ in real], [b for b, _ in integer]), 2),  # type: ignore[arg-type,misc]
        "snr_db": _snr(real, integer),
        "seconds": round(seconds, 1),
    }


Results = Sequence[tuple[Outputs, Sample]]


def _readings(task: Task, plan: HeadPlan, results: Results) -> list[Any]:
    return [task.metric.read(outputs, sample, plan) for outputs, sample in results]


def _judge(task: Task, plan: HeadPlan, real: Results, integer: Results) -> tuple[float, float, float]:
    """Points of the float and of the integer network on labelled pictures, and the standard error of their
    difference (jackknife over groups of pictures)."""
    count = len(task.samples())
    labelled = [i for i, (_, sample) in enumerate(real) if sample.truth is not None] or list(range(count))
    truth = [real[i][1].truth for i in labelled]
    both = [_readings(task, plan, [results[i] for i in labelled]) for results in (real, integer)]
    before, after = (task.metric.judge(found, truth) for found in both)
    drops = []
    for group in range(GROUPS):
        kept = [i for i in range(len(truth)) if i % GROUPS != group]
        points = [task.metric.judge([found[i] for i in kept], [truth[i] for i in kept]) for found in both]
        drops.append(points[0] - points[1])
    return before, after, float(np.sqrt((GROUPS - 1) * np.var(drops)))


def _agreement(task: Task, plan: HeadPlan, real: Results, integer: Results) -> float | None:
    """Points of the integers with the float network's answers as truth, on all pictures."""
    as_truth = task.metric.as_truth
    if as_truth is None:
        return None
    judge = task.metric.judge if task.metric.name != "agreement alone" else share_right
    return round(judge(_readings(task, plan, integer), [as_truth(one) for one in _readings(task, plan, real)]), 2)


def quantise_with_onnxruntime(
    graph: Graph, task: Task, frames: Sequence[NDArray[np.uint8]]
) -> tuple[Graph, onnx.ModelProto]:
    """The same contract from onnxruntime: uint8 activations, int8 weights a channel, minimum and maximum."""
    plain = take_pixels(graph, task.normalisation)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(frames)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            frame = next(self.left, None)
            return None if frame is None else feed(plain, frame)

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        before, after = Path(folder) / "float.onnx", Path(folder) / "integer.onnx"
        onnx.save(plain.model, before)
        kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
        quantize_static(before, after, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, **kinds)
        return plain, onnx.load(after)


def _run(model: onnx.ModelProto, graph: Graph, plan: HeadPlan, samples: Sequence[Sample]) -> Iterator[Outputs]:
    session = open_session(model, graph.source)
    names = [end.output for end in plan.ends]
    for sample in samples:
        values = session.run(names, feed(graph, sample.frame))
        yield {name: value.astype(np.float64) for name, value in zip(names, values, strict=True)}


def _run_integers(network: QuantisedNetwork, samples: Sequence[Sample]) -> Iterator[Outputs]:
    session = open_session(network.graph.model, network.graph.source)
    for sample in samples:
        values = session.run([output.tensor for output in network.outputs], feed(network.graph, sample.frame))
        made = {}
        for output, value in zip(network.outputs, values, strict=True):
            real = output.dequantise(value)
            shape = network.float_graph.shape(output.end.output)
            maps = real.ndim == 4 and len(shape) == 4
            made[output.end.output] = real.transpose(0, 3, 1, 2) if maps else real.reshape(shape)
        yield made


def _snr(real: Sequence[tuple[Outputs, Sample]], integer: Sequence[tuple[Outputs, Sample]]) -> list[float]:
    """Signal over noise of each output."""
    found = []
    for name in real[0][0]:
        signal = sum(float((outputs[name] ** 2).sum()) for outputs, _ in real)
        noise = sum(float(((a[name] - b[name]) ** 2).sum()) for (a, _), (b, _) in zip(real, integer, strict=True))
        found.append(round(10 * float(np.log10(signal / max(noise, 1e-30))), 1))
    return found
