"""Combustion engines by cylinder: exhaust pulses through a pipe, gas that is let out with them, valves and block.

A cylinder fires once in two turns (four-stroke) or once a turn (two-stroke), so that an engine of c cylinders has its
strongest line at rpm / 60 * c * 2 / strokes, with weaker lines at the parts of it where cylinders differ
(Farnell, "Designing Sound", 2010, ch. 47; Baldan et al., "Physically informed car engine sound synthesis", 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.control import crossings, phase
from synth.voices.ambient.catalogue.parts.mechanical.struck import impulses, modes
from synth.voices.ambient.catalogue.parts.mix import Mix, Response
from synth.voices.ambient.catalogue.parts.spectra import unit_rms
from synth.voices.ambient.catalogue.performance import Samples

SOUND_MPS = 343.0


@dataclass(frozen=True)
class Engine:
    """What an engine is built like.

    Attributes:
        cylinders: how many fire in turn.
        strokes: 4 or 2; other values serve pulse sources that are not engines (a blade passing).
        pipe_m: length of the exhaust pipe.
        pipe_loss_hz: above it the reflection in the pipe dies.
        uneven: how much cylinders differ in strength, as a share.
        pulse_s: fall time of one exhaust pulse.
        gas: level of the gas noise beside the pulses.
        clatter: level of valves and block beside the pulses.
        clatter_hz: modes of the block.
        odd_fire: a V-twin's second pulse comes late by this share of the gap.
    """

    cylinders: int = 4
    strokes: float = 4.0
    pipe_m: float = 1.6
    pipe_loss_hz: float = 1500.0
    uneven: float = 0.2
    pulse_s: float = 0.004
    gas: float = 0.3
    clatter: float = 0.1
    clatter_hz: tuple[float, ...] = (900.0, 1500.0, 2300.0, 3400.0, 4700.0)
    odd_fire: float = 0.0

    def firing_hz(self, rpm: float) -> float:
        """Explosions a second at `rpm` turns a minute."""
        return rpm / 60.0 * self.cylinders * 2.0 / self.strokes


def pulse_response(mix: Mix, fall_s: float, rise_s: float) -> Response:
    """Transform of a pulse that rises and falls exponentially, of unit area, at the bins of `mix`."""
    turn = 2j * np.pi * mix.frequencies_hz
    return np.asarray(1.0 / ((1.0 + turn * fall_s) * (1.0 + turn * rise_s)))


def pipe_response(mix: Mix, length_m: float, loss_hz: float, reflected: float = 0.8) -> Response:
    """Transform of an open pipe: an inverted, duller reflection comes back every 2 L / c."""
    response = np.ones(mix.size // 2 + 1, np.complex64)
    hz = mix.frequencies_hz[mix.frequencies_hz < 5.0 * loss_hz]  # above, nothing comes back
    echo = np.exp(hz * np.complex64(-1 / loss_hz - 4j * np.pi * length_m / SOUND_MPS))
    response[: len(hz)] /= 1.0 + np.float32(reflected) * echo
    return response


def firings(
    turns: Samples, rng: np.random.Generator, body: np.random.Generator, engine: Engine
) -> tuple[Samples, Samples, NDArray[np.int64]]:
    """Where an engine fires (sample positions), how strongly, and which cylinder it is.

    Args:
        turns: turns of the shaft gone through at each sample.
        rng: moves and weighs the single explosions.
        body: says what this engine's cylinders are like; alike in all segments of one sound.
        engine: how it is built.
    """
    at, number = crossings(turns, rng, engine.cylinders * 2.0 / engine.strokes, 0.012)
    cylinder = number % engine.cylinders
    gain = (1 + engine.uneven * np.clip(body.standard_normal(engine.cylinders), -2, 2))[cylinder]
    gain = gain * (1 + 0.5 * engine.uneven * rng.standard_normal(len(at)))
    if engine.odd_fire and len(at) > 1:
        at = at + np.where(number % 2, engine.odd_fire * float(np.mean(np.diff(at))), 0.0)
    return at, gain, cylinder


def add_engine(
    mix: Mix,
    rng: np.random.Generator,
    body: np.random.Generator,
    turns: Samples,
    engine: Engine,
    level: float = 1.0,
    load: Samples | float = 1.0,
) -> Samples:
    """Add an engine whose shaft has gone through `turns` [n], and return the flow of its exhaust, about 0 to 3.

    Args:
        mix: where the sound is added.
        rng: the source of what differs from one explosion to the next.
        body: the source of what this engine is like.
        turns: turns of the shaft at each sample.
        engine: how it is built.
        level: root mean square of the pulses; gas and clatter are relative to it.
        load: how hard it works at each sample, multiplies the strength of the explosions.
    """
    n, rate_hz = mix.n, mix.rate_hz
    at, gain, cylinder = firings(turns, rng, body, engine)
    if not isinstance(load, float):
        gain = gain * load[np.clip(at.astype(np.int64), 0, n - 1)]
    pulses = mix.spectrum(impulses(n, at, gain))
    pipe = pipe_response(mix, engine.pipe_m, engine.pipe_loss_hz)
    puff = pulse_response(mix, engine.pulse_s, engine.pulse_s / 6)
    puff = puff - pulse_response(mix, engine.pulse_s * 4, engine.pulse_s)  # what is let out is sucked back in
    mix.add(level, pulses * puff * pipe)
    flow = mix.time(pulses * pulse_response(mix, engine.pulse_s * 1.6, engine.pulse_s / 3))
    flow = np.maximum(flow / max(float(flow.std()), 1e-12) + 0.6, 0.0)
    if engine.gas:
        hiss = mix.noise(rng, (50, -10), (300, 0), (1500, -4), (6000, -14), (12000, -22), (20000, -32)) * flow
        mix.add(level * engine.gas, mix.spectrum(hiss) * pipe_response(mix, engine.pipe_m, 3000.0, 0.5))
    if engine.clatter:
        late = at + rng.normal(0.0, 0.0006, len(at)) * rate_hz
        strength = body.uniform(0.4, 1.0, engine.cylinders)[cylinder]
        hz = np.array(engine.clatter_hz) * body.uniform(0.93, 1.07, len(engine.clatter_hz))
        block = modes(rate_hz, hz, np.full(len(hz), 0.0025), body.uniform(0.4, 1.0, len(hz)), body)
        ticks = impulses(n, late, strength * rng.uniform(0.5, 1.2, len(at)))
        mix.add(level * engine.clatter, mix.spectrum(ticks) * mix.spectrum(block))
    return flow


DIESEL = Engine(6, 4, 2.6, 900, 0.22, 0.005, 0.45, 0.5, (700.0, 1100.0, 1600.0, 2300.0, 3100.0))
"""A lorry's engine: long pulses, a loud block."""

DIESEL_COLOUR = ((20, -12), (45, 0), (150, 2), (500, -5), (1200, -4), (3000, -10), (10000, -24), (20000, -36))
"""How a diesel is heard beside the vehicle: the box of the cab and frame takes the middle."""


def diesel(n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, rpm: float) -> Samples:
    """A lorry's engine at constant speed, n samples at a root mean square of 1."""
    mix = Mix(n, rate_hz, 0.1)
    add_engine(mix, rng, body, phase(rpm / 60, n, rate_hz, rng.uniform()), DIESEL)
    mix.coloured(*DIESEL_COLOUR)
    return unit_rms(mix.signal())
