"""Cat and lion: one call, or one bout of roaring, an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.space import joined
from synth.voices.ambient.catalogue.parts.voice.formants import Formant
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, utter
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

MEOW: Final = Call(
    pitch=((0, 0.85), (0.25, 1.04), (0.5, 1.07), (0.8, 0.96), (1, 0.81)),
    level=((0, 0), (0.08, 0.4), (0.3, 0.9), (0.5, 1), (0.8, 0.5), (1, 0)),
    formants=(
        Formant(((0, 612), (0.35, 1172), (0.6, 1223), (1, 714)), 116, -4.9),
        Formant(((0, 2842), (0.35, 2514), (0.6, 2077), (1, 1421)), 387, -2.2),
        Formant(2370, 746, -15),
        Formant(5200, 533, -11),
        Formant(8600, 1800, -22),
    ),
    brightness_hz=3200,
    steep=False,
    jitter=0.013,
    shimmer=0.24,
    roughness=0.025,
    breath=0.095,
    vibrato_hz=5.9,
    vibrato_pitch=0.016,
    vibrato_level=0.03,
)
ROAR: Final = Call(
    pitch=((0, 0.44), (0.25, 1.42), (0.6, 1.1), (1, 0.37)),
    level=((0, 0), (0.2, 0.7), (0.5, 1), (0.8, 0.7), (1, 0)),
    formants=(
        Formant(((0, 228), (0.35, 440), (1, 258)), 173, 0.5),
        Formant(((0, 713), (0.35, 1070), (1, 758)), 266, 3.6),
        Formant(2336, 515, -28),
        Formant(4078, 1500, -19),
    ),
    brightness_hz=5243,
    jitter=0.034,
    shimmer=0.24,
    roughness=0.45,
    breath=0.091,
    vibrato_hz=13.8,
    vibrato_pitch=0.005,
    vibrato_level=0.05,
)


def meow(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, duration_s: float) -> Samples:
    """A cat's meow."""
    return utter(MEOW, pitch_hz * rng.uniform(0.92, 1.08), duration_s * rng.uniform(0.8, 1.25), rate_hz, rng)


def roar(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, duration_s: float) -> Samples:
    """A lion's roar: two long calls and one or two grunts after them."""
    pitch = pitch_hz * rng.uniform(0.93, 1.08)
    parts: list[Samples | float] = []
    for _ in range(2):
        parts += [utter(ROAR, 1.1 * pitch, duration_s * rng.uniform(0.85, 1.15), rate_hz, rng), rng.uniform(0.3, 0.7)]
    for _ in range(int(rng.integers(1, 3))):
        parts += [0.6 * utter(ROAR, 0.9 * pitch, rng.uniform(0.3, 0.45), rate_hz, rng), rng.uniform(0.3, 0.6)]
    return joined(rate_hz, parts)


CLASSES: Final = (
    SoundClass(
        name="cat",
        audioset=("Meow", "Cat"),
        singular="a meowing cat",
        plural="meowing cats",
        phrases=("cat", "meow", "miaow", "kitten", "a cat mewing"),
        imagenet=("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"),
        family="animals",
        source=Room(Events(meow, "calls_per_s", 2.6, jitter=0.12), t60_s=0.25, wet=0.3, floor=0.003),
        knobs=(
            Knob("pitch_hz", 550, 763, 850, "Hz", "pitch: a tom-cat is low, a kitten high"),
            Knob("duration_s", 0.35, 0.5, 1.2, "s", "length of a meow"),
            Knob("calls_per_s", 0.3, 1.0, 1.3, "1/s", "how often it meows"),
        ),
        drives={"calls_per_s": "activity"},
        together=("people", "music", "machines", "rain"),
    ),
    SoundClass(
        name="lion",
        audioset=("Roaring cats (lions, tigers)", "Roar"),
        singular="a roaring lion",
        plural="roaring lions",
        phrases=("lion", "roar", "tiger", "leopard", "big cat", "a lion's roar"),
        imagenet=("lion", "tiger", "leopard", "snow leopard", "jaguar", "cougar", "lynx", "cheetah"),
        family="animals",
        source=Room(Events(roar, "bouts_per_s", 8.0, jitter=0.1), t60_s=0.55, wet=0.45, floor=0.004),
        knobs=(
            Knob("pitch_hz", 140, 240, 260, "Hz", "pitch of the roar"),
            Knob("duration_s", 0.9, 1.3, 2.0, "s", "length of a long roar"),
            Knob("bouts_per_s", 0.083, 0.18, 0.23, "1/s", "how often it begins to roar"),
        ),
        drives={"bouts_per_s": "activity"},
        together=("nature", "animals"),
    ),
)
