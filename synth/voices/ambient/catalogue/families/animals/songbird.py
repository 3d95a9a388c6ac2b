"""A songbird: motifs of gliding whistles."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.models.vocabulary.imagenet import NAMES
from synth.voices.ambient.catalogue.engines import Events, Layers
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import swell
from synth.voices.ambient.catalogue.parts.space import joined
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def _syllable(rate_hz: int, duration_s: float, low_hz: float, high_hz: float, shape: int) -> Samples:
    n = max(16, int(duration_s * rate_hz))
    u = np.linspace(0, 1, n)
    way = (u, 1 - u, np.sin(np.pi * u), 0.5 + 0.5 * np.sin(2 * np.pi * u * duration_s * 35))[shape]
    phase = np.cumsum(low_hz + (high_hz - low_hz) * way) * (2 * np.pi / rate_hz)
    return np.asarray((np.sin(phase) + 0.08 * np.sin(2 * phase) + 0.02 * np.sin(3 * phase)) * swell(n, 0.7))


def song(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float) -> Samples:
    """A songbird: two to four motifs of gliding syllables, short ones repeated as a trill."""
    parts: list[Samples | float] = []
    for _ in range(int(rng.integers(2, 5))):
        length = rng.uniform(0.04, 0.22)
        low, high = pitch_hz * rng.uniform(0.75, 1), pitch_hz * rng.uniform(1, 1.45)
        shape = int(rng.integers(4))
        for _ in range(int(rng.integers(2, 7)) if length < 0.12 else 1):
            one = _syllable(rate_hz, length * rng.uniform(0.95, 1.05), low, high, shape)
            parts += [one * rng.uniform(0.6, 1), rng.uniform(0.02, 0.06)]
    return unit_peak(joined(rate_hz, parts))


CLASSES: Final = (
    SoundClass(
        name="songbird",
        audioset=("Bird vocalization, bird call, bird song", "Chirp, tweet", "Bird"),
        singular="a singing bird",
        plural="singing birds",
        phrases=("bird", "birdsong", "birds singing", "chirping", "tweet", "dawn chorus", "sparrow"),
        imagenet=(*NAMES[10:22], *NAMES[87:97]),
        family="animals",
        source=Room(
            Layers(
                (
                    (1.0, Events(song, "songs_per_s", 3.0, jitter=0.2)),
                    ("chorus", Events(song, 0.8, 3.0, spacing="poisson")),
                )
            ),
            t60_s=1.0,
            wet=0.3,
            dark_hz=9000,
            floor=0.006,
        ),
        knobs=(
            Knob("pitch_hz", 2500, 4000, 6500, "Hz", "pitch of the song"),
            Knob("songs_per_s", 0.25, 0.6, 1.2, "1/s", "how often the nearest one begins to sing"),
            Knob("chorus", 0.0, 0.25, 0.8, "", "how loud the others are beside it"),
        ),
        drives={"songs_per_s": "activity"},
        together=("nature", "animals", "traffic", "people", "music", "machines"),
    ),
)
