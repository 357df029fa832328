"""What there is to see of a run at this moment, as one picture."""

from __future__ import annotations

from hailstack.imaging import draw
from hailstack.imaging.mosaic import mosaic
from hailstack.types import Image, Result


class View:
    """The newest picture of each source that is being read, with what every model has found there last.

    A model with a quota is behind the newest picture by as much as its quota makes it. Used by one thread at a time.
    """

    def __init__(self) -> None:
        self._newest: dict[str, Result] = {}
        self._found: dict[str, dict[str, Result]] = {}
        """Source → model → its newest result."""
        self._is_over = False

    def show(self, result: Result) -> None:
        if self._is_over:
            self._newest.clear()
            self._found.clear()
            self._is_over = False
        source = result.id.source
        self._newest[source] = result
        self._found.setdefault(source, {})[result.model] = result

    def end(self) -> None:
        """All sources have ended: the next result is another one's, and these are not shown beside it."""
        self._is_over = True

    def snapshot(self) -> View:
        """The same as it is now, for another thread."""
        copy = View()
        copy._newest = dict(self._newest)
        copy._found = {source: dict(found) for source, found in self._found.items()}
        return copy

    def picture(self) -> Image | None:
        """One tile a source, in the order in which they came; None while there is nothing to see."""
        pictures = [
            self._draw(source, result.image) for source, result in self._newest.items() if result.image is not None
        ]
        return mosaic(pictures) if pictures else None

    def _draw(self, source: str, picture: Image) -> Image:
        for result in self._found[source].values():
            picture = draw(picture, result.prediction)
        return picture
