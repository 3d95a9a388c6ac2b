"""Charges that go off: gunshot, machine gun, fireworks, explosion."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import fade_out, gates, line, phase
from synth.voices.ambient.catalogue.parts.mechanical.blasts import blast
from synth.voices.ambient.catalogue.parts.mechanical.struck import blows, burst, together
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix, coloured_noise, peak
from synth.voices.ambient.catalogue.parts.spectra import drift
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def gunshot(n: int, rate_hz: int, rng: np.random.Generator, *, calibre_mm: float, distance_m: float) -> Samples:
    """One shot, as a microphone takes it that is driven into its limits."""
    shot = blast(n, rate_hz, rng, calibre_mm / 9, distance_m, 1.0)
    return 0.9 * np.tanh(5 * peak(shot, 1.0)) * fade_out(n, rate_hz, 0.3)


def machine_gun(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    rounds_per_min: float,
    burst_s: float,
    calibre_mm: float,
) -> Samples:
    """One burst of fire: shots of a few kinds, each over the echoes of those before."""
    length = min(burst_s * rng.uniform(0.7, 1.2), n / rate_hz - 0.4)
    times = np.arange(0.0, length, 60 / rounds_per_min)
    times = np.maximum(times + rng.normal(0, 0.002, len(times)), 0)
    one = int(min(1.0, n / rate_hz) * rate_hz)
    out = blows(n, rate_hz, rng, times, lambda: blast(one, rate_hz, rng, calibre_mm / 9, 20.0, 0.8), 3)
    return 0.9 * np.tanh(1.5 * peak(out, 1.0)) * fade_out(n, rate_hz, 0.3)


def firework(n: int, rate_hz: int, rng: np.random.Generator, *, crackle: float, distance_m: float) -> Samples:
    """A shell whistles up, bursts with a boom that the sky answers, and may crackle as it falls."""
    lift = 0.8
    out = np.zeros(n)
    boom = blast(n - int(lift * rate_hz), rate_hz, rng, rng.uniform(2, 5), min(distance_m, 150) / 3, 1.8)
    out[int(lift * rate_hz) :] += boom / max(np.abs(boom).max(), 1e-9)
    rise = rng.uniform(0.4, lift)
    seconds = n / rate_hz
    note = line(n, rate_hz, [(0, 2900), (lift - rise, 2900), (lift, 1500), (seconds, 1500)])
    gate = gates(n, rate_hz, [lift - rise], [lift - 0.05], 0.1)
    hiss = coloured_noise(n, rate_hz, rng, (500, -12), (2500, 0), (8000, -8), (20000, -16))
    out += 0.05 * gate * (np.sin(2 * np.pi * phase(note, n, rate_hz)) + 0.8 * hiss)
    if rng.uniform() < crackle:
        count = int(rng.uniform(60, 160))
        times = lift + 0.25 + rng.gamma(2.5, 0.22, count)

        def pop() -> Samples:
            noise = burst(rate_hz, rng, 0.004, (200, -6), (1000, 0), (4000, -2), (10000, -8), (20000, -14))
            return np.asarray(noise / np.abs(noise).max() * rng.uniform(0.4, 1))

        out += 0.12 * blows(n, rate_hz, rng, times, pop, 5)
    return 0.9 * rng.uniform(0.5, 1) * np.tanh(1.3 * out) * fade_out(n, rate_hz, 0.5)


def explosion(
    n: int, rate_hz: int, rng: np.random.Generator, *, size: float, distance_m: float, debris: float
) -> Samples:
    """A charge that moves the ground: boom, gas, a rolling tail, and what falls down after."""
    seconds = np.arange(n) / rate_hz

    def fall(fall_s: float, rise_s: float) -> Samples:
        return np.asarray(np.exp(-seconds / fall_s) * (1 - np.exp(-seconds / rise_s)))

    mix = Mix(n, rate_hz, 0.1)
    low = mix.noise(rng, (18, 0), (45, 4), (100, 3), (300, -2), (1000, -10), (4000, -26))
    mid = mix.noise(rng, (60, -6), (250, 0), (900, 0), (3000, -5), (9000, -14), (20000, -26))
    roll = mix.noise(rng, (25, 0), (80, 2), (250, -2), (1000, -10), (4000, -26), (12000, -44))
    out = low * fall(0.13 * size**0.5, 0.003) + 1.4 * mid * fall(0.05 * size**0.5, 0.001)
    out += 0.3 * roll * fall(0.45, 0.05) * drift(n, rate_hz, rng, 9.0, 0.1, 2.0)
    out += 1.5 * blast(n, rate_hz, rng, size**0.6, distance_m, 1.5)
    count = int(debris * 90)
    times = 0.25 + rng.gamma(2, 0.25, count)

    def stone() -> Samples:
        blow = burst(rate_hz, rng, 0.01, (200, -4), (800, 0), (2500, -4), (8000, -12), (20000, -24))
        return together(blow, 0.3 * stiff_body(rate_hz, rng, 0.01, 300, 5000, 20))

    out += debris * 0.1 * blows(n, rate_hz, rng, times, stone, 4)
    return 0.9 * np.tanh(3 * peak(out, 1.0)) * fade_out(n, rate_hz, 0.6)


CLASSES = (
    SoundClass(
        name="gunshot",
        audioset=("Gunshot, gunfire", "Cap gun"),
        singular="a gunshot",
        plural="gunshots",
        phrases=("gunshot", "gun", "pistol", "rifle", "shooting"),
        imagenet=("revolver", "rifle", "holster"),
        family="machines",
        knobs=(
            Knob("shots_per_s", 0.1, 0.7, 3, "1/s", "shots a second"),
            Knob("calibre_mm", 5.6, 9, 16, "mm", "calibre"),
            Knob("distance_m", 2, 15, 200, "m", "distance"),
        ),
        drives={"shots_per_s": "onsets"},
        together=("machines", "people", "nature"),
        source=Events(gunshot, rate="shots_per_s", longest_s=1.6, jitter=0.2, first=0.2),
    ),
    SoundClass(
        name="machine_gun",
        audioset=("Machine gun", "Gunshot, gunfire", "Fusillade"),
        singular="a machine gun",
        plural="machine guns",
        phrases=("machine gun", "automatic fire", "rapid fire"),
        imagenet=("assault rifle", "tank"),
        family="machines",
        knobs=(
            Knob("bursts_per_s", 0.2, 0.65, 1, "1/s", "bursts a second"),
            Knob("rounds_per_min", 450, 700, 1200, "1/min", "rate of fire"),
            Knob("burst_s", 0.3, 1, 2, "s", "length of a burst"),
            Knob("calibre_mm", 5.6, 7.6, 15, "mm", "calibre"),
        ),
        together=("machines", "people"),
        source=Events(machine_gun, rate="bursts_per_s", longest_s=2.8, jitter=0.1, first=0.1),
    ),
    SoundClass(
        name="fireworks",
        audioset=("Fireworks", "Firecracker"),
        singular="fireworks",
        plural="fireworks",
        phrases=("fireworks", "firework display", "firecrackers", "rockets on New Year's Eve"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("shells_per_s", 0.3, 1, 3, "1/s", "shells a second"),
            Knob("crackle", 0, 0.7, 1, "", "share of shells that crackle"),
            Knob("distance_m", 30, 120, 600, "m", "distance"),
        ),
        drives={"shells_per_s": "onsets"},
        together=("machines", "people"),
        source=Room(Events(firework, rate="shells_per_s", longest_s=3.2, jitter=0.3, lead_s=0.8), 1.6, 0.3, 1500),
    ),
    SoundClass(
        name="explosion",
        audioset=("Explosion", "Boom", "Eruption", "Artillery fire"),
        singular="an explosion",
        plural="explosions",
        phrases=("explosion", "bomb", "blast", "detonation"),
        imagenet=("cannon", "missile", "projectile", "volcano"),
        family="machines",
        knobs=(
            Knob("blasts_per_s", 0.05, 0.4, 0.8, "1/s", "blasts a second"),
            Knob("size", 3, 8, 30, "", "size of the charge beside a pistol's"),
            Knob("distance_m", 10, 60, 800, "m", "distance"),
            Knob("debris", 0, 0.5, 1, "", "how much falls down after"),
        ),
        drives={"blasts_per_s": "onsets"},
        together=("machines", "people"),
        source=Events(explosion, rate="blasts_per_s", longest_s=4.0, jitter=0.15, first=0.12),
    ),
)
