"""How each input of a network is fed: as given, as its file says, or as is usual for its head."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hailstack.compiler.calibration.feeds import Member, Rows, Source, open_source_rows, picked
from hailstack.compiler.defaults import choose_normalisation, choose_preprocess, is_picture
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.graph.structure import IMAGE_CHANNELS
from hailstack.compiler.inputs import InputScale, NetworkInput
from hailstack.compiler.options import CompileOptions
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.errors import ConfigError, InputError
from hailstack.imaging import Preprocess

SCANNED = 256
"""Rows of an array that its range is read off."""


def fit_inputs(
    graph: Graph,
    head: HeadPlan,
    sources: Mapping[str, Source | Member],
    options: CompileOptions,
    scripted: Mapping[str, Normalisation],
) -> tuple[NetworkInput, ...]:
    """The inputs of ``graph``, in its order.

    A map of one or three channels is a picture, unless ``options.values`` says otherwise. Other inputs need arrays:
    bytes of four channels are pixels, too; all else enters as the network reads it, in 8 bits spread over what the
    calibration shows.

    Args:
        sources: what each is calibrated with.
        scripted: what a model script does to pixels, by input.

    Raises:
        ConfigError: ``options`` name no input, or do not fit one.
        NotFoundError, InputError: an array cannot be read, or there is none for an input that is no picture.
    """
    for name in options.values:
        if name not in graph.inputs:
            message = f"{graph.source}: has no input {name!r}; its inputs are {', '.join(graph.inputs)}"
            raise ConfigError(message)
    found = tuple(_fitted(graph, head, name, sources[name], options, scripted) for name in graph.inputs)
    asked = [key for key in ("mean", "std", "bgr", "preprocess") if getattr(options, key)]
    if asked and not any(_may_be_pixels(one.shape) for one in found):
        message = f"{graph.source}: {', '.join(asked)}: the network takes no pictures ({', '.join(graph.inputs)})"
        raise ConfigError(message)
    return found


def _fitted(
    graph: Graph,
    head: HeadPlan,
    name: str,
    source: Source | Member,
    options: CompileOptions,
    scripted: Mapping[str, Normalisation],
) -> NetworkInput:
    shape = graph.map_shape(name)
    preprocess: Preprocess | None = None
    if is_picture(shape) and name not in options.values:
        preprocess = _preprocess(head, shape, options, sole=len(graph.inputs) == 1)
    else:
        rows = _rows(graph, name, source, shape)
        if rows.dtype != np.uint8 and name not in scripted:
            scale = _seen_scale(name, rows)
            return NetworkInput(name, shape, scale.normalisation.of_channels(shape[2]), scale)
        if name not in scripted and (not _may_be_pixels(shape) or name in options.values):
            return NetworkInput(name, shape, Normalisation().of_channels(shape[2]))
    if options.script is not None:
        given = scripted.get(name, Normalisation())
    else:
        written = graph.scalings.get(name)
        given = choose_normalisation(head, options.mean, options.std, options.bgr, written, shape[2])
    return NetworkInput(name, shape, given.of_channels(shape[2]), preprocess=preprocess)


def _may_be_pixels(shape: tuple[int, int, int]) -> bool:
    return shape[2] in IMAGE_CHANNELS and min(shape[:2]) > 1


def _preprocess(head: HeadPlan, shape: tuple[int, int, int], options: CompileOptions, *, sole: bool) -> Preprocess:
    """Of several pictures, each with its own size."""
    given = options.preprocess
    if not sole and isinstance(given, Preprocess):
        given = {key: value for key, value in given.to_dict().items() if key not in ("height", "width", "colour")}
    return choose_preprocess(head, shape, given)


def _rows(graph: Graph, name: str, source: Source | Member, shape: tuple[int, int, int]) -> Rows:
    rows = open_source_rows(source, name, shape)
    if rows is None:
        message = (
            f"{graph.source}: input {name!r} of {'x'.join(map(str, shape))} is no picture: calibrate it with an "
            f"array, {name}=FILE.npy or an .npz that holds one called {name!r}"
        )
        raise InputError(message)
    return rows


def _seen_scale(name: str, rows: Rows) -> InputScale:
    seen = [(float(row.min()), float(row.max())) for row in rows.raw(picked(rows.count, SCANNED))]
    low, high = min(low for low, _ in seen), max(high for _, high in seen)
    if not np.isfinite([low, high]).all():
        message = f"input {name!r}: some calibration values are no finite numbers"
        raise InputError(message)
    return InputScale.spread(low, high)
