"""Two networks over the same pictures, tensor by tensor, without keeping a tensor.

Both networks and the arithmetic of the comparison become one graph: a run gives four numbers for each pair of tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper

from hailstack.compiler.graph.model import open_session

SUMS = ("noise", "real", "other", "product")


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two tensors are over all pictures."""

    noise: float
    """Sum of squared differences."""
    real: float
    """Sum of squares of the float tensor."""
    other: float
    product: float

    @property
    def snr_db(self) -> float:
        """``10 log10(signal power / noise power)``; infinite if they are equal."""
        if self.noise <= 0:
            return float("inf")
        return float(10 * np.log10(self.real / self.noise)) if self.real > 0 else float("-inf")

    @property
    def cosine(self) -> float:
        """Of the angle between them; 1 if both are zero."""
        length = np.sqrt(self.real * self.other)
        return float(self.product / length) if length > 0 else float(self.real == self.other)


def compare(
    real: onnx.ModelProto,
    other: onnx.ModelProto,
    pairs: Sequence[tuple[str, str]],
    fed: Iterable[Mapping[str, NDArray[np.uint8]]],
    source: str,
) -> Mapping[str, Likeness]:
    """Tensor of ``other`` → how much it is like that of ``real`` which it is paired with, over what is ``fed``.

    Args:
        pairs: names in ``real`` and in ``other``.
        fed: input → uint8 ``(1, h, w, c)``; both networks have inputs of the same names.

    Raises:
        ModelError: the networks cannot be run; the message names ``source``.
    """
    session = open_session(join_models(real, other, pairs), source)
    sums = np.zeros((len(pairs), len(SUMS)))
    for values in fed:
        sums += np.array(session.run(None, values), np.float64).reshape(sums.shape)
    return {other: Likeness(*map(float, row)) for (_, other), row in zip(pairs, sums, strict=True)}


def join_models(real: onnx.ModelProto, other: onnx.ModelProto, pairs: Sequence[tuple[str, str]]) -> onnx.ModelProto:
    """One model with the inputs of both, whose outputs are :data:`SUMS` of every pair, four scalars after another."""
    first, second = _prefixed(real, "real/"), _prefixed(other, "other/")
    model = onnx.ModelProto()
    model.CopyFrom(first)
    model.graph.node.extend(second.graph.node)
    model.graph.initializer.extend(second.graph.initializer)
    del model.graph.output[:], model.graph.value_info[:]
    for left, right in pairs:
        _append_sums(model.graph, f"real/{left}", f"other/{right}")
    return model


def _prefixed(model: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    return compose.add_prefix(model, prefix, rename_inputs=False, rename_value_infos=False)


def _append_sums(graph: onnx.GraphProto, real: str, other: str) -> None:
    names = {key: f"{other}/{key}" for key in ("difference", "product_map", *SUMS)}
    graph.node.extend(
        [
            helper.make_node("Sub", [real, other], [names["difference"]]),
            helper.make_node("Mul", [real, other], [names["product_map"]]),
            _total("ReduceSumSquare", names["difference"], names["noise"]),
            _total("ReduceSumSquare", real, names["real"]),
            _total("ReduceSumSquare", other, names["other"]),
            _total("ReduceSum", names["product_map"], names["product"]),
        ]
    )
    graph.output.extend(helper.make_tensor_value_info(names[key], TensorProto.FLOAT, None) for key in SUMS)


def _total(operator: str, tensor: str, output: str) -> onnx.NodeProto:
    return helper.make_node(operator, [tensor], [output], keepdims=0)
