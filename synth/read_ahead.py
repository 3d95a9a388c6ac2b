"""Items made in a thread of their own before they are asked for, so that who makes them does not wait for who takes
them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

T = TypeVar("T")

_POLL_S: Final = 0.1


class ReadAhead(Generic[T]):
    """An iterator over the items of another one, of which at most ``most`` are made and not yet taken.

    What the other one raises is raised where its next item would have been. It begins at once; use it as a context
    manager, since leaving the block ends the other one wherever it is, in its own thread.
    """

    def __init__(self, items: Iterator[T], most: int) -> None:
        self._items = items
        self._made: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(max(1, most))
        self._over = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._make, name="read-ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        item = self._made.get()
        if isinstance(item, tuple):
            return item[0]
        self._ended = True
        if item is not None:
            raise item
        raise StopIteration

    def close(self) -> None:
        """End the other iterator, and wait for that."""
        self._ended = True
        self._over.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make(self) -> None:
        last: BaseException | None = None
        try:
            for item in self._items:
                if not self._put((item,)):
                    break
        except BaseException as error:  # whatever it is, it is the taker's
            last = error
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        self._put(last)

    def _put(self, item: tuple[T] | BaseException | None) -> bool:
        """Lay an item down as soon as there is room; false where nobody takes any more."""
        while not self._over.is_set():
            try:
                self._made.put(item, timeout=_POLL_S)
                return True
            except queue.Full:
                continue
        return False
