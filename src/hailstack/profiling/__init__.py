"""Where the time goes: spans and counters of a run, and the table, charts, files and verdict made from them."""

from hailstack.profiling.profiler import OFF as OFF
from hailstack.profiling.profiler import Profiler as Profiler
from hailstack.profiling.trace import Series as Series
from hailstack.profiling.trace import Spans as Spans
from hailstack.profiling.trace import Trace as Trace
from hailstack.profiling.trace import Track as Track
