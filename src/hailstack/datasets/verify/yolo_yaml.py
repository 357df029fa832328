"""``data.yaml`` as it is written: what it names, on which line, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.naming import class_name_findings
from hailstack.datasets.yolo import SPLITS, keypoint_shape
from hailstack.datasets.yolo_label import Shape
from hailstack.errors import ConfigError, MissingExtraError

MOST_CLASSES = 1_000_000
"""An id beyond this is a mistake."""


@dataclass(frozen=True, slots=True)
class Yaml:
    """The keys of a dataset's YAML file that matter, with their lines."""

    file: Path | None
    splits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Split → folders and lists, as written."""
    root: Path = Path()
    """What relative ones count from."""
    names: Mapping[int, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    """Key, or ``names.3`` → line, from 1."""
    keypoints: Shape | None = None
    findings: tuple[Finding, ...] = ()

    def find(self, code: str, message: str, key: str = "") -> Finding:
        """A finding about a key of the file."""
        assert self.file is not None
        return Finding(code, self.file, message, self.lines.get(key))


def read_layout(file: Path) -> Yaml:
    """What a YAML file says; all that is wrong with it among its findings.

    Raises:
        MissingExtraError: PyYAML is not installed.
    """
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        message = f"{file}: reading YAML needs PyYAML: pip install 'hailstack[data]'"
        raise MissingExtraError(message) from error
    try:
        text = file.read_bytes().decode("utf-8-sig")
        config = yaml.safe_load(text)
        root = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, OSError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        wrong = Finding("file-syntax", file, f"not readable as YAML: {reason}", mark.line + 1 if mark else None)
        return Yaml(file, findings=(wrong,))
    if not isinstance(config, dict):
        return Yaml(file, findings=(Finding("file-syntax", file, "has no keys such as train, val and names"),))
    lines, twice = _lines(root)
    findings = [Finding("key-twice", file, f"{key} is there twice", line) for key, line in twice]
    return _checked(file, config, lines, findings)


def _lines(root: Any) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Key → line, and keys that come a second time with the line of that."""
    lines: dict[str, int] = {}
    twice: list[tuple[str, int]] = []
    for key, value in root.value:
        places = [(str(key.value), key)]
        if key.value == "names" and isinstance(value.value, list):
            inner = [one if isinstance(one, tuple) else (None, one) for one in value.value]
            places += [
                (f"names.{number if name is None else name.value}", name or entry)
                for number, (name, entry) in enumerate(inner)
            ]
        for name, node in places:
            line = node.start_mark.line + 1
            if name in lines:
                twice.append((name, line))
            lines[name] = line
    return lines, twice


def _checked(file: Path, config: Mapping[str, Any], lines: Mapping[str, int], findings: list[Finding]) -> Yaml:
    def wrong(code: str, key: str, message: str) -> None:
        findings.append(Finding(code, file, message, lines.get(key)))

    names: dict[int, str] = {}
    for key, name in _pairs(config.get("names")):
        if isinstance(key, int) and 0 <= key < MOST_CLASSES:
            names[key] = str(name)
        else:
            wrong("file-syntax", "names", f"names: {key!r} is no class id")
    shape = None
    try:
        shape = keypoint_shape(file, config)
    except ConfigError:
        wrong("file-syntax", "kpt_shape", f"kpt_shape: {config['kpt_shape']!r} is not [count, 2 or 3]")
    splits: dict[str, Sequence[str]] = {}
    for split in (split for split in SPLITS if config.get(split)):
        value = config[split] if isinstance(config[split], list) else [config[split]]
        if all(isinstance(entry, str) for entry in value):
            splits[split] = value
        else:
            wrong("file-syntax", split, f"{split}: {config[split]!r} is no folder and no list of pictures")
    root = file.parent / str(config.get("path") or "")
    layout = Yaml(file, splits, root, names, lines, shape)
    findings += [*_name_findings(layout, config.get("nc")), *_split_findings(layout)]
    return Yaml(file, splits, root, names, lines, shape, tuple(findings))


def _pairs(names: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(names, dict):
        yield from ((int(key) if str(key).isdecimal() else key, name) for key, name in names.items())
    elif isinstance(names, list):
        yield from enumerate(names)
    elif names is not None:
        yield names, ""


def _name_findings(layout: Yaml, count: Any) -> Iterator[Finding]:
    names = layout.names
    if not names:
        yield layout.find("names-missing", "there are no names", "names")
    assert layout.file is not None
    lines = ((class_id, name, layout.lines.get(f"names.{class_id}")) for class_id, name in names.items())
    yield from class_name_findings(layout.file, lines)
    missing = next(class_id for class_id in range(len(names) + 1) if class_id not in names)
    if missing < len(names):
        yield layout.find("names-gap", f"there is no class {missing}, but a class {max(names)}", "names")
    if names and count is not None and count != len(names):
        yield layout.find("nc-mismatch", f"nc is {count!r}, there are {len(names)} names", "nc")


def _split_findings(layout: Yaml) -> Iterator[Finding]:
    if layout.splits and "val" not in layout.splits:
        yield layout.find("split-no-val", f"there is {' and '.join(layout.splits)}, but no val")
