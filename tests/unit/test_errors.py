"""The exception tree promises exit codes, built-in bases, and one entry for each vendor status."""

from __future__ import annotations

import inspect

import pytest

from hailstack import errors
from hailstack.errors import HailstackError, Status


def leaves() -> list[type[HailstackError]]:
    return [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, HailstackError) and cls.__module__ == errors.__name__
    ]


def test_every_error_stands_in_the_drawing_of_the_tree() -> None:
    assert errors.__doc__ is not None
    missing = [cls.__name__ for cls in leaves() if cls.__name__ not in errors.__doc__]
    assert missing == []


def test_every_exit_code_is_one_of_the_four() -> None:
    assert {cls.exit_code for cls in leaves()} == {1, 2, 3, 4}


def test_statuses_are_numbered_without_holes() -> None:
    assert [int(status) for status in Status] == list(range(98))


def test_a_status_gives_the_vendor_name() -> None:
    assert Status.OUT_OF_PHYSICAL_DEVICES.text == "HAILO_OUT_OF_PHYSICAL_DEVICES"


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.NotFoundError("x"), FileNotFoundError),
        (errors.InferenceTimeoutError("x"), TimeoutError),
        (errors.MissingExtraError("x"), ImportError),
        (errors.InputError("x"), ValueError),
    ],
)
def test_errors_double_as_the_builtin_that_fits(error: HailstackError, builtin: type[Exception]) -> None:
    assert isinstance(error, builtin)
    assert str(error) == "x"
