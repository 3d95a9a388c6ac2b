"""How high the voice is that the lips move to: a small recurrent reader on the features of a lip reader.

Mel spectra that are predicted off lips are smooth: they do not say at which pitch the voice speaks, nor where it is
voiced. This reader stands on a trained :class:`synth.models.speech.vid2speech.Vid2Speech` whose weights rest. Like a
reader of words it decides among classes, since a regression in doubt answers with the speaker's mean pitch: unvoiced,
or one of the pitches of a grid that is even in cents.

Shapes: B clips, T pictures, S = 4 T spectra, M mel bands, C classes, the first of them unvoiced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from synth.models.half_precision import halved, restored


@dataclass(frozen=True)
class LipPitchConfig:
    """Everything that decides the network's shape, and what its answers mean.

    Attributes:
        low_hz, high_hz: the lowest and the highest pitch of the grid.
        pitches: of the grid; with "unvoiced" there is a class more.
        spread: by how much movements of the pitch about the speaker's median are to be enlarged so that they reach as
            far as the speaker's own.
        median_hz: of the speaker.
        read, bands: features of a picture behind the lip reader's recurrent nets, and mel bands.
        spectra_a_picture: of the mel spectra; the recurrent net goes from picture to picture, a quarter of the work.
        width, hidden: of what enters the recurrent net, and of that net, each way.
        dropout: before and behind the recurrent net.
    """

    low_hz: float = 60.0
    high_hz: float = 400.0
    pitches: int = 36
    spread: float = 1.0
    median_hz: float = 120.0
    read: int = 384
    bands: int = 80
    spectra_a_picture: int = 4
    width: int = 40
    hidden: int = 64
    dropout: float = 0.3

    def grid(self) -> NDArray[np.float64]:
        """The pitches [C - 1], binary logarithms of Hz, rising."""
        return np.linspace(np.log2(self.low_hz), np.log2(self.high_hz), self.pitches)


class LipPitch(nn.Module):
    """Features [B, T, read] and standardised mel spectra [B, S, M] -> logits [B, S, C]."""

    def __init__(self, config: LipPitchConfig) -> None:
        super().__init__()
        self.config = config
        self.drop = nn.Dropout(config.dropout)
        self.from_read = nn.Linear(config.read, config.width)
        self.from_mel = nn.Linear(config.bands * config.spectra_a_picture, config.width)
        self.reader = nn.GRU(config.width, config.hidden, batch_first=True, bidirectional=True)
        self.to_classes = nn.Linear(2 * config.hidden, config.spectra_a_picture * (config.pitches + 1))

    def forward(self, read: Tensor, mel: Tensor) -> Tensor:
        """See the class."""
        count, times, _ = read.shape
        heard = self.from_mel(self.drop(mel).reshape(count, times, -1))
        remembered, _ = self.reader(functional.relu(self.from_read(self.drop(read)) + heard))
        logits: Tensor = self.to_classes(self.drop(remembered))
        return logits.view(count, times * self.config.spectra_a_picture, -1)


def pack(network: LipPitch) -> tuple[dict[str, Tensor], str]:
    """Weights in half precision, and the configuration as text."""
    return halved(network.state_dict()), json.dumps(asdict(network.config))


def unpack(tensors: Mapping[str, Tensor], text: str) -> LipPitch:
    """The network that :func:`pack` stored, in evaluation mode.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: tensors and text do not fit one another.
    """
    network = LipPitch(LipPitchConfig(**json.loads(text)))
    network.load_state_dict(restored(tensors))
    return network.eval()
