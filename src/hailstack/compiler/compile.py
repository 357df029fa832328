"""ONNX in, HEF out: all stages in order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hailstack.compiler.calibration.frames import Progress, open_calibration
from hailstack.compiler.defaults import choose_normalisation, choose_preprocess, choose_thresholds
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.proof import TOLERANCE, Proof, prove
from hailstack.compiler.endnodes.recognise import HeadName, find_head
from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.package import Facts, head_facts, make_blueprint, proof_facts
from hailstack.compiler.preflight.check import TASKS
from hailstack.compiler.preflight.estimate import TARGETS, Target
from hailstack.compiler.quantise.network import quantise
from hailstack.compiler.quantise.options import Effort, QuantiseOptions
from hailstack.compiler.quantise.pictures import sample
from hailstack.compiler.quantise.raising import Step, Wanted, expected_speed, raise_precision
from hailstack.compiler.report import CompileReport, StreamReport
from hailstack.errors import ConfigError, InputError, ModelError, NotFoundError
from hailstack.hef import HefBlueprint, StreamPlan, write_hef
from hailstack.hef.formats import Direction
from hailstack.imaging import Preprocess
from hailstack.types import Image

RAISING_LIMIT = 256
"""Calibration pictures that are kept to quantise again and again."""
VALIDATION_LIMIT = 64
"""Pictures that a drop is measured on."""


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


def compile_model(
    onnx_path: str | os.PathLike[str],
    calibration: str | Path | Iterable[Image],
    output: str | os.PathLike[str],
    *,
    target: Target = "hailo8l",
    head: HeadName = "auto",
    end_nodes: Sequence[str] = (),
    features: str | None = None,
    preprocess: Preprocess | Mapping[str, object] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    bgr: bool | None = None,
    labels: Sequence[str] | None = None,
    score_threshold: float | None = None,
    iou_threshold: float | None = None,
    name: str | None = None,
    quantisation: QuantiseOptions | None = None,
    max_drop: float | None = None,
    validation: str | Path | Iterable[Image] | None = None,
    limit: int | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    license: str | None = None,
    progress: Progress | None = None,
) -> CompileReport:
    """Compile an ONNX or TensorFlow Lite network to an emulated HEF at ``output``.

    Args:
        onnx_path: a network that takes one 3-channel image.
        calibration: typical pictures: a folder, video, list, dataset, a set as ``.npz`` or ``.npy``
            (:mod:`hailstack.compiler.calibration.sources`), or RGB pictures; read once, one at a time.
        output: where the HEF goes; it appears whole or not at all.
        target: the chip.
        head: what the outputs are; ``auto`` finds out, ``raw`` keeps them.
        end_nodes: nodes or tensors of the model to cut at, instead of what is found.
        features: a node or tensor whose feature map leaves beside the results; ``auto`` picks one
            (:mod:`hailstack.compiler.endnodes.features`).
        preprocess: how a picture becomes an input frame; some of its fields, or None, take what is usual for the
            head (:mod:`hailstack.compiler.defaults`) for the others.
        mean, std: the network wants ``(pixel - mean) / std``; one number, or one for each channel in the network's
            order. None: what is usual for the head.
        bgr: whether the network wants BGR. The HEF takes RGB in any case.
        labels: class names.
        score_threshold, iou_threshold: which boxes the host keeps; None: as the vendor has it.
        name: of the network group; None: the file's.
        quantisation: precision and effort; None: 8 bits everywhere.
        max_drop: layers are raised to 16 bits, the noisiest first, until the answers on ``validation`` differ from
            the float network's by no more than so many points
            (:func:`hailstack.compiler.quantise.raising.points_changed`).
        validation: pictures to measure that on, as ``calibration``; best not the same ones.
        limit: how many calibration pictures at most; None: all of a set, 64 of anything else.
        input_shapes: for networks exported with an open height or width, ``{"images": (1, 3, 640, 640)}``.
        license: of the weights, for the HEF's manifest; None: what the ONNX file's metadata says.
        progress: told about stages.

    Raises:
        NotFoundError: the model, the pictures or the output's folder are not there.
        ModelError: the network cannot be compiled; the message names the file and the node.
        ConfigError: labels, sizes or names do not fit the network.
        InputError: no picture could be read.
    """
    source, target_path = Path(onnx_path), Path(output)
    group = _check_arguments(name or source.stem, target, limit)
    _check_output(target_path, source)
    watch = Stopwatch(progress)
    with watch.stage("graph"):
        graph = load_graph(source, input_shapes=input_shapes)
        _check_colour(graph)
    with watch.stage("endnodes"):
        classes = None if labels is None else len(labels)
        plan = find_head(graph, head, classes, end_nodes=end_nodes, features=features)
        _check_labels(source, plan, labels)
        trunk, tail = cut(graph, plan), cut_tail(graph, plan)
        proof = prove(graph, trunk, tail, plan)
        _check_proof(source, proof)
    normalisation = choose_normalisation(plan, mean, std, bgr, graph.scalings.get(graph.input))
    thresholds = choose_thresholds(plan, score_threshold, iou_threshold)
    fitted = choose_preprocess(plan, graph.input_hw, preprocess)
    options, steps = quantisation or QuantiseOptions(), tuple[Step, ...]()
    frames = open_calibration(calibration, fitted, limit, progress)
    with watch.stage("quantise"):
        if max_drop is None:
            network = quantise(trunk, plan, normalisation, frames, options)
        else:
            shown = open_calibration(_required(validation), fitted, VALIDATION_LIMIT, progress)
            wanted = Wanted(max_drop, target, tuple(shown))
            raised = raise_precision(trunk, plan, normalisation, sample(frames, RAISING_LIMIT), options, wanted)
            network, options, steps = raised.network, raised.options, raised.steps
    with watch.stage("package"):
        facts = Facts(
            name=group,
            source=source,
            target=target,
            head=plan,
            thresholds=thresholds,
            labels=None if labels is None else tuple(labels),
            preprocess=fitted,
            normalisation=normalisation,
            calibration=frames.summary,
            estimate=expected_speed(trunk, target, options.wide_layers, TASKS.get(plan.task, "")),
            options={"target": target, "thresholds": asdict(thresholds), "quantise": asdict(options)},
            license=license,
            tail=tail,
            proof=proof,
        )
        blueprint = make_blueprint(facts, trunk, network)
        write_hef(target_path, blueprint)
    return _report(facts, blueprint, target_path, network.effort, steps, watch.seconds)


def _required(validation: str | Path | Iterable[Image] | None) -> str | Path | Iterable[Image]:
    if validation is None:
        message = "a largest drop needs pictures to measure it on: name a validation set"
        raise ConfigError(message)
    return validation


def _check_arguments(name: str, target: str, limit: int | None) -> str:
    if target not in TARGETS:
        message = f"target {target!r} is not known; possible are {', '.join(TARGETS)}"
        raise ConfigError(message)
    if limit is not None and limit < 1:
        message = f"limit is {limit}, at least one calibration picture is needed"
        raise ConfigError(message)
    if not name or "/" in name:
        message = f"network name {name!r} must not be empty or hold a slash"
        raise ConfigError(message)
    return name


def _check_output(output: Path, source: Path) -> None:
    if output.resolve() == source.resolve():
        message = f"{output}: the HEF would overwrite the model; name another file"
        raise InputError(message)
    if output.is_dir():
        message = f"{output}: is a folder; name the HEF to write"
        raise InputError(message)
    if not output.absolute().parent.is_dir():
        message = f"{output.absolute().parent}: no such folder to write the HEF to"
        raise NotFoundError(message)


def _check_colour(graph: Graph) -> None:
    if graph.channels != 3:
        message = f"{graph.source}: input {graph.input!r} takes pictures of {graph.channels} channels, not of 3 (RGB)"
        raise ModelError(message)


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
    facts: Facts,
    blueprint: HefBlueprint,
    path: Path,
    effort: Effort,
    steps: tuple[Step, ...],
    seconds: dict[str, float],
) -> CompileReport:
    return CompileReport(
        source=facts.source,
        hef=path,
        target=facts.target,
        network=facts.name,
        head=head_facts(facts.head),
        preprocess=facts.preprocess.to_dict(),
        normalisation=asdict(facts.normalisation),
        inputs=_streams(blueprint, Direction.H2D),
        outputs=_streams(blueprint, Direction.D2H),
        proof=None if facts.proof is None else proof_facts(facts.proof),
        postprocess=blueprint.ops[0].output if blueprint.ops else None,
        calibration=facts.calibration,
        effort=effort,
        steps=steps,
        estimate=facts.estimate,
        seconds={stage: round(spent, 3) for stage, spent in seconds.items()},
        size_bytes=path.stat().st_size,
    )


def _streams(blueprint: HefBlueprint, direction: Direction) -> tuple[StreamReport, ...]:
    return tuple(_stream(plan) for plan in blueprint.streams if plan.direction is direction)


def _stream(plan: StreamPlan) -> StreamReport:
    original = plan.original_names[0] if plan.original_names else ""
    return StreamReport(plan.name, plan.shape, plan.type.name.lower(), plan.quant, original)
