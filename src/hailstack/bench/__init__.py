"""Measuring a model on a device: rates and latencies with their intervals, what they cost, and comparing two such."""

from hailstack.bench.comparison import Comparison as Comparison
from hailstack.bench.comparison import compare as compare
from hailstack.bench.measure import measure as measure
from hailstack.bench.plan import Load as Load
from hailstack.bench.plan import Plan as Plan
from hailstack.bench.plan import Point as Point
from hailstack.bench.report import PointReport as PointReport
from hailstack.bench.report import Report as Report
from hailstack.bench.report import read_report as read_report
