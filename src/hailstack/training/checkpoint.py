"""What a run needs to go on after it was stopped; it travels in ``last.pt``.

No state of a random generator is among it: chance is drawn from the seed and the epoch alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hailstack.errors import ConfigError, InputError
from hailstack.training.folder import RunFolder
from hailstack.training.material import Material
from hailstack.training.options import WITHOUT_EFFECT, TrainOptions
from hailstack.training.weights import read_content


def recipe(material: Material, options: TrainOptions, start: str) -> dict[str, Any]:
    """What decides a run's outcome: the options, the data, and the weights it starts from (their digest)."""
    wishes = {key: value for key, value in options.to_dict().items() if key not in WITHOUT_EFFECT}
    return {"options": wishes, "data": material.digest, "start": start}


def read_checkpoint(folder: RunFolder, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """What ``last.pt`` holds; None if no epoch was ever finished.

    Raises:
        InputError: the file is damaged.
        ConfigError: the run was begun with other options or other data; the message names what differs.
    """
    if not folder.last.exists():
        return None
    content = read_content(folder.last)
    if "recipe" not in content:
        message = f"{folder.last}: is no run that can be resumed; it holds weights alone"
        raise InputError(message)
    _check(folder, content["recipe"], wanted)
    return content


def _check(folder: RunFolder, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for key, value in now["options"].items():
        before = then["options"].get(key)
        if before != value:
            message = (
                f"{folder.path}: was begun with {key} {before!r}, and is to be resumed with {value!r}; "
                "resume with the same options, or give a new run another --name"
            )
            raise ConfigError(message)
    for key, told in (("data", "pictures or labels"), ("start", "weights to start from")):
        if then[key] != now[key]:
            message = f"{folder.path}: the {told} have changed since this run began; give a new one another --name"
            raise ConfigError(message)
