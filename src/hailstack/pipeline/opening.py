"""Networks opened on one device, with what belongs around each of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hailstack.errors import InputError
from hailstack.heads import Head, HeadName
from hailstack.imaging import Preprocess
from hailstack.pipeline.chain import Second
from hailstack.pipeline.configuration import RunConfig, read_config
from hailstack.pipeline.fitting import Fitting
from hailstack.pipeline.intake import Demand
from hailstack.pipeline.model import read_notes
from hailstack.pipeline.plan import ModelSpec, NetSpec, SecondSpec
from hailstack.pipeline.regions import Choice
from hailstack.pipeline.several import Model
from hailstack.pipeline.sources import Source, find_sources
from hailstack.profiling import OFF, Profiler
from hailstack.runtime import DepthCurve, DeviceUse, FaultPolicy, Mode, ModelFacts, Session, Sharing, Turn
from hailstack.runtime.device import NORMAL_PRIORITY

LOOKS_AT_REGIONS: frozenset[HeadName] = frozenset(
    {
        *("classification", "detection", "embedding", "face_detection", "landmarks", "nms_on_host"),
        *("oriented_detection", "palm_detection", "pose", "raw"),
    }
)
"""Heads that read what lies in a turned square; maps and masks need an upright picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """A network on the device, ready to run."""

    name: str
    session: Session
    preprocess: Preprocess
    head_name: HeadName
    head: Head
    use: DeviceUse
    """What it has had of the device up to now."""
    is_free: bool
    """Whether its head was chosen by the outputs' shapes."""
    depths: DepthCurve | None = None
    """Where the depth was measured."""

    @property
    def facts(self) -> ModelFacts:
        return self.session.facts


class Opening:
    """Opens networks that share one device.

    Args:
        stack: closes them.
        mode, timeout_ms: of all sessions.
        faults: rules of the command, for all networks.
    """

    def __init__(
        self, stack: ExitStack, mode: Mode, timeout_ms: int, faults: tuple[str, ...] = (), profiler: Profiler = OFF
    ) -> None:
        self._stack = stack
        self._mode = mode
        self._timeout_ms = timeout_ms
        self._faults = faults
        self._profiler = profiler
        self._sharing = Sharing()
        self.nets: list[Net] = []
        """In the order in which they were opened."""

    def open(
        self, spec: NetSpec, depth: int | Literal["auto"] | None = None, *, is_one_of_several: bool = True
    ) -> Net:
        """A network as it is wanted.

        Args:
            depth: frames in flight; ``auto`` measures what the device needs. None: as the specification says.

        Raises:
            InputError and its kinds: the HEF, its configuration, or what is wanted of it is wrong.
            DeviceError: it cannot be opened.
        """
        config = read_config(spec.config) if spec.config else RunConfig()
        fitting = Fitting(spec.net, read_notes(spec.net), config, spec.config, spec.postprocess, spec.confidence)
        seat = self._sharing.seat(NORMAL_PRIORITY if spec.priority is None else spec.priority)
        session = self._stack.enter_context(
            fitting.open_session(
                mode=self._mode,
                batch_size=spec.batch_size,
                depth=spec.depth if depth is None or depth == "auto" else depth,
                timeout_ms=self._timeout_ms,
                turn=Turn(spec.priority, spec.threshold, spec.threshold_timeout_ms),
                seat=seat,
                name=spec.name if is_one_of_several else "",
                profiler=self._profiler,
            )
        )
        preprocess = fitting.preprocess(session.facts)
        head_name, head = fitting.head(session.facts)
        depths = None
        if depth == "auto":
            depths, seat.use = session.measure_depths(), DeviceUse()  # measuring is no part of the run
        name = spec.name or Path(spec.net).stem
        net = Net(name, session, preprocess, head_name, head, seat.use, spec.postprocess == "auto", depths)
        self.nets.append(net)
        return net

    def model(self, spec: ModelSpec, sources: list[Source]) -> Model:
        """A model of a plan, with the network behind it.

        Raises:
            InputError: as :meth:`open`, or it wants sources that the run does not have.
        """
        demand = Demand(_names(spec, sources), spec.stride, spec.fps)
        net = self.open(spec)
        second = self._second(spec.then) if spec.then is not None else None
        end = net.session.close
        return Model(net.name, net.session, net.preprocess, net.head, self._policy(spec), demand, second, end)

    def _second(self, spec: SecondSpec) -> Second:
        net = self.open(spec)
        kinds = {one.kind for one in net.facts.outputs}
        if net.head_name not in LOOKS_AT_REGIONS or "nms_with_byte_mask" in kinds:
            message = f"{spec.net}: {net.head_name} cannot look at parts of a picture; maps and masks need a whole one"
            raise InputError(message)
        choice = Choice(spec.classes, spec.at_most)
        end = net.session.close
        return Second(net.name, net.session, net.preprocess, net.head, self._policy(spec), choice, end)

    def _policy(self, spec: NetSpec) -> FaultPolicy:
        return FaultPolicy.parse([*self._faults, *spec.on_fault])


def _names(spec: ModelSpec, sources: list[Source]) -> frozenset[str] | None:
    """Names of the sources that a model wants; None: all."""
    if spec.sources is None:
        return None
    wanted = frozenset(source.name for source in find_sources(spec.sources))
    if unknown := wanted - {source.name for source in sources}:
        message = f"model {spec.name!r}: key 'sources': {min(unknown)} is none of the sources of this run"
        raise InputError(message)
    return wanted
