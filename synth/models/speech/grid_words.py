"""Which word is being said at each moment of a sound: a small network that judges speech for the speech report.

Convolutions over log mel spectra that keep one answer in four spectra, a two-layer bidirectional GRU (Cho et al., arXiv
1406.1078), and for each answer the probabilities of silence and of every word. What sentences are allowed is not
known here; :mod:`synth.training.speech.viterbi` searches them.

Shapes: B clips, S spectra a hundred a second, M mel bands, T = ceil(S / 4) answers, the k-th of them for spectrum 4 k,
C = words + 1 classes; class 0 is silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.models.half_precision import halved, restored
from synth.models.reproducible import reproducible_inference

REDUCTION: Final = 4
"""Spectra an answer."""

DEPTH: Final = 6.0
"""Natural logarithms (52 dB) below a clip's loudest band at which its spectra end: what is quieter is the room's."""


@dataclass(frozen=True)
class GridWordsConfig:
    """Everything that decides the network's shape.

    Attributes:
        words: that it knows, in the order of its classes.
        bands: mel bands of a spectrum.
        channels: of the two convolutions.
        hidden: of the GRU, a direction.
        dropout: before and between the layers of the GRU and before the answers.
    """

    words: tuple[str, ...]
    bands: int = 80
    channels: tuple[int, int] = (96, 128)
    hidden: int = 96
    dropout: float = 0.2


class GridWords(nn.Module):
    """Log mel spectra [B, S, M], as :func:`standardised` makes them -> logits [B, T, C]."""

    def __init__(self, config: GridWordsConfig) -> None:
        super().__init__()
        self.config = config
        first, second = config.channels
        self.ears = nn.Sequential(*_convolution(config.bands, first), *_convolution(first, second))
        self.drop = nn.Dropout(config.dropout)
        self.memory = nn.GRU(
            second, config.hidden, num_layers=2, batch_first=True, bidirectional=True, dropout=config.dropout
        )
        self.to_words = nn.Linear(2 * config.hidden, len(config.words) + 1)

    def forward(self, mel: Tensor) -> Tensor:
        """See the class."""
        heard = self.ears(mel.transpose(1, 2)).transpose(1, 2)
        remembered, _ = self.memory(self.drop(heard))
        out: Tensor = self.to_words(self.drop(remembered))
        return out

    @reproducible_inference()
    def hear(self, mel: NDArray[np.float32]) -> NDArray[np.float64]:
        """Natural logarithms of the probabilities [T, C] in one clip [S, M], in evaluation mode only."""
        logits = self(torch.from_numpy(np.ascontiguousarray(mel, np.float32))[None])[0]
        return np.asarray(logits.double().log_softmax(-1).numpy())


def _convolution(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv1d(before, after, 5, stride=2, padding=2, bias=False), nn.BatchNorm1d(after), nn.ReLU()]


def standardised(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log mel spectra [S, M] without their level and colouring: cut at :data:`DEPTH`, each band's mean over the clip
    taken away, of deviation 1 over all. A clip that holds one value only becomes 0.
    """
    cut = np.maximum(mel, mel.max(initial=-np.inf) - DEPTH)
    centred = cut - cut.mean(0, keepdims=True)
    return np.asarray(centred / max(float(centred.std()), 1e-3), np.float32)


def pack(network: GridWords) -> tuple[dict[str, Tensor], dict[str, str]]:
    """What is stored: weights in half precision, and the configuration as text."""
    return halved(network.state_dict()), {"config": json.dumps(asdict(network.config))}


def unpack(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> GridWords:
    """The network that :func:`pack` stored, in evaluation mode.

    Raises:
        ValueError: tensors and text do not fit one another.
    """
    try:
        network = GridWords(_config(json.loads(about["config"])))
        network.load_state_dict(restored(tensors))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"these are not the weights of a network that hears words: {error}") from error
    return network.eval()


def _config(raw: Mapping[str, Any]) -> GridWordsConfig:
    return GridWordsConfig(**{**raw, "words": tuple(raw["words"]), "channels": tuple(raw["channels"])})
