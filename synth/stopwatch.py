"""Seconds spent in each stage of a job; a stage inside another is counted once, as the inner one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Stopwatch:
    """Collects wall seconds by stage name in :attr:`stages_s`, in the order in which stages ended first."""

    def __init__(self) -> None:
        self.stages_s: dict[str, float] = {}
        self._inner_s = [0.0]  # seconds already given to stages inside the running one, innermost last

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the block as ``name``; may be entered again, and inside another stage."""
        begin = time.perf_counter()
        self._inner_s.append(0.0)
        try:
            yield
        finally:
            spent_s = time.perf_counter() - begin
            inside_s = self._inner_s.pop()
            self._inner_s[-1] += spent_s
            self.stages_s[name] = self.stages_s.get(name, 0.0) + spent_s - inside_s

    def each(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """The items, with the seconds spent on making each counted as ``name``; closes a generator that it is given."""
        source = iter(items)
        nothing = object()
        try:
            while True:
                with self.stage(name):
                    item = next(source, nothing)
                if item is nothing:
                    return
                yield item  # type: ignore[misc]
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
