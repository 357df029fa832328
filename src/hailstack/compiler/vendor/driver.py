"""ONNX in, the vendor's HEF out: its compiler driven from here."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hailstack.compiler.calibration.feeds import Calibration, find_sources
from hailstack.compiler.calibration.frames import Progress
from hailstack.compiler.defaults import choose_preprocess
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.endnodes.recognise import HeadName, find_head
from hailstack.compiler.fitting import fit_inputs
from hailstack.compiler.graph.model import Graph, as_maps, load_graph
from hailstack.compiler.options import CompileOptions
from hailstack.compiler.script.format import format_script
from hailstack.compiler.script.interpret import interpret
from hailstack.compiler.script.lint import lint, refuse_errors
from hailstack.compiler.script.syntax import Script
from hailstack.compiler.script.write import ScriptOptions, write_script
from hailstack.compiler.vendor.failures import EndNodesError
from hailstack.compiler.vendor.job import Ingredients, Job, Stage
from hailstack.compiler.vendor.judge import judge
from hailstack.compiler.vendor.pictures import Pictures, write_inputs, write_pictures
from hailstack.compiler.vendor.process import Limits, find_python, probe, run_there
from hailstack.compiler.vendor.scripts import read_script
from hailstack.compiler.vendor.versions import check_target, warn_of_pair
from hailstack.compiler.vendor.watch import Watch
from hailstack.errors import ConfigError
from hailstack.files import replacing
from hailstack.imaging import Preprocess

CUT_ELSEWHERE = "the network is cut where the parser proposed it; decoding the outputs is left to the program"


@dataclass(frozen=True, slots=True)
class VendorReport:
    """What the vendor's compiler made, and how."""

    hef: Path
    size_bytes: int
    folder: Path
    """The job's: script, archives, log, manifest."""
    compiler: str
    """Its version."""
    target: str
    started_at: str
    """The first stage that had to be done; empty when all was there."""
    end_nodes: tuple[str, ...]
    """Where the network was cut; empty: where it ends."""
    retried: bool
    """Whether the parser's proposal had to be followed."""
    requested_level: int | None
    effective_level: int | None
    contexts: int | None
    snr_db: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    """Steps of the optimisation that the compiler did not take."""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"hef": str(self.hef), "folder": str(self.folder)}


@dataclass(frozen=True, slots=True)
class VendorOptions:
    """How to drive the compiler."""

    python: Path
    """Of the environment that the vendor's compiler is installed in."""
    target: str = "hailo8l"
    script: Path | None = None
    """A model script; None: one is written."""
    wishes: ScriptOptions = field(default_factory=ScriptOptions)
    """What the written script is to ask for."""
    end_nodes: tuple[str, ...] = ()
    """Names of nodes; empty: found out."""
    features: str | None = None
    """A feature map to put out beside the results, or ``auto``."""
    head: HeadName = "auto"
    classes: int | None = None
    name: str = ""
    """Of the network; empty: the file's."""
    input_shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """For networks exported with an open height or width."""
    folder: Path | None = None
    """Of the job; None: beside the HEF."""
    limits: Limits = field(default_factory=Limits)
    allow_lower_level: bool = False
    """Whether a lower optimisation level than asked for is taken."""
    runtime: str = ""
    """Version of HailoRT on the device, to be warned of a mismatch."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What stays the same over the attempts."""

    python: Path
    model: Path
    graph: Graph
    plan: HeadPlan
    job: Job
    options: VendorOptions
    version: str
    gpu: bool
    pictures: Pictures
    progress: Progress | None


def compile_with_vendor(
    model: Path,
    calibration: Calibration,
    output: Path,
    options: VendorOptions,
    *,
    preprocess: Preprocess | Mapping[str, object] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> VendorReport:
    """Let the vendor's compiler make a HEF at ``output``.

    What was done already in the job's folder with the same ingredients is not done again. When the parser does not get
    through and proposes where to end, that is tried once.

    Args:
        model: ONNX, or TFLite.
        calibration: as :func:`hailstack.compiler.compile_model` takes it.
        output: the HEF; it appears whole or not at all.
        preprocess: how pictures become input frames; None: as is usual for the head.
        limit: pictures at most. None: all of a set, 1,024 of anything else.
        progress: told about the stages ``calibrate``, ``parse``, ``optimise`` and ``compile``.

    Raises:
        NotFoundError, ConfigError: a file or the Python is not there, or holds no such compiler; options or the model
            script do not fit.
        EndNodesError, DoesNotFitError, LevelDroppedError, CompilerMemoryError, CompilerKilledError,
            CompilerFailedError: what the compiler ended with.
    """
    python = find_python(options.python)
    there = probe(python)
    check_target(there["version"], options.target)
    job = Job((options.folder or output.with_suffix(".job")).absolute())
    job.prepare()
    graph = load_graph(model, input_shapes=options.input_shapes or None)
    plan = find_head(graph, options.head, options.classes, end_nodes=options.end_nodes, features=options.features)
    pictures = _write_calibration(job, graph, plan, calibration, options, preprocess, limit, progress)
    order = _Order(
        python, model.absolute(), graph, plan, job, options, there["version"], bool(there["gpu"]), pictures, progress
    )
    nodes = end_node_names(graph, plan) or options.end_nodes
    try:
        report = _attempt(order, nodes, output)
    except EndNodesError as error:
        if not error.recommended or error.recommended == nodes:
            raise
        report = _attempt(order, error.recommended, output, retried=True)
    with replacing(output) as file:
        shutil.copyfile(job.path("model.hef"), file)
    job.write_manifest(report=report.to_json())
    return report


def _write_calibration(
    job: Job,
    graph: Graph,
    plan: HeadPlan,
    calibration: Calibration,
    options: VendorOptions,
    preprocess: Preprocess | Mapping[str, object] | None,
    limit: int | None,
    progress: Progress | None,
) -> Pictures:
    """One array, or one for each of several inputs."""
    if len(graph.inputs) == 1:
        pictures = next(iter(calibration.values())) if isinstance(calibration, Mapping) else calibration
        fitted = choose_preprocess(plan, graph.map_shape(graph.input), preprocess)
        return write_pictures(job.path("calibration.npy"), graph.input, pictures, fitted, limit, progress)
    if options.script is None:
        message = (
            f"{graph.source}: takes {len(graph.inputs)} inputs ({', '.join(graph.inputs)}); scripts are written for "
            "networks that take one picture: name a model script that normalises each input"
        )
        raise ConfigError(message)
    maps = as_maps(graph)
    sources = find_sources(calibration, maps.inputs)
    inputs = fit_inputs(maps, plan, sources, CompileOptions(preprocess=preprocess), {})
    return write_inputs(job.folder, sources, inputs, limit, progress)


def end_node_names(graph: Graph, plan: HeadPlan) -> tuple[str, ...]:
    """What the model calls the nodes to cut at; empty when it ends there anyway, or a node has no name."""
    tensors = [end.tensor for end in plan.ends]
    if set(tensors) == set(graph.outputs):
        return ()
    names = [graph.producers[tensor].name for tensor in tensors if tensor in graph.producers]
    return tuple(dict.fromkeys(names)) if len(names) == len(tensors) and all(names) else ()


def _declared(graph: Graph, options: VendorOptions) -> dict[str, Sequence[int]]:
    """The input shapes to tell the parser: all of them, because an exported batch may be open."""
    return {name: tuple(graph.shape(name)) for name in graph.inputs} if options.input_shapes else {}


def _attempt(order: _Order, nodes: tuple[str, ...], output: Path, *, retried: bool = False) -> VendorReport:
    options, job = order.options, order.job
    script, config = _script(order, elsewhere=retried)
    ingredients = Ingredients(
        order.model,
        options.name or order.model.stem,
        options.target,
        order.version,
        format_script(script),
        order.pictures.digest,
        end_nodes=nodes,
        input_shapes=_declared(order.graph, options),
        config=config,
    )
    fingerprints = ingredients.fingerprints()
    start = job.first_stage(fingerprints)
    level = interpret(script).optimization_level
    watch = _run(order, ingredients, start, fingerprints, level)
    return VendorReport(
        hef=output,
        size_bytes=job.path("model.hef").stat().st_size,
        folder=job.folder,
        compiler=order.version,
        target=options.target,
        started_at=start or "",
        end_nodes=nodes,
        retried=retried,
        requested_level=level,
        effective_level=watch.effective_level,
        contexts=watch.contexts,
        snr_db=watch.snr_db,
        seconds=watch.seconds,
        skipped=tuple(watch.skipped),
        warnings=_warnings(order, watch, script if retried and options.script is None else None),
    )


def _warnings(order: _Order, watch: Watch, cut_short: Script | None) -> tuple[str, ...]:
    found = [warn_of_pair(order.version, order.options.runtime), *watch.warnings]
    if cut_short is not None and order.plan.family:
        found.append(CUT_ELSEWHERE)
    return tuple(dict.fromkeys(filter(None, found)))


def _script(order: _Order, *, elsewhere: bool) -> tuple[Script, Mapping[str, Any] | None]:
    """The script to compile with, checked, and the post-processing's configuration that it names, if we wrote one.

    Where the network is cut ``elsewhere`` than at the head we know, a written script says nothing about the outputs.
    """
    options, config = order.options, None
    if options.script is not None:
        script = read_script(options.script)
    else:
        path = str(order.job.path("nms_config.json"))
        written = write_script(order.model, options.wishes, plan=order.plan, config_name=path, outputs=not elsewhere)
        script, config = written.script, written.nms_config
    gpu = None if options.allow_lower_level else order.gpu
    findings = lint(script, dfc=order.version, gpu=gpu, calibration_images=order.pictures.count)
    refuse_errors(script, findings)
    return script, config


def _run(
    order: _Order, ingredients: Ingredients, start: Stage | None, fingerprints: Mapping[Stage, str], level: int | None
) -> Watch:
    """Do what is left to be done, and keep what comes of it."""
    job, options = order.job, order.options
    processors = options.limits.processors()
    with job.path("log.txt").open("a", encoding="utf-8") as log:
        watch = Watch(
            log,
            order.progress,
            lambda stage: job.remember(stage, fingerprints[stage]),
            requested_level=level,
            refuse_lower=not options.allow_lower_level,
        )
        if start is None:
            return watch
        job.write_manifest(ingredients=ingredients.to_json())
        task = job.write_task(ingredients, order.pictures.files, start, processors, options.limits.memory_bytes)
        outcome = run_there(order.python, [str(task)], job.work, processors, watch.line, watch.fact)
    failure = judge(outcome, watch, job.folder)
    if failure is not None:
        job.write_manifest(failure={"type": type(failure).__name__, "message": str(failure)})
        raise failure
    return watch
