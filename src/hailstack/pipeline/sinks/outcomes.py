"""What sinks have in common that treat a frame's result and its failure alike."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hailstack.pipeline.clips import ClipFacts
from hailstack.types import Failed, Result


class OutcomeSink(ABC):
    """Takes down what became of every frame, one source like the other."""

    @abstractmethod
    def put(self, outcome: Result | Failed) -> None:
        """Take down what became of one frame."""

    @abstractmethod
    def close(self) -> None:
        """Finish what is open. May be called again."""

    def begin(self, clip: ClipFacts) -> None:  # noqa: B027 - most have nothing to do here
        pass

    def write(self, result: Result) -> None:
        self.put(result)

    def lost(self, failed: Failed) -> None:
        self.put(failed)

    def end(self) -> None:  # noqa: B027
        pass
