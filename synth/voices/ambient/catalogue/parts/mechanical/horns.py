"""Horns, whistles and sirens: diaphragms that hit their stop once a period, steam across a lip, driven loudspeakers."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.control import crossings, phase
from synth.voices.ambient.catalogue.parts.mechanical.struck import impulses
from synth.voices.ambient.catalogue.parts.mix import Points, coloured
from synth.voices.ambient.catalogue.parts.spectra import drift, unit_rms
from synth.voices.ambient.catalogue.performance import Samples


def diaphragm(
    n: int, rate_hz: int, rng: np.random.Generator, hz: float, gate: Samples, colour: Points, sharpening: float = 0.05
) -> Samples:
    """A horn's diaphragm under a gate [n]: one pulse a period, its colour by the bell.

    Args:
        n: samples.
        rate_hz: samples a second.
        rng: the source of everything random.
        hz: note at full pressure.
        gate: pressure, 0 to 1; the note starts `sharpening` flat and comes up with it.
        colour: level curve of the horn's bell.
        sharpening: a share of the frequency.
    """
    note = hz * (1 - sharpening * (1 - gate) ** 2) * (1 + 0.002 * drift(n, rate_hz, rng, 9.0, -1.6, 1.6))
    pulses = impulses(n, crossings(phase(note, n, rate_hz, rng.uniform()), rng)[0])
    return unit_rms(coloured(pulses, rate_hz, *colour)) * gate


def air_horn(n: int, rate_hz: int, rng: np.random.Generator, hz: float, gate: Samples, bright_hz: float) -> Samples:
    """A flared air horn (train, truck, ship) whose partials fall above `bright_hz`."""
    colour = ((hz / 2, -30.0), (hz, -1.0), (hz * 3, 0.0), (max(bright_hz, hz * 3.2), -7.0))
    top = colour[-1][0]
    return diaphragm(n, rate_hz, rng, hz, gate, (*colour, (top * 2, -20.0), (top * 4, -42.0), (top * 12, -60.0)))


def siren_speaker(cycles: Samples, rate_hz: int, drive: float = 2.5) -> Samples:
    """An electronic siren's horn loudspeaker, driven into its limits, at a phase in cycles [n]."""
    angle = 2.0 * np.pi * cycles
    driven = np.tanh(drive * (np.sin(angle) + 0.25 * np.sin(2 * angle + 0.6)))
    horn = ((200, -24), (500, -4), (1000, 2), (2500, 3), (4000, -4), (7000, -16), (14000, -32), (20000, -42))
    return coloured(driven, rate_hz, *horn)
