"""AVE-Net and AVOL-Net: objects that sound (Arandjelovic and Zisserman, ECCV 2018, arXiv 1712.06651).

**AVE-Net** makes picture and sound points of one space: the towers of L3-Net, each with two layers to 128 numbers of
length one; all that the classifier sees is the distance of the two points, through one weight and one bias. So near
means alike, within a modality and across.

**AVOL-Net** keeps the map of the picture: each of 14 x 14 positions has 128 numbers, their scalar product with the
sound's goes through one weight, one bias and a sigmoid, and the highest position answers for the picture
(multiple-instance learning). The map is where the sound comes from.

Ours: the towers' deviations (:mod:`synth.models.l3net`); AVE-Net may be trained with the other sounds of a batch as
further wrong answers (a softmax over distances, as in CLIP, arXiv 2103.00020) beside the paper's loss; AVOL-Net also
hears silence and noise as wrong answers, so that a map of a silent clip stays low.

Shapes: B pairs, E = 128, pictures and spectrograms as in l3net.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth.models.l3net import PictureTower, SoundTower, TowersConfig, pool

EMBEDDING: Final = 128


class AVENet(nn.Module):
    """Picture and sound as points of one space."""

    def __init__(self, config: TowersConfig) -> None:
        super().__init__()
        self.config = config
        self.picture = PictureTower(config)
        self.sound = SoundTower(config)
        self.picture_head = _head(config.features)
        self.sound_head = _head(config.features)
        # Near must mean together from the start on: a positive slope would have to be unlearnt first.
        self.slope = nn.Parameter(torch.tensor(-4.0))
        self.level = nn.Parameter(torch.tensor(4.0))

    def embed_pictures(self, pictures: Tensor) -> Tensor:
        """Points [B, E] of length one."""
        return F.normalize(self.picture_head(pool(self.picture(pictures))), dim=1)

    def embed_sounds(self, mel: Tensor) -> Tensor:
        """Points [B, E] of length one."""
        return F.normalize(self.sound_head(pool(self.sound(mel))), dim=1)

    def forward(self, seen: Tensor, heard: Tensor) -> Tensor:
        """Logits [B] of belonging together, from two sets of points."""
        return self.slope * distances(seen, heard) + self.level


class AVOLNet(nn.Module):
    """Where in the picture the sound comes from."""

    def __init__(self, config: TowersConfig) -> None:
        super().__init__()
        self.config = config
        self.picture = PictureTower(config)
        self.sound = SoundTower(config)
        self.picture_head = nn.Sequential(
            nn.Conv2d(config.features, EMBEDDING, 1), nn.ReLU(), nn.Conv2d(EMBEDDING, EMBEDDING, 1)
        )
        self.sound_head = _head(config.features)
        self.slope = nn.Parameter(torch.tensor(0.2))
        self.level = nn.Parameter(torch.tensor(-2.0))

    def forward(self, pictures: Tensor, mel: Tensor) -> Tensor:
        """Logits [B, 14, 14] of sounding."""
        return self.maps(self.see(pictures), self.hear(mel))

    def see(self, pictures: Tensor) -> Tensor:
        """What is where: [B, E, 14, 14]."""
        seen: Tensor = self.picture_head(self.picture(pictures))
        return seen

    def hear(self, mel: Tensor) -> Tensor:
        """What is heard: [B, E]."""
        heard: Tensor = self.sound_head(pool(self.sound(mel)))
        return heard

    def maps(self, seen: Tensor, heard: Tensor) -> Tensor:
        """Logits [B, 14, 14] from what :meth:`see` and :meth:`hear` gave."""
        return self.slope * torch.einsum("beyx,be->byx", seen, heard) + self.level


def _head(features: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, EMBEDDING), nn.ReLU(), nn.Linear(EMBEDDING, EMBEDDING))


def distances(one: Tensor, other: Tensor) -> Tensor:
    """Euclidean distances [B] of points [B, E] of length one, 0..2."""
    # Through the cosine: the root's slope has no end where two points meet.
    return (2 - 2 * (one * other).sum(1)).clamp_min(1e-6).sqrt()
