"""What all samplers share: streams of unequal length in one batch, cut into chunks that nobody can hear.

A sampler that computes its own way (numpy, C++, later CUDA) fills in :class:`ChunkedSampler`'s three methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import Cancelled, OptionError
from synth.sampler.base import CancelPoll, Progress, Receive, Shape, Stream, first_stream
from synth.sampler.packing import Packed

CHUNK_SAMPLES: Final = 512
"""Between two polls: 32 ms of sound at 16 kHz, long enough that the way through Python does not count."""

_GATE_ROWS: Final = 16  # conditioning is computed this many top frames ahead, so that its weights are read less often

Gates = NDArray[np.float32]
"""What conditioning adds to the top tier's gates, one row a top frame; the columns are the sampler's own business."""


class ChunkedSampler(ABC):
    """A :class:`synth.sampler.base.Sampler` whose subclass only moves a batch on by some top frames."""

    def __init__(self, packed: Packed) -> None:
        self._shape = packed.shape
        self._precision = packed.precision
        self._initial = packed.initial

    @property
    def shape(self) -> Shape:
        """Of the network."""
        return self._shape

    @property
    def precision(self) -> str:
        """How weights are stored."""
        return self._precision

    @property
    @abstractmethod
    def kind(self) -> str:
        """What computes, for people."""

    @abstractmethod
    def _gates(self, rows: NDArray[np.float32]) -> Gates:
        """Conditioning [n, C] to the top tier's bias for those frames, [n, ...]."""

    @abstractmethod
    def _advance(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int
    ) -> list[NDArray[np.uint8]]:
        """Make ``frames`` top frames of every stream and move the streams on; ``gates`` holds as many rows each."""

    @abstractmethod
    def _score(self, stream: Stream, gates: Gates | None, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits [N, Q], divided by the temperature, of levels [N] that are known; move the stream past them."""

    def start(
        self,
        seed: int,
        stream: int = 0,
        *,
        temperature: float = 1.0,
        initial: NDArray[np.float32] | None = None,
    ) -> Stream:
        """See :meth:`synth.sampler.base.Sampler.start`."""
        return first_stream(self._shape, self._initial, seed, stream, temperature, initial)

    def run(
        self,
        streams: Sequence[Stream],
        conditioning: Sequence[NDArray[np.float32]] | None = None,
        top_frames: Sequence[int] | int | None = None,
        *,
        progress: Progress | None = None,
        cancelled: CancelPoll | None = None,
        receive: Receive | None = None,
    ) -> list[NDArray[np.uint8]]:
        """See :meth:`synth.sampler.base.Sampler.run`."""
        counts = self._counts(streams, conditioning, top_frames)
        rows = None if conditioning is None else _Ahead(self, conditioning)
        top, total = self._shape.top_frame, sum(counts) * self._shape.top_frame
        made = [np.empty(count * top, np.uint8) for count in counts]
        done = [0] * len(streams)
        while active := [index for index, count in enumerate(counts) if done[index] < count]:
            if cancelled is not None and cancelled():
                raise Cancelled("the sampling was stopped")
            frames = min(max(1, CHUNK_SAMPLES // top), *(counts[index] - done[index] for index in active))
            gates = None if rows is None else rows.take(active, frames)
            chunk = self._advance([streams[index] for index in active], gates, frames)
            for index, levels in zip(active, chunk, strict=True):
                made[index][done[index] * top : (done[index] + frames) * top] = levels
                done[index] += frames
                if receive is not None:
                    receive(index, levels)
            if progress is not None:
                progress(sum(done) * top, total)
        return made

    def log_probabilities(
        self, levels: NDArray[np.uint8], conditioning: NDArray[np.float32] | None, stream: Stream
    ) -> NDArray[np.float32]:
        """See :meth:`synth.sampler.base.Sampler.log_probabilities`."""
        frames, rest = divmod(len(levels), self._shape.top_frame)
        if rest:
            raise OptionError(f"the sound has {len(levels)} levels; allowed are multiples of {self._shape.top_frame}")
        self._counts([stream], None if conditioning is None else [conditioning], frames)
        rows = None if conditioning is None else _Ahead(self, [conditioning])
        parts = []
        for frame in range(0, frames, _GATE_ROWS):
            count = min(_GATE_ROWS, frames - frame)
            known = np.ascontiguousarray(levels[frame * self._shape.top_frame :][: count * self._shape.top_frame])
            logits = self._score(stream, None if rows is None else rows.take([0], count)[0], known).astype(np.float64)
            logits -= logits.max(axis=1, keepdims=True)
            parts.append((logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32))
        return np.concatenate(parts)

    def _counts(
        self,
        streams: Sequence[Stream],
        conditioning: Sequence[NDArray[np.float32]] | None,
        top_frames: Sequence[int] | int | None,
    ) -> list[int]:
        """Top frames a stream, after a look at all arguments."""
        if len({id(stream) for stream in streams}) < len(streams):
            raise OptionError("a stream stands twice in one batch; each may stand there once")
        if (conditioning is None) != (self._shape.conditioning == 0):
            takes = f"{self._shape.conditioning} numbers" if self._shape.conditioning else "none"
            raise OptionError(f"conditioning is {'missing' if conditioning is None else 'given'}; it takes {takes}")
        if isinstance(top_frames, int):
            counts = [top_frames] * len(streams)
        elif top_frames is not None:
            counts = [int(count) for count in top_frames]
        elif conditioning is not None:
            counts = [len(part) for part in conditioning]
        else:
            raise OptionError("top_frames is missing; only conditioning can stand in for it")
        if len(counts) != len(streams) or (conditioning is not None and len(conditioning) != len(streams)):
            raise OptionError(f"there are {len(streams)} streams; conditioning and top_frames must be as many")
        if any(count < 0 for count in counts):
            raise OptionError(f"top_frames is {min(counts)}; it must not be negative")
        for index, part in enumerate(conditioning or ()):
            if part.ndim != 2 or part.shape[1] != self._shape.conditioning or len(part) < counts[index]:
                wanted = (counts[index], self._shape.conditioning)
                raise OptionError(f"conditioning {index} has shape {part.shape}; it must be at least {wanted}")
        for stream in streams:
            if stream.hidden.shape != self._shape.hidden or stream.before.shape != (self._shape.top_frame,):
                shapes = (stream.hidden.shape, stream.before.shape)
                raise OptionError(f"a stream has shapes {shapes}: it belongs to another network")
        return counts


class _Ahead:
    """Gate rows of some streams, computed some frames ahead and of all streams in one call.

    Rows that repeat are computed once; each row is its own sum, so company and cuts change nothing.
    """

    def __init__(self, sampler: ChunkedSampler, conditioning: Sequence[NDArray[np.float32]]) -> None:
        self._sampler = sampler
        self._conditioning = conditioning
        self._begun = [0] * len(conditioning)  # rows of each stream that were computed
        self._ready: list[list[Gates]] = [[] for _ in conditioning]

    def take(self, indices: Sequence[int], frames: int) -> list[Gates]:
        """The next rows of each of these streams, [frames, ...]."""
        while short := [index for index in indices if sum(map(len, self._ready[index])) < frames]:
            self._compute(short)
        return [self._taken(index, frames) for index in indices]

    def _compute(self, indices: Sequence[int]) -> None:
        pieces, origins, count = [], [], 0
        for index in indices:
            begin = self._begun[index]
            rows = np.asarray(self._conditioning[index][begin : begin + _GATE_ROWS], np.float32)
            self._begun[index] += len(rows)
            new = np.ones(len(rows), bool)
            new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
            pieces.append(rows[new])
            origins.append(count + np.cumsum(new) - 1)
            count += len(pieces[-1])
        fresh = self._sampler._gates(np.ascontiguousarray(np.concatenate(pieces)))
        for index, origin in zip(indices, origins, strict=True):
            self._ready[index].append(fresh[origin])

    def _taken(self, index: int, frames: int) -> Gates:
        rows = self._ready[index]
        whole = rows[0] if len(rows) == 1 else np.concatenate(rows)
        self._ready[index] = [whole[frames:]]
        return np.ascontiguousarray(whole[:frames])
