"""From weights to an ONNX file that is proven to compute the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from hailstack.compiler.calibration.sources import find_origin, nothing_read, read_pictures
from hailstack.compiler.defaults import UNIT
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.files import replacing
from hailstack.heads.detectors import CONFIDENCE, OVERLAP
from hailstack.imaging import Preprocess
from hailstack.training.cards import draw_cards
from hailstack.training.classifiers import is_classifier, load_classifier
from hailstack.training.export_onnx import Extras, output_names, to_onnx
from hailstack.training.exportable import Exportable
from hailstack.training.network import STRIDES
from hailstack.training.parity import TOLERANCE, Parity, check_parity
from hailstack.training.recording import write_recording
from hailstack.training.weights import load_weights
from hailstack.types import Image

OPSET = 17
"""Read by the vendor's compilers of both generations."""

MOST_PICTURES = 16
"""So many of the user's pictures are compared, evenly over all."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How weights become an ONNX file; the defaults are those of ``hailstack export``.

    Raises:
        ConfigError: a value that makes no sense.
    """

    imgsz: int | tuple[int, int] | None = None
    """Height and width of the input; None: as trained."""
    opset: int = OPSET
    nms: bool = False
    """The boxes leave decoded and suppressed, ``(1, 300, 6)``, instead of the raw outputs."""
    confidence: float = CONFIDENCE
    """With ``nms``: boxes have more."""
    iou: float = OVERLAP
    """With ``nms``: of two boxes of a class that overlap more the weaker goes."""
    features: str | None = None
    """A node or tensor whose map leaves beside the results; ``auto`` picks one."""
    weights: Path | None = None
    """For a classifier by name: the file with its weights."""
    untrained: bool = False
    """For a classifier by name: random weights, to try an export."""
    names: Sequence[str] = ()
    """Class names; empty: as the weights say."""
    licence: str | None = None
    """Of the weights, for the metadata; None: as the weights say."""
    tolerance: float = TOLERANCE
    images: Path | None = None
    """Pictures to compare on: a folder, video, list or dataset. None: drawn ones."""
    record: Path | None = None
    """Where to write what PyTorch said to these pictures, for ``hailstack fidelity --reference``."""

    def __post_init__(self) -> None:
        for name in ("confidence", "iou", "tolerance"):
            if not 0 <= getattr(self, name) <= 1:
                message = f"{name} is {getattr(self, name)}; it lies within 0..1"
                raise ConfigError(message)
        if self.record is not None and self.images is None:
            raise ConfigError("a recording is of the user's pictures: name them, too (--images)")
        if self.record is not None and self.nms:
            raise ConfigError("a recording is held against raw outputs: leave out --nms")

    @property
    def extras(self) -> Extras:
        """What is added to the network's own outputs."""
        return Extras((self.confidence, self.iou) if self.nms else None, self.features)

    @property
    def size(self) -> tuple[int, int] | None:
        return (self.imgsz, self.imgsz) if isinstance(self.imgsz, int) else self.imgsz


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it."""

    path: Path
    model: str
    task: str
    names: tuple[str, ...]
    input: tuple[int, ...]
    """Shape."""
    outputs: dict[str, tuple[int, ...]]
    """Name → shape."""
    opset: int
    nodes: int
    size_bytes: int
    licence: str | None
    parity: Parity
    record: Path | None = None
    skipped: tuple[str, ...] = ()
    """Pictures that could not be read, and why."""


def export(
    weights: Path | str,
    onnx_path: Path,
    options: ExportOptions = ExportOptions(),
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
        InputError: it holds no weights, or no picture could be read.
        ConfigError: sizes, names or options do not fit the network.
        ModelError: the network cannot be written as ONNX.
        MissingExtraError: a library that the network needs is not installed.
    """
    progress("reading the weights")
    subject = load_subject(weights, options)
    pictures, skipped = _pictures(options.images)
    progress("writing ONNX")
    model = to_onnx(subject, options.opset, options.extras)
    with replacing(onnx_path) as partial:
        partial.write_bytes(model.SerializeToString(deterministic=True))
    progress("comparing")
    inputs = {name: subject.prepare(image) for name, image in pictures.items()}
    parity = check_parity(subject, model, list(inputs.values()), options.tolerance)
    if options.record is not None:
        write_recording(options.record, subject, inputs)
    return _exported(onnx_path, subject, model, parity, options.record, skipped)


def load_subject(weights: Path | str, options: ExportOptions) -> Exportable:
    """The network that ``weights`` stands for.

    Raises:
        NotFoundError, InputError, ConfigError, MissingExtraError: as :func:`export`.
    """
    path = Path(weights)
    if path.is_file():
        return _detector(path, options)
    if not is_classifier(str(weights)):
        message = f"{weights}: no such file of weights"
        raise NotFoundError(message)
    if options.weights is None and not options.untrained:
        message = (
            f"{weights}: name the file with its weights (--weights FILE); nothing is downloaded. "
            "With --untrained the weights are random, to try an export"
        )
        raise InputError(message)
    return load_classifier(str(weights), options.weights, options.names, options.size, licence=options.licence)


def _detector(path: Path, options: ExportOptions) -> Exportable:
    if path.suffix.lower() in (".onnx", ".hef"):
        message = f"{path}: is exported already; hailstack export verify checks an ONNX file"
        raise InputError(message)
    if options.weights is not None or options.untrained:
        message = f"{path}: is a file of weights itself; --weights and --untrained belong to a classifier's name"
        raise ConfigError(message)
    loaded = load_weights(path)
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


def _pictures(source: Path | None) -> tuple[dict[str, Image], tuple[str, ...]]:
    """Name → picture, and what could not be read."""
    if source is None:
        return draw_cards(), ()
    origin = find_origin([source]).thinned(MOST_PICTURES)
    skipped = list[str]()
    found = {picture.name: image for picture, image in read_pictures(origin.parts, skipped.append)}
    if not found:
        raise InputError(nothing_read(origin, skipped))
    return found, tuple(skipped)


def _exported(
    path: Path,
    subject: Exportable,
    model: onnx.ModelProto,
    parity: Parity,
    record: Path | None,
    skipped: tuple[str, ...],
) -> Exported:
    return Exported(
        path=path,
        model=subject.model,
        task=subject.task,
        names=subject.names,
        input=subject.input_shape,
        outputs={info.name: _shape(info) for info in model.graph.output},
        opset=next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")),
        nodes=len(model.graph.node),
        size_bytes=path.stat().st_size,
        licence=subject.licence,
        parity=parity,
        record=record,
        skipped=skipped,
    )


def _shape(info: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
