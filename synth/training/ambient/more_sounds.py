"""More to learn from than the recordings by class: each of them at other speeds, and recordings of effects.

Pitch and speed move together, as a tape's would: what is learnt is that a pitch told is a pitch made, whoever calls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import scipy.signal

from synth.data.corpora.class_sounds import ClassSound
from synth.models.visual_to_sound import SAMPLES_PER_PICTURE
from synth.training.ambient.data import Recording
from synth.voices.ambient.band_envelopes import RATE_HZ

SEMITONES: Final = (-2.0, 2.0)

EFFECTS: Final[dict[str, str]] = {
    "blanket/fireplace.opus": "crackling_fire",
    "blanket/rain.opus": "rain",
    "blanket/waves.opus": "sea_waves",
    "openclonk/Fire/Fire.opus": "crackling_fire",
    "openclonk/Liquids/StereoRain.opus": "rain",
    "opensfx/osfx_56.opus": "chainsaw",
}
"""Files of a folder of effects (CC0, public domain or CC BY by file) that are of one of the ten classes."""
LISTED_IN: Final = "LICENCES.tsv"
LONGEST_S: Final = 30.0  # of an effect; an ambience of minutes would be all that its class is


def effects_beside(data: Path) -> list[ClassSound]:
    """The effects in a folder ``effects`` that lies beside ``data``, as recordings of fold 0; none if there is none."""
    folder = data.parent / "effects"
    if not (folder / LISTED_IN).is_file():
        return []
    return [
        ClassSound(f"effect {name}", label, 0, folder / name)
        for name, label in EFFECTS.items()
        if (folder / name).is_file()
    ]


def shortened(recording: Recording) -> Recording:
    """The recording's first half minute."""
    return dataclasses.replace(recording, sound=recording.sound[: round(LONGEST_S * RATE_HZ)])


def at_other_speeds(recordings: Sequence[Recording]) -> list[Recording]:
    """Every recording at every one of :data:`SEMITONES`."""
    return [shifted(recording, semitones) for semitones in SEMITONES for recording in recordings]


def shifted(recording: Recording, semitones: float) -> Recording:
    """The recording played faster (above 0) or slower, by so many semitones; a whole number of pictures long."""
    ratio = Fraction(2 ** (-semitones / 12)).limit_denominator(64)
    sound = scipy.signal.resample_poly(recording.sound, ratio.numerator, ratio.denominator)
    sound = np.pad(sound, (0, -len(sound) % SAMPLES_PER_PICTURE))
    return dataclasses.replace(
        recording, name=f"{recording.name} {semitones:+g}", sound=np.clip(sound, -1, 1).astype(np.float32)
    )
