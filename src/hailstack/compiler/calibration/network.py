"""What a network says about its pictures: how they enter, and what it makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.calibration.survey import Embed
from hailstack.compiler.defaults import choose_normalisation, choose_preprocess
from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph, open_session
from hailstack.compiler.quantise.pixels import take_pixels
from hailstack.errors import InputError
from hailstack.hef import read_hef
from hailstack.hef.model import EMULATED_META, FLOAT_GRAPH
from hailstack.imaging import Preprocess
from hailstack.types import Image

WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})
EMBEDDING_LENGTH = 13_000
"""Of the features in a descriptor: pictures that a network takes for different are as far apart as by their looks."""


def preprocess_of(net: Path, given: Mapping[str, object]) -> Preprocess:
    """How pictures become input frames of a network: as ``given``, else as its file says or is usual for its head.

    Raises:
        NotFoundError, ModelError, HefError: it is not there, or cannot be read.
        InputError: it does not take one 3-channel picture.
        ConfigError: a field of ``given`` makes no sense.
    """
    if net.suffix.lower() == ".hef":
        return Preprocess.from_dict({**_noted(net), **given})
    graph = load_graph(net)
    return choose_preprocess(find_head(graph), graph.map_shape(graph.input), given)


def embedding_of(net: Path, preprocess: Preprocess) -> Embed:
    """A function from a frame to what goes into the network's last layers, averaged over the picture.

    Args:
        net: ONNX, normalised as is usual for its head, or a HEF of ours.

    Raises:
        NotFoundError, ModelError, HefError: it is not there, or cannot be read.
        InputError: a HEF of the vendor; or the network takes another size than ``preprocess`` makes.
    """
    graph = _from_hef(net) if net.suffix.lower() == ".hef" else _from_onnx(net)
    height, width = graph.shape(graph.input)[1:3]
    if (height, width) != (preprocess.height, preprocess.width):
        message = f"{net}: takes {height}x{width}, but the set's pictures are {preprocess.height}x{preprocess.width}"
        raise InputError(message)
    features = _last_features(graph)
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in features)
    session = open_session(model, graph.source)

    def embed(frame: Image) -> NDArray[np.int32]:
        values = session.run(None, {graph.input: frame[None]})
        vector = np.concatenate([_averaged(value) for value in values])
        length = float(np.linalg.norm(vector)) or 1.0
        return np.rint(vector * (EMBEDDING_LENGTH / length)).astype(np.int32)

    return embed


def _averaged(value: NDArray[np.float32]) -> NDArray[np.float64]:
    """One number a channel."""
    return value.mean(axis=(2, 3), dtype=np.float64).ravel() if value.ndim == 4 else value.astype(np.float64).ravel()


def _from_onnx(net: Path) -> Graph:
    graph = load_graph(net)
    plan = find_head(graph)
    return take_pixels(cut(graph, plan), choose_normalisation(plan, channels=graph.channels))


def _from_hef(net: Path) -> Graph:
    resources = read_hef(net).external_resources
    if FLOAT_GRAPH not in resources:
        message = f"{net}: holds no network that a CPU can run; name the ONNX file"
        raise InputError(message)
    return Graph(onnx.load_from_string(bytes(resources[FLOAT_GRAPH])), str(net))


def _last_features(graph: Graph) -> list[str]:
    """What the last weighted layer in front of each output reads."""
    found: dict[str, None] = {}
    for output in graph.outputs:
        nodes = [node for node in graph.ancestors((output,)) if node.op_type in WEIGHTED]
        weighted = [node for node in nodes if node.input[1] in graph.constants]
        found[weighted[-1].input[0] if weighted else output] = None
    return list(found)


def _noted(net: Path) -> Mapping[str, object]:
    """What our compiler noted; a HEF of the vendor says the size alone."""
    hef = read_hef(net)
    meta = hef.external_resources.get(EMULATED_META)
    noted = json.loads(bytes(meta)).get("preprocess") if meta is not None else None
    if isinstance(noted, Mapping):
        return noted
    inputs = hef.groups[0].input_vstreams
    if len(inputs) != 1 or inputs[0].shape.features != 3:
        message = f"{net}: takes {len(inputs)} inputs; a network that takes one 3-channel picture is expected"
        raise InputError(message)
    return {"height": inputs[0].shape.height, "width": inputs[0].shape.width}
