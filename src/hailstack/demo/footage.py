"""A drive through a field on video, with the truth about every frame."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hailstack.demo.camera import Camera, Lens
from hailstack.demo.drive import Drive, Mount
from hailstack.demo.field import STAGES, grow
from hailstack.demo.look import Look
from hailstack.demo.render import Rendered, render
from hailstack.demo.scenery import build
from hailstack.demo.truth import FlowerTruth
from hailstack.errors import ConfigError, HailstackError
from hailstack.imaging.video import VideoWriter

TICKS_PER_S = 90_000
MOST_SECONDS = 20.0
"""After that the robot comes near the end of the field."""


@dataclass(frozen=True, slots=True)
class Filming:
    """What is filmed."""

    seed: int = 8
    frames: int = 140
    frame_rate: int = 20
    drive: Drive = field(default_factory=Drive)
    mount: Mount = field(default_factory=Mount)
    lens: Lens = field(default_factory=Lens)

    def camera(self, number: int) -> Camera:
        """Where the camera is at one frame."""
        return self.drive.camera(number / self.frame_rate, self.lens, self.mount)


def film(filming: Filming, processes: int = 1) -> Generator[Rendered, None, None]:
    """All frames in order, rendered by several processes side by side.

    Raises:
        HailstackError: one of them died.
    """
    if processes == 1:
        yield from _rendered(filming, 0, 1)
        return
    context = get_context("spawn")
    with ExitStack() as stack:
        receivers = []
        for first in range(processes):
            receiver, sender = context.Pipe(duplex=False)
            worker = context.Process(target=_send, args=(sender, filming, first, processes), daemon=True)
            worker.start()
            stack.callback(worker.join)
            stack.callback(worker.terminate)
            sender.close()
            receivers.append(stack.enter_context(closing(receiver)))
        for number in range(filming.frames):
            yield _receive(receivers[number % processes], number)


def _rendered(filming: Filming, first: int, step: int) -> Iterator[Rendered]:
    look = Look.of_seed(filming.seed)
    scenery = build(grow(filming.seed), look)
    for number in range(first, filming.frames, step):
        yield render(scenery, filming.camera(number), number / filming.frame_rate, sensor_seed=number)


def _send(sender: Connection[Any, Any], filming: Filming, first: int, step: int) -> None:
    """A worker's life; the pipe holds it back when the reader is slower. Ctrl-C is for the parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for rendered in _rendered(filming, first, step):
            sender.send(rendered)
    except BrokenPipeError:
        pass  # nobody wants the rest


def _receive(receiver: Connection[Any, Any], number: int) -> Rendered:
    try:
        rendered = receiver.recv()
    except EOFError as error:
        message = f"frame {number} was not rendered: the process that draws it has died"
        raise HailstackError(message) from error
    assert isinstance(rendered, Rendered)
    return rendered


def write_footage(
    filming: Filming, folder: Path, processes: int, progress: Callable[[int], Any]
) -> tuple[Path, Sequence[FlowerTruth]]:
    """Write ``field.mp4`` (H.264) and ``truth.jsonl`` (one line a frame) to ``folder``.

    Returns:
        The video, and the truth of each frame.
    """
    video, truths = folder / "field.mp4", []
    writer = VideoWriter(
        video,
        Fraction(filming.frame_rate),
        Fraction(1, TICKS_PER_S),
        filming.lens.width_px,
        filming.lens.height_px,
    )
    with closing(writer), closing(film(filming, processes)) as frames:
        for number, rendered in enumerate(frames):
            writer.write(rendered.image, number / filming.frame_rate)
            truths.append(rendered.truth)
            progress(number + 1)
    lines = [json.dumps(truth_record(filming, number, truth)) for number, truth in enumerate(truths)]
    (folder / "truth.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return video, truths


def truth_record(filming: Filming, number: int, truth: FlowerTruth) -> dict[str, Any]:
    """The truth of one frame as plain values: the camera, and each flower's identity, stage, box and place."""
    pose = filming.camera(number).pose
    flowers = [
        {
            "id": int(truth.flower[row]),
            "class": STAGES[int(truth.class_id[row])],
            "xyxy": [round(float(edge), 2) for edge in truth.xyxy[row]],
            "visibility": round(float(truth.visibility[row]), 3),
            "wanted": bool(truth.wanted[row]),
            "position": [round(float(part), 4) for part in truth.position[row]],
        }
        for row in range(len(truth))
    ]
    return {
        "frame": number,
        "time": round(number / filming.frame_rate, 6),
        "camera": {
            "position": [round(float(part), 5) for part in pose.position],
            "rotation": [[round(float(part), 7) for part in row] for row in pose.rotation],
            "focal_px": filming.lens.focal_px,
        },
        "flowers": flowers,
    }


def plan_filming(seconds: float, seed: int) -> Filming:
    """A drive of some length through the field of a seed.

    Raises:
        ConfigError: the length is not within what a field has room for, or the seed is negative.
    """
    if not 0.0 < seconds <= MOST_SECONDS:
        message = f"--seconds {seconds:g}: a drive takes more than 0 and up to {MOST_SECONDS:g} seconds"
        raise ConfigError(message)
    if seed < 0:
        message = f"--seed {seed}: seeds are 0 or more"
        raise ConfigError(message)
    rate = Filming().frame_rate
    return Filming(seed=seed, frames=max(1, round(seconds * rate)))
