"""Real clips as pictures with their sound: GRID, Greatest Hits, a folder of videos.

Importable without torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from synth.data.corpora import greatest_hits, grid, video_folder
from synth.data.corpora.av_clip import RATE_HZ, AVClip, part_of
from synth.errors import MediaError, OptionError
from synth.media import audio, video

PICTURE_PX: Final = 224
PICTURES_HZ: Final = 1.0
MAX_S: Final = 10.0
SPEECH: Final = "speech"


@dataclass(frozen=True)
class Film:
    """A video that is to be looked at and heard.

    Attributes:
        name: unique within its corpus.
        group: the recording that it was cut from.
        path: the video, with its sound inside unless ``sound`` is another file.
        labels: what sounds, where it is known.
        held_out: whether its corpus keeps it for measuring.
    """

    name: str
    group: str
    path: Path
    sound: Path
    labels: tuple[str, ...] = ()
    held_out: bool = False

    def read(self, pictures_hz: float = PICTURES_HZ) -> AVClip:
        """The first ten seconds of it.

        Raises:
            MediaError: picture or sound cannot be read.
        """
        info = video.probe(self.path)
        duration_s = min(info.duration_s, MAX_S)
        count = max(1, round(duration_s * pictures_hz))
        frames = video.read_frames(self.path, rate_hz=2 * pictures_hz, width=PICTURE_PX, height=PICTURE_PX)
        # Every second one, so that a picture stands in the middle of its stretch.
        pictures = [frame for number, frame in zip(range(2 * count), frames, strict=False) if number % 2 or count == 1]
        sound, _ = audio.read(self.sound, RATE_HZ)
        times_s = tuple((number + 0.5) / pictures_hz for number in range(len(pictures)))
        return AVClip(
            self.name,
            self.group,
            np.stack(pictures),
            times_s,
            sound[: round(duration_s * RATE_HZ)],
            1 / info.rate_fps,
            self.labels,
        )


def films_of(folder: Path, *, talking: int = 150) -> list[Film]:
    """All videos with sound that a folder holds: its corpora by their layouts, or else its own files.

    Args:
        folder: with ``grid`` and ``greatest_hits`` in it, or one of these corpora, or a folder of videos.
        talking: so many of GRID's sentences at most, spread evenly: they look alike.

    Raises:
        OptionError: nothing is found.
    """
    found: list[Film] = []
    for place in (folder, folder / "greatest_hits", folder / "grid"):
        if place.is_dir():
            found += _hits(place) + _talking(place, talking)
    if not found:
        found = [
            Film(one.name, one.group, one.video, one.video, (one.label,), one.part == video_folder.HELD_OUT)
            for one in video_folder.load(folder)
        ]
    return found


def read_all(films: Sequence[Film]) -> Iterator[AVClip]:
    """Those that can be read, with what sounds in them; a damaged or silent one is passed over."""
    for film in films:
        try:
            clip = film.read()
        except MediaError:
            continue
        if np.abs(clip.sound).max(initial=0.0) > 1e-3:
            yield clip


def _hits(folder: Path) -> list[Film]:
    try:
        clips = greatest_hits.load(folder)
    except (OptionError, MediaError):
        return []
    films = []
    for clip in clips:
        materials = Counter(hit.material for hit in clip.hits or () if hit.material)
        labels = tuple(name for name, _ in materials.most_common(2))
        films.append(
            Film(clip.name, clip.group, clip.video, clip.sound_path, labels, part_of(clip.group, 0.3) == "test")
        )
    return films


def _talking(folder: Path, count: int) -> list[Film]:
    try:
        sentences = grid.load(folder)
    except (OptionError, MediaError):
        return []
    step = max(1, len(sentences) // max(1, count))
    return [
        Film(
            one.name, f"{one.speaker}-{one.name}", one.video, one.sound_path, (SPEECH,), one.part != video_folder.TRAIN
        )
        for one in sentences[::step]
    ]
