"""Files of weights that Ultralytics wrote: pickles of its own classes, which only its own program opens.

Nothing of it is imported, and no object of it is opened, in this process: the Python in which the user has installed
it takes out the plain numbers. Where the network is of the kind that is trained here, they go into ours; what both
compute is compared before anything is made of it.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hailstack.errors import InputError
from hailstack.training.extra import torch
from hailstack.training.network import SIZES, Network, build_network
from hailstack.training.parity import TOLERANCE
from hailstack.training.ultralytics_process import find_python, run_there
from hailstack.training.weights import Weights, fit, read_tensors

KINDS = ("cv2", "cv3")
"""What the parts of a head that give boxes and classes are called."""

MARK = b"ultralytics"
"""Name of the package in a pickle of its objects."""

DUMP = """
import sys, torch
kept = torch.load(sys.argv[1], map_location="cpu", weights_only=False)
network = (kept.get("ema") or kept["model"]).float().eval()
names = network.names
arguments = getattr(network, "args", {})
arguments = arguments if isinstance(arguments, dict) else vars(arguments)
picture, maps = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64), {}
for kind in ("cv2", "cv3"):
    for level, branch in enumerate(getattr(network.model[-1], kind, ())):
        name = f"{kind}.{level}"
        branch.register_forward_hook(lambda module, taken, given, name=name: maps.update({name: given.clone()}))
with torch.no_grad():
    network(picture)
torch.save({
    "weights": network.state_dict(),
    "names": [str(names[key]) for key in sorted(names)] if isinstance(names, dict) else [str(one) for one in names],
    "imgsz": int(arguments.get("imgsz") or 640),
    "task": str(getattr(network, "task", "")),
    "licence": str(kept.get("license") or ""),
    "picture": picture,
    "maps": maps,
}, sys.argv[2])
"""
"""With what its network says to a picture of a ramp, for comparison."""


def is_foreign(path: Path) -> bool:
    """Whether a file's pickle speaks of Ultralytics; it is searched as bytes, not opened."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        return any(MARK in archive.read(name) for name in pickles)


def load_foreign(path: Path, python: Path | None) -> Weights | None:
    """The network as one of ours; None if it is of another kind.

    Args:
        python: in which Ultralytics is installed; None: this one.

    Raises:
        NotFoundError: there is no such Python.
        MissingExtraError: Ultralytics is not installed there.
        InputError: it cannot open the file; the message has its last lines.
    """
    content = _dumped(path, find_python(python))
    for model in SIZES:
        network = build_network(model, max(1, len(content["names"])))
        if _is_detector(network, content) and not fit(network, content["weights"]):
            network.eval()
            licence = content["licence"] or None
            weights = Weights(network, tuple(content["names"]), content["imgsz"], model, licence)
            return weights if _computes_the_same(network, content) else None
    return None


def _is_detector(network: Network, content: Mapping[str, Any]) -> bool:
    """Checkpoints of a run do not say what they are for; then it counts that nothing is left over."""
    whole = content["weights"].keys() == network.state_dict().keys()
    return content["task"] == "detect" or (not content["task"] and whole)


def _dumped(path: Path, python: Path) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.pt"
        ask_there(path, python, [str(path.absolute()), str(plain)], Path(folder), DUMP)
        content: Mapping[str, Any] = read_tensors(plain)
        return content


def ask_there(path: Path, python: Path, arguments: Sequence[str], place: Path, program: str) -> None:
    """Run a program in that Python in a folder that does not last.

    Raises:
        InputError: it failed with ``path``; the message has its last lines.
    """
    try:
        run_there(python, arguments, place, program)
    except InputError as error:
        said = str(error).partition("\n")[2]  # what comes before is where its log lies, which goes with the folder
        message = f"{path}: Ultralytics cannot use it:\n{said}"
        raise InputError(message) from error


def _computes_the_same(network: Network, content: Mapping[str, Any]) -> bool:
    """The same names and shapes of weights do not say that the same is done with them."""
    with torch.inference_mode():
        pairs = network(content["picture"])
    ours = {f"{kind}.{level}": one for level, pair in enumerate(pairs) for kind, one in zip(KINDS, pair, strict=True)}
    theirs: Mapping[str, torch.Tensor] = content["maps"]
    return ours.keys() == theirs.keys() and all(_alike(one, theirs[name]) for name, one in ours.items())


def _alike(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    if ours.shape != theirs.shape:
        return False
    return float((ours - theirs).abs().max()) <= TOLERANCE * max(1.0, float(theirs.abs().max()))
