"""One space for pictures and sounds, by cosine and by class (Suris et al. 2018, arXiv 1801.02200).

Two stacks of layers on what is known of a whole clip: the mean of the packaged ImageNet net's features over its
pictures, and statistics of its sound. Points of one clip must lie near each other, points of two clips apart by a
margin; one layer of labels, shared by both kinds of point, must read the same tags off either. Labels are switched on
after a first phase.

Taken from the paper and the lecture: rectified points of length one, ``1 - cos`` for pairs that match and
``max(0, cos - margin)`` for those that do not, margin 0.2, six pairs in ten wrong, ``weight * sqrt(sum of the two
cross-entropies)``. Ours: features of our own instead of YouTube-8M's, smaller stacks, batch norm at the entry, more
weight on the labels (there are ten to twenty of them, not 3862), a softmax over all clips of a batch beside the loss
of the pairs (as in CLIP, arXiv 2103.00020; few clips teach more so), and :func:`statistics`: how the level of each
band lies, moves and beats.

Shapes: B clips, 1280 numbers of a picture, D = 352 of a sound, E = 128, L labels, spectrograms [64, T] of
:func:`synth.models.l3net.log_mel`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.errors import WeightsError
from synth.models.half_precision import halved, restored
from synth.models.imagenet import FEATURES
from synth.models.l3net import BANDS, STEPS_HZ

EMBEDDING: Final = 128
MARGIN: Final = 0.2
NEGATIVES: Final = 0.6
_TEMPERATURE: Final = 0.1
_GROUPS: Final = 16  # of four bands each, whose beating is measured
_BEATS_HZ: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 14.0, 25.0)
STATISTICS: Final = 4 * BANDS + _GROUPS * (len(_BEATS_HZ) - 1)


@dataclass(frozen=True)
class CrossmodalConfig:
    """Sizes of the net.

    Attributes:
        labels: tags that the label layer knows.
        picture: sizes of the picture's hidden layers.
        sound: sizes of the sound's hidden layers.
    """

    labels: tuple[str, ...] = ()
    picture: tuple[int, ...] = (320, 192)
    sound: tuple[int, ...] = (256, 192)


class CrossmodalNet(nn.Module):
    """Points of pictures and of sounds in one space."""

    def __init__(self, config: CrossmodalConfig) -> None:
        super().__init__()
        self.config = config
        self.picture = _stack(FEATURES, config.picture)
        self.sound = _stack(STATISTICS, config.sound)
        self.labels = nn.Linear(EMBEDDING, max(1, len(config.labels)))

    def embed_pictures(self, pooled: Tensor) -> Tensor:
        """Points [B, E] of length one, all numbers 0 or more, from mean features [B, 1280]."""
        return _point(self.picture(pooled))

    def embed_sounds(self, features: Tensor) -> Tensor:
        """Points [B, E] of length one, all numbers 0 or more, from statistics [B, D]."""
        return _point(self.sound(features))


def _stack(before: int, hidden: Sequence[int]) -> nn.Sequential:
    sizes = (before, *hidden, EMBEDDING)
    layers: list[nn.Module] = [nn.BatchNorm1d(before)]
    for number, (one, other) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.Dropout(0.1 if number == 0 else 0.2), nn.Linear(one, other)]
        if number < len(sizes) - 2:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def _point(values: Tensor) -> Tensor:
    # The small number keeps a point that is all nothing from being 0 / 0.
    return F.normalize(F.relu(values) + 1e-6, dim=1)


def cosine_loss(seen: Tensor, heard: Tensor, together: Tensor) -> Tensor:
    """Mean over pairs [B, E] of ``1 - cos`` where ``together`` [B] is 1, else of ``max(0, cos - margin)``."""
    cosines = (seen * heard).sum(1)
    return torch.where(together > 0.5, 1 - cosines, F.relu(cosines - MARGIN)).mean()


def label_loss(net: CrossmodalNet, seen: Tensor, heard: Tensor, seen_tags: Tensor, heard_tags: Tensor) -> Tensor:
    """``sqrt`` of the two cross-entropies of the shared label layer added; tags are 0 or 1, [B, L].

    Clips without any tag are left out: nobody tagged them.
    """
    total = seen.sum() * 0
    for points, tags in ((seen, seen_tags), (heard, heard_tags)):
        known = tags.sum(1) > 0
        if known.any():
            total = total + F.binary_cross_entropy_with_logits(net.labels(points[known]), tags[known])
    # The root's slope has no end at nothing.
    return (total + 1e-6).sqrt()


def contrast_loss(seen: Tensor, heard: Tensor, tags: Tensor) -> Tensor:
    """Our term: among the clips [B, E] of a batch each point must find its own partner, by softmax, both ways.

    Clips that share a tag (0 or 1, [B, L]) are no wrong answers to each other.
    """
    scores = seen @ heard.T / _TEMPERATURE
    own = torch.arange(len(scores))
    alike = (tags @ tags.T > 0) & ~torch.eye(len(scores), dtype=torch.bool)
    scores = scores.masked_fill(alike, -1e4)
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


def statistics(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Numbers [352] of a spectrogram [64, T].

    Of each band its mean, deviation, loud end (95 %) and mean step; of 16 groups of bands how strongly their level
    beats in six octaves of 0.5 to 25 Hz.
    """
    steps = np.abs(np.diff(mel, axis=1, prepend=mel[:, :1]))
    plain = np.concatenate([mel.mean(1), mel.std(1), np.quantile(mel, 0.95, axis=1), steps.mean(1)])
    groups = mel.reshape(_GROUPS, -1, mel.shape[1]).mean(1)
    power = np.abs(np.fft.rfft(groups - groups.mean(1, keepdims=True), axis=1)) ** 2 / groups.shape[1] ** 2
    rates_hz = np.fft.rfftfreq(groups.shape[1], 1 / STEPS_HZ)
    beats = [power[:, (rates_hz >= low) & (rates_hz < high)].sum(1) for low, high in itertools.pairwise(_BEATS_HZ)]
    beating = np.log(np.stack(beats, axis=1) + 1e-4).ravel()
    return np.concatenate([plain, beating]).astype(np.float32)


def pack(net: CrossmodalNet) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors in half precision and the text that go into a weights file; see :func:`unpack`."""
    return halved(net.state_dict()), {"arch": "crossmodal", "config": json.dumps(asdict(net.config))}


def unpack(tensors: Mapping[str, Tensor], text: Mapping[str, str]) -> CrossmodalNet:
    """The net that :func:`pack` wrote, ready to be asked.

    Raises:
        WeightsError: the file holds another net.
    """
    if text.get("arch") != "crossmodal":
        raise WeightsError(f"the file holds {text.get('arch')!r}; 'crossmodal' was expected")
    raw = json.loads(text["config"])
    net = CrossmodalNet(CrossmodalConfig(tuple(raw["labels"]), tuple(raw["picture"]), tuple(raw["sound"])))
    net.load_state_dict(restored(tensors))
    return net.eval()
