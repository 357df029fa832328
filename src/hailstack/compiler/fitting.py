"""How each input of a network is fed: as given, as its file says, or as is usual for its head."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hailstack.compiler.calibration.feeds import Member, Rows, Source, open_source_rows, picked
from hailstack.compiler.defaults import PICTURE_CHANNELS, choose_normalisation, choose_preprocess
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
    scripted: Mapping[str, Normalisation] | None = None,
) -> tuple[NetworkInput, ...]:
    """The inputs of ``graph``, in its order.

    One or three channels are a picture, unless ``options.values`` says otherwise. Other inputs need arrays: bytes of
    four channels are pixels, too; all else enters as the network reads it, in 8 bits spread over what the calibration
    shows.

    Args:
        sources: what each is calibrated with.
        scripted: what a model script does to pixels, by input; None: there is no script.

    Raises:
        ConfigError: ``options`` name no input, or do not fit one.
        NotFoundError, InputError: an array cannot be read, or there is none for an input that is no picture.
    """
    for name in options.values:
        if name not in graph.inputs:
            message = f"{graph.source}: has no input {name!r}; its inputs are {', '.join(graph.inputs)}"
            raise ConfigError(message)
    return tuple(_fitted(graph, head, name, sources[name], options, scripted) for name in graph.inputs)


def _fitted(
    graph: Graph,
    head: HeadPlan,
    name: str,
    source: Source | Member,
    options: CompileOptions,
    scripted: Mapping[str, Normalisation] | None,
) -> NetworkInput:
    shape = graph.map_shape(name)
    preprocess: Preprocess | None = None
    if shape[2] in PICTURE_CHANNELS and name not in options.values:
        preprocess = _preprocess(head, shape, options, sole=len(graph.inputs) == 1)
    elif (rows := _rows(graph, name, source, shape)).dtype != np.uint8:
        scale = _seen_scale(rows)
        return NetworkInput(name, shape, scale.normalisation.of_channels(shape[2]), scale)
    elif shape[2] not in IMAGE_CHANNELS or name in options.values:
        return NetworkInput(name, shape, Normalisation().of_channels(shape[2]))
    if scripted is not None:
        given = scripted.get(name, Normalisation())
    else:
        written = graph.scalings.get(name)
        given = choose_normalisation(head, options.mean, options.std, options.bgr, written, shape[2])
    return NetworkInput(name, shape, given.of_channels(shape[2]), preprocess=preprocess)


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


def _seen_scale(rows: Rows) -> InputScale:
    seen = list(rows.raw(picked(rows.count, SCANNED)))
    return InputScale.spread(min(float(row.min()) for row in seen), max(float(row.max()) for row in seen))
