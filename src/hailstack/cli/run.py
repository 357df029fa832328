"""``hailstack run``: pictures, videos and cameras through a HEF."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter


def run(
    sources: Annotated[list[str], Parameter(name="SOURCE", negative=(), allow_leading_hyphen=True)],
    /,
    *,
    net: Annotated[str, Parameter(name=["--net", "-n"])],
    postprocess: Annotated[str, Parameter(name=["--postprocess", "-p"])] = "auto",
    config: Annotated[str | None, Parameter(name=["--config", "-c"])] = None,
    synchronous: Annotated[bool, Parameter(name=["--synchronous", "-s"], negative=())] = False,
    callback: Annotated[bool, Parameter(negative=())] = False,
    batch_size: Annotated[int, Parameter(name=["--batch-size", "-b"])] = 1,
    depth: int | Literal["auto"] | None = None,
    timeout_ms: int = 10_000,
    on_fault: Annotated[list[str], Parameter(negative=())] = [],  # noqa: B006 - cyclopts makes a new one each time
    confidence: float | None = None,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    json: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    to: Annotated[list[str], Parameter(allow_leading_hyphen=True, negative=())] = [],  # noqa: B006
    resume: Annotated[bool, Parameter(negative=())] = False,
    show: Annotated[bool, Parameter(negative=())] = False,
    summary: str | None = None,
    profile: Annotated[bool, Parameter(negative=())] = False,
    charts: str | None = None,
    trace: str | None = None,
) -> int:
    """Run a HEF on pictures, videos, streams or cameras.

    Results come frame by frame in order, whatever the mode, batch size or depth. Without --output, --json or --show
    they are printed as text.

    Parameters
    ----------
    sources
        Pictures, folders, patterns such as 'photos/*.jpg', videos, @LIST (a file of sources), - (standard input),
        http(s)://..., rtsp://..., camera:N, picamera:N, lavfi:GRAPH; several at once. Options follow a #:
        clip.mp4#start=10,end=20,stride=2; rtsp://...#fps=5; camera:0#size=1280x720,fps=30. Also loop, realtime, live,
        policy, weight, timeout, reconnect, transport, format, pixels.
    net
        The HEF; or a file NAME.toml with several models for one device, each with its priority and quota, and with
        networks that look at what others find.
    postprocess
        What reads the outputs: auto decides by their shape, raw passes them on; another name asks for that head.
    config
        JSON with class names, thresholds, preprocessing.
    synchronous
        One batch after the other through virtual streams (not on Hailo-10H).
    callback
        Wait for completion callbacks instead of jobs.
    batch_size
        Frames submitted together.
    depth
        Frames in flight; default 8, bounded by the device's queue; auto measures what the device needs.
    timeout_ms
        How long to wait for the device at any one call.
    on_fault
        KIND=ACTION, several times: KIND is timeout, submit, wait, device_lost or head, left out for all; ACTION
        is stop (default), skip, retry:N or retry:N:skip.
    confidence
        Leave out objects with a lower score; default: the configuration's threshold, else the HEF's.
    output
        Folder for annotated pictures, H.264 videos, or raw tensors (npz).
    json
        File for one JSON object a frame, - for standard output.
    to
        A further place for results, several times: NAME.jsonl, NAME.csv, NAME.parquet, coco:NAME.json, mot:DIR, DIR/,
        http(s)://..., mqtt://..., live:PORT, window.
    resume
        Go on where an earlier run of the same command was interrupted; outputs get their names when all is done.
    show
        Show the frames in a window.
    summary
        File for the run in numbers (JSON): frames, failures, drops, rates, latencies, by model and source.
    profile
        Say at the end how long each stage took and what limits the run; charts of it go into the folder 'profile'.
    charts
        The same, with the charts (PNG) in this folder.
    trace
        File for the spans of every frame, for ui.perfetto.dev: *.json or *.pftrace.
    """
    from hailstack.cli.run_profile import RunProfile
    from hailstack.cli.run_report import RunReport
    from hailstack.errors import InputError
    from hailstack.pipeline import Job

    if synchronous and callback:
        raise InputError("--synchronous and --callback exclude each other")
    told = RunProfile(table=profile, charts=charts, trace=trace)
    job = Job(
        sources=sources,
        net=net,
        postprocess=postprocess,
        config=config,
        mode="sync" if synchronous else "callback" if callback else "async",
        batch_size=batch_size,
        depth=depth,
        timeout_ms=timeout_ms,
        faults=on_fault,
        output=output,
        json=json,
        to=to,
        beside=[one for one in (summary, trace) if one is not None],
        resume=resume,
        show=show,
        confidence=confidence,
        profiler=told.profiler,
    )
    return RunReport(job, told, summary).carry_out()
