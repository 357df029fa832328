"""Fidelity of a network that does not take one picture: its layers and outputs, on arrays for its inputs."""

from __future__ import annotations

from collections.abc import Mapping

from hailstack.compiler.calibration.feeds import Calibration, find_sources, open_feeds
from hailstack.compiler.quantise.pictures import sample
from hailstack.fidelity.agreement import Agreement
from hailstack.fidelity.comparison import compare
from hailstack.fidelity.ladder import Ladder, RungName, quantised_rung
from hailstack.fidelity.layers import LayerNoise, list_quantised_layers, noise_alone, noise_here
from hailstack.fidelity.measure import Progress, choose_probes, output_noise
from hailstack.fidelity.report import FidelityReport
from hailstack.fidelity.subject import Subject

STEPS: tuple[RungName, ...] = ("export", "input", "labels", "folded", "device")
LEFT_OUT: Mapping[str, str] = dict.fromkeys(STEPS, "compared for networks that take one picture")


def measure_values(
    subject: Subject,
    given: Calibration,
    *,
    probed: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> FidelityReport:
    """Measure one HEF on arrays, or arrays and pictures, for its inputs. They are read twice, row by row.

    Args:
        given: a source for each input, as :func:`hailstack.compiler.compile_model` takes them.
        probed: on how many rows every layer is tried alone; 0 leaves that out. None: 4, fewer for many layers.

    Raises:
        NotFoundError, InputError, ConfigError: there is not one source for each input, or one does not fit.
    """
    inputs = subject.inputs
    sources = find_sources(given, [one.tensor for one in inputs])
    rows = open_feeds(sources, inputs, progress=lambda stage, done, total: progress("compare", done, total or done))
    ends = [(output.real, output.dequantised) for output in subject.outputs]
    pairs = list(dict.fromkeys([*subject.pairs.items(), *ends]))
    likeness = compare(subject.real, subject.integer, pairs, map(subject.feed, rows), subject.path)
    layers, count = list_quantised_layers(subject), rows.summary.count
    probes = min(count, choose_probes(len(layers)) if probed is None else probed)
    tried = sample(open_feeds(sources, inputs), probes) if probes else ()
    told = lambda done, total: progress("layers", done, total)  # noqa: E731
    alone = noise_alone(subject, layers, tried, told) if tried else {}
    here = noise_here(subject, layers, likeness)
    return FidelityReport(
        hef=subject.path,
        target=subject.hef.architectures[0].lower(),
        head=str(subject.meta["head"]["task"]),
        pictures=count,
        probed=probes,
        labels=tuple(subject.meta.get("labels") or ()),
        outputs=output_noise(subject, likeness),
        layers=tuple(LayerNoise(one.name, one.node, here[one.name], alone.get(one.name, {})) for one in layers),
        agreement=Agreement(),
        accuracy=None,
        ladder=Ladder((quantised_rung(subject, likeness),), LEFT_OUT),
        worst=(),
        skipped=(),
    )
