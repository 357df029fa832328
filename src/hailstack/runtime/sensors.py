"""What a chip says about itself, also while others use it: its name, temperature and power."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from hailstack.errors import ClosedError
from hailstack.runtime.failures import Stage, translated
from hailstack.runtime.platform import load_platform


@dataclass(frozen=True, slots=True)
class Identity:
    """Which chip it is."""

    device_id: str
    architecture: str
    product: str
    firmware: str
    hailort: str
    """Version of HailoRT's Python package."""


class Sensors:
    """The first chip of this machine, opened beside whoever works with it. A context manager; may be closed twice,
    and readings raise :class:`ClosedError` then.

    Args:
        architecture: the chip that is emulated if there is no vendor package.

    Raises:
        DeviceError: there is no chip.
    """

    def __init__(self, architecture: str = "") -> None:
        self._platform = load_platform(architecture)
        with translated(self._platform.errors, Stage.OPEN, "the device's sensors"):
            self._device: Any = self._platform.module.Device()
        self._absent: set[str] = set()
        self._closed = False

    def identity(self) -> Identity:
        """Which chip it is."""
        with translated(self._platform.errors, Stage.OPEN, "the device's sensors"):
            board = self._device.control.identify()
        return Identity(
            device_id=str(self._device.device_id),
            architecture=board.device_architecture.name,
            product=str(board.product_name).strip("\0 "),
            firmware=str(board.firmware_version),
            hailort=str(getattr(self._platform.module, "__version__", "")),
        )

    def temperature_c(self) -> float | None:
        """The warmer of the chip's two sensors; None where there is none."""
        found = self._read("temperature", lambda: self._device.control.get_chip_temperature())
        if found is None or not found.sample_count:
            self._absent.add("temperature")
            return None
        return float(max(found.ts0_temperature, found.ts1_temperature))

    def power_w(self) -> float | None:
        """What the chip draws now; None on boards without a meter."""
        found = self._read("power", lambda: self._device.control.power_measurement())
        return None if found is None else float(found)

    def _read(self, sensor: str, read: Callable[[], Any]) -> Any:
        """A reading; a sensor that has refused once is not asked again."""
        if self._closed:
            raise ClosedError("the device's sensors are closed")
        if sensor in self._absent:
            return None
        try:
            return read()
        except self._platform.errors:
            self._absent.add(sensor)
            return None

    def close(self) -> None:
        """Let go of the chip."""
        if not self._closed:
            self._closed = True
            self._device.release()

    def __enter__(self) -> Sensors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
