"""Sources that have been opened: frames with their place and time."""

from hailstack.pipeline.clips.choice import open_clip
from hailstack.pipeline.clips.clip import Clip, ClipFacts, Counts

__all__ = ["Clip", "ClipFacts", "Counts", "open_clip"]
