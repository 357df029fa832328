"""A model script as it is given: a file, or the text itself."""

from __future__ import annotations

from pathlib import Path

from hailstack.errors import NotFoundError


def read_text(script: Path | str | None) -> tuple[str, Path, str]:
    """The text, the folder that its paths are relative to, and where it came from.

    Raises:
        NotFoundError: it names a file, and there is none.
    """
    if script is None:
        return "", Path(), "nothing"
    text = str(script)
    if isinstance(script, Path) or ("(" not in text and "\n" not in text.strip()):
        path = Path(text)
        if not path.is_file():
            message = f"{path}: no such model script"
            raise NotFoundError(message)
        return path.read_text(encoding="utf-8"), path.parent, str(path)
    return text, Path(), "string"
