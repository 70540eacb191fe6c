"""A bounded queue whose reader may give up waiting without losing anything."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """What was put in comes out in order, then how it ended. Writers that ask for `room` wait while
    more than the limits is in it, so it holds at most one item more."""

    def __init__(self, items: int, size: int) -> None:
        self._items = items
        self._size = size
        self._held: deque[tuple[T, int]] = deque()
        self._held_size = 0
        self._end: BaseException | None = None
        self._arrived = asyncio.Event()
        self._left = asyncio.Event()

    def put(self, item: T, size: int) -> None:
        """After the end, nothing is taken any more."""
        if self._end is None:
            self._held.append((item, size))
            self._held_size += size
            self._arrived.set()

    def end(self, error: BaseException) -> None:
        """`get` raises it once everything is out. The first end counts."""
        if self._end is None:
            self._end = error
            self._arrived.set()
            self._left.set()

    def clear(self) -> None:
        """Drops what is in it."""
        self._held.clear()
        self._held_size = 0
        self._left.set()

    @property
    def ended(self) -> bool:
        """Is there an end?"""
        return self._end is not None

    async def room(self) -> None:
        """Waits until something may be put in."""
        while self._end is None and self._full():
            self._left.clear()
            await self._left.wait()

    async def get(self) -> T:
        """The next item. Raises what it ended with."""
        while not self._held:
            if self._end is not None:
                raise self._end
            self._arrived.clear()
            await self._arrived.wait()
        item, size = self._held.popleft()
        self._held_size -= size
        self._left.set()
        return item

    def _full(self) -> bool:
        return len(self._held) >= self._items or self._held_size >= self._size
