"""What decides a run's outcome, and what a run needs to go on after it was stopped.

No state of a random generator is among it: chance is drawn from the seed and the epoch alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hailstack import __version__
from hailstack.errors import ConfigError, InputError
from hailstack.training.extra import torch
from hailstack.training.folder import RunFolder
from hailstack.training.material import Material
from hailstack.training.options import WITHOUT_EFFECT, TrainOptions
from hailstack.training.starting import starting_digest
from hailstack.training.weights import read_content

DIGESTS = {"data_digest": "pictures or labels", "weights_digest": "weights to start from"}
"""Of ``args.json`` → what they stand for."""


def arguments_of(material: Material, options: TrainOptions) -> dict[str, Any]:
    """What ``args.json`` says of a run: its options, its data, and with what it was made."""
    return {
        **options.to_dict(),
        "data": str(material.source),
        "data_digest": material.digest,
        "weights_digest": starting_digest(options),
        "names": list(material.names),
        "pictures": {"train": len(material.train), "val": len(material.val), "unlabelled": material.unlabelled},
        "versions": {"hailstack": __version__, "torch": torch.__version__},
    }


def check_same(folder: RunFolder, arguments: Mapping[str, Any], options: TrainOptions) -> None:
    """Nothing, if the run in a folder was begun with the same options and data.

    Raises:
        ConfigError: it was not; the message names what differs.
        InputError: its ``args.json`` is missing or broken.
    """
    try:
        before = json.loads(folder.arguments.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{folder.arguments}: cannot be read, and without it nobody knows how this run was begun: {error}"
        raise InputError(message) from error
    for key in (one for one in options.to_dict() if one not in WITHOUT_EFFECT):
        if before.get(key) != arguments[key]:
            message = (
                f"{folder.path}: was begun with {key} {before.get(key)!r}, and is to be resumed with "
                f"{arguments[key]!r}; resume with the same options, or give a new run another --name"
            )
            raise ConfigError(message)
    for key, told in DIGESTS.items():
        if before.get(key) != arguments[key]:
            message = f"{folder.path}: the {told} have changed since this run began; give a new one another --name"
            raise ConfigError(message)


def read_checkpoint(folder: RunFolder) -> dict[str, Any] | None:
    """What ``last.pt`` holds: ``training``, or ``epochs`` once the run is over; None if no epoch was ever finished.

    Raises:
        InputError: the file is damaged, or holds weights alone.
    """
    if not folder.last.exists():
        return None
    content = read_content(folder.last)
    if "training" not in content and "epochs" not in content:
        message = f"{folder.last}: is no run that can be resumed; it holds weights alone"
        raise InputError(message)
    return content
