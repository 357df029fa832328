"""The network in integers: quantised on the data of a program, kept in an archive, put into a HEF."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hailstack.compiler.calibration.frames import CalibrationSummary
from hailstack.compiler.defaults import default_preprocess
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.host_op import NmsThresholds
from hailstack.compiler.package import Facts, make_blueprint
from hailstack.compiler.preflight.estimate import CHIPS, Target, estimate_speed
from hailstack.compiler.preflight.layers import list_layers
from hailstack.compiler.quantise.network import QuantisedNetwork, quantise
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.compiler.quantise.results import Output
from hailstack.compiler.runner.parsing import ParsedNetwork
from hailstack.compiler.runner.plan_json import plan_values, read_plan
from hailstack.compiler.runner.recipe import Recipe
from hailstack.compiler.runner.vendor_errors import AccelerasInputsError, UnsupportedModelError
from hailstack.errors import ModelError
from hailstack.hef import HefBlueprint
from hailstack.hef.formats import Direction, QuantInfo
from hailstack.hef.writer import hef_bytes

NEAREST = {"hailo8r": "hailo8", "hailo15l": "hailo15h", "hailo15m": "hailo15h"}
"""Chips without figures of their own → the one whose figures are written into the HEF."""


@dataclass(frozen=True, slots=True)
class InputScale:
    """What the HEF's input integers stand for: ``real = (integer - zero_point) * scale``."""

    scale: float = 1.0
    zero_point: int = 0

    def quantise(self, sample: NDArray[Any]) -> NDArray[np.uint8]:
        steps = np.rint(np.asarray(sample, np.float64) / self.scale) + self.zero_point
        return np.asarray(np.clip(steps, 0, 255), np.uint8)

    @property
    def quant_info(self) -> QuantInfo:
        low, high = ((edge - self.zero_point) * self.scale for edge in (0, 255))
        return QuantInfo(zp=float(self.zero_point), scale=self.scale, limvals_min=low, limvals_max=high)


@dataclass(frozen=True, slots=True)
class IntegerNetwork:
    """A quantised network with all that its HEF says."""

    network: QuantisedNetwork
    plan: HeadPlan
    normalisation: Normalisation
    """From the input's integers to what the network wants."""
    input_scale: InputScale
    thresholds: NmsThresholds
    calibration: CalibrationSummary
    options: Mapping[str, Any]

    @property
    def decodes_boxes(self) -> bool:
        return self.plan.task != "raw"


def quantise_network(parsed: ParsedNetwork, recipe: Recipe, samples: Iterable[NDArray[Any]]) -> IntegerNetwork:
    """Quantise ``parsed`` on ``samples``.

    Args:
        samples: ``(h, w, c)``, pixels of 0 to 255 if the recipe normalises them, else as the network wants them.

    Raises:
        AccelerasInputsError: there are no samples.
        UnsupportedModelError: the network does not take one colour picture, or cannot be quantised.
    """
    _check_picture(parsed)
    held = [np.asarray(sample) for sample, _ in zip(samples, range(recipe.calibration_size), strict=False)]
    if not held:
        raise AccelerasInputsError("the calibration data hold no samples")
    scale = InputScale() if recipe.normalisation else find_input_scale(held)
    normalisation = recipe.normalisation or _as_normalisation(scale)
    digest = hashlib.sha256()
    trunk = cut(parsed.graph, recipe.plan)
    frames = _frames(held, scale, digest)
    try:
        network = quantise(trunk, recipe.plan, normalisation, frames, recipe.options)
    except ModelError as error:
        raise UnsupportedModelError(str(error)) from error
    summary = CalibrationSummary(len(held), digest.hexdigest())
    return IntegerNetwork(
        network, recipe.plan, normalisation, scale, recipe.thresholds, summary, asdict(recipe.options)
    )


def _check_picture(parsed: ParsedNetwork) -> None:
    graph = parsed.graph
    try:
        channels = graph.channels
    except ModelError as error:
        raise UnsupportedModelError(str(error)) from error
    if channels != 3:
        message = f"{graph.source}: takes {channels} channels; networks of one picture with 3 channels are quantised"
        raise UnsupportedModelError(message)


def _frames(held: Iterable[NDArray[Any]], scale: InputScale, digest: Any) -> Iterator[NDArray[np.uint8]]:
    for sample in held:
        frame = np.ascontiguousarray(scale.quantise(sample))
        digest.update(frame.data)
        yield frame


def find_input_scale(samples: Iterable[NDArray[Any]]) -> InputScale:
    """The integers for data that no script normalises: pixels as they are, other ranges spread over 0..255."""
    listed = list(samples)
    low = min(0.0, *(float(sample.min()) for sample in listed))
    high = max(0.0, *(float(sample.max()) for sample in listed))
    if all(sample.dtype == np.uint8 for sample in listed) or (low == 0.0 and 2.0 < high <= 255.0) or low == high:
        return InputScale()
    scale = float(np.float32((high - low) / 255))
    return InputScale(scale, int(np.clip(round(-low / scale), 0, 255)))


def _as_normalisation(scale: InputScale) -> Normalisation:
    std, mean = 1.0 / scale.scale, float(scale.zero_point)
    return Normalisation((mean, mean, mean), (std, std, std))


def nearest_target(chip: str) -> Target:
    """The chip whose figures stand for ``chip``."""
    name = NEAREST.get(chip, chip)
    return cast(Target, name if name in CHIPS else "hailo8")


def compile_network(parsed: ParsedNetwork, integers: IntegerNetwork, chip: str) -> bytes:
    """The HEF, for the emulated chip."""
    return hef_bytes(blueprint(parsed, integers, chip))


def blueprint(parsed: ParsedNetwork, integers: IntegerNetwork, chip: str) -> HefBlueprint:
    """What goes into the HEF."""
    trunk = cut(parsed.graph, integers.plan)
    target = nearest_target(chip)
    with tempfile.TemporaryDirectory(prefix="hailstack-") as folder:
        source = Path(folder) / f"{parsed.name}.onnx"
        onnx.save(trunk.model, source)
        facts = Facts(
            name=parsed.name,
            source=source,
            target=target,
            head=integers.plan,
            thresholds=integers.thresholds,
            labels=None,
            preprocess=default_preprocess(integers.plan, parsed.graph.input_hw),
            normalisation=integers.normalisation,
            calibration=integers.calibration,
            estimate=estimate_speed(list_layers(trunk), target),
            options={"target": chip, "quantise": dict(integers.options)},
        )
        made = make_blueprint(facts, trunk, integers.network)
    streams = tuple(
        replace(stream, quant=integers.input_scale.quant_info) if stream.direction is Direction.H2D else stream
        for stream in made.streams
    )
    return replace(made, streams=streams, meta=_with_origin(made.meta, parsed))


def _with_origin(meta: Mapping[str, Any], parsed: ParsedNetwork) -> Mapping[str, Any]:
    """The facts with the file that the program gave as the source."""
    manifest = {**meta.get("manifest", {}), "source": {**parsed.origin, "external": {}}}
    return {**meta, "manifest": manifest}


OUTPUTS = TypeAdapter(tuple[Output, ...])
REST: TypeAdapter[Any] = TypeAdapter(
    tuple[dict[str, Any], Normalisation, InputScale, NmsThresholds, CalibrationSummary, dict[str, Any], dict[str, str]]
)


def save_integers(integers: IntegerNetwork) -> dict[str, bytes]:
    """Members of an archive that hold ``integers``."""
    facts = (
        plan_values(integers.plan),
        integers.normalisation,
        integers.input_scale,
        integers.thresholds,
        integers.calibration,
        dict(integers.options),
        dict(integers.network.pairs),
    )
    return {
        "quantised.onnx": integers.network.graph.model.SerializeToString(),
        "optimised.onnx": integers.network.float_graph.model.SerializeToString(),
        "outputs.json": OUTPUTS.dump_json(integers.network.outputs),
        "quantised.json": REST.dump_json(facts),
    }


def load_integers(files: Mapping[str, bytes], source: str) -> IntegerNetwork | None:
    """What :func:`save_integers` kept; None if the archive is not ours or not that far."""
    if "quantised.json" not in files:
        return None
    values, normalisation, scale, thresholds, calibration, options, pairs = REST.validate_json(files["quantised.json"])
    plan = read_plan(values) or HeadPlan("raw", ())
    graphs = [Graph(onnx.load_from_string(files[name]), source) for name in ("quantised.onnx", "optimised.onnx")]
    network = QuantisedNetwork(graphs[0], OUTPUTS.validate_json(files["outputs.json"]), graphs[1], pairs)
    return IntegerNetwork(network, plan, normalisation, scale, thresholds, calibration, options)
