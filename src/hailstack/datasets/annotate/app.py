"""What the addresses of the annotation server answer.

========================================  =====================================================================
``/``, ``/page/…``                        the page
``GET /api/dataset``                      classes, and name, state and number of boxes of every picture
``GET /api/pictures/N``                   the lines of a picture
``GET /api/pictures/N/image|thumb``       its pixels, upright
``GET /api/pictures/N/proposals``         what the network proposes
``POST /api/pictures/N/edits``            change lines (kept as a draft)
``POST /api/pictures/N/save``             change lines, write the label file, take it for reviewed
``POST /api/pictures/N/revert|reopen``    back to the label file; look at it again
``POST /api/classes``                     a new class, or a new name for one
``WS /api/live``                          who is where, and what others change
========================================  =====================================================================

Pictures go by their number: no path ever comes from outside.
"""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.websockets import WebSocketDisconnect

from hailstack.datasets.annotate.desk import Desk
from hailstack.datasets.annotate.documents import Batch, Document
from hailstack.datasets.annotate.lines import LONGEST_LINE, Edit
from hailstack.datasets.annotate.people import LONGEST_NAME, People, Person
from hailstack.datasets.annotate.pictures import Sent, Thumbnails, read_picture
from hailstack.datasets.annotate.proposals import Proposals
from hailstack.errors import HailstackError, InputError, NotFoundError

ROOM = "hailstack.datasets.annotate"
STATE_LETTERS = {"open": "o", "draft": "d", "labelled": "l", "reviewed": "r"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EditBody(_Strict):
    """One edit: the line as it was, and as it is to be."""

    was: str | None = Field(max_length=LONGEST_LINE)
    now: str | None = Field(max_length=LONGEST_LINE)


class BatchBody(_Strict):
    """Edits of one picture."""

    edits: list[EditBody] = Field(default=[], max_length=20_000)
    sender: str = Field(default="", max_length=LONGEST_NAME)
    number: int = 0
    undoes: bool = False
    person: str = Field(default="", max_length=LONGEST_NAME)

    def to_batch(self) -> Batch:
        return Batch([Edit(one.was, one.now) for one in self.edits], self.sender, self.number, self.undoes)


class SenderBody(_Strict):
    """Who asks."""

    sender: str = Field(default="", max_length=LONGEST_NAME)


class ClassBody(_Strict):
    """A name for a class; with ``id``, instead of the name ``was``."""

    name: str
    id: int | None = None
    was: str = ""


def make_app(desk: Desk, proposals: Proposals | None) -> FastAPI:
    """The server's application over an open dataset."""
    app = FastAPI(title="hailstack data annotate", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(HailstackError, _told)
    site = Site(desk, proposals)
    page = resources.files(ROOM).joinpath("page")
    app.mount("/page", StaticFiles(directory=str(page)), name="page")
    app.add_api_route("/", site.page)
    app.add_api_route("/api/dataset", site.dataset)
    app.add_api_route("/api/pictures/{number}", site.document)
    app.add_api_route("/api/pictures/{number}/image", site.image)
    app.add_api_route("/api/pictures/{number}/thumb", site.thumb)
    app.add_api_route("/api/pictures/{number}/proposals", site.proposed)
    app.add_api_route("/api/pictures/{number}/edits", site.edit, methods=["POST"])
    app.add_api_route("/api/pictures/{number}/save", site.save, methods=["POST"])
    app.add_api_route("/api/pictures/{number}/revert", site.revert, methods=["POST"])
    app.add_api_route("/api/pictures/{number}/reopen", site.reopen, methods=["POST"])
    app.add_api_route("/api/classes", site.name_class, methods=["POST"])
    app.add_api_websocket_route("/api/live", site.live)
    return app


async def _told(request: Request, error: Exception) -> Response:
    """What went wrong, for the page to show."""
    status = 404 if isinstance(error, NotFoundError) else 422 if isinstance(error, InputError) else 500
    return JSONResponse({"detail": str(error)}, status)


class Site:
    """The answers. What touches the disk runs in threads, so that nobody waits for another's picture."""

    def __init__(self, desk: Desk, proposals: Proposals | None) -> None:
        self._desk = desk
        self._proposals = proposals
        self._thumbnails = Thumbnails()
        self._people = People()

    def page(self) -> Response:
        text = resources.files(ROOM).joinpath("page", "index.html").read_text("utf-8")
        return Response(text, media_type="text/html; charset=utf-8", headers={"cache-control": "no-cache"})

    def dataset(self, request: Request) -> Response:
        rows = self._desk.overview()
        answer = JSONResponse(
            {
                "title": self._desk.folder.name,
                "classes": self._desk.names,
                "names": [name for name, _, _ in rows],
                "states": "".join(STATE_LETTERS[state] for _, state, _ in rows),
                "counts": [count for _, _, count in rows],
                "proposes": self._proposals is not None,
            }
        )
        return _compressed(answer) if "gzip" in request.headers.get("accept-encoding", "") else answer

    def document(self, number: int) -> Response:
        return JSONResponse(_as_json(self._desk.document(number)))

    def image(self, number: int) -> Response:
        return _sent(read_picture(self._desk.picture(number)))

    def thumb(self, number: int) -> Response:
        return _sent(self._thumbnails.get(self._desk.picture(number)))

    def proposed(self, number: int) -> Response:
        path = self._desk.picture(number)
        found: Sequence[Any] = () if self._proposals is None else self._proposals.get(path)
        return JSONResponse([asdict(one) for one in found])

    async def edit(self, number: int, body: BatchBody) -> Response:
        return await self._changed(body.sender, await run_in_threadpool(self._desk.edit, number, body.to_batch()))

    async def save(self, number: int, body: BatchBody) -> Response:
        saved = await run_in_threadpool(self._desk.save, number, body.to_batch(), body.person)
        return await self._changed(body.sender, saved)

    async def revert(self, number: int, body: SenderBody) -> Response:
        return await self._changed(body.sender, await run_in_threadpool(self._desk.revert, number))

    async def reopen(self, number: int, body: SenderBody) -> Response:
        return await self._changed(body.sender, await run_in_threadpool(self._desk.reopen, number))

    async def name_class(self, body: ClassBody) -> Response:
        if body.id is None:
            number = await run_in_threadpool(self._desk.add_class, body.name)
        else:
            number = body.id
            await run_in_threadpool(self._desk.rename_class, number, body.was, body.name)
        await self._people.tell({"kind": "classes", "classes": self._desk.names})
        return JSONResponse({"id": number, "classes": self._desk.names})

    async def live(self, websocket: WebSocket) -> None:
        await websocket.accept()
        person = Person(secrets.token_hex(4), websocket)
        try:
            await websocket.send_json({"kind": "you", "id": person.id})
            await self._people.arrive(person)
            while True:
                _note(person, await websocket.receive_json())
                await self._people.tell_presence()
        except (WebSocketDisconnect, ValueError, RuntimeError):  # gone, or it speaks no JSON
            pass
        finally:
            await self._people.leave(person)

    async def _changed(self, sender: str, document: Document) -> Response:
        answer = _as_json(document)
        told = {key: answer[key] for key in ("id", "state", "count", "revision")}
        await self._people.tell({"kind": "picture", "sender": sender, **told})
        return JSONResponse(answer)


def _note(person: Person, message: Any) -> None:
    """Take down what a window says about itself."""
    if isinstance(message, dict):
        at = message.get("at")
        person.name = str(message.get("name", ""))[:LONGEST_NAME]
        person.at = at if isinstance(at, int) else None


def _as_json(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "name": document.name,
        "lines": document.lines,
        "state": STATE_LETTERS[document.state],
        "count": len(document.lines),
        "is_saved": document.saved is not None,
        "revision": document.revision,
        "conflicts": [asdict(conflict) for conflict in document.conflicts],
    }


def _compressed(answer: Response) -> Response:
    """Names of ten thousand pictures are much alike."""
    packed = gzip.compress(bytes(answer.body), 3)
    return Response(packed, media_type=answer.media_type, headers={"content-encoding": "gzip"})


def _sent(picture: Sent) -> Response:
    return Response(picture.data, media_type=picture.media_type, headers={"cache-control": "private, max-age=600"})
