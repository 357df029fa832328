"""ONNX in, HEF out: all stages in order."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hailstack.compiler.calibration.feeds import Calibration, find_sources, open_feeds
from hailstack.compiler.calibration.frames import CalibrationSummary, Progress
from hailstack.compiler.defaults import choose_thresholds
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.proof import TOLERANCE, Proof, prove
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.fitting import fit_inputs
from hailstack.compiler.graph.model import Graph, as_maps, load_graph
from hailstack.compiler.inputs import NetworkInput, normalisations
from hailstack.compiler.notes import noted_pixels, parse_names, read_metadata
from hailstack.compiler.options import CompileOptions
from hailstack.compiler.package import Facts, head_facts, make_blueprint, proof_facts
from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.preflight.check import TASKS
from hailstack.compiler.quantise.network import QuantisedNetwork, quantise
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.pictures import sample
from hailstack.compiler.quantise.raising import Judge, Raised, Wanted, expected_speed, raise_precision
from hailstack.compiler.recipe import Recipe, make_recipe
from hailstack.compiler.report import CompileReport, StreamReport
from hailstack.compiler.script.text import read_text
from hailstack.errors import ConfigError, InputError, ModelError
from hailstack.files import demand_place
from hailstack.hef import HefBlueprint, StreamPlan, write_hef
from hailstack.hef.formats import Direction
from hailstack.imaging import Preprocess

RAISING_LIMIT = 256
"""Calibration pictures that are kept to quantise again and again."""
VALIDATION_LIMIT = 64
"""Pictures that a drop is measured on."""


def compile_model(
    onnx_path: str | os.PathLike[str],
    calibration: Calibration,
    output: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    **options: Any,
) -> CompileReport:
    """Compile an ONNX or TensorFlow Lite network to an emulated HEF at ``output``.

    Args:
        onnx_path: a network whose inputs are pictures, maps, sequences or vectors, one or several.
        calibration: typical pictures: a folder, video, list, dataset, a set as ``.npz`` or ``.npy``
            (:mod:`hailstack.compiler.calibration.sources`), or RGB pictures; read once, one at a time. For several
            inputs one source for each (:mod:`hailstack.compiler.calibration.feeds`).
        output: where the HEF goes; it appears whole or not at all.
        progress: told about stages.
        options: the fields of :class:`~hailstack.compiler.options.CompileOptions`.

    Raises:
        NotFoundError: the model, the pictures or the output's folder are not there.
        ModelError: the network cannot be compiled; the message names the file and the node.
        ConfigError: labels, sizes, names or the model script do not fit the network.
        InputError: no picture could be read.
    """
    source, target_path = Path(onnx_path), Path(output)
    wishes = CompileOptions(**options)
    group = _group_name(wishes.name or source.stem)
    _check_output(target_path, source)
    wishes = _as_noted(wishes, source)
    watch = Stopwatch(progress)
    network = _parse(source, group, wishes, watch)
    sources = find_sources(calibration, network.trunk.inputs)
    inputs = fit_inputs(network.trunk, network.recipe.plan, sources, wishes, network.recipe.normalisations)
    with watch.stage("quantise"):
        raised, summary = _quantise(network, inputs, sources, wishes, progress)
    with watch.stage("package"):
        facts = _facts(network, inputs, wishes, raised.options, summary)
        blueprint = make_blueprint(facts, network.trunk, raised.network)
        write_hef(target_path, blueprint)
    return _report(facts, blueprint, target_path, raised, network.recipe, watch)


def _as_noted(wishes: CompileOptions, source: Path) -> CompileOptions:
    """With class names, and how pictures enter, from the file's own notes where nothing else is asked for."""
    if not source.is_file():
        return wishes  # reading it will say so
    notes = read_metadata(source)
    if wishes.labels is None and (names := parse_names(notes.get("names", ""))):
        wishes = replace(wishes, labels=names)
    if wishes.script is not None:
        return wishes
    told: dict[str, Any] = dict(noted_pixels(source, notes))
    fit = told.pop("preprocess", {})
    if wishes.mean is None and wishes.std is None:
        wishes = replace(wishes, **told)
    if fit and not isinstance(wishes.preprocess, Preprocess):
        wishes = replace(wishes, preprocess={**fit, **(wishes.preprocess or {})})
    return wishes


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage."""

    progress: Progress | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if self.progress is not None:
            self.progress(name, 0, None)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class _Network:
    """What is to be compiled, before anything has been calibrated."""

    name: str
    source: Path
    recipe: Recipe
    trunk: Graph
    tail: Graph | None
    proof: Proof


def _parse(source: Path, group: str, wishes: CompileOptions, watch: Stopwatch) -> _Network:
    with watch.stage("graph"):
        graph = load_graph(source, input_shapes=wishes.input_shapes, trying=False)  # the proof of its ends runs it
        graph = as_maps(graph, wishes.input_layouts)
    with watch.stage("endnodes"):
        classes = None if wishes.labels is None else len(wishes.labels)
        plan = find_head(graph, wishes.head, classes, end_nodes=wishes.end_nodes, features=wishes.features)
        recipe = _recipe(graph, group, plan, wishes)
        _check_labels(source, recipe.plan, wishes.labels)
        trunk, tail = cut(graph, recipe.plan), cut_tail(graph, recipe.plan)
        proof = prove(graph, trunk, tail, recipe.plan)
        _check_proof(source, proof)
    return _Network(group, source, recipe, trunk, tail, proof)


def _recipe(graph: Graph, group: str, plan: HeadPlan, wishes: CompileOptions) -> Recipe:
    """As the model script says, or as the options do."""
    if wishes.script is None:
        thresholds = choose_thresholds(plan, wishes.score_threshold, wishes.iou_threshold)
        return Recipe(plan, {}, thresholds, wishes.quantisation or QuantiseOptions())
    text, folder, _ = read_text(wishes.script)
    bare = tuple(replace(end, sigmoid=False) for end in plan.ends)
    names = tuple(graph.producers[end.tensor].name or end.tensor for end in bare)
    return make_recipe(ParsedNetwork(group, graph, bare, names, plan), text, folder)


def _quantise(
    network: _Network,
    inputs: tuple[NetworkInput, ...],
    sources: Mapping[str, Any],
    wishes: CompileOptions,
    progress: Progress | None,
) -> tuple[Raised, CalibrationSummary]:
    """The integer network, and what it was calibrated with."""
    recipe, given = network.recipe, normalisations(inputs)
    frames = open_feeds(sources, inputs, wishes.limit or recipe.calibration_size, progress)
    if wishes.max_drop is None:
        made = quantise(network.trunk, recipe.plan, given, frames, recipe.options)
        return Raised(made, recipe.options, (), reached=True), frames.summary
    kept = sample(frames, RAISING_LIMIT)
    if wishes.judge is not None:
        judge = _judge(wishes.judge, network, inputs, wishes, frames.summary)
        wanted = Wanted(wishes.max_drop, wishes.target, judge=judge)
    elif wishes.validation is not None:
        shown = open_feeds(find_sources(wishes.validation, network.trunk.inputs), inputs, VALIDATION_LIMIT, progress)
        wanted = Wanted(wishes.max_drop, wishes.target, tuple(shown))
    return raise_precision(network.trunk, recipe.plan, given, kept, recipe.options, wanted), frames.summary


def _judge(
    points_lost: Callable[[Path], float],
    network: _Network,
    inputs: tuple[NetworkInput, ...],
    wishes: CompileOptions,
    summary: CalibrationSummary,
) -> Judge:
    """What ``points_lost`` says of the HEF that a network would become."""

    def judge(made: QuantisedNetwork, options: QuantiseOptions) -> float:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{network.name}.hef"
            write_hef(path, make_blueprint(_facts(network, inputs, wishes, options, summary), network.trunk, made))
            return points_lost(path)

    return judge


def _facts(
    network: _Network,
    inputs: tuple[NetworkInput, ...],
    wishes: CompileOptions,
    options: QuantiseOptions,
    summary: CalibrationSummary,
) -> Facts:
    plan, thresholds, target = network.recipe.plan, network.recipe.thresholds, wishes.target
    return Facts(
        name=network.name,
        source=network.source,
        target=target,
        head=plan,
        thresholds=thresholds,
        labels=None if wishes.labels is None else tuple(wishes.labels),
        inputs=inputs,
        calibration=summary,
        estimate=expected_speed(network.trunk, target, options.wide_layers, TASKS.get(plan.task, "")),
        options={"target": target, "thresholds": asdict(thresholds), "quantise": asdict(options)},
        license=wishes.license,
        tail=network.tail,
        proof=network.proof,
    )


def _group_name(name: str) -> str:
    if not name or "/" in name:
        message = f"network name {name!r} must not be empty or hold a slash"
        raise ConfigError(message)
    return name


def _check_output(output: Path, source: Path) -> None:
    if output.resolve() == source.resolve():
        message = f"{output}: the HEF would overwrite the model; name another file"
        raise InputError(message)
    demand_place(output)


def _check_proof(source: Path, proof: Proof) -> None:
    if not proof.holds:
        worst = max(proof.outputs, key=lambda one: one.relative)
        message = (
            f"{source}: the cut does not prove: output {worst.output!r} of head and tail differs by "
            f"{worst.difference:.3g} from the network's (range {worst.span:.3g}, allowed {TOLERANCE:g} of it); "
            "name other end nodes, or use --head raw"
        )
        raise ModelError(message)


def _check_labels(source: Path, plan: HeadPlan, labels: Sequence[str] | None) -> None:
    named = (plan.classes, plan.classes - plan.background)
    if labels is not None and plan.classes and len(labels) not in named:
        message = f"{source}: the network has {plan.classes} classes, but {len(labels)} class names are given"
        raise ConfigError(message)


def _report(
    facts: Facts, blueprint: HefBlueprint, path: Path, raised: Raised, recipe: Recipe, watch: Stopwatch
) -> CompileReport:
    picture = facts.picture
    return CompileReport(
        source=facts.source,
        hef=path,
        target=facts.target,
        network=facts.name,
        head=head_facts(facts.head),
        preprocess=None if picture is None or picture.preprocess is None else picture.preprocess.to_dict(),
        normalisation=None if picture is None else asdict(picture.normalisation),
        inputs=_streams(blueprint, Direction.H2D),
        outputs=_streams(blueprint, Direction.D2H),
        proof=None if facts.proof is None else proof_facts(facts.proof),
        postprocess=blueprint.ops[0].output if blueprint.ops else None,
        calibration=facts.calibration,
        effort=raised.network.effort,
        steps=raised.steps,
        estimate=facts.estimate,
        idle=recipe.idle,
        seconds={stage: round(spent, 3) for stage, spent in watch.seconds.items()},
        size_bytes=path.stat().st_size,
    )


def _streams(blueprint: HefBlueprint, direction: Direction) -> tuple[StreamReport, ...]:
    return tuple(_stream(plan) for plan in blueprint.streams if plan.direction is direction)


def _stream(plan: StreamPlan) -> StreamReport:
    original = plan.original_names[0] if plan.original_names else ""
    return StreamReport(plan.name, plan.shape, plan.type.name.lower(), plan.quant, original)
