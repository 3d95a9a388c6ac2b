"""One recipe a class for a sound out of nothing but a generator, from the parts of
:mod:`synth.data.sounding_scenes.sound_parts`.

A recipe gives N samples at 22050 Hz, float64, at no particular level, for N of a second or more; pitches, rates and
resonances are drawn anew for each, within what the thing is known for.

Importable without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from synth.data.corpora.av_clip import RATE_HZ
from synth.data.sounding_scenes.sound_parts import (
    Reals,
    band,
    clock,
    formants,
    harmonics,
    hump,
    lay,
    modes,
    repeated,
    wander,
)


def _chainsaw(count: int, rng: np.random.Generator) -> Reals:
    revs = rng.uniform(85, 140) * (0.75 + 0.35 * wander(count, 2.0, rng))
    buzz = np.tanh(3 * harmonics(revs, 0.5, 40) / 3)
    rasp = band(count, 1500, 6500, rng) * (0.6 + 0.4 * np.sin(2 * np.pi * np.cumsum(revs) / RATE_HZ))
    return formants(buzz, [(900, 500, 1.0), (2800, 900, 1.2)]) * 2 + 0.3 * rasp


def _clock_tick(count: int, rng: np.random.Generator) -> Reals:
    step = rng.choice([0.25, 0.5, 1.0]) * rng.uniform(0.95, 1.05)
    out, length = np.zeros(count), RATE_HZ // 12
    tones = rng.uniform(1800, 6000, 4)
    for number, start in enumerate(range(int(0.1 * RATE_HZ), count, int(step * RATE_HZ))):
        pitch = 1.0 if number % 2 else rng.uniform(0.85, 0.9)
        lay(out, start, modes(length, [(f * pitch, rng.uniform(0.002, 0.008), 1.0) for f in tones]))
    return out + 0.004 * rng.standard_normal(count)


def _crackling_fire(count: int, rng: np.random.Generator) -> Reals:
    out = 0.06 * band(count, 60, 500, rng) * (0.5 + wander(count, 3, rng))
    for _ in range(int(count / RATE_HZ * rng.uniform(15, 45))):
        length = int(rng.uniform(0.001, 0.012) * RATE_HZ) + 8
        snap = rng.standard_normal(length) * np.exp(-np.linspace(0, 6, length))
        lay(out, int(rng.integers(count)), snap * rng.pareto(2.0) * 0.15)
    return np.clip(out, -1.2, 1.2)


def _crying_baby(count: int, rng: np.random.Generator) -> Reals:
    base = rng.uniform(380, 520)

    def cry() -> Reals:
        length = int(rng.uniform(0.6, 1.2) * RATE_HZ)
        x = np.linspace(0, 1, length)
        pitch = base * (1 + 0.25 * np.sin(np.pi * x) + 0.02 * np.sin(2 * np.pi * 9 * x)) * rng.uniform(0.95, 1.08)
        voice = harmonics(pitch, 0.7) + 0.15 * rng.standard_normal(length)
        return formants(voice, [(1100, 250, 1.0), (3000, 500, 0.7)]) * hump(length, 0.2)

    return repeated(count, (0.9, 1.5), rng, cry)


def _dog(count: int, rng: np.random.Generator) -> Reals:
    base, throat = rng.uniform(250, 600), rng.uniform(0.8, 1.3)

    def bark() -> Reals:
        length = int(rng.uniform(0.12, 0.22) * RATE_HZ)
        x = np.linspace(0, 1, length)
        voice = harmonics(base * (0.8 + 0.5 * np.sin(np.pi * x**0.7)), 0.6) + 0.5 * rng.standard_normal(length)
        peaks = [(650 * throat, 200, 1.0), (1300 * throat, 300, 0.7), (2600 * throat, 500, 0.3)]
        return formants(voice, peaks) * hump(length, 0.12)

    return repeated(count, (0.3, 0.9), rng, bark)


def _helicopter(count: int, rng: np.random.Generator) -> Reals:
    rate = rng.uniform(9, 17)
    beat = (0.5 + 0.5 * np.sin(2 * np.pi * rate * clock(count))) ** 4
    whine = 0.08 * np.sin(2 * np.pi * rng.uniform(300, 700) * clock(count))
    return band(count, 40, 260, rng) * (0.2 + beat) + 0.25 * band(count, 300, 2500, rng) * (0.3 + beat) + whine


def _rain(count: int, rng: np.random.Generator) -> Reals:
    out = band(count, rng.uniform(300, 1200), 10000, rng) * (0.8 + 0.2 * wander(count, 1, rng))
    for _ in range(int(count / RATE_HZ * rng.uniform(10, 60))):
        drop = modes(RATE_HZ // 40, [(rng.uniform(1500, 5000), rng.uniform(0.002, 0.006), 1.5)])
        lay(out, int(rng.integers(count)), drop)
    return out


def _rooster(count: int, rng: np.random.Generator) -> Reals:
    base = rng.uniform(480, 750)

    def crow() -> Reals:
        parts = []
        for length_s, low, high in ((0.15, 0.8, 1.0), (0.18, 1.0, 1.2), (0.25, 1.1, 1.5), (0.8, 1.6, 0.9)):
            length = int(length_s * rng.uniform(0.8, 1.2) * RATE_HZ)
            parts.append(harmonics(base * np.linspace(low, high, length), 0.4) * hump(length, 0.1))
            parts.append(np.zeros(int(0.05 * RATE_HZ)))
        whole = np.concatenate(parts)
        return formants(
            whole + 0.1 * rng.standard_normal(len(whole)) * (whole != 0), [(1500, 500, 1), (3000, 700, 0.8)]
        )

    return repeated(count, (1.8, 3.0), rng, crow)


def _sea_waves(count: int, rng: np.random.Generator) -> Reals:
    period = rng.uniform(2.0, 4.0)
    swell = (0.5 + 0.5 * np.sin(2 * np.pi * (clock(count) / period + rng.random()))) ** 2
    return band(count, 80, 700, rng) * (0.3 + 0.7 * swell) + 0.6 * band(count, 700, 5000, rng) * swell**1.5


def _sneezing(count: int, rng: np.random.Generator) -> Reals:
    pitch = rng.uniform(180, 380)

    def sneeze() -> Reals:
        inward = band(int(0.35 * RATE_HZ), 600, 3500, rng) * np.linspace(0, 0.25, int(0.35 * RATE_HZ))
        length = int(rng.uniform(0.25, 0.4) * RATE_HZ)
        voice = harmonics(pitch * np.linspace(1.4, 0.7, length), 0.8)
        burst = band(length, 1200, 8000, rng) + 0.7 * formants(voice, [(700, 200, 1), (1700, 300, 0.7)])
        return np.concatenate([inward, np.zeros(RATE_HZ // 20), burst * hump(length, 0.04)])

    return repeated(count, (1.2, 2.2), rng, sneeze)


def _bell(count: int, rng: np.random.Generator) -> Reals:
    base = rng.uniform(350, 1100)
    ratios = (0.5, 1.0, 1.19, 1.5, 2.0, 2.66, 3.01, 4.1, 5.4)
    ring = [(base * r * rng.uniform(0.99, 1.01), 1.6 / r**0.7, 1 / r**0.5) for r in ratios if base * r < 9000]
    return repeated(count, (0.7, 1.8), rng, lambda: modes(2 * RATE_HZ, ring))


def _drum(count: int, rng: np.random.Generator) -> Reals:
    base, snares = rng.uniform(70, 170), rng.uniform(0, 0.6)

    def hit() -> Reals:
        length = RATE_HZ // 2
        skin = modes(length, [(base * r, 0.18 / r, 1 / r) for r in (1.0, 1.59, 2.14, 2.3, 2.65)])
        return skin + snares * band(length, 1000, 6000, rng) * np.exp(-clock(length) / 0.06)

    beat = rng.uniform(0.18, 0.5)
    return repeated(count, (beat * 0.97, beat * 1.03), rng, hit)


def _siren(count: int, rng: np.random.Generator) -> Reals:
    low, high, period = rng.uniform(450, 700), rng.uniform(1100, 1600), rng.uniform(0.4, 3.0)
    turn = 0.5 - 0.5 * np.cos(2 * np.pi * (clock(count) / period + rng.random()))
    if rng.random() < 0.3:  # two tones in turn
        turn = np.where(turn > 0.5, 0.5, 0.0)
    return harmonics(low + (high - low) * turn, 1.2, 8)


def _engine(count: int, rng: np.random.Generator) -> Reals:
    pulses = rng.uniform(22, 55) * (0.9 + 0.25 * wander(count, 0.8, rng))
    rough = 1 + 0.3 * (wander(count, 30, rng) - 0.5)
    body = formants(harmonics(pulses, 0.3, 40) * rough, [(110, 80, 1.5), (260, 120, 0.8), (600, 300, 0.25)])
    return body + 0.05 * band(count, 100, 1800, rng)


def _whistle(count: int, rng: np.random.Generator) -> Reals:
    pitch, trill = rng.uniform(2000, 3600), rng.uniform(18, 40)

    def blow() -> Reals:
        length = int(rng.uniform(0.3, 1.0) * RATE_HZ)
        pea = np.sin(2 * np.pi * trill * clock(length))
        tone = harmonics(pitch * (1 + 0.03 * pea), 2.0, 3) * (0.75 + 0.25 * pea)
        return (tone + 0.03 * rng.standard_normal(length)) * hump(length, 0.05) ** 0.4

    return repeated(count, (0.6, 1.6), rng, blow)


def _bird(count: int, rng: np.random.Generator) -> Reals:
    low, span, sweep = rng.uniform(2500, 4500), rng.uniform(800, 2600), rng.uniform(-1, 1)

    def chirp() -> Reals:
        length = int(rng.uniform(0.04, 0.14) * RATE_HZ)
        x = np.linspace(0, 1, length)
        curve = x if sweep > 0 else 1 - x
        return harmonics(low + span * (0.6 * curve + 0.4 * np.sin(np.pi * x)), 2.5, 2) * hump(length, 0.3)

    return repeated(count, (0.09, 0.4), rng, chirp)


_VOWELS: Final = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))


def _speech(count: int, rng: np.random.Generator) -> Reals:
    base, size = (rng.uniform(95, 140), 1.0) if rng.random() < 0.5 else (rng.uniform(170, 240), 1.15)

    def syllable() -> Reals:
        length = int(rng.uniform(0.1, 0.22) * RATE_HZ)
        pitch = base * rng.uniform(0.85, 1.2) * np.linspace(1.06, 0.94, length)
        first, second, third = (size * hz for hz in _VOWELS[int(rng.integers(len(_VOWELS)))])
        vowel = formants(harmonics(pitch, 0.9, 40), [(first, 90, 1.0), (second, 120, 0.6), (third, 180, 0.3)])
        hiss = 0.08 * band(length // 3 + 64, 3000, 8000, rng) if rng.random() < 0.4 else np.zeros(64)
        return np.concatenate([hiss * hump(len(hiss), 0.5), vowel * hump(length, 0.25)])

    return repeated(count, (0.15, 0.33), rng, syllable)


def _hammer(count: int, rng: np.random.Generator) -> Reals:
    metal = rng.random() < 0.5
    base, decay_s = (rng.uniform(700, 2200), 0.25) if metal else (rng.uniform(180, 600), 0.035)
    ring = [(base * r, decay_s / r**0.6, rng.uniform(0.3, 1)) for r in (1, 1.7, 2.6, 3.5, 4.9) if base * r < 9500]

    def hit() -> Reals:
        length = int(min(1.0, 6 * decay_s) * RATE_HZ)
        knock = band(length, 200, 5000, rng) * np.exp(-clock(length) / 0.004)
        return modes(length, ring) + 0.5 * knock

    return repeated(count, (0.45, 0.8), rng, hit)


RECIPES: Final[Mapping[str, Callable[[int, np.random.Generator], Reals]]] = {
    "chainsaw": _chainsaw,
    "clock_tick": _clock_tick,
    "crackling_fire": _crackling_fire,
    "crying_baby": _crying_baby,
    "dog": _dog,
    "helicopter": _helicopter,
    "rain": _rain,
    "rooster": _rooster,
    "sea_waves": _sea_waves,
    "sneezing": _sneezing,
    "bell": _bell,
    "drum": _drum,
    "siren": _siren,
    "engine": _engine,
    "whistle": _whistle,
    "bird": _bird,
    "speech": _speech,
    "hammer": _hammer,
}
"""By class, in the order of ``CLASSES``: ESC-10's ten first, by its folders' names."""
