"""One call of an animal or a person: pulses with breath, through moving resonances (source and filter, Fant 1960).

A :class:`Call` describes a species by numbers relative to a pitch and a duration; :func:`utter` speaks it once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.curves import Points, fade, through
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import Formant, band_pass, resonate
from synth.voices.ambient.catalogue.parts.voice.voice_source import pulses, vibrato

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How a species calls.

    Attributes:
        pitch: along the call, as a share of the pitch that is asked for.
        level: along the call, 0 to 1.
        formants: resonances of the way out.
        brightness_hz: harmonics fall by 1/e every so many hertz.
        steep: harmonics also fall as 1/k.
        jitter, shimmer, roughness: see :func:`pulses`.
        breath: noise beside the pulses, as a share of them.
        breath_hz: band of that noise.
        vibrato_hz, vibrato_pitch, vibrato_level: speed, and depth as a share of pitch and of level.
        floor_db: what passes beside the resonances.
    """

    pitch: Points = ((0.0, 1.0), (1.0, 1.0))
    level: Points = ((0.0, 0.0), (0.15, 1.0), (0.7, 0.8), (1.0, 0.0))
    formants: tuple[Formant, ...] = ()
    brightness_hz: float = 4000.0
    steep: bool = True
    jitter: float = 0.01
    shimmer: float = 0.08
    roughness: float = 0.0
    breath: float = 0.05
    breath_hz: tuple[float, float] = (800.0, 12_000.0)
    vibrato_hz: float = 5.0
    vibrato_pitch: float = 0.0
    vibrato_level: float = 0.0
    floor_db: float = -40.0

    def but(self, **changes: object) -> Call:
        """The same call with some of its numbers changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def utter(call: Call, pitch_hz: float, duration_s: float, rate_hz: int, rng: np.random.Generator) -> Doubles:
    """``call`` once, at ``pitch_hz`` and for ``duration_s``; peak 1."""
    n = max(64, int(duration_s * rate_hz))
    wave = vibrato(n, rate_hz, rng, call.vibrato_hz) if call.vibrato_pitch or call.vibrato_level else np.zeros(n)
    pitch = through(n, call.pitch, logarithmic=True) * pitch_hz * (1 + call.vibrato_pitch * wave)
    source = pulses(
        pitch,
        rate_hz,
        rng,
        brightness_hz=call.brightness_hz,
        steep=call.steep,
        jitter=call.jitter,
        shimmer=call.shimmer,
        roughness=call.roughness,
    )
    if call.breath:
        air = band_pass(rng.standard_normal(n), rate_hz, *call.breath_hz, slope=2)
        source = source + call.breath * air * (0.6 + 0.4 * unit_peak(np.abs(source)))
    source = source * np.maximum(0, through(n, call.level)) * (1 + call.vibrato_level * wave)
    return unit_peak(resonate(source, rate_hz, call.formants, call.floor_db) * fade(n, rate_hz, 0.004, 0.01))


def breath_noise(
    duration_s: float,
    rate_hz: int,
    rng: np.random.Generator,
    formants: tuple[Formant, ...],
    level: Points,
    floor_db: float = -40.0,
) -> Doubles:
    """Air through a throat without voice: noise with ``level`` along it, through ``formants``; peak 1."""
    n = max(64, int(duration_s * rate_hz))
    return unit_peak(resonate(rng.standard_normal(n) * np.maximum(0, through(n, level)), rate_hz, formants, floor_db))


VOWELS: dict[str, tuple[float, float, float, float]] = {
    "a": (760.0, 1250.0, 2600.0, 3500.0),
    "e": (520.0, 1850.0, 2550.0, 3500.0),
    "i": (290.0, 2250.0, 2950.0, 3600.0),
    "o": (480.0, 850.0, 2500.0, 3400.0),
    "u": (320.0, 800.0, 2300.0, 3300.0),
    "@": (520.0, 1450.0, 2500.0, 3500.0),
}
"""The first four resonances of a man's mouth, in hertz (Peterson and Barney, 1952)."""

_VOWEL_WIDTHS_HZ = (90.0, 120.0, 180.0, 260.0)
_VOWEL_GAINS_DB = (0.0, -5.0, -12.0, -18.0)


def vowel(start: str, end: str | None = None, size: float = 1.0, widening: float = 1.0) -> tuple[Formant, ...]:
    """Resonances of a vowel, or of the glide from one to another; ``size`` above 1 is a shorter throat."""
    pairs = zip(VOWELS[start], VOWELS[end or start], _VOWEL_WIDTHS_HZ, _VOWEL_GAINS_DB, strict=True)
    return tuple(
        Formant([(0.0, a * size), (0.45, b * size), (1.0, b * size)], width * size * widening, gain)
        for a, b, width, gain in pairs
    )
