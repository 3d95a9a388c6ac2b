"""What SoundNet learns from: what the vision teacher says of pictures, and sounds that go with them.

A scene shows one thing, which sounds: with silent things beside it the teacher's answer says half as much of the sound.
It is looked at once; its sound is drawn anew each time it comes up, from other recordings of what sounds in it, so that
the net cannot learn recordings by heart. Clips of ``--data`` keep their own sound. Augmentation: other speeds, random
stretches, levels and tilts, a little noise, and half of the time two clips at once.

Shapes: M pictures, K answers of the teacher, B sounds of N samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from synth import weights
from synth.data.corpora.av_clip import RATE_HZ, AVClip
from synth.data.corpora.av_films import films_of, read_all
from synth.data.sounding_scenes import scenes
from synth.errors import OptionError
from synth.models.imagenet import ImageNetEye
from synth.training.audiovisual import data as av_data

Sound = NDArray[np.float32]
Recordings = Mapping[str, Sequence[Sound]]

CROP_S: Final = 3.0
MOST_ANSWERS: Final = 96
_FILMED: Final = 0.15  # share of the sounds that come from real clips, where there are some
_TWO: Final = 0.5
_LEVEL_DB: Final = (-18.0, 3.0)
_SECOND_DB: Final = (-12.0, 0.0)
_NOISE_DB: Final = (-80.0, -40.0)
_SPEED: Final = 0.2  # a sound is played up to this much faster or slower, in natural logarithms
_FORMAT: Final = 2


@dataclass(frozen=True)
class Teacher:
    """The packaged ImageNet net's answers, made to speak of what differs from picture to picture.

    On drawn pictures the 1000 class probabilities are vague, and much of them is the same for all pictures. So the mean
    answer is taken off, those classes are kept whose answers differ most, and the temperature is low. What remains is a
    posterior, as in the paper.

    Attributes:
        classes: [K], the numbers of the classes that are kept.
        mean: [K], of the training pictures' logits.
        temperature: logits are divided by it.
    """

    classes: NDArray[np.int64]
    mean: NDArray[np.float32]
    temperature: float

    @classmethod
    def of(cls, logits: NDArray[np.float32], *, answers: int = MOST_ANSWERS, temperature: float = 0.5) -> Teacher:
        """The teacher for training pictures of these logits [M, 1000]."""
        deviation = logits.std(0)
        classes = np.sort(np.argsort(-deviation, kind="stable")[:answers])
        return cls(classes, logits[:, classes].mean(0).astype(np.float32), temperature)

    def __call__(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Posteriors [M, K] of pictures with logits [M, 1000]."""
        shown = (logits[:, self.classes] - self.mean) / self.temperature
        powers = np.exp(shown - shown.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


@dataclass(frozen=True)
class Pictures:
    """Scenes that were looked at.

    Attributes:
        logits: the teacher's, float32 [M, 1000], of each picture.
        labels: what sounds in its scene, the loudest first.
    """

    logits: NDArray[np.float32]
    labels: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Filmed:
    """Real clips: their sounds, and the teacher's logits [M, 1000] of their pictures, and whose picture each is."""

    clips: tuple[AVClip, ...]
    logits: NDArray[np.float32]
    clip_of: NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Sounds, and what the teacher says of the pictures that go with them.

    Attributes:
        sounds: float32 [B, N].
        answers: float32 [B, K], posteriors.
    """

    sounds: Tensor
    answers: Tensor


@dataclass(frozen=True)
class Lessons:
    """Everything that batches are drawn from.

    Attributes:
        labels: what sounds in each of M scenes.
        answers: the teacher's, [M, K], of their pictures.
        recordings: by class, to sound in the scenes.
        filmed: real clips with their answers [M', K]; ``None`` where there are none.
    """

    labels: tuple[tuple[str, ...], ...]
    answers: NDArray[np.float32]
    recordings: Recordings
    filmed: tuple[Filmed, NDArray[np.float32]] | None = None

    def batch(self, count: int, rng: np.random.Generator) -> Batch:
        """So many sounds of three seconds, with answers."""
        sounds, answers = [], []
        for _ in range(count):
            sound, answer = self._one(rng)
            if rng.random() < _TWO:
                other, second = self._one(rng)
                share = float(10 ** (rng.uniform(*_SECOND_DB) / 20))
                sound = sound + np.float32(share) * other
                answer = np.asarray((answer + share * second) / (1 + share), np.float32)
            sounds.append(_worsened(sound, rng))
            answers.append(answer)
        return Batch(torch.from_numpy(np.stack(sounds)), torch.from_numpy(np.stack(answers).astype(np.float32)))

    def _one(self, rng: np.random.Generator) -> tuple[Sound, NDArray[np.float32]]:
        """A sound at a loudness of its own, and the answer of one picture of the same clip."""
        if self.filmed is not None and rng.random() < _FILMED:
            films, answers = self.filmed
            picture = int(rng.integers(len(answers)))
            return levelled(stretch(films.clips[films.clip_of[picture]].sound, rng)), answers[picture]
        picture = int(rng.integers(len(self.answers)))
        speed = float(np.exp(rng.uniform(-_SPEED, _SPEED)))
        sound = scene_sound(self.labels[picture], rng, self.recordings, CROP_S * speed)
        return played(sound, round(CROP_S * RATE_HZ)), self.answers[picture]


def scene_sound(
    labels: Sequence[str], rng: np.random.Generator, recordings: Recordings, duration_s: float = CROP_S
) -> Sound:
    """Some seconds of what sounds in a scene, the first named the loudest; silence where nothing does."""
    mix = np.zeros(round(duration_s * RATE_HZ), np.float32)
    for number, label in enumerate(labels):
        one = levelled(scenes.sound_of(label, duration_s, rng, recordings))
        mix += one * np.float32(1.0 if number == 0 else 10 ** (rng.uniform(-10, -2) / 20))
    return mix


def played(sound: Sound, count: int) -> Sound:
    """The whole sound in so many samples, by linear interpolation: faster or slower, and as much higher or lower."""
    return np.interp(np.linspace(0, len(sound) - 1, count), np.arange(len(sound)), sound).astype(np.float32)


def levelled(sound: Sound) -> Sound:
    """The sound with an effective level of 0.1, silence as it is."""
    strength = float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0
    return sound * np.float32(min(20.0, 0.1 / max(strength, 1e-9)) if strength > 1e-5 else 1.0)


def stretch(sound: Sound, rng: np.random.Generator) -> Sound:
    """Three seconds of a sound from anywhere, repeated where it is shorter."""
    count = round(CROP_S * RATE_HZ)
    if len(sound) <= count:
        return np.resize(np.roll(sound, int(rng.integers(max(1, len(sound))))), count).astype(np.float32)
    first = int(rng.integers(len(sound) - count + 1))
    return sound[first : first + count]


def _worsened(sound: Sound, rng: np.random.Generator) -> Sound:
    """Another level, a tilted spectrum, some noise; either polarity."""
    tilt = np.float32(rng.uniform(-0.7, 0.7))
    out = sound.copy()
    out[1:] -= tilt * sound[:-1]
    gain = np.float32(10 ** (rng.uniform(*_LEVEL_DB) / 20) * rng.choice([-1, 1]))
    noise = rng.standard_normal(len(sound), np.float32) * np.float32(10 ** (rng.uniform(*_NOISE_DB) / 20))
    return np.asarray(out * gain + noise, np.float32)


def pictures(cache: Path, count: int, *, test: bool = False) -> Pictures:
    """Scenes with one thing in them, which sounds, each looked at once; from the cache where they lie there.

    Args:
        test: scenes that no training sees.
    """
    first = av_data.TEST_SEED if test else 0
    kept = cache / f"alone-{first}-{count}-{_FORMAT}.npz"
    if not kept.is_file():
        eye = ImageNetEye(weights.load_imagenet())
        names = [scenes.CLASSES[number % len(scenes.CLASSES)] for number in range(count)]
        logits = []
        for number, name in enumerate(tqdm(names, desc="pictures", unit="picture", disable=None)):
            planned = scenes.plan(first + number, sounding=(name,), silent=())
            logits.append(eye.features_and_classes(scenes.picture_of(planned, 1.0)[0][None])[1])
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(".tmp.npz")
        np.savez(unfinished, logits=np.concatenate(logits), labels=names)
        unfinished.replace(kept)
    with np.load(kept) as found:
        return Pictures(found["logits"], tuple((str(one),) for one in found["labels"]))


def recordings_by_fold(data: Path | None, folds: Sequence[int]) -> dict[int, dict[str, list[Sound]]]:
    """Recordings of ESC-10 in ``data/esc10`` by fold and class; empty where there is no such folder."""
    folder = data / "esc10" if data is not None else None
    if folder is None or not folder.is_dir():
        return {fold: {} for fold in folds}
    return {
        fold: scenes.recordings_of(folder, (fold,)) for fold in tqdm(folds, desc="ESC-10", unit="fold", disable=None)
    }


def together(parts: Sequence[Recordings]) -> dict[str, list[Sound]]:
    """Recordings of several folds as one."""
    found: dict[str, list[Sound]] = {}
    for one in parts:
        for label, sounds in one.items():
            found.setdefault(label, []).extend(sounds)
    return found


def with_computed(recordings: Recordings, count: int, seed: int) -> dict[str, list[Sound]]:
    """The recordings, and for each class without any so many computed sounds: computing each anew takes too long."""
    rng = np.random.default_rng([seed, 11])
    found = {label: list(sounds) for label, sounds in recordings.items()}
    for label in scenes.CLASSES:
        if label not in found:
            found[label] = [scenes.sound_of(label, 2 * CROP_S, rng) for _ in range(count)]
    return found


def filmed(cache: Path, data: Path | None) -> Filmed | None:
    """Real clips of a folder that are there to train on, looked at; ``None`` where it has none besides ESC-10."""
    if data is None:
        return None
    try:
        looked_at, _ = av_data.films(cache, data)
    except OptionError:
        return None
    if looked_at is None:
        return None
    known = {clip.name: number for number, clip in enumerate(looked_at.clips)}
    films = [film for film in films_of(data) if not film.held_out and film.name in known]
    heard: dict[str, Any] = {clip.name: clip for clip in read_all(films)}
    clips = tuple(heard[clip.name] for clip in looked_at.clips if clip.name in heard)
    rows = [number for number, clip in enumerate(looked_at.clip_of) if looked_at.clips[int(clip)].name in heard]
    place = {clip.name: number for number, clip in enumerate(clips)}
    clip_of = np.array([place[looked_at.clips[int(looked_at.clip_of[row])].name] for row in rows], np.int64)
    return Filmed(clips, np.asarray(looked_at.classes[rows], np.float32), clip_of) if clips else None
