"""Sounds of eighteen kinds of things, made from an integer, or taken from recordings where there are some.

Each kind has its own small recipe of the usual parts (noise through band filters, harmonics of a gliding pitch,
decaying modes, bursts in time); none claims to be the thing, but they differ as the things do, and no two of one kind
are alike. Recordings (ESC-10's, say) are taken four times out of five, so that a net hears both.

Importable without torch. Shapes: N samples at 22050 Hz, float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from synth.data import class_sounds
from synth.data.av_clip import RATE_HZ
from synth.errors import OptionError
from synth.media import audio

Sound: TypeAlias = NDArray[np.float32]
Reals: TypeAlias = NDArray[np.float64]

PEAK: Final = 0.5
RECORDED: Final = 0.8
"""How often a recording is taken where there is one."""
_PITCH: Final = 0.06
_GAIN_DB: Final = (-10.0, 0.0)
_QUIET: Final = 0.25  # a cut below this share of the recording's own loudness is drawn again


def sound_of(
    label: str, duration_s: float, rng: np.random.Generator, recordings: Mapping[str, Sequence[Sound]] | None = None
) -> Sound:
    """One sounding of a class, float32 [round(duration_s * 22050)], with a peak of 0.5 (a recording: 0.16 to 0.5).

    Args:
        label: one of the eighteen classes.
        duration_s: above 0.
        rng: all that is random comes from it.
        recordings: by class, at 22050 Hz with a peak of 0.5, as :func:`recordings_of` gives them; used four times
            out of five where they have the class: a random cut, or a repetition where they are short, with a random
            gain of -10 to 0 dB and pitch of +-6 %.

    Raises:
        OptionError: the class is unknown, or the duration is not above 0.
    """
    recipe = RECIPES.get(label)
    if recipe is None:
        raise OptionError(f"nothing is known to sound like {label!r}; known are {', '.join(RECIPES)}")
    count = round(duration_s * RATE_HZ)
    if count < 1:
        raise OptionError(f"the duration is {duration_s:g} s; it must be above 0")
    recorded = recordings.get(label, ()) if recordings else ()
    if len(recorded) and rng.random() < RECORDED:
        return _cut(recorded[int(rng.integers(len(recorded)))], count, rng)
    # Made on a second at least, so that a short one is a cut of the thing and not a squeezed one.
    made = recipe(max(count, RATE_HZ), rng)
    first = int(rng.integers(len(made) - count + 1))
    part = made[first : first + count]
    if np.abs(part).max() < _QUIET * np.abs(made).max():
        part = made[:count]
    return peaked(part, PEAK)


def peaked(sound: NDArray[np.floating], peak: float) -> Sound:
    """The sound at a peak; silence stays silence."""
    return (sound * (peak / max(float(np.abs(sound).max(initial=0.0)), 1e-9))).astype(np.float32)


def recordings_of(folder: Path, folds: Sequence[int] = (1, 2, 3)) -> dict[str, list[Sound]]:
    """The recordings of a folder by class, at 22050 Hz with a peak of 0.5, of the classes that a scene may have.

    Args:
        folder: in a layout of :mod:`synth.data.class_sounds`.
        folds: those to take.

    Raises:
        OptionError: the folder holds no sounds by class.
        MediaError: a recording cannot be read.
    """
    found: dict[str, list[Sound]] = {}
    for item in class_sounds.load(folder):
        if item.label in RECIPES and item.fold in folds:
            sound, _ = audio.read(item.path, RATE_HZ)
            # ESC fills short recordings up with silence, which is no sound of their class.
            heard = np.flatnonzero(np.abs(sound) > 1e-4 * max(float(np.abs(sound).max(initial=0.0)), 1e-9))
            if len(heard):
                found.setdefault(item.label, []).append(peaked(sound[heard[0] : heard[-1] + 1], PEAK))
    return found


def _cut(recording: Sound, count: int, rng: np.random.Generator) -> Sound:
    """A random stretch of a recording, repeated where it is short."""
    speed = 1 + rng.uniform(-_PITCH, _PITCH)
    times = np.arange(0, max(len(recording) - 1, 1), speed)
    faster = np.interp(times, np.arange(len(recording)), recording).astype(np.float32)
    loud = float(np.sqrt(np.mean(faster**2)))
    part = faster
    for _ in range(5):
        first = int(rng.integers(max(len(faster) - count, 0) + 1))
        part = faster[first : first + count] if len(faster) >= count else np.resize(np.roll(faster, -first), count)
        if float(np.sqrt(np.mean(part**2))) > _QUIET * loud:
            break
    return part * np.float32(10 ** (rng.uniform(*_GAIN_DB) / 20))


# -- parts ---------------------------------------------------------------------------------------------------------


def _clock(count: int) -> Reals:
    return np.arange(count) / RATE_HZ


def _band(count: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> Reals:
    """Noise between two frequencies, with a deviation of 1."""
    sos = signal.butter(2, [low_hz, min(high_hz, 0.49 * RATE_HZ)], "bandpass", fs=RATE_HZ, output="sos")
    noise: Reals = signal.sosfilt(sos, rng.standard_normal(count))
    return noise / max(float(noise.std()), 1e-9)


def _wander(count: int, rate_hz: float, rng: np.random.Generator) -> Reals:
    """A curve in 0..1 that turns ``rate_hz`` times a second."""
    knots = rng.random(max(2, int(np.ceil(count / RATE_HZ * rate_hz)) + 1))
    return np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)


def _harmonics(pitch_hz: Reals, tilt: float, highest: int = 24) -> Reals:
    """Harmonics of a pitch [N], each ``k ** -tilt`` strong, none above the Nyquist frequency."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    top = float(pitch_hz.max())
    return np.asarray(
        sum((np.sin(k * phase) * k**-tilt for k in range(1, highest + 1) if k * top < 0.48 * RATE_HZ), np.zeros(1))
        + np.zeros(len(pitch_hz))
    )


def _formants(source: Reals, peaks: Sequence[tuple[float, float, float]]) -> Reals:
    """A source through resonances (frequency in Hz, bandwidth in Hz, gain)."""
    out = np.zeros(len(source))
    for centre_hz, width_hz, gain in peaks:
        b, a = signal.iirpeak(min(centre_hz, 0.47 * RATE_HZ), max(centre_hz / width_hz, 0.5), fs=RATE_HZ)
        out += gain * signal.lfilter(b, a, source)
    return out


def _hump(count: int, rise: float = 0.15) -> Reals:
    """A rise over ``rise`` of the length and a fall over the rest."""
    x = np.linspace(0, 1, count)
    return np.asarray(np.minimum(x / rise, 1) * np.clip((1 - x) / (1 - rise), 0, 1) ** 0.7)


def _modes(count: int, modes: Sequence[tuple[float, float, float]]) -> Reals:
    """Decaying sines (frequency in Hz, time constant in s, gain)."""
    t = _clock(count)
    return np.asarray(sum((g * np.exp(-t / d) * np.sin(2 * np.pi * f * t) for f, d, g in modes), np.zeros(count)))


def _times(count: int, gap_s: tuple[float, float], rng: np.random.Generator) -> list[int]:
    """Starts in samples, with random gaps; the first comes early."""
    times, now = [], float(rng.uniform(0, min(0.3, gap_s[0])))
    while now * RATE_HZ < count:
        times.append(int(now * RATE_HZ))
        now += float(rng.uniform(*gap_s))
    return times


def _lay(out: Reals, start: int, part: Reals) -> None:
    part = part[: len(out) - start]
    out[start : start + len(part)] += part


def _repeated(count: int, gap_s: tuple[float, float], rng: np.random.Generator, one: Callable[[], Reals]) -> Reals:
    out = np.zeros(count)
    for start in _times(count, gap_s, rng):
        _lay(out, start, one() * rng.uniform(0.6, 1))
    return out


# -- things --------------------------------------------------------------------------------------------------------


def _chainsaw(count: int, rng: np.random.Generator) -> Reals:
    revs = rng.uniform(85, 140) * (0.75 + 0.35 * _wander(count, 2.0, rng))
    buzz = np.tanh(3 * _harmonics(revs, 0.5, 40) / 3)
    rasp = _band(count, 1500, 6500, rng) * (0.6 + 0.4 * np.sin(2 * np.pi * np.cumsum(revs) / RATE_HZ))
    return _formants(buzz, [(900, 500, 1.0), (2800, 900, 1.2)]) * 2 + 0.3 * rasp


def _clock_tick(count: int, rng: np.random.Generator) -> Reals:
    step = rng.choice([0.25, 0.5, 1.0]) * rng.uniform(0.95, 1.05)
    out, length = np.zeros(count), RATE_HZ // 12
    tones = rng.uniform(1800, 6000, 4)
    for number, start in enumerate(range(int(0.1 * RATE_HZ), count, int(step * RATE_HZ))):
        pitch = 1.0 if number % 2 else rng.uniform(0.85, 0.9)
        _lay(out, start, _modes(length, [(f * pitch, rng.uniform(0.002, 0.008), 1.0) for f in tones]))
    return out + 0.004 * rng.standard_normal(count)


def _crackling_fire(count: int, rng: np.random.Generator) -> Reals:
    out = 0.06 * _band(count, 60, 500, rng) * (0.5 + _wander(count, 3, rng))
    for _ in range(int(count / RATE_HZ * rng.uniform(15, 45))):
        length = int(rng.uniform(0.001, 0.012) * RATE_HZ) + 8
        snap = rng.standard_normal(length) * np.exp(-np.linspace(0, 6, length))
        _lay(out, int(rng.integers(count)), snap * rng.pareto(2.0) * 0.15)
    return np.clip(out, -1.2, 1.2)


def _crying_baby(count: int, rng: np.random.Generator) -> Reals:
    base = rng.uniform(380, 520)

    def cry() -> Reals:
        length = int(rng.uniform(0.6, 1.2) * RATE_HZ)
        x = np.linspace(0, 1, length)
        pitch = base * (1 + 0.25 * np.sin(np.pi * x) + 0.02 * np.sin(2 * np.pi * 9 * x)) * rng.uniform(0.95, 1.08)
        voice = _harmonics(pitch, 0.7) + 0.15 * rng.standard_normal(length)
        return _formants(voice, [(1100, 250, 1.0), (3000, 500, 0.7)]) * _hump(length, 0.2)

    return _repeated(count, (0.9, 1.5), rng, cry)


def _dog(count: int, rng: np.random.Generator) -> Reals:
    base, throat = rng.uniform(250, 600), rng.uniform(0.8, 1.3)

    def bark() -> Reals:
        length = int(rng.uniform(0.12, 0.22) * RATE_HZ)
        x = np.linspace(0, 1, length)
        voice = _harmonics(base * (0.8 + 0.5 * np.sin(np.pi * x**0.7)), 0.6) + 0.5 * rng.standard_normal(length)
        peaks = [(650 * throat, 200, 1.0), (1300 * throat, 300, 0.7), (2600 * throat, 500, 0.3)]
        return _formants(voice, peaks) * _hump(length, 0.12)

    return _repeated(count, (0.3, 0.9), rng, bark)


def _helicopter(count: int, rng: np.random.Generator) -> Reals:
    rate = rng.uniform(9, 17)
    beat = (0.5 + 0.5 * np.sin(2 * np.pi * rate * _clock(count))) ** 4
    whine = 0.08 * np.sin(2 * np.pi * rng.uniform(300, 700) * _clock(count))
    return _band(count, 40, 260, rng) * (0.2 + beat) + 0.25 * _band(count, 300, 2500, rng) * (0.3 + beat) + whine


def _rain(count: int, rng: np.random.Generator) -> Reals:
    out = _band(count, rng.uniform(300, 1200), 10000, rng) * (0.8 + 0.2 * _wander(count, 1, rng))
    for _ in range(int(count / RATE_HZ * rng.uniform(10, 60))):
        drop = _modes(RATE_HZ // 40, [(rng.uniform(1500, 5000), rng.uniform(0.002, 0.006), 1.5)])
        _lay(out, int(rng.integers(count)), drop)
    return out


def _rooster(count: int, rng: np.random.Generator) -> Reals:
    base = rng.uniform(480, 750)

    def crow() -> Reals:
        parts = []
        for length_s, low, high in ((0.15, 0.8, 1.0), (0.18, 1.0, 1.2), (0.25, 1.1, 1.5), (0.8, 1.6, 0.9)):
            length = int(length_s * rng.uniform(0.8, 1.2) * RATE_HZ)
            parts.append(_harmonics(base * np.linspace(low, high, length), 0.4) * _hump(length, 0.1))
            parts.append(np.zeros(int(0.05 * RATE_HZ)))
        whole = np.concatenate(parts)
        return _formants(
            whole + 0.1 * rng.standard_normal(len(whole)) * (whole != 0), [(1500, 500, 1), (3000, 700, 0.8)]
        )

    return _repeated(count, (1.8, 3.0), rng, crow)


def _sea_waves(count: int, rng: np.random.Generator) -> Reals:
    period = rng.uniform(2.0, 4.0)
    swell = (0.5 + 0.5 * np.sin(2 * np.pi * (_clock(count) / period + rng.random()))) ** 2
    return _band(count, 80, 700, rng) * (0.3 + 0.7 * swell) + 0.6 * _band(count, 700, 5000, rng) * swell**1.5


def _sneezing(count: int, rng: np.random.Generator) -> Reals:
    pitch = rng.uniform(180, 380)

    def sneeze() -> Reals:
        inward = _band(int(0.35 * RATE_HZ), 600, 3500, rng) * np.linspace(0, 0.25, int(0.35 * RATE_HZ))
        length = int(rng.uniform(0.25, 0.4) * RATE_HZ)
        voice = _harmonics(pitch * np.linspace(1.4, 0.7, length), 0.8)
        burst = _band(length, 1200, 8000, rng) + 0.7 * _formants(voice, [(700, 200, 1), (1700, 300, 0.7)])
        return np.concatenate([inward, np.zeros(RATE_HZ // 20), burst * _hump(length, 0.04)])

    return _repeated(count, (1.2, 2.2), rng, sneeze)


def _bell(count: int, rng: np.random.Generator) -> Reals:
    base = rng.uniform(350, 1100)
    ratios = (0.5, 1.0, 1.19, 1.5, 2.0, 2.66, 3.01, 4.1, 5.4)
    ring = [(base * r * rng.uniform(0.99, 1.01), 1.6 / r**0.7, 1 / r**0.5) for r in ratios if base * r < 9000]
    return _repeated(count, (0.7, 1.8), rng, lambda: _modes(2 * RATE_HZ, ring))


def _drum(count: int, rng: np.random.Generator) -> Reals:
    base, snares = rng.uniform(70, 170), rng.uniform(0, 0.6)

    def hit() -> Reals:
        length = RATE_HZ // 2
        skin = _modes(length, [(base * r, 0.18 / r, 1 / r) for r in (1.0, 1.59, 2.14, 2.3, 2.65)])
        return skin + snares * _band(length, 1000, 6000, rng) * np.exp(-_clock(length) / 0.06)

    beat = rng.uniform(0.18, 0.5)
    return _repeated(count, (beat * 0.97, beat * 1.03), rng, hit)


def _siren(count: int, rng: np.random.Generator) -> Reals:
    low, high, period = rng.uniform(450, 700), rng.uniform(1100, 1600), rng.uniform(0.4, 3.0)
    turn = 0.5 - 0.5 * np.cos(2 * np.pi * (_clock(count) / period + rng.random()))
    if rng.random() < 0.3:  # two tones in turn
        turn = (turn > 0.5) * 0.5
    return _harmonics(low + (high - low) * turn, 1.2, 8)


def _engine(count: int, rng: np.random.Generator) -> Reals:
    pulses = rng.uniform(22, 55) * (0.9 + 0.25 * _wander(count, 0.8, rng))
    rough = 1 + 0.3 * (_wander(count, 30, rng) - 0.5)
    body = _formants(_harmonics(pulses, 0.3, 40) * rough, [(110, 80, 1.5), (260, 120, 0.8), (600, 300, 0.25)])
    return body + 0.05 * _band(count, 100, 1800, rng)


def _whistle(count: int, rng: np.random.Generator) -> Reals:
    pitch, trill = rng.uniform(2000, 3600), rng.uniform(18, 40)

    def blow() -> Reals:
        length = int(rng.uniform(0.3, 1.0) * RATE_HZ)
        pea = np.sin(2 * np.pi * trill * _clock(length))
        tone = _harmonics(pitch * (1 + 0.03 * pea), 2.0, 3) * (0.75 + 0.25 * pea)
        return (tone + 0.03 * rng.standard_normal(length)) * _hump(length, 0.05) ** 0.4

    return _repeated(count, (0.6, 1.6), rng, blow)


def _bird(count: int, rng: np.random.Generator) -> Reals:
    low, span, sweep = rng.uniform(2500, 4500), rng.uniform(800, 2600), rng.uniform(-1, 1)

    def chirp() -> Reals:
        length = int(rng.uniform(0.04, 0.14) * RATE_HZ)
        x = np.linspace(0, 1, length)
        curve = x if sweep > 0 else 1 - x
        return _harmonics(low + span * (0.6 * curve + 0.4 * np.sin(np.pi * x)), 2.5, 2) * _hump(length, 0.3)

    return _repeated(count, (0.09, 0.4), rng, chirp)


_VOWELS: Final = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))


def _speech(count: int, rng: np.random.Generator) -> Reals:
    base, size = (rng.uniform(95, 140), 1.0) if rng.random() < 0.5 else (rng.uniform(170, 240), 1.15)

    def syllable() -> Reals:
        length = int(rng.uniform(0.1, 0.22) * RATE_HZ)
        pitch = base * rng.uniform(0.85, 1.2) * np.linspace(1.06, 0.94, length)
        first, second, third = (size * hz for hz in _VOWELS[int(rng.integers(len(_VOWELS)))])
        vowel = _formants(_harmonics(pitch, 0.9, 40), [(first, 90, 1.0), (second, 120, 0.6), (third, 180, 0.3)])
        hiss = 0.08 * _band(length // 3 + 64, 3000, 8000, rng) if rng.random() < 0.4 else np.zeros(64)
        return np.concatenate([hiss * _hump(len(hiss), 0.5), vowel * _hump(length, 0.25)])

    return _repeated(count, (0.15, 0.33), rng, syllable)


def _hammer(count: int, rng: np.random.Generator) -> Reals:
    metal = rng.random() < 0.5
    base, decay_s = (rng.uniform(700, 2200), 0.25) if metal else (rng.uniform(180, 600), 0.035)
    ring = [(base * r, decay_s / r**0.6, rng.uniform(0.3, 1)) for r in (1, 1.7, 2.6, 3.5, 4.9) if base * r < 9500]

    def hit() -> Reals:
        length = int(min(1.0, 6 * decay_s) * RATE_HZ)
        knock = _band(length, 200, 5000, rng) * np.exp(-_clock(length) / 0.004)
        return _modes(length, ring) + 0.5 * knock

    return _repeated(count, (0.45, 0.8), rng, hit)


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
