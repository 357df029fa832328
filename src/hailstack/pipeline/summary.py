"""A whole run in one JSON object, for programs.

========================  ============================================================================================
``seconds``, ``fps``      how long the run took; results a second, of all models together
``frames``, ``read``      results; frames that models took (a frame counts once for each model that looks at it)
``failed``, ``dropped``   frames without a result: with a name; on their way when the run broke off.
                          ``read == frames + failed + dropped``
``stopped``               whether somebody asked it to stop before the end
``error``                 what ended the run: ``kind`` and ``message``; null if nothing did
``failures``              the first failed frames: ``source``, ``frame``, ``model``, ``kind``, ``message``
``latency_ms``            ``p50``, ``p95``, ``p99``: from when a model takes a frame to its result, in a chain to the
                          second network's
``models``                for each network: ``name``, ``frames``, ``read``, ``failed``, ``dropped``, ``fps``,
                          ``latency_ms``, ``retried`` (kind of fault → submissions repeated), ``reopened``,
                          ``device`` and ``sources``
``models[].device``       ``frames``, ``busy_s``, ``share`` (of the run's time, 0 to 1) and ``mean_wait_ms`` in front
                          of the device (:class:`hailstack.runtime.DeviceUse`)
``models[].sources``      ``source``, ``read``, ``results``, ``failed``, ``dropped`` (newer frames came before the
                          model took them), ``fps``, ``latency_ms``; all single pictures together are ``pictures``
``chains``                for each chain: ``name`` (of its first network), ``frames``, ``read``, ``failed``,
                          ``dropped``, ``fps`` and ``latency_ms`` of what comes out behind the second one
``sources``               ``source``, ``decoded``, ``dropped``, ``damaged``, ``reconnects``, ``error``; of single
                          pictures only those that could not be read
``sinks``                 ``name``, ``written``, ``dropped``, ``waited_s``, ``error``
========================  ============================================================================================

The first network of a chain counts frames, the second one the objects that it looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hailstack import __version__
from hailstack.files import demand_place, replacing
from hailstack.pipeline.outcome import Outcome
from hailstack.types import Failed

MOST_FAILURES = 100


def summary_of(outcome: Outcome, name: str, error: BaseException | None = None) -> dict[str, Any]:
    """The object that the module describes.

    Args:
        name: of the model, where there is but one.
        error: what ended the run, if anything did.
    """
    return {
        "hailstack": __version__,
        "seconds": round(outcome.seconds, 6),
        **_counts(outcome, outcome.seconds),
        "stopped": outcome.stopped,
        "error": None if error is None else _error(error),
        "failures": [_failure(one) for one in outcome.failed[:MOST_FAILURES]],
        "models": [_model(part, part.model or name, outcome.seconds) for part in (outcome.parts or [outcome])],
        "chains": [{"name": chain.model, **_counts(chain, outcome.seconds)} for chain in outcome.chains],
        "sources": _sources(outcome),
        "sinks": [
            {
                "name": sink.name,
                "written": sink.written,
                "dropped": sink.dropped,
                "waited_s": round(sink.waited_s, 6),
                "error": None if sink.error is None else _error(sink.error),
            }
            for sink in outcome.sinks
        ],
    }


def check_summary_path(path: str, made: Iterable[str]) -> None:
    """Nothing, if a summary can have this place, as far as one can say before the run.

    Args:
        made: folders that the run makes where they are not there.

    Raises:
        NotFoundError: there is no such folder.
        InputError: it is a folder.
    """
    folder = Path(path).absolute().parent
    if not any(folder.is_relative_to(Path(one).absolute()) for one in made):
        demand_place(Path(path))


def write_summary(path: str, summary: dict[str, Any]) -> None:
    """Write it, indented.

    Raises:
        InputError: the file cannot be written.
    """
    with replacing(Path(path)) as partial:
        partial.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _counts(outcome: Outcome, seconds: float) -> dict[str, Any]:
    return {
        "frames": outcome.frames,
        "read": outcome.read,
        "failed": len(outcome.failed),
        "dropped": outcome.dropped,
        "fps": round(outcome.frames / seconds, 3) if seconds else 0.0,
        "latency_ms": outcome.latency.to_dict(),
    }


def _model(part: Outcome, name: str, seconds: float) -> dict[str, Any]:
    use = part.device
    return {
        "name": name,
        **_counts(part, seconds),
        "retried": dict(part.retried),
        "reopened": part.reopened,
        "device": None
        if use is None
        else {
            "frames": use.frames,
            "busy_s": round(use.busy_s, 6),
            "share": round(use.busy_s / seconds, 4) if seconds else 0.0,
            "mean_wait_ms": round(use.mean_wait_ms, 3),
        },
        "sources": [tally.to_dict(seconds) for tally in part.tallies],
    }


def _sources(outcome: Outcome) -> list[dict[str, Any]]:
    broken = {one.source: one.error for one in outcome.failures}
    return [
        {
            "source": count.source.name,
            "decoded": count.read,
            "dropped": count.dropped,
            "damaged": count.damaged,
            "reconnects": count.reconnects,
            "error": _error(broken[count.source]) if count.source in broken else None,
        }
        for count in outcome.sources
        if count.source.kind != "image" or count.source in broken
    ]


def _failure(failed: Failed) -> dict[str, Any]:
    place = {"source": failed.id.source, "frame": failed.id.number, "model": failed.model}
    return {**place, **_error(failed.error)}


def _error(error: BaseException) -> dict[str, str]:
    return {"kind": type(error).__name__, "message": str(error)}
