"""Plucked, struck and bowed strings.

:func:`string_modes` is a stiff lossy string by its modes (Fletcher and Rossing, "The Physics of Musical Instruments",
chapters 2, 9 and 12), exact where a delay loop is a little flat; :func:`bowed_string` is the saw-tooth motion of a bow
(Helmholtz) with vibrato.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.curves import wander
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass
from synth.voices.ambient.catalogue.parts.voice.voice_source import pulses

Doubles = NDArray[np.float64]


def string_modes(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    pitch_hz: float,
    *,
    pluck_place: float = 0.2,
    stiffness: float = 1e-4,
    t60_s: float = 4.0,
    damping_hz: float = 2500.0,
    tilt: float = 1.0,
    detune: float = 0.0,
    most: int = 48,
) -> Doubles:
    """A plucked or struck string, [n]; peak about 1.

    Args:
        n: samples.
        rate_hz: sample rate.
        rng: draws phases and how well each partial rings.
        pitch_hz: the fundamental.
        pluck_place: share of the length at which it is plucked; partials with a node there are missing.
        stiffness: B in ``f_k = k f sqrt(1 + B k**2)``.
        t60_s: decay of the lowest partials by 60 dB.
        damping_hz: where the decay has become twice as quick.
        tilt: partial k has the amplitude ``k**-tilt``.
        detune: a second string of the same note lies so much higher (piano).
        most: partials at most.
    """
    k = np.arange(1, min(most, int(0.45 * rate_hz / pitch_hz)) + 1)
    hz = k * pitch_hz * np.sqrt(1 + stiffness * k * k)
    gain = np.abs(np.sin(np.pi * k * pluck_place)) / k**tilt
    falls = t60_s / (1 + (hz / damping_hz) ** 1.2) * rng.uniform(0.85, 1.15, len(k))
    phase = rng.uniform(0, 2 * np.pi, len(k))
    sound = decaying_modes(n, rate_hz, hz, falls, gain, phase)
    if detune:
        sound += 0.6 * decaying_modes(n, rate_hz, hz * (1 + detune), 1.4 * falls, gain, phase)
    return unit_peak(sound)


def bowed_string(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    pitch_hz: float,
    *,
    vibrato_cents: float,
    bow_noise: float,
    brightness_hz: float = 8000.0,
) -> Doubles:
    """A bowed string, [n]: saw-tooth pulses with vibrato that sets in after a quarter of a second, and bow noise."""
    t = np.arange(n) / rate_hz
    speed = rng.uniform(5, 6.2) * (1 + 0.06 * wander(n, rate_hz, rng, 2))
    wave = np.minimum(1, t / 0.25) * np.sin(np.cumsum(speed) * (2 * np.pi / rate_hz))
    pitch = pitch_hz * (
        1 + vibrato_cents / 1731 * wave + 0.0015 * wander(n, rate_hz, rng, 4) - 0.012 * np.exp(-t / 0.03)
    )
    sound = pulses(pitch, rate_hz, rng, brightness_hz=brightness_hz, jitter=0.0015, shimmer=0.03)
    hiss = band_pass(rng.standard_normal(n), rate_hz, 1200, 9000)
    sound = sound + bow_noise * hiss * (0.5 + 0.5 * unit_peak(np.abs(sound)))
    level = np.minimum(1, t / 0.06) ** 0.8 * np.minimum(1, (n / rate_hz - t) / 0.06)
    swell = 0.8 + 0.2 * np.sin(np.pi * t / max(t[-1], 1e-3))
    return np.asarray(sound * level * swell * (1 + 0.06 * wander(n, rate_hz, rng, 5)))


def wooden_body(
    points: tuple[tuple[float, float], ...], seed: int, depth_db: float = 7.0
) -> tuple[tuple[float, float], ...]:
    """A violin's body: a broad shape ``points`` (hz, dB) with narrow peaks and dips at fixed places; more points.

    Under vibrato every partial sweeps over them, which is what makes a string sound like one.
    """
    hz = np.geomspace(90, 9000, 90)
    at, level = np.asarray(points, np.float64).T
    ripple = np.clip(np.random.default_rng(seed).standard_normal(len(hz)), -1.6, 1.2)
    narrow = np.interp(np.log(hz), np.log(at), level) + depth_db * ripple
    return (points[0], *zip(hz.tolist(), narrow.tolist(), strict=True), points[-1])
