"""The page of an evaluation in a real browser."""

from __future__ import annotations

import re

from hailstack.evaluation import evaluate
from hailstack.evaluation.page import write_page


def test_the_page_needs_nothing_beside_itself_and_filters_by_kind(field, browser, tmp_path):
    write_page(evaluate(field.onnx, field.data), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text)
    page, faults = browser.new_page(viewport={"width": 1200, "height": 900}), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".card").count() == 4
    missed = page.get_by_role("button", name=re.compile(r"^missed \d+"))
    wanted = int(missed.inner_text().split()[-1])
    missed.click()
    assert page.locator("svg rect.missed").count() == wanted
    assert page.locator("svg rect.false:not(.faint)").count() == 0
    labels = page.locator("svg rect.truth").count()
    page.get_by_role("button", name="labels").click()
    assert (labels > 0, page.locator("svg rect.truth").count()) == (True, 0)
    assert not faults


def test_names_cannot_break_the_page(field, browser, tmp_path):
    data = tmp_path / "data.yaml"
    root = field.data.parent
    data.write_text(f"path: {root}\nval: images/val\nnames: ['</script><b>', '$x \"', '<i>']\n")
    write_page(evaluate(field.onnx, data), tmp_path / "page.html")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".card").count() == 4
    assert "</script><b>" in page.locator("summary + .scroll").last.inner_text()
