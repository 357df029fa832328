"""The report as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from hailstack.datasets.accuracy import Accuracy
from hailstack.fidelity.layers import FLAGGED_BELOW_DB, LayerNoise
from hailstack.fidelity.report import FidelityReport, Picture
from hailstack.files import replacing
from hailstack.imaging import data_uri, draw, raster, read_image
from hailstack.types import Detections, Image, Prediction

LAYERS_LISTED = 20
PICTURE_WIDTH = 960
TOP_DB, WIDTH, HEIGHT, LEFT, BOTTOM = 60.0, 1000.0, 260.0, 34.0, 20.0


def write_page(report: FidelityReport, path: Path) -> None:
    """Write the page, whole or not at all."""
    template = (files("hailstack.fidelity") / "data" / "page.html").read_text(encoding="utf-8")
    html = Template(template).substitute(
        name=escape(Path(report.hef).name),
        state="" if report.good else "bad",
        verdict=escape(report.verdict),
        facts=escape(_facts(report)),
        ladder="".join(_ladder_rows(report)),
        outputs="".join(_output_rows(report)),
        accuracy="" if report.accuracy is None else _accuracy(report, *report.accuracy),
        layers_said=escape(_layers_said(report)),
        chart=_chart(report.layers),
        layers="".join(_layer_rows(report)),
        pictures="".join(_pair(one) for one in report.worst) or "<p>They do not differ on any picture.</p>",
    )
    with replacing(path) as place:
        place.write_text(html, encoding="utf-8")


def _facts(report: FidelityReport) -> str:
    return (
        f"Compiled for {report.target}, head: {report.head}. {report.pictures} pictures; every layer was quantised "
        f"alone on {report.probed} of them."
    )


def _ladder_rows(report: FidelityReport) -> Iterable[str]:
    for rung in report.ladder.rungs:
        state = '<td class="yes">holds</td>' if rung.holds else '<td class="no">parts</td>'
        cause = f"<br><strong>{escape(rung.cause.text)}</strong>" if rung.cause else ""
        measured = f"<td>{escape(rung.figure)}{cause}</td>"
        yield f"<tr><td>{rung.name}</td>{state}<td>{escape(rung.compared)}</td>{measured}</tr>"
    for name, why in report.ladder.left_out.items():
        yield f'<tr><td>{name}</td><td></td><td colspan="2" class="soft">{escape(why)}</td></tr>'


def _output_rows(report: FidelityReport) -> Iterable[str]:
    for one in report.outputs:
        snr = f'<td class="n{" no" if one.flagged else ""}">{one.snr_db:.1f}</td>'
        cells = f'{snr}<td class="n">{one.cosine:.4f}</td><td class="n">{one.step:.4g}</td>'
        yield f"<tr><td><code>{escape(one.stream)}</code></td>{cells}</tr>"


def _accuracy(report: FidelityReport, real: Accuracy, integer: Accuracy) -> str:
    rows = [(name, value, integer.total[name]) for name, value in real.total.items()]
    rows += [(f"{size} objects", value, integer.by_size[size]) for size, value in real.by_size.items()]
    classes = [
        (_class_name(report, class_id), value, integer.by_class[class_id]) for class_id, value in real.by_class.items()
    ]
    by_class = f"<details><summary>{len(classes)} classes</summary>{_accuracy_table(classes)}</details>"
    return f"<h2>Accuracy</h2>{_accuracy_table(rows)}{by_class}"


def _accuracy_table(rows: Sequence[tuple[str, float, float]]) -> str:
    cells = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{_share(real)}</td><td class="n">{_share(integer)}</td>'
        f'<td class="n">{_share(real - integer)}</td></tr>'
        for name, real, integer in rows
    )
    head = '<th></th><th class="n">float</th><th class="n">integer</th><th class="n">lost</th>'
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></div>'


def _class_name(report: FidelityReport, class_id: int) -> str:
    return report.labels[class_id] if class_id < len(report.labels) else str(class_id)


def _share(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _layers_said(report: FidelityReport) -> str:
    flagged = f"{len(report.flagged)} of {len(report.layers)} layers are below {FLAGGED_BELOW_DB:g} dB."
    if not report.raise_layers:
        return flagged
    names = ", ".join(one.name for one in report.raise_layers)
    return f"{flagged} To gain most, compile with 16 bits in: {names} (--wide-layers)."


def _layer_rows(report: FidelityReport) -> Iterable[str]:
    ranked = sorted((one for one in report.layers if one.alone_db), key=lambda one: one.worst_alone_db)
    for one in ranked[:LAYERS_LISTED]:
        cells = f'<td class="n">{one.worst_alone_db:.1f}</td><td class="n">{one.here_db:.1f}</td>'
        yield f"<tr><td>{escape(one.name)}</td><td><code>{escape(one.node)}</code></td>{cells}</tr>"


def _chart(layers: Sequence[LayerNoise]) -> str:
    """Bars for layers alone, a line for the noise that has come together at each."""
    step = (WIDTH - LEFT) / max(1, len(layers))
    parts = [_grid(level) for level in range(0, int(TOP_DB) + 1, 10)]
    for i, one in enumerate(layers):
        if one.alone_db:
            top = _y(one.worst_alone_db)
            parts.append(
                f'<rect class="alone" x="{LEFT + i * step:.1f}" y="{top:.1f}" width="{max(1.0, step - 1):.1f}" '
                f'height="{HEIGHT - BOTTOM - top:.1f}"><title>{escape(_told(one))}</title></rect>'
            )
    points = " ".join(f"{LEFT + (i + 0.5) * step:.1f},{_y(one.here_db):.1f}" for i, one in enumerate(layers))
    parts.append(f'<polyline class="here" points="{points}"/>')
    label = f"Signal to noise ratio of {len(layers)} layers in network order"
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _grid(level: int) -> str:
    kind = "limit" if level == FLAGGED_BELOW_DB else "grid"
    y = _y(level)
    return (
        f'<line class="{kind}" x1="{LEFT:g}" x2="{WIDTH:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{level}</text>'
    )


def _y(level: float) -> float:
    return (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - 8) * min(max(level, 0.0), TOP_DB) / TOP_DB


def _told(one: LayerNoise) -> str:
    return f"{one.name} ({one.node}): alone {one.worst_alone_db:.1f} dB, here {one.here_db:.1f} dB"


def _pair(picture: Picture) -> str:
    image = read_image(picture.path)
    shown = "".join(
        f'<figure><img src="{data_uri(_drawn(image, one))}" alt="{kind} network on {escape(picture.name)}">'
        f"<figcaption>{escape(picture.name)}, {kind}{escape(_said(one))}</figcaption></figure>"
        for kind, one in (("float", picture.real), ("integer", picture.integer))
    )
    return f'<div class="pair">{shown}</div>'


def _drawn(image: Image, prediction: Prediction) -> Image:
    """The picture with what was found, no larger than it is shown."""
    share = min(1.0, PICTURE_WIDTH / image.shape[1])
    height, width = max(1, round(image.shape[0] * share)), round(image.shape[1] * share)
    return raster.resize(draw(image, prediction), height, width, "area")


def _said(prediction: Prediction) -> str:
    return f": {len(prediction)} objects" if isinstance(prediction, Detections) else ""
