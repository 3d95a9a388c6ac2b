"""Inference whose numbers do not depend on the number of threads.

Several things in torch's CPU operators do: a matrix product splits its longest sum among threads (MKL), reductions are
added up a thread at a time, a convolution with 1 x 1 filters is done by another algorithm where there is one thread
than where there are several, and oneDNN blocks small convolutions by the number of threads. The differences are of the
order of 1e-6, but Griffin-Lim and every threshold make audible ones of them: speech on one thread and on two differed
in 73 of 100 samples, 61 dB below the sound. Letting the convolutions alone have their threads was tried: those of few
pictures and of short sounds still differed. So a network runs on one thread; decoding, optical flow and the sampler of
sound, which do not depend on it, keep theirs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible_inference() -> Iterator[None]:
    """Run networks without gradients and on one thread, so that equal inputs give equal float32 results.

    May be nested, and used by several threads of a process at the same time. Not for generators: a ``yield`` inside
    would leave the caller on one thread.
    """
    _ALONE.begin()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(_ALONE.end())


class _Blocks(threading.local):
    """How deep one thread is in such blocks."""

    depth = 0


class _Alone:
    """How many threads are in such blocks, and how many threads each of them is to have afterwards.

    torch keeps the number for the process and for each thread: a thread that begins while another one is on one thread
    would take that for the usual number, and leave it to all that come later.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = _Blocks()
        self._inside = 0
        self._usual = 1

    def begin(self) -> None:
        """The calling thread enters a block."""
        if self._blocks.depth == 0:
            threads = torch.get_num_threads()  # a thread that was never asked takes over another number later
            with self._lock:
                if self._inside == 0:
                    self._usual = threads
                self._inside += 1
        self._blocks.depth += 1

    def end(self) -> int:
        """The calling thread leaves a block; the number of threads that it has from now on."""
        self._blocks.depth -= 1
        if self._blocks.depth:
            return 1
        with self._lock:
            self._inside -= 1
            return self._usual


_ALONE = _Alone()
