"""Sounds of eighteen kinds of things, made from an integer, or taken from recordings where there are some.

Each kind has its own small recipe (:mod:`synth.data.sounding_scenes.sound_recipes`) of the usual parts: noise through
band filters, harmonics of a gliding pitch, decaying modes, bursts in time. None claims to be the thing, but they differ
as the things do, and no two of one kind are alike. Recordings (ESC-10's, say) are taken four times out of five, so that
a net hears both.

Importable without torch. Shapes: N samples at 22050 Hz, float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from synth.data.corpora import class_sounds
from synth.data.corpora.av_clip import RATE_HZ
from synth.data.sounding_scenes.sound_recipes import RECIPES
from synth.errors import OptionError
from synth.media import audio

Sound: TypeAlias = NDArray[np.float32]

PEAK: Final = 0.5
RECORDED: Final = 0.8
"""How often a recording is taken where there is one."""
_PITCH: Final = 0.06
_GAIN_DB: Final = (-10.0, 0.0)
_QUIET: Final = 0.25  # a cut below this share of the recording's own loudness is drawn again


def sound_of(
    label: str, duration_s: float, rng: np.random.Generator, recordings: Mapping[str, Sequence[Sound]] | None = None
) -> Sound:
    """One sounding of a class, float32 [round(duration_s * 22050)], with a peak of 0.5 (a recording: 0.16 to 0.5).

    Args:
        label: one of the eighteen classes.
        duration_s: above 0.
        rng: all that is random comes from it.
        recordings: by class, at 22050 Hz with a peak of 0.5, as :func:`recordings_of` gives them; used four times
            out of five where they have the class: a random cut, or a repetition where they are short, with a random
            gain of -10 to 0 dB and pitch of +-6 %.

    Raises:
        OptionError: the class is unknown, or the duration is not above 0.
    """
    recipe = RECIPES.get(label)
    if recipe is None:
        raise OptionError(f"nothing is known to sound like {label!r}; known are {', '.join(RECIPES)}")
    count = round(duration_s * RATE_HZ)
    if count < 1:
        raise OptionError(f"the duration is {duration_s:g} s; it must be above 0")
    recorded = recordings.get(label, ()) if recordings else ()
    if len(recorded) and rng.random() < RECORDED:
        return _cut(recorded[int(rng.integers(len(recorded)))], count, rng)
    # Made on a second at least, so that a short one is a cut of the thing and not a squeezed one.
    made = recipe(max(count, RATE_HZ), rng)
    first = int(rng.integers(len(made) - count + 1))
    part = made[first : first + count]
    if np.abs(part).max() < _QUIET * np.abs(made).max():
        part = made[:count]
    return peaked(part, PEAK)


def peaked(sound: NDArray[np.floating], peak: float) -> Sound:
    """The sound at a peak; silence stays silence."""
    return (sound * (peak / max(float(np.abs(sound).max(initial=0.0)), 1e-9))).astype(np.float32)


def recordings_of(folder: Path, folds: Sequence[int] = (1, 2, 3)) -> dict[str, list[Sound]]:
    """The recordings of a folder by class, at 22050 Hz with a peak of 0.5, of the classes that a scene may have.

    Args:
        folder: in a layout of :mod:`synth.data.corpora.class_sounds`.
        folds: those to take.

    Raises:
        OptionError: the folder holds no sounds by class.
        MediaError: a recording cannot be read.
    """
    found: dict[str, list[Sound]] = {}
    for item in class_sounds.load(folder):
        if item.label in RECIPES and item.fold in folds:
            sound, _ = audio.read(item.path, RATE_HZ)
            # ESC fills short recordings up with silence, which is no sound of their class.
            heard = np.flatnonzero(np.abs(sound) > 1e-4 * max(float(np.abs(sound).max(initial=0.0)), 1e-9))
            if len(heard):
                found.setdefault(item.label, []).append(peaked(sound[heard[0] : heard[-1] + 1], PEAK))
    return found


def _cut(recording: Sound, count: int, rng: np.random.Generator) -> Sound:
    """A random stretch of a recording, repeated where it is short."""
    speed = 1 + rng.uniform(-_PITCH, _PITCH)
    times = np.arange(0, max(len(recording) - 1, 1), speed)
    faster = np.interp(times, np.arange(len(recording)), recording).astype(np.float32)
    loud = float(np.sqrt(np.mean(faster**2)))
    part = faster
    for _ in range(5):
        first = int(rng.integers(len(faster) - count + 1 if len(faster) >= count else len(faster)))
        part = faster[first : first + count] if len(faster) >= count else np.resize(np.roll(faster, -first), count)
        if float(np.sqrt(np.mean(part**2))) > _QUIET * loud:
            break
    return np.asarray(part * 10 ** (rng.uniform(*_GAIN_DB) / 20), np.float32)
