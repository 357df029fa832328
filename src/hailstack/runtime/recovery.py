"""What happens to a frame that fails: the whole run ends, the frame is left out, or it is tried again."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, cast, get_args

from hailstack.errors import (
    DeviceBusyError,
    DeviceLostError,
    HailstackError,
    InferencePipelineError,
    InferenceSubmitError,
    InferenceTimeoutError,
    InferenceWaitError,
    InputError,
)
from hailstack.types import Failed

FaultKind: TypeAlias = Literal["timeout", "submit", "wait", "device_lost", "head"]
"""No answer in time; never accepted; accepted and failed; the device went away; the outputs make no sense."""

_RULE = re.compile(
    r"(?:(?P<kind>[a-z_]+)=)?(?:(?P<stop>stop)|(?P<skip>skip)|retry:(?P<count>\d{1,4})(?P<then>:skip)?)"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What to do about one kind of fault."""

    retries: int = 0
    """How often the frame is submitted again."""
    skip: bool = False
    """Whether the run goes on without the frame when it still fails; else it ends."""

    def __str__(self) -> str:
        end = "skip" if self.skip else "stop"
        return f"retry {self.retries} times, then {end}" if self.retries else end


STOP = Reaction()


@dataclass(frozen=True, slots=True)
class FaultPolicy:
    """A reaction for each kind of fault; by default every fault ends the run."""

    timeout: Reaction = STOP
    submit: Reaction = STOP
    wait: Reaction = STOP
    device_lost: Reaction = STOP
    """Retries are also how often the device is opened anew, after 0.1 s, 0.2 s, 0.4 s … and at most 2 s each."""
    head: Reaction = STOP
    """Outputs do not change when they are read again, so that retries do nothing here."""

    @classmethod
    def parse(cls, rules: Iterable[str]) -> FaultPolicy:
        """From texts ``KIND=ACTION``, or ``ACTION`` for all kinds; the last one about a kind counts.

        ACTION is ``stop``, ``skip``, ``retry:N`` (then stop) or ``retry:N:skip``.

        >>> FaultPolicy.parse(["skip", "device_lost=retry:5"]).device_lost
        Reaction(retries=5, skip=False)

        Raises:
            InputError: a text means nothing.
        """
        policy = cls()
        for rule in rules:
            policy = replace(policy, **_parse(rule))
        return policy

    def reaction(self, kind: FaultKind) -> Reaction:
        return cast(Reaction, getattr(self, kind))


def kind_of(error: HailstackError) -> FaultKind | None:
    """Which fault an error is; None for what no policy is about: a file, an option, a bug."""
    for kinds, name in (
        ((DeviceLostError, DeviceBusyError), "device_lost"),
        ((InferenceTimeoutError,), "timeout"),
        ((InferenceSubmitError,), "submit"),
        ((InferenceWaitError,), "wait"),
        ((InferencePipelineError,), "head"),
    ):
        if isinstance(error, kinds):
            return cast(FaultKind, name)
    return None


@dataclass(slots=True)
class Recovery:
    """A policy at work: decides about each failure, logs and counts it.

    Args:
        lost: called with each frame that is given up, in its place among the answers.
    """

    policy: FaultPolicy = field(default_factory=FaultPolicy)
    lost: Callable[[Failed], Any] = lambda failed: None
    retried: dict[str, int] = field(default_factory=dict)
    """Kind of fault → submissions that were repeated."""
    reopened: int = 0
    """How often the device was opened anew."""

    def is_final(self, error: HailstackError) -> bool:
        """Whether such a failure ends the run at once."""
        kind = kind_of(error)
        return kind is None or self.policy.reaction(kind) == STOP

    def decide(self, error: HailstackError, attempts: int) -> Literal["retry", "skip", "stop"]:
        """What to do after ``attempts`` failures of a frame, this one included."""
        kind = kind_of(error)
        if kind is None:
            return "stop"
        reaction = self.policy.reaction(kind)
        if kind != "head" and attempts <= reaction.retries:
            self.again(error)
            return "retry"
        return "skip" if reaction.skip else "stop"

    def again(self, error: HailstackError) -> None:
        """The frame that failed so is submitted once more."""
        kind = kind_of(error) or ""
        self.retried[kind] = self.retried.get(kind, 0) + 1
        log.warning("tried again: %s", error)

    def give_up(self, failed: Failed) -> None:
        """The run goes on without this frame."""
        log.warning("left out: %s", failed.error)
        self.lost(failed)


def _parse(rule: str) -> dict[str, Reaction]:
    found = _RULE.fullmatch(rule)
    kinds = get_args(FaultKind)
    if found is None or found["kind"] not in (None, *kinds):
        message = (
            f"--on-fault {rule}: write KIND=ACTION; KIND is {', '.join(kinds)}; "
            "ACTION is stop, skip, retry:N or retry:N:skip"
        )
        raise InputError(message)
    reaction = Reaction(int(found["count"] or 0), bool(found["skip"] or found["then"]))
    return dict.fromkeys((found["kind"],) if found["kind"] else (one.name for one in fields(FaultPolicy)), reaction)
