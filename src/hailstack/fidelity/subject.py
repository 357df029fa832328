"""A compiled HEF with both networks that it holds: in float, and in integers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hailstack.compiler.inputs import InputScale, NetworkInput
from hailstack.compiler.quantise.pixels import Frame, Normalisation
from hailstack.compiler.quantise.qdq import dequantised
from hailstack.errors import InputError
from hailstack.hef import read_hef
from hailstack.hef.model import EMULATED_GRAPH, EMULATED_META, FLOAT_GRAPH, TAIL_GRAPH, Hef, NetworkGroup, Stream
from hailstack.imaging import Preprocess


@dataclass(frozen=True, slots=True)
class OutputPair:
    """One output of the HEF and the tensors that make it in both networks."""

    stream: str
    integer: str
    """Channels last, uint8 or uint16."""
    real: str
    """As the network has it: ``(1, c, h, w)``, or a vector."""

    @property
    def dequantised(self) -> str:
        """The integer network's tensor with the real values that leave, in the shape of :attr:`real`. Readers inside
        the network may see other integers, for example 8 bits where 16 leave."""
        return dequantised(self.integer)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What fidelity is measured on."""

    path: str
    hef: Hef
    group: NetworkGroup
    meta: Mapping[str, Any]
    picture: Preprocess | None
    """How a picture becomes a frame; None where no picture, or more than one, goes in."""
    integer: onnx.ModelProto
    """uint8 ``(1, h, w, c)`` pixels in, integers out; the real values of its outputs are tensors, too."""
    real: onnx.ModelProto
    """The same pixels in, real numbers out; equalised as the integer network is."""
    tail: onnx.ModelProto | None
    """What the original network computes behind the cut."""
    outputs: tuple[OutputPair, ...]
    pairs: Mapping[str, str]
    """Float tensor → the integer network's tensor of the same meaning, as the readers inside see it, in network
    order."""

    @property
    def preprocess(self) -> Preprocess:
        """How a picture becomes a frame.

        Raises:
            InputError: the network takes no picture, or other inputs beside it.
        """
        if self.picture is None:
            names = ", ".join(one.tensor for one in self.inputs)
            message = f"{self.path}: does not take one picture (its inputs are {names}); give arrays for its inputs"
            raise InputError(message)
        return self.picture

    @property
    def input(self) -> str:
        """The tensor that takes the pixels, in both networks; the first of several."""
        return str(self.integer.graph.input[0].name)

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """What enters, as it was compiled, in the order of the HEF's streams."""
        noted = self.meta["inputs"]
        return tuple(_noted_input(noted[stream.name], stream) for stream in self.group.input_streams)

    def feed(self, frame: Frame) -> dict[str, NDArray[np.uint8]]:
        """What a session of either network is given for a frame ``(h, w, c)``, or for one of each input by name."""
        if isinstance(frame, Mapping):
            return {f"{name}_pixels": value[None] for name, value in frame.items()}
        return {self.input: frame[None]}


def open_subject(path: str | os.PathLike[str]) -> Subject:
    """A HEF ready to be judged.

    Raises:
        HefError: it is no HEF.
        InputError: it was not compiled by hailstack, or before HEFs held their float network.
    """
    hef = read_hef(path)
    name = os.fspath(path)
    if not hef.emulated:
        message = f"{name}: a vendor HEF holds no network to compare with; compile the ONNX model with hailstack"
        raise InputError(message)
    if FLOAT_GRAPH not in hef.external_resources:
        message = f"{name}: holds no float network ({FLOAT_GRAPH}); compile it again with this version"
        raise InputError(message)
    group, meta = hef.groups[0], json.loads(bytes(hef.external_resources[EMULATED_META]))
    real, integer = _model(hef, FLOAT_GRAPH), _model(hef, EMULATED_GRAPH)
    outputs = _outputs(meta["groups"][group.name]["outputs"], real)
    _dequantise_outputs(integer, real, outputs, {stream.name: stream for stream in group.output_streams})
    picture = meta.get("preprocess") if len(group.input_vstreams) == 1 else None
    return Subject(
        path=name,
        hef=hef,
        group=group,
        meta=meta,
        picture=None if picture is None else Preprocess.from_dict(picture),
        integer=integer,
        real=real,
        tail=_model(hef, TAIL_GRAPH) if TAIL_GRAPH in hef.external_resources else None,
        outputs=outputs,
        pairs=_pairs(real, integer, outputs),
    )


def _noted_input(noted: Mapping[str, Any], stream: Stream) -> NetworkInput:
    shape = (stream.shape.height, stream.shape.width, stream.shape.features)
    told = noted["normalisation"]
    return NetworkInput(
        noted["tensor"],
        shape,
        Normalisation(tuple(told["mean"]), tuple(told["std"]), bool(told["bgr"])),
        InputScale(stream.quant.scale, round(stream.quant.zp)),
        None if noted["preprocess"] is None else Preprocess.from_dict(noted["preprocess"]),
    )


def _model(hef: Hef, name: str) -> onnx.ModelProto:
    return onnx.load_from_string(bytes(hef.external_resources[name]))


def _outputs(streams: Mapping[str, str], real: onnx.ModelProto) -> tuple[OutputPair, ...]:
    """Both networks list their outputs in the order of the head."""
    tensors = [info.name for info in real.graph.output]
    return tuple(OutputPair(*made, tensor) for made, tensor in zip(streams.items(), tensors, strict=True))


def _dequantise_outputs(
    integer: onnx.ModelProto, real: onnx.ModelProto, outputs: tuple[OutputPair, ...], streams: Mapping[str, Stream]
) -> None:
    """Append what turns the integers that leave into the real values they stand for, in the float network's shape."""
    shapes = {info.name: [dim.dim_value for dim in info.type.tensor_type.shape.dim] for info in real.graph.output}
    for output in outputs:
        quants = streams[output.stream].quants or (streams[output.stream].quant,)
        known: dict[str, NDArray[np.generic]] = {
            "zero": np.array([one.zp for one in quants], np.float32),
            "scale": np.array([one.scale for one in quants], np.float32),
            "shape": np.array(shapes[output.real], np.int64),
        }
        names = {key: f"{output.integer}/{key}" for key in ("wide", "moved", "scaled", "turned", *known)}
        integer.graph.initializer.extend(numpy_helper.from_array(value, names[key]) for key, value in known.items())
        steps = [
            helper.make_node("Cast", [output.integer], [names["wide"]], to=TensorProto.FLOAT),
            helper.make_node("Sub", [names["wide"], names["zero"]], [names["moved"]]),
            helper.make_node("Mul", [names["moved"], names["scale"]], [names["scaled"]]),
        ]
        last = names["scaled"]
        if len(shapes[output.real]) == 4 and len(_dims(integer, output.integer)) == 4:
            last = names["turned"]
            steps.append(helper.make_node("Transpose", [names["scaled"]], [last], perm=[0, 3, 1, 2]))
        steps.append(helper.make_node("Reshape", [last, names["shape"]], [output.dequantised]))
        integer.graph.node.extend(steps)


def _dims(model: onnx.ModelProto, output: str) -> list[int]:
    info = next(info for info in model.graph.output if info.name == output)
    return [dim.dim_value for dim in info.type.tensor_type.shape.dim]


def _pairs(real: onnx.ModelProto, integer: onnx.ModelProto, outputs: tuple[OutputPair, ...]) -> Mapping[str, str]:
    made = {name for node in integer.graph.node for name in node.output}
    leaving = {output.real: output.dequantised for output in outputs}
    names = [name for node in real.graph.node for name in node.output]
    inside = {name: dequantised(name) for name in names if dequantised(name) in made}
    return {name: inside.get(name) or leaving[name] for name in names if name in inside or name in leaving}
