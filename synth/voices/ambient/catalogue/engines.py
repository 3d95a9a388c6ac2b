"""What turns pure sound functions into sources of any length: textures, events, layers and rooms.

All of it lies on a grid of global time and is keyed by index, which is why the same bytes come out whole or in chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from synth.voices.ambient.catalogue.performance import Curve, Performance, Reader, Role, Samples, Source
from synth.voices.ambient.catalogue.sound_function import PreparedFunction, SoundFunction

_STEADIEST: Final = 4.0  # standard deviations at which jitter is cut off, so that an event's neighbours are known
_LONGEST_READ_S: Final = 1.0


def stream(source: Source, performance: Performance, duration_s: float) -> Iterator[Samples]:
    """The sound of ``duration_s`` in blocks of at most a second, float64 [<= rate_hz] each."""
    reader = source.open(performance)
    count = round(duration_s * performance.rate_hz)
    block = round(_LONGEST_READ_S * performance.rate_hz)
    for start in range(0, count, block):
        yield reader.read(start, min(block, count - start))


@dataclass(frozen=True)
class Texture:
    """A sound without events: segments of independent randomness, cross-faded.

    Attributes:
        fn: gives one segment, ``segment_s + crossfade_s`` long.
        segment_s, crossfade_s: how long a segment stands alone and how long two overlap.
        law: ``power`` keeps the level of noise over a cross-fade, ``gain`` that of what is alike in both segments.
        curves: knobs that ``fn`` takes as float64 [n]; the others are numbers, as they are in the segment's middle.
        phase_of: the knob in Hz whose cycles are counted in ``phase``: what turns goes on turning over cross-fades.
        gain: the knob that the sound is multiplied by, sample by sample.
    """

    fn: SoundFunction
    segment_s: float = 2.0
    crossfade_s: float = 0.4
    law: Literal["power", "gain"] = "power"
    curves: tuple[str, ...] = ()
    phase_of: str | None = None
    gain: str | None = None

    def open(self, performance: Performance) -> Reader:
        """A reader of this performance."""
        return _TextureReader(self, performance)

    @cached_property
    def function(self) -> PreparedFunction:
        """The sound function with what it asks for."""
        return PreparedFunction(self.fn)


class _TextureReader:
    def __init__(self, texture: Texture, performance: Performance) -> None:
        self._texture, self._performance = texture, performance
        self._hop = round(texture.segment_s * performance.rate_hz)
        self._fade = round(texture.crossfade_s * performance.rate_hz)
        rise = np.sin(0.5 * np.pi * (np.arange(self._fade) + 0.5) / max(1, self._fade))
        self._rise = rise if texture.law == "power" else rise**2
        self._kept: dict[int, Samples] = {}

    def read(self, start: int, count: int) -> Samples:
        out = np.zeros(count)
        first, last = start // self._hop, (start + count - 1 + self._fade) // self._hop
        self._kept = {index: kept for index, kept in self._kept.items() if index >= first}
        for index in range(first, last + 1):
            if index not in self._kept:
                self._kept[index] = self._segment(index)
            _add(out, start, self._kept[index], index * self._hop - self._fade)
        if self._texture.gain is not None:
            curve = self._performance.knobs[self._texture.gain]
            out *= curve.at((start + np.arange(count)) / self._performance.rate_hz)
        return out

    def _segment(self, index: int) -> Samples:
        begin, n, rate_hz = index * self._hop - self._fade, self._hop + self._fade, self._performance.rate_hz
        middle_s = max(0.0, (begin + 0.5 * n) / rate_hz)
        texture = self._texture
        segment = texture.function(
            n,
            self._performance,
            Role.SEGMENT,
            index,
            begin,
            curves=texture.curves,
            counted=texture.phase_of,
            now_s=middle_s,
        )
        if self._fade:
            segment = segment.copy()
            segment[: self._fade] *= self._rise
            segment[-self._fade :] *= self._rise[::-1]
        return segment


@dataclass(frozen=True)
class Events:
    """One-shots: each of its own randomness, laid over one another.

    Attributes:
        fn: gives one event, at most the ``longest_s`` that it is asked for (a shorter array ends sooner).
        rate: the knob that says how many there are a second, or a number.
        longest_s: the longest that an event may be.
        spacing: ``regular`` as footsteps are, ``poisson`` as drops are.
        jitter: how uneven regular events are, as a share of their distance (standard deviation).
        first: when the first one comes, as a share of the distance.
        lead_s: how far into an event its accent is: the accent falls on the onset.
        gain: the knob that an event is multiplied by, as it is at its onset.

    Where the performance has onsets, they say when events come, and how strong.
    """

    fn: SoundFunction
    rate: str | float
    longest_s: float
    spacing: Literal["regular", "poisson"] = "regular"
    jitter: float = 0.05
    first: float = 0.3
    lead_s: float = 0.0
    gain: str | None = None

    def open(self, performance: Performance) -> Reader:
        """A reader of this performance."""
        return _EventsReader(self, performance)

    @cached_property
    def function(self) -> PreparedFunction:
        """The sound function with what it asks for."""
        return PreparedFunction(self.fn)


class _EventsReader:
    def __init__(self, events: Events, performance: Performance) -> None:
        self._events, self._performance = events, performance
        self._rate = performance.knobs[events.rate] if isinstance(events.rate, str) else Curve.of(events.rate)
        self._longest = round(events.longest_s * performance.rate_hz)
        self._kept: dict[tuple[int, int], tuple[int, Samples]] = {}

    def read(self, start: int, count: int) -> Samples:
        out = np.zeros(count)
        kept = self._kept
        self._kept = {}
        for key, time_s, strength in self._between(start - self._longest, start + count):
            at, event = kept.get(key) or self._event(key, time_s, strength)
            _add(out, start, event, at)
            if at + len(event) > start + count:
                self._kept[key] = at, event
        return out

    def _event(self, key: tuple[int, int], time_s: float, strength: float) -> tuple[int, Samples]:
        events, performance = self._events, self._performance
        at = round((time_s - events.lead_s) * performance.rate_hz)
        now_s = max(0.0, time_s)
        index = key[0] if events.spacing == "regular" else key[0] * 64 + key[1]
        event = events.function(self._longest, performance, Role.EVENT, index, at, now_s=now_s)
        if events.gain is not None:
            strength *= performance.knobs[events.gain].value(now_s)
        return at, event[: self._longest] * strength

    def _between(self, first: int, last: int) -> Iterator[tuple[tuple[int, int], float, float]]:
        """Key, time and strength of the events that begin between two samples, in the order of their keys."""
        rate_hz, lead_s = self._performance.rate_hz, self._events.lead_s
        low_s, high_s = first / rate_hz + lead_s, last / rate_hz + lead_s
        if self._performance.onsets_s is not None:
            yield from self._pictured(low_s, high_s)
            return
        low, high = (float(self._rate.integral(np.array([s]))[0]) for s in (low_s, high_s))
        cells = self._regular(low, high) if self._events.spacing == "regular" else self._poisson(low, high)
        keys, amounts = zip(*cells, strict=True) if cells else ((), ())
        for key, time_s in zip(keys, self._rate.inverse_integral(np.array(amounts)), strict=True):
            if low_s <= time_s < high_s:
                yield key, float(time_s), 1.0

    def _pictured(self, low_s: float, high_s: float) -> Iterator[tuple[tuple[int, int], float, float]]:
        onsets = np.asarray(self._performance.onsets_s)
        gains = self._performance.onset_gains
        for index in range(int(np.searchsorted(onsets, low_s)), int(np.searchsorted(onsets, high_s))):
            yield (index, 0), float(onsets[index]), 1.0 if gains is None else float(gains[index])

    def _regular(self, low: float, high: float) -> list[tuple[tuple[int, int], float]]:
        margin = int(np.ceil(_STEADIEST * self._events.jitter)) + 1
        found = []
        for index in range(max(0, int(low) - margin), int(np.ceil(high)) + margin):
            shift = self._performance.generator(Role.TIMES, index).standard_normal()
            shift = self._events.jitter * np.clip(shift, -_STEADIEST, _STEADIEST)
            found.append(((index, 0), index + self._events.first + float(shift)))
        return found

    def _poisson(self, low: float, high: float) -> list[tuple[tuple[int, int], float]]:
        """Independent events: each unit of the integral has its own Poisson count and places."""
        found = []
        for cell in range(int(np.floor(low)), int(np.ceil(high)) + 1):
            rng = self._performance.generator(Role.TIMES, cell)
            places = np.sort(rng.random(min(63, int(rng.poisson(1.0)))))
            found += [((cell, place), cell + float(at)) for place, at in enumerate(places)]
        return found


@dataclass(frozen=True)
class Layers:
    """Several sources at once, each with its gain (a number, or a knob's name)."""

    parts: tuple[tuple[float | str, Source], ...]

    def open(self, performance: Performance) -> Reader:
        """A reader of this performance."""
        return _LayersReader(self, performance)


class _LayersReader:
    def __init__(self, layers: Layers, performance: Performance) -> None:
        self._rate_hz = performance.rate_hz
        self._parts = [
            (
                performance.knobs[gain] if isinstance(gain, str) else Curve.of(gain),
                source.open(performance.part(str(i))),
            )
            for i, (gain, source) in enumerate(layers.parts)
        ]

    def read(self, start: int, count: int) -> Samples:
        time_s = (start + np.arange(count)) / self._rate_hz
        out = np.zeros(count)
        for gain, reader in self._parts:
            out += gain.at(time_s) * reader.read(start, count)
        return out


def _add(out: Samples, start: int, piece: Samples, at: int) -> None:
    """Adds to ``out``, which begins at sample ``start``, what of ``piece`` (which begins at ``at``) falls into it."""
    low, high = max(start, at), min(start + len(out), at + len(piece))
    if low < high:
        out[low - start : high - start] += piece[low - at : high - at]
