"""Where a sound comes from, by attention (Senocak et al., CVPR 2018, arXiv 1803.03849).

Each position of the picture has a vector, the sound has one; where they point the same way, the net looks. What it
looked at, summed up, must be nearer to its own sound than to another one (unsupervised), and where people drew boxes
the net must look inside them (supervised); semi-supervised is the sum of both.

Taken from the paper: frozen maps of a picture net, two layers on the sound, vectors of length one, a rectifier and a
softmax over all positions, two layers behind the attended vector, a triplet of distances through a softmax with the
squared error to (0, 1), the cross-entropy between attention and a box. Ours:

* maps of 14 x 14 of the packaged EfficientNet-Lite0 through trained 1 x 1 convolutions, instead of VGG's 20 x 20;
* the sound net is the small tower of :mod:`synth.models.l3net`, trained along or taken from AVE-Net, not SoundNet;
* a learnt sharpness in the softmax: of rectified cosines alone, the highest of 196 positions gets 1.4 % at most;
* the attended vector and the sound meet in the space of the sound's second layer;
* all other sounds of a batch are wrong ones, not one, and so are silence and noise;
* a *firmness*: the best cosine through a logistic curve says whether anything in the picture makes the sound. The
  published net looks somewhere whatever it hears (compare arXiv 2410.01020).

Shapes: B pictures, S sounds, E = 128, maps [B, 432, 14, 14], spectrograms [S, 64, T], positions P = 196.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth.errors import WeightsError
from synth.models.half_precision import halved, restored
from synth.models.imagenet import MAP_CHANNELS, MAP_SIDE
from synth.models.l3net import SoundTower, TowersConfig, pool

EMBEDDING: Final = 128
_HIDDEN: Final = 192
_TRIPLET_SHARPNESS: Final = 4.0  # of the softmax over two distances, which are 2 apart at most


@dataclass(frozen=True)
class LocalizerConfig:
    """Sizes of the net.

    Attributes:
        width: channels of the first block of the sound's tower.
        listens: whether the sound's tower is trained along; otherwise it stays as it was taken over.
    """

    width: int = 16
    listens: bool = True


@dataclass(frozen=True)
class Attention:
    """What the net says of B pictures, each with its sound.

    Attributes:
        cosines: rectified, [B, P] in 0..1.
        log_weights: logarithm of the softmax over positions, [B, P].
        attended: vector that was looked at, behind its two layers, of length one: [B, E].
    """

    cosines: Tensor
    log_weights: Tensor
    attended: Tensor


class AttentionLocalizer(nn.Module):
    """Maps of pictures and spectrograms in, attention over positions out."""

    def __init__(self, config: LocalizerConfig | None = None) -> None:
        super().__init__()
        self.config = config or LocalizerConfig()
        towers = TowersConfig(width=self.config.width)
        self.picture = nn.Sequential(
            nn.BatchNorm2d(MAP_CHANNELS),
            nn.Conv2d(MAP_CHANNELS, _HIDDEN, 1, bias=False),
            nn.BatchNorm2d(_HIDDEN),
            nn.ReLU(),
            nn.Conv2d(_HIDDEN, EMBEDDING, 1),
        )
        self.sound = SoundTower(towers)
        self.hearing = nn.Sequential(
            nn.Linear(towers.features, _HIDDEN), nn.ReLU(), nn.Dropout(0.1), nn.Linear(_HIDDEN, EMBEDDING)
        )
        self.thought = nn.Sequential(nn.ReLU(), nn.Linear(EMBEDDING, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, EMBEDDING))
        self.sharpness = nn.Parameter(torch.tensor(10.0).log())
        self.slope = nn.Parameter(torch.tensor(10.0))
        self.level = nn.Parameter(torch.tensor(-5.0))
        if not self.config.listens:
            self.sound.requires_grad_(False)

    def train(self, mode: bool = True) -> AttentionLocalizer:
        """As of any module, but a tower that was taken over keeps its statistics."""
        super().train(mode)
        if not self.config.listens:
            self.sound.eval()
        return self

    def see(self, maps: Tensor) -> Tensor:
        """Vectors of length one at each position: [B, E, P]."""
        return F.normalize(self.picture(maps).flatten(2), dim=1)

    def hear(self, mel: Tensor) -> Tensor:
        """Vectors of length one: [S, E]."""
        return self.understand(pool(self.sound(mel)))

    def understand(self, heard: Tensor) -> Tensor:
        """As :meth:`hear`, from what the sound's tower made of the spectrograms: [S, 8 * width]."""
        return F.normalize(self.hearing(heard), dim=1)

    def attend(self, seen: Tensor, heard: Tensor) -> Attention:
        """Look in each picture for its sound: [B, E, P] and [B, E]."""
        cosines = F.relu(torch.einsum("bep,be->bp", seen, heard))
        log_weights = F.log_softmax(cosines * self.sharpness.exp(), dim=1)
        attended = torch.einsum("bep,bp->be", seen, log_weights.exp())
        return Attention(cosines, log_weights, F.normalize(self.thought(attended), dim=1))

    def logits(self, cosines: Tensor) -> Tensor:
        """Of making the sound, for rectified cosines of any shape."""
        return self.slope * cosines + self.level

    def forward(self, maps: Tensor, mel: Tensor) -> Tensor:
        """Probabilities [B, 14, 14] that what is there makes the sound; their highest is the firmness."""
        cosines = F.relu(torch.einsum("bep,be->bp", self.see(maps), self.hear(mel)))
        return torch.sigmoid(self.logits(cosines)).reshape(-1, MAP_SIDE, MAP_SIDE)


def triplet_loss(attended: Tensor, heard: Tensor, wrong: Tensor) -> Tensor:
    """Squared error of softmaxed distances to (0, 1), mean over all wrong sounds: the paper's unsupervised term.

    Args:
        attended: [B, E].
        heard: [S, E], the first B of which belong to ``attended`` in order.
        wrong: bool [B, S]: which of the sounds are wrong for which picture.
    """
    apart = (2 - 2 * attended @ heard.T).clamp_min(1e-6).sqrt()  # [B, S]
    own = apart.diagonal()[:, None]
    nearer = torch.sigmoid(_TRIPLET_SHARPNESS * (own - apart))  # softmax of two, the part of the right distance
    return 2 * (nearer.square() * wrong).sum() / wrong.sum().clamp_min(1)


def box_loss(log_weights: Tensor, inside: Tensor) -> Tensor:
    """Cross-entropy between attention and boxes, mean over the pictures that have any: the supervised term.

    Args:
        log_weights: [B, P].
        inside: share of each position that lies in a box, [B, P]; nothing for pictures without one.
    """
    total = inside.sum(1)
    marked = total > 0
    if not marked.any():
        return log_weights.sum() * 0
    target = inside[marked] / total[marked, None]
    return -(target * log_weights[marked]).sum(1).mean()


def firmness_loss(net: AttentionLocalizer, seen: Tensor, heard: Tensor, present: Tensor, wrong: Tensor) -> Tensor:
    """Our term: the best position must say whether the picture shows what is heard.

    Args:
        seen: [B, E, P].
        heard: [S, E], the first B of which belong to ``seen`` in order.
        present: bool [B]: whether the source of the own sound may be in the picture.
        wrong: bool [B, S]: which of the sounds do not belong there.
    """
    best = F.relu(torch.einsum("bep,se->bsp", seen, heard).amax(2))
    logits = net.logits(best)
    yes = F.softplus(-logits.diagonal())[present]
    no = F.softplus(logits)[wrong]
    return (yes.mean() if len(yes) else logits.sum() * 0) + (no.mean() if len(no) else logits.sum() * 0)


def pack(net: AttentionLocalizer) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors in half precision and the text that go into a weights file; see :func:`unpack`."""
    return halved(net.state_dict()), {"arch": "attention-localizer", "config": json.dumps(asdict(net.config))}


def unpack(tensors: Mapping[str, Tensor], text: Mapping[str, str]) -> AttentionLocalizer:
    """The net that :func:`pack` wrote, ready to be asked.

    Raises:
        WeightsError: the file holds another net.
    """
    if text.get("arch") != "attention-localizer":
        raise WeightsError(f"the file holds {text.get('arch')!r}; 'attention-localizer' was expected")
    net = AttentionLocalizer(LocalizerConfig(**json.loads(text["config"])))
    net.load_state_dict(restored(tensors))
    return net.eval()
