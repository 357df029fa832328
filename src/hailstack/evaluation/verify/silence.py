"""Why a detector finds something in a black picture: every cause is tried, and named only where the trial says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import End, HeadPlan
from hailstack.compiler.graph.model import Graph
from hailstack.evaluation.network import Wishes
from hailstack.evaluation.verify.answers import WEAK, Answer, ask
from hailstack.evaluation.verify.findings import Finding
from hailstack.training.cards import black, grey

EVERYWHERE = 0.5
"""Share of a map's cells that answer, above which the place does not matter."""

USUAL: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "RGB / 255": ((0.0,), (255.0,)),
    "(RGB - 127.5) / 127.5": ((127.5,), (127.5,)),
    "ImageNet's mean and deviation": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
"""Ways to feed pixels: mean and deviation. Black is another number in each."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Silence:
    """A black picture, what the network found in it, and what its class maps were."""

    path: Path
    plan: HeadPlan
    trunk: Graph
    """The network up to its head."""
    maps: Mapping[str, Array]
    """Output of the trunk → its values."""
    answer: Answer
    confidence: float
    pixels: str
    """How pixels were fed, in words."""


def explain_silence(case: Silence) -> Iterator[Finding]:
    """What was found, and each cause that a trial confirms; nothing if nothing was found."""
    answer = case.answer
    if not answer.found or answer.score is None:
        return
    objects = "an object" if answer.found == 1 else f"{answer.found} objects"
    message = f"{objects} in a black picture, the strongest {answer.name!r} with a score of {answer.score:.3f}"
    yield Finding("black", "error", message)
    causes = [*_head_causes(case), *_only_black(case), *_other_pixels(case)]
    yield from (Finding("cause", "note", cause) for cause in causes)
    if not causes:
        message = "no trial explains it: train on, with dark pictures without objects among the others"
        yield Finding("cause", "note", message)


def _head_causes(case: Silence) -> Iterator[str]:
    """From the class maps: the bias behind the score, and whether the place matters."""
    class_id = case.answer.class_id
    found = None if class_id is None else _strongest(case, class_id)
    if found is None or class_id is None:
        return
    end, scores = found
    bias = _bias(case.trunk, end, class_id)
    name = case.answer.name
    if bias is not None:
        alone = float(_sigmoid(np.full(1, bias, np.float32))[0])
        if alone >= case.confidence:
            yield (
                f"the bias of {name!r} at stride {end.stride} is {bias:.2f}, which alone gives {alone:.3f}: where the "
                "network sees nothing it says so; it was trained too briefly, or on too few pictures without objects"
            )
        else:
            yield (
                f"the bias of {name!r} at stride {end.stride} is {bias:.2f}, which alone gives {alone:.4f}: the rest "
                "of the score comes from what the layers before make of black"
            )
    share = float((scores >= case.confidence).mean())
    if share > EVERYWHERE:
        yield f"{share:.0%} of the cells at stride {end.stride} say {name!r}: the answer does not depend on the place"
    elif _is_rim(scores >= case.confidence):
        yield f"only cells at the rim say {name!r}: the padding of the convolutions makes an edge there"
    low = float(min(_scores(case, end).min() for end in case.plan.with_role("cls")))
    if low >= 0.5:
        yield f"no score of any class is below {low:.2f}: the sigmoid seems to be applied twice"


def _strongest(case: Silence, class_id: int) -> tuple[End, Array] | None:
    """The level at which a class has its best score, and the class's scores there ``(h, w)``."""
    levels = [
        (end, _scores(case, end)[0, class_id])
        for end in case.plan.with_role("cls")
        if case.maps[end.output].ndim == 4 and case.maps[end.output].shape[1] == case.plan.classes
    ]
    return max(levels, key=lambda level: float(level[1].max()), default=None)


def _scores(case: Silence, end: End) -> Array:
    """In 0..1."""
    values = case.maps[end.output]
    ready = end.sigmoid or case.plan.scores == "probabilities"
    return values if ready else _sigmoid(values)


def _bias(trunk: Graph, end: End, class_id: int) -> float | None:
    node = trunk.producers.get(end.tensor)
    if node is None or node.op_type != "Conv" or len(node.input) < 3:
        return None
    bias = trunk.constants.get(node.input[2])
    return None if bias is None else float(bias[class_id])


def _is_rim(answering: NDArray[np.bool_]) -> bool:
    inner = answering[1:-1, 1:-1]
    return bool(answering.any() and inner.size and not inner.any())


def _only_black(case: Silence) -> Iterator[str]:
    (answer,) = ask(case.path, [("grey", grey())], case.confidence)
    if not answer.found:
        yield (
            "a grey picture (114) has none: among the training pictures was nothing so dark; add dark ones without "
            "objects, as negatives"
        )


def _other_pixels(case: Silence) -> Iterator[str]:
    """Ways of feeding under which it is gone."""
    for words, (mean, std) in USUAL.items():
        if words == case.pixels:
            continue
        (answer,) = ask(case.path, [("black", black())], case.confidence, Wishes(score=WEAK, mean=mean, std=std))
        if not answer.found:
            yield (
                f"gone if pixels are fed as {words} instead of {case.pixels}: if the network was trained so, compile "
                f"it with --mean {_listed(mean)} --std {_listed(std)}"
            )


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _sigmoid(value: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-value)), np.float32)
