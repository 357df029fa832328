"""The exceptions of Hailstack, and the status codes of HailoRT behind them.

::

    HailstackError                      exit code 4
    ├── InputError (ValueError)         exit code 1: a file, key or argument is wrong
    │   ├── NotFoundError (FileNotFoundError)
    │   ├── HefError                    a HEF that cannot be used; has .status
    │   ├── MediaError                  an image or video that cannot be decoded
    │   ├── ModelError                  an ONNX model that cannot be compiled or run
    │   ├── ConfigError                 a configuration file with a wrong key or value
    │   └── MissingExtraError (ImportError)
    ├── CheckFailedError                exit code 2: the work was done, the answer is no
    ├── DeviceError                     exit code 3: the NPU or its runtime said no; has .status
    │   ├── DeviceBusyError             another process holds the NPU; retry makes sense
    │   ├── DeviceLostError             the NPU went away; reopen it
    │   └── InferenceError              one frame failed; has .frame
    │       ├── InferenceSubmitError    it was never accepted
    │       ├── InferenceTimeoutError (TimeoutError)   no answer in time; retry makes sense
    │       ├── InferenceWaitError      it was accepted and failed on the device
    │       └── InferencePipelineError  the pipeline around the device broke
    └── ClosedError                     exit code 4: used after close

Siblings differ in what the caller does next. Each error knows its exit code (``exit_code``) and whether the same
call may succeed a second time (``retry``).
"""

from __future__ import annotations

import enum
from typing import ClassVar


class Status(enum.IntEnum):
    """``hailo_status``: the number that every call of HailoRT returns (``hailort.h``, 5.2)."""

    SUCCESS = 0
    UNINITIALIZED = 1
    INVALID_ARGUMENT = 2
    OUT_OF_HOST_MEMORY = 3
    TIMEOUT = 4
    INSUFFICIENT_BUFFER = 5
    INVALID_OPERATION = 6
    NOT_IMPLEMENTED = 7
    INTERNAL_FAILURE = 8
    DATA_ALIGNMENT_FAILURE = 9
    CHUNK_TOO_LARGE = 10
    INVALID_LOGGER_LEVEL = 11
    CLOSE_FAILURE = 12
    OPEN_FILE_FAILURE = 13
    FILE_OPERATION_FAILURE = 14
    UNSUPPORTED_CONTROL_PROTOCOL_VERSION = 15
    UNSUPPORTED_FW_VERSION = 16
    INVALID_CONTROL_RESPONSE = 17
    FW_CONTROL_FAILURE = 18
    ETH_FAILURE = 19
    ETH_INTERFACE_NOT_FOUND = 20
    ETH_RECV_FAILURE = 21
    ETH_SEND_FAILURE = 22
    INVALID_FIRMWARE = 23
    INVALID_CONTEXT_COUNT = 24
    INVALID_FRAME = 25
    INVALID_HEF = 26
    PCIE_NOT_SUPPORTED_ON_PLATFORM = 27
    INTERRUPTED_BY_SIGNAL = 28
    START_VDMA_CHANNEL_FAIL = 29
    SYNC_VDMA_BUFFER_FAIL = 30
    STOP_VDMA_CHANNEL_FAIL = 31
    CLOSE_VDMA_CHANNEL_FAIL = 32
    ATR_TABLES_CONF_VALIDATION_FAIL = 33
    EVENT_CREATE_FAIL = 34
    READ_EVENT_FAIL = 35
    DRIVER_OPERATION_FAILED = 36
    INVALID_FIRMWARE_MAGIC = 37
    INVALID_FIRMWARE_CODE_SIZE = 38
    INVALID_KEY_CERTIFICATE_SIZE = 39
    INVALID_CONTENT_CERTIFICATE_SIZE = 40
    MISMATCHING_FIRMWARE_BUFFER_SIZES = 41
    INVALID_FIRMWARE_CPU_ID = 42
    CONTROL_RESPONSE_MD5_MISMATCH = 43
    GET_CONTROL_RESPONSE_FAIL = 44
    GET_D2H_EVENT_MESSAGE_FAIL = 45
    MUTEX_INIT_FAIL = 46
    OUT_OF_DESCRIPTORS = 47
    UNSUPPORTED_OPCODE = 48
    USER_MODE_RATE_LIMITER_NOT_SUPPORTED = 49
    RATE_LIMIT_MAXIMUM_BANDWIDTH_EXCEEDED = 50
    ANSI_TO_UTF16_CONVERSION_FAILED = 51
    UTF16_TO_ANSI_CONVERSION_FAILED = 52
    UNEXPECTED_INTERFACE_INFO_FAILURE = 53
    UNEXPECTED_ARP_TABLE_FAILURE = 54
    MAC_ADDRESS_NOT_FOUND = 55
    NO_IPV4_INTERFACES_FOUND = 56
    SHUTDOWN_EVENT_SIGNALED = 57
    THREAD_ALREADY_ACTIVATED = 58
    THREAD_NOT_ACTIVATED = 59
    THREAD_NOT_JOINABLE = 60
    NOT_FOUND = 61
    COMMUNICATION_CLOSED = 62
    STREAM_ABORT = 63
    DRIVER_NOT_INSTALLED = 64
    NOT_AVAILABLE = 65
    TRAFFIC_CONTROL_FAILURE = 66
    INVALID_SECOND_STAGE = 67
    INVALID_PIPELINE = 68
    NETWORK_GROUP_NOT_ACTIVATED = 69
    VSTREAM_PIPELINE_NOT_ACTIVATED = 70
    OUT_OF_FW_MEMORY = 71
    STREAM_NOT_ACTIVATED = 72
    DEVICE_IN_USE = 73
    OUT_OF_PHYSICAL_DEVICES = 74
    INVALID_DEVICE_ARCHITECTURE = 75
    INVALID_DRIVER_VERSION = 76
    RPC_FAILED = 77
    INVALID_SERVICE_VERSION = 78
    NOT_SUPPORTED = 79
    NMS_BURST_INVALID_DATA = 80
    OUT_OF_HOST_CMA_MEMORY = 81
    QUEUE_IS_FULL = 82
    DMA_MAPPING_ALREADY_EXISTS = 83
    CANT_MEET_BUFFER_REQUIREMENTS = 84
    DRIVER_INVALID_RESPONSE = 85
    DRIVER_INVALID_IOCTL = 86
    DRIVER_TIMEOUT = 87
    DRIVER_INTERRUPTED = 88
    CONNECTION_REFUSED = 89
    DRIVER_WAIT_CANCELED = 90
    HEF_FILE_CORRUPTED = 91
    HEF_NOT_SUPPORTED = 92
    HEF_NOT_COMPATIBLE_WITH_DEVICE = 93
    INVALID_HEF_USE = 94
    OPERATION_ABORTED = 95
    DEVICE_NOT_CONNECTED = 96
    DEVICE_TEMPORARILY_UNAVAILABLE = 97

    @property
    def text(self) -> str:
        """The vendor's name of the status, for example ``HAILO_TIMEOUT``."""
        return f"HAILO_{self.name}"


class HailstackError(Exception):
    """Anything that Hailstack raises on purpose."""

    exit_code: ClassVar[int] = 4
    retry: ClassVar[bool] = False


class InputError(HailstackError, ValueError):
    """A file, key or argument that the user can mend."""

    exit_code = 1


class NotFoundError(InputError, FileNotFoundError):
    """A path that is not there."""

    __str__ = Exception.__str__


class HefError(InputError):
    """A HEF that cannot be used. ``status`` is what the vendor's library answers for the same file."""

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status


class MediaError(InputError):
    """An image or video that cannot be decoded; the message names the file and, for a video, the frame."""


class ModelError(InputError):
    """An ONNX model that cannot be compiled or run; the message names the file and the node."""


class ConfigError(InputError):
    """A configuration whose file, key and value the message names."""


class MissingExtraError(HailstackError, ImportError):
    """An optional dependency is not installed; the message names the extra."""

    exit_code = 1


class CheckFailedError(HailstackError):
    """The work was done and its answer is no: a verification, comparison or parity check failed."""

    exit_code = 2


class DeviceError(HailstackError):
    """The NPU or its runtime refused. ``status`` is the HailoRT status where there is one."""

    exit_code = 3

    def __init__(self, message: str, status: Status | None = None) -> None:
        super().__init__(message)
        self.status = status


class DeviceBusyError(DeviceError):
    """Another process holds the NPU."""

    retry = True


class DeviceLostError(DeviceError):
    """The NPU went away while in use."""


class InferenceError(DeviceError):
    """One frame failed. ``frame`` is its sequence number in its source, where known."""

    def __init__(self, message: str, status: Status | None = None, frame: int | None = None) -> None:
        super().__init__(message, status)
        self.frame = frame


class InferenceSubmitError(InferenceError):
    """The frame was never accepted by the device."""


class InferenceTimeoutError(InferenceError, TimeoutError):
    """No result arrived in time."""

    retry = True
    __str__ = Exception.__str__


class InferenceWaitError(InferenceError):
    """The frame was accepted and failed on the device."""


class InferencePipelineError(InferenceError):
    """The pipeline around the device broke: a source, head or sink failed."""


class ClosedError(HailstackError):
    """The object was used after it was closed."""
