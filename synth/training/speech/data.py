"""Talking faces as training examples: crops, their flow, the sound's spectra, and what is said where that is known.

One :class:`Talking` a clip is what the cache holds, as small as it can be without loss that matters: the crops as one
JPEG strip, the sound as FLAC. Flow and spectra are computed from them when a training begins, in seconds.

Shapes: T = pictures at 25 a second, S = 4 T spectra, H x W = 64 x 64 crops, M = 80 bands, F = 321 bins.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth.dsp.spectra import hz_of_mel, mel_of_hz
from synth.models.speech.vid2speech import FLOW_REDUCTION, Vid2SpeechConfig
from synth.voices.speech import lip_reading, spectra

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

JPEG_QUALITY: Final = 85
SILENT: Final = 0
"""The word class of what is no word."""


@dataclass(frozen=True)
class Talking:
    """One clip of one person talking, as the cache holds it.

    Attributes:
        name: unique within its corpus.
        mouth, face: uint8 [T, 64, 64].
        sound: float32 [N] at 16 kHz, as long as the pictures.
        words: (start_s, end_s, text), or ``None`` where nobody wrote them down.
        held_out: whether it is there to measure with, not to learn from.
    """

    name: str
    mouth: Pixels
    face: Pixels
    sound: Floats
    words: tuple[tuple[float, float, str], ...] | None = None
    held_out: bool = False

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.mouth) / spectra.PICTURE_RATE_HZ

    def save(self, path: Path) -> None:
        """Write it, some 130 kB for three seconds."""
        np.savez(
            path,
            mouth=_strip(self.mouth),
            face=_strip(self.face),
            sound=_flac(self.sound),
            words=np.array(list(self.words or ()), dtype=[("start_s", "f8"), ("end_s", "f8"), ("text", "U32")]),
            told=np.array([self.words is not None, self.held_out]),
        )

    @classmethod
    def read(cls, path: Path) -> Talking:
        """What :meth:`save` wrote."""
        with np.load(path) as held:
            told, held_out = (bool(value) for value in held["told"])
            words = tuple((float(start), float(end), str(text)) for start, end, text in held["words"])
            sound, _ = soundfile.read(io.BytesIO(held["sound"].tobytes()), dtype="float32")
            return cls(
                path.stem,
                _unstrip(held["mouth"]),
                _unstrip(held["face"]),
                sound,
                words if told else None,
                held_out,
            )


def _strip(crops: Pixels) -> Pixels:
    tall = np.ascontiguousarray(crops.reshape(-1, crops.shape[2]))
    done, coded = cv2.imencode(".jpg", tall, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f"crops of shape {crops.shape} could not be coded")
    return np.asarray(coded, np.uint8).ravel()


def _unstrip(coded: Pixels) -> Pixels:
    tall = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    if tall is None:
        raise ValueError("a strip of crops cannot be decoded")
    return np.asarray(tall, np.uint8).reshape(-1, tall.shape[1], tall.shape[1])


def _flac(sound: Floats) -> Pixels:
    held = io.BytesIO()
    soundfile.write(held, sound, spectra.RATE_HZ, format="FLAC", subtype="PCM_16")
    return np.frombuffer(held.getvalue(), np.uint8)


@dataclass(frozen=True)
class Example:
    """One clip, ready to be learned from.

    Attributes:
        crops: uint8 [T, 64, 64].
        flow: float16 [T, 2, 32, 32].
        mel, linear: float16 [S, M] and [S, F], natural logarithms.
        units: int64 [T], which acoustic unit sounds; -1 unknown.
        words: int64 [T], which word is said; -1 unknown.
    """

    name: str
    crops: Pixels
    flow: NDArray[np.float16]
    mel: NDArray[np.float16]
    linear: NDArray[np.float16]
    units: NDArray[np.int64]
    words: NDArray[np.int64]


def example(talking: Talking, config: Vid2SpeechConfig, words: Sequence[str] = ()) -> Example:
    """Flow and spectra of one clip; units are not known yet."""
    crops = talking.mouth if config.window == "mouth" else talking.face
    count = len(crops) * config.spectra_a_picture
    labels = np.full(len(crops), -1, np.int64)
    if talking.words is not None and words:
        labels[:] = SILENT
        middles = (np.arange(len(crops)) + 0.5) / spectra.PICTURE_RATE_HZ
        for start_s, end_s, text in talking.words:
            labels[(start_s <= middles) & (middles < end_s)] = words.index(text) if text in words else SILENT
    return Example(
        talking.name,
        crops,
        lip_reading.flow(crops).astype(np.float16),
        spectra.log_mel(talking.sound, count).astype(np.float16),
        spectra.log_linear(talking.sound, count).astype(np.float16),
        np.full(len(crops), -1, np.int64),
        labels,
    )


def vocabulary(talking: Sequence[Talking]) -> tuple[str, ...]:
    """Silence and every word that anybody wrote down, sorted; empty where nothing is transcribed."""
    said = {text for one in talking for _, _, text in one.words or ()}
    return ("", *sorted(said)) if said else ()


class Batch(NamedTuple):
    """Windows of examples, augmented.

    Attributes:
        grey: [B, T, H, W].
        flow: [B, T, 2, H / 2, W / 2].
        mel, linear: [B, S, M] and [B, S, F], natural logarithms.
        units, words: [B, T]; -1 unknown.
    """

    grey: Tensor
    flow: Tensor
    mel: Tensor
    linear: Tensor
    units: Tensor
    words: Tensor


def draw_batch(
    examples: Sequence[Example], config: Vid2SpeechConfig, rng: np.random.Generator, *, pictures: int, strength: float
) -> Batch:
    """One window of each example.

    Args:
        pictures: of a window; shorter clips are held at their end, in silence.
        strength: of the augmentation, 0 (the middle of the crop, the clip's own speed) to 1.
    """
    drawn = [_draw(one, config, rng, pictures, strength) for one in examples]
    return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True)))


def _draw(
    one: Example, config: Vid2SpeechConfig, rng: np.random.Generator, pictures: int, strength: float
) -> tuple[NDArray[Any], ...]:
    speed = 1 + 0.12 * strength * rng.uniform(-1, 1)
    span = (pictures - 1) * speed
    start = rng.uniform(0, max(0.0, len(one.crops) - 1 - span))
    times = np.minimum(start + speed * np.arange(pictures), len(one.crops) - 1)
    index = np.round(times).astype(np.int64)
    grey, flow = _view(one, index, config, rng, strength)
    fine = start + speed * np.arange(pictures * config.spectra_a_picture) / config.spectra_a_picture
    mel = _followed_by_silence(one.mel, fine * config.spectra_a_picture)
    linear = _followed_by_silence(one.linear, fine * config.spectra_a_picture)
    return grey, flow * np.float32(speed), mel, linear, one.units[index], one.words[index]


def spliced(examples: Sequence[Example], number: int, rng: np.random.Generator, share: float) -> Example:
    """One clip, at times gone on with by another one from its word in the same place on: sentences nobody said.

    Where a fixed sentence could be learnt by heart, its words cannot. Clips without transcripts stay as they are.

    Args:
        number: of the clip that it begins with.
        share: of the words after the first at which another clip takes over.
    """
    made = examples[number]
    ours = _word_starts(made)
    for place in range(1, len(ours)):
        if rng.random() >= share:
            continue
        other = examples[int(rng.integers(len(examples)))]
        theirs = _word_starts(other)
        if place < min(len(ours), len(theirs)):
            made = _joined(made, ours[place], other, theirs[place])
            ours = _word_starts(made)
    return made


def _word_starts(one: Example) -> list[int]:
    """Pictures at which a word begins."""
    begins = (np.diff(one.words, prepend=one.words[:1]) != 0) & (one.words > SILENT)
    return [int(index) for index in np.flatnonzero(begins)]


def _joined(first: Example, end: int, second: Example, start: int) -> Example:
    """The pictures of one clip up to ``end`` and of another from ``start`` on."""
    each = len(first.mel) // len(first.crops)
    parts = {
        name: np.concatenate([getattr(first, name)[: end * many], getattr(second, name)[start * many :]])
        for name, many in (("crops", 1), ("flow", 1), ("mel", each), ("linear", each), ("units", 1), ("words", 1))
    }
    return Example(first.name, **parts)


def whole_view(one: Example, config: Vid2SpeechConfig, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """All pictures of a clip in one view: shifted, relit, perhaps mirrored; [T, H, W] and [T, 2, H / 2, W / 2]."""
    return _view(one, np.arange(len(one.crops)), config, rng, 1.0, blind=False)


def _view(
    one: Example,
    index: NDArray[np.int64],
    config: Vid2SpeechConfig,
    rng: np.random.Generator,
    strength: float,
    *,
    blind: bool = True,
) -> tuple[Floats, Floats]:
    """Shifted, mirrored, relit, and, if ``blind``, with a stretch of it hidden at times."""
    margin = (one.crops.shape[1] - config.side) // (2 * FLOW_REDUCTION)
    reach = round(margin * strength)
    down, right = (margin + rng.integers(-reach, reach + 1, 2)) if reach else (margin, margin)
    side, small = config.side, config.side // FLOW_REDUCTION
    top, left = int(down) * FLOW_REDUCTION, int(right) * FLOW_REDUCTION
    grey = one.crops[index, top : top + side, left : left + side].astype(np.float32)
    flow = one.flow[index, :, down : down + small, right : right + small].astype(np.float32)
    if strength and rng.random() < 0.5:
        grey, flow = grey[..., ::-1], flow[..., ::-1] * np.array([-1, 1], np.float32)[:, None, None]
    if strength:
        gamma = np.float32(np.exp(0.25 * strength * rng.uniform(-1, 1)))
        grey = np.asarray(255 * (grey / 255) ** gamma, np.float32)
    grey = lip_reading.standardised(grey)
    if strength and blind and rng.random() < 0.5:
        first, length = rng.integers(0, len(grey)), rng.integers(2, 9)
        grey[first : first + length], flow[first : first + length] = 0, 0
    return np.ascontiguousarray(grey), np.ascontiguousarray(flow)


def _followed_by_silence(spectra_: NDArray[np.float16], places: NDArray[np.float64]) -> Floats:
    found = between(spectra_, places)
    found[places > len(spectra_) - 1] = spectra.QUIETEST
    return found


def between(spectra_: NDArray[Any], places: NDArray[np.floating[Any]]) -> Floats:
    """Spectra [S, ...] at places between them, in spectra; the first and the last are held beyond the ends."""
    held = np.clip(places, 0, len(spectra_) - 1)
    before = np.floor(held).astype(np.int64)
    after = np.minimum(before + 1, len(spectra_) - 1)
    share = (held - before).astype(np.float32)[:, None]
    mixed = (1 - share) * spectra_[before].astype(np.float32) + share * spectra_[after].astype(np.float32)
    return np.asarray(mixed, np.float32)


def units_of(examples: Sequence[Example], count: int, seed: int) -> list[NDArray[np.int64]]:
    """Which of ``count`` acoustic units sounds at each picture: clusters of the mel spectra around it.

    K-means over the leading principal components of twelve spectra, 0.12 s, on at most 40,000 pictures.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA

    around = [_around(one.mel) for one in examples]
    pooled = np.concatenate(around)
    chosen = np.random.default_rng(seed).permutation(len(pooled))[:40_000]
    reduce = PCA(32, random_state=seed, svd_solver="randomized").fit(pooled[chosen])
    means = MiniBatchKMeans(count, random_state=seed, n_init=3, batch_size=4096).fit(reduce.transform(pooled[chosen]))
    return [np.asarray(means.predict(reduce.transform(one)), np.int64) for one in around]


def _around(mel: NDArray[np.float16]) -> Floats:
    each = spectra.SPECTRA_A_PICTURE
    held = np.pad(mel.astype(np.float32), ((each, each), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(held, 3 * each, 0)[::each]
    return np.ascontiguousarray(windows.reshape(len(windows), -1))


def spread() -> Floats:
    """Matrix [M, F] by which log mel bands times it are log bins, linear between the bands' centres."""
    places = np.linspace(mel_of_hz(spectra.LOWEST_HZ), mel_of_hz(spectra.HIGHEST_HZ), spectra.BANDS + 2)
    centres_hz = np.asarray(hz_of_mel(places[1:-1]))
    bins_hz = np.arange(spectra.BINS) * spectra.RATE_HZ / spectra.WINDOW
    rows = [np.interp(bins_hz, centres_hz, row) for row in np.eye(spectra.BANDS)]
    return np.asarray(rows, np.float32)
