"""Judges of class that a generator never saw: what they hear in a sound, and which of the classes they take it for.

Two pairs of ears, and a judge on top of each:

* **own**: statistics of a log-mel spectrogram, in the manner of McDermott and Simoncelli, "Sound Texture Perception via
  Statistics of the Auditory Periphery" (Neuron 2011): mean, spread and quantiles of each band, how fast it changes, how
  its envelope is modulated, how tonal the frames are. Level is taken out; so is what lies 50 dB under the loudest.
* **yamnet**: see :mod:`synth.evaluation.ambient.yamnet`. It judges in two ways: by those of its own classes that speak
for
  ours, without any training; and as features under a classifier of ours.

The classifier is ridge regression on one-hot classes: closed form, the same on every machine, few enough choices to
trust with 80 clips. That its penalty is 0.3 was chosen by cross-validation on real clips; it matters little.

Shapes: N samples at 16 kHz, T frames, E numbers of an embedding, C classes, n clips.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.spectra import hann, mel_spectrogram, stft
from synth.evaluation.ambient.yamnet import AUDIOSET, RATE_HZ, YamNet
from synth.metrics.frechet import spread_of

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


# --- our own ears -------------------------------------------------------------------------------------------------

_WINDOW: Final = 512
_HOP: Final = 256
_BANDS: Final = 40
_RANGE_DB: Final = 50.0  # below the loud moments; 8-bit levels hiss at about 40 dB below them
_GROUPS: Final = 8  # of bands whose envelopes' modulation is measured
_MODULATION: Final = 64  # steps: about a second
_MODULATION_EDGES: Final = (1, 2, 4, 8, 16, 33)  # of its spectrum: octaves from 1 to 31 Hz
_QUANTILES: Final = (0.1, 0.5, 0.9)


def log_mel(sound: NDArray[Any]) -> Floats:
    """Log-mel spectrogram [T, 40] at 62.5 Hz of ``sound`` [N], 0 (50 dB below its loud moments) to 1, level-free."""
    energies = mel_spectrogram(sound, RATE_HZ, window=_WINDOW, hop=_HOP, bands=_BANDS, low_hz=50.0, high_hz=7600.0)
    level_db = 10 * np.log10(energies + 1e-10)
    loud_db = np.quantile(level_db.max(1), 0.95)
    return np.asarray(np.clip((level_db - loud_db) / _RANGE_DB, -1, 0) + 1, np.float32)


def mel_statistics(sound: NDArray[Any]) -> Floats:
    """What our own ears hear in ``sound`` [N], whatever its length and level: [326]."""
    mel = log_mel(sound)
    change = np.diff(mel, axis=0)
    parts = [mel.mean(0), mel.std(0), *np.quantile(mel, _QUANTILES, axis=0), change.std(0), np.abs(change).mean(0)]
    return np.concatenate([*parts, _modulation(mel), _tonality(np.asarray(sound, np.float32))]).astype(np.float32)


def _modulation(mel: Floats) -> Floats:
    """How strongly groups of bands swell and fall, by octave of rate, [40]."""
    groups = mel.reshape(len(mel), _GROUPS, -1).mean(2)
    short = max(0, _MODULATION - len(groups))
    frames = np.lib.stride_tricks.sliding_window_view(
        np.pad(groups, ((0, short), (0, 0)), mode="wrap"), _MODULATION, axis=0
    )[:: _MODULATION // 2]
    swings = np.abs(np.fft.rfft((frames - frames.mean(2, keepdims=True)) * hann(_MODULATION), axis=2))
    edges = itertools.pairwise(_MODULATION_EDGES)
    return np.asarray(np.log([swings[:, :, low:high].mean((0, 2)) + 0.01 for low, high in edges]).ravel(), np.float32)


def _tonality(sound: Floats) -> Floats:
    """Quantiles over frames of how harmonic (cepstral peak) and how flat their spectra are, [6]."""
    spectra = np.abs(stft(sound, window=1024, hop=512))[:, 4:480] + 1e-6
    logs = np.log(spectra)
    harmonic = np.abs(np.fft.irfft(logs - logs.mean(1, keepdims=True), axis=1))[:, 20:300].max(1)
    flat = np.exp(logs.mean(1)) / spectra.mean(1)
    return np.concatenate([np.quantile(harmonic, _QUANTILES), np.quantile(flat, _QUANTILES)]).astype(np.float32)


# --- judges -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judge:
    """A linear classifier of embeddings.

    Attributes:
        labels: C names.
        mean, spread: [E], of the clips that it was trained on.
        weights: [E + 1, C], the last row for the constant.
    """

    labels: tuple[str, ...]
    mean: Doubles
    spread: Doubles
    weights: Doubles

    @classmethod
    def trained(cls, embeddings: NDArray[Any], labels: Sequence[str], ridge: float = 0.3) -> Judge:
        """Ridge regression of one-hot classes on standardised embeddings [n, E].

        Args:
            ridge: penalty on the weights; 1 weighs as much as the data does on average.

        Raises:
            ValueError: there are not as many labels as embeddings, or fewer than two classes.
        """
        names = tuple(sorted(set(labels)))
        if len(labels) != len(embeddings) or len(names) < 2:
            raise ValueError(f"{len(embeddings)} embeddings came with {len(labels)} labels of {len(names)} classes")
        known = np.asarray(embeddings, np.float64)
        mean, spread = known.mean(0), spread_of(known)
        inputs = (known - mean) / spread
        wanted = np.array([[float(label == name) for name in names] for label in labels])
        constant = wanted.mean(0)
        # In the clips' own space, which has fewer dimensions than the embedding's.
        gram = inputs @ inputs.T
        dual = np.linalg.solve(gram + ridge * np.trace(gram) / len(gram) * np.eye(len(gram)), wanted - constant)
        return cls(names, mean, spread, np.vstack([inputs.T @ dual, constant]))

    def scores(self, embeddings: NDArray[Any]) -> Doubles:
        """Evidence [n, C] for each class."""
        inputs = (np.asarray(embeddings, np.float64) - self.mean) / self.spread
        return np.asarray(inputs @ self.weights[:-1] + self.weights[-1])

    def __call__(self, embeddings: NDArray[Any]) -> list[str]:
        """The class that each of [n, E] is taken for."""
        return [self.labels[index] for index in self.scores(embeddings).argmax(1)]


def mapped(evidence: NDArray[Any]) -> list[str]:
    """The class that each row of :meth:`YamNet.hear`'s evidence [n, C] speaks for."""
    names = tuple(AUDIOSET)
    return [names[index] for index in np.asarray(evidence).argmax(1)]


def cross_validated(embeddings: NDArray[Any], labels: Sequence[str], folds: Sequence[int]) -> list[str]:
    """What each clip is taken for by a judge that was trained on the other folds: the ceiling of the real sounds."""
    taken = [""] * len(labels)
    for fold in sorted(set(folds)):
        own = [index for index, one in enumerate(folds) if one == fold]
        others = [index for index, one in enumerate(folds) if one != fold]
        judge = Judge.trained(embeddings[others], [labels[index] for index in others])
        for index, guess in zip(own, judge(embeddings[own]), strict=True):
            taken[index] = guess
    return taken


@dataclass(frozen=True)
class Ears:
    """What is heard in one set of sounds.

    Attributes:
        own: [n, 326].
        yamnet: [n, 1024], and ``evidence`` [n, C]; ``None`` where YAMNet is not installed.
    """

    own: Floats
    yamnet: Floats | None
    evidence: Floats | None

    @property
    def embeddings(self) -> Mapping[str, Floats]:
        """By the name that reports use."""
        return {"own": self.own} | ({} if self.yamnet is None else {"yamnet": self.yamnet})

    def __getitem__(self, indices: Sequence[int] | NDArray[Any]) -> Ears:
        """Some of the sounds."""
        chosen = np.asarray(indices, int)
        if self.yamnet is None or self.evidence is None:
            return Ears(self.own[chosen], None, None)
        return Ears(self.own[chosen], self.yamnet[chosen], self.evidence[chosen])


def listen(sounds: Iterable[NDArray[Any]], yamnet: YamNet | None) -> Ears:
    """All that the judges hear in these sounds."""
    own, embeddings, evidence = [], [], []
    for sound in sounds:
        own.append(mel_statistics(sound))
        if yamnet is not None:
            embedding, likely = yamnet.hear(sound)
            embeddings.append(embedding)
            evidence.append(likely)
    if yamnet is None:
        return Ears(np.stack(own), None, None)
    return Ears(np.stack(own), np.stack(embeddings), np.stack(evidence))
