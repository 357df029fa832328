"""``hailstack demo``: the whole road on a rendered field of flowers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def demo(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("demo-out"),
    seconds: float = 7.0,
    seed: int = 8,
    open: Literal["yes", "no"] = "no",
) -> int:
    """Run the whole road on a rendered field of flowers: compile, infer, video, page.

    Renders a robot's drive through a field, compiles the flower detector that comes with Hailstack for Hailo-8L, runs
    it on the video through the emulated NPU, and compares what it finds with what is there.

    Parameters
    ----------
    output
        Folder for videos, JSON lines, the HEF and the page; made if it is not there.
    seconds
        Length of the video, up to 20.
    seed
        Which field, in which weather.
    open
        Show the page in the web browser.
    """
    import sys
    import webbrowser

    from hailstack.cli.demo_report import print_showing, show_progress
    from hailstack.cli.run_report import SWITCH_INTERVAL_S
    from hailstack.demo.footage import plan_filming
    from hailstack.demo.page import write_page
    from hailstack.demo.show import show

    filming = plan_filming(seconds, seed)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with show_progress() as progress:
        showing = show(output, filming, progress)
        page = write_page(showing)
    print_showing(showing)
    if open == "yes":
        webbrowser.open(page.absolute().as_uri())
    return 0
