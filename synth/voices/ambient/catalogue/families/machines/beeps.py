"""Beepers: smoke detector, microwave oven, buzzer, busy line."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Layers, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import gates, phase
from synth.voices.ambient.catalogue.parts.mechanical.electric import beeper, mains_hum, tone
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, peak
from synth.voices.ambient.catalogue.parts.places import indoors
from synth.voices.ambient.catalogue.parts.spectra import drift
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def smoke_detector(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, hz: float, beep_s: float
) -> Samples:
    """Three beeps of a piezo disc (the temporal-three pattern of ISO 8201)."""
    on = np.arange(3) * 2 * beep_s
    gate = gates(n, rate_hz, on, on + beep_s, 0.004)
    note = hz * body.uniform(0.97, 1.03) * (1 + drift(n, rate_hz, rng, 30.0, -0.001, 0.001))
    return peak(beeper(note, gate, rate_hz, (1, 0.35, 0.25, 0.12, 0.08, 0.05)))


def microwave_beep(n: int, rate_hz: int, rng: np.random.Generator, *, hz: float, beep_s: float) -> Samples:
    """One square-driven piezo beep."""
    gate = gates(n, rate_hz, [0], [beep_s], 0.002)
    return peak(beeper(hz * rng.uniform(0.998, 1.002), gate, rate_hz, (1, 0.05, 0.4, 0.03, 0.2, 0, 0.1)))


def microwave_hum(n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator) -> Samples:
    """Transformer and blower of the oven."""
    mix = Mix(n, rate_hz, 0.4)
    mix.add(1.0, mains_hum(n, rate_hz, rng, 50 + 10 * int(body.integers(0, 2)), (1, 0.5, 0.35, 0.25, 0.15, 0.1)))
    mix.add_noise(0.7, rng, (60, -8), (200, 0), (700, -2), (2500, -10), (9000, -24))
    mix.through(indoors(rate_hz, body, 0.3, 0.3))
    return at_rms(mix.signal(), 1.0)


def buzzer(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, hz: float, hold_s: float
) -> Samples:
    """An electromagnetic buzzer: an armature that strikes its stop every half cycle of the mains."""
    hold = min(hold_s * rng.uniform(0.7, 1.2), n / rate_hz - 0.05)
    gate = gates(n, rate_hz, [0], [hold], 0.008)
    note = phase(hz * (1 + drift(n, rate_hz, rng, 15.0, -0.004, 0.004)), n, rate_hz)
    harmonics = [(0.4 if k % 2 else 1.0) / (k + 1) ** 0.35 for k in range(40)]
    mix = Mix(n, rate_hz, 0.1)
    colour = ((60, -12), (200, -2), (700, 0), (1800, 3), (3500, 0), (8000, -10), (18000, -22))
    mix.add_raw(1.0, gate * tone(note, harmonics, body), *colour)
    return peak(mix.signal())


def busy_signal(n: int, rate_hz: int, rng: np.random.Generator, *, time_s: Samples, cadence_s: float) -> Samples:
    """The two tones of a busy line (480 and 620 Hz, half of the time), through a telephone's band."""
    part = (time_s / cadence_s) % 1
    edge = 0.004 / cadence_s
    gate = np.clip(part / edge, 0, 1) * np.clip((0.5 - part) / edge, 0, 1)
    pair = np.sin(2 * np.pi * 480 * time_s) + np.sin(2 * np.pi * 620 * time_s)
    mix = Mix(n, rate_hz, 0.05)
    mix.add_raw(1.0, np.tanh(0.9 * gate * pair))
    mix.add_noise(0.01, rng, (300, 0), (3400, 0), (4500, -30))
    mix.coloured((150, -24), (300, 0), (3300, 0), (4600, -24), (9000, -50))
    return 0.25 * mix.signal()


CLASSES = (
    SoundClass(
        name="smoke_detector",
        audioset=("Smoke detector, smoke alarm", "Fire alarm", "Alarm", "Beep, bleep"),
        singular="a smoke detector",
        plural="smoke detectors",
        phrases=("smoke detector", "smoke alarm", "fire alarm"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("hz", 2750, 3100, 3450, "Hz", "pitch"),
            Knob("beep_s", 0.2, 0.5, 0.6, "s", "length of a beep"),
        ),
        together=("machines", "foley", "people"),
        source=Room(Events(smoke_detector, rate=0.25, longest_s=3.9, jitter=0.0, first=0.03), 0.6, 0.2, 6000),
    ),
    SoundClass(
        name="microwave_oven",
        audioset=("Beep, bleep", "Microwave oven"),
        singular="a microwave oven",
        plural="microwave ovens",
        phrases=("microwave", "microwave beep", "oven timer"),
        imagenet=("microwave",),
        family="machines",
        knobs=(
            Knob("beeps_per_s", 0.5, 1.6, 2.5, "1/s", "beeps a second"),
            Knob("hz", 1000, 2000, 3000, "Hz", "pitch"),
            Knob("beep_s", 0.1, 0.3, 0.38, "s", "length of a beep"),
            Knob("hum", 0, 0.02, 0.06, "", "level of transformer and blower"),
        ),
        together=("machines", "foley", "people"),
        source=Layers(
            (
                (1.0, Room(Events(microwave_beep, rate="beeps_per_s", longest_s=0.5, jitter=0.0), 0.3, 0.2, 5000)),
                ("hum", Texture(microwave_hum, 4.0, 0.4)),
            )
        ),
    ),
    SoundClass(
        name="buzzer",
        audioset=("Buzzer", "Alarm", "Doorbell"),
        singular="a buzzer",
        plural="buzzers",
        phrases=("buzzer", "game show buzzer", "door buzzer"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("buzzes_per_s", 0.2, 0.6, 1.5, "1/s", "how often it sounds"),
            Knob("hz", 90, 120, 240, "Hz", "strokes of the armature a second"),
            Knob("hold_s", 0.3, 0.9, 2, "s", "how long it sounds"),
        ),
        together=("machines", "foley", "people"),
        source=Room(Events(buzzer, rate="buzzes_per_s", longest_s=2.5, jitter=0.1, first=0.1), 0.4, 0.2, 5000),
    ),
    SoundClass(
        name="busy_signal",
        audioset=("Busy signal", "Dial tone", "Telephone", "Telephone dialing, DTMF"),
        singular="a busy line",
        plural="busy lines",
        phrases=("busy signal", "engaged tone", "line is busy"),
        imagenet=(),
        family="machines",
        knobs=(Knob("cadence_s", 0.5, 1, 1, "s", "time from tone to tone"),),
        together=("machines", "people"),
        source=Texture(busy_signal, 4.0, 0.02, law="gain"),
    ),
)
