"""The predecessor of the speech voice's network: Ephrat and Peleg, "Vid2speech" (ICASSP 2017, arXiv 1701.00495).

Taken from the paper and its authors' code: nine grey pictures of the face are the channels of a plain convolutional
network in the manner of VGG, with batch normalisation and leaky rectifiers; two dense layers; eighteen numbers, the
line spectral frequencies and the gain of the two sound frames of the middle picture; squared error. It sees 0.36 s and
keeps nothing in mind beyond that. Where the authors' network halves the picture, and its dropout, are not in our
sources.

Ours: a size for two processor cores (:data:`CONFIGS`: ``small``; the published widths are ``paper``).

Shapes: B windows, W = config.pictures, H x W pixels, P numbers a sound frame, S = config.frames sound frames a picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from synth.models.reproducible import reproducible_inference


@dataclass(frozen=True)
class LipLsfConfig:
    """Everything that decides the network's shape, and what it is shown.

    Attributes:
        window: ``"mouth"`` or ``"face"``, the crop that is looked at.
        side: pixels of that crop's side; crops of another size are brought to it.
        pictures: of a window, an odd number.
        stride: of the first convolution.
        stages: channels of the 3 x 3 convolutions; after each stage the picture is halved.
        hidden: of the dense layers.
        frames, numbers: sound frames a picture, numbers a frame.
        dropout: before the dense layers.
    """

    window: str = "face"
    side: int = 64
    pictures: int = 9
    stride: int = 2
    stages: tuple[tuple[int, ...], ...] = ((16,), (32, 32), (64, 64), (128,))
    hidden: tuple[int, ...] = (256, 256)
    frames: int = 2
    numbers: int = 9
    dropout: float = 0.3

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> LipLsfConfig:
        """The configuration that :meth:`as_dict` wrote."""
        stages = tuple(tuple(stage) for stage in raw["stages"])
        return cls(**{**raw, "stages": stages, "hidden": tuple(raw["hidden"])})


CONFIGS: Final[dict[str, LipLsfConfig]] = {
    "small": LipLsfConfig(),
    "paper": LipLsfConfig(
        side=128,
        stride=1,
        stages=((32,), (32,), (32,), (64, 64), (128, 128), (128, 128)),
        hidden=(512, 512),
    ),
}
"""Sizes by name."""


class LipLsf(nn.Module):
    """Windows of pictures -> what each one's middle picture sounds like.

    ``target_mean`` and ``target_scale`` [S * P] are of the training set; :meth:`forward` answers in their units.
    """

    target_mean: Tensor
    target_scale: Tensor

    def __init__(self, config: LipLsfConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        wide, side, stride = config.pictures, config.side, config.stride
        for stage in config.stages:
            for channels in stage:
                layers += _convolution(wide, channels, stride)
                wide, side, stride = channels, -(-side // stride), 1
            layers.append(nn.MaxPool2d(2))
            side //= 2
        self.eyes = nn.Sequential(*layers)
        dense: list[nn.Module] = [nn.Flatten()]
        wide *= side * side
        for width in config.hidden:
            dense += [nn.Dropout(config.dropout), nn.Linear(wide, width, bias=False), nn.BatchNorm1d(width)]
            dense.append(nn.LeakyReLU(0.1))
            wide = width
        self.says = nn.Sequential(*dense, nn.Linear(wide, config.frames * config.numbers))
        self.register_buffer("target_mean", torch.zeros(config.frames * config.numbers))
        self.register_buffer("target_scale", torch.ones(config.frames * config.numbers))

    def fit(self, targets: Tensor) -> None:
        """Take mean and deviation of targets [B, S * P] as units."""
        self.target_mean.copy_(targets.mean(0))
        self.target_scale.copy_(targets.std(0).clamp_min(1e-4))

    def forward(self, windows: Tensor) -> Tensor:
        """Windows [B, W, H, W'], standardised -> [B, S * P] in units of the training set."""
        side = self.config.side
        if windows.shape[-2:] != (side, side):
            windows = functional.interpolate(windows, (side, side), mode="bilinear", antialias=True)
        out: Tensor = self.says(self.eyes(windows))
        return out

    @reproducible_inference()
    def read(self, crops: Tensor) -> Tensor:
        """What a whole clip sounds like: crops [T, H, W], standardised -> [T * S, P]; both ends are held.

        At most 64 windows are worked on at a time, in evaluation mode only.
        """
        half = self.config.pictures // 2
        held = torch.cat([crops[:1].expand(half, -1, -1), crops, crops[-1:].expand(half, -1, -1)])
        windows = held.unfold(0, self.config.pictures, 1).permute(0, 3, 1, 2)
        said = torch.cat([self(windows[first : first + 64].contiguous()) for first in range(0, len(windows), 64)])
        return (said * self.target_scale + self.target_mean).reshape(-1, self.config.numbers)


def _convolution(before: int, after: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.LeakyReLU(0.1),
    ]


def pack(network: LipLsf) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and text of a network, as a weights file holds them."""
    return dict(network.state_dict()), {"config": json.dumps(network.config.as_dict())}


def unpack(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> LipLsf:
    """The network that :func:`pack` took apart, in evaluation mode.

    Raises:
        ValueError: tensors and text do not fit one another.
    """
    try:
        network = LipLsf(LipLsfConfig.from_dict(json.loads(about["config"])))
        network.load_state_dict(dict(tensors))
    except (KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"these are not the weights of a network from lips to line spectra: {error}") from error
    return network.eval()
