"""The numbers of the TensorFlow Lite file format: operators, their options, types of tensors.

Source: ``schema.fbs`` of TensorFlow Lite, version 3, whose numbers never change once given (public, Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

IDENTIFIER = b"TFL3"

CUSTOM = 32

OPERATORS: Mapping[int, str] = {
    0: "ADD",
    1: "AVERAGE_POOL_2D",
    2: "CONCATENATION",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE",
    6: "DEQUANTIZE",
    8: "FLOOR",
    9: "FULLY_CONNECTED",
    11: "L2_NORMALIZATION",
    14: "LOGISTIC",
    17: "MAX_POOL_2D",
    18: "MUL",
    19: "RELU",
    20: "RELU_N1_TO_1",
    21: "RELU6",
    22: "RESHAPE",
    23: "RESIZE_BILINEAR",
    25: "SOFTMAX",
    26: "SPACE_TO_DEPTH",
    28: "TANH",
    34: "PAD",
    36: "GATHER",
    37: "BATCH_TO_SPACE_ND",
    38: "SPACE_TO_BATCH_ND",
    39: "TRANSPOSE",
    40: "MEAN",
    41: "SUB",
    42: "DIV",
    43: "SQUEEZE",
    45: "STRIDED_SLICE",
    47: "EXP",
    49: "SPLIT",
    50: "LOG_SOFTMAX",
    53: "CAST",
    54: "PRELU",
    55: "MAXIMUM",
    56: "ARG_MAX",
    57: "MINIMUM",
    59: "NEG",
    60: "PADV2",
    65: "SLICE",
    66: "SIN",
    67: "TRANSPOSE_CONV",
    69: "TILE",
    70: "EXPAND_DIMS",
    73: "LOG",
    74: "SUM",
    75: "SQRT",
    76: "RSQRT",
    78: "POW",
    82: "REDUCE_MAX",
    83: "PACK",
    88: "UNPACK",
    89: "REDUCE_MIN",
    90: "FLOOR_DIV",
    92: "SQUARE",
    97: "RESIZE_NEAREST_NEIGHBOR",
    98: "LEAKY_RELU",
    99: "SQUARED_DIFFERENCE",
    100: "MIRROR_PAD",
    101: "ABS",
    104: "CEIL",
    107: "GATHER_ND",
    108: "COS",
    111: "ELU",
    114: "QUANTIZE",
    117: "HARD_SWISH",
    126: "BATCH_MATMUL",
    150: "GELU",
    152: "RELU_0_TO_1",
}
"""Operators by their number; the others are not imported."""

TYPES: Mapping[int, np.dtype[np.generic]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float16),
    2: np.dtype(np.int32),
    3: np.dtype(np.uint8),
    4: np.dtype(np.int64),
    6: np.dtype(np.bool_),
    7: np.dtype(np.int16),
    9: np.dtype(np.int8),
    10: np.dtype(np.float64),
}
"""Types of tensors by their number; the others (text, complex numbers, half bytes, …) are not imported."""

Field = tuple[int, str, float]
"""Number of a field, its type, and its value where it is not written."""

_WINDOW: Mapping[str, Field] = {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0)}
_RESIZE: Mapping[str, Field] = {"align_corners": (0, "?", 0), "half_pixel_centers": (1, "?", 0)}
_POOL: Mapping[str, Field] = {
    **_WINDOW,
    "filter_width": (3, "i", 0),
    "filter_height": (4, "i", 0),
    "activation": (5, "b", 0),
}
_REDUCE: Mapping[str, Field] = {"keep_dims": (0, "?", 0)}
_ACTIVATION: Mapping[str, Field] = {"activation": (0, "b", 0)}

OPTIONS: Mapping[str, Mapping[str, Field]] = {
    "ADD": _ACTIVATION,
    "AVERAGE_POOL_2D": _POOL,
    "BATCH_MATMUL": {"adj_x": (0, "?", 0), "adj_y": (1, "?", 0)},
    "CONCATENATION": {"axis": (0, "i", 0), "activation": (1, "b", 0)},
    "CONV_2D": {**_WINDOW, "activation": (3, "b", 0), "dilation_w": (4, "i", 1), "dilation_h": (5, "i", 1)},
    "DEPTHWISE_CONV_2D": {**_WINDOW, "activation": (4, "b", 0), "dilation_w": (5, "i", 1), "dilation_h": (6, "i", 1)},
    "DEPTH_TO_SPACE": {"block_size": (0, "i", 0)},
    "DIV": _ACTIVATION,
    "FULLY_CONNECTED": {"activation": (0, "b", 0), "weights_format": (1, "b", 0)},
    "GATHER": {"axis": (0, "i", 0), "batch_dims": (1, "i", 0)},
    "GELU": {"approximate": (0, "?", 0)},
    "L2_NORMALIZATION": _ACTIVATION,
    "LEAKY_RELU": {"alpha": (0, "f", 0.0)},
    "MAX_POOL_2D": _POOL,
    "MEAN": _REDUCE,
    "MIRROR_PAD": {"mode": (0, "b", 0)},
    "MUL": _ACTIVATION,
    "PACK": {"axis": (1, "i", 0)},
    "REDUCE_MAX": _REDUCE,
    "REDUCE_MIN": _REDUCE,
    "RESIZE_BILINEAR": {"align_corners": (2, "?", 0), "half_pixel_centers": (3, "?", 0)},
    "RESIZE_NEAREST_NEIGHBOR": _RESIZE,
    "SOFTMAX": {"beta": (0, "f", 0.0)},
    "SPACE_TO_DEPTH": {"block_size": (0, "i", 0)},
    "STRIDED_SLICE": {
        "begin_mask": (0, "i", 0),
        "end_mask": (1, "i", 0),
        "ellipsis_mask": (2, "i", 0),
        "new_axis_mask": (3, "i", 0),
        "shrink_axis_mask": (4, "i", 0),
    },
    "SUB": _ACTIVATION,
    "SUM": _REDUCE,
    "TRANSPOSE_CONV": {**_WINDOW, "activation": (3, "b", 0)},
    "UNPACK": {"axis": (1, "i", 0)},
}
"""Operator → the options that say what it computes."""

SAME, VALID = 0, 1
"""Kinds of padding."""
