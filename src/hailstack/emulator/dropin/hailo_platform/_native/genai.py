"""Language models, speech and raw sessions of version 5: names to import, and a refusal when they are opened."""

from __future__ import annotations

from typing import Any, NoReturn

from hailo_platform._native.errors import fail
from hailo_platform._native.pybind import NativeObject, enumeration
from hailstack.errors import Status

LLMGeneratorCompletionStatus = enumeration(
    "LLMGeneratorCompletionStatus", GENERATING=0, LOGICAL_END_OF_GENERATION=1, MAX_TOKENS_REACHED=2, ABORTED=3
)
Speech2TextTask = enumeration("Speech2TextTask", TRANSCRIBE=0, TRANSLATE=1)


class _NotEmulated(NativeObject):
    __slots__ = ()

    @classmethod
    def create(cls, *_args: Any) -> NoReturn:
        """Refused."""
        fail(Status.NOT_SUPPORTED, f"{cls.__name__} is not emulated: the software NPU runs vision networks only")


class LLMWrapper(_NotEmulated):
    """A language model."""

    __slots__ = ()


class VLMWrapper(_NotEmulated):
    """A language model that sees."""

    __slots__ = ()


class Speech2Text(_NotEmulated):
    """A speech recogniser."""

    __slots__ = ()


class SessionListener(_NotEmulated):
    """Waits for raw connections from the device."""

    __slots__ = ()


class Session(_NotEmulated):
    """A raw connection to the device."""

    __slots__ = ()

    @staticmethod
    def connect(port: int, device_id: str) -> NoReturn:
        """Refused."""
        Session.create()
