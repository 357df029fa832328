"""Sessions over ``hailo_platform``: the vendor's package where it is installed, else Hailstack's stand-in for it."""

from hailstack.runtime.facts import ModelFacts, Thresholds
from hailstack.runtime.session import Answer, Mode, Session

__all__ = ["Answer", "Mode", "ModelFacts", "Session", "Thresholds"]
