"""A decorator for methods whose refusals by the bindings leave as the exceptions that have names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from hailo_platform._python.errors import ExceptionWrapper

P = ParamSpec("P")
R = TypeVar("R")


def named_errors(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` inside an ``ExceptionWrapper``, with the same signature."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with ExceptionWrapper():
            return function(*args, **kwargs)

    return call
