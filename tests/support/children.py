"""Which ffmpeg children a piece of work starts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from synth.media import ffmpeg


@contextlib.contextmanager
def children() -> Iterator[list[tuple[str, ...]]]:
    """The arguments of all children that are started in the block, by any thread; each is started as ever."""
    counted: list[tuple[str, ...]] = []
    begin = ffmpeg.Child.__init__

    def counting(child: ffmpeg.Child, arguments: Sequence[str], **how: Any) -> None:
        counted.append(tuple(arguments))
        begin(child, arguments, **how)

    ffmpeg.Child.__init__ = counting  # type: ignore[assignment,method-assign]
    try:
        yield counted
    finally:
        ffmpeg.Child.__init__ = begin  # type: ignore[method-assign]
