"""Computing what a runner holds, whatever the way: in float, with the script's changes, in integers, on a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.endnodes.hosted import host_kind
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.runner import contexts
from hailstack.compiler.runner.definitions import InferenceContext
from hailstack.compiler.runner.layer_view import LayerView
from hailstack.compiler.runner.samples import Data
from hailstack.compiler.runner.vendor_errors import BackendRuntimeException, InvalidArgumentsException
from hailstack.compiler.runner.work import Work


@dataclass(frozen=True, slots=True)
class OpenContext:
    """What ``ClientRunner.infer_context`` gives."""

    inference_context: InferenceContext


@dataclass(frozen=True, slots=True)
class NetworkFunction:
    """A network to call on a batch, as a Keras model is called."""

    infer: Callable[[OpenContext, Data], Any]
    layers: Callable[[], Sequence[LayerView]]
    """Those that the outputs come from."""
    context: OpenContext

    def __call__(self, data: Data, *_: object, **__: object) -> Any:
        return self.infer(self.context, data)

    predict = __call__

    @property
    def output_names(self) -> list[str]:
        return [layer.name for layer in self.layers()]


def compute(
    work: Work, context: InferenceContext, samples: Iterator[contexts.Feed]
) -> Iterator[list[NDArray[np.float32]]]:
    """The outputs of each sample; of a detector with NMS in its script, boxes.

    Raises:
        InvalidStateException: the network has not come so far.
        NotImplementedError: masks, which only the runtime makes.
    """
    if context is InferenceContext.SDK_NATIVE:
        return contexts.run_native(work.network(), samples)
    if context is InferenceContext.SDK_HAILO_HW:
        return _on_device(work, samples)
    if context is InferenceContext.SDK_FP_OPTIMIZED:
        recipe = work.recipe or work.make_recipe()
        return _found(work, recipe.plan, contexts.run_optimised(work.network(), recipe, samples))
    integers = work.quantised("infer in SDK_QUANTIZED")
    return _found(work, integers.plan, contexts.run_integers(integers, samples))


def stacked(rows: Iterator[list[NDArray[np.float32]]]) -> list[NDArray[np.float32]]:
    """One array an output, samples first.

    Raises:
        InvalidArgumentsException: there are no samples.
    """
    held = list(rows)
    if not held:
        raise InvalidArgumentsException("the data set holds no samples")
    return [np.stack(column) for column in zip(*held, strict=True)]


def with_shapes(outputs: list[NDArray[np.float32]], shapes: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
    """The outputs in the shapes of their layers, where these have as many numbers."""
    if len(shapes) != len(outputs):
        return outputs
    return [
        values.reshape(-1, *shape) if values[0].size == np.prod(shape) else values
        for values, shape in zip(outputs, shapes, strict=True)
    ]


def _found(work: Work, plan: HeadPlan, rows: Iterator[contexts.Outputs]) -> Iterator[contexts.Outputs]:
    if host_kind(plan) is None:
        return rows
    if plan.mask_coefficients:
        raise NotImplementedError("infer: masks are made by the runtime only; run the HEF with hailo_platform")
    finder = contexts.box_finder(work.network(), work.recipe or work.make_recipe())
    return ([finder.find(row)] for row in rows)


def _on_device(work: Work, samples: Iterator[contexts.Feed]) -> Iterator[contexts.Outputs]:
    from hailstack.compiler.runner.device import run_on_device

    if work.hef is None:
        raise BackendRuntimeException("infer in SDK_HAILO_HW: the network is not compiled; call compile")
    order = [name.rpartition("/")[2] for name in work.network().output_layers]
    return run_on_device(work.hef, order, samples)
