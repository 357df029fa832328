"""What the addresses of the annotation server answer.

=====================================  ========================================================================
``/``, ``/page/…``                     the page
``GET /api/dataset``                   classes, and name, state and number of boxes of every picture
``GET /api/lines?picture=NAME``        the lines of a picture
``GET /api/proposals?picture=NAME``    what the network proposes
``GET /api/image|thumb?picture=NAME``  its pixels, upright; small
``POST /api/edits``                    change lines (kept as a draft)
``POST /api/save``                     change lines, write the label file, take it for reviewed
``POST /api/reopen``                   look at it again
``POST /api/classes``                  a new class, or a new name for one
``POST /api/classes/remove``           a class that no box has goes
``WS /api/live``                       who is where, and what others change
=====================================  ========================================================================

A picture goes by its name in the dataset, which is looked up in a table: no path from outside reaches the disk, and a
page that outlives its server means the same picture to the next one.
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


class PictureBody(_Strict):
    """A picture, and who asks."""

    picture: str
    sender: str = Field(default="", max_length=LONGEST_NAME)


class BatchBody(PictureBody):
    """Edits of one picture."""

    edits: list[EditBody] = Field(default=[], max_length=20_000)
    number: int = 0
    undoes: bool = False
    person: str = Field(default="", max_length=LONGEST_NAME)

    def to_batch(self) -> Batch:
        return Batch([Edit(one.was, one.now) for one in self.edits], self.sender, self.number, self.undoes)


class ClassBody(_Strict):
    """A name for a class; with ``id``, instead of the name ``was``."""

    name: str
    id: int | None = None
    was: str = ""


class RemovalBody(_Strict):
    """A class that is to go, and what it is called."""

    id: int
    was: str


def make_app(desk: Desk, proposals: Proposals | None) -> FastAPI:
    """The server's application over an open dataset."""
    app = FastAPI(title="hailstack data annotate", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(HailstackError, _told)
    site = Site(desk, proposals)
    page = resources.files(ROOM).joinpath("page")
    app.mount("/page", StaticFiles(directory=str(page)), name="page")
    app.add_api_route("/", site.page)
    app.add_api_route("/api/dataset", site.dataset)
    for name in ("lines", "proposals", "image", "thumb"):
        app.add_api_route(f"/api/{name}", getattr(site, name))
    for name in ("edits", "save", "reopen"):
        app.add_api_route(f"/api/{name}", getattr(site, name), methods=["POST"])
    app.add_api_route("/api/classes", site.name_class, methods=["POST"])
    app.add_api_route("/api/classes/remove", site.remove_class, methods=["POST"])
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
        self._key = secrets.token_hex(4)  # part of pictures' addresses, so that none is kept from another dataset
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
                "key": self._key,
                "classes": self._desk.names,
                "names": [name for name, _, _ in rows],
                "states": "".join(STATE_LETTERS[state] for _, state, _ in rows),
                "counts": [count for _, _, count in rows],
                "proposes": self._proposals is not None,
            }
        )
        return _compressed(answer) if "gzip" in request.headers.get("accept-encoding", "") else answer

    def lines(self, picture: str) -> Response:
        return JSONResponse(_as_json(self._desk.document(picture)))

    def image(self, picture: str) -> Response:
        return _sent(read_picture(self._desk.picture(picture)))

    def thumb(self, picture: str) -> Response:
        return _sent(self._thumbnails.get(self._desk.picture(picture)))

    def proposals(self, picture: str) -> Response:
        path = self._desk.picture(picture)
        found: Sequence[Any] = () if self._proposals is None else self._proposals.get(path)
        return JSONResponse([asdict(one) for one in found])

    async def edits(self, body: BatchBody) -> Response:
        return await self._changed(body, await run_in_threadpool(self._desk.edit, body.picture, body.to_batch()))

    async def save(self, body: BatchBody) -> Response:
        saved = await run_in_threadpool(self._desk.save, body.picture, body.to_batch(), body.person)
        return await self._changed(body, saved)

    async def reopen(self, body: PictureBody) -> Response:
        return await self._changed(body, await run_in_threadpool(self._desk.reopen, body.picture))

    async def name_class(self, body: ClassBody) -> Response:
        if body.id is None:
            number = await run_in_threadpool(self._desk.add_class, body.name)
        else:
            number = body.id
            await run_in_threadpool(self._desk.rename_class, number, body.was, body.name)
        return await self._classes_changed(number)

    async def remove_class(self, body: RemovalBody) -> Response:
        await run_in_threadpool(self._desk.remove_class, body.id, body.was)
        return await self._classes_changed(body.id)

    async def _classes_changed(self, number: int) -> Response:
        await self._people.tell({"kind": "classes", "classes": self._desk.names})
        return JSONResponse({"id": number, "classes": self._desk.names})

    async def live(self, websocket: WebSocket) -> None:
        await websocket.accept()
        person = Person(secrets.token_hex(4), websocket)
        try:
            await websocket.send_json({"kind": "you", "id": person.id})
            await self._people.arrive(person)
            while True:
                self._note(person, await websocket.receive_json())
                await self._people.tell_presence()
        except (WebSocketDisconnect, ValueError, RuntimeError):  # gone, or it speaks no JSON
            pass
        finally:
            await self._people.leave(person)

    def _note(self, person: Person, message: Any) -> None:
        """Take down what a window says about itself."""
        if isinstance(message, dict):
            at = message.get("at")
            person.name = str(message.get("name", ""))[:LONGEST_NAME]
            person.at = at if at in self._desk else None

    async def _changed(self, body: PictureBody, document: Document) -> Response:
        answer = _as_json(document)
        told = {key: answer[key] for key in ("name", "state", "count", "revision")}
        await self._people.tell({"kind": "picture", "sender": body.sender, **told})
        return JSONResponse(answer)


def _as_json(document: Document) -> dict[str, Any]:
    return {
        "name": document.name,
        "lines": document.lines,
        "saved": document.saved,
        "state": STATE_LETTERS[document.state],
        "count": len(document.lines),
        "revision": document.revision,
        "conflicts": [asdict(conflict) for conflict in document.conflicts],
    }


def _compressed(answer: Response) -> Response:
    """Names of ten thousand pictures are much alike."""
    packed = gzip.compress(bytes(answer.body), 3)
    return Response(packed, media_type=answer.media_type, headers={"content-encoding": "gzip"})


def _sent(picture: Sent) -> Response:
    return Response(picture.data, media_type=picture.media_type, headers={"cache-control": "private, max-age=3600"})
