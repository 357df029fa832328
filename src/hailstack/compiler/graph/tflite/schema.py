"""The numbers of the TensorFlow Lite file format: operators, their options, types of tensors.

Source: ``schema.fbs`` of TensorFlow Lite, version 3, whose numbers never change once given (public, Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

IDENTIFIER = b"TFL3"

CUSTOM = 32

_NAMES = """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
    FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
    LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
    SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
    BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
    ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
    TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
    LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL
    FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL
    REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND
    HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
    BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
    HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
    ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
    DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
    UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT
"""

OPERATORS = tuple(_NAMES.split())
"""Operators in the order of their numbers, from 0; those that :mod:`.importer` does not list are not imported."""

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
