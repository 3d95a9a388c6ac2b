"""The sewing machine."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, phase
from synth.voices.ambient.catalogue.parts.mechanical.electric import motor
from synth.voices.ambient.catalogue.parts.mechanical.struck import add_at, burst, together
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix
from synth.voices.ambient.catalogue.parts.places import indoors
from synth.voices.ambient.catalogue.parts.spectra import drift
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def sewing_machine(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    stitch_hz: float,
    pause: float,
    load: float,
) -> Samples:
    """Needle bar down and up, hook and feed dog in each turn; a belt-driven motor whirrs, and pauses at corners."""
    run = np.clip(8 * (walk(0.5, 0, 1, "seam") - pause) + 0.5, 0, 1)
    stitches = phase(stitch_hz * (0.1 + 0.9 * run) * (1 + drift(n, rate_hz, rng, 2.0, -0.04, 0.045)), n, rate_hz)
    mix = Mix(n, rate_hz, 0.35)
    parts = ((0.62, 0.0, 0.012, 500, 6000), (0.7, 0.46, 0.012, 800, 9000), (0.6, 0.45, 0.008, 1200, 9500))
    for level, late, fall_s, low_hz, high_hz in (*parts, (0.6, 0.74, 0.019, 600, 8000)):
        at, _ = crossings(stitches - late, rng, 1.0, 0.011)
        blow = burst(rate_hz, body, fall_s, (low_hz * 0.44, -8), (low_hz * 1.2, 0), (high_hz * 0.6, -1), (high_hz, -6))
        metal = stiff_body(rate_hz, body, fall_s * 2, low_hz, high_hz, 50, -0.5)
        hits = np.zeros(n)
        add_at(hits, at, rng.uniform(0.7, 1.1, len(at)), together(1.5 * blow, 0.5 * metal))
        mix.add(level, hits * (0.15 + 1.2 * run))
    turn = 2 * np.pi * stitches
    whirr = mix.noise(rng, (200, -19), (800, -3), (2500, 0), (6000, -3), (12000, -10), (20000, -18))
    mix.add_raw(0.8 * load, whirr * (1 + 0.4 * np.sin(turn) + 0.3 * np.sin(2 * turn + 1)) * run)
    mix.add_raw(0.33 * load, motor(stitches * 9, rate_hz, rng, 11, (0.6, 0.5, 0.69, 0.3), (0.6, 0.89, 0.3)) * run)
    mix.through(indoors(rate_hz, body, 0.3, 0.3))
    return 0.06 * mix.signal()


CLASSES = (
    SoundClass(
        name="sewing_machine",
        audioset=("Sewing machine",),
        singular="a sewing machine",
        plural="sewing machines",
        phrases=("sewing machine", "sewing", "stitching"),
        imagenet=("sewing machine",),
        family="machines",
        knobs=(
            Knob("stitch_hz", 6, 14, 20, "Hz", "stitches a second"),
            Knob("pause", 0, 0.15, 0.5, "", "share of the time that it rests"),
            Knob("load", 0, 0.8, 1, "", "level of the motor"),
        ),
        drives={"stitch_hz": "activity"},
        together=("machines", "people"),
        source=Texture(sewing_machine, 4.0, 0.1),
    ),
)
