"""Sources → preprocessing → session → head → sinks."""

from hailstack.pipeline.job import Job
from hailstack.pipeline.sources import Source, find_sources

__all__ = ["Job", "Source", "find_sources"]
