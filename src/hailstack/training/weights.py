"""Files of weights: written whole or not at all, read without running anything that is in them."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.errors import InputError, NotFoundError
from hailstack.files import replacing
from hailstack.training.extra import torch
from hailstack.training.network import SIZES, Network, build_network

KIND = "hailstack weights"
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A trained network with what belongs to it."""

    network: Network
    """On the CPU, in evaluation mode."""
    names: tuple[str, ...]
    """Class names by class id."""
    imgsz: int
    """Side of the square that it was trained on, in pixels."""
    model: str
    """What :func:`hailstack.training.network.build_network` calls it."""
    licence: str | None = None
    """Under which the weights may be used, where somebody said so."""


def save_weights(
    path: Path,
    network: Network,
    names: Sequence[str],
    imgsz: int,
    *,
    licence: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a network's weights with its names and size; ``extra`` goes along (tensors and plain values only).

    Raises:
        InputError: the file cannot be written.
        NotFoundError: the folder does not exist.
    """
    content = {
        "kind": KIND,
        "version": VERSION,
        "model": network.name,
        "names": list(names),
        "imgsz": imgsz,
        "licence": licence,
        "weights": {name: one.detach().cpu() for name, one in network.state_dict().items()},
        **(extra or {}),
    }
    buffer = io.BytesIO()  # PyTorch writes a file's name into it: from memory, equal weights give equal bytes
    torch.save(content, buffer)
    with replacing(path) as partial:
        partial.write_bytes(buffer.getbuffer())


def load_weights(path: Path | str) -> Weights:
    """The network in a file that :func:`save_weights` wrote.

    Raises:
        NotFoundError: no such file.
        InputError: it is damaged, or holds something else (for example a pickle of another program's classes).
    """
    content = read_content(Path(path))
    names = tuple(str(one) for one in content["names"])
    network = build_network(str(content["model"]), len(names))
    problem = fit(network, content["weights"])
    if problem:
        message = f"{path}: is damaged: {problem}"
        raise InputError(message)
    licence = content.get("licence")
    return Weights(
        network.eval(), names, int(content["imgsz"]), network.name, None if licence is None else str(licence)
    )


def read_content(path: Path) -> dict[str, Any]:
    """Everything in such a file, as it was saved.

    Raises:
        NotFoundError: no such file.
        InputError: it is damaged or holds something else.
    """
    content = read_tensors(path)
    if not isinstance(content, dict) or content.get("kind") != KIND:
        message = f"{path}: holds no weights of Hailstack; hailstack train writes such files (best.pt, last.pt)"
        raise InputError(message)
    if content.get("version") != VERSION or content.get("model") not in SIZES:
        message = f"{path}: was written by another version of Hailstack, which knows more than this one"
        raise InputError(message)
    return content


def read_tensors(path: Path) -> Any:
    """What PyTorch saved in a file, if that is tensors and plain values and nothing else.

    Raises:
        NotFoundError: no such file.
        InputError: it is damaged, or holds objects that only their own program can read.
    """
    if not path.is_file():
        message = f"{path}: no such file of weights"
        raise NotFoundError(message)
    if not zipfile.is_zipfile(path):
        message = (
            f"{path}: is damaged or no file of weights: PyTorch's are zip archives, and this ends too early or is none"
        )
        raise InputError(message)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        message = (
            f"{path}: holds Python objects of the program that wrote it, not plain weights; "
            "reading them would run that program's code"
        )
        raise InputError(message) from error
    except (RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        message = f"{path}: is damaged: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        raise InputError(message) from error


def fit(network: Network, state: Mapping[str, Any]) -> str:
    """Put weights into a network; what does not fit, in words, or nothing. Then the network is as it was."""
    wanted = network.state_dict()
    missing = next((name for name in wanted if name not in state), None)
    if missing:
        return f"{missing} is missing"
    for name, one in wanted.items():
        if tuple(state[name].shape) != tuple(one.shape):
            return f"{name} is {tuple(state[name].shape)}, {network.name} wants {tuple(one.shape)}"
    network.load_state_dict({name: state[name] for name in wanted})
    return ""
