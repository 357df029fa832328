"""A network group that is configured on a device."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from hailstack.emulator.core.params import VStreamParams
from hailstack.emulator.core.vstreams import InputVStream, OutputVStream
from hailstack.hef.model import NetworkGroup


class Activation:
    """A group that is on the chip until :meth:`close`."""

    def close(self) -> None:
        """Take the group off the chip; its frames in flight are lost. May be called twice."""
        raise NotImplementedError

    def __enter__(self) -> Activation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ConfiguredGroup:
    """A network group that is ready to run."""

    name: str
    group: NetworkGroup

    @property
    def scheduled(self) -> bool:
        raise NotImplementedError

    @property
    def active(self) -> bool:
        """Whether frames may flow: activated, or under the scheduler."""
        raise NotImplementedError

    def activate(self) -> Activation:
        """Put the group on the chip.

        Raises:
            StatusError: ``INVALID_OPERATION``: under the scheduler, or another group is active.
        """
        raise NotImplementedError

    def wait_for_activation(self, timeout_ms: float | None = None) -> None:
        """Return when the group is active; None waits for ever.

        Raises:
            StatusError: ``TIMEOUT``; ``INVALID_OPERATION`` under the scheduler.
        """
        raise NotImplementedError

    def set_scheduler_timeout(self, timeout_ms: int, network: str | None = None) -> None:
        """How long frames may wait for the threshold to be reached.

        Raises:
            StatusError: ``INVALID_OPERATION`` without the scheduler; ``NOT_IMPLEMENTED`` for one network of several.
        """
        raise NotImplementedError

    def set_scheduler_threshold(self, threshold: int, network: str | None = None) -> None:
        """How many frames must wait before the group asks for the chip. Raises as :meth:`set_scheduler_timeout`, and
        ``INVALID_ARGUMENT`` above the batch size of a multi-context group."""
        raise NotImplementedError

    def set_scheduler_priority(self, priority: int, network: str | None = None) -> None:
        """0 (last) to 31 (first), 16 by default. Raises as :meth:`set_scheduler_timeout`, and ``INVALID_ARGUMENT``
        outside that range."""
        raise NotImplementedError

    def input_vstreams(self, params: Mapping[str, VStreamParams]) -> list[InputVStream]:
        """Input virtual streams by name, in the order of the HEF.

        Raises:
            StatusError: ``NOT_FOUND`` for an unknown name; whatever the codec refuses (``INVALID_ARGUMENT``, …).
        """
        raise NotImplementedError

    def output_vstreams(self, params: Mapping[str, VStreamParams]) -> list[OutputVStream]:
        """Output virtual streams by name, in the order of the HEF. Raises as :meth:`input_vstreams`."""
        raise NotImplementedError
