"""Who is on the page, and telling them what others did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.websockets import WebSocketDisconnect

LONGEST_NAME = 40
PATIENCE_S = 5.0


class Line(Protocol):
    """A connection to one browser window."""

    async def send_json(self, data: Any) -> None: ...


@dataclass(slots=True, eq=False)
class Person:
    """One browser window."""

    id: str
    line: Line
    name: str = ""
    at: str | None = None
    """The picture that is open there."""

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "at": self.at}


@dataclass(slots=True)
class People:
    """Everybody who is connected."""

    _here: list[Person] = field(default_factory=list)

    async def arrive(self, person: Person) -> None:
        self._here.append(person)
        await self.tell_presence()

    async def leave(self, person: Person) -> None:
        if person in self._here:
            self._here.remove(person)
            await self.tell_presence()

    async def tell_presence(self) -> None:
        """Everybody learns who is where."""
        await self.tell({"kind": "people", "people": [person.to_dict() for person in self._here]})

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a message to everybody; a window that does not take it in time is no longer counted in."""
        here = list(self._here)
        heard = await asyncio.gather(*(_heard(person, message) for person in here))
        gone = [person for person, has in zip(here, heard, strict=True) if not has]
        self._here = [person for person in self._here if person not in gone]


async def _heard(person: Person, message: dict[str, Any]) -> bool:
    try:
        await asyncio.wait_for(person.line.send_json(message), PATIENCE_S)
    except (WebSocketDisconnect, RuntimeError, OSError, TimeoutError):  # it has left; its own handler will say so
        return False
    return True
