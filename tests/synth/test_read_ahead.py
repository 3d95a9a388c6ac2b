"""What is made ahead arrives in order, errors at their place, and nothing goes on once nobody takes any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from synth.read_ahead import ReadAhead


def test_items_come_in_order_and_an_error_at_its_place() -> None:
    def make() -> Iterator[int]:
        yield from range(50)
        raise OSError("no more")

    with ReadAhead(make(), 3) as ahead:
        taken = [next(ahead) for _ in range(50)]
        with pytest.raises(OSError, match="no more"):
            next(ahead)
        assert next(ahead, None) is None
    assert taken == list(range(50))


def test_it_begins_before_anybody_asks_and_ends_in_its_own_thread() -> None:
    begun = threading.Event()
    threads: list[int] = []

    def make() -> Iterator[int]:
        try:
            begun.set()
            number = 0
            while True:
                yield number
                number += 1
        finally:
            threads.append(threading.get_ident())

    with ReadAhead(make(), 2) as ahead:
        assert begun.wait(60)
        assert next(ahead) == 0
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    assert list(ahead) == []
