"""Reading FlatBuffers: tables of optional fields, found through offsets.

The format is small and fixed (https://flatbuffers.dev/internals/), so no package is needed for it. Positions come from
the file; one that leads outside raises :class:`struct.error` or :class:`ValueError`, for the caller to name the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Table:
    """A table at a position of a buffer. Fields are numbered as in the schema, from 0."""

    data: bytes
    position: int

    @classmethod
    def root(cls, data: bytes) -> Table:
        """The table that the whole buffer holds."""
        return cls(data, _read(data, "<I", 0))

    def scalar(self, slot: int, kind: str, default: float = 0) -> float:
        """A number of the type ``kind`` (a letter of :mod:`struct`), or ``default`` if it is not written."""
        place = self._field(slot)
        return struct.unpack_from(f"<{kind}", self.data, place)[0] if place else default

    def whole(self, slot: int, kind: str, default: int = 0) -> int:
        """The same for a whole number."""
        return int(self.scalar(slot, kind, default))

    def table(self, slot: int) -> Table | None:
        """A table inside, or None."""
        place = self._field(slot)
        return Table(self.data, self._follow(place)) if place else None

    def tables(self, slot: int) -> list[Table]:
        """A list of tables; empty if it is not written."""
        start, count = self._vector(slot)
        return [Table(self.data, self._follow(start + 4 * i)) for i in range(count)]

    def text(self, slot: int) -> str:
        """A string; empty if it is not written."""
        return self.array(slot, np.dtype(np.uint8)).tobytes().decode("utf-8", "replace")

    def array(self, slot: int, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
        """A list of numbers, without copying; empty if it is not written."""
        start, count = self._vector(slot)
        if start + count * dtype.itemsize > len(self.data):
            message = f"a list of {count} numbers ends behind the file"
            raise ValueError(message)
        return np.frombuffer(self.data, dtype.newbyteorder("<"), count, start)

    def _field(self, slot: int) -> int:
        """Where a field lies; 0 if it is not written."""
        fields = self.position - _read(self.data, "<i", self.position)
        entry = 4 + 2 * slot
        offset = _read(self.data, "<H", fields + entry) if entry < _read(self.data, "<H", fields) else 0
        return self.position + offset if offset else 0

    def _follow(self, place: int) -> int:
        return place + _read(self.data, "<I", place)

    def _vector(self, slot: int) -> tuple[int, int]:
        """Where a list begins, and how many entries it has."""
        place = self._field(slot)
        if not place:
            return 0, 0
        start = self._follow(place)
        return start + 4, _read(self.data, "<I", start)


def _read(data: bytes, kind: str, position: int) -> int:
    if position < 0:
        message = f"a position of {position} leads outside the file"
        raise ValueError(message)
    return int(struct.unpack_from(kind, data, position)[0])
