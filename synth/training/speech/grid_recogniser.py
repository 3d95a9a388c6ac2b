"""A recogniser of our own for GRID's sentences, which always answers, however bad the speech is.

A recogniser for the general public gives no answer where speech is distorted, and then says nothing of how much of it
can be understood. This one hears the words of one corpus only (:mod:`synth.models.speech.grid_words`, made by the
recipe ``speech-recogniser``), and the best of all 64,000 sentences is searched for exactly.

It is a judge and has to be fair: it was trained on real sound of the training sentences, worsened in ways that name no
system (noise, blurred spectra, colouring, gaps, speed), never on speech read off lips, and never on a held-out
sentence. It knows the speakers it was trained on; its ceiling is what it makes of the real sound.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.errors import WeightsError
from synth.metrics.grid_sentences import GRAMMAR
from synth.models.speech import grid_words
from synth.models.speech.grid_words import GridWords
from synth.training.speech import viterbi
from synth.voices.speech import spectra

NETWORK: Final = "grid-recogniser"
"""Its name in the manifest."""

WORDS: Final = tuple(word for place in GRAMMAR for word in place)
"""All words of the grammar; the class of the k-th is k + 1."""

PLACES: Final[tuple[tuple[int, ...], ...]] = tuple(tuple(WORDS.index(word) + 1 for word in place) for place in GRAMMAR)
SHORTEST: Final = 2  # answers: 80 ms. Three in a hundred words of the corpus are shorter, and not by much
_FEWEST_SPECTRA: Final = 100


@dataclass(frozen=True)
class Heard:
    """What was heard.

    Attributes:
        words: always six.
        confidence: geometric mean of the words' probabilities among those of their place, from below 0.01 to 1.
    """

    words: tuple[str, ...]
    confidence: float


class GridRecogniser:
    """Hears which sentence of GRID was most probably said."""

    def __init__(self, network: GridWords, name: str = NETWORK) -> None:
        self._network = network
        self.name: Final = f"{name}, trained on real sound of the training sentences"

    def hear(self, sound: NDArray[Any]) -> tuple[str, ...]:
        """The six words of a sound [N] at 16 kHz; of silence too, where they mean nothing."""
        return self.listen(sound).words

    def listen(self, sound: NDArray[Any]) -> Heard:
        """:meth:`hear`, and how sure it is. The sound's level plays no part."""
        scores = self._network.hear(grid_words.standardised(log_mel(sound)))
        path = viterbi.best_path(scores, PLACES, shortest=SHORTEST)
        return Heard(tuple(WORDS[found - 1] for found in path.classes), _confidence(scores, path))


def log_mel(sound: NDArray[Any]) -> NDArray[np.float32]:
    """Log mel spectra [S, M] of a sound [N] at 16 kHz at a peak of 0.9, so that their floor cuts all sounds alike.

    Silence follows a sound of less than a second: six words have to fit.
    """
    samples = np.asarray(sound, np.float32)
    peak = float(np.max(np.abs(samples), initial=0.0))
    loud = samples * np.float32(0.9 / peak) if peak > 1e-5 else samples
    return spectra.log_mel(loud, max(_FEWEST_SPECTRA, 1 + len(loud) // spectra.HOP))


def _confidence(scores: NDArray[np.float64], path: viterbi.WordPath) -> float:
    sure = []
    for place, found, (start, end) in zip(PLACES, path.classes, path.spans, strict=True):
        among = scores[start:end][:, list(place)]
        sure.append(np.mean(scores[start:end, found] - np.logaddexp.reduce(among, axis=1)))
    return float(np.exp(np.mean(sure)))


@functools.lru_cache(maxsize=2)
def load(folder: Path = weights.CHECKPOINTS) -> GridRecogniser:
    """The recogniser that ships, or that of a training run.

    Raises:
        WeightsError: it is not there, damaged, or of another grammar.
    """
    loaded = weights.load(NETWORK, folder)
    try:
        network = grid_words.unpack(loaded.tensors, loaded.metadata)
    except ValueError as error:
        raise WeightsError(f"weights {NETWORK!r}: {error}") from error
    if network.config.words != WORDS or network.config.bands != spectra.BANDS:
        raise WeightsError(f"weights {NETWORK!r} know {len(network.config.words)} words that are not those of GRID")
    return GridRecogniser(network)
