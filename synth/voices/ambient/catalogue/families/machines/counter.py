"""With a click: the camera."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import gates, phase
from synth.voices.ambient.catalogue.parts.mechanical.electric import tone
from synth.voices.ambient.catalogue.parts.mechanical.struck import add_at, burst, modes, together
from synth.voices.ambient.catalogue.parts.mix import coloured_noise, peak
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def camera(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, exposure_s: float, winder: float
) -> Samples:
    """Mirror up, first curtain, second curtain, mirror down, and a motor that winds on."""
    case_hz = np.array([310, 1450, 2700, 4200, 6300]) * body.uniform(0.93, 1.07, 5)

    def clack(fall_s: float, low_db: float) -> Samples:
        blow = burst(rate_hz, rng, fall_s, (150, low_db), (600, -2), (2000, 0), (5000, -1), (10000, -5), (20000, -14))
        return together(blow, 0.5 * modes(rate_hz, case_hz, np.full(5, 0.006), (0.6, 1, 0.8, 0.6, 0.4), rng))

    out = np.zeros(n)
    steps = ((0.0, 1.0, 0.006, -4.0), (0.028, 0.5, 0.003, -14.0), (0.034 + exposure_s, 0.6, 0.003, -14.0))
    for late, gain, fall_s, low_db in (*steps, (0.055 + exposure_s, 0.9, 0.007, -3.0)):
        add_at(out, np.array([late * rate_hz]), np.array([gain]), clack(fall_s, low_db))
    start = 0.09 + exposure_s
    gate = gates(n, rate_hz, [start], [start + 0.16], 0.01)
    gears = tone(phase(620 * body.uniform(0.9, 1.1) * gate, n, rate_hz), (1, 0.6, 0, 0, 0.5))
    grit = coloured_noise(n, rate_hz, rng, (800, -10), (3500, 0), (9000, -4), (20000, -12))
    return peak(out + winder * 0.35 * gate * (gears + grit))


CLASSES = (
    SoundClass(
        name="camera",
        audioset=("Camera", "Single-lens reflex camera"),
        singular="a camera",
        plural="cameras",
        phrases=("camera shutter", "taking photos", "photographer", "camera click"),
        imagenet=("reflex camera", "Polaroid camera"),
        family="machines",
        knobs=(
            Knob("shots_per_s", 0.25, 0.9, 2.5, "1/s", "photographs a second"),
            Knob("exposure_s", 0.01, 0.07, 0.4, "s", "time between the curtains"),
            Knob("winder", 0, 0.5, 1, "", "level of the winding motor"),
        ),
        drives={"shots_per_s": "onsets"},
        together=("machines", "people"),
        source=Room(Events(camera, rate="shots_per_s", longest_s=0.9, jitter=0.15), 0.3, 0.15, 5000, floor=0.001),
    ),
)
