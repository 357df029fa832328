"""What a build made, as a page beside its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from hailstack.files import replacing
from hailstack.workflow.carry_out import Carried
from hailstack.workflow.plan import BuildPlan
from hailstack.workflow.road import REFUSED

PICTURES = (".png", ".jpg")
LINKED = (".html", ".json", ".csv", ".onnx", ".hef", ".npz", ".pt", ".yaml")
MOST_LINKED = 12
"""Files of a step that the page names."""


def write_page(plan: BuildPlan, steps: Sequence[Carried], path: Path) -> None:
    """Write the page; it shows the steps that are done and links to their files."""
    template = (files("hailstack.workflow") / "data" / "page.html").read_text(encoding="utf-8")
    seconds = sum(step.record.seconds for step in steps)
    facts = f"From {plan.data}, {len(steps)} steps, {seconds:.0f} s of work."
    html = Template(template).substitute(
        title=escape(plan.output.name),
        facts=escape(facts),
        steps="".join(f"<section>{''.join(_step(step))}</section>" for step in steps),
    )
    with replacing(path) as place:
        place.write_text(html, encoding="utf-8")


def _step(step: Carried) -> Iterator[str]:
    record = step.record
    yield f"<h2>{escape(record.step)}</h2>"
    if refusal := record.figures.get(REFUSED):
        yield f'<p class="refused">{escape(str(refusal))}</p>'
    rows = [(name, value) for name, value in record.figures.items() if name != REFUSED]
    rows.append(("seconds", round(record.seconds, 1)))
    cells = "".join(f"<tr><th>{escape(str(name))}</th><td>{escape(_shown(value))}</td></tr>" for name, value in rows)
    yield f'<div class="scroll"><table>{cells}</table></div>'
    own = [name for name in record.files if "/images/" not in f"/{name}"]
    linked = [name for name in own if name.endswith(LINKED)][:MOST_LINKED]
    links = ", ".join(f'<a href="{_address(record.step, name)}">{escape(name)}</a>' for name in linked)
    yield f'<p class="soft">{links}</p>'
    shown = [name for name in own if name.endswith(PICTURES)]
    images = "".join(f'<img src="{_address(record.step, name)}" alt="{escape(name)}">' for name in shown)
    yield f'<div class="pictures">{images}</div>' if images else ""


def _address(step: str, name: str) -> str:
    return quote(f"{step}/{name}")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
