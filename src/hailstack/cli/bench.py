"""``hailstack bench``: how fast a HEF runs on a device, and how sure that is."""

from __future__ import annotations

from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

bench = cyclopts.App(name="bench", help_format="plaintext")
bench.command(
    "hailstack.cli.bench_compare:bench_compare",
    name="compare",
    help="Say whether a second measurement is better or worse.",
)


@bench.default
def measure(
    hef: Annotated[str, Parameter(name="HEF")],
    /,
    *,
    mode: Annotated[list[Literal["hw", "latency", "stream", "e2e"]], Parameter(negative=())] = [],  # noqa: B006
    image: str | None = None,
    video: str | None = None,
    seconds: float = 5.0,
    iters: int | None = None,
    warmup: int = 20,
    load: str = "closed",
    batch_size: Annotated[list[int], Parameter(name=["--batch-size", "-b"], negative=())] = [1],  # noqa: B006
    depth: Annotated[list[int], Parameter(negative=())] = [],  # noqa: B006
    workers: Annotated[list[int], Parameter(negative=())] = [1],  # noqa: B006
    csv: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    json: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    html: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    samples: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
) -> int:
    """Measure how fast a HEF runs on a device: rates and latencies with the intervals in which they would fall again.

    Parameters
    ----------
    hef
        The model.
    mode
        hw: the device alone, its queue kept full. latency: one frame at a time. stream: pictures in, real values out.
        e2e: from the file to the result. Several times for several; default: all, e2e with --image or --video.
    image
        Picture to feed; default: noise.
    video
        Video to feed.
    seconds
        Time for each measurement.
    iters
        Frames for each measurement, instead of --seconds.
    warmup
        Frames before each measurement, which do not count.
    load
        closed: the next frame as soon as there is room. open:RATE: so many frames a second, come what may; latency
        then counts from when a frame was due.
    batch_size
        Frames submitted together; several times for a sweep.
    depth
        Frames in flight; several times for a sweep.
    workers
        Streams at the same time on one device; several times for a sweep.
    csv
        File for a table, one line a measurement; - for standard output.
    json
        File for everything, which 'hailstack bench compare' reads; - for standard output.
    html
        File for a page with the latency curves.
    samples
        File for a table of every frame's latency.
    """
    from hailstack.bench import Load, Plan
    from hailstack.cli.bench_report import carry_out
    from hailstack.errors import InputError

    if image is not None and video is not None:
        raise InputError("--image and --video exclude each other")
    plan = Plan(
        hef=hef,
        whats=mode,
        source=image if image is not None else video,
        seconds=seconds,
        iterations=iters,
        warm_up=warmup,
        load=Load.parse(load),
        batch_sizes=batch_size,
        depths=depth or [None],
        workers=workers,
    )
    carry_out(plan, csv=csv, json=json, html=html, samples=samples)
    return 0
