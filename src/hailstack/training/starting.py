"""The network that a run begins with: random, or from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hailstack.errors import InputError
from hailstack.training.extra import torch
from hailstack.training.network import Network, build_network
from hailstack.training.options import TrainOptions
from hailstack.training.weights import KIND, read_tensors

LEAST_SHARE = 0.5
"""Of the network's weights that a file must fit, to be worth starting from."""


def starting_network(options: TrainOptions, classes: int) -> Network:
    """Random weights by the seed, replaced by those in ``options.weights`` that fit.

    What belongs to other classes does not fit and stays random.

    Raises:
        NotFoundError: no such file.
        InputError: the file is damaged, holds no weights, or those of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        network = build_network(options.model, classes)
    if options.weights is not None:
        _take(network, options.weights)
    return network


def starting_digest(options: TrainOptions) -> str:
    """Of the file that the run starts from; empty: there is none."""
    if options.weights is None or not options.weights.is_file():
        return ""
    return hashlib.sha256(options.weights.read_bytes()).hexdigest()


def _take(network: Network, path: Path) -> None:
    state = _state(path)
    wanted = network.state_dict()
    fitting = {name: one for name, one in state.items() if name in wanted and one.shape == wanted[name].shape}
    share = sum(one.numel() for one in fitting.values()) / sum(one.numel() for one in wanted.values())
    if share < LEAST_SHARE:
        message = f"{path}: {share:.0%} of these weights fit {network.name}; it needs a file of the same model"
        raise InputError(message)
    network.load_state_dict(wanted | fitting)


def _state(path: Path) -> Mapping[str, Any]:
    """Tensors by name, from our own file or a plain one, where they may lie one level down."""
    content = read_tensors(path)
    places = [content.get(key) for key in ("weights", "state_dict", "model")] if isinstance(content, dict) else []
    for place in (*places, content):
        if isinstance(place, dict) and any(isinstance(one, torch.Tensor) for one in place.values()):
            return {str(name): one for name, one in place.items() if isinstance(one, torch.Tensor)}
    message = f"{path}: holds no weights: neither a file of hailstack train ({KIND}) nor tensors by name"
    raise InputError(message)
