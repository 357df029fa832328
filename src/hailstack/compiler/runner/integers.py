"""The network in integers: quantised on the data of a program, kept in an archive, put into a HEF."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hailstack.compiler.calibration.frames import CalibrationSummary
from hailstack.compiler.defaults import default_preprocess, is_picture
from hailstack.compiler.endnodes.hosted import host_kind
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.graph.model import Graph, as_maps
from hailstack.compiler.graph.structure import IMAGE_CHANNELS
from hailstack.compiler.host_op import NmsThresholds
from hailstack.compiler.inputs import InputScale, NetworkInput, normalisations
from hailstack.compiler.package import Facts, make_blueprint
from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.preflight.estimate import CHIPS, Target, estimate_speed
from hailstack.compiler.preflight.layers import list_layers
from hailstack.compiler.quantise.network import QuantisedNetwork, quantise
from hailstack.compiler.quantise.pixels import Frame, Normalisation
from hailstack.compiler.quantise.results import Output
from hailstack.compiler.recipe import Recipe
from hailstack.compiler.runner.plan_json import plan_values, read_plan
from hailstack.compiler.runner.vendor_errors import AccelerasInputsError, UnsupportedModelError
from hailstack.errors import ModelError
from hailstack.hef import HefBlueprint
from hailstack.hef.writer import hef_bytes

CALIBRATION_SIZE = 64
"""Entries of a calibration set that are used if the script says nothing."""

Feed: TypeAlias = Mapping[str, NDArray[Any]]
"""Input layer → one sample, channels last."""

NEAREST = {"hailo8r": "hailo8", "hailo15l": "hailo15h", "hailo15m": "hailo15h"}
"""Chips without figures of their own → the one whose figures are written into the HEF."""


@dataclass(frozen=True, slots=True)
class IntegerNetwork:
    """A quantised network with all that its HEF says."""

    network: QuantisedNetwork
    plan: HeadPlan
    inputs: tuple[NetworkInput, ...]
    """In the order of the network's."""
    thresholds: NmsThresholds
    calibration: CalibrationSummary
    options: Mapping[str, Any]

    @property
    def decodes_boxes(self) -> bool:
        return host_kind(self.plan) is not None

    def frame(self, feed: Feed) -> dict[str, NDArray[np.uint8]]:
        """One sample as both networks take it."""
        rows = zip(self.inputs, feed.values(), strict=True)
        return {f"{one.tensor}_pixels": one.quantise(sample)[None] for one, sample in rows}


def quantise_network(parsed: ParsedNetwork, recipe: Recipe, samples: Iterable[Feed]) -> IntegerNetwork:
    """Quantise ``parsed`` on ``samples``.

    Args:
        samples: by input layer, channels last; pixels of 0 to 255 where the recipe normalises them, else as the
            network wants them.

    Raises:
        AccelerasInputsError: there are no samples.
        UnsupportedModelError: the network cannot be quantised.
    """
    most = recipe.calibration_size or CALIBRATION_SIZE
    held = [[np.asarray(value) for value in feed.values()] for feed, _ in zip(samples, range(most), strict=False)]
    if not held:
        raise AccelerasInputsError("the calibration data hold no samples")
    digest = hashlib.sha256()
    try:
        graph = as_maps(parsed.graph)
        inputs = tuple(
            _input(name, graph.map_shape(name), recipe.normalisations.get(name), column)
            for name, column in zip(graph.inputs, zip(*held, strict=True), strict=True)
        )
        frames = _frames(held, inputs, digest)
        network = quantise(cut(graph, recipe.plan), recipe.plan, normalisations(inputs), frames, recipe.options)
    except ModelError as error:
        raise UnsupportedModelError(str(error)) from error
    summary = CalibrationSummary(len(held), digest.hexdigest())
    return IntegerNetwork(network, recipe.plan, inputs, recipe.thresholds, summary, asdict(recipe.options))


def _input(
    name: str, shape: tuple[int, int, int], given: Normalisation | None, column: Sequence[NDArray[Any]]
) -> NetworkInput:
    scale = InputScale() if given is not None else find_input_scale(column, pixels=shape[2] in IMAGE_CHANNELS)
    return NetworkInput(name, shape, (given or scale.normalisation).of_channels(shape[2]), scale)


def _frames(held: Iterable[Sequence[NDArray[Any]]], inputs: Sequence[NetworkInput], digest: Any) -> Iterator[Frame]:
    for row in held:
        frame = {one.tensor: one.quantise(sample) for one, sample in zip(inputs, row, strict=True)}
        for array in frame.values():
            digest.update(array.data)
        yield frame


def find_input_scale(samples: Sequence[NDArray[Any]], *, pixels: bool) -> InputScale:
    """The integers for data that no script normalises: bytes as they are, other ranges spread over 0..255.

    Args:
        pixels: whether numbers from 0 up to 255 may be pixels, which stay as they are.
    """
    if all(sample.dtype == np.uint8 for sample in samples):
        return InputScale()
    low, high = min(float(sample.min()) for sample in samples), max(float(sample.max()) for sample in samples)
    return InputScale() if pixels and low >= 0 and 2.0 < high <= 255.0 else InputScale.spread(low, high)


def nearest_target(chip: str) -> Target:
    """The chip whose figures stand for ``chip``."""
    name = NEAREST.get(chip, chip)
    return cast(Target, name if name in CHIPS else "hailo8")


def compile_network(parsed: ParsedNetwork, integers: IntegerNetwork, chip: str) -> bytes:
    """The HEF, for the emulated chip."""
    return hef_bytes(blueprint(parsed, integers, chip))


def blueprint(parsed: ParsedNetwork, integers: IntegerNetwork, chip: str) -> HefBlueprint:
    """What goes into the HEF."""
    trunk = cut(as_maps(parsed.graph), integers.plan)
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
            inputs=tuple(_prepared(one, integers.plan) for one in integers.inputs),
            calibration=integers.calibration,
            estimate=estimate_speed(list_layers(trunk), target),
            options={"target": chip, "quantise": dict(integers.options)},
        )
        made = make_blueprint(facts, trunk, integers.network)
    return replace(made, meta=_with_origin(made.meta, parsed))


def _prepared(one: NetworkInput, plan: HeadPlan) -> NetworkInput:
    """With the preprocessing that is usual for the head, where pictures come in."""
    if not is_picture(one.shape) or one.scale != InputScale():
        return one
    return replace(one, preprocess=default_preprocess(plan, one.shape))


def _with_origin(meta: Mapping[str, Any], parsed: ParsedNetwork) -> Mapping[str, Any]:
    """The facts with the file that the program gave as the source."""
    manifest = {**meta.get("manifest", {}), "source": {**parsed.origin, "external": {}}}
    return {**meta, "manifest": manifest}


OUTPUTS = TypeAdapter(tuple[Output, ...])
REST: TypeAdapter[Any] = TypeAdapter(
    tuple[dict[str, Any], tuple[NetworkInput, ...], NmsThresholds, CalibrationSummary, dict[str, Any], dict[str, str]]
)


def save_integers(integers: IntegerNetwork) -> dict[str, bytes]:
    """Members of an archive that hold ``integers``."""
    facts = (
        plan_values(integers.plan),
        integers.inputs,
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
    values, inputs, thresholds, calibration, options, pairs = REST.validate_json(files["quantised.json"])
    plan = read_plan(values) or HeadPlan("raw", ())
    graphs = [Graph(onnx.load_from_string(files[name]), source) for name in ("quantised.onnx", "optimised.onnx")]
    network = QuantisedNetwork(graphs[0], OUTPUTS.validate_json(files["outputs.json"]), graphs[1], pairs)
    return IntegerNetwork(network, plan, inputs, thresholds, calibration, options)
