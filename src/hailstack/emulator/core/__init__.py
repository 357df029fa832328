"""libhailort in software: devices, network groups, virtual streams, asynchronous models, the scheduler, the clock.

Everything with threads, queues, clocks and locks is here. It knows device bytes and statuses, not the Python API of
the vendor: that surface is put on top of it. Every refusal is a :class:`StatusError`.
"""

from hailstack.emulator.core.configured_model import ConfiguredInferModel
from hailstack.emulator.core.group import Activation, AnyInputVStream, AnyOutputVStream, ConfiguredGroup
from hailstack.emulator.core.infer import infer
from hailstack.emulator.core.infer_model import InferModel, ModelStream
from hailstack.emulator.core.job import Job
from hailstack.emulator.core.notices import log
from hailstack.emulator.core.params import (
    INFINITE_MS,
    PRIORITY_MAX,
    PRIORITY_NORMAL,
    SCHEDULER_NONE,
    SCHEDULER_ROUND_ROBIN,
    UNIQUE,
    FrameBuffers,
    GroupParams,
    VDeviceParams,
    VStreamParams,
)
from hailstack.emulator.core.report import DeviceReport, GroupReport
from hailstack.emulator.core.scheduler import Decision
from hailstack.emulator.core.vdevice import VirtualDevice, scan_devices
from hailstack.emulator.core.vstreams import InputVStream, OutputVStream, clear_all
from hailstack.emulator.status import StatusError

__all__ = [
    "INFINITE_MS",
    "PRIORITY_MAX",
    "PRIORITY_NORMAL",
    "SCHEDULER_NONE",
    "SCHEDULER_ROUND_ROBIN",
    "UNIQUE",
    "Activation",
    "AnyInputVStream",
    "AnyOutputVStream",
    "ConfiguredGroup",
    "ConfiguredInferModel",
    "Decision",
    "DeviceReport",
    "FrameBuffers",
    "GroupParams",
    "GroupReport",
    "InferModel",
    "InputVStream",
    "Job",
    "ModelStream",
    "OutputVStream",
    "StatusError",
    "VDeviceParams",
    "VStreamParams",
    "VirtualDevice",
    "clear_all",
    "infer",
    "log",
    "scan_devices",
]
