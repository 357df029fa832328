"""An evaluation as one HTML page that needs nothing beside itself: the figures, and the pictures that went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from hailstack.evaluation.cases import SHOWN_MOST, Case, worst_rows
from hailstack.evaluation.mistakes import KINDS
from hailstack.evaluation.report import Evaluation, Judged
from hailstack.evaluation.score import Row, shown
from hailstack.files import replacing
from hailstack.imaging import data_uri, raster, read_image
from hailstack.types import Image

WIDTH = 800
"""Of a picture in the page, at most."""
FEW_ROWS = 6
"""Of a table that is open from the start."""


def write_page(evaluation: Evaluation, path: Path) -> None:
    """Write the page, whole or not at all."""
    template = (files("hailstack.evaluation") / "data" / "page.html").read_text(encoding="utf-8")
    cases = [list(one.score.cases) for one in evaluation.networks]
    worst = worst_rows(cases, SHOWN_MOST)
    html = Template(template).substitute(
        title=escape(", ".join(dict.fromkeys(one.facts.path.name for one in evaluation.networks))),
        facts=escape(_facts(evaluation)),
        verdicts="".join(f'<p class="verdict">{escape(text)}</p>' for text in evaluation.verdicts)
        + "".join(f'<p class="soft">{escape(text)}</p>' for text in evaluation.warnings),
        figures=_figures(evaluation),
        networks="".join(_network(one) for one in evaluation.networks),
        rows="".join(_rows(evaluation)),
        wrong=escape(_wrong(evaluation, cases, worst)),
        data=_script_safe({"networks": [one.facts.title for one in evaluation.networks], "kinds": _kinds(evaluation)}),
        cards=_script_safe([_card(evaluation, cases, row) for row in worst]),
    )
    with replacing(path) as place:
        place.write_text(html, encoding="utf-8")


def _facts(evaluation: Evaluation) -> str:
    boxes = f", boxes from a score of {evaluation.score:g}, one object from IoU {evaluation.iou:g}"
    asked = boxes if evaluation.task == "detection" else ""
    left = f", {len(evaluation.skipped)} more could not be read" if evaluation.skipped else ""
    return f"{len(evaluation.pictures)} pictures of {evaluation.data} ({evaluation.split}){left}{asked}."


def _figures(evaluation: Evaluation) -> str:
    first = evaluation.networks[0]
    best = list(first.score.notes.get("best_f1", {}))
    headings = ["", *first.figures, *([f"{first.main} lost"] if len(evaluation.networks) > 1 else []), *best]
    rows = []
    for one in evaluation.networks:
        cells = [_with_interval(one, name) for name in first.figures]
        if len(evaluation.networks) > 1:
            cells.append(_lost(one))
        cells += [shown(name, one.score.notes["best_f1"][name]) for name in best]
        rows.append((escape(one.facts.title), *cells))
    return _table(["confidence of best F1" if name == "confidence" else name for name in headings], rows)


def _with_interval(judged: Judged, name: str) -> str:
    one = judged.figures[name]
    return f"{shown(name, one.value)}<br><small>{shown(name, one.low)} to {shown(name, one.high)}</small>"


def _lost(judged: Judged) -> str:
    if not judged.losses:
        return ""
    one = judged.losses[judged.main]
    chance = "" if one.certain else "<br><small>may be chance</small>"
    return f"{shown(judged.main, one.value)}{chance}"


def _network(judged: Judged) -> str:
    facts, how = judged.facts, judged.facts.preprocess
    aligned = f"; distances {escape(judged.score.notes['aligned'])}" if judged.score.notes.get("aligned") else ""
    estimate = "" if facts.estimate_fps is None else f", the compiler expects {facts.estimate_fps:.0f} of a chip"
    return (
        f"<li><strong>{escape(facts.title)}</strong>: {how.mode} {how.width}x{how.height}, {escape(facts.pixels)} "
        f"({escape(facts.origin)}){aligned}; {escape(facts.runs_on)}; pictures a second in this run: "
        f"{judged.speed.network:.1f} through the network alone, {judged.speed.whole:.1f} from file to result"
        f"{estimate}</li>"
    )


def _rows(evaluation: Evaluation) -> Iterator[str]:
    for about, rows in evaluation.networks[0].score.rows.items():
        if not rows:
            continue
        names = list(rows[0].figures)
        several = len(evaluation.networks) > 1
        headings = [about, *([one.facts.title for one in evaluation.networks] if several else names)]
        table = [(escape(row.name), *_values(evaluation, about, row, several)) for row in rows]
        what = f"{names[0]} by {about}" if several else f"By {about}"
        opened = " open" if len(rows) <= FEW_ROWS else ""
        yield f"<details{opened}><summary>{what} ({len(rows)})</summary>{_table(headings, table)}</details>"


def _values(evaluation: Evaluation, about: str, row: Row, several: bool) -> list[str]:
    """The first figure of every network, or all of the only one."""
    if not several:
        return [shown(*pair) for pair in row.figures.items()]
    main = next(iter(row.figures))
    return [shown(main, value) for value in evaluation.compared(about, row.name)]


def _wrong(evaluation: Evaluation, cases: Sequence[Sequence[Case]], worst: Sequence[int]) -> str:
    wrong = len({one.row for each in cases for one in each if one.badness > 0})
    at = " at the threshold of its best F1" if evaluation.task == "detection" else ""
    count = len(evaluation.pictures)
    return f"{wrong} of {count} pictures have something wrong for a network{at}; the worst {len(worst)} are here."


def _kinds(evaluation: Evaluation) -> dict[str, str]:
    found = dict.fromkeys(kind for one in evaluation.networks for case in one.score.cases for kind in case.kinds)
    known: Mapping[str, str] = {str(kind): text for kind, text in KINDS.items()}
    return {kind: known.get(kind, kind) for kind in [*(one for one in known if one in found), *found]}


def _card(evaluation: Evaluation, cases: Sequence[Sequence[Case]], row: int) -> dict[str, Any]:
    path = evaluation.pictures[row]
    image = read_image(path)
    height, width = image.shape[:2]
    return {
        "name": path.name,
        "src": data_uri(_small(image)),
        "w": width,
        "h": height,
        "nets": [
            {
                "kinds": dict(each[row].kinds),
                "badness": round(each[row].badness, 3),
                "text": each[row].text,
                "marks": [[one.kind, *one.box, one.text] for one in each[row].marks],
                "images": [[label, data_uri(_small(one))] for label, one in each[row].images],
            }
            for each in cases
        ],
    }


def _small(image: Image) -> Image:
    share = min(1.0, WIDTH / image.shape[1])
    height, width = max(1, round(image.shape[0] * share)), max(1, round(image.shape[1] * share))
    return image if share == 1.0 else raster.resize(image, height, width, "area")


def _script_safe(value: object) -> str:
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head, body = _row(map(escape, headings), "th"), "".join(_row(cells, "td") for cells in rows)
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _row(cells: Iterable[str], cell: str) -> str:
    first, *others = cells
    numbers = "".join(f'<{cell} class="n">{one}</{cell}>' for one in others)
    return f"<tr><{cell}>{first}</{cell}>{numbers}</tr>"
