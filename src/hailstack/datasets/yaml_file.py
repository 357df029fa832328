"""YAML files with a mapping in them, read with clear errors and changed with the rest left as people wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hailstack.errors import ConfigError, MissingExtraError, NotFoundError
from hailstack.files import replacing

DATASET_KEYS = "a dataset's YAML has keys such as 'train', 'val' and 'names'; no split is named here"


def read_yaml(file: Path, wanted: str = DATASET_KEYS) -> Mapping[str, Any]:
    """The mapping in a YAML file.

    Args:
        wanted: what to say of a file with something else in it.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is not YAML; the message names the line. Or there is something else than a mapping in it.
        MissingExtraError: PyYAML is not installed.
    """
    yaml, text = _yaml(file), _text(file)
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none is a ValueError
        message = f"{file}: not readable as YAML: {error}"
        raise ConfigError(message) from error
    if not isinstance(config, dict):
        message = f"{file}: {wanted}"
        raise ConfigError(message)
    return config


def change_yaml(file: Path, values: Mapping[str, Any]) -> None:
    """Set top-level keys of a YAML file, or take them out (None); every other line and comment stays. It may be new.

    Raises:
        ConfigError: the old file is not a mapping in YAML.
        InputError: it cannot be written.
        MissingExtraError: PyYAML is not installed.
    """
    text = _text(file) if file.exists() else ""
    old = read_yaml(file) if text.strip() else {}
    wanted = {key: value for key, value in {**old, **values}.items() if value is not None}
    changed = _changed(file, text, {key: value for key, value in values.items() if old.get(key) != value})
    if _yaml(file).safe_load(changed) != wanted:  # written in a style that has no lines for keys
        changed = "".join(_entry(file, key, value) for key, value in wanted.items())
    with replacing(file) as partial:
        partial.write_text(changed, encoding="utf-8")


def _yaml(file: Path) -> ModuleType:
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        message = f"{file}: reading YAML needs PyYAML: pip install 'hailstack[data]'"
        raise MissingExtraError(message) from error
    module: ModuleType = yaml
    return module


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        message = f"{file}: no such dataset file"
        raise NotFoundError(message) from error
    except UnicodeDecodeError as error:
        message = f"{file}: not readable as YAML: {error}"
        raise ConfigError(message) from error


def _entry(file: Path, key: str, value: Any) -> str:
    if value is None:
        return ""
    text: str = _yaml(file).safe_dump({key: value}, allow_unicode=True, sort_keys=False)
    return text


def _changed(file: Path, text: str, values: Mapping[str, Any]) -> str:
    spans = _spans(file, text)
    for key in sorted(spans.keys() & values.keys(), key=lambda key: spans[key], reverse=True):
        start, end = spans[key]
        text = text[:start] + _entry(file, key, values[key]) + text[end:]
    if text and not text.endswith("\n"):
        text += "\n"
    return text + "".join(_entry(file, key, value) for key, value in values.items() if key not in spans)


def _spans(file: Path, text: str) -> Mapping[str, tuple[int, int]]:
    """Top-level key → where its lines begin and end in the text; comments behind them are the next key's."""
    node = _yaml(file).compose(text) if text.strip() else None
    if node is None:
        return {}
    keys = [key for key, _ in node.value]
    ends = [key.start_mark.index for key in keys[1:]] + [len(text)]
    return {
        str(key.value): (key.start_mark.index, key.start_mark.index + _own(text[key.start_mark.index : end]))
        for key, end in zip(keys, ends, strict=True)
    }


def _own(entry: str) -> int:
    """How much of an entry is not blank lines and comments at its end."""
    lines = entry.splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return sum(map(len, lines))
