"""Crops through the lip reader: what :mod:`synth.models.speech.vid2speech` reads off a mouth, at any length.

Windows of 100 pictures overlap by half and are cross-faded, so that each spectrum was predicted with a second of
the clip on both sides of it, the ends excepted. Only the pictures of one and a half windows are kept, and the mel
spectra, 32 kilobytes a second.

Shapes: T = pictures at 25 a second, S = 4 T spectra, H x W = 64 x 64 crops, M = 80 bands, F = 321 bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.voices.speech import spectra

if TYPE_CHECKING:
    from torch import Tensor

    from synth.models.speech.lip_pitch import LipPitch
    from synth.models.speech.lip_words import LipWords
    from synth.models.speech.vid2speech import Vid2Speech

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

FLOW_SIDE: Final = 32
WINDOW: Final = 100
STEP: Final = WINDOW // 2

_POST_MARGIN: Final = 40  # spectra that the post-net sees beyond the piece that is wanted of it


def flow(crops: Pixels) -> Floats:
    """Dense optical flow [T, 2, 32, 32] between a crop and the one before it, in pixels of the 64-pixel crop.

    DIS (Kroeger et al., ECCV 2016, arXiv 1603.03590). Nothing moves towards the first crop. x is right, y down.
    """
    method: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(0)
    out = np.zeros((len(crops), 2, FLOW_SIDE, FLOW_SIDE), np.float32)
    for index in range(1, len(crops)):
        moved = method.calc(crops[index - 1], crops[index], None)
        out[index] = cv2.resize(moved, (FLOW_SIDE, FLOW_SIDE), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    return out


def standardised(grey: NDArray[Any]) -> Floats:
    """Crops [T, H, W] with their mean taken off and divided by their deviation, over the whole of them."""
    values = np.asarray(grey, np.float32)
    return np.asarray((values - values.mean()) / max(float(values.std()), 1.0), np.float32)


class _Overlaps:
    """What overlapping windows say of each picture, weighted and added up."""

    def __init__(self) -> None:
        self._sums: list[Floats] = []  # of each picture, [R, D]
        self._weights: list[Floats] = []  # [R]

    def add(self, first: int, rows: Floats, weights: Floats) -> None:
        """Mix in rows [n, R, D] with weights [n, R] at the pictures from ``first`` on."""
        while len(self._sums) < first + len(rows):
            self._sums.append(np.zeros(rows.shape[1:], np.float32))
            self._weights.append(np.zeros(rows.shape[1], np.float32))
        for index, (row, weight) in enumerate(zip(rows, weights, strict=True), first):
            self._sums[index] += row * weight[:, None]
            self._weights[index] += weight

    def mean(self, width: int) -> Floats:
        """Rows [n R, D] of all pictures; [0, ``width``] where nothing was added."""
        if not self._sums:
            return np.zeros((0, width), np.float32)
        return np.asarray(np.concatenate(self._sums) / np.concatenate(self._weights)[:, None], np.float32)


class LipReader:
    """Reads a face that is seen without a break: crops in, one after another, spectra out at the end.

    Args:
        network: in evaluation mode.
        mirrored: whether the mirrored face is read too, and the mean taken: twice the work.
        words: names what the lips say, in evaluation mode; ``None`` where it is not asked for.
        pitch: says how high the voice is, in evaluation mode; ``None`` in voices that do not know.
    """

    def __init__(
        self,
        network: Vid2Speech,
        *,
        mirrored: bool = True,
        words: LipWords | None = None,
        pitch: LipPitch | None = None,
    ) -> None:
        self._network = network
        self._words = words
        self._pitch = pitch
        self._mirrored = mirrored
        self._crops: list[Pixels] = []
        self._first = 0  # picture that the first crop is of
        self._mel, self._named, self._pitches = _Overlaps(), _Overlaps(), _Overlaps()

    def add(self, crop: Pixels) -> None:
        """The next picture's crop, uint8 [64, 64]; kept, not copied."""
        self._crops.append(crop)
        if len(self._crops) == WINDOW + STEP:
            self._read(0, WINDOW)
            del self._crops[:STEP]
            self._first += STEP

    def end(self) -> Floats:
        """Log mel spectra [S, M] of all pictures."""
        if self._crops:
            if len(self._crops) > WINDOW:
                self._read(0, WINDOW)
            self._read(max(0, len(self._crops) - WINDOW), len(self._crops))
        return self._mel.mean(spectra.BANDS)

    def answers(self) -> Floats:
        """What was named at each picture, natural logarithms of probabilities [T, C]; after :meth:`end` only."""
        return self._named.mean(0)

    def pitches(self) -> Floats:
        """What was said of each spectrum's pitch, logarithms of probabilities [S, C]; after :meth:`end` only."""
        return self._pitches.mean(0)

    def _read(self, start: int, end: int) -> None:
        """Predict a window of the crops that are kept, and mix it in."""
        crops = np.stack(self._crops[start:end])
        seen = look(self._network, crops, mirrored=self._mirrored, words=self._words, pitch=self._pitch)
        each, first = spectra.SPECTRA_A_PICTURE, self._first + start
        rising = np.minimum(np.arange(len(seen.mel)), np.arange(len(seen.mel))[::-1]) + 1
        weights = np.minimum(rising, STEP * each).astype(np.float32).reshape(-1, each)
        self._mel.add(first, seen.mel.reshape(len(crops), each, -1), weights)
        if seen.words is not None:
            self._named.add(first, seen.words[:, None], weights.mean(1, keepdims=True))
        if seen.pitches is not None:
            self._pitches.add(first, seen.pitches.reshape(len(crops), each, -1), weights)


class Seen(NamedTuple):
    """What the networks say of one window.

    Attributes:
        mel: log mel spectra [S, M].
        words: of each picture, natural logarithms of probabilities [T, C]; ``None`` without a reader of words.
        pitches: of each spectrum, natural logarithms of probabilities [S, C]; ``None`` without a reader of pitch.
    """

    mel: Floats
    words: Floats | None
    pitches: Floats | None


def predict(network: Vid2Speech, crops: Pixels, *, mirrored: bool) -> Floats:
    """Log mel spectra [S, M] of crops [T, 64, 64], in one go."""
    return look(network, crops, mirrored=mirrored).mel


def look(
    network: Vid2Speech,
    crops: Pixels,
    *,
    mirrored: bool,
    words: LipWords | None = None,
    pitch: LipPitch | None = None,
) -> Seen:
    """What the networks say of crops [T, 64, 64], in one go; of answers the mean over both views is taken."""
    import torch

    from synth.models.reproducible import reproducible_inference

    config = network.config
    margin = (crops.shape[1] - config.side) // 2
    inner = slice(margin, margin + config.side)
    grey = torch.from_numpy(standardised(crops[:, inner, inner]))[None]
    moved = None
    if config.flow:
        small = slice(margin // 2, margin // 2 + config.side // 2)
        moved = torch.from_numpy(flow(crops)[:, :, small, small].copy())[None]
    with reproducible_inference():
        looks = [network.look(grey, moved)]
        if mirrored:
            turned = None if moved is None else moved.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None]
            looks.append(network.look(grey.flip(-1), turned))
        mel = looks[0].mel if len(looks) == 1 else 0.5 * (looks[0].mel + looks[1].mel)
        named = None if words is None else _mean([words(one.seen, one.read)[0].log_softmax(-1) for one in looks])
        pitches = None if pitch is None else _mean([pitch(one.read, one.mel)[0].log_softmax(-1) for one in looks])
        return Seen(np.asarray(network.log_mel(mel)[0].numpy(), np.float32), named, pitches)


def _mean(views: Sequence[Tensor]) -> Floats:
    total = views[0]
    for other in views[1:]:
        total = total + other
    return np.asarray((total / len(views)).numpy(), np.float32)


def linear_of(network: Vid2Speech, mel: Floats, start: int, end: int, *, contrast: float = 1.0) -> Floats:
    """Log linear spectra [end - start, F] of log mel spectra [S, M], by the post-net where the network has one.

    Args:
        contrast: their distance from the speaker's mean spectra is multiplied by it.
    """
    import torch

    from synth.models.reproducible import reproducible_inference

    if not network.config.post_net:
        return _contrasted(network, spectra.linear_of_mel(mel[start:end]), contrast)
    low = max(0, start - _POST_MARGIN)
    wanted = torch.from_numpy(mel[low : end + _POST_MARGIN])[None]
    with reproducible_inference():
        linear = network.log_linear(network.linear_of((wanted - network.mel_mean) / network.mel_scale))[0]
    return _contrasted(network, np.asarray(linear[start - low : end - low].numpy(), np.float32), contrast)


def _contrasted(network: Vid2Speech, linear: Floats, contrast: float) -> Floats:
    mean = network.linear_mean.numpy()
    return np.asarray(mean + np.float32(contrast) * (linear - mean), np.float32)
