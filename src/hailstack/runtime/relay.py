"""A blocking generator as an asynchronous one: it runs on a thread of its own, the event loop stays free."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Iterator
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Frame = TypeVar("Frame")

IDLE_S = 0.002
"""How soon an answer is looked for while the source has no frame."""


class _End:
    """Stands for the end: StopIteration cannot travel through a future."""


_END: Final = _End()


class LoopFrames(Generic[Frame]):
    """Frames of an asynchronous iterable, pulled from a thread; None while there is none."""

    def __init__(self, frames: AsyncIterable[Frame], loop: asyncio.AbstractEventLoop) -> None:
        self._frames = aiter(frames)
        self._loop = loop
        self._next: concurrent.futures.Future[Frame | _End] | None = None

    def __iter__(self) -> Iterator[Frame | None]:
        while True:
            self._next = asyncio.run_coroutine_threadsafe(self._pull(), self._loop)
            while not self._next.done() and not concurrent.futures.wait([self._next], IDLE_S).done:
                yield None
            if isinstance(frame := self._next.result(), _End):
                return
            yield frame

    def cancel(self) -> None:
        """No more frames: whoever waits for one hears that it was cancelled."""
        if self._next is not None:
            self._next.cancel()

    async def _pull(self) -> Frame | _End:
        try:
            return await anext(self._frames)
        except StopAsyncIteration:
            return _END


async def relayed(
    start: Callable[[Iterable[Frame | None]], Generator[Item, None, None]],
    frames: Iterable[Frame | None] | AsyncIterable[Frame],
) -> AsyncGenerator[Item, None]:
    """What ``start(frames)`` generates, item by item, each asked for when the one before was taken.

    Cancelled or closed early, it closes the generator on its own thread before it returns.
    """
    loop = asyncio.get_running_loop()
    pulled = LoopFrames(frames, loop) if isinstance(frames, AsyncIterable) else frames
    items = start(pulled)
    with concurrent.futures.ThreadPoolExecutor(1, "hailstack-astream") as thread:
        try:
            while not isinstance(item := await loop.run_in_executor(thread, next, items, _END), _End):
                yield item
        finally:
            if isinstance(pulled, LoopFrames):
                pulled.cancel()
            await asyncio.shield(loop.run_in_executor(thread, items.close))
