"""Classifiers by name: torchvision's and timm's networks with weights from a local file. Nothing is downloaded."""

from __future__ import annotations

import difflib
import importlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from hailstack.compiler import Normalisation
from hailstack.compiler.defaults import IMAGENET
from hailstack.errors import ConfigError, InputError, MissingExtraError, NotFoundError
from hailstack.imaging import Preprocess
from hailstack.training.exportable import Exportable
from hailstack.training.extra import nn, torch

SIDE = 224
"""Of the input where neither the user nor the library says: ImageNet's usual."""

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "state_dict_ema")
"""Under which training programs put the weights into their checkpoints."""

PREFIXES = ("module.", "_orig_mod.", "model.")
"""What parallel training, compilation and training frames write before the names of weights."""

NEAR = 5
"""How many similar names, or names of missing weights, an error lists."""

Maker = Callable[..., nn.Module]


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How to make one of the networks, and what it wants of its pictures."""

    make: Maker
    """Takes ``num_classes``."""
    side: int = SIDE
    crop: float = 0.875
    normalisation: Normalisation = IMAGENET
    licence: str | None = None


def load_classifier(
    name: str,
    weights: Path | None,
    names: Sequence[str] = (),
    size: tuple[int, int] | None = None,
    *,
    licence: str | None = None,
) -> Exportable:
    """A classifier with trained weights.

    Args:
        name: as torchvision or timm call it: ``resnet18``, ``mobilenet_v2``, ``mobilenetv3_small_100``.
        weights: a state dictionary saved by PyTorch, as these libraries publish them or as training programs wrap
            them. It says how many classes there are. None: random weights, of use only to try an export.
        names: class names; empty: unknown.
        size: height and width of the input; None: the network's usual.
        licence: of the weights.

    Raises:
        InputError: no such network; the message lists similar ones.
        NotFoundError: no such file.
        ConfigError: the weights are another network's, or the number of names is not that of the classes.
        MissingExtraError: torchvision and timm are not installed.
    """
    recipe = _find(name)
    network = _untrained(recipe) if weights is None else _trained(recipe, name, weights)
    _check_names(name, network, names)
    height, width = size or (recipe.side, recipe.side)
    preprocess = Preprocess(height, width, mode="crop", crop_fraction=recipe.crop)
    return Exportable(
        network.eval(), "classification", name, tuple(names), ("logits",), preprocess, recipe.normalisation, 1, licence
    )


def is_classifier(name: str) -> bool:
    """Whether a text looks like the name of a network rather than like a file."""
    return bool(name) and not any(mark in name for mark in "/\\") and not Path(name).suffix


def _find(name: str) -> _Recipe:
    torchvision, timm = _library("torchvision.models"), _library("timm")
    if torchvision is None and timm is None:
        message = (
            f"{name}: classifiers by name come from torchvision or timm, none is installed: pip install torchvision"
        )
        raise MissingExtraError(message)
    known = list[str]()
    if torchvision is not None:
        known += torchvision.list_models(module=torchvision)
        if name in known:
            return _of_torchvision(torchvision, name)
    if timm is not None:
        known += timm.list_models()
        if name in known:
            return _of_timm(timm, name)
    near = difflib.get_close_matches(name, dict.fromkeys(known), NEAR, 0.5)
    similar = f"similar: {', '.join(near)}" if near else "torchvision.models.list_models() lists some"
    message = f"{name}: neither a file nor a classifier that torchvision or timm know; {similar}"
    raise InputError(message)


def _library(name: str) -> ModuleType | None:
    """A module that may not be there.

    Raises:
        MissingExtraError: it is there, but does not fit the installed PyTorch.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None
    except (ImportError, RuntimeError, OSError) as error:  # a build for another PyTorch
        message = (
            f"{name} is installed but does not fit PyTorch {torch.__version__} ({error}); install the build for it"
        )
        raise MissingExtraError(message) from error


def _of_torchvision(torchvision: ModuleType, name: str) -> _Recipe:
    """With the smallest side that weights are published for: larger ones are for networks made larger."""
    published = [one.transforms.keywords for one in torchvision.get_model_weights(name)]
    side = min((int(one["crop_size"]) for one in published if "crop_size" in one), default=SIDE)
    return _Recipe(lambda **options: torchvision.get_model(name, weights=None, **options), side)


def _of_timm(timm: ModuleType, name: str) -> _Recipe:
    told: Mapping[str, Any] = timm.get_pretrained_cfg(name).to_dict()
    mean, std = (tuple(255.0 * value for value in told[key]) for key in ("mean", "std"))
    return _Recipe(
        lambda **options: timm.create_model(name, pretrained=False, **options),
        int(told["input_size"][-1]),
        float(told["crop_pct"]),
        Normalisation(mean, std),
        told.get("license"),
    )


def _untrained(recipe: _Recipe) -> nn.Module:
    """Random weights that are the same every time; batch normalisation has seen some noise, or numbers run away."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = recipe.make().train()
        for _ in range(10):
            network(torch.randn(2, 3, recipe.side, recipe.side))
    return network


def _trained(recipe: _Recipe, name: str, path: Path) -> nn.Module:
    state = _read_state(path)
    network = recipe.make()
    classes = _classes(network, state)
    if classes is not None:
        network = recipe.make(num_classes=classes)
    wanted = network.state_dict()
    missing = [key for key in wanted if key not in state and not key.endswith("num_batches_tracked")]
    if missing:
        message = (
            f"{path}: these weights are not {name}'s: {len(missing)} of {len(wanted)} are missing "
            f"({', '.join(missing[:NEAR])}); the file has {', '.join(list(state)[:NEAR])}, …"
        )
        raise ConfigError(message)
    wrong = next((key for key, value in wanted.items() if key in state and state[key].shape != value.shape), None)
    if wrong is not None:
        message = f"{path}: {wrong} is {_shape(state[wrong])}, {name} wants {_shape(wanted[wrong])}: another network's"
        raise ConfigError(message)
    network.load_state_dict({key: state.get(key, value) for key, value in wanted.items()})
    return network


def _classes(network: nn.Module, state: Mapping[str, torch.Tensor]) -> int | None:
    """How many classes the weights have, if not as many as the network: what its last bias or matrix says."""
    last = list(network.state_dict())[-1]
    ours, theirs = network.state_dict()[last], state.get(last)
    if theirs is None or theirs.shape == ours.shape or theirs.shape[1:] != ours.shape[1:]:
        return None
    return int(theirs.shape[0])


def _read_state(path: Path) -> Mapping[str, torch.Tensor]:
    """Weights by name, without wrapping and prefixes."""
    if not path.is_file():
        message = f"{path}: no such file of weights"
        raise NotFoundError(message)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        message = (
            f"{path}: holds Python objects beside plain weights, or is no file of PyTorch; save the state dictionary: "
            "torch.save(network.state_dict(), file)"
        )
        raise InputError(message) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        message = f"{path}: is damaged or no file of PyTorch: {str(error).splitlines()[0] if str(error) else error!r}"
        raise InputError(message) from error
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        message = f"{path}: holds no state dictionary (weights by name); save network.state_dict()"
        raise InputError(message)
    return _unprefixed(content)


def _unprefixed(state: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    for prefix in PREFIXES:
        if state and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _check_names(name: str, network: nn.Module, names: Sequence[str]) -> None:
    classes = list(network.state_dict().values())[-1].shape[0]
    if names and len(names) != classes:
        message = f"{name}: the weights have {classes} classes, but {len(names)} class names are given"
        raise ConfigError(message)


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
