"""Results sent over the network, to real servers on this machine."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from paho.mqtt import client as paho
from websockets.sync.client import connect

from hailstack.errors import InferencePipelineError, InputError
from hailstack.pipeline.sinks.live import LiveSink
from hailstack.pipeline.sinks.mqtt import Broker, MqttSink
from hailstack.pipeline.sinks.webhook import WebhookSink
from hailstack.types import Detections, FrameId, Result

ONE = Detections(
    np.array([[10, 5, 30, 35]], np.float32), np.array([0.75], np.float32), np.array([0], np.int32), ("cat",)
)


def frame(number=0, prediction=ONE):
    return Result(FrameId("a.mp4", number, number / 10), prediction, np.full((40, 60, 3), 90, np.uint8))


class Hook:
    """A web server that keeps what is posted and answers from a list."""

    def __init__(self, answers=()):
        self.received = []
        answers = list(answers)

        received = self.received
        self.authorizations = authorizations = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                authorizations.append(self.headers["Authorization"])
                received.append((self.headers["Content-Type"], json.loads(body)))
                self.send_response(answers.pop(0) if answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/records"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def test_a_webhook_gets_every_record():
    with Hook() as hook:
        sink = WebhookSink(hook.url)
        sink.write(frame(0))
        sink.write(frame(1))
    assert [(kind, record["frame"]) for kind, record in hook.received] == [
        ("application/json", 0),
        ("application/json", 1),
    ]


def test_a_webhook_gets_the_name_and_password_of_its_address():
    with Hook() as hook:
        WebhookSink(hook.url.replace("//", "//me:s%3acret@")).write(frame())
    assert hook.authorizations == [f"Basic {base64.b64encode(b'me:s:cret').decode()}"]


def test_a_webhook_that_is_busy_is_asked_again():
    pauses = []
    with Hook([503, 429]) as hook:
        WebhookSink(hook.url, sleep=pauses.append).write(frame())
    assert len(hook.received) == 3
    assert pauses == sorted(pauses) and len(pauses) == 2


def test_a_webhook_that_refuses_is_not_asked_again():
    with Hook([404]) as hook, pytest.raises(InferencePipelineError, match=r"frame 7.*answered 404"):
        WebhookSink(hook.url, sleep=lambda s: None).write(frame(7))
    assert len(hook.received) == 1


def test_a_webhook_that_nobody_answers_is_named():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(InferencePipelineError, match=f"127.0.0.1:{port}.*refused"):
        WebhookSink(f"http://127.0.0.1:{port}/", sleep=lambda s: None).write(frame())


def test_a_server_that_speaks_no_http_is_named():
    def babble():
        for _ in range(3):
            peer, _ = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"what?\r\n\r\n")

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=babble)
        thread.start()
        with pytest.raises(InferencePipelineError, match=r"frame 0: .*what\?"):
            WebhookSink(f"http://127.0.0.1:{server.getsockname()[1]}/", sleep=lambda s: None).write(frame())
        thread.join()


def test_a_webhook_may_hear_only_of_what_was_found():
    with Hook() as hook:
        sink = WebhookSink(hook.url, found_only=True)
        sink.write(frame(0, Detections.empty()))
        sink.write(frame(1))
    assert [record["frame"] for _, record in hook.received] == [1]


@pytest.fixture(scope="module")
def broker(program, tmp_path_factory):
    """A real mosquitto on a free port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = tmp_path_factory.mktemp("broker") / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([program("mosquitto"), "-c", str(settings)], stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
        process.terminate()


class Listener:
    """Somebody else's subscription."""

    def __init__(self, port, topic):
        self.messages = []
        self._subscribed = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, data, message: self.messages.append(
            (message.topic, message.payload.decode())
        )
        self._client.on_subscribe = lambda *args: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(topic, 1)
        assert self._subscribed.wait(5)

    def until(self, count):
        deadline = time.monotonic() + 5
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.messages

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def test_a_subscriber_hears_status_records_and_changed_counts(broker):
    with closing(Listener(broker, "field/#")) as listener:
        sink = MqttSink(f"mqtt://127.0.0.1:{broker}/field/north")
        sink.write(frame(0))
        sink.write(frame(1))
        sink.close()
        sink.close()
        messages = listener.until(5)
    assert messages[0] == ("field/north/status", "online")
    assert messages[-1] == ("field/north/status", "offline")
    assert [json.loads(text)["frame"] for topic, text in messages if topic.endswith("/records")] == [0, 1]
    assert [json.loads(text) for topic, text in messages if topic.endswith("/counts")] == [{"cat": 1}]


def test_who_comes_later_still_learns_the_newest_counts(broker):
    sink = MqttSink(f"mqtt://127.0.0.1:{broker}/later")
    sink.write(frame(0))
    sink.close()
    with closing(Listener(broker, "later/#")) as listener:
        assert dict(listener.until(2)) == {"later/counts": '{"cat": 1}', "later/status": "offline"}


def test_a_broker_that_is_not_there_is_named():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(InputError, match=f"127.0.0.1:{port}.*cannot be reached: Connection refused"):
        MqttSink(f"mqtt://127.0.0.1:{port}/a")


def test_an_mqtt_address_says_host_port_and_topic():
    broker = Broker.parse("mqtts://me:p%40ss@box/a/b")
    assert (broker.host, broker.port, broker.topic, broker.user, broker.password) == ("box", 8883, "a/b", "me", "p@ss")
    assert "p@ss" not in str(broker)
    for wrong in ("mqtt://box", "mqtt:///a", "mqtt://box/a/#", "mqtt://box:99999/a"):
        with pytest.raises(InputError, match="mqtt:"):
            Broker.parse(wrong)


@pytest.fixture
def live():
    with closing(LiveSink("0")) as sink:
        yield sink


def fetched(live, path):
    with urllib.request.urlopen(live.url + path, timeout=5) as answer:
        return answer.read()


def test_the_newest_picture_and_record_can_be_fetched(live):
    live.write(frame(0))
    live.write(frame(1))
    assert json.loads(fetched(live, "record"))["frame"] == 1
    picture = cv2.imdecode(np.frombuffer(fetched(live, "picture.jpg"), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (40, 60, 3)
    assert picture[5:8, 10:30].std() > 20, "the box is drawn"


def test_before_the_first_frame_there_is_no_picture(live):
    assert json.loads(fetched(live, "record")) == {}
    with pytest.raises(urllib.error.HTTPError, match="503"):
        fetched(live, "picture.jpg")


def test_a_viewer_gets_a_record_and_its_picture(live):
    with connect(live.url.replace("http", "ws") + "ws") as viewer:
        live.write(frame(3))
        assert json.loads(viewer.recv(timeout=5))["frame"] == 3
        assert viewer.recv(timeout=5)[:2] == b"\xff\xd8"


def test_motion_jpeg_goes_on_until_the_run_is_over(live):
    with urllib.request.urlopen(live.url + "stream.mjpg", timeout=5) as stream:
        assert "multipart/x-mixed-replace" in stream.headers["Content-Type"]
        live.write(frame(0))
        assert stream.readline() == b"--frame\r\n"
        live.close()
        assert b"\xff\xd8" in stream.read()


def test_a_port_that_is_taken_is_named(live):
    port = live.url.rstrip("/").rpartition(":")[2]
    with pytest.raises(InputError, match=f"live:127.0.0.1:{port}: cannot listen there"):
        LiveSink(port)


def test_closing_twice_leaves_no_thread():
    sink = LiveSink("0")
    sink.close()
    sink.close()
    assert not [one for one in threading.enumerate() if one.name == "hailstack-live"]
