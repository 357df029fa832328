"""Why two tensors that should be equal are not: each known fault is undone, and the one that heals them is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.quantise.pixels import Normalisation

Array = NDArray[np.float32]

HEALED = 0.2
"""A fault explains a difference if undoing it leaves less than this share of it."""
PERFECT = 0.02
"""Below this nothing better needs to be looked for."""
SHIFTS = range(-3, 4)
SEARCHED = 192
"""Pixels of the middle that faults in combination are looked for in."""
SWAPPED = "red and blue are swapped"
TURN = "compile with --bgr, or without if it is given"
LARGEST_AXIS = 2048
"""Longer axes are not looked at for a permutation."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A fault that explains a difference."""

    kind: str
    """``channel order``, ``normalised twice``, ``mean or std``, ``shift``, ``padding``, ``resize``, ``sigmoid``,
    ``softmax``, ``class order``, ``labels``, ``scale``."""
    text: str
    """What is wrong and what to change."""
    healed: float
    """Share of the difference that is left when it is undone."""


def explain_inputs(ours: Sequence[Array], theirs: Sequence[Array], normalisation: Normalisation) -> Cause | None:
    """The fault that makes input tensors ``(c, h, w)`` of the HEF differ from those of the reference.

    Args:
        normalisation: the HEF's.
    """
    mine, wanted = np.stack(ours), np.stack(theirs)
    if mine.shape != wanted.shape:
        text = f"the network gets {_shape(mine)}, the reference has {_shape(wanted)}: another size or layout"
        return Cause("resize", text, 0.0)
    return _best(_input_candidates(mine, wanted, normalisation), _rms(mine - wanted))


def explain_outputs(ours: Sequence[Array], theirs: Sequence[Array]) -> Cause | None:
    """The fault that makes one output's values, one array a picture, differ from the reference's."""
    mine, wanted = np.stack(ours).astype(np.float64), np.stack(theirs).astype(np.float64)
    if mine.shape != wanted.shape:
        return None
    return _best(_output_candidates(mine, wanted), _rms(mine - wanted))


def explain_labels(ours: Sequence[str], theirs: Sequence[str]) -> Cause | None:
    """The fault of class names in another order than the reference's; None if they agree or one side has none."""
    if not ours or not theirs or tuple(ours) == tuple(theirs):
        return None
    differing = (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
    first = next(differing, min(len(ours), len(theirs)))
    mine, wanted = (names[first] if first < len(names) else "nothing" for names in (ours, theirs))
    same = sorted(ours) == sorted(theirs)
    kind = "the same names in another order" if same else "other names"
    text = f"the HEF's class names are {kind}: class {first} is {mine!r} in the HEF and {wanted!r} in the reference"
    return Cause("labels", text, 0.0)


def _best(candidates: Iterator[tuple[str, str, float]], before: float) -> Cause | None:
    """The first candidate, from special to general, that heals the difference; else the one that heals most."""
    found: Cause | None = None
    for kind, text, left in candidates:
        share = left / before if before > 0 else 1.0
        if share < PERFECT:
            return Cause(kind, text, share)
        if share < (found.healed if found else HEALED):
            found = Cause(kind, text, share)
    return found


def _input_candidates(mine: Array, wanted: Array, own: Normalisation) -> Iterator[tuple[str, str, float]]:
    """Single faults first, then those that come together."""
    turned = mine[:, ::-1]
    if mine.shape[1] == 3:
        yield "channel order", f"{SWAPPED}: {TURN}", _rms(turned - wanted)
    mean, std = (np.array(values).reshape(-1, 1, 1)[: mine.shape[1]] for values in (own.mean, own.std))
    text = "the HEF normalises pixels that are normalised already: compile with --mean 0 --std 1, or feed raw pixels"
    yield "normalised twice", text, _rms(mine * std + mean - wanted)
    text = "the reference normalises twice: its pixels were normalised before the network's own mean and std"
    yield "normalised twice", text, _rms((mine - mean) / std - wanted)
    if mine.shape[1] == 3:
        yield "normalised twice", f"{text}; and {SWAPPED}", _rms((turned - mean) / std - wanted)
    yield from _refitted(mine, wanted, own)
    yield from _shifted(mine, wanted)
    yield from _padded(mine, wanted)
    yield from _shifted_and_refitted(mine, wanted, own)


def _refitted(mine: Array, wanted: Array, own: Normalisation) -> Iterator[tuple[str, str, float]]:
    """Another mean or std, with channels as they are and swapped."""
    for flipped in (False, True)[: 2 if mine.shape[1] == 3 else 1]:
        tensor, norm = (mine[:, ::-1], _turned(own)) if flipped else (mine, own)
        scale, offset = _fit(tensor, wanted)
        also = f"; and {SWAPPED}: {TURN}" if flipped else ""
        yield "mean or std", f"{_says(scale, offset, norm)}{also}", _rms(tensor * scale + offset - wanted)


def _turned(own: Normalisation) -> Normalisation:
    return Normalisation(own.mean[::-1], own.std[::-1], own.bgr)


def _fit(tensor: Array, wanted: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and offset of each channel that bring ``tensor`` closest to ``wanted`` (least squares)."""
    axes = (0, 2, 3)
    x, y = tensor.astype(np.float64), wanted.astype(np.float64)
    mx, my = x.mean(axes, keepdims=True), y.mean(axes, keepdims=True)
    variance = ((x - mx) ** 2).mean(axes, keepdims=True)
    scale = ((x - mx) * (y - my)).mean(axes, keepdims=True) / np.maximum(variance, 1e-12)
    return scale, my - scale * mx


def _says(scale: NDArray[np.float64], offset: NDArray[np.float64], own: Normalisation) -> str:
    """The mean and std that the reference must have used."""
    scale, offset = scale.reshape(-1), offset.reshape(-1)
    std = np.array(own.std)[: len(scale)] / np.where(scale == 0, 1, scale)
    mean = np.array(own.mean)[: len(scale)] - offset * std
    texts = (",".join(f"{round(value, 3) + 0.0:g}" for value in values.tolist()) for values in (mean, std))
    return "the reference has another mean or std: compile with --mean {} --std {}".format(*texts)


def _shifts() -> Iterator[tuple[int, int, str]]:
    """Pixels down and to the right, nearest first, and what it means."""
    places = sorted(((down, right) for down in SHIFTS for right in SHIFTS), key=lambda at: abs(at[0]) + abs(at[1]))
    for down, right in places[1:]:
        text = (
            f"the reference's picture lies {right} pixels to the right of and {down} below the HEF's: "
            "the letterbox or crop rounds differently"
        )
        yield down, right, text


def _moved(tensor: Array, down: int, right: int) -> Array:
    """Without the edges, which have no counterpart."""
    edge = max(SHIFTS) + 1
    return np.roll(tensor, (down, right), axis=(2, 3))[..., edge:-edge, edge:-edge]


def _shifted(mine: Array, wanted: Array) -> Iterator[tuple[str, str, float]]:
    for down, right, text in _shifts():
        yield "shift", text, _rms(_moved(mine, down, right) - _moved(wanted, 0, 0))


def _shifted_and_refitted(mine: Array, wanted: Array, own: Normalisation) -> Iterator[tuple[str, str, float]]:
    """A shift together with swapped channels or another mean and std, looked for in the middle of the pictures."""
    mine, wanted = _middle(mine), _middle(wanted)
    for down, right, shifted in _shifts():
        for _, text, left in _refitted(_moved(mine, down, right), _moved(wanted, 0, 0), own):
            yield "shift", f"{shifted}; and {text}", left


def _middle(tensor: Array) -> Array:
    top, left = (max(0, (size - SEARCHED) // 2) for size in tensor.shape[2:])
    return tensor[:, :, top : top + SEARCHED, left : left + SEARCHED]


def _padded(mine: Array, wanted: Array) -> Iterator[tuple[str, str, float]]:
    """Margins of another grey: whole rows or columns that are constant in both."""
    margin = _margin(mine) & _margin(wanted)
    if margin.any() and not margin.all():
        same = np.where(margin[:, None], 0.0, mine - wanted)
        yield "padding", "the margins have another grey level: compile with another --pad-value", _rms(same)


def _margin(tensor: Array) -> NDArray[np.bool_]:
    """``(n, h, w)``: rows and columns without any structure."""
    rows = np.ptp(tensor, axis=3).max(axis=1) < 1e-6
    columns = np.ptp(tensor, axis=2).max(axis=1) < 1e-6
    found: NDArray[np.bool_] = rows[:, :, None] | columns[:, None, :]
    return found


def _output_candidates(mine: NDArray[np.float64], wanted: NDArray[np.float64]) -> Iterator[tuple[str, str, float]]:
    yield (
        "sigmoid",
        "a sigmoid is missing: the reference's scores have gone through one",
        _rms(sigmoid(mine) - wanted),
    )
    if mine.min() >= 0 and mine.max() <= 1:
        inside = np.clip(mine, 1e-7, 1 - 1e-7)
        yield "sigmoid", "a sigmoid too many: the reference gives logits", _rms(np.log(inside / (1 - inside)) - wanted)
    for axis in range(1, mine.ndim):
        text = f"a softmax over axis {axis} is missing: the reference has gone through one"
        yield "softmax", text, _rms(_softmax(mine, axis) - wanted)
    for axis in range(1, mine.ndim):
        order = find_order(mine, wanted, axis)
        if order is not None:
            first = int(np.flatnonzero(order != np.arange(len(order)))[0])
            text = f"classes come in another order: class {first} of the reference is {order[first]} here"
            yield "class order", text, _rms(np.take(mine, order, axis) - wanted)
    scale = float((mine * wanted).sum() / max((mine * mine).sum(), 1e-30))
    yield "scale", f"the reference is {scale:.4g} times as large", _rms(mine * scale - wanted)


def find_order(mine: NDArray[np.float64], wanted: NDArray[np.float64], axis: int) -> NDArray[np.intp] | None:
    """For each place along ``axis`` of ``wanted`` the place in ``mine`` with equal values; None if there is none."""
    length = mine.shape[axis]
    if not 1 < length <= LARGEST_AXIS:
        return None
    a, b = (np.moveaxis(values, axis, 0).reshape(length, -1) for values in (mine, wanted))
    distance = (a**2).sum(1)[None] + (b**2).sum(1)[:, None] - 2 * b @ a.T
    order: NDArray[np.intp] = distance.argmin(axis=1)
    identity = np.arange(length)
    if len(np.unique(order)) != length or np.array_equal(order, identity):
        return None
    return order


def sigmoid(values: NDArray[np.floating]) -> NDArray[Any]:
    """``1 / (1 + exp(-x))`` in the type of ``values``."""
    result: NDArray[Any] = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
    return result


def _softmax(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    result: NDArray[np.float64] = powers / powers.sum(axis=axis, keepdims=True)
    return result


def _rms(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _shape(values: NDArray[np.floating]) -> str:
    return "x".join(map(str, values.shape[1:]))
