"""What a HEF says about its use: chip, labels, preprocessing, whether its scores are probabilities."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hailstack.errors import ConfigError
from hailstack.hef import read_hef
from hailstack.hef.model import EMULATED_META, Hef, LogitsOp, NetworkGroup
from hailstack.imaging import Preprocess

PROBABILITY_MARGIN = 0.02
"""A softmax output's quantisation range may reach a step beyond 1."""


@dataclass(frozen=True, slots=True)
class ModelNotes:
    """Facts beside the tensors; a vendor HEF has few of them."""

    architecture: str = ""
    """The chip it was compiled for, such as ``HAILO8L``."""
    labels: tuple[str, ...] = ()
    preprocess: Preprocess | None = None
    head: Mapping[str, Any] = field(default_factory=dict)
    probabilities: bool = False
    """Whether its only output already went through a softmax."""


def read_notes(path: str | os.PathLike[str]) -> ModelNotes:
    """Read them from a HEF.

    Raises:
        HefError: the file cannot be used as a HEF.
        ConfigError: its notes are damaged.
    """
    hef = read_hef(path)
    meta = read_meta(hef, path)
    preprocess = meta.get("preprocess")
    return ModelNotes(
        architecture=hef.architectures[0] if hef.architectures else "",
        labels=tuple(meta.get("labels") or (meta.get("head") or {}).get("labels") or ()),
        preprocess=Preprocess.from_dict(preprocess) if preprocess else None,
        head=meta.get("head") or {},
        probabilities=bool(hef.groups) and _gives_probabilities(hef.groups[0]),
    )


def read_meta(hef: Hef, path: str | os.PathLike[str]) -> dict[str, Any]:
    """What our compiler noted in a HEF, whole; nothing in a vendor's.

    Raises:
        ConfigError: the notes are damaged; the message names ``path``.
    """
    if EMULATED_META not in hef.external_resources:
        return {}
    try:
        meta = json.loads(bytes(hef.external_resources[EMULATED_META]))
    except ValueError as error:
        message = f"{os.fspath(path)}: {EMULATED_META} is not JSON: {error}"
        raise ConfigError(message) from error
    return meta if isinstance(meta, dict) else {}


def _gives_probabilities(group: NetworkGroup) -> bool:
    """By a softmax on the host, or by an output whose range is that of a softmax."""
    if any(isinstance(op, LogitsOp) and op.kind == "SOFTMAX" for op in group.ops):
        return True
    ranges = [(one.quant.limvals_min, one.quant.limvals_max) for one in group.output_vstreams]
    return bool(ranges) and all(low >= 0 and 0 < high <= 1 + PROBABILITY_MARGIN for low, high in ranges)
