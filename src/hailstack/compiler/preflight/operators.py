"""What the chip makes of each ONNX operator, and what to write instead of those that it has nothing for.

The vocabulary is that of the layers in the vendor's network files; what its parser refuses, and with which remedy, is
from its public error reports. A condition is told node by node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import onnx

from hailstack.compiler.graph.model import Graph
from hailstack.compiler.preflight import conditions as on

Support: TypeAlias = Literal["supported", "conditional", "unsupported"]
Condition: TypeAlias = Callable[[Graph, onnx.NodeProto], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operator fares."""

    support: Support
    remedy: str = ""
    """What to do about nodes that do not fit."""
    condition: Condition | None = None
    """What is wrong with a node; empty if nothing is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One node that the chip will not take."""

    node: str
    operator: str
    reason: str
    remedy: str


def _rules() -> Iterator[tuple[str, Rule]]:
    plain = (
        "Abs Add BatchNormalization Clip Constant Div Dropout Elu Exp GlobalAveragePool GlobalMaxPool HardSigmoid "
        "HardSwish Identity InstanceNormalization LayerNormalization LeakyRelu Max Min Mish Mul Neg PRelu Relu Selu "
        "Sigmoid Softplus Softsign Sqrt Sub Tanh Gelu Swish DepthToSpace SpaceToDepth GroupNormalization"
    )
    yield from ((name, Rule("supported")) for name in plain.split())
    yield from CONDITIONAL.items()
    for remedy, names in REFUSED.items():
        yield from ((name, Rule("unsupported", remedy)) for name in names.split())


CONDITIONAL: Mapping[str, Rule] = MappingProxyType(
    {
        "Conv": Rule("conditional", "use two-dimensional convolutions", on.two_dimensional),
        "ConvTranspose": Rule("conditional", "use two-dimensional convolutions", on.two_dimensional),
        "Gemm": Rule("conditional", "make one operand a constant, or use MatMul", on.constant_weights),
        "MatMul": Rule("conditional", "fold batch and heads into four dimensions", on.four_dimensions),
        "MaxPool": Rule("conditional", "use the values only, over two dimensions", on.plain_pool),
        "AveragePool": Rule("conditional", "pool over two dimensions", on.plain_pool),
        "Softmax": Rule("conditional", "transpose so that it runs over channels, or cut it off", on.channels),
        "ArgMax": Rule("conditional", "transpose so that it runs over channels, or cut it off", on.channels),
        "Concat": Rule("conditional", "join channels or columns; leave other joins to the host", on.joins),
        "Slice": Rule("conditional", "slice forwards with steps of 1 or 2 and fixed bounds", on.plain_slice),
        "Split": Rule("conditional", "split channels", on.joins),
        "Resize": Rule("conditional", "resize nearest or bilinear, height and width only", on.plain_resize),
        "Upsample": Rule("conditional", "resize nearest or bilinear, height and width only", on.plain_resize),
        "Pad": Rule("conditional", "pad with a constant, or inside the convolution", on.constant_pad),
        "Pow": Rule("conditional", "write squares as x * x and roots as Sqrt", on.square_or_root),
        "Reshape": Rule("conditional", "split it into steps of at most four dimensions", on.known_shuffle),
        "Transpose": Rule("conditional", "split it into steps of at most four dimensions", on.known_shuffle),
        "Flatten": Rule("conditional", "flatten only in front of a fully connected layer", on.four_dimensions),
        "Squeeze": Rule("conditional", "keep at most four dimensions", on.four_dimensions),
        "Unsqueeze": Rule("conditional", "keep at most four dimensions", on.four_dimensions),
        "ReduceMean": Rule("conditional", "reduce channels, or height and width", on.four_dimensions),
        "ReduceMax": Rule("conditional", "reduce channels, or height and width", on.four_dimensions),
        "ReduceSum": Rule("conditional", "reduce channels, or height and width", on.four_dimensions),
        "ReduceL2": Rule("conditional", "reduce channels, or leave it to the host", on.four_dimensions),
        "Gather": Rule("conditional", "take one place or a row of places with Slice", on.gather_is_slice),
        "Erf": Rule("conditional", "write the activation as x * Sigmoid(1.702 * x), or as Gelu", on.erf_is_gelu),
        "Cast": Rule("conditional", "keep activations as floats", on.cast_to_float),
    }
)

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "shapes are fixed on the chip: write the repetition as Concat, or let it broadcast": "Expand Tile",
        "multiply by a mask instead, or leave it to the host": "Where",
        "leave it to the host: cut the network in front of it": (
            "NonMaxSuppression NonZero TopK RoiAlign MaxRoiPool Unique OneHot GatherElements GatherND ScatterND "
            "ScatterElements Scatter CumSum Multinomial Bernoulli RandomNormalLike RandomUniformLike"
        ),
        "export without control flow: unroll it, or fix the condition": "If Loop Scan SequenceAt SequenceConstruct",
        "export with fixed shapes": "Shape Size Range ConstantOfShape",
        "write it as MatMul with Transpose and Reshape": "Einsum",
        "unroll it into fully connected layers, or use convolutions": "LSTM GRU RNN",
        "use a plain convolution": "DeformConv",
        "use Resize, or warp on the host": "GridSample AffineGrid",
        "compute it on the host, or as a constant": (
            "Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Log Round Floor Ceil Mod Sign Reciprocal IsNaN "
            "IsInf Det Trilu EyeLike Hardmax LogSoftmax ReduceProd ReduceMin ReduceLogSum ReduceLogSumExp ReduceL1 "
            "ArgMin"
        ),
        "comparisons have no layer: multiply by a mask, or leave it to the host": (
            "Equal Greater GreaterOrEqual Less LessOrEqual And Or Not Xor"
        ),
        "start from the float network: the compiler quantises by itself": (
            "QuantizeLinear DequantizeLinear QLinearConv QLinearMatMul ConvInteger MatMulInteger DynamicQuantizeLinear"
        ),
        "use batch normalisation": "LRN MeanVarianceNormalization LpNormalization",
    }
)
"""What to do → the operators that need it."""

UNKNOWN = Rule("unsupported", "there is no layer for it: write it with other operators, or leave it to the host")


def load_rules() -> Mapping[str, Rule]:
    """The whole table: operator → rule."""
    return MappingProxyType(dict(_rules()))


def find_offenders(graph: Graph) -> tuple[Finding, ...]:
    """Every node that the chip will not take, in the order of the network."""
    rules = load_rules()
    return tuple(finding for node in graph.nodes if (finding := _judge(graph, node, rules)) is not None)


def count_operators(graph: Graph) -> Mapping[str, tuple[int, Support]]:
    """Operator → how often it occurs and how it fares, by name."""
    rules, counts = load_rules(), dict[str, int]()
    for node in graph.nodes:
        counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return {name: (counts[name], rules.get(name, UNKNOWN).support) for name in sorted(counts)}


def _judge(graph: Graph, node: onnx.NodeProto, rules: Mapping[str, Rule]) -> Finding | None:
    rule = rules.get(node.op_type, UNKNOWN)
    if node.domain not in ("", "ai.onnx"):
        rule = UNKNOWN
    reason = _reason(graph, node, rule)
    return Finding(node.name or node.output[0], node.op_type, reason, rule.remedy) if reason else None


def _reason(graph: Graph, node: onnx.NodeProto, rule: Rule) -> str:
    if all(name in graph.constants for name in node.input if name) and len(node.input):
        return ""  # folded before the chip sees it
    if rule.support == "unsupported":
        return "the chip has no such layer"
    missing = [name for name in node.output if name and name not in graph.shapes]
    if missing:
        return "its shape is not fixed"
    return rule.condition(graph, node) if rule.condition is not None else ""
