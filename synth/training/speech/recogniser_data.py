"""Sentences as a recogniser learns them: mel spectra that are worsened in ways that name no system, and their words.

The worsening is done on log mel spectra, which costs next to nothing: other speeds and beginnings, colouring and tilt,
noise of any colour down to -5 dB, blur over time and over frequency, gaps. What a lip reader says was never used.

Shapes: S spectra a hundred a second, M mel bands, T answers of the network, four spectra apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import scipy.ndimage
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth.data.corpora.grid import Word
from synth.models.speech.grid_words import REDUCTION, standardised
from synth.training.speech.data import between
from synth.training.speech.grid_recogniser import WORDS
from synth.voices.speech import spectra

Floats = NDArray[np.float32]

SPECTRA: Final = 304  # of an example: GRID's sentences last 3 s
_SPEED: Final = 0.12
_SHIFT_S: Final = 0.3


@dataclass(frozen=True)
class Spoken:
    """One sentence: its log mel spectra [S, M], and when which word is said."""

    name: str
    mel: NDArray[np.float16]
    words: tuple[Word, ...]


class Batch(NamedTuple):
    """Spectra [B, S, M] as the network is shown them, and the class of each answer [B, T]."""

    mel: Tensor
    classes: Tensor


def draw_batch(chosen: Sequence[Spoken], rng: np.random.Generator) -> Batch:
    """Each sentence once, worsened."""
    drawn = [_draw(one, rng) for one in chosen]
    return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True)))


def _draw(one: Spoken, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    speed = 1 + _SPEED * rng.uniform(-1, 1)
    start_s = _SHIFT_S * rng.uniform(-1, 1)
    step_s = speed * spectra.HOP / spectra.RATE_HZ
    times_s = start_s + step_s * np.arange(SPECTRA)
    mel = worsened(_amid_quiet(one.mel, times_s * spectra.RATE_HZ / spectra.HOP), rng)
    return standardised(mel), classes_at(one.words, times_s[::REDUCTION])


def classes_at(words: Sequence[Word], times_s: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """The class of what is said at each of these moments; 0 is silence.

    Raises:
        ValueError: a word is none of GRID's.
    """
    classes = np.zeros(len(times_s), np.int64)
    for word in words:
        classes[(word.start_s <= times_s) & (times_s < word.end_s)] = WORDS.index(word.text) + 1
    return classes


def _amid_quiet(mel: NDArray[np.float16], places: NDArray[np.float64]) -> Floats:
    """Spectra between the spectra; beyond both ends the quietest tenth of the clip, so that nothing starts abruptly."""
    found = between(mel, places)
    found[(places < 0) | (places > len(mel) - 1)] = np.quantile(mel.astype(np.float32), 0.1, axis=0)
    return found


# --- worsening ----------------------------------------------------------------------------------------------------


def worsened(mel: Floats, rng: np.random.Generator) -> Floats:
    """Log mel spectra [S, M], each worsening with a chance of its own; one in five is left as it is."""
    if rng.random() < 0.2:
        return mel
    mel = mel + _curve(rng, mel.shape[1], 0.7 * rng.random())
    if rng.random() < 0.6:
        mel = _blurred(mel, rng)
    if rng.random() < 0.6:
        mel = _noisy(mel, rng)
    if rng.random() < 0.4:
        mel = _gapped(mel, rng)
    return np.asarray(mel, np.float32)


def _curve(rng: np.random.Generator, bands: int, deviation: float) -> Floats:
    """A smooth colouring [M] in natural logarithms, with a tilt."""
    smooth = scipy.ndimage.gaussian_filter1d(rng.standard_normal(bands), 8, mode="reflect")
    tilt = rng.uniform(-1, 1) * np.linspace(-1, 1, bands)
    return np.asarray(deviation * (smooth / max(float(smooth.std()), 1e-6) + tilt), np.float32)


def _blurred(mel: Floats, rng: np.random.Generator) -> Floats:
    """Over up to 40 ms and 4 bands, as spectra are that were guessed or sounded from too little."""
    return np.asarray(scipy.ndimage.gaussian_filter(mel, (rng.uniform(0, 4), rng.uniform(0, 4)), mode="nearest"))


def _noisy(mel: Floats, rng: np.random.Generator) -> Floats:
    """Noise of a random colour, -5 to 35 dB below the speech; magnitudes of noise in a band are about Rayleigh's."""
    colour = np.exp(_curve(rng, mel.shape[1], rng.uniform(0, 1.5)))
    noise = colour * rng.rayleigh(1.0, mel.shape)
    loud = np.exp(mel)
    snr = 10 ** (rng.uniform(-5, 35) / 20)
    scale = np.sqrt(np.mean(loud**2) / np.mean(noise**2)) / snr
    return np.asarray(np.log(np.hypot(loud, scale * noise)), np.float32)


def _gapped(mel: Floats, rng: np.random.Generator) -> Floats:
    """A stretch of up to 0.15 s and up to 12 bands are hidden."""
    out = mel.copy()
    length, width = rng.integers(2, 16), rng.integers(1, 13)
    first, lowest = rng.integers(0, len(mel) - length), rng.integers(0, mel.shape[1] - width)
    out[first : first + length] = out.min()
    out[:, lowest : lowest + width] = out[:, lowest : lowest + width].mean()
    return out
