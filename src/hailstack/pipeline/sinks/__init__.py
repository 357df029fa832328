"""Where results go."""

from hailstack.pipeline.sinks.folder import FolderSink
from hailstack.pipeline.sinks.jsonlines import JsonLinesSink
from hailstack.pipeline.sinks.sink import Sink
from hailstack.pipeline.sinks.text import TextSink

__all__ = ["FolderSink", "JsonLinesSink", "Sink", "TextSink"]
