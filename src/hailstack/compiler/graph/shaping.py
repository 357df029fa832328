"""Inputs that are no maps (vectors, sequences) made maps: streams of a HEF have rows, columns and features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import cast, get_args

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hailstack.compiler.graph.session import infer
from hailstack.compiler.graph.structure import IMAGE_CHANNELS, Graph, Layout
from hailstack.errors import ConfigError, ModelError

AXES = 4


def as_maps(graph: Graph, layouts: Mapping[str, str] | None = None) -> Graph:
    """The network with inputs of four axes each, by their old names; what they hold is in the same order as before.

    A vector becomes one pixel with many features, a sequence ``(1, t, c)`` one row of ``t`` pixels; a picture without
    a batch axis gets one.

    Args:
        layouts: ``NCHW`` or ``NHWC`` for inputs of which the network does not tell, or tells wrongly.

    Raises:
        ModelError: an input has five axes or more, or takes several pictures.
        ConfigError: ``layouts`` names no input, one that is no map, or no layout.
    """
    told = _told(graph, layouts or {})
    changed = {name: _map_shape(graph, name) for name in graph.inputs if len(graph.shape(name)) != AXES}
    for name in graph.inputs:
        if name not in changed and graph.shape(name)[0] != 1:
            message = f"{graph.source}: input {name!r} of shape {graph.shape(name)} takes several pictures at once"
            raise ModelError(message)
    if changed:
        graph = _reshaped(graph, {name: shape for name, (shape, _) in changed.items()})
    return replace(graph, layouts={**{name: layout for name, (_, layout) in changed.items()}, **told})


def _told(graph: Graph, layouts: Mapping[str, str]) -> dict[str, Layout]:
    for name, layout in layouts.items():
        if name not in graph.inputs or len(graph.shape(name)) != AXES:
            maps = ", ".join(one for one in graph.inputs if len(graph.shape(one)) == AXES)
            message = f"{graph.source}: has no map {name!r} to give a layout; its maps are {maps or 'none'}"
            raise ConfigError(message)
        if layout not in get_args(Layout):
            message = f"{graph.source}: layout {layout!r} of input {name!r} is not known; NCHW and NHWC are possible"
            raise ConfigError(message)
    return {name: cast(Layout, layout) for name, layout in layouts.items()}


def _map_shape(graph: Graph, name: str) -> tuple[tuple[int, ...], Layout]:
    shape = graph.shape(name)
    if len(shape) > AXES:
        message = f"{graph.source}: input {name!r} has {len(shape)} axes ({shape}); a chip takes maps of three"
        raise ModelError(message)
    if len(shape) == AXES - 1 and shape[0] != 1:
        return (1, *shape), "NCHW" if shape[0] in IMAGE_CHANNELS else "NHWC"
    inner = shape if math.prod(shape[:1]) != 1 else shape[1:]
    return (*(1,) * (AXES - len(inner)), *inner), "NHWC"


def _reshaped(graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> Graph:
    """Readers take a reshaped tensor; the input keeps its name."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    inner = {name: f"{name}/as_taken" for name in shapes}
    for node in model.graph.node:
        node.input[:] = [inner.get(name, name) for name in node.input]
    fronts = []
    for name, shape in shapes.items():
        size = numpy_helper.from_array(np.array(graph.shape(name), np.int64), f"{name}/shape")
        model.graph.initializer.append(size)
        fronts.append(helper.make_node("Reshape", [name, size.name], [inner[name]], name=f"{name}/reshape"))
        info = next(info for info in model.graph.input if info.name == name)
        kind = info.type.tensor_type.elem_type
        info.CopyFrom(helper.make_tensor_value_info(name, kind, shape))
    nodes = [*fronts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return replace(graph, model=infer(model, graph.source))
