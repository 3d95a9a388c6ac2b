"""The place in which a source is heard: reflections and the quiet noise of the air."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import fft

from synth.voices.ambient.catalogue.parts.spectra import unit_rms
from synth.voices.ambient.catalogue.performance import Performance, Reader, Role, Samples, Source

_AIR_S: Final = 8
_AIR_SEED: Final = 20_012
_BLOCK_S: Final = 1.0  # of global time: convolved one by one, so that the bytes do not depend on how they are read


@dataclass(frozen=True)
class Room:
    """A source in a room: the dry sound, early reflections and a tail whose highs die first, over quiet noise.

    Attributes:
        source: what is heard in it.
        t60_s: reverberation time, a number or a knob's name.
        wet: level of the reflections beside the dry sound, for a click (amplitude ratio, or a knob's name).
        dark_hz: above it the slow part of the tail is missing.
        predelay_s: before the first reflection.
        floor: amplitude (RMS) of the room's own noise, falling 4 dB an octave from 120 Hz.
    """

    source: Source
    t60_s: float | str = 0.4
    wet: float | str = 0.25
    dark_hz: float = 5000.0
    predelay_s: float = 0.004
    floor: float = 0.0

    def open(self, performance: Performance) -> Reader:
        """A reader of this performance; the room is as its knobs are at the beginning."""
        return _RoomReader(self, performance)


class _RoomReader:
    def __init__(self, room: Room, performance: Performance) -> None:
        self._room, self._performance = room, performance
        rate_hz = performance.rate_hz
        self._block = round(_BLOCK_S * rate_hz)
        t60_s, wet = (
            performance.knobs[value].value(0.0) if isinstance(value, str) else value for value in (room.t60_s, room.wet)
        )
        response = impulse_response(performance.generator(Role.ROOM), rate_hz, t60_s, room.dark_hz, room.predelay_s)
        self._air_start = int(performance.generator(Role.ROOM, 1).integers(_AIR_S * rate_hz))
        response *= wet
        response[0] += 1.0
        self._size = fft.next_fast_len(self._block + len(response) - 1, real=True)
        self._back = -(-(len(response) - 1) // self._block)  # how many blocks later a tail still sounds
        self._response = fft.rfft(response.astype(np.float32), self._size)
        self._source = room.source.open(performance)
        self._heard: dict[int, Samples] = {}
        self._blocks: dict[int, Samples] = {}

    def read(self, start: int, count: int) -> Samples:
        first, last = start // self._block, (start + count - 1) // self._block
        self._blocks = {index: self._blocks.get(index, np.zeros(0)) for index in range(first, last + 1)}
        for index, kept in self._blocks.items():
            if not len(kept):
                self._blocks[index] = self._wet_block(index)
        whole = np.concatenate(list(self._blocks.values())) if self._blocks else np.zeros(0)
        return whole[start - first * self._block :][:count]

    def _wet_block(self, index: int) -> Samples:
        needed = range(index - self._back, index + 1)
        self._heard = {at: kept for at, kept in self._heard.items() if at in needed}
        out = np.zeros(self._block)
        for at in needed:
            if at not in self._heard:
                self._heard[at] = self._convolved(at)
            tail = self._heard[at][(index - at) * self._block :][: self._block]
            out[: len(tail)] += tail
        if self._room.floor:
            air = _air(self._performance.rate_hz)
            first = (self._air_start + index * self._block) % len(air)
            out += self._room.floor * air.take(np.arange(first, first + self._block), mode="wrap")
        return out

    def _convolved(self, index: int) -> Samples:
        dry = self._source.read(index * self._block, self._block)
        if not dry.any():
            return np.zeros(0)
        wet = fft.irfft(fft.rfft(dry.astype(np.float32), self._size) * self._response, self._size)
        return np.asarray(wet, float)


def impulse_response(
    rng: np.random.Generator, rate_hz: int, t60_s: float, dark_hz: float = 5000.0, predelay_s: float = 0.004
) -> Samples:
    """Reflections of a room at energy 1 (without the direct sound), float64 [1.1 t60_s]."""
    n = max(64, int(1.1 * t60_s * rate_hz))
    time_s = np.arange(n) / rate_hz
    slow, quick = (rng.standard_normal(n) * np.exp(-6.9 * time_s / tail_s) for tail_s in (t60_s, 0.6 * t60_s))
    frequency = fft.rfftfreq(2 * n, 1 / rate_hz)
    rumble_free = 1 / np.sqrt(1 + (120 / np.maximum(frequency, 1.0)) ** 2)
    shade = 1 / np.sqrt(1 + (frequency / dark_hz) ** 2)
    tail = fft.irfft((fft.rfft(slow, 2 * n) * shade + fft.rfft(quick, 2 * n)) * rumble_free)[:n]
    start = min(n - 1, int(predelay_s * rate_hz))
    tail[:start] = 0
    early = start + (rng.random(6) * 0.03 * rate_hz).astype(int)
    tail[early[early < n]] += 4 * rng.choice([-1.0, 1.0], 6)[early < n]
    return np.asarray(tail / np.sqrt(np.sum(tail**2) + 1e-30))


@lru_cache(maxsize=4)
def _air(rate_hz: int) -> Samples:
    """The quiet noise of a place at an RMS of 1, endless: its end joins its beginning."""
    n = fft.next_fast_len(_AIR_S * rate_hz, real=True)
    white = np.random.default_rng(_AIR_SEED).standard_normal(n)
    shape = np.maximum(fft.rfftfreq(n, 1 / rate_hz) / 120.0, 1.0) ** (-4 / 6.02)
    return unit_rms(fft.irfft(fft.rfft(white) * shape, n))
