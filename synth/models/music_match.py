"""Music and pictures in one space: two towers trained to put a video near the music that goes with it.

Hong, Im and Yang, "CBVMR: Content-Based Video-Music Retrieval Using Soft Intra-Modal Structure Constraint" (ICMR 2018,
arXiv 1704.06761). Taken over: one tower of fully connected layers a side, batch normalisation and dropout, vectors of
length one, an inter-modal ranking loss on the hardest negatives of a batch (margin 0.1; weight 3 for music to video, 1
for video to music) and the soft structure term for either side, weight 0.2 each.

Where we differ: the towers are small (music 1140-384-256-256, picture 2615-256-256; the paper's end in 512), because we
train on hundreds of pairs and not on two hundred thousand; the numbers are standardised and bent at both ends first,
and noise is added in training; half of the negatives counts, see :data:`HARDEST`. The structure term is computed on
part of a batch, as it grows with the third power of it.

Shapes: B = pairs, M = 1140 numbers of a music, V = 2615 of a picture, E = 256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.models.reproducible import reproducible_inference

NAME: Final = "music-match"
MUSIC: Final = 1140
PICTURE: Final = 2615
MARGIN: Final = 0.1
MUSIC_TO_VIDEO, VIDEO_TO_MUSIC = 3.0, 1.0
STRUCTURE: Final = 0.2
HARDEST: Final = 0.5
"""Share of a batch's negatives that count. The paper keeps the 100 hardest of a batch of one to two thousand pairs.
Here so few let the towers turn all music at right angles to all pictures, where each negative misses by the margin."""
_BEND: Final = 3.0  # deviations; beyond it numbers grow as their arc tangent does


@dataclass(frozen=True)
class MusicMatchConfig:
    """Sizes of the towers.

    Attributes:
        music, picture: widths of the layers before the last.
        embedding: length of the vectors.
        dropout: share of each layer that is left out in training.
        noise: deviation of what is added to the standardised numbers in training.
    """

    music: tuple[int, ...] = (384, 256)
    picture: tuple[int, ...] = (256,)
    embedding: int = 256
    dropout: float = 0.4
    noise: float = 1.5

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> MusicMatchConfig:
        """As :meth:`as_dict` wrote it."""
        return cls(**{**raw, "music": tuple(raw["music"]), "picture": tuple(raw["picture"])})

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class Tower(nn.Module):
    """One side: numbers [B, D] to vectors [B, E] of length one."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int, widths: tuple[int, ...], config: MusicMatchConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))
        self.noise = config.noise
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(size, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(config.dropout)]
            size = width
        self.layers = nn.Sequential(*layers, nn.Linear(size, config.embedding))

    def fit(self, numbers: NDArray[np.float32]) -> None:
        """Standardise by these numbers [P, D] from now on; one that never changes says nothing."""
        deviation = numbers.std(0, dtype=np.float64)
        steady = deviation < 1e-6 * (1 + np.abs(numbers).mean(0))
        self.mean.copy_(torch.from_numpy(numbers.mean(0, dtype=np.float64)).float())
        self.deviation.copy_(torch.from_numpy(np.where(steady, np.inf, deviation)).float())

    def standard(self, numbers: Tensor) -> Tensor:
        """Numbers of mean 0 and deviation 1, far ones brought nearer."""
        return _BEND * torch.atan((numbers - self.mean) / self.deviation / _BEND)

    def forward(self, numbers: Tensor) -> Tensor:
        """Vectors [B, E]."""
        standard = self.standard(numbers)
        if self.training and self.noise:
            standard = standard + self.noise * torch.randn_like(standard)
        return F.normalize(self.layers(standard), dim=1)


class MusicMatch(nn.Module):
    """Both towers."""

    def __init__(self, config: MusicMatchConfig | None = None) -> None:
        super().__init__()
        self.config = config or MusicMatchConfig()
        self.music = Tower(MUSIC, self.config.music, self.config)
        self.picture = Tower(PICTURE, self.config.picture, self.config)

    def of_music(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Numbers [B, M] of :mod:`synth.music.features` to vectors float32 [B, E] of length one."""
        return _embedded(self.music, numbers)

    def of_picture(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Numbers [B, V] of :mod:`synth.music.picture_features` to vectors float32 [B, E] of length one."""
        return _embedded(self.picture, numbers)


def _embedded(tower: Tower, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    with reproducible_inference():
        vectors: Tensor = tower.eval()(torch.from_numpy(np.ascontiguousarray(numbers, np.float32)))
    return vectors.numpy()


def ranking_loss(music: Tensor, picture: Tensor, *, to_video: float, to_music: float) -> Tensor:
    """How far the hardest strangers of a batch come nearer than the right one, or within the margin of it.

    Args:
        music, picture: vectors [B, E] of B pairs.
        to_video: weight of looking for the video of a music; ``to_music`` of the other way.
    """
    alike = music @ picture.T
    right = alike.diagonal()
    strangers = ~torch.eye(len(alike), dtype=torch.bool, device=alike.device)
    asked_by_music = (MARGIN + alike - right[:, None])[strangers]
    asked_by_video = (MARGIN + alike - right[None])[strangers]
    kept = max(1, round(HARDEST * len(asked_by_music)))
    by_music, by_video = (one.topk(kept).values.clamp(min=0).mean() for one in (asked_by_music, asked_by_video))
    return to_video * by_music + to_music * by_video


def structure_loss(before: Tensor, after: Tensor) -> Tensor:
    """How often, and how far, a third item is nearer than a second where it was farther before.

    Args:
        before: standardised numbers [B, D] of one side.
        after: their vectors [B, E].
    """
    order = torch.sign(_differences(-torch.cdist(before, before)))
    found = _differences(after @ after.T)
    turned = torch.sign(found) != order
    return torch.where(turned, -order * found, 0.0).mean()


def _differences(alike: Tensor) -> Tensor:
    """[i, j, k]: by how much i is liker to j than to k."""
    return alike[:, :, None] - alike[:, None]


def pack(model: MusicMatch) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and text for :func:`synth.weights.register`: half precision, but for what numbers are standardised by."""
    exact = ("mean", "deviation", "running_mean", "running_var", "num_batches_tracked")
    tensors = {
        name: value if name.rsplit(".", 1)[-1] in exact else value.half() for name, value in model.state_dict().items()
    }
    return tensors, {"arch": NAME, "config": json.dumps(model.config.as_dict())}


def unpack(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> MusicMatch:
    """A model, ready to embed, from what :func:`pack` made."""
    model = MusicMatch(MusicMatchConfig.parse(json.loads(about["config"])))
    model.load_state_dict({name: value if "num_batches" in name else value.float() for name, value in tensors.items()})
    return model.eval()
