"""``hailstack run``: pictures and videos through a HEF."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter


def run(
    sources: Annotated[list[str], Parameter(name="SOURCE", negative=())],
    /,
    *,
    net: Annotated[str, Parameter(name=["--net", "-n"])],
    postprocess: Annotated[
        Literal["auto", "classification", "nms_on_host", "raw"], Parameter(name=["--postprocess", "-p"])
    ] = "auto",
    config: Annotated[str | None, Parameter(name=["--config", "-c"])] = None,
    synchronous: Annotated[bool, Parameter(name=["--synchronous", "-s"], negative=())] = False,
    callback: Annotated[bool, Parameter(negative=())] = False,
    batch_size: Annotated[int, Parameter(name=["--batch-size", "-b"])] = 1,
    depth: int | None = None,
    confidence: float | None = None,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    json: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    show: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run a HEF on pictures, folders, patterns or videos.

    Results come frame by frame in order, whatever the mode, batch size or depth. Without --output, --json or --show
    they are printed as text.

    Parameters
    ----------
    sources
        Pictures, folders, patterns such as 'photos/*.jpg', videos; several at once.
    net
        The HEF.
    postprocess
        What reads the outputs; auto decides by their shape.
    config
        JSON with class names, thresholds, preprocessing.
    synchronous
        One batch after the other through virtual streams (not on Hailo-10H).
    callback
        Wait for completion callbacks instead of jobs.
    batch_size
        Frames submitted together.
    depth
        Frames in flight; default 8, bounded by the device's queue.
    confidence
        Leave out objects with a lower score; default: the configuration's threshold, else the HEF's.
    output
        Folder for annotated pictures, H.264 videos, or raw tensors (npz).
    json
        File for one JSON object a frame, - for standard output.
    show
        Show the frames in a window.
    """
    from hailstack.cli.run_report import RunReport
    from hailstack.errors import InputError
    from hailstack.pipeline import Job

    if synchronous and callback:
        raise InputError("--synchronous and --callback exclude each other")
    job = Job(
        sources=sources,
        net=net,
        postprocess=postprocess,
        config=config,
        mode="sync" if synchronous else "callback" if callback else "async",
        batch_size=batch_size,
        depth=depth,
        output=output,
        json=json,
        show=show,
        confidence=confidence,
    )
    return RunReport(job).carry_out()
