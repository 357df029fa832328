"""What is judged: something that makes a prediction of a picture, whatever file it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias

from hailstack.imaging import Preprocess
from hailstack.types import Frame, Prediction

Stage: TypeAlias = Literal["trained", "exported", "float", "device"]
"""In the trainer's framework; as the exported file has it; the float network inside a HEF; what the device gives."""


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What is known about a network before the first picture."""

    path: Path
    stage: Stage
    runs_on: str
    """In words, such as ``onnxruntime on this CPU``."""
    task: str
    """The head that reads it, such as ``detection``."""
    classes: int
    """0: not known."""
    names: tuple[str, ...]
    """Of the classes; empty: not known."""
    preprocess: Preprocess
    pixels: str
    """What becomes of the input frame's pixels, in words."""
    origin: str
    """Where the preprocessing is from, in words."""
    estimate_fps: float | None = None
    """What the compiler expects of a real chip, pictures a second."""
    cautions: tuple[str, ...] = ()
    """What makes its figures less than they could be."""

    @property
    def title(self) -> str:
        """File and stage."""
        return f"{self.path.name} ({self.stage})" if self.stage == "float" else self.path.name

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "path": str(self.path), "preprocess": self.preprocess.to_dict()}


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a network says about one picture."""

    frame: Frame
    prediction: Prediction


class Network(Protocol):
    """One network, opened."""

    @property
    def facts(self) -> NetworkFacts: ...

    @property
    def busy_s(self) -> float:
        """Seconds spent in the network itself so far, without reading, fitting and decoding."""
        ...

    def answers(self, frames: Iterable[Frame]) -> Iterator[Found]:
        """Predictions in source pixels, in the order of the frames."""
        ...

    def __enter__(self) -> Network: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of every network alike, so that they can be compared."""

    score: float = 0.001
    """Weaker boxes are left out: average precision asks for weak ones, too."""
    iou: float = 0.7
    """Boxes of a class that overlap more are one object."""
    head: str = "auto"
    """What reads the outputs (:data:`hailstack.heads.HeadName`), where a file does not say."""
    mean: tuple[float, ...] | None = None
    """What ONNX and TensorFlow Lite networks want of pixels, where neither their file nor a HEF made of it says so."""
    std: tuple[float, ...] | None = None
    bgr: bool | None = None
    preprocess: dict[str, Any] | None = None
    """Fields of :class:`hailstack.imaging.Preprocess`, likewise."""

    @property
    def says_pixels(self) -> bool:
        """Whether anything was said about how pictures enter."""
        return any(one is not None for one in (self.mean, self.std, self.bgr, self.preprocess))
