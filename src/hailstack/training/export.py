"""From weights to an ONNX file that is proven to compute the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from hailstack.compiler.calibration.sources import find_origin, nothing_read, read_pictures
from hailstack.compiler.defaults import UNIT
from hailstack.compiler.notes import metadata_of, parse_names
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.files import replacing
from hailstack.imaging import Preprocess
from hailstack.training.cards import draw_cards
from hailstack.training.classifiers import is_classifier, load_classifier
from hailstack.training.export_onnx import extend, nms_notes, note, output_names, to_onnx
from hailstack.training.export_options import Exported, ExportOptions
from hailstack.training.exportable import Array, Exportable, normalised
from hailstack.training.foreign import is_foreign, load_foreign
from hailstack.training.foreign_export import check_there, export_there
from hailstack.training.network import STRIDES
from hailstack.training.parity import Parity, check_parity
from hailstack.training.recording import write_recording
from hailstack.training.weights import load_weights
from hailstack.types import Image

__all__ = ["ExportOptions", "Exported", "export", "load_pictures", "load_subject"]

FOREIGN_SIDE = 640
"""Of the input of a network that is not read here, where the user does not say."""

MOST_PICTURES = 16
"""So many of the user's pictures are compared, evenly over all."""

Progress = Callable[[str], None]


def export(
    weights: Path | str,
    onnx_path: Path,
    options: ExportOptions | None = None,
    progress: Progress = lambda _: None,
) -> Exported:
    """Write an ONNX file of a trained network, and compare both on several pictures.

    The file is written even where they differ: the outcome says so, and where they part.

    Args:
        weights: a file of ``hailstack train``, or the name of a classifier (see
            :func:`hailstack.training.classifiers.load_classifier`).
        onnx_path: appears whole or not at all.
        progress: told what is being done.

    Raises:
        NotFoundError: a file is not there.
        InputError: it holds no weights, no picture could be read, or the ONNX file or the recording would take the
            place of a file that is read.
        ConfigError: sizes, names or options do not fit the network.
        ModelError: the network cannot be written as ONNX.
        MissingExtraError: a library that the network needs is not installed.
    """
    options = options or ExportOptions()
    _check_places(onnx_path, Path(weights), options)
    pictures, skipped = load_pictures(options.images)
    progress("reading the weights")
    subject = load_subject(weights, options)
    progress("writing ONNX")
    made = _export_ours(subject, pictures, options) if subject else _export_theirs(Path(weights), pictures, options)
    with replacing(onnx_path) as partial:
        partial.write_bytes(made.model.SerializeToString(deterministic=True))
    if options.record is not None:
        write_recording(options.record, pictures, made.inputs, made.said, made.names)
    return _exported(onnx_path, made, options.record, skipped)


def _check_places(onnx_path: Path, weights: Path, options: ExportOptions) -> None:
    """Nothing, if no file is written over one that is read, or over another that is written."""
    taken = {one.resolve() for one in (weights, options.weights) if one is not None and one.is_file()}
    for path in (onnx_path, options.record):
        if path is not None and path.resolve() in taken:
            message = f"{path}: is a file of weights, or written twice; name another file for the output"
            raise InputError(message)
        if path is not None:
            taken.add(path.resolve())


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """An export that has been compared and not been written yet."""

    model: onnx.ModelProto
    name: str
    task: str
    names: tuple[str, ...]
    licence: str | None
    inputs: Array
    """``(n, 3, h, w)``."""
    said: Mapping[str, Array]
    """Output → what PyTorch said to them."""
    parity: Parity


def _export_ours(subject: Exportable, pictures: Mapping[str, Image], options: ExportOptions) -> _Made:
    model = to_onnx(subject, options.opset, options.extras)
    inputs = [subject.prepare(image) for image in pictures.values()]
    parity = check_parity(subject, model, inputs, options.tolerance)
    answers = [subject.run(one) for one in inputs] if options.record else []
    said = {name: np.concatenate([one[name] for one in answers]) for name in subject.outputs if answers}
    fed = np.concatenate(inputs)
    return _Made(model, subject.model, subject.task, subject.names, subject.licence, fed, said, parity)


def _export_theirs(path: Path, pictures: Mapping[str, Image], options: ExportOptions) -> _Made:
    """By Ultralytics' own exporter, which gives decoded boxes; what is asked for beside them is added here."""
    fit = Preprocess(*(options.size or (FOREIGN_SIDE, FOREIGN_SIDE)))
    inputs = [normalised(fit.apply(image)[0], UNIT) for image in pictures.values()]
    asked = {"imgsz": [fit.height, fit.width], "opset": options.opset}
    made = export_there(path, options.ultralytics_python, asked, inputs)
    notes = dict(metadata_of(made.model))
    names = tuple(options.names) or parse_names(notes.get("names", ""))
    parity = check_there(made, inputs, options.tolerance)
    said = {made.model.graph.output[0].name: made.said}
    model = extend(made.model, path.stem, len(names) or None, options.extras)
    licence = options.licence or notes.get("license")
    notes |= {"names": str(dict(enumerate(names))), **({"license": licence} if licence else {})}
    note(model, notes | nms_notes(options.extras))
    return _Made(model, path.stem, notes.get("task", ""), names, licence, np.concatenate(inputs), said, parity)


def load_subject(weights: Path | str, options: ExportOptions) -> Exportable | None:
    """The network that ``weights`` stands for; None if only Ultralytics' own program can make one of them.

    Raises:
        NotFoundError, InputError, ConfigError, MissingExtraError: as :func:`export`.
    """
    path = Path(weights)
    if path.is_file():
        return _detector(path, options)
    if path.is_dir() or not is_classifier(str(weights)):
        message = f"{weights}: {'is a folder, not a' if path.is_dir() else 'no such'} file of weights"
        raise NotFoundError(message)
    if options.weights is None and not options.untrained:
        message = (
            f"{weights}: name the file with its weights (--weights FILE); nothing is downloaded. "
            "With --untrained the weights are random, to try an export"
        )
        raise InputError(message)
    return load_classifier(str(weights), options.weights, options.names, options.size, licence=options.licence)


def _detector(path: Path, options: ExportOptions) -> Exportable | None:
    if path.suffix.lower() in (".onnx", ".hef"):
        message = f"{path}: is exported already; hailstack export verify checks an ONNX file"
        raise InputError(message)
    if options.weights is not None or options.untrained:
        message = f"{path}: is a file of weights itself; --weights and --untrained belong to a classifier's name"
        raise ConfigError(message)
    loaded = load_foreign(path, options.ultralytics_python) if is_foreign(path) else load_weights(path)
    if loaded is None:
        return None
    names = tuple(options.names) or loaded.names
    if len(names) != len(loaded.names):
        message = f"{path}: the network has {len(loaded.names)} classes, but {len(names)} class names are given"
        raise ConfigError(message)
    height, width = options.size or (loaded.imgsz, loaded.imgsz)
    return Exportable(
        loaded.network,
        "detection",
        loaded.model,
        names,
        output_names(STRIDES),
        Preprocess(height, width),
        UNIT,
        max(STRIDES),
        options.licence or loaded.licence,
    )


def load_pictures(source: Path | None) -> tuple[dict[str, Image], tuple[str, ...]]:
    """Name → picture, at most 16 of them, and what could not be read. None: drawn ones.

    Raises:
        NotFoundError, InputError: there is no such source, or no picture in it could be read.
    """
    if source is None:
        return draw_cards(), ()
    origin = find_origin([source]).thinned(MOST_PICTURES)
    skipped = list[str]()
    found = {picture.name: image for picture, image in read_pictures(origin.parts, skipped.append)}
    if not found:
        raise InputError(nothing_read(origin, skipped))
    return found, tuple(skipped)


def _exported(path: Path, made: _Made, record: Path | None, skipped: tuple[str, ...]) -> Exported:
    graph = made.model.graph
    return Exported(
        path=path,
        model=made.name,
        task=made.task,
        names=made.names,
        input=_shape(graph.input[0]),
        outputs={info.name: _shape(info) for info in graph.output},
        opset=next(entry.version for entry in made.model.opset_import if entry.domain in ("", "ai.onnx")),
        nodes=len(graph.node),
        size_bytes=path.stat().st_size,
        licence=made.licence,
        parity=made.parity,
        record=record,
        skipped=skipped,
    )


def _shape(info: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
