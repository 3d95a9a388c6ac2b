"""What the lips say first, then how it sounds: words read off a lip reader's features, and spectra that know them.

A regression in doubt answers in the middle of all that may have been said; a classifier decides. This network stands on
a trained :class:`synth.models.vid2speech.Vid2Speech`: a recurrent reader names a class (a word, or an acoustic unit
where no words are known) for each picture; the probabilities, after whoever calls has made them agree with what is
known of the order of words, go back into the spectra two ways. Every picture of the video asks the sequence of classes
(attention: the picture is the query, what is said are keys and values), which tells it its neighbours' sounds too. And
every class holds a template of spectra over its own course, begun as the mean of all its instances in training, each
stretched to one length, and read at the place in the word where a spectrum lies. A few convolutions turn both, the
first prediction and the features into a correction of the first prediction.

Shapes: B clips, T pictures, S = 4 T spectra, C classes, P places in a template, M mel bands.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class LipWordsConfig:
    """Everything that decides the network's shape.

    Attributes:
        classes: their names, silence ("") first.
        places: for each place in a sentence, the classes that may stand there; empty where no order is known.
        seen, read: features of a picture before and after the lip reader's recurrent nets.
        bands, spectra_a_picture: of the spectra.
        templates: places in a class's template.
        hidden: of the reader, each way.
        keys: of the attention.
        channels, depth: of the convolutions of the correction.
        dropout: before and behind the reader, and of the correction.
    """

    classes: tuple[str, ...]
    places: tuple[tuple[int, ...], ...] = ()
    seen: int = 320
    read: int = 384
    bands: int = 80
    spectra_a_picture: int = 4
    templates: int = 24
    hidden: int = 96
    keys: int = 48
    channels: int = 128
    depth: int = 4
    dropout: float = 0.3


class LipWords(nn.Module):
    """See the module."""

    def __init__(self, config: LipWordsConfig) -> None:
        super().__init__()
        self.config = config
        classes = len(config.classes)
        self.drop = nn.Dropout(config.dropout)
        self.into_reader = nn.Linear(config.seen + config.read, config.hidden)
        self.reader = nn.GRU(config.hidden, config.hidden, batch_first=True, bidirectional=True)
        self.to_classes = nn.Linear(2 * config.hidden, classes)
        self.queries = nn.Linear(config.read, config.keys)
        self.key_table = nn.Parameter(0.3 * torch.randn(classes, config.keys))
        self.value_table = nn.Parameter(0.3 * torch.randn(classes, config.keys))
        self.reach = nn.Parameter(torch.tensor(0.0))
        self.templates = nn.Parameter(torch.zeros(classes, config.templates, config.bands))
        self.features = nn.Linear(config.read, config.spectra_a_picture * config.keys)
        self.into = nn.Conv1d(2 * config.bands + 2 * config.keys + 2, config.channels, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Conv1d(config.channels, config.channels, 5, padding=2 * 2 ** (k % 3), dilation=2 ** (k % 3))
            for k in range(config.depth)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(config.channels) for _ in range(config.depth))
        self.out = nn.Conv1d(config.channels, config.bands, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def classify(self, seen: Tensor, read: Tensor) -> Tensor:
        """Features [B, T, seen] and [B, T, read] -> logits [B, T, C]."""
        inside = functional.relu(self.into_reader(self.drop(torch.cat([seen, read], -1))))
        remembered, _ = self.reader(inside)
        logits: Tensor = self.to_classes(self.drop(remembered))
        return logits

    def template(self, said: Tensor, phases: Tensor) -> Tensor:
        """The templates of what is said, [B, S, M], standardised.

        Args:
            said: [B, S, C], probabilities.
            phases: [B, S], 0 to 1.
        """
        count = self.config.templates
        place = phases.clamp(0, 1) * (count - 1)
        grid = torch.arange(count, device=place.device, dtype=place.dtype)
        share = (1 - (place[..., None] - grid).abs()).clamp_min(0)  # [B, S, P], linear between two places
        mixed = (said[..., :, None] * share[..., None, :]).flatten(2)
        return mixed @ self.templates.flatten(0, 1)

    def ask(self, read: Tensor, said: Tensor) -> Tensor:
        """What each picture [B, T, read] learns of what is said around it, [B, T, C] -> [B, T, keys]."""
        times = torch.arange(read.shape[1], device=read.device, dtype=read.dtype)
        far = (times[:, None] - times[None]).abs() * torch.exp(self.reach) * 0.5
        scores = self.queries(read) @ (said @ self.key_table).transpose(1, 2) / math.sqrt(self.config.keys)
        return torch.softmax(scores - far, -1) @ (said @ self.value_table)

    def forward(self, read: Tensor, mel: Tensor, said: Tensor, phases: Tensor) -> Tensor:
        """Correct the first prediction.

        Args:
            read: [B, T, read], features.
            mel: [B, S, M], the first prediction, standardised.
            said: [B, T, C], probabilities of classes.
            phases: [B, T, 2], where in its word a picture begins and ends.

        Returns:
            [B, S, M], standardised.
        """
        each = self.config.spectra_a_picture
        steps = torch.arange(each, device=read.device, dtype=read.dtype) / each
        fine = (phases[..., :1] + (phases[..., 1:] - phases[..., :1]) * steps).flatten(1)
        spread = said.repeat_interleave(each, 1)
        asked = self.ask(read, said).repeat_interleave(each, 1)
        features = self.features(self.drop(read)).unflatten(-1, (each, -1)).flatten(1, 2)
        length = (phases[..., 1] - phases[..., 0]).repeat_interleave(each, 1)
        told = torch.cat([mel, self.template(spread, fine), asked, features, fine[..., None], length[..., None]], -1)
        inside = self.into(told.transpose(1, 2))
        for norm, layer in zip(self.norms, self.layers, strict=True):
            inside = inside + self.drop(layer(functional.relu(norm(inside))))
        out: Tensor = mel + self.out(functional.relu(inside)).transpose(1, 2)
        return out


def pack(network: LipWords) -> tuple[dict[str, Tensor], str]:
    """Weights in half precision, and the configuration as text."""
    tensors = {
        name: value.detach().half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    return tensors, json.dumps(asdict(network.config))


def unpack(tensors: Mapping[str, Tensor], text: str) -> LipWords:
    """The network that :func:`pack` stored, in evaluation mode.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: tensors and text do not fit one another.
    """
    raw: dict[str, Any] = json.loads(text)
    places = tuple(tuple(words) for words in raw.pop("places"))
    network = LipWords(LipWordsConfig(**{**raw, "classes": tuple(raw["classes"]), "places": places}))
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    return network.eval()
