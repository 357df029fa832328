"""Which twin of the settings belongs to a HEF."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hailstack.emulator.settings import Settings
from hailstack.emulator.twin.options import TwinSource, parse_twin
from hailstack.errors import HefError
from hailstack.hef import read_hef
from hailstack.hef.model import Hef

_SHA256_DIGITS = 64


def find_twin(hef: Hef, settings: Settings) -> TwinSource | None:
    """The twin that the settings name for ``hef``, or None.

    A twin's key matches by path, by content (also of a HEF that was read from bytes), by file name or by sha256, in
    this order.

    Raises:
        NotFoundError, ConfigError: the twin that matches is not there or is described wrongly.
    """
    for matches in (_same_path, _same_content, _same_name, _same_sha256):
        for key, twin in settings.twins.items():
            if matches(hef, key):
                return parse_twin(str(twin))
    return None


def _same_path(hef: Hef, key: str) -> bool:
    return hef.path is not None and hef.path.resolve() == Path(key).resolve()


def _same_content(hef: Hef, key: str) -> bool:
    if not Path(key).is_file():
        return False
    try:
        return read_hef(key).header == hef.header
    except HefError:
        return False


def _same_name(hef: Hef, key: str) -> bool:
    return hef.path is not None and hef.path.name == Path(key).name


def _same_sha256(hef: Hef, key: str) -> bool:
    return len(key) == _SHA256_DIGITS and hashlib.sha256(hef.content).hexdigest() == key.lower()
