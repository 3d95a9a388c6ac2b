"""Pairs of music and picture as numbers, computed once and read from a cache: our own scenes, or a folder of videos.

The cache holds files of 50 pairs of the scenes, or one a video, so that a run that is cut off goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from synth.data.corpora import video_folder
from synth.data.corpora.av_clip import part_of
from synth.data.music_scenes.moods import Look
from synth.data.music_scenes.notes import play
from synth.data.music_scenes.pictures import draw
from synth.data.music_scenes.scenes import draw_mood, look_of
from synth.errors import MediaError
from synth.media import audio
from synth.media.files import arriving
from synth.models.imagenet import ImageNetEye
from synth.music import features, picture_features
from synth.voices.ambient.optical_flow import RATE_HZ
from synth.weights import load_imagenet

Floats = NDArray[np.float32]

SEED: Final = 2018
TRAIN_PAIRS: Final = 400
HELD_OUT_PAIRS: Final = 256
HELD_OUT_FROM: Final = 100_000
"""Numbers of the scenes that are never trained on start here."""
SCENE_S: Final = 12.0
_CHUNK: Final = 50
_VERSION: Final = 1  # raise it when scenes or features change


@dataclass(frozen=True)
class Pairs:
    """P pairs, row by row.

    Attributes:
        music: float32 [P, 1140].
        picture: float32 [P, 2615].
        tempo: float32 [P], beats a minute as measured.
        names: of the pairs.
    """

    music: Floats
    picture: Floats
    tempo: Floats
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def part(self, kept: Sequence[int]) -> Pairs:
        """Some of the rows."""
        rows = np.asarray(kept, int)
        names = tuple(self.names[row] for row in rows)
        return Pairs(self.music[rows], self.picture[rows], self.tempo[rows], names)


class _Eye:
    """The ImageNet net, loaded when it is first needed."""

    def __init__(self) -> None:
        self._eye: ImageNetEye | None = None

    def __call__(self) -> ImageNetEye:
        if self._eye is None:
            self._eye = ImageNetEye(load_imagenet())
        return self._eye


def simulated(first: int, count: int, cache: Path | None, *, quiet: bool = False) -> Pairs:
    """Pairs of :mod:`synth.data.music_scenes.scenes` by number, from ``cache`` as far as they lie there.

    Raises:
        WeightsError: the ImageNet net is not installed.
        MediaError: the cache cannot be written.
    """
    eye, parts = _Eye(), []
    with tqdm(total=count, unit="pair", disable=quiet or None, dynamic_ncols=True) as bar:
        for start in range(first, first + count, _CHUNK):
            many = min(_CHUNK, first + count - start)
            kept = _kept(cache, start, many)
            found = _read(kept)
            if found is None:
                rows = []
                for number in range(start, start + many):
                    rows.append(_scene(number, eye()))
                    bar.update()
                found = _stacked(rows, [str(number) for number in range(start, start + many)])
                _write(kept, found)
            else:
                bar.update(many)
            parts.append(found)
    return _joined(parts)


def simulated_if_cached(first: int, count: int, cache: Path | None) -> Pairs | None:
    """As :func:`simulated` where all of these pairs lie in the cache; else nothing, because they take many minutes."""
    starts = range(first, first + count, _CHUNK)
    files = [_kept(cache, start, min(_CHUNK, first + count - start)) for start in starts]
    if not all(file is not None and file.is_file() for file in files):
        return None
    return simulated(first, count, cache, quiet=True)


def videos_in(folder: Path) -> list[Path]:
    """The videos in a folder and those below it."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in video_folder.SUFFIXES and path.is_file())
    return sorted(found)


def of_videos(folder: Path, cache: Path | None, *, quiet: bool = False) -> tuple[Pairs | None, dict[str, str]]:
    """The pairs of a folder's videos, each with its own sound, and why some were left out, by name.

    Raises:
        WeightsError: the ImageNet net is not installed.
    """
    eye, parts, left_out = _Eye(), [], {}
    for path in tqdm(videos_in(folder), unit="video", disable=quiet or None, dynamic_ncols=True):
        name = path.relative_to(folder).as_posix()
        try:
            kept = cache / f"music-video-{_VERSION}-{_stamp(path)}.npz" if cache else None
            found = _read(kept)
            if found is None:
                sound, rate_hz = audio.read(path)
                music = features.music_features(sound, rate_hz), features.tempo_bpm(sound, rate_hz)
                found = _stacked([(*music, picture_features.look(path, eye()))], [name])
                _write(kept, found)
            parts.append(found)
        except MediaError as error:
            left_out[name] = str(error)
    return (_joined(parts) if parts else None), left_out


def split(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Pairs of videos to train on, and those that are held out, by their names."""
    side = [part_of(name) for name in pairs.names]
    rows = {which: [row for row, one in enumerate(side) if one == which] for which in ("train", "test")}
    return pairs.part(rows["train"]), pairs.part(rows["test"])


def scene_frames(look: Look, count: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The frames of a drawn clip that :func:`synth.music.picture_features.picture_features` wants, of so many."""
    starts, cutting = picture_features.wanted(count)
    numbers = sorted({*cutting, *(start + k for start in starts for k in range(picture_features.BURST))})
    side = picture_features.SIDE_PX
    for number in numbers:
        if number < count:
            yield number, draw(look, number / RATE_HZ, side, side)


def _scene(number: int, eye: ImageNetEye) -> tuple[Floats, float, Floats]:
    mood = draw_mood(SEED, number)
    sound = play(mood, features.RATE_HZ, SCENE_S)
    count = round(SCENE_S * RATE_HZ)
    seen = picture_features.picture_features(scene_frames(look_of(mood), count), count, eye)
    heard = features.music_features(sound, features.RATE_HZ)
    return heard, features.tempo_bpm(sound, features.RATE_HZ), seen


def _kept(cache: Path | None, start: int, many: int) -> Path | None:
    return cache / f"music-scenes-{_VERSION}-{SEED}-{start}-{many}.npz" if cache else None


def _stacked(rows: Sequence[tuple[Floats, float, Floats]], names: Sequence[str]) -> Pairs:
    music, tempo, picture = zip(*rows, strict=True)
    return Pairs(np.stack(music), np.stack(picture), np.array(tempo, np.float32), tuple(names))


def _joined(parts: Sequence[Pairs]) -> Pairs:
    music, picture, tempo = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("music", "picture", "tempo")
    )
    return Pairs(music, picture, tempo, tuple(name for part in parts for name in part.names))


def _stamp(path: Path) -> str:
    about = path.stat()
    key = f"{path.resolve()} {about.st_size} {about.st_mtime_ns}"
    return hashlib.blake2b(key.encode(), digest_size=12).hexdigest()


def _read(kept: Path | None) -> Pairs | None:
    if kept is None or not kept.is_file():
        return None
    with np.load(kept) as held:
        return Pairs(held["music"], held["picture"], held["tempo"], tuple(str(name) for name in held["names"]))


def _write(kept: Path | None, pairs: Pairs) -> None:
    if kept is None:
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    with arriving(kept) as part, part.open("wb") as opened:
        np.savez(opened, music=pairs.music, picture=pairs.picture, tempo=pairs.tempo, names=np.array(pairs.names))
