"""Where the time goes: spans and counters of a run, and the table, charts, files and verdict made from them."""

from hailstack.profiling.charts import check_charts as check_charts
from hailstack.profiling.charts import save_charts as save_charts
from hailstack.profiling.files import check_trace_path as check_trace_path
from hailstack.profiling.files import read_trace as read_trace
from hailstack.profiling.files import write_trace as write_trace
from hailstack.profiling.profiler import OFF as OFF
from hailstack.profiling.profiler import Profiler as Profiler
from hailstack.profiling.table import StageTimes as StageTimes
from hailstack.profiling.table import table_text as table_text
from hailstack.profiling.trace import Lives as Lives
from hailstack.profiling.trace import Series as Series
from hailstack.profiling.trace import Spans as Spans
from hailstack.profiling.trace import Trace as Trace
from hailstack.profiling.trace import Track as Track
from hailstack.profiling.verdict import Verdict as Verdict
from hailstack.profiling.verdict import explain as explain
