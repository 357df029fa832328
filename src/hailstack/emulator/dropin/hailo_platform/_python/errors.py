"""The exceptions that programs catch, and which status becomes which."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from hailo_platform._native import errors as native
from hailo_platform._profile import PROFILE
from hailstack.errors import Status

if TYPE_CHECKING or not PROFILE.unified_errors:

    class HailoRTException(Exception):
        """The runtime refused a call."""
else:
    HailoRTException = native.HailoRTException


class UdpRecvError(HailoRTException):
    """Nothing arrived over Ethernet."""


class InvalidProtocolVersionException(HailoRTException):
    """Host and device speak different control protocols."""


class HailoRTFirmwareControlFailedException(HailoRTException):
    """The device refused a control."""


class HailoRTInvalidFrameException(HailoRTException):
    """A frame has a wrong size."""


class HailoRTUnsupportedOpcodeException(HailoRTException):
    """The device does not know a control."""


class HailoRTTimeout(HailoRTException):
    """No answer in time."""


class HailoRTStreamAborted(HailoRTException):
    """A stream was aborted."""


class HailoRTStreamAbortedByUser(HailoRTException):
    """The program itself aborted a stream."""


class HailoRTInvalidOperationException(HailoRTException):
    """The call does not fit the object's state."""


class HailoRTInvalidArgumentException(HailoRTException):
    """An argument makes no sense."""


class HailoRTNotFoundException(HailoRTException):
    """Nothing has that name."""


class HailoRTInvalidHEFException(HailoRTException):
    """The HEF contradicts itself."""


if PROFILE.by_score:

    class HailoRTHEFNotCompatibleWithDevice(HailoRTException):
        """The HEF is for another chip."""


class HailoRTEthException(HailoRTException):
    """Ethernet failed."""


class HailoRTDriverOperationFailedException(HailoRTException):
    """The driver refused."""


HailoRTPCIeDriverException = HailoRTDriverOperationFailedException


class HailoRTNetworkGroupNotActivatedException(HailoRTException):
    """Inference without the scheduler and without ``activate()``."""


class HailoCommunicationClosedException(HailoRTException):
    """The other side went away."""


class HailoStatusInvalidValueException(Exception):
    """A number that is no status."""


_SEE_LOG = "See hailort.log for more information"

_NAMED: dict[str, tuple[type[Exception], str]] = {
    "HAILO_ETH_RECV_FAILURE": (UdpRecvError, "Failed to receive data"),
    "HAILO_UNSUPPORTED_CONTROL_PROTOCOL_VERSION": (
        InvalidProtocolVersionException,
        "HailoRT has failed because an invalid protocol version was received from device",
    ),
    "HAILO_FW_CONTROL_FAILURE": (HailoRTFirmwareControlFailedException, "libhailort control operation failed"),
    "HAILO_UNSUPPORTED_OPCODE": (
        HailoRTUnsupportedOpcodeException,
        "HailoRT has failed because an unsupported opcode was sent to device",
    ),
    "HAILO_INVALID_FRAME": (HailoRTInvalidFrameException, "An invalid frame was received"),
    "HAILO_TIMEOUT": (HailoRTTimeout, "Received a timeout - hailort has failed because a timeout had occurred"),
    "HAILO_STREAM_ABORT": (HailoRTStreamAborted, "Stream was aborted"),
    "HAILO_INVALID_OPERATION": (HailoRTInvalidOperationException, f"Invalid operation. {_SEE_LOG}"),
    "HAILO_INVALID_ARGUMENT": (HailoRTInvalidArgumentException, f"Invalid argument. {_SEE_LOG}"),
    "HAILO_NOT_FOUND": (HailoRTNotFoundException, f"Item not found. {_SEE_LOG}"),
    "HAILO_INVALID_HEF": (HailoRTInvalidHEFException, f"Invalid HEF. {_SEE_LOG}"),
    "HAILO_ETH_FAILURE": (HailoRTEthException, f"Ethernet failure. {_SEE_LOG}"),
    "HAILO_DRIVER_OPERATION_FAILED": (
        HailoRTDriverOperationFailedException,
        "Failure in hailort driver ioctl. run 'dmesg | grep hailo' for more information",
    ),
    "HAILO_COMMUNICATION_CLOSED": (
        HailoCommunicationClosedException,
        "Communication closed failure. Check server-client connection",
    ),
    "HAILO_NETWORK_GROUP_NOT_ACTIVATED": (
        HailoRTNetworkGroupNotActivatedException,
        "Network group is not activated",
    ),
}
if PROFILE.by_score:
    _NAMED["HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE"] = (
        HailoRTHEFNotCompatibleWithDevice,
        f"HEF file is not compatible with device. {_SEE_LOG}",
    )
if not PROFILE.legacy_interfaces:
    del _NAMED["HAILO_ETH_RECV_FAILURE"]


class ExceptionWrapper:
    """``with``: a status of the bindings leaves as the exception with its name."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, exception_type: object, value: BaseException | None, traceback: TracebackType | None) -> None:
        if isinstance(value, native.HailoRTStatusException):
            self._raise_indicative_status_exception(value)

    @staticmethod
    def create_exception_from_status(error_code: int) -> Exception:
        """The exception, not raised, that stands for a status."""
        name = get_status_message(error_code)
        kind, message = _NAMED.get(name, (HailoRTException, f"libhailort failed with error: {error_code} ({name})"))
        return kind(message)

    def _raise_indicative_status_exception(self, libhailort_exception: native.HailoRTStatusException) -> None:
        raise indicative_exception(libhailort_exception) from libhailort_exception


def indicative_exception(error: native.HailoRTStatusException) -> Exception:
    """The exception that stands for a refusal by the bindings."""
    return named_exception(int(error.args[0]), error.reason)


def named_exception(error_code: int, reason: str) -> Exception:
    """The exception that stands for a status, with ``reason`` in its notes.

    What the software NPU does not have is no case of the vendor's library, so there the text itself says why.
    """
    error = ExceptionWrapper.create_exception_from_status(error_code)
    if not reason:
        return error
    if error_code in (Status.NOT_SUPPORTED, Status.UNSUPPORTED_OPCODE):
        return type(error)(f"{error}. {reason}")
    error.add_note(reason)
    return error


def get_status_message(status_code: int) -> str:
    """The name of a status.

    Raises:
        HailoStatusInvalidValueException: the played version does not know the number.
    """
    name = native.get_status_message(status_code)
    if not name:
        message = f"Value {status_code} is not a valid status"
        raise HailoStatusInvalidValueException(message)
    return name
