"""ONNX and TensorFlow Lite files, with what is known about how pictures enter them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.compiler.defaults import choose_normalisation, choose_preprocess
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.notes import noted_pixels, parse_names, read_metadata
from hailstack.compiler.package import head_facts
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.evaluation.float_network import CPU, FloatNetwork, count_classes
from hailstack.evaluation.network import NetworkFacts, Wishes
from hailstack.evaluation.pixels import describe_pixels, make_feed, read_normalisation
from hailstack.heads.end_to_end import FINISHED, LONGEST_LIST
from hailstack.hef import read_hef
from hailstack.imaging import Preprocess
from hailstack.pipeline.model import read_meta

RECALL_SCORE = 0.01
"""Boxes that are weaker hardly add to average precision."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """How pictures enter a network."""

    preprocess: Preprocess
    normalisation: Normalisation
    origin: str
    """Who says so."""


def open_exported(path: Path, wishes: Wishes, hefs: Sequence[Path] = ()) -> FloatNetwork:
    """The network of an ONNX or TensorFlow Lite file, judged by its raw outputs, or by the boxes that it picks itself.

    What it wants of pixels is as ``wishes`` say, else as the file's metadata says, else as a HEF among ``hefs`` has it
    that was compiled from this very file, else what is usual for its head.

    Raises:
        NotFoundError, ModelError: the file cannot be read or run.
        ConfigError: the wishes or the metadata do not fit the network.
    """
    graph, metadata = load_graph(path), read_metadata(path)
    plan = find_head(graph)
    entrance = _find_entrance(path, graph, plan, metadata, wishes, hefs)
    picked = _picks_boxes(graph)
    head: Mapping[str, Any] = {"task": "detection"} if picked else head_facts(plan)
    facts = NetworkFacts(
        path=path,
        stage="exported",
        runs_on=CPU,
        task=plan.task,
        classes=count_classes(head_facts(plan)),
        names=parse_names(metadata.get("names", "")),
        preprocess=entrance.preprocess,
        pixels=describe_pixels(entrance.normalisation),
        origin=entrance.origin,
        cautions=tuple(_cautions(path, metadata)) if picked else (),
    )
    feed = make_feed(entrance.normalisation, channels_last=graph.channels_last)
    return FloatNetwork(graph.model if picked else cut(graph, plan).model, feed, facts, head, wishes)


def _find_entrance(
    path: Path, graph: Graph, plan: HeadPlan, metadata: Mapping[str, str], wishes: Wishes, hefs: Sequence[Path]
) -> Entrance:
    shape, written = graph.map_shape(graph.input), graph.scalings.get(graph.input)
    usual = choose_normalisation(plan, wishes.mean, wishes.std, wishes.bgr, written, graph.channels)
    if wishes.says_pixels:
        return Entrance(choose_preprocess(plan, shape, wishes.preprocess), usual, "as asked for")
    told = noted_pixels(path, metadata)
    if told:
        told = {**told, "normalisation": told} if {"mean", "std"} <= told.keys() else told
        return _entrance(plan, shape, told, usual, "the file's metadata")
    for hef in hefs:
        meta = read_meta(read_hef(hef), hef)
        if meta.get("preprocess") and _source_digest(meta) == hashlib.sha256(path.read_bytes()).hexdigest():
            return _entrance(plan, shape, meta, usual, f"{hef.name}, which was compiled from it")
    kind = plan.family or plan.task
    unsaid = f"usual for {kind}: the file does not say"
    origin = unsaid if written is None else f"pixels as the file says, the fit as usual for {kind}"
    return Entrance(choose_preprocess(plan, shape), usual, origin)


def _entrance(
    plan: HeadPlan, shape: tuple[int, int, int], told: Mapping[str, Any], usual: Normalisation, origin: str
) -> Entrance:
    normalisation = told.get("normalisation")
    return Entrance(
        choose_preprocess(plan, shape, told.get("preprocess")),
        usual if normalisation is None else read_normalisation(normalisation),
        origin,
    )


def _source_digest(meta: Mapping[str, Any]) -> str:
    return str(meta.get("manifest", {}).get("source", {}).get("sha256", ""))


def _cautions(path: Path, metadata: Mapping[str, str]) -> Iterator[str]:
    least = float(metadata.get("confidence", 0) or 0)
    if least > RECALL_SCORE:
        yield (
            f"{path.name} picks its boxes itself, from a score of {least:g} on: its average precision lacks what "
            "weaker ones add"
        )


def _picks_boxes(graph: Graph) -> bool:
    """Whether the network's own output is a list of finished boxes."""
    if len(graph.outputs) != 1:
        return False
    shape = graph.shape(graph.outputs[0])[1:]
    return len(shape) == 2 and shape[1] == FINISHED and shape[0] <= LONGEST_LIST
