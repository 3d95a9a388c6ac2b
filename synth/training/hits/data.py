"""From clips and scenes to the arrays that the hits recipe trains on, and from those to augmented batches.

Shapes: B clips, T frames of a window, S sound steps of a window, H x W pixels, K pictures, A backbone features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth.data.corpora.clip import Clip, LabelledHit
from synth.data.strike_scenes.simulate import draw_scene, render_frames, render_sound
from synth.dsp import cochleagram
from synth.dsp.cochleagram import COCHLEAGRAM_BANDS, COCHLEAGRAM_RATE_HZ
from synth.dsp.onsets import onsets
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.media import audio, video
from synth.models.two_stream import TwoStreamConfig
from synth.voices.hits.detector import PICTURES
from synth.voices.hits.voice import FRAME_SIZE

Backbone = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""RGB pictures [K, H, W, 3] -> features [K, A]."""

SOUND_RATE_HZ: Final = 22_050
REAL_SIZE: Final = (160, 120)
SCENE_DURATION_S: Final = 4.0
ONSET_SIGMA_S: Final = 0.022
CAMERA_DELAY_S: Final = 1 / 30
"""In the real clips motion peaks half a frame to a frame before the label; in scenes with exact contacts, at the
contact. The labels of scenes are moved by half a frame, so that both say the same about the same pictures."""


@dataclass(frozen=True)
class Example:
    """One clip, ready.

    Attributes:
        group: source recording, never on both sides of a split.
        grey: uint8 [T, H, W] at ``rate_hz``.
        pictures: float32 [K, A], the backbone's features of K frames spread over the clip.
        cochleagram: float32 [S, 42] at 90 Hz, of sound brought to a common level.
        hits_s: float64 [n] times of contact to learn: the labels, moved to the onsets that are heard beside them, or
            the heard onsets where nobody labelled.
        labels_s: float64 [n] times to be judged by: the labels as they are.
        materials: int64 [n] index into ``MATERIALS``, -1 where unknown.
        labelled: whether a person labelled the contacts.
    """

    name: str
    group: str
    rate_hz: float
    grey: NDArray[np.uint8]
    pictures: NDArray[np.float32]
    cochleagram: NDArray[np.float32]
    hits_s: NDArray[np.float64]
    labels_s: NDArray[np.float64]
    materials: NDArray[np.int64]
    labelled: bool

    @property
    def duration_s(self) -> float:
        """Seconds of picture."""
        return len(self.grey) / self.rate_hz


def from_clip(clip: Clip, config: TwoStreamConfig, backbone: Backbone) -> Example:
    """A real clip. Where its contacts are not labelled, the onsets of its sound stand in for them."""
    info = video.probe(clip.video)
    # Clips filmed at twice the network's rate keep all frames: they give two windows and changes of speed.
    rate_hz = config.video_rate_hz * (2 if info.rate_fps > 1.9 * config.video_rate_hz else 1)
    width, height = REAL_SIZE
    grey = _grey(video.read_frames(clip.video, rate_hz=rate_hz, width=width, height=height))
    wanted = info.duration_s * (np.arange(PICTURES) + 0.5) / PICTURES
    sheet = list(video.read_frames(clip.video, rate_hz=5.0, width=FRAME_SIZE[0], height=FRAME_SIZE[1]))
    pictures = backbone(np.stack([sheet[min(len(sheet) - 1, int(time_s * 5))] for time_s in wanted]))
    sound, sound_rate_hz = audio.read(clip.sound_path, SOUND_RATE_HZ)
    heard_s = onsets(sound, sound_rate_hz)
    hits = clip.hits if clip.hits is not None else tuple(LabelledHit(float(time_s)) for time_s in heard_s)
    return Example(
        clip.name,
        clip.group,
        rate_hz,
        grey,
        pictures,
        cochleagram.cochleagram(levelled(sound), sound_rate_hz),
        _snap(np.array([hit.time_s for hit in hits]), heard_s),
        np.array([hit.time_s for hit in hits], dtype=np.float64),
        _indices(hits),
        clip.hits is not None,
    )


def from_scene(seed: int, config: TwoStreamConfig, backbone: Backbone) -> Example:
    """A scene of our own, with exact contacts."""
    scene = draw_scene(seed, duration_s=SCENE_DURATION_S, rate_fps=config.video_rate_hz)
    grey = _grey(render_frames(scene, width=config.width, height=config.height))
    picture = next(iter(render_frames(scene, width=FRAME_SIZE[0], height=FRAME_SIZE[1])))
    heard = cochleagram.cochleagram(levelled(render_sound(scene, SOUND_RATE_HZ)), SOUND_RATE_HZ)
    late = round(CAMERA_DELAY_S * COCHLEAGRAM_RATE_HZ)
    return Example(
        f"scene-{seed}",
        f"scene-{seed}",
        config.video_rate_hz,
        grey,
        backbone(picture[None]),
        np.concatenate([np.zeros((late, COCHLEAGRAM_BANDS), np.float32), heard])[: len(heard)],
        *(np.array([hit.time_s + CAMERA_DELAY_S for hit in scene.hits], dtype=np.float64),) * 2,
        # What a procedural texture is called teaches nothing about photographs, and the head starts from evidence that
        # a classifier of photographs gives.
        np.full(len(scene.hits), -1, dtype=np.int64),
        True,
    )


def _grey(frames: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]).astype(np.uint8)


def levelled(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Recordings differ in level by tens of dB for no visible reason: the loudest moments of each come to 0.5."""
    loud = float(np.quantile(np.abs(sound), 0.999)) if len(sound) else 0.0
    return sound * np.float32(0.5 / max(loud, 1e-3))


def _snap(times_s: NDArray[np.float64], heard_s: NDArray[np.float64]) -> NDArray[np.float64]:
    # Labels stand on the frame grid of 15 Hz; the sound says when within the frame it was.
    if not len(heard_s) or not len(times_s):
        return times_s.astype(np.float64)
    nearest = heard_s[np.abs(heard_s[None] - times_s[:, None]).argmin(1)]
    ahead = nearest - times_s
    return np.where((ahead > -0.04) & (ahead < 0.1), nearest, times_s)


def _indices(hits: Sequence[LabelledHit]) -> NDArray[np.int64]:
    return np.array([MATERIALS.index(hit.material) if hit.material else -1 for hit in hits], dtype=np.int64)


def cached(folder: Path, key: str, make: Callable[[], Example]) -> Example:
    """``make()``, or what it gave the last time under the same key (a text that names all that it depends on)."""
    path = folder / f"{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.npz"
    if not path.exists():
        example = make()
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".tmp.npz")
        np.savez(unfinished, **vars(example))
        unfinished.replace(path)
        return example
    with np.load(path) as file:
        scalars = {name: file[name].item() for name in ("name", "group", "rate_hz", "labelled")}
        arrays = {name: file[name] for name in ("grey", "pictures", "cochleagram", "hits_s", "labels_s", "materials")}
    return Example(**scalars, **arrays)


class Batch(NamedTuple):
    """Windows of clips: grey [B, T + 2, H, W], picture [B, A], cochleagram [B, S, 42], onset and material [B, S]."""

    grey: Tensor
    picture: Tensor
    cochleagram: Tensor
    onset: Tensor
    material: Tensor


def draw_batch(
    examples: Sequence[Example], config: TwoStreamConfig, rng: np.random.Generator, *, frames: int, strength: float
) -> Batch:
    """One augmented window of each example.

    Args:
        frames: T of the window.
        strength: of the augmentation, 0 (none) to 1.
    """
    if not examples:
        raise OptionError("no clips to train on")
    rows = [_window(example, config, rng, frames, strength) for example in examples]
    grey, picture, coch, onset, material = (np.stack(column) for column in zip(*rows, strict=True))
    return Batch(*(torch.from_numpy(array) for array in (grey, picture, coch, onset, material)))


def _window(
    example: Example, config: TwoStreamConfig, rng: np.random.Generator, frames: int, strength: float
) -> tuple[NDArray[np.generic], ...]:
    # A change of speed needs spare frames, else it would only show frames twice.
    speed = rng.uniform(0.75, 1.25) if strength > 0 and example.rate_hz > 1.5 * config.video_rate_hz else 1.0
    period_s = speed / config.video_rate_hz
    start_s = rng.uniform(0, max(0.0, example.duration_s - frames * period_s))
    if example.rate_hz <= 1.5 * config.video_rate_hz:
        start_s = round(start_s * example.rate_hz) / example.rate_hz
    times_s = start_s + np.arange(-1, frames + 1) * period_s
    index = np.clip(np.rint(times_s * example.rate_hz), 0, len(example.grey) - 1).astype(np.int64)
    grey = _augment(example.grey[index], config, rng, strength)
    steps_s = start_s + np.arange(frames * config.steps_per_frame) * period_s / config.steps_per_frame
    row = np.clip(np.rint(steps_s * COCHLEAGRAM_RATE_HZ), 0, len(example.cochleagram) - 1).astype(np.int64)
    onset, material = targets(example.hits_s, example.materials, steps_s)
    picture = example.pictures[rng.integers(len(example.pictures))]
    return grey, picture.astype(np.float32), example.cochleagram[row].astype(np.float32), onset, material


def network_view(example: Example, config: TwoStreamConfig) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A whole example as the network sees it in use: grey [T, H, W] at its rate and size, picture [A]."""
    every = round(example.rate_hz / config.video_rate_hz)
    size = (config.width, config.height)
    grey = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in example.grey[::every]]
    return np.stack(grey).astype(np.uint8), example.pictures.mean(0)


def targets(
    hits_s: NDArray[np.float64], materials: NDArray[np.int64], steps_s: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Per sound step: a bump around each contact [S] in 0..1, and the material touched [S], -1 away from contacts."""
    onset = np.zeros(len(steps_s), np.float32)
    material = np.full(len(steps_s), -1, np.int64)
    for time_s, index in zip(hits_s, materials, strict=True):
        away = np.abs(steps_s - time_s)
        onset = np.maximum(onset, np.exp(-0.5 * (away / ONSET_SIGMA_S) ** 2).astype(np.float32))
        material[away < 0.08] = index
    return onset, material


def _augment(
    grey: NDArray[np.uint8], config: TwoStreamConfig, rng: np.random.Generator, strength: float
) -> NDArray[np.float32]:
    """The same random view, light and noise for all frames: uint8 [T, h, w] -> float32 [T, H, W]."""
    width, height = config.width, config.height
    if strength == 0:
        return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in grey]).astype(
            np.float32
        )
    scale = np.exp(rng.normal(0, 0.12 * strength)) * width / grey.shape[2]
    aspect = np.exp(rng.normal(0, 0.08 * strength))
    angle = rng.normal(0, np.radians(9) * strength)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([scale * aspect * (-1 if rng.random() < 0.5 else 1), scale / aspect])
    centre = np.array([grey.shape[2] / 2, grey.shape[1] / 2])
    shift = np.array([width / 2, height / 2]) + rng.normal(0, 0.05 * strength, 2) * (width, height) - linear @ centre
    view = np.column_stack([linear, shift])
    out = np.stack(
        [
            cv2.warpAffine(frame, view, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            for frame in grey
        ]
    )
    table = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.25 * strength))
    table = (table - 0.5) * np.exp(rng.normal(0, 0.25 * strength)) + 0.5 + rng.normal(0, 0.08 * strength)
    lit = cv2.LUT(out, (255 * table).astype(np.float32))
    # One field of noise looked at through a moving window: new noise for each pixel would cost more than the network.
    field = rng.standard_normal((2 * height, 2 * width), dtype=np.float32) * np.float32(rng.uniform(0, 5 * strength))
    for frame, (y, x) in zip(lit, rng.integers(0, (height, width), (len(lit), 2)), strict=True):
        frame += field[y : y + height, x : x + width]
    return np.asarray(np.clip(lit, 0, 255), np.float32)
