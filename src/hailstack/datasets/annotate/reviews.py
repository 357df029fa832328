"""Which pictures somebody has looked at and saved, in one file beside the dataset."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from hailstack.errors import ConfigError
from hailstack.files import replacing

VERSION = 1


class Reviews:
    """Picture → by whom and when it was last saved, kept in a JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def record(self, name: str, person: str) -> None:
        """Somebody saved the picture just now."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write({**self._entries, name: {"by": person, "at": now}})

    def forget(self, name: str) -> None:
        """The picture is to be looked at again."""
        if name in self._entries:
            self._write({key: entry for key, entry in self._entries.items() if key != name})

    def _write(self, entries: dict[str, dict[str, str]]) -> None:
        with replacing(self._path) as partial:
            partial.write_text(json.dumps({"version": VERSION, "reviewed": entries}), "utf-8")
        self._entries = entries


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        value = json.loads(path.read_text("utf-8"))
        if value["version"] != VERSION:
            message = f"{path}: written by another version of Hailstack (format {value['version']})"
            raise ConfigError(message)
        return {str(name): dict(entry) for name, entry in value["reviewed"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ConfigError):
            raise
        message = f"{path}: not a list of reviewed pictures ({error}); move it away to begin a new one"
        raise ConfigError(message) from error
