"""The table from HailoRT's statuses to errors."""

from __future__ import annotations

import pytest

import scripted_platform as scripted
from hailstack.errors import DeviceError, HefError, InferenceError, Status
from hailstack.runtime.failures import FAMILIES, Stage, status_of, to_error


def test_every_status_has_its_place_in_the_table():
    assert set(FAMILIES) == set(Status)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("status", [one for one in Status if one is not Status.SUCCESS])
def test_every_status_becomes_an_error_that_says_its_name_and_number(stage, status):
    error = to_error(status, stage, "clip.mp4: frame 7", frame=7)
    assert isinstance(error, DeviceError | HefError)
    assert f"{status.text} ({status.value})" in str(error)
    assert "clip.mp4: frame 7" in str(error)
    assert error.status is status
    if isinstance(error, InferenceError):
        assert error.frame == 7


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (scripted.HailoRTException("libhailort failed with error: 74 (HAILO_OUT_OF_PHYSICAL_DEVICES)"), 74),
        (scripted.HailoRTStatusException("61"), 61),
        (scripted.HailoRTTimeout("Received a timeout - hailort has failed"), 4),
        (scripted.HailoRTInvalidOperationException("Invalid operation. See hailort.log"), 6),
        (scripted.HailoRTException("HailoRT device not found in the system"), None),
        (scripted.HailoRTException("libhailort failed with error: 4711 (HAILO_FUTURE)"), None),
    ],
)
def test_the_status_is_read_from_class_name_or_text(error, status):
    assert status_of(error) == status


def test_the_status_behind_a_wrapped_exception_is_found():
    try:
        try:
            raise scripted.HailoRTStatusException("73")
        except scripted.HailoRTStatusException as cause:
            raise scripted.HailoRTException("something went wrong") from cause
    except scripted.HailoRTException as error:
        assert status_of(error) is Status.DEVICE_IN_USE
