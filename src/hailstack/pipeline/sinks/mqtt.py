"""Results published to an MQTT broker."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from hailstack.errors import InferencePipelineError, InputError, MissingExtraError
from hailstack.pipeline.addresses import without_password
from hailstack.pipeline.sinks.outcomes import OutcomeSink
from hailstack.pipeline.sinks.records import to_record
from hailstack.types import Failed, Result

ANSWER_S = 5.0
"""How long the broker may take to accept a connection or a message."""

QUEUE_SIZE = 1000
"""Messages that wait in this process while the broker is away."""


@dataclass(frozen=True, slots=True)
class Broker:
    """``mqtt[s]://user:password@host:port/topic``."""

    host: str
    port: int
    topic: str
    is_secure: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> Broker:
        """Read an address.

        Raises:
            InputError: the host, the port or the topic is missing or wrong.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            message = f"{without_password(url)}: {error}"
            raise InputError(message) from error
        topic = unquote(parts.path).strip("/")
        if not parts.hostname or not topic or "#" in url or "+" in topic:
            message = f"{without_password(url)}: write mqtt://host:port/topic, with a topic that holds neither # nor +"
            raise InputError(message)
        is_secure = parts.scheme == "mqtts"
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port or (8883 if is_secure else 1883), topic, is_secure, user, password)

    def __str__(self) -> str:
        return f"mqtt://{self.host}:{self.port}/{self.topic}"


class MqttSink(OutcomeSink):
    """Publishes three things below its topic:

    * ``TOPIC/records``: :func:`hailstack.pipeline.sinks.records.to_record` of every frame;
    * ``TOPIC/counts``: retained, how many of each class the newest frame shows, when that changes; in a run
      with several models ``TOPIC/MODEL/counts``;
    * ``TOPIC/status``: retained, ``online`` or ``offline``; the broker says the latter by itself if this process dies.

    Args:
        url: see :class:`Broker`.
        qos: MQTT's quality of service of the records, 0 to 2.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        InputError: the broker does not answer, or refuses.
        InferencePipelineError: it did not take a message in time.
    """

    def __init__(self, url: str, *, qos: int = 1) -> None:
        self._broker = Broker.parse(url)
        if qos not in (0, 1, 2):
            message = f"{self._broker}: qos is {qos}, it must be 0, 1 or 2"
            raise InputError(message)
        self._qos = qos
        self._counts: dict[str, Mapping[str, int]] = {}
        """By model."""
        self._refusal: str = ""
        self._answered = threading.Event()
        self._client: Any = self._connect()
        self._publish("status", "online", retain=True)

    def _connect(self) -> Any:
        try:
            from paho.mqtt import client as paho
        except ImportError as error:
            message = f"{self._broker}: MQTT needs paho-mqtt: pip install 'hailstack[mqtt]'"
            raise MissingExtraError(message) from error
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)  # type: ignore[attr-defined, unused-ignore]
        client.will_set(f"{self._broker.topic}/status", "offline", qos=1, retain=True)
        client.max_queued_messages_set(QUEUE_SIZE)
        client.on_connect = self._connected
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.is_secure:
            client.tls_set()
        try:
            client.connect(self._broker.host, self._broker.port, keepalive=30)
        except OSError as error:
            message = f"{self._broker}: the broker cannot be reached: {error.strerror or error}"
            raise InputError(message) from error
        client.loop_start()
        if not self._answered.wait(ANSWER_S) or self._refusal:
            client.loop_stop()
            message = f"{self._broker}: the broker refused: {self._refusal or 'no answer'}"
            raise InputError(message)
        return client

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._refusal = str(reason) if reason.is_failure else ""
        self._answered.set()

    def put(self, outcome: Result | Failed) -> None:
        record = to_record(outcome)
        self._publish("records", json.dumps(record, allow_nan=False), frame=outcome.id.number)
        if (objects := record.get("objects")) is None:
            return
        counts = Counter(one["class"] for one in objects)
        if counts != self._counts.get(outcome.model):
            self._counts[outcome.model] = counts
            leaf = f"{outcome.model}/counts" if outcome.model else "counts"
            self._publish(leaf, json.dumps(counts), retain=True, frame=outcome.id.number)

    def _publish(self, leaf: str, payload: str, *, retain: bool = False, frame: int | None = None) -> None:
        message = self._client.publish(f"{self._broker.topic}/{leaf}", payload, self._qos, retain)
        # The first code is "no connection": paho keeps the message and delivers it when the broker is back.
        if message.rc not in (0, 4):
            text = f"{self._broker}: {QUEUE_SIZE} messages wait for the broker, this one was not taken"
            raise InferencePipelineError(text, frame=frame)

    def close(self) -> None:
        """Deliver what waits and say good-bye. May be called again."""
        client, self._client = self._client, None
        if client is None:
            return
        farewell = client.publish(f"{self._broker.topic}/status", "offline", 1, True)
        try:
            farewell.wait_for_publish(ANSWER_S)
            delivered = farewell.is_published()
        except (RuntimeError, ValueError):
            delivered = False
        client.disconnect()
        client.loop_stop()
        if not delivered:
            message = f"{self._broker}: the broker went away before it had taken all records"
            raise InferencePipelineError(message)
