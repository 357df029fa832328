"""Sessions over ``hailo_platform``: the vendor's package where it is installed, else Hailstack's stand-in for it."""

from hailstack.runtime.depth import DepthCurve, DepthPoint
from hailstack.runtime.device import Turn
from hailstack.runtime.facts import ModelFacts, Thresholds, read_facts
from hailstack.runtime.pump import Answer
from hailstack.runtime.recovery import FaultPolicy, Reaction, Recovery
from hailstack.runtime.session import Mode, Session
from hailstack.runtime.sharing import DeviceUse, Seat, Sharing

__all__ = [
    "Answer",
    "DepthCurve",
    "DepthPoint",
    "DeviceUse",
    "FaultPolicy",
    "Mode",
    "ModelFacts",
    "Reaction",
    "Recovery",
    "Seat",
    "Session",
    "Sharing",
    "Thresholds",
    "Turn",
    "read_facts",
]
