"""What ``hailstack run`` tells of where its time went: --profile, --charts, --trace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from hailstack.cli.trace_explain import for_people
from hailstack.errors import DeviceError, InputError, MissingExtraError
from hailstack.profiling import OFF, Profiler, Trace, check_charts, check_trace_path, save_charts, write_trace
from hailstack.profiling.sampler import Gauge, ProcessorUse, Sampler
from hailstack.runtime.sensors import Sensors

CHARTS = "profile"
"""The folder of the charts where none is named."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for."""

    table: bool = False
    charts: str | None = None
    """Folder; None: ``CHARTS``, and only if they can be drawn."""
    trace: str | None = None

    def profiler(self) -> Profiler:
        """One that records if anything is asked for.

        Raises:
            MissingExtraError: charts are asked for by name, and matplotlib is missing.
            InputError: a trace cannot be a file of this name.
        """
        if self.charts is not None:
            check_charts()
        if self.trace is not None:
            check_trace_path(self.trace)
        return Profiler() if self.table or self.charts is not None or self.trace is not None else OFF


class RunProfile:
    """The profile of one run: :meth:`begin` when the device is open, :meth:`tell` at the end, come what may."""

    def __init__(self, wishes: Wishes, profiler: Profiler) -> None:
        self._wishes = wishes
        self._profiler = profiler
        self._stack = ExitStack()

    def begin(self) -> None:
        """Start to read the processor's use and the chip's temperature."""
        if not self._profiler.enabled:
            return
        gauges: dict[str, Gauge] = {"cpu_percent": ProcessorUse()}
        with suppress(DeviceError):  # a chip that answers nobody but its user is no reason to end the run
            gauges["temperature_c"] = self._stack.enter_context(Sensors()).temperature_c
        self._stack.enter_context(Sampler(self._profiler, gauges))

    def tell(self, say: Callable[[str], None]) -> None:
        """Write the files and say what was found.

        Raises:
            InputError: a file cannot be written.
        """
        self._stack.close()
        if not self._profiler.enabled:
            return
        trace = self._profiler.snapshot()
        written = [] if self._wishes.trace is None else [self._write(trace, self._wishes.trace)]
        if self._wishes.table or self._wishes.charts is not None:
            charts, trouble = self._draw(trace)
            say(for_people(trace, [*charts, *written]))
            if trouble:
                say(trouble)
        elif written:
            say(f"trace in {written[0]}: open it on ui.perfetto.dev, or hailstack trace explain {written[0]}")

    def _write(self, trace: Trace, path: str) -> Path:
        write_trace(trace, path)
        return Path(path)

    def _draw(self, trace: Trace) -> tuple[list[Path], str]:
        """The charts; where nobody has named their folder, a run is not called a failure for them."""
        if self._wishes.charts is not None:
            return save_charts(trace, self._wishes.charts), ""
        try:
            return save_charts(trace, CHARTS), ""
        except (MissingExtraError, InputError) as error:
            return [], f"no charts: {error}"
