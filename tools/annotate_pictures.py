"""Make the pictures of the annotation page for the documents: ``python tools/annotate_pictures.py`` (needs Chromium).

A small rendered field, part of it labelled with its truth, and the shipped detector's proposals for the rest.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from hailstack.cli.annotate_assist import open_assistant
from hailstack.datasets.annotate import Annotator
from hailstack.demo.detector import LABELS, weights_path
from hailstack.demo.shots import take_shots
from hailstack.imaging import write_image

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
PICTURES, LABELLED = 24, 9
QUALITY = 66


def write_field(folder: Path) -> None:
    """Pictures of several fields; the first ones labelled."""
    shots = [shot for seed in range(4) for shot in take_shots(seed, PICTURES // 4)]
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number, shot in enumerate(shots):
        write_image(folder / "images" / f"row_{number:03}.jpg", shot.image)
        if number < LABELLED:
            (folder / "labels" / f"row_{number:03}.txt").write_text(_label(shot))
    (folder / "data.yaml").write_text(f"names: {list(LABELS)}\n")


def _label(shot: Any) -> str:
    height, width = shot.image.shape[:2]
    rows = zip(shot.truth.xyxy.tolist(), shot.truth.class_id.tolist(), shot.truth.wanted.tolist(), strict=True)
    return "".join(
        f"{one} {(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f} {(x1 - x0) / width:.6f} "
        f"{(y1 - y0) / height:.6f}\n"
        for (x0, y0, x1, y1), one, wanted in rows
        if wanted
    )


def take(page: Any, name: str) -> None:
    """A picture of what the page shows."""
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / name, type="jpeg", quality=QUALITY)


def work(page: Any, url: str) -> None:
    """Review some pictures, draw on one, and look at it and at the overview."""
    page.goto(f"{url}#/0")
    page.wait_for_selector("#save:enabled")
    for number in range(6):
        page.keyboard.press("Space")
        page.wait_for_selector(f"#name:text('row_{number + 1:03}')")
        page.wait_for_selector("#save:enabled")
    page.goto(f"{url}#/12")
    page.wait_for_selector("#accept-all:enabled")
    for key in ("a", "a", "a", "a", "a", "a", "a", "x", "Tab", "Tab"):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
    take(page, "annotate.jpg")
    page.keyboard.press("n")
    page.keyboard.press("g")
    take(page, "annotate-overview.jpg")


def serve(folder: Path, visit: Callable[[str], None]) -> None:
    """Run a server as long as somebody visits it."""
    with open_assistant(weights_path()) as propose, Annotator(folder, port=0, propose=propose) as annotator:
        thread = threading.Thread(target=annotator.serve)
        thread.start()
        try:
            visit(annotator.url)
        finally:
            annotator.stop()
            thread.join()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player:
        field = Path(folder) / "flower field"
        write_field(field)
        chromium = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1240, "height": 700})
        page.add_init_script("localStorage.setItem('hailstack.name', 'Ada')")
        serve(field, lambda url: work(page, url))
        chromium.close()


if __name__ == "__main__":
    main()
