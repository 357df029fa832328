"""A page with the annotated pictures, for boxes without a screen."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import deque
from importlib import resources
from typing import TYPE_CHECKING, Any

from hailstack.errors import InferencePipelineError, InputError, MissingExtraError
from hailstack.imaging import encode_image
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.records import to_record
from hailstack.pipeline.sinks.view import View
from hailstack.types import Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START_S = 10.0
BOUNDARY = "frame"
RATE_WINDOW = 60


class Scene:
    """The newest picture, of all sources and models, and the newest record. Written by the pipeline's thread, read by
    the server's.

    The picture is drawn and encoded once, and only while somebody looks.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._result: Result | None = None
        self._view = View()
        self._version = 0
        self._picture: tuple[int, bytes] = (0, b"")
        self._times: deque[float] = deque(maxlen=RATE_WINDOW)
        self._drawing = threading.Lock()
        self.is_over = False

    def show(self, result: Result) -> None:
        with self._condition:
            self._result = result
            self._view.show(result)
            self._version += 1
            self._times.append(time.monotonic())
            self._condition.notify_all()

    def end(self) -> None:
        """What was shown belongs to sources that have ended."""
        with self._condition:
            self._view.end()

    def finish(self) -> None:
        with self._condition:
            self.is_over = True
            self._condition.notify_all()

    def wait_beyond(self, version: int, timeout_s: float = 1.0) -> int:
        """The newest version, as soon as it is another one; the same one after the time is up."""
        with self._condition:
            self._condition.wait_for(lambda: self._version != version or self.is_over, timeout_s)
            return self._version

    def picture(self) -> bytes:
        """The newest annotated picture as JPEG."""
        with self._drawing:
            with self._condition:
                version = self._version
                view = self._view.snapshot() if self._picture[0] != version else None
            if view is not None:
                shown = view.picture()
                self._picture = version, b"" if shown is None else encode_image(shown, ".jpg")
            return self._picture[1]

    def record(self) -> dict[str, Any]:
        """The newest record with ``fps``, frames a second over the last ones."""
        with self._condition:
            result, times = self._result, list(self._times)
        if result is None:
            return {}
        seconds = times[-1] - times[0]
        return {**to_record(result), "fps": round((len(times) - 1) / seconds, 1) if seconds > 0 else None}


class LiveSink:
    """Serves a page on ``address``.

    ====================  ==================================================================
    ``/``                 the page: picture, rate, what is found; pause and save
    ``/stream.mjpg``      motion JPEG, for ``<img>``, VLC, Home Assistant
    ``/ws``               WebSocket: a JSON record as text, then its JPEG as bytes, newest only
    ``/record``           the newest record
    ``/picture.jpg``      the newest picture
    ====================  ==================================================================

    A viewer that is slow gets fewer pictures, never older ones, and holds nobody up.

    Args:
        address: ``PORT``, ``HOST:PORT``; without a host only this machine can look. Port 0 takes a free one.

    Raises:
        MissingExtraError: the web server is not installed.
        InputError: the address is wrong, or something else listens there.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not port.isdecimal() or int(port) > 65535:
            message = f"live:{address}: write live:PORT or live:HOST:PORT"
            raise InputError(message)
        self._scene = Scene()
        self._socket = _listen(host or "127.0.0.1", int(port))
        self._server = _make_server(self._scene)
        self._thread = threading.Thread(target=self._serve, name="hailstack-live", daemon=True)
        self._thread.start()
        self._await_start()

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}/"

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _await_start(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                self.close()
                message = f"live: the page on {self.url} did not start"
                raise InferencePipelineError(message)
            time.sleep(0.01)

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Result) -> None:
        self._scene.show(result)

    def end(self) -> None:
        self._scene.end()

    def close(self) -> None:
        """Say good-bye to the viewers and stop serving. May be called again."""
        self._scene.finish()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        message = f"live:{host}:{port}: cannot listen there: {error.strerror or error}"
        raise InputError(message) from error


def _make_server(scene: Scene) -> Any:
    try:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute
    except ImportError as error:
        message = "live: the page needs a web server: pip install 'hailstack[serve]'"
        raise MissingExtraError(message) from error

    site = _Site(scene)
    routes = [
        Route("/", site.page),
        Route("/record", site.record),
        Route("/picture.jpg", site.picture),
        Route("/stream.mjpg", site.mjpeg),
        WebSocketRoute("/ws", site.viewer),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_level="error", timeout_graceful_shutdown=1)
    return uvicorn.Server(config)


class _Site:
    """What the addresses answer."""

    def __init__(self, scene: Scene) -> None:
        from starlette import responses

        self._scene = scene
        self._responses = responses

    async def page(self, request: Any) -> Any:
        text = resources.files("hailstack.pipeline.sinks").joinpath("live.html").read_text("utf-8")
        return self._responses.HTMLResponse(text)

    async def record(self, request: Any) -> Any:
        return self._responses.JSONResponse(self._scene.record())

    async def picture(self, request: Any) -> Any:
        data = await asyncio.to_thread(self._scene.picture)
        fresh = {"Cache-Control": "no-store"}
        return self._responses.Response(data, 200 if data else 503, media_type="image/jpeg", headers=fresh)

    async def mjpeg(self, request: Any) -> Any:
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        return self._responses.StreamingResponse(_parts(self._scene), media_type=kind)

    async def viewer(self, websocket: Any) -> None:
        await websocket.accept()
        async for data in _pictures(self._scene):
            if not await _sent(websocket, json.dumps(self._scene.record()), data):
                return
        await websocket.close()


async def _sent(websocket: Any, record: str, picture: bytes) -> bool:
    """Whether the viewer is still there."""
    from starlette.websockets import WebSocketDisconnect

    try:
        await websocket.send_text(record)
        await websocket.send_bytes(picture)
    except (WebSocketDisconnect, RuntimeError):  # servers differ in how they say that somebody has left
        return False
    return True


async def _pictures(scene: Scene) -> AsyncIterator[bytes]:
    """Each new picture that there is time for, until the run is over."""
    version = 0
    while not scene.is_over:
        newest = await asyncio.to_thread(scene.wait_beyond, version)
        if newest != version:
            version = newest
            yield await asyncio.to_thread(scene.picture)


async def _parts(scene: Scene) -> AsyncIterator[bytes]:
    async for data in _pictures(scene):
        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        yield head.encode() + data + b"\r\n"
