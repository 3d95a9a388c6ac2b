"""What the nets that learn from sound and sight are trained on: clips looked at and heard once, kept in a cache.

A picture goes through the packaged ImageNet net once (0.2 s for eight), a sound becomes a log-mel spectrogram; what is
kept of 1500 scenes fills some 700 MB in the run's cache, read through a memory map. Scenes have their sounds mixed
anew a few times, from other recordings of the same classes, so that a net learns classes and not recordings.

Shapes: M pictures, C clips, V mixes of a clip's sound, spectrograms [64, T] at 50 steps a second.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from synth import weights
from synth.boxes import Box
from synth.data.corpora.av_clip import RATE_HZ, AVClip, Pair, draw_pairs
from synth.data.corpora.av_films import films_of, read_all
from synth.data.sounding_scenes import scenes as av_scenes
from synth.errors import OptionError
from synth.models.imagenet import ImageNetEye
from synth.models.l3net import BANDS, DEVIATION, PIXELS, STEPS, STEPS_HZ, WINDOW_S, Vision, log_mel
from synth.weights import DataSource

MIXES: Final = 3
TRAIN_FOLDS: Final = (1, 2, 3)
TEST_FOLDS: Final = (4,)
"""ESC-10's folds whose recordings sound in the scenes of training, and of measuring."""
TEST_SEED: Final = 1_000_000
"""Scenes from this seed on are never trained on."""
_LOUDER: Final = (-15.0, 6.0)  # dB, drawn anew for each window
FORMAT: Final = 3

OWN_SCENES: Final = DataSource("own scenes (simulated)", "MIT", "pictures and sounds")
ESC10: Final = DataSource("ESC-10, folds 1 to 3", "CC BY 3.0", "sounds of the scenes")
FILMED: Final = DataSource(
    "Greatest Hits and GRID clips", "no licence text found; research use", "pictures with their sound"
)


@dataclass(frozen=True)
class Kept:
    """What is known of one clip besides its arrays.

    Attributes:
        name, group, labels, times_s, frame_s, duration_s: as of an :class:`synth.data.corpora.av_clip.AVClip`.
        first: number of its first picture in the arrays.
        boxes: per picture.
    """

    name: str
    group: str
    labels: tuple[str, ...]
    times_s: tuple[float, ...]
    frame_s: float
    duration_s: float
    first: int
    boxes: tuple[tuple[Box, ...], ...]


@dataclass(frozen=True)
class AVData:
    """Clips, looked at and heard.

    Attributes:
        clips: in order.
        maps: float16 [M, 432, 14, 14] of the ImageNet net.
        pooled: float32 [M, 1280], classes: float32 [M, 1000], likewise.
        pictures: uint8 [M, 112, 112, 3].
        mels: float16 [C, V, 64, T]; clips that are shorter than the longest are repeated.
    """

    clips: tuple[Kept, ...]
    maps: NDArray[np.float16]
    pooled: NDArray[np.float32]
    classes: NDArray[np.float32]
    pictures: NDArray[np.uint8]
    mels: NDArray[np.float16]

    @cached_property
    def clip_of(self) -> NDArray[np.int64]:
        """[M]: the clip of each picture."""
        return np.repeat(np.arange(len(self.clips)), [len(clip.times_s) for clip in self.clips])

    def window(self, clip: int, start_s: float, mix: int = 0) -> NDArray[np.float32]:
        """The spectrogram [64, 100] of two seconds from ``start_s`` on."""
        first = round(start_s * STEPS_HZ)
        mel = self.mels[clip, mix % self.mels.shape[1]]
        first = min(max(0, first), max(0, mel.shape[1] - STEPS))
        return np.asarray(mel[:, first : first + STEPS], np.float32)

    def seen(self, numbers: Sequence[int] | NDArray[np.int64], vision: Vision) -> Tensor:
        """Pictures by number, as the tower of that kind wants them."""
        chosen = np.asarray(numbers)
        if vision == "imagenet":
            return torch.from_numpy(np.asarray(self.maps[chosen], np.float32))
        return torch.from_numpy(self.pictures[chosen]).permute(0, 3, 1, 2).float() / 255


def part(data: AVData, clips: Sequence[int]) -> AVData:
    """Only these clips, with their arrays copied."""
    pictures = [np.arange(len(data.clips[n].times_s)) + data.clips[n].first for n in clips]
    numbers = np.concatenate(pictures)
    kept, first = [], 0
    for n in clips:
        kept.append(Kept(**{**_shallow(data.clips[n]), "first": first}))
        first += len(data.clips[n].times_s)
    return AVData(
        tuple(kept),
        data.maps[numbers],
        data.pooled[numbers],
        data.classes[numbers],
        data.pictures[numbers],
        data.mels[np.asarray(clips)],
    )


def _shallow(clip: Kept) -> dict[str, Any]:
    return {name: getattr(clip, name) for name in Kept.__dataclass_fields__}


def scenes(
    cache: Path, count: int, *, test: bool = False, esc10: Path | None = None, seed: int = 0, mixes: int = MIXES
) -> AVData:
    """Simulated scenes, from the cache where they lie there.

    Args:
        test: scenes that no training sees, with recordings of the held-out fold.
        esc10: ESC-10, whose recordings sound in the scenes; without it all sounds are computed.
    """
    folds = TEST_FOLDS if test else TRAIN_FOLDS
    first = TEST_SEED + seed * 100_000 if test else seed * 100_000
    key = f"scenes-{'test' if test else 'train'}-{first}-{count}-{mixes}-{'esc10' if esc10 else 'own'}-{FORMAT}"
    recordings = av_scenes.recordings_of(esc10, folds) if esc10 and not (cache / key).is_dir() else None

    def all_scenes() -> Iterator[tuple[AVClip, list[NDArray[np.float32]]]]:
        for number in range(first, first + count):
            clip = av_scenes.scene(number, recordings=recordings)
            rng = np.random.default_rng([number, 1])
            more = [_mixed_anew(clip, rng, recordings) for _ in range(mixes - 1)]
            yield clip, [clip.sound, *more]

    return _kept(cache / key, all_scenes(), count)


def films(cache: Path, data: Path) -> tuple[AVData | None, AVData | None]:
    """Real clips of a folder, those to train on and those to measure on; ``None`` where there are none."""
    found = films_of(data)
    sides = []
    for held_out in (False, True):
        side = [film for film in found if film.held_out is held_out]
        key = f"films-{'test' if held_out else 'train'}-{len(side)}-{FORMAT}-{_digest(side)}"
        clips = ((clip, [clip.sound]) for clip in read_all(side))
        sides.append(_kept(cache / key, clips, len(side)) if side else None)
    return sides[0], sides[1]


def kept(folder: Path, clips: Iterable[AVClip], count: int) -> AVData:
    """Any clips, each with its own sound only, from the cache folder where they lie there.

    Raises:
        OptionError: there are none.
    """
    return _kept(folder, ((clip, [clip.sound]) for clip in clips), count)


def _digest(films_: Sequence[Any]) -> str:
    return f"{zlib.crc32(' '.join(film.name for film in films_).encode()):08x}"


def joined(*parts: AVData | None) -> AVData:
    """Several collections as one; spectrograms are repeated to the longest, mixes to the most.

    Raises:
        OptionError: there is none.
    """
    some = [one for one in parts if one is not None]
    if not some:
        raise OptionError("there is nothing to train on")
    if len(some) == 1:
        return some[0]
    kept: list[Kept] = []
    first = 0
    for one in some:
        kept += [Kept(**{**_shallow(clip), "first": clip.first + first}) for clip in one.clips]
        first += len(one.maps)
    length = max(one.mels.shape[3] for one in some)
    mixes = max(one.mels.shape[1] for one in some)
    return AVData(
        tuple(kept),
        np.concatenate([one.maps for one in some]),
        np.concatenate([one.pooled for one in some]),
        np.concatenate([one.classes for one in some]),
        np.concatenate([one.pictures for one in some]),
        np.concatenate([_tiled(one.mels, mixes, length) for one in some]),
    )


def _tiled(mels: NDArray[np.float16], mixes: int, length: int) -> NDArray[np.float16]:
    repeats = (1, -(-mixes // mels.shape[1]), 1, -(-length // mels.shape[3]))
    return np.tile(mels, repeats)[:, :mixes, :, :length]


def _mixed_anew(
    clip: AVClip, rng: np.random.Generator, recordings: Mapping[str, Sequence[NDArray[np.float32]]] | None
) -> NDArray[np.float32]:
    if not clip.labels:
        return clip.sound
    mix = np.zeros_like(clip.sound)
    for number, label in enumerate(clip.labels):
        other = av_scenes.sound_of(label, clip.duration_s, rng, recordings)[: len(mix)]
        mix[: len(other)] += other * (1.0 if number == 0 else 10 ** (rng.uniform(-10, -2) / 20))
    return mix + rng.standard_normal(len(mix)).astype(np.float32) * 10 ** (rng.uniform(-80, -50) / 20)


def _kept(folder: Path, clips: Iterable[tuple[AVClip, list[NDArray[np.float32]]]], count: int) -> AVData:
    return stored(folder, lambda: _looked_at(clips, count))


def stored(folder: Path, make: Callable[[], AVData]) -> AVData:
    """A collection out of a folder of the cache; made and put there if it is not there. It appears whole."""
    if not (folder / "clips.json").is_file():
        made = make()
        unfinished = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name in ("maps", "mels", "pooled", "classes", "pictures"):
            np.save(unfinished / f"{name}.npy", getattr(made, name))
        rows = json.dumps([asdict(clip) for clip in made.clips])
        (unfinished / "clips.json").write_text(rows, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.replace(folder)
    raw = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
    known = [
        Kept(
            **{
                **row,
                "labels": tuple(row["labels"]),
                "times_s": tuple(row["times_s"]),
                "boxes": tuple(tuple(Box(**box) for box in boxes) for boxes in row["boxes"]),
            }
        )
        for row in raw
    ]
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("maps", "mels")}
    arrays |= {name: np.load(folder / f"{name}.npy") for name in ("pooled", "classes", "pictures")}
    return AVData(tuple(known), **arrays)


def _looked_at(clips: Iterable[tuple[AVClip, list[NDArray[np.float32]]]], count: int) -> AVData:
    """Look at everything and hear it."""
    eye = ImageNetEye(weights.load_imagenet())
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ("maps", "pooled", "classes", "pictures")}
    mels: list[list[NDArray[np.float16]]] = []
    known: list[Kept] = []
    first = 0
    for clip, sounds in tqdm(clips, total=count, desc="clips", unit="clip", disable=None):
        sight = eye.look(clip.pictures)
        small = [cv2.resize(one, (PIXELS, PIXELS), interpolation=cv2.INTER_AREA) for one in clip.pictures]
        for name, value in (("maps", sight.maps), ("pooled", sight.pooled), ("classes", sight.classes)):
            parts[name].append(value)
        parts["pictures"].append(np.stack(small))
        mels.append([log_mel(sound).astype(np.float16) for sound in sounds])
        boxes = clip.boxes or ((),) * len(clip.times_s)
        known.append(
            Kept(clip.name, clip.group, clip.labels, clip.times_s, clip.frame_s, clip.duration_s, first, boxes)
        )
        first += len(clip.times_s)
    if not known:
        raise OptionError("none of the clips can be read, or all are silent")
    length = max(STEPS, *(mel.shape[1] for mixes in mels for mel in mixes))
    even = np.stack([[_long(mel, length) for mel in mixes] for mixes in mels])
    return AVData(tuple(known), **{name: np.concatenate(values) for name, values in parts.items()}, mels=even)


def _long(mel: NDArray[np.float16], length: int) -> NDArray[np.float16]:
    return np.tile(mel, (1, -(-length // mel.shape[1])))[:, :length]


@dataclass(frozen=True)
class PairBatch:
    """Pairs, positive and negative in turn.

    Attributes:
        seen: pictures as the tower wants them.
        mel: float32 [B, 64, 100].
        together: float32 [B]: 1 for positive pairs.
        pairs: what was drawn.
    """

    seen: Tensor
    mel: Tensor
    together: Tensor
    pairs: tuple[Pair, ...]


def batch(data: AVData, count: int, vision: Vision, rng: np.random.Generator, *, quiet: float = 0.0) -> PairBatch:
    """Draw ``count`` pairs; sounds at random levels, with stripes of time and frequency left out now and then.

    Args:
        quiet: share of the negative pairs that hear silence or noise instead of another clip.
    """
    pairs = draw_pairs(data.clips, count, WINDOW_S, rng, slack_s=1.0)
    mels = np.stack([data.window(pair.heard, pair.start_s, int(rng.integers(data.mels.shape[1]))) for pair in pairs])
    for number, pair in enumerate(pairs):
        if not pair.positive and rng.random() < quiet:
            mels[number] = nothing_heard(rng)
        else:
            mels[number] = worsened(mels[number], rng)
    seen = data.seen([data.clips[pair.clip].first + pair.picture for pair in pairs], vision)
    if vision == "scratch":
        seen = _varied(seen, rng)
    elif rng.random() < 0.5:
        seen = seen.flip(3)
    together = torch.tensor([float(pair.positive) for pair in pairs])
    return PairBatch(seen, torch.from_numpy(mels), together, tuple(pairs))


def worsened(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A spectrogram [64, T] as if recorded otherwise: another pitch, level and tone, a stripe left out."""
    higher = int(rng.integers(-3, 4))
    places = np.clip(np.arange(BANDS) - higher, 0, BANDS - 1)
    mel = mel[places]
    scale = np.log(10) / 10 / DEVIATION  # of a decibel in the numbers of log_mel
    tilt = np.linspace(-1, 1, BANDS, dtype=np.float32)[:, None] * np.float32(rng.uniform(-6, 6))
    out = mel + np.float32(scale) * (tilt + np.float32(rng.uniform(*_LOUDER)))
    if rng.random() < 0.5:
        first, length = int(rng.integers(mel.shape[1] - 20)), int(rng.integers(5, 20))
        out[:, first : first + length] = out.min()
    if rng.random() < 0.5:
        first, length = int(rng.integers(BANDS - 10)), int(rng.integers(2, 10))
        out[first : first + length] = out.min()
    lowest = log_mel(np.zeros(RATE_HZ // 10, np.float32)).min()
    return np.asarray(np.maximum(out, lowest), np.float32)


def nothing_heard(rng: np.random.Generator, steps: int = STEPS) -> NDArray[np.float32]:
    """The spectrogram [64, steps] of silence, or of steady noise at some level."""
    count = round(steps / STEPS_HZ * RATE_HZ)
    level = 0.0 if rng.random() < 0.4 else 10 ** (rng.uniform(-70, -20) / 20)
    noise = rng.standard_normal(count).astype(np.float32) * np.float32(level)
    if rng.random() < 0.5:
        noise = np.cumsum(noise).astype(np.float32) * np.float32(0.05)
        noise -= noise.mean()
    return log_mel(noise)[:, :steps]


def _varied(seen: Tensor, rng: np.random.Generator) -> Tensor:
    """Pixels, mirrored or not, a little brighter or darker, shifted by up to eight."""
    if rng.random() < 0.5:
        seen = seen.flip(3)
    light = torch.from_numpy(rng.uniform(0.8, 1.2, (len(seen), 3, 1, 1)).astype(np.float32))
    down, right = (int(value) for value in rng.integers(-8, 9, 2))
    return (seen * light).clamp(0, 1).roll((down, right), (2, 3))
