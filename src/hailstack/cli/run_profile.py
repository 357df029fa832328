"""What ``hailstack run`` tells of where its time went: --profile, --charts, --trace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from hailstack.cli.trace_explain import for_people
from hailstack.errors import DeviceError, InputError, MissingExtraError
from hailstack.profiling import OFF, Profiler, Trace, check_charts, check_trace_path, save_charts, write_trace
from hailstack.profiling.sampler import Gauge, ProcessorUse, Sampler
from hailstack.runtime.sensors import Sensors

CHARTS = "profile"
"""The folder of the charts where none is named."""


class RunProfile:
    """The profile of one run: :meth:`begin` when the device is open, :meth:`tell` at the end, come what may.

    Args:
        table: tell how long the stages took and what is the limit, and draw charts if they can be drawn.
        charts: their folder; the same with charts in any case.
        trace: file for the spans.

    Raises:
        MissingExtraError: charts are asked for by name, and matplotlib is missing.
        InputError: a trace cannot be a file of this name, or the folder of the charts is a file.
    """

    def __init__(self, *, table: bool = False, charts: str | None = None, trace: str | None = None) -> None:
        if charts is not None:
            check_charts()
            if Path(charts).exists() and not Path(charts).is_dir():
                message = f"{charts}: is a file; --charts names a folder"
                raise InputError(message)
        if trace is not None:
            check_trace_path(trace)
        self._charts = charts
        self._trace = trace
        self._is_told = table or charts is not None
        self._stack = ExitStack()
        self.profiler = Profiler() if self._is_told or trace is not None else OFF

    def begin(self) -> None:
        """Start to read the processor's use and the chip's temperature."""
        if not self.profiler.enabled:
            return
        gauges: dict[str, Gauge] = {"cpu_percent": ProcessorUse()}
        with suppress(DeviceError):  # a chip that answers nobody but its user is no reason to end the run
            gauges["temperature_c"] = self._stack.enter_context(Sensors()).temperature_c
        self._stack.enter_context(Sampler(self.profiler, gauges))

    def tell(self, say: Callable[[str], None]) -> None:
        """Write the files and say what was found.

        Raises:
            InputError: a file cannot be written.
        """
        self._stack.close()
        if not self.profiler.enabled:
            return
        trace = self.profiler.snapshot()
        if not trace.frames:
            return  # the run never began, and the error says why
        written: list[Path] = []
        if self._trace is not None:
            write_trace(trace, self._trace)
            written.append(Path(self._trace))
        if self._is_told:
            charts, trouble = self._draw(trace)
            say(f"\n{for_people(trace, [*charts, *written])}{trouble}\n")
        else:
            say(f"hailstack: trace in {self._trace}: for ui.perfetto.dev, or hailstack trace explain {self._trace}")

    def _draw(self, trace: Trace) -> tuple[list[Path], str]:
        """The charts; where nobody has named their folder, a run does not fail for them."""
        if self._charts is not None:
            return save_charts(trace, self._charts), ""
        try:
            return save_charts(trace, CHARTS), ""
        except (MissingExtraError, InputError) as error:
            return [], f"\n\nno charts: {error}"
