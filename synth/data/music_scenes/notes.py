"""Music composed and played from a mood: chords, bass, arpeggio, melody and drums, by additive, FM and noise synthesis.

FM as Chowning's (J. Audio Eng. Soc. 1973). Nothing above 0.45 of the rate is made, and noise has the same density at
every rate, so that a piece played at 12 kHz sounds as one at 44.1 kHz does after resampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from synth.data.music_scenes.moods import Mood

Floats = NDArray[np.float32]

_MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
_MINOR: Final = (0, 2, 3, 5, 7, 8, 10)
_ROUNDS_MAJOR: Final = ((0, 4, 5, 3), (0, 5, 3, 4), (3, 4, 0, 5), (0, 3, 0, 4))  # degrees, a bar each
_ROUNDS_MINOR: Final = ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 3, 0, 4))
_TOP: Final = 0.45  # of the rate: where partials end
_NOISE_RATE_HZ: Final = 12_000
_LEVEL: Final = 0.12  # root mean square of a piece
_FADE_S: Final = 1.0


@dataclass(frozen=True)
class Note:
    """One sound: when, how long, how high (MIDI), how loud, by whom."""

    start_s: float
    length_s: float
    pitch: int
    gain: float
    voice: str


def play(mood: Mood, rate_hz: int, duration_s: float) -> Floats:
    """The piece of a mood, [N] in [-1, 1]."""
    samples = round(duration_s * rate_hz)
    mixed = np.zeros(samples + rate_hz, np.float32)
    for note in (*compose(mood, duration_s), *_drums(mood, duration_s)):
        if note.start_s >= duration_s:
            continue
        wave = _wave(note.voice, note.pitch, round(note.length_s, 3), round(mood.energy, 1), rate_hz)
        start = round(note.start_s * rate_hz)
        end = min(len(mixed), start + len(wave))
        mixed[start:end] += wave[: end - start] * np.float32(note.gain)
    piece = np.tanh(mixed[:samples] * (1.0 + mood.energy))
    piece *= _LEVEL / max(1e-6, float(np.sqrt(np.square(piece).mean())))
    fade = np.minimum(1, np.arange(samples) / (_FADE_S * rate_hz))
    return np.asarray(np.clip(piece * np.minimum(1, fade[::-1] + 1e-4), -1, 1), np.float32)


def compose(mood: Mood, duration_s: float) -> Iterator[Note]:
    """All notes but the drums."""
    rng = np.random.default_rng((mood.seed, 2))
    scale = _MINOR if mood.minor else _MAJOR
    rounds = _ROUNDS_MINOR if mood.minor else _ROUNDS_MAJOR
    order = rounds[int(rng.integers(len(rounds)))]
    beat_s = 60 / mood.tempo_bpm
    tonic = 48 + mood.key
    place = int(rng.integers(4, 9))
    pattern = rng.permutation(4)
    for bar in range(int(duration_s / (4 * beat_s)) + 1):
        start_s = bar * 4 * beat_s
        chord = [_pitch(tonic, scale, order[bar % 4] + 2 * k) for k in range(3)]
        for pitch in chord:
            yield Note(start_s, 4 * beat_s, pitch, 0.10, "pad" if mood.instrument != "organ" else "organ")
        yield from _bass(mood, start_s, beat_s, chord[0] - 12)
        steps = 4 if mood.density < 0.35 else 8 if mood.density < 0.7 else 16
        for step in range(steps):
            if rng.uniform() < 0.35 + 0.6 * mood.density:
                tone = (*chord, chord[0] + 12)[int(pattern[step % 4])]
                length_s = 4 * beat_s / steps
                yield Note(start_s + step * length_s, 1.6 * length_s, tone + 12, 0.12, mood.instrument)
        for beat in (0, 1.5, 2, 3) if mood.density > 0.4 else (0, 2):
            if rng.uniform() < 0.75:
                place = int(np.clip(place + rng.integers(-2, 3), 2, 12))
                pitch = _pitch(tonic, scale, place) + 12
                yield Note(start_s + beat * beat_s, 1.4 * beat_s, pitch, 0.17, mood.instrument)


def _pitch(tonic: int, scale: tuple[int, ...], degree: int) -> int:
    return tonic + 12 * (degree // 7) + scale[degree % 7]


def _bass(mood: Mood, start_s: float, beat_s: float, pitch: int) -> Iterator[Note]:
    beats = (0, 1, 2, 3) if mood.energy > 0.6 else (0, 2) if mood.energy > 0.3 else (0,)
    for beat in beats:
        yield Note(start_s + beat * beat_s, beat_s * 4 / len(beats), pitch, 0.22, "bass")


def _drums(mood: Mood, duration_s: float) -> Iterator[Note]:
    if mood.energy < 0.3:
        return
    beat_s, gain = 60 / mood.tempo_bpm, 0.15 + 0.5 * mood.energy
    rng = np.random.default_rng((mood.seed, 3))
    for beat in range(int(duration_s / beat_s)):
        time_s = beat * beat_s
        if beat % 2 == 0 or mood.energy > 0.75:
            yield Note(time_s, 0.25, 36, gain, "kick")
        if beat % 2 == 1:
            yield Note(time_s, 0.2, 38, 0.7 * gain, "snare")
        for part in range(2 if mood.energy < 0.6 else 4):
            if rng.uniform() < 0.9:
                yield Note(time_s + part * beat_s / (2 if mood.energy < 0.6 else 4), 0.06, 42, 0.3 * gain, "hat")


@lru_cache(maxsize=4096)
def _wave(voice: str, pitch: int, length_s: float, energy: float, rate_hz: int) -> Floats:
    """One note at gain 1; kept, because a piece says the same things often."""
    if voice in ("kick", "snare", "hat"):
        return _drum(voice, length_s, rate_hz)
    tail_s = {"pad": 0.4, "strings": 0.3, "bells": 1.2, "pluck": 0.5}.get(voice, 0.1)
    time_s = np.arange(round((length_s + tail_s) * rate_hz)) / rate_hz
    hz = 440 * 2 ** ((pitch - 69) / 12)
    attack_s = {"pad": 0.25, "strings": 0.12, "organ": 0.02}.get(voice, 0.005)
    envelope = np.minimum(1, time_s / attack_s) * np.clip((length_s + tail_s - time_s) / tail_s, 0, 1)
    return np.asarray(_tone(voice, hz, time_s, 0.5 + energy, rate_hz) * envelope, np.float32)


def _tone(voice: str, hz: float, time_s: NDArray[np.float64], bright: float, rate_hz: int) -> NDArray[np.float64]:
    turn = 2 * np.pi * hz * time_s
    if voice == "keys":  # an electric piano: FM at the same frequency, dying away
        return np.asarray(np.sin(turn + 1.6 * bright * np.exp(-5 * time_s) * np.sin(turn)) * np.exp(-1.5 * time_s))
    if voice == "bells":
        ratio = 3.5 if 3.5 * hz * 3 < _TOP * rate_hz else 1.4
        return np.asarray(
            np.sin(turn + 1.2 * bright * np.exp(-3 * time_s) * np.sin(ratio * turn)) * np.exp(-2 * time_s)
        )
    partials = {"organ": (1, 2, 3, 4, 6, 8), "bass": (1, 2, 3)}.get(voice, tuple(range(1, 13)))
    steep = {"organ": 0.7, "bass": 1.5, "pad": 2.2, "strings": 1.3, "pluck": 1.2}.get(voice, 1.0) / bright**0.5
    out = np.zeros_like(time_s)
    for k in partials:
        if k * hz > _TOP * rate_hz:
            break
        dying = np.exp(-(2.0 + 1.2 * k) * time_s) if voice == "pluck" else 1.0
        swaying = 0.006 * k * np.sin(2 * np.pi * 5 * time_s) * hz / 40 if voice in ("strings", "lead") else 0.0
        out += k**-steep * np.sin(k * turn + swaying) * dying
    return out


def _drum(voice: str, length_s: float, rate_hz: int) -> Floats:
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    if voice == "kick":
        sweep = 50 * time_s + 90 / 30 * (1 - np.exp(-30 * time_s))
        return np.asarray(np.sin(2 * np.pi * sweep) * np.exp(-14 * time_s), np.float32)
    noise = np.random.default_rng(len(voice)).standard_normal(len(time_s)) * (rate_hz / _NOISE_RATE_HZ) ** 0.5
    if voice == "hat":
        noise -= scipy.ndimage.gaussian_filter1d(noise, rate_hz / 20_000)
        return np.asarray(0.6 * noise * np.exp(-70 * time_s), np.float32)
    body = np.sin(2 * np.pi * 190 * time_s) * np.exp(-20 * time_s)
    return np.asarray(0.4 * noise * np.exp(-22 * time_s) + 0.6 * body, np.float32)
