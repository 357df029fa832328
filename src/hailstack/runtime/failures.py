"""HailoRT's exceptions → the errors of Hailstack, by a table over every status."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hailstack.errors import (
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    HailstackError,
    HefError,
    InferenceError,
    InferenceSubmitError,
    InferenceTimeoutError,
    InferenceWaitError,
    Status,
)


class Stage(enum.Enum):
    """What was being done when the runtime refused."""

    OPEN = "cannot be opened on the NPU"
    SUBMIT = "was not accepted by the NPU"
    WAIT = "failed on the NPU"


class Family(enum.Enum):
    """Statuses after which a caller does the same; the value is the advice."""

    HEF = "Compile the model for this chip and runtime, or copy the file again"
    BUSY = "Another process holds the NPU or none is connected: end that process and try again"
    LOST = "The NPU or its driver went away: check the connection, then open it again"
    TIMEOUT = "The NPU gave no answer in time: try again, with fewer frames in flight if it persists"
    HOST = "Check that driver, library and firmware have the same version"
    OTHER = ""


_HEF = (
    *("OPEN_FILE_FAILURE", "FILE_OPERATION_FAILURE", "INVALID_HEF", "HEF_FILE_CORRUPTED", "HEF_NOT_SUPPORTED"),
    *("HEF_NOT_COMPATIBLE_WITH_DEVICE", "INVALID_HEF_USE", "INVALID_CONTEXT_COUNT"),
)
_BUSY = ("DEVICE_IN_USE", "OUT_OF_PHYSICAL_DEVICES", "DEVICE_TEMPORARILY_UNAVAILABLE")
_LOST = (
    *("COMMUNICATION_CLOSED", "DEVICE_NOT_CONNECTED", "DRIVER_OPERATION_FAILED", "RPC_FAILED", "CONNECTION_REFUSED"),
    *("FW_CONTROL_FAILURE", "SHUTDOWN_EVENT_SIGNALED", "ETH_FAILURE", "ETH_RECV_FAILURE", "ETH_SEND_FAILURE"),
    *("ETH_INTERFACE_NOT_FOUND", "DRIVER_WAIT_CANCELED", "DRIVER_INTERRUPTED"),
)
_TIMEOUT = ("TIMEOUT", "DRIVER_TIMEOUT")
_HOST = (
    *("UNSUPPORTED_CONTROL_PROTOCOL_VERSION", "UNSUPPORTED_FW_VERSION", "INVALID_FIRMWARE", "INVALID_DRIVER_VERSION"),
    *("INVALID_SERVICE_VERSION", "DRIVER_NOT_INSTALLED", "INVALID_DEVICE_ARCHITECTURE", "DRIVER_INVALID_IOCTL"),
    *("DRIVER_INVALID_RESPONSE", "PCIE_NOT_SUPPORTED_ON_PLATFORM", "UNSUPPORTED_OPCODE", "INVALID_FIRMWARE_MAGIC"),
    *("INVALID_FIRMWARE_CODE_SIZE", "INVALID_KEY_CERTIFICATE_SIZE", "INVALID_CONTENT_CERTIFICATE_SIZE"),
    *("MISMATCHING_FIRMWARE_BUFFER_SIZES", "INVALID_FIRMWARE_CPU_ID", "INVALID_SECOND_STAGE"),
)
_OTHER = (
    *("SUCCESS", "UNINITIALIZED", "INVALID_ARGUMENT", "OUT_OF_HOST_MEMORY", "INSUFFICIENT_BUFFER"),
    *("INVALID_OPERATION", "NOT_IMPLEMENTED", "INTERNAL_FAILURE", "DATA_ALIGNMENT_FAILURE", "CHUNK_TOO_LARGE"),
    *("INVALID_LOGGER_LEVEL", "CLOSE_FAILURE", "INVALID_CONTROL_RESPONSE", "INVALID_FRAME"),
    *("INTERRUPTED_BY_SIGNAL", "START_VDMA_CHANNEL_FAIL", "SYNC_VDMA_BUFFER_FAIL", "STOP_VDMA_CHANNEL_FAIL"),
    *("CLOSE_VDMA_CHANNEL_FAIL", "ATR_TABLES_CONF_VALIDATION_FAIL", "EVENT_CREATE_FAIL", "READ_EVENT_FAIL"),
    *("CONTROL_RESPONSE_MD5_MISMATCH", "GET_CONTROL_RESPONSE_FAIL", "GET_D2H_EVENT_MESSAGE_FAIL", "MUTEX_INIT_FAIL"),
    *("OUT_OF_DESCRIPTORS", "USER_MODE_RATE_LIMITER_NOT_SUPPORTED", "RATE_LIMIT_MAXIMUM_BANDWIDTH_EXCEEDED"),
    *("ANSI_TO_UTF16_CONVERSION_FAILED", "UTF16_TO_ANSI_CONVERSION_FAILED", "UNEXPECTED_INTERFACE_INFO_FAILURE"),
    *("UNEXPECTED_ARP_TABLE_FAILURE", "MAC_ADDRESS_NOT_FOUND", "NO_IPV4_INTERFACES_FOUND"),
    *("THREAD_ALREADY_ACTIVATED", "THREAD_NOT_ACTIVATED", "THREAD_NOT_JOINABLE", "NOT_FOUND", "STREAM_ABORT"),
    *("NOT_AVAILABLE", "TRAFFIC_CONTROL_FAILURE", "INVALID_PIPELINE", "NETWORK_GROUP_NOT_ACTIVATED"),
    *("VSTREAM_PIPELINE_NOT_ACTIVATED", "OUT_OF_FW_MEMORY", "STREAM_NOT_ACTIVATED", "NOT_SUPPORTED"),
    *("NMS_BURST_INVALID_DATA", "OUT_OF_HOST_CMA_MEMORY", "QUEUE_IS_FULL", "DMA_MAPPING_ALREADY_EXISTS"),
    *("CANT_MEET_BUFFER_REQUIREMENTS", "OPERATION_ABORTED"),
)

FAMILIES: Mapping[Status, Family] = {
    Status[name]: family
    for family, names in (
        (Family.HEF, _HEF),
        (Family.BUSY, _BUSY),
        (Family.LOST, _LOST),
        (Family.TIMEOUT, _TIMEOUT),
        (Family.HOST, _HOST),
        (Family.OTHER, _OTHER),
    )
    for name in names
}
"""Every status. A status that is missing here is a status that somebody forgot; a test says so."""

STATUS_OF_CLASS: Mapping[str, Status] = {
    "UdpRecvError": Status.ETH_RECV_FAILURE,
    "InvalidProtocolVersionException": Status.UNSUPPORTED_CONTROL_PROTOCOL_VERSION,
    "HailoRTFirmwareControlFailedException": Status.FW_CONTROL_FAILURE,
    "HailoRTInvalidFrameException": Status.INVALID_FRAME,
    "HailoRTUnsupportedOpcodeException": Status.UNSUPPORTED_OPCODE,
    "HailoRTTimeout": Status.TIMEOUT,
    "HailoRTStreamAborted": Status.STREAM_ABORT,
    "HailoRTStreamAbortedByUser": Status.STREAM_ABORT,
    "HailoRTInvalidOperationException": Status.INVALID_OPERATION,
    "HailoRTInvalidArgumentException": Status.INVALID_ARGUMENT,
    "HailoRTNotFoundException": Status.NOT_FOUND,
    "HailoRTInvalidHEFException": Status.INVALID_HEF,
    "HailoRTHEFNotCompatibleWithDevice": Status.HEF_NOT_COMPATIBLE_WITH_DEVICE,
    "HailoRTEthException": Status.ETH_FAILURE,
    "HailoRTDriverOperationFailedException": Status.DRIVER_OPERATION_FAILED,
    "HailoRTPCIeDriverException": Status.DRIVER_OPERATION_FAILED,
    "HailoRTNetworkGroupNotActivatedException": Status.NETWORK_GROUP_NOT_ACTIVATED,
    "HailoCommunicationClosedException": Status.COMMUNICATION_CLOSED,
}
"""The vendor's classes that stand for one status and do not say its number."""

FORKED = "the device was opened before this process forked: open it in the process that uses it"
"""Threads do not come along into a forked child."""

_NUMBER = re.compile(r"error: (\d+)|^(\d+)$")


def status_of(error: BaseException) -> Status | None:
    """The HailoRT status behind an exception of ``hailo_platform``, or None if it does not tell."""
    for link in _causes(error):
        for kind in type(link).__mro__:
            if kind.__name__ in STATUS_OF_CLASS:
                return STATUS_OF_CLASS[kind.__name__]
        if found := _NUMBER.search(str(link)):
            number = int(found.group(1) or found.group(2))
            return Status(number) if number in Status.__members__.values() else None
    return None


def to_error(
    status: Status | None, stage: Stage, subject: str, reason: str = "", frame: int | None = None
) -> HailstackError:
    """The error that a caller gets.

    Args:
        status: what HailoRT answered, None if it did not say.
        stage: what was being done.
        subject: the HEF or frame it was done with.
        reason: further words of the runtime.
        frame: number of the frame in its source.
    """
    family = FAMILIES[status] if status is not None else Family.OTHER
    code = f"{status.text} ({status.value})" if status is not None else ""
    details = ": ".join(part for part in (code, reason.rstrip(".")) if part)
    message = f"{subject} {stage.value}: {details or 'no reason given'}"
    if family.value:
        message = f"{message}. {family.value}"
    if family is Family.BUSY:
        return DeviceBusyError(message, status)
    if family is Family.LOST:
        return DeviceLostError(message, status)
    if stage is Stage.OPEN:
        hef_status = status if family is Family.HEF else None
        return HefError(message, hef_status) if hef_status is not None else DeviceError(message, status)
    if family is Family.TIMEOUT:
        return InferenceTimeoutError(message, status, frame)
    kind = InferenceSubmitError if stage is Stage.SUBMIT else InferenceWaitError
    return kind(message, status, frame)


@contextmanager
def translated(
    errors: tuple[type[Exception], ...], stage: Stage, subject: str, frame: int | None = None
) -> Iterator[None]:
    """Turn the runtime's exceptions into ours; ``errors`` are its classes."""
    try:
        yield
    except errors as error:
        raise from_exception(error, stage, subject, frame) from error


def from_exception(error: BaseException, stage: Stage, subject: str, frame: int | None = None) -> HailstackError:
    """The error for an exception of ``hailo_platform``, with what the emulated device says about its reason."""
    own_words = [str(link) for link in _causes(error) if isinstance(link, HailstackError)]
    status = status_of(error)
    reason = own_words[0] if own_words else (str(error) if status is None else "")
    return to_error(status, stage, subject, reason, frame)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and those it was raised from. A frame's failure is none: the device is opened anew after it."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen and not isinstance(link, InferenceError):
        yield link
        seen.append(link)
        link = link.__cause__ or link.__context__
