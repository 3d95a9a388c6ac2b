"""The CUDA sampler: streams in, one launch for many samples of all of them, streams moved on.

A launch is as long as the host need not look: progress comes out through words in pinned memory, and a flag there stops
the kernel at the next top frame. What does not fit into the device's memory is done in smaller batches. Bits depend on
neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import Cancelled
from synth.sampler.base import LEVELS, CancelPoll, Progress, Receive, Stream
from synth.sampler.batching import ChunkedSampler, Gates
from synth.sampler.cuda.device import Buffer, Device, DeviceMemoryError, GpuError
from synth.sampler.cuda.layout import CALL_WORDS, MODEL_WORDS, fits, padded_width, place
from synth.sampler.cuda.plan import CLUSTER, Plan, Variant, make_plan
from synth.sampler.packing import Packed

LAUNCH_SAMPLES: Final = 65_536
"""Of a stream in one launch: 4 s of sound, a fraction of a second of work."""
RECEIVED_SAMPLES: Final = 4_096
"""The same where somebody listens while it is made."""

_POLL_S: Final = 0.0005
_MOST_STREAMS: Final = 4_096  # in one launch; more gain nothing
_BARRIER_WORDS: Final = 64


@dataclass(frozen=True)
class _Made:
    """What one launch left behind."""

    levels: list[NDArray[np.uint8]]
    frames: list[int]
    stopped: bool


class CudaSampler(ChunkedSampler):
    """The kernel of :file:`sampler.cu` on one device; see :class:`synth.sampler.base.Sampler`.

    Args:
        packed: the network.
        device: where.
        clusters: use the variant whose sample tier is a thread block cluster, where the device has them. Off until it
            has been measured.
        inner: for measurements: blocks that share the sample tier, where there are no clusters.
        poison: for tests: fills all memory that the kernel is to write, so that what it forgets cannot pass for right.

    Raises:
        GpuError: the network does not fit the kernel.
    """

    def __init__(
        self,
        packed: Packed,
        device: Device,
        *,
        clusters: bool = False,
        poison: int | None = None,
        cluster_size: int = CLUSTER,
        inner: int | None = None,
    ) -> None:
        super().__init__(packed)
        if not fits(packed.shape):
            raise GpuError(
                f"the CUDA kernel has no room for {packed.shape.tiers} tiers of {packed.shape.layers} layers"
            )
        self._device, self._poison = device, poison
        self._cluster_size, self._inner = cluster_size, inner
        self._clusters = self._count_clusters() if clusters else 0
        if self._plan(1) is None:
            raise GpuError(f"a network of width {packed.shape.width} does not fit the multiprocessors of {device.name}")
        placed = place(packed)
        self._image = device.upload(placed.image)
        self._model = device.upload(placed.model(self._image.address))
        self._most = _MOST_STREAMS

    @property
    def kind(self) -> str:
        """What computes, for people."""
        return f"cuda {'cluster kernel' if self._clusters else 'kernel'} on {self._device.name}"

    def plan(self, streams: int) -> Plan:
        """How so many streams would be spread over the device."""
        plan = self._plan(streams)
        if plan is None:
            raise DeviceMemoryError(f"{streams} streams at once do not fit the multiprocessors of {self._device.name}")
        return plan

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
        top, total = self.shape.top_frame, sum(counts)
        limit = max(1, (RECEIVED_SAMPLES if receive is not None else LAUNCH_SAMPLES) // top)
        made: list[list[NDArray[np.uint8]]] = [[] for _ in counts]
        done = [0] * len(counts)

        def told(frames: int) -> None:
            if progress is not None:
                progress((sum(done) + frames) * top, total * top)

        while active := [index for index, count in enumerate(counts) if done[index] < count]:
            # Streams of like length stand together: a team is at work until its longest stream is over.
            active.sort(key=lambda index: counts[index] - done[index])
            while active:
                batch = active[: self._most]
                frames = [min(limit, counts[index] - done[index]) for index in batch]
                rows = None
                if conditioning is not None:
                    rows = [conditioning[i][done[i] : done[i] + n] for i, n in zip(batch, frames, strict=True)]
                try:
                    piece = self._launch([streams[index] for index in batch], rows, frames, told, cancelled)
                except DeviceMemoryError:
                    if len(batch) == 1:
                        raise
                    self._most = (len(batch) + 1) // 2
                    continue
                active = active[len(batch) :]
                for index, levels, count in zip(batch, piece.levels, piece.frames, strict=True):
                    made[index].append(levels)
                    done[index] += count
                    if receive is not None and count:
                        receive(index, levels)
                told(0)
                if piece.stopped:
                    raise Cancelled("the sampling was stopped")
        return [np.concatenate(parts) if parts else np.empty(0, np.uint8) for parts in made]

    def _gates(self, rows: NDArray[np.float32]) -> Gates:
        return rows  # the kernel multiplies them itself

    def _advance(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int
    ) -> list[NDArray[np.uint8]]:
        return self._launch(streams, gates, [frames] * len(streams), lambda _: None, None).levels

    def _score(self, stream: Stream, gates: Gates | None, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        frames = len(levels) // self.shape.top_frame
        launch = _Launch(self, [stream], None if gates is None else [gates], [frames], levels)
        launch.start()
        while launch.running():
            time.sleep(_POLL_S)
        launch.take()
        return launch.scores()

    def _launch(
        self,
        streams: Sequence[Stream],
        rows: Sequence[NDArray[np.float32]] | None,
        frames: Sequence[int],
        told: Callable[[int], None],
        cancelled: CancelPoll | None,
    ) -> _Made:
        if cancelled is not None and cancelled():
            return _Made([np.empty(0, np.uint8) for _ in streams], [0] * len(streams), stopped=True)
        launch = _Launch(self, streams, rows, frames, None)
        launch.start()
        turn = 0
        while launch.running():
            time.sleep(_POLL_S)
            turn += 1
            if turn % 64 == 0:
                told(launch.frames_so_far())
            if turn % 8 == 0 and cancelled is not None and not launch.stopping and cancelled():
                launch.stop()
        return launch.take()

    def _plan(self, streams: int) -> Plan | None:
        device = self._device
        return make_plan(
            self.shape,
            self.precision,
            streams,
            device.processors,
            device.shared_bytes,
            structs_bytes=sum(-(-words * 8 // 16) * 16 for words in device.struct_words()),
            clusters=self._clusters,
            warps=device.warps,
            cluster_size=self._cluster_size,
            inner=self._inner,
        )

    def _count_clusters(self) -> int:
        variant = Variant(self.precision, self.shape.gates, 1, True, self._device.warps)
        return self._device.clusters(variant, self._device.shared_bytes)


class _Launch:
    """One launch: its memory, from the streams and back to them."""

    def __init__(
        self,
        sampler: CudaSampler,
        streams: Sequence[Stream],
        rows: Sequence[NDArray[np.float32]] | None,
        frames: Sequence[int],
        known: NDArray[np.uint8] | None,
    ) -> None:
        self._streams, self._frames, self._known = streams, list(frames), known
        self._shape = shape = sampler.shape
        self._device = device = sampler._device
        self._plan = plan = sampler.plan(len(streams))
        self._model = sampler._model
        self._poison = sampler._poison
        self._padded = padded = padded_width(shape)
        self._longest = max(frames, default=0)
        self.stopping = False
        count, levels = len(streams), self._longest * shape.top_frame
        self._progress, progress_at = device.shared_words(plan.teams)
        self._cancel, cancel_at = device.shared_words(1)
        self._buffers: dict[str, Buffer] = {
            "levels": device.upload(self._levels_in()),
            "counts": device.upload(np.array(frames, np.int32)),
            "keys": device.upload(self._keys()),
            "temperatures": device.upload(np.array([1 / one.temperature for one in streams], np.float32)),
            "conditioning": device.upload(self._conditioning(rows)),
            "states": device.upload(self._states_in(0)),
            "cells": device.upload(self._states_in(1)),
            "scores": device.empty(4 * count * levels * LEVELS if known is not None else 1, self._poison),
            "words": device.empty(4 * shape.look_back * count * padded, self._poison),
            "first": device.empty(4 * count * padded, self._poison),
            "second": device.empty(4 * count * padded, self._poison),
            "upsampled": device.empty(4 * count * padded, self._poison),
            "logits": device.empty(4 * count * LEVELS, self._poison),
            "barriers": device.upload(np.zeros(plan.teams * 2 * _BARRIER_WORDS, np.uint32)),
            "stop": device.empty(8 * plan.teams, self._poison),
            "made": device.empty(4 * plan.teams, self._poison),
        }
        self._call = device.upload(self._struct(progress_at, cancel_at))

    def start(self) -> None:
        """Launch."""
        self._device.start(self._plan, self._model, self._call)

    def running(self) -> bool:
        """Whether it is at work."""
        return self._device.running()

    def stop(self) -> None:
        """Let every team end at its next top frame."""
        self.stopping = True
        self._cancel[0] = 1

    def frames_so_far(self) -> int:
        """Top frames made, of all streams together."""
        return sum(min(int(self._progress[self._team(i)]), n) for i, n in enumerate(self._frames))

    def take(self) -> _Made:
        """Move the streams on; what they made."""
        top = self._shape.top_frame
        made = self._buffers["made"].read().view(np.int32)
        frames = [min(int(made[self._team(index)]), count) for index, count in enumerate(self._frames)]
        width = self._shape.width
        states = self._buffers["states"].read().view(np.float32).reshape(self._states_shape)
        cells = None
        if self._shape.states == 2:
            cells = self._buffers["cells"].read().view(np.float32).reshape(self._cells_shape)
        levels = self._buffers["levels"].read().reshape(len(self._streams), -1)
        taken = []
        for index, (stream, count) in enumerate(zip(self._streams, frames, strict=True)):
            stream.hidden[:, 0] = states[:, :, 0, index, :width]
            if cells is not None:
                stream.hidden[:, 1] = cells[:, :, index, :width]
            line = levels[index]
            stream.before = line[count * top : (count + 1) * top].copy()
            stream.position += count * top
            taken.append(line[top : (count + 1) * top].copy())
        return _Made(taken, frames, frames != self._frames)

    def scores(self) -> NDArray[np.float32]:
        """Logits [N, Q] of the one stream."""
        return self._buffers["scores"].read().view(np.float32).reshape(-1, LEVELS)

    def _team(self, index: int) -> int:
        """The team that a stream belongs to: those whose first stream is not after it, the last of them."""
        count, teams = len(self._streams), self._plan.teams
        return max(team for team in range(teams) if count * team // teams <= index)

    @property
    def _states_shape(self) -> tuple[int, ...]:
        return (self._shape.tiers, self._shape.layers, 2, len(self._streams), self._padded)

    @property
    def _cells_shape(self) -> tuple[int, ...]:
        return (self._shape.tiers, self._shape.layers, len(self._streams), self._padded)

    def _states_in(self, which: int) -> NDArray[np.float32]:
        """Hidden vectors (0), the first of each pair filled in, or cells (1)."""
        if which and self._shape.states == 1:
            return np.zeros(1, np.float32)
        shape = self._cells_shape if which else self._states_shape
        filling = 0.0 if self._poison is None else np.nan
        states = np.full(shape, 0.0 if which else filling, np.float32)
        room = states if which else states[:, :, 0]
        room[...] = 0
        for index, stream in enumerate(self._streams):
            room[:, :, index, : self._shape.width] = stream.hidden[:, which]
        return states

    def _levels_in(self) -> NDArray[np.uint8]:
        top = self._shape.top_frame
        levels = np.full((len(self._streams), (self._longest + 1) * top), self._poison or 0, np.uint8)
        for line, stream in zip(levels, self._streams, strict=True):
            line[:top] = stream.before
        if self._known is not None:
            levels[0, top:] = self._known
        return levels

    def _keys(self) -> NDArray[np.uint64]:
        return np.array(
            [[getattr(stream, name) for stream in self._streams] for name in ("seed", "stream", "position")], np.uint64
        )

    def _conditioning(self, rows: Sequence[NDArray[np.float32]] | None) -> NDArray[np.float32]:
        if rows is None:
            return np.zeros(1, np.float32)
        given = np.full((len(rows), self._longest, self._shape.conditioning), np.nan, np.float32)
        for line, part, count in zip(given, rows, self._frames, strict=True):
            line[:count] = part[:count]
        return given

    def _struct(self, progress_at: int, cancel_at: int) -> NDArray[np.uint64]:
        """The struct ``Call`` of :file:`layout.cuh`, word by word."""
        plan, room, shape = self._plan, self._plan.room, self._shape
        at: Any = {name: buffer.address for name, buffer in self._buffers.items()}
        known = self._known is not None
        words = [
            *(len(self._streams), plan.teams, plan.outer, plan.inner, self._longest, int(known)),
            *(room.pinned_hidden, room.pinned_output),
            *(room.inputs, room.steps, room.sums, room.drawn, room.older, room.hidden, room.output),
            *(at["levels"], (self._longest + 1) * shape.top_frame),
            *(at["counts"], at["keys"], at["temperatures"]),
            *(at["conditioning"], self._longest * shape.conditioning),
            at["scores"] if known else 0,
            *(at["states"], at["cells"], at["words"], at["first"], at["second"], at["upsampled"], at["logits"]),
            *(at["barriers"], at["stop"], at["made"], progress_at, cancel_at),
        ]
        return np.array(words, np.uint64)


def check_words(model: int, call: int) -> None:
    """Raise where the structs in C++ are of another size than those written here."""
    if (model, call) != (MODEL_WORDS, CALL_WORDS):
        raise GpuError(f"the kernel's structs are {model} and {call} words; {MODEL_WORDS} and {CALL_WORDS} are written")
