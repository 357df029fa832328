"""Sources → preprocessing → session → head → sinks."""

from hailstack.pipeline.job import Job, Postprocess
from hailstack.pipeline.sources import Source, find_sources

__all__ = ["Job", "Postprocess", "Source", "find_sources"]
