"""Clocks and bells: ticking, alarm clock, telephone, church bell, doorbell."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, fade_out, gates, phase
from synth.voices.ambient.catalogue.parts.mechanical.electric import beeper
from synth.voices.ambient.catalogue.parts.mechanical.struck import add_at, burst, convolved, impulses, rung, together
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix, peak
from synth.voices.ambient.catalogue.parts.spectra import unit_rms
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def clock_tick(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, index: int, size_m: float, tock: float
) -> Samples:
    """One beat of an escapement, three contacts within 15 ms on a small dense case; every other beat is duller."""
    kinds = body.integers(2**32, size=2)
    dull = index % 2
    mine = np.random.default_rng(kinds[dull])
    case = stiff_body(rate_hz, mine, body.uniform(0.006, 0.016), (0.9 if dull else 1.0) * 84 / size_m, 9000, 50, -1)
    snap = burst(rate_hz, rng, 0.004, (500, -14), (2000, -2), (5000, 0), (12000, -5), (20000, -12))
    hit = together(case, 1.5 * snap)
    at = np.array([0.0, 0.004, 0.011]) * body.uniform(0.7, 1.3) * rate_hz
    out = np.zeros(n)
    add_at(
        out, at + 0.0002 * rate_hz * rng.standard_normal(3), np.array([0.35, 0.3, 1.0]) * rng.uniform(0.9, 1.1, 3), hit
    )
    return out * (0.35 * (tock if dull else 1.0) / 10)


def alarm_clock(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, hz: float, beeps: float
) -> Samples:
    """One group of beeps of a quartz alarm."""
    on = np.arange(round(beeps)) * 0.125
    gate = gates(n, rate_hz, on, on + 0.07, 0.003)
    return peak(beeper(hz * body.uniform(0.98, 1.02), gate, rate_hz, (1, 0.3, 0.45, 0.15, 0.2, 0.1, 0.08)))


def telephone(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    clapper_hz: float,
    ring_s: float,
    size_mm: float,
) -> Samples:
    """One ring of a telephone with two gongs a third apart and a clapper between them."""
    gate = gates(n, rate_hz, [0], [min(ring_s, n / rate_hz - 0.3)], 0.005)
    at, number = crossings(phase(clapper_hz, n, rate_hz), rng, 2.0, 0.02)
    gain = gate[np.clip(at.astype(np.int64), 0, n - 1)] * rng.uniform(0.7, 1.05, len(at))
    hz = 1350 * 70 / size_mm * body.uniform(0.95, 1.05) * np.array([1, 1.003, 2.35, 2.36, 3.95, 5.4, 6.9])
    falls, levels = (0.5, 0.5, 0.35, 0.3, 0.2, 0.12, 0.08), (0.7, 0.5, 1, 0.7, 0.8, 0.5, 0.3)
    out = np.zeros(n)
    for gong in (0, 1):
        mine = number % 2 == gong
        out += rung(impulses(n, at[mine], gain[mine]), rate_hz, hz * (1.0, 1.19)[gong], falls, levels)
    ticks = np.zeros(n)
    add_at(ticks, at, gain, burst(rate_hz, rng, 0.004, (200, -4), (800, 0), (3000, -2), (8000, -6), (20000, -14)))
    return peak(unit_rms(out) + 0.15 * unit_rms(ticks))


def church_bell(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, strike_hz: float, distance_m: float
) -> Samples:
    """A large bell: hum, prime, tierce, quint, nominal and what lies above, each a beating pair."""
    ratios = np.array([0.5, 1.0, 1.4, 1.5, 2.0, 2.51, 2.66, 1.7, 4.16, 4.2, 6.79, 6.6])
    falls = np.array([3.5, 1.6, 0.93, 1.0, 1.9, 0.8, 0.7, 0.6, 0.4, 0.25, 0.18, 0.12]) * (300 / strike_hz) ** 0.5
    levels = np.array([1, 0.6, 0.9, 0.19, 1.0, 0.4, 0.5, 0.7, 0.27, 0.5, 0.35, 0.25])
    hz = strike_hz * ratios * body.uniform(0.99, 1.01, len(ratios))
    split = body.uniform(1.0008, 1.003, len(ratios))
    clapper = impulses(n, np.array([1.0]))
    clapper = convolved(clapper, burst(rate_hz, rng, 0.002, (100, 1), (800, 1), (4000, -7), (12000, -17)))
    out = rung(clapper, rate_hz, hz, falls, levels) + 0.6 * rung(clapper, rate_hz, hz * split, falls, levels)
    far = min(distance_m, 400)
    mix = Mix(n, rate_hz, 0.066)
    mix.add_raw(1.0, out, (20, 0), (1000, -2), (4000, -0.016 * far), (12000, -0.06 * far), (20000, -0.15 * far))
    return peak(mix.signal() * fade_out(n, rate_hz, 1.0))


def doorbell(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, high_hz: float, gap_s: float
) -> Samples:
    """A two-tone chime: a plunger strikes one bar when the button is pressed and the other when it is let go."""
    out = np.zeros(n)
    interval = body.uniform(1.24, 1.28)
    for late, hz in ((0.0, high_hz), (gap_s * rng.uniform(0.85, 1.2), high_hz / interval)):
        hit = impulses(n, np.array([late * rate_hz + 1]))
        bar = rung(hit, rate_hz, hz * np.array([1, 2.756, 5.404]), (1.1, 0.35, 0.12), (1, 0.35, 0.2))
        out += bar / max(np.abs(bar).max(), 1e-9)
        add_at(
            out,
            np.array([late * rate_hz]),
            np.array([0.08]),
            burst(rate_hz, rng, 0.006, (200, 0), (2000, -3), (9000, -9)),
        )
    return peak(out * fade_out(n, rate_hz, 0.5))


CLASSES = (
    SoundClass(
        name="clock_tick",
        audioset=("Tick-tock", "Clock", "Tick"),
        singular="a ticking clock",
        plural="ticking clocks",
        phrases=("ticking clock", "clock", "tick tock", "watch ticking"),
        imagenet=("wall clock", "analog clock", "digital watch", "stopwatch", "hourglass"),
        family="machines",
        knobs=(
            Knob("ticks_per_s", 1, 2, 5, "1/s", "beats a second"),
            Knob("size_m", 0.05, 0.12, 0.4, "m", "size of the case"),
            Knob("tock", 0.4, 0.7, 1, "", "level of every other beat"),
        ),
        together=("machines", "foley", "people", "nature"),
        source=Room(Events(clock_tick, rate="ticks_per_s", longest_s=0.25, jitter=0.004), 0.3, 0.2, 5000, floor=0.0012),
    ),
    SoundClass(
        name="alarm_clock",
        audioset=("Alarm clock", "Alarm", "Beep, bleep"),
        singular="an alarm clock",
        plural="alarm clocks",
        phrases=("alarm clock", "wake up alarm", "morning alarm"),
        imagenet=("digital clock",),
        family="machines",
        knobs=(
            Knob("groups_per_s", 0.5, 1, 1.4, "1/s", "groups of beeps a second"),
            Knob("hz", 1500, 2050, 3300, "Hz", "pitch"),
            Knob("beeps", 1, 4, 5, "", "beeps in a group"),
        ),
        together=("machines", "foley", "people"),
        source=Room(Events(alarm_clock, rate="groups_per_s", longest_s=0.75, jitter=0.0, first=0.1), 0.4, 0.2, 6000),
    ),
    SoundClass(
        name="telephone",
        audioset=("Telephone bell ringing", "Telephone"),
        singular="a ringing telephone",
        plural="ringing telephones",
        phrases=("telephone", "phone ringing", "old telephone"),
        imagenet=("dial telephone", "pay-phone"),
        family="machines",
        knobs=(
            Knob("rings_per_s", 0.2, 0.3, 0.45, "1/s", "rings a second"),
            Knob("clapper_hz", 14, 20, 27, "Hz", "strokes of the clapper a second and gong"),
            Knob("ring_s", 0.7, 1.9, 2.6, "s", "how long each ring lasts"),
            Knob("size_mm", 50, 70, 95, "mm", "diameter of the gongs"),
        ),
        together=("machines", "foley", "people"),
        source=Room(Events(telephone, rate="rings_per_s", longest_s=3.2, jitter=0.02, first=0.05), 0.5, 0.2, 5000),
    ),
    SoundClass(
        name="church_bell",
        audioset=("Church bell", "Bell", "Change ringing (campanology)"),
        singular="a church bell",
        plural="church bells",
        phrases=("church bell", "bell tower", "bells ringing", "cathedral bell"),
        imagenet=("church", "monastery", "bell cote"),
        family="machines",
        knobs=(
            Knob("strokes_per_s", 0.25, 0.6, 1.5, "1/s", "strokes a second"),
            Knob("strike_hz", 180, 330, 600, "Hz", "the note that one hears"),
            Knob("distance_m", 10, 60, 400, "m", "distance"),
        ),
        together=("machines", "nature", "people", "traffic"),
        source=Room(Events(church_bell, rate="strokes_per_s", longest_s=6.0, jitter=0.03, first=0.1), 1.6, 0.25, 2500),
    ),
    SoundClass(
        name="doorbell",
        audioset=("Doorbell", "Ding-dong", "Bell", "Chime"),
        singular="a doorbell",
        plural="doorbells",
        phrases=("doorbell", "ding dong", "ringing at the door"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("rings_per_s", 0.15, 0.4, 0.8, "1/s", "rings a second"),
            Knob("high_hz", 520, 659, 850, "Hz", "the first, higher note"),
            Knob("gap_s", 0.3, 0.55, 0.9, "s", "time between ding and dong"),
        ),
        together=("machines", "foley", "people"),
        source=Room(Events(doorbell, rate="rings_per_s", longest_s=3.5, jitter=0.08, first=0.1), 0.6, 0.2, 5000),
    ),
)
