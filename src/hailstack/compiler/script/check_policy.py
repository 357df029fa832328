"""Checks of the optimisation that a script asks for against the machine and the calibration set."""

from __future__ import annotations

from collections.abc import Iterator

from hailstack.compiler.script.findings import Finding, Surroundings, finding, with_value
from hailstack.compiler.script.format import format_value
from hailstack.compiler.script.syntax import Argument, Command, Number, Script, Value, Word

LEVEL_IMAGES = {2: 1024, 3: 256, 4: 1024}
"""Pictures that an optimisation level uses; see the manual page of levels."""


def check_policy(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Whether there is a GPU for what needs one, and enough pictures for what counts them."""
    for command in script.commands:
        if around.gpu is False:
            yield from _check_gpu(command)
        if around.calibration_images is not None:
            yield from _check_counts(command, around.calibration_images)


def level_of(command: Command) -> int | None:
    """The optimisation level that a command sets, if it does."""
    value = command.kwargs.get("optimization_level")
    if command.name != "model_optimization_flavor" or not isinstance(value, Number):
        return None
    return int(value.plain)


def enabled(command: Command) -> bool:
    """Whether a featured command switches its feature on; it does so unless it says otherwise."""
    policy = command.kwargs.get("policy")
    return not (isinstance(policy, Word) and policy.text in ("disabled", "False", "false"))


def _argument(command: Command, key: str) -> Argument:
    return next(argument for argument in command.arguments if argument.name == key)


def _changed(command: Command, key: str, value: Value) -> str:
    return with_value(command, _argument(command, key), value)


def _check_gpu(command: Command) -> Iterator[Finding]:
    """From level 2 on the compiler falls back by itself; bias correction and training asked for by name do run."""
    level = level_of(command)
    training = command.name == "post_quantization_optimization" and command.feature in ("finetune", "adaround")
    if level is not None and level >= 2:
        message = f"optimization_level={level} needs a GPU; without one the compiler silently falls back to level 0"
        place = _argument(command, "optimization_level").value.place
        yield finding(place, "gpu", message, _changed(command, "optimization_level", Number("1")))
    elif level == 1:
        message = "optimization_level=1 is meant for a GPU; without one it takes long, and may fall back to level 0"
        yield finding(command, "gpu", message, severity="warning")
    elif training and enabled(command):
        message = f"{command.feature} is meant for a GPU; on a CPU it takes hours"
        instead = "post_quantization_optimization(bias_correction, policy=enabled)"
        yield finding(command, "gpu", message, instead, severity="warning")


def _check_counts(command: Command, images: int) -> Iterator[Finding]:
    for key in ("dataset_size", "calibset_size"):
        value = command.kwargs.get(key)
        if isinstance(value, Number) and value.plain > images and enabled(command):
            message = f"{key}={format_value(value)}, but the calibration set has {images} pictures"
            yield finding(value.place, "calibration", message, _changed(command, key, Number(str(images))))
    wanted = LEVEL_IMAGES.get(level_of(command) or 0, 0)
    if images < wanted:
        message = f"optimization_level={level_of(command)} is made for {wanted} pictures; the set has {images}"
        yield finding(command, "calibration", message, severity="warning")
