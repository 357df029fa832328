"""The vendor's enumerations, by its names; programs import them from ``hailo_sdk_client.exposed_definitions``."""

from __future__ import annotations

import enum

SUPPORTED_HW_ARCHS = ("hailo8", "hailo8r", "hailo8l", "hailo10h", "hailo15h", "hailo15m", "hailo15l")

DFC_VERSIONS = {"4.20": "3.30.0", "4.23": "3.33.0", "5.2": "5.2.0"}
"""Release of the runtime that is played → release of the vendor's compiler that belongs to it."""


class States(enum.Enum):
    """How far a network has come."""

    UNINITIALIZED = "uninitialized"
    ORIGINAL_MODEL = "original_model"
    HAILO_MODEL = "hailo_model"
    FP_OPTIMIZED_MODEL = "fp_optimized_model"
    QUANTIZED_MODEL = "quantized_model"
    COMPILED_MODEL = "compiled_model"


class InferenceContext(enum.Enum):
    """What computes: the network as parsed, with the script's changes, in integers, or a device."""

    SDK_NATIVE = "sdk_native"
    SDK_FP_OPTIMIZED = "sdk_fp_optimized"
    SDK_QUANTIZED = "sdk_quantized"
    SDK_BIT_EXACT = "sdk_bit_exact"
    SDK_HAILO_HW = "sdk_hailo_hw"


class NNFramework(enum.Enum):
    """What a model was made with."""

    TENSORFLOW = "tf"
    TENSORFLOW2 = "tf2"
    TENSORFLOW_LITE = "tflite"
    ONNX = "onnx"


class Dims(enum.Enum):
    """Axes of an input."""

    BATCH = "batch"
    STACK = "stack"
    CHANNELS = "channels"
    HEIGHT = "height"
    WIDTH = "width"
    GROUPS = "groups"


class CalibrationDataType(enum.Enum):
    """What calibration data are. It is found out; the value is only taken, never needed."""

    auto = "auto"
    np_array = "np_array"
    dataset = "dataset"
    npy_file = "npy_file"
    npy_dir = "npy_dir"


class ParamsKinds(enum.Enum):
    """Which parameters to save."""

    NATIVE = "native"
    FP_OPTIMIZED = "fp_optimized"
    TRANSLATED = "translated"
    HAILO_OPTIMIZED = "hailo_optimized"
    STATISTICS = "statistics"


class JoinAction(enum.Enum):
    """How two networks become one."""

    NONE = "none"
    AUTO_JOIN_INPUTS = "auto_join_inputs"
    AUTO_CHAIN_NETWORKS = "auto_chain_networks"
    CUSTOM = "custom"


class JoinOutputLayersOrder(enum.Enum):
    """Order of a joined network's outputs."""

    NEW_OUTPUTS_LAST = "new_outputs_last"
    NEW_OUTPUTS_FIRST = "new_outputs_first"
    NEW_OUTPUTS_IN_PLACE = "new_outputs_in_place"
