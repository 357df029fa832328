"""Results posted to a web address."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException

from hailstack.errors import InferencePipelineError
from hailstack.pipeline.addresses import request_to, without_password
from hailstack.pipeline.sinks.outcomes import OutcomeSink
from hailstack.pipeline.sinks.records import to_record
from hailstack.types import Failed, Result

TIMEOUT_S = 5.0
PAUSES_S = (0.2, 1.0)
"""Before the second and third attempt."""


class WebhookSink(OutcomeSink):
    """Posts :func:`hailstack.pipeline.sinks.records.to_record` of every frame as ``application/json``.

    An address that does not answer, or answers 429 or 5xx, is tried three times in all.

    Args:
        url: ``http://`` or ``https://``, with ``name:password@`` before the host where one is asked for.
        found_only: leave out frames in which nothing was found.
        sleep: waits between attempts.

    Raises:
        InferencePipelineError: a record could not be delivered; the message says what the address answered.
    """

    def __init__(self, url: str, *, found_only: bool = False, sleep: Callable[[float], object] = time.sleep) -> None:
        self._url = url
        self._found_only = found_only
        self._sleep = sleep

    def put(self, outcome: Result | Failed) -> None:
        record = to_record(outcome)
        if self._found_only and not record.get("objects", record.get("classes", True)):
            return
        body = json.dumps(record, allow_nan=False).encode()
        request = request_to(self._url, body, {"Content-Type": "application/json"})
        reason = ""
        for pause_s in (0.0, *PAUSES_S):
            if pause_s:
                self._sleep(pause_s)
            reason, is_final = _attempt(request)
            if not reason:
                return
            if is_final:
                break
        message = f"{outcome.id.place}: the record could not be delivered to {without_password(self._url)}: {reason}"
        raise InferencePipelineError(message, frame=outcome.id.number)

    def close(self) -> None:
        pass


def _attempt(request: urllib.request.Request) -> tuple[str, bool]:
    """What went wrong, empty if nothing did; and whether another attempt is pointless."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):
            return "", True
    except urllib.error.HTTPError as error:
        with error:
            return f"it answered {error.code} {error.reason}", error.code != 429 and error.code < 500
    except urllib.error.URLError as error:
        return str(error.reason), False
    except (OSError, ValueError, HTTPException) as error:
        return str(error), False
