"""The network that a run begins with: random, or from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.errors import InputError
from hailstack.training.extra import torch
from hailstack.training.foreign import is_foreign, load_foreign
from hailstack.training.network import Network, build_network
from hailstack.training.options import TrainOptions
from hailstack.training.weights import KIND, read_tensors

LICENCE = "AGPL-3.0 (from weights of Ultralytics)"

LEAST_SHARE = 0.5
"""Of the network's weights that a file must fit, to be worth starting from."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a run begins with."""

    network: Network
    licence: str | None = None
    """Of the weights it starts from, which what comes out of them inherits."""


def starting_point(options: TrainOptions, classes: int) -> Start:
    """Random weights by the seed, replaced by those in ``options.weights`` that fit.

    What belongs to other classes does not fit and stays random. Files of Ultralytics are opened by the Python in
    which it is installed.

    Raises:
        NotFoundError: no such file, or no such Python.
        MissingExtraError: the file is Ultralytics', which is not installed.
        InputError: the file is damaged, holds no weights, or those of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        network = build_network(options.model, classes)
    if options.weights is None:
        return Start(network)
    if is_foreign(options.weights):
        theirs = load_foreign(options.weights, options.ultralytics_python)
        _take(network, options.weights, {} if theirs is None else theirs.network.state_dict())
        return Start(network, LICENCE)
    content = read_tensors(options.weights)
    _take(network, options.weights, _state(options.weights, content))
    licence = content.get("licence")
    return Start(network, licence if isinstance(licence, str) else None)


def starting_digest(options: TrainOptions) -> str:
    """Of the file that the run starts from; empty: there is none."""
    if options.weights is None or not options.weights.is_file():
        return ""
    return hashlib.sha256(options.weights.read_bytes()).hexdigest()


def _take(network: Network, path: Path, state: Mapping[str, Any]) -> None:
    wanted = network.state_dict()
    fitting = {name: one for name, one in state.items() if name in wanted and one.shape == wanted[name].shape}
    share = sum(one.numel() for one in fitting.values()) / sum(one.numel() for one in wanted.values())
    if share < LEAST_SHARE:
        message = f"{path}: {share:.0%} of these weights fit {network.name}; it needs a file of the same model"
        raise InputError(message)
    network.load_state_dict(wanted | fitting)


def _state(path: Path, content: Any) -> Mapping[str, Any]:
    """Tensors by name, from our own file or a plain one, where they may lie one level down."""
    places = [content.get(key) for key in ("weights", "state_dict", "model")] if isinstance(content, dict) else []
    for place in (*places, content):
        if isinstance(place, dict) and any(isinstance(one, torch.Tensor) for one in place.values()):
            return {str(name): one for name, one in place.items() if isinstance(one, torch.Tensor)}
    message = f"{path}: holds no weights: neither a file of hailstack train ({KIND}) nor tensors by name"
    raise InputError(message)
