"""What made speech is held against: ceilings that know the real sound, and floors that never looked at the picture.

Each is a :data:`Reader`, as every lip reader of the report is. Ceilings say what the way back from spectra costs;
floors say what a measure gives for knowing the speaker and nothing of what was said.

Shapes: N samples at 16 kHz, F spectra of :mod:`synth.voices.speech.spectra`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth import randomness
from synth.data.corpora import grid
from synth.data.corpora.grid import Sentence
from synth.data.corpora.video_folder import HELD_OUT, TRAIN
from synth.dsp.resampling import resample
from synth.dsp.spectra import istft
from synth.errors import OptionError
from synth.media import audio
from synth.voices.speech import lsf, spectra

Sound = NDArray[np.float32]
Reader = Callable[[Sentence], Sound]
"""Says a sentence, [N] at 16 kHz, from its picture alone unless it is a ceiling."""

AVERAGED: Final = 100  # training sentences that the mean is taken over: evenly spread, to read no more sound than that


@dataclass(frozen=True)
class Corpus:
    """The sentences of a folder, and their real sounds, each read once."""

    training: tuple[Sentence, ...]
    held_out: tuple[Sentence, ...]
    _sounds: dict[Path, Sound] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, folder: Path) -> Corpus:
        """All sentences of a folder in GRID's layout, or of one's own talking videos.

        Raises:
            OptionError: no sentence there is held out, or none is for training.
            MediaError: an alignment cannot be read.
        """
        sentences = _sentences(folder)
        training = tuple(one for one in sentences if one.part == TRAIN)
        held_out = tuple(one for one in sentences if one.part == HELD_OUT)
        if not training or not held_out:
            raise OptionError(
                f"{folder} has {len(training)} sentences to train and {len(held_out)} held out; both are needed"
            )
        return cls(training, held_out)

    def sound(self, sentence: Sentence) -> Sound:
        """The real sound [N] of one sentence; those that are held out are kept in memory.

        Raises:
            MediaError: it cannot be read.
        """
        if sentence.sound_path in self._sounds:
            return self._sounds[sentence.sound_path]
        sound, _ = audio.read(sentence.sound_path, spectra.RATE_HZ)
        if sentence.part == HELD_OUT:
            self._sounds[sentence.sound_path] = sound
        return sound


def _sentences(folder: Path) -> list[Sentence]:
    try:
        return grid.load(folder)
    except OptionError as error:
        try:
            return grid.from_folder(folder)
        except OptionError:
            raise error from None


def baselines(corpus: Corpus) -> dict[str, Reader]:
    """Ceilings and floors by name, best first."""
    floor = _Mean(corpus)
    return {
        "ceiling: real sound": corpus.sound,
        "ceiling: real linear spectrogram, same vocoder": functools.partial(_from_linear, corpus),
        "ceiling: real mel spectrogram, same vocoder": functools.partial(_from_mel, corpus),
        "ceiling: real line spectra and gain, whispered": functools.partial(_from_lsf, corpus),
        "floor: another sentence of the speaker": functools.partial(_another, corpus),
        "floor: mean spectrogram of the training set": floor.said,
        "floor: noise as loud as the real sound": floor.noise,
    }


def phases(name: str, count: int) -> Sound:
    """Where Griffin-Lim starts, [F, BINS] in radians: the same for a name each time."""
    numbers = randomness.uniforms(0, f"speech evaluation {name}", 0, count * spectra.BINS)
    return np.asarray(np.float32(2 * np.pi) * numbers.reshape(count, spectra.BINS), np.float32)


def _from_linear(corpus: Corpus, sentence: Sentence) -> Sound:
    logs = spectra.log_linear(corpus.sound(sentence))
    return spectra.from_linear(logs, phases(sentence.name, len(logs)))


def _from_mel(corpus: Corpus, sentence: Sentence) -> Sound:
    logs = spectra.log_mel(corpus.sound(sentence))
    return spectra.from_mel(logs, phases(sentence.name, len(logs)))


def _from_lsf(corpus: Corpus, sentence: Sentence) -> Sound:
    """What the predecessor (:mod:`synth.voices.speech.lsf`) would say if it read lips without a mistake."""
    real = corpus.sound(sentence)
    features = lsf.analyse(resample(real, spectra.RATE_HZ, lsf.RATE_HZ))
    uniforms = randomness.uniforms(0, f"speech evaluation {sentence.name}", 0, len(features) * lsf.HOP)
    return resample(lsf.synthesise(features, uniforms), lsf.RATE_HZ, spectra.RATE_HZ)


def _another(corpus: Corpus, sentence: Sentence) -> Sound:
    """The next one in a shuffled round: names are sorted by what is said, so neighbours in the list share words."""
    hers = [one for one in corpus.held_out if one.speaker == sentence.speaker]
    order = np.argsort(randomness.uniforms(0, "another sentence", 0, len(hers)))
    place = int(np.flatnonzero(order == hers.index(sentence))[0])
    return corpus.sound(hers[order[(place + 1) % len(hers)]])


class _Mean:
    """The mean log mel spectrogram of the training set, moment by moment, computed when first asked for."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._sounds: dict[int, Sound] = {}

    @functools.cached_property
    def _log_mel(self) -> Sound:
        chosen = _spread(self._corpus.training, AVERAGED)
        return mean_over_time([spectra.log_mel(self._corpus.sound(one)) for one in chosen])

    def said(self, sentence: Sentence) -> Sound:
        """The mean, as long as the sentence: the same sound for all of one length."""
        count = 1 + len(self._corpus.sound(sentence)) // spectra.HOP
        if count not in self._sounds:
            logs = np.pad(self._log_mel, ((0, max(0, count - len(self._log_mel))), (0, 0)), mode="edge")[:count]
            self._sounds[count] = spectra.from_mel(logs, phases("mean", count))
        return self._sounds[count]

    def noise(self, sentence: Sentence) -> Sound:
        """Noise with the speaker's long-term spectrum, each 10 ms as loud as the real sentence."""
        real = self._corpus.sound(sentence)
        shape = np.exp(spectra.linear_of_mel(np.log(np.mean(np.exp(self._log_mel), axis=0, keepdims=True))))
        level = np.sqrt(np.mean(spectra.magnitudes(real) ** 2, axis=1, keepdims=True))
        wanted = level * shape / np.sqrt(np.mean(shape**2)) * np.exp(1j * phases(sentence.name, len(level)))
        return istft(wanted, window=spectra.WINDOW, hop=spectra.HOP, samples=len(real))


def mean_over_time(sheets: Sequence[Sound]) -> Sound:
    """Mean [F, B] of sheets [F_i, B], F the longest; where some have ended, of those that go on."""
    total = np.zeros((max(map(len, sheets)), sheets[0].shape[1]))
    count = np.zeros((len(total), 1))
    for sheet in sheets:
        total[: len(sheet)] += sheet
        count[: len(sheet)] += 1
    return np.asarray(total / count, np.float32)


def _spread(sentences: Sequence[Sentence], most: int) -> list[Sentence]:
    """At most so many of them, evenly spread."""
    places = np.linspace(0, len(sentences) - 1, min(most, len(sentences))).round().astype(int)
    return [sentences[place] for place in places]
