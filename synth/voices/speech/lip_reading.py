"""Crops through the lip reader: what :mod:`synth.models.speech.vid2speech` reads off a mouth, at any length.

Windows of 100 pictures overlap by half and are cross-faded, so that each spectrum was predicted with a second of
the clip on both sides of it, the ends excepted. Only the pictures of one and a half windows are kept, and the mel
spectra, 32 kilobytes a second.

Shapes: T = pictures at 25 a second, S = 4 T spectra, H x W = 64 x 64 crops, M = 80 bands, F = 321 bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.voices.speech import spectra

if TYPE_CHECKING:
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


class LipReader:
    """Reads a face that is seen without a break: crops in, one after another, spectra out at the end.

    Args:
        network: in evaluation mode.
        mirrored: whether the mirrored face is read too, and the mean taken: twice the work.
        words: names what the lips say, in evaluation mode; ``None`` where it is not asked for.
    """

    def __init__(self, network: Vid2Speech, *, mirrored: bool = True, words: LipWords | None = None) -> None:
        self._network = network
        self._words = words
        self._mirrored = mirrored
        self._crops: list[Pixels] = []
        self._first = 0  # picture that the first crop is of
        self._sums: list[Floats] = []  # spectra of each picture, weighted, [4, M]
        self._weights: list[Floats] = []
        self._answers: list[Floats] = []  # of each picture, weighted, [C]

    def add(self, crop: Pixels) -> None:
        """The next picture's crop, uint8 [64, 64]; kept, not copied."""
        self._crops.append(crop)
        if len(self._crops) == WINDOW + STEP:
            self._read(0, WINDOW)
            del self._crops[:STEP]
            self._first += STEP

    def end(self) -> Floats:
        """Log mel spectra [S, M] of all pictures."""
        if not self._crops:
            return np.zeros((0, spectra.BANDS), np.float32)
        if len(self._crops) > WINDOW:
            self._read(0, WINDOW)
        self._read(max(0, len(self._crops) - WINDOW), len(self._crops))
        return np.concatenate(self._sums) / np.concatenate(self._weights)[:, None]

    def answers(self) -> Floats:
        """What was named at each picture, natural logarithms of probabilities [T, C]; after :meth:`end` only."""
        if not self._answers:
            return np.zeros((0, 0), np.float32)
        means = [one / weight.mean() for one, weight in zip(self._answers, self._weights, strict=True)]
        return np.asarray(np.stack(means), np.float32)

    def _read(self, start: int, end: int) -> None:
        """Predict a window of the crops that are kept, and mix it in."""
        mel, answers = look(self._network, np.stack(self._crops[start:end]), mirrored=self._mirrored, words=self._words)
        each = spectra.SPECTRA_A_PICTURE
        rising = np.minimum(np.arange(len(mel)), np.arange(len(mel))[::-1]) + 1
        weights = np.minimum(rising, STEP * each).astype(np.float32)
        first = self._first + start
        while len(self._sums) < first + end - start:
            self._sums.append(np.zeros((each, spectra.BANDS), np.float32))
            self._weights.append(np.zeros(each, np.float32))
            if answers is not None:
                self._answers.append(np.zeros(answers.shape[1], np.float32))
        for index in range(end - start):
            piece = slice(index * each, (index + 1) * each)
            self._sums[first + index] += mel[piece] * weights[piece, None]
            self._weights[first + index] += weights[piece]
            if answers is not None:
                self._answers[first + index] += answers[index] * weights[piece].mean()


def predict(network: Vid2Speech, crops: Pixels, *, mirrored: bool) -> Floats:
    """Log mel spectra [S, M] of crops [T, 64, 64], in one go."""
    return look(network, crops, mirrored=mirrored)[0]


def look(
    network: Vid2Speech, crops: Pixels, *, mirrored: bool, words: LipWords | None = None
) -> tuple[Floats, Floats | None]:
    """Log mel spectra [S, M] of crops [T, 64, 64], in one go, and what ``words`` names in each picture.

    The second is natural logarithms of probabilities [T, C], of which the mean over both views was taken.
    """
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
        answers: Floats | None = None
        if words is not None:
            named = [words(one.seen, one.read)[0].log_softmax(-1) for one in looks]
            answers = np.asarray(torch.stack(named).mean(0).numpy(), np.float32)
        return np.asarray(network.log_mel(mel)[0].numpy(), np.float32), answers


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
