"""What is loaded on a board: one program for each network group of each HEF, however often it is configured."""

from __future__ import annotations

import threading
from typing import TypeAlias

from hailstack.emulator.program import Program, load_program
from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.errors import ModelError, Status
from hailstack.hef.model import Hef, NetworkGroup

_Key: TypeAlias = tuple[object, ...]


class Programs:
    """Programs by content, loaded once and kept until the board closes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._loaded: dict[_Key, Program] = {}

    def load(self, hef: Hef, group: NetworkGroup) -> Program:
        """The program of ``group``.

        Raises:
            StatusError: ``INVALID_HEF``: its graph cannot be loaded or does not fit the group.
        """
        key = _key(hef, group)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._load(hef, group)
            return self._loaded[key]

    def _load(self, hef: Hef, group: NetworkGroup) -> Program:
        try:
            return load_program(hef, group, self._settings)
        except ModelError as error:
            raise StatusError(Status.INVALID_HEF, str(error)) from error

    def close(self) -> None:
        """Unload everything. May be called twice."""
        with self._lock:
            programs = list(self._loaded.values())
            self._loaded.clear()
        for program in programs:
            program.close()


def _key(hef: Hef, group: NetworkGroup) -> _Key:
    # The path belongs to it: a twin is found by the file's name.
    header = hef.header
    return (str(hef.path), header.version, header.proto_size, header.digest, header.ccws_size, group.name)
