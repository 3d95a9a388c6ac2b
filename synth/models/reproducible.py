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

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible_inference() -> Iterator[None]:
    """Run networks without gradients and on one thread, so that equal inputs give equal float32 results.

    May be nested. Not for generators: a ``yield`` inside would leave the caller on one thread.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
