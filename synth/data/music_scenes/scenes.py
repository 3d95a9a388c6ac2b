"""Music of our own and "music videos" that go with it: pairs to learn from where no music is at hand.

A :class:`Mood` (tempo, key, mode, energy, density, who plays) is drawn from a seed. The music is composed and played
from it (:mod:`synth.data.music_scenes.notes`), and so is the picture (:mod:`synth.data.music_scenes.pictures`): cuts
and motion go with tempo and energy, brightness and colour with energy and mode, the drawing with the instrument. What
the picture takes from the mood is blurred first, so that no picture tells its music for certain, as in real music
videos.

The same seed and number give the same samples and the same pixels. Times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.data.music_scenes.moods import Look, Mood

INSTRUMENTS: Final = ("strings", "keys", "pluck", "organ", "lead", "bells")
DRAWINGS: Final = ("ribbons", "tiles", "rain", "sunset", "dancers", "discs")
"""What is drawn; the one of an instrument's own number goes with it."""

TRACK_S: Final = 30.0
TRACK_RATE_HZ: Final = 44_100
VIDEO_SIZE: Final = (256, 256)
VIDEO_RATE_FPS: Final = 25.0
LICENCE: Final = "CC0-1.0"

_BLUR: Final = 0.14  # deviation of what the picture makes of a 0..1 quality
_OWN_DRAWING: Final = 0.6  # how often the drawing is that of the instrument
_OWN_COLOURS: Final = 0.85  # how often warm colours go with major and cold ones with minor


def draw_mood(seed: int, number: int) -> Mood:
    """Piece ``number`` of a seed; faster ones tend to be more energetic and denser."""
    rng = np.random.default_rng((seed, number, 0))
    pace = float(rng.uniform())
    energy = float(np.clip(0.5 * pace + 0.25 + 0.25 * rng.standard_normal(), 0, 1))
    density = float(np.clip(0.5 * energy + 0.25 + 0.2 * rng.standard_normal(), 0, 1))
    return Mood(
        tempo_bpm=60 + 116 * pace,
        energy=energy,
        density=density,
        minor=bool(rng.uniform() < 0.5),
        key=int(rng.integers(12)),
        instrument=INSTRUMENTS[int(rng.integers(len(INSTRUMENTS)))],
        seed=int(rng.integers(2**31)),
    )


def look_of(mood: Mood, *, blur: float = _BLUR, take: int = 0) -> Look:
    """A picture that goes with a mood, more or less.

    Args:
        blur: standard deviation of what is lost on the way of each quality; 0 loses nothing, drawing and colours too.
        take: another number, another picture for the same music.
    """
    rng = np.random.default_rng((mood.seed, take, 1))
    pace, energy, density = (
        float(np.clip(value + blur * rng.standard_normal(), 0, 1)) for value in (mood.pace, mood.energy, mood.density)
    )
    own, coloured, other = rng.uniform(size=3)
    number = INSTRUMENTS.index(mood.instrument)
    if blur and own > _OWN_DRAWING:
        number = int(other * len(DRAWINGS))
    return Look(
        pace=pace,
        energy=energy,
        density=density,
        warm=mood.minor if blur and coloured > _OWN_COLOURS else not mood.minor,
        drawing=DRAWINGS[number],
        tempo_bpm=60 + 116 * pace,
        seed=int(rng.integers(2**31)),
    )


def likeness(look: Look, mood: Mood) -> float:
    """Logarithm of how likely a picture was drawn for a music, but for a constant: what a perfect judge would go by."""
    true = look_of(mood, blur=0.0)
    away = np.square([look.pace - true.pace, look.energy - true.energy, look.density - true.density]).sum()
    chance = (1 - _OWN_DRAWING) / len(DRAWINGS)
    drawing = _OWN_DRAWING + chance if look.drawing == true.drawing else chance
    colours = _OWN_COLOURS if look.warm == true.warm else 1 - _OWN_COLOURS
    return float(-away / (2 * _BLUR**2) + np.log(drawing) + np.log(colours))


def write_tracks(folder: Path, count: int, *, seed: int = 0, duration_s: float = TRACK_S) -> list[Path]:
    """Write pieces of music as flac, each with a sidecar file that names title, author and licence.

    Raises:
        MediaError: the folder cannot be written.
    """
    from synth.data.music_scenes.notes import play
    from synth.files import write_whole
    from synth.media import audio

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        mood = draw_mood(seed, number)
        path = folder / f"{number + 1:02d} {title_of(mood)}.flac"
        audio.write(path, play(mood, TRACK_RATE_HZ, duration_s), TRACK_RATE_HZ)
        said = f"title: {title_of(mood)}\nauthor: Sonorize\nlicence: {LICENCE}\n"
        write_whole(path.with_suffix(".txt"), said.encode())
        made.append(path)
    return made


def write_video(path: Path, look: Look, duration_s: float, *, sound: NDArray[np.float32] | None = None) -> None:
    """Write a "music video" as a file, with a sound [N] at 44.1 kHz if there is one.

    Raises:
        MediaError: the file cannot be written.
    """
    from synth.data.music_scenes.pictures import draw
    from synth.media import video

    width, height = VIDEO_SIZE
    frames = (draw(look, k / VIDEO_RATE_FPS, width, height) for k in range(round(duration_s * VIDEO_RATE_FPS)))
    video.write_frames(frames, path, rate_fps=VIDEO_RATE_FPS, sound=sound, sound_rate_hz=TRACK_RATE_HZ)


def title_of(mood: Mood) -> str:
    """A name for a piece, from what it is like."""
    pace = _word(mood.pace, ("Slow", "Easy", "Walking", "Brisk", "Racing"))
    weight = _word(mood.energy, ("Hush", "Drift", "Stroll", "Drive", "Blaze"))
    tonic = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")[mood.key]
    return f"{pace} {weight} for {mood.instrument} in {tonic} {'minor' if mood.minor else 'major'}"


def _word(value: float, words: Sequence[str]) -> str:
    return words[min(len(words) - 1, int(value * len(words)))]


def described(mood: Mood) -> Mapping[str, Any]:
    """A mood as plain JSON values, for listings."""
    return {"tempo_bpm": round(mood.tempo_bpm), "energy": round(mood.energy, 2), "density": round(mood.density, 2)} | {
        "minor": mood.minor,
        "key": mood.key,
        "instrument": mood.instrument,
    }
