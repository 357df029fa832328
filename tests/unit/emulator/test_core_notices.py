"""What a device tells the user by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hailstack.emulator.core.notices import Notices, decode, log
from hailstack.emulator.status import StatusError
from hailstack.errors import Status


class _Failing:
    def __init__(self, status: Status) -> None:
        self.status = status

    def decode(self, *_: Any) -> None:
        raise StatusError(self.status, "the masks do not fit")


def test_masks_left_out_are_a_warning_and_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    frame: Any = np.zeros(8, np.uint8)
    codec: Any = _Failing(Status.INSUFFICIENT_BUFFER)
    decode(codec, {}, frame)
    assert capsys.readouterr().err == "[HailoRT] [warning] the masks do not fit\n"
    codec = _Failing(Status.INVALID_OPERATION)
    with pytest.raises(StatusError):
        decode(codec, {}, frame)


def test_the_logger_level_of_the_vendor_silences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAILORT_CONSOLE_LOGGER_LEVEL", "critical")
    log("nobody hears this")
    Notices().say(StatusError(Status.TIMEOUT, "nor this"))
    assert capsys.readouterr().err == ""
