"""Beds out of a sound library: recordings that go on under a scene for as long as they fit.

A recording is played to its end, then on from a place that sounds like that end, with an equal-power cross-fade; its
loudness follows how lively the picture is. Importable without torch. Shapes: N = samples at 44.1 kHz, T = steps of a
tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.spectra import mel_spectrogram
from synth.errors import Cancelled
from synth.voices.ambient import band_envelopes
from synth.voices.ambient.envelope_bank import lift
from synth.voices.base import CancelPoll, Controls, Rendering, Sound, Uniforms
from synth.voices.library.catalogue import Kind, Recording
from synth.voices.library.matching import Candidate, Laid
from synth.voices.library.recordings import GAIN_RANGE, RATE_HZ, Recordings, best_of, others_of

_LUFS: Final = -23.0
_FADE_S: Final = 1.0
_STAYS_SPANS: Final = 4  # two minutes
_CALM_S: Final = 3.0  # a bed of single sounds comes back after so long at the earliest
_SILENT: Final = 10 ** (-70 / 20)
_STEPS_HZ: Final = 10
_BLOCK: Final = 1 << 18


def lay_beds(
    recordings: Recordings,
    controls: Controls,
    spans: Iterable[tuple[float, Sequence[Candidate]]],
    count: int,
    uniforms: Uniforms,
    cancelled: CancelPoll,
) -> Rendering:
    """Sound [count] of spans of a clip, each with its ranked candidates; a recording stays for as long as it fits."""
    out = np.zeros(count, np.float32)
    beds = _settle(recordings, spans, controls.duration_s, uniforms)
    for number, bed in enumerate(beds):
        begin = round(bed.start_s * RATE_HZ)
        end = count if number == len(beds) - 1 else min(count, round((bed.end_s + _FADE_S) * RATE_HZ))
        loop = _Loop(
            recordings.sound(bed.chosen.recording), bed.chosen.recording.kind, uniforms, f"library bed {number}"
        )
        piece = loop.play(end - begin, cancelled)
        piece *= np.float32(_bed_gain(bed.chosen.recording))
        fade = min(round(_FADE_S * RATE_HZ), len(piece))
        if number:
            piece[:fade] *= _rise(fade)
        if number < len(beds) - 1:
            piece[len(piece) - fade :] *= _rise(fade)[::-1]
        out[begin:end] += piece
    _follow(out, controls)
    return Rendering(out, controls.hits, laid=tuple(beds))


def _settle(
    recordings: Recordings, spans: Iterable[tuple[float, Sequence[Candidate]]], duration_s: float, uniforms: Uniforms
) -> list[Laid]:
    """Which recording lies where: the one before goes on while it is among the best few, but not for ever."""
    beds: list[Laid] = []
    stayed = 0
    for number, (start_s, ranked) in enumerate(spans):
        there = best_of([one for one in ranked if recordings.has(one.recording)])
        before = beds[-1].chosen if beds else None
        stayed += 1
        if before and stayed < _STAYS_SPANS and before.name in [one.name for one in there]:
            continue
        draw = float(uniforms("library bed", number, 1)[0])
        chosen = recordings.choose(ranked, draw, [before.name] if before else [])
        stayed = 0
        if before is None or chosen.name != before.name:
            beds.append(Laid(start_s, duration_s, "bed", chosen, others_of(ranked, chosen)))
    ends = [*(bed.start_s for bed in beds[1:]), duration_s]
    return [replace(bed, end_s=end_s) for bed, end_s in zip(beds, ends, strict=True)]


def _bed_gain(recording: Recording) -> float:
    if recording.loudness_lufs is None:
        return 1.0
    return float(np.clip(10 ** ((_LUFS - recording.loudness_lufs) / 20), *GAIN_RANGE))


class _Loop:
    """A recording that goes on for as long as is wanted."""

    def __init__(self, sound: Sound, kind: Kind, uniforms: Uniforms, stream: str) -> None:
        self._draw, self._stream, self._number = uniforms, stream, 0
        self._again = kind is not Kind.CONTINUOUS
        if self._again:  # barks and ticks: the whole recording with its pauses, and calm after it
            self._sound = np.pad(sound, (0, max(0, round(_CALM_S * RATE_HZ) - len(sound))))
            self._fade = min(round(0.05 * RATE_HZ), len(self._sound) // 4)
        else:
            loud = np.flatnonzero(np.abs(sound) > _SILENT)
            self._sound = sound[loud[0] : loud[-1] + 1] if len(loud) else sound
            self._fade = min(round(_FADE_S * RATE_HZ), len(self._sound) // 4)

    def play(self, count: int, cancelled: CancelPoll) -> Sound:
        """So many samples of it.

        Raises:
            Cancelled: ``cancelled()`` turned true.
        """
        out = np.zeros(count, np.float32)
        rise = _rise(self._fade)
        at, begin = 0, self._first()
        while at < count:
            if cancelled():
                raise Cancelled("stopped while laying a bed")
            piece = self._sound[begin:].copy()
            if at:
                piece[: self._fade] *= rise
            following = at + len(piece) - self._fade
            if following < count:  # the last piece ends with the clip, not with a fade
                piece[len(piece) - self._fade :] *= rise[::-1]
                begin = self._next()
            end = min(count, at + len(piece))
            out[at:end] += piece[: end - at]
            at = max(following, at + 1)
        return out

    def _first(self) -> int:
        """Where it begins: somewhere in its first half, so that seeds differ."""
        if self._again:
            return 0
        return int(self._uniform() * len(self._sound) / 2)

    def _next(self) -> int:
        """Where it goes on from its end: at one of the three places in its first half that sound most like that end."""
        if self._again or self._fade == 0:
            return 0
        profile, steps = self._profile, max(1, round(self._fade * _STEPS_HZ / RATE_HZ))
        ending = profile[-steps:]
        starts = range(max(1, len(profile) // 2 - steps + 1))
        away = [float(np.abs(profile[start : start + len(ending)] - ending).mean()) for start in starts]
        nearest = np.argsort(away, kind="stable")[:3]
        step = int(nearest[int(self._uniform() * len(nearest))])
        return min(step * RATE_HZ // _STEPS_HZ, len(self._sound) // 2)

    @cached_property
    def _profile(self) -> NDArray[np.float32]:
        """Levels in 20 bands every tenth of a second, in tenths of bels, [T, 20]."""
        energies = mel_spectrogram(self._sound, RATE_HZ, window=8192, hop=RATE_HZ // _STEPS_HZ, bands=20)
        return np.asarray(10 * np.log10(energies + 1e-6), np.float32)

    def _uniform(self) -> float:
        self._number += 1
        return float(self._draw(self._stream, self._number, 1)[0])


def _rise(count: int) -> NDArray[np.float32]:
    """From nothing to all [count], so that the powers of two cross-faded sounds sum to one."""
    return np.sin(np.linspace(0, np.pi / 2, count, endpoint=False, dtype=np.float32))


def _follow(out: Sound, controls: Controls) -> None:
    """Make ``out`` [N] louder and quieter, in place, as the picture is more and less lively."""
    if controls.track is None or len(controls.track) < 2:
        return
    lift_db = lift(np.asarray(controls.track[:, 0], np.float32)) * band_envelopes.RANGE_DB
    if not lift_db.any():
        return
    steps = np.arange(len(lift_db)) / controls.track_rate_hz * RATE_HZ
    for at in range(0, len(out), _BLOCK):  # in blocks, so that a long clip needs no second copy of itself
        block = out[at : at + _BLOCK]
        block *= (10 ** (np.interp(np.arange(at, at + len(block)), steps, lift_db) / 20)).astype(np.float32)
