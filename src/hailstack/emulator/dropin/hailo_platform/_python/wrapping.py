"""A decorator for methods whose refusals by the bindings leave as the exceptions that have names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from hailo_platform._native.errors import HailoRTStatusException
from hailo_platform._python.errors import indicative_exception

P = ParamSpec("P")
R = TypeVar("R")


def named_errors(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` as if inside an ``ExceptionWrapper``, with the same signature."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except HailoRTStatusException as error:
            raise indicative_exception(error) from error

    return call
