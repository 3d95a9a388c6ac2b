"""Which word the lips say in each picture: a small recurrent reader on the features of a lip reader.

A regression in doubt answers in the middle of all that may have been said; a classifier decides. This one stands on a
trained :class:`synth.models.speech.vid2speech.Vid2Speech` whose weights rest: it sees the features of a picture before
and after that network's recurrent nets, and names silence or one of the words of the speaker's corpus.

Shapes: B clips, T pictures, C classes, the first of them silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from synth.models.half_precision import halved, restored


@dataclass(frozen=True)
class LipWordsConfig:
    """Everything that decides the network's shape, and what its answers mean.

    Attributes:
        classes: their names, silence ("") first.
        places: for each place in a sentence, the classes that may stand there; empty where no order is known.
        seen, read: features of a picture before and after the lip reader's recurrent nets.
        hidden: of the reader, each way.
        dropout: before and behind the recurrent net.
    """

    classes: tuple[str, ...]
    places: tuple[tuple[int, ...], ...] = ()
    seen: int = 320
    read: int = 384
    hidden: int = 96
    dropout: float = 0.3


class LipWords(nn.Module):
    """Features [B, T, seen] and [B, T, read] -> logits [B, T, C]."""

    def __init__(self, config: LipWordsConfig) -> None:
        super().__init__()
        self.config = config
        self.drop = nn.Dropout(config.dropout)
        self.into_reader = nn.Linear(config.seen + config.read, config.hidden)
        self.reader = nn.GRU(config.hidden, config.hidden, batch_first=True, bidirectional=True)
        self.to_classes = nn.Linear(2 * config.hidden, len(config.classes))

    def forward(self, seen: Tensor, read: Tensor) -> Tensor:
        """See the class."""
        inside = functional.relu(self.into_reader(self.drop(torch.cat([seen, read], -1))))
        remembered, _ = self.reader(inside)
        logits: Tensor = self.to_classes(self.drop(remembered))
        return logits


def pack(network: LipWords) -> tuple[dict[str, Tensor], str]:
    """Weights in half precision, and the configuration as text."""
    return halved(network.state_dict()), json.dumps(asdict(network.config))


def unpack(tensors: Mapping[str, Tensor], text: str) -> LipWords:
    """The network that :func:`pack` stored, in evaluation mode.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: tensors and text do not fit one another.
    """
    raw: dict[str, Any] = json.loads(text)
    classes, places = tuple(raw["classes"]), tuple(tuple(words) for words in raw["places"])
    network = LipWords(LipWordsConfig(**{**raw, "classes": classes, "places": places}))
    network.load_state_dict(restored(tensors))
    return network.eval()
