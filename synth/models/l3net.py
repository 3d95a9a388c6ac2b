"""L3-Net: look, listen and learn (Arandjelovic and Zisserman, ICCV 2017, arXiv 1705.08168).

Two towers, one for a picture and one for a second or two of sound, and a small net on top that says whether they belong
together. Nobody labels anything: pairs from one video do, pairs from two do not.

Taken from the paper: the towers' shape (blocks of two 3 x 3 convolutions, twice as many channels a block, batch norm,
everything pooled at the end), the fusion by concatenation, 128 and 2. Ours: a log-mel spectrogram of 64 bands and 50
steps a second over 2 s instead of 257 x 199 over one (sounds of our clips are sparse, and cores are few), a width of
24 to 192 instead of 64 to 512, mean and maximum pooled together, and, as an option, the maps of the packaged ImageNet
net under the picture's tower ("imagenet"); "scratch" learns from the pixels as the paper does.

Shapes: B pairs, pictures as maps [B, 432, 14, 14] or pixels [B, 3, 112, 112] in 0..1, spectrograms [B, 64, T].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.dsp.spectra import mel_filters, stft
from synth.models.imagenet import MAP_CHANNELS

RATE_HZ: Final = 22050
HOP: Final = 441  # 50 steps a second, two a frame of 25 a second
STEPS_HZ: Final = RATE_HZ / HOP
WINDOW_S: Final = 2.0
STEPS: Final = round(WINDOW_S * STEPS_HZ)
BANDS: Final = 64
PIXELS: Final = 112
_FFT: Final = 1024
_FLOOR: Final = 1e-6
# Mean and deviation of log mel over the training sounds, so that a net sees numbers around nothing.
_MEAN: Final = -8.0
DEVIATION: Final = 3.5

Vision = Literal["imagenet", "scratch"]


@dataclass(frozen=True)
class TowersConfig:
    """Sizes of the two towers.

    Attributes:
        vision: what the picture's tower stands on.
        width: channels of the first block; each of four has twice as many.
    """

    vision: Vision = "imagenet"
    width: int = 20

    @property
    def features(self) -> int:
        """Numbers that each tower gives."""
        return 8 * self.width

    def as_dict(self) -> dict[str, object]:
        """Plain values; the constructor takes them."""
        return asdict(self)


@cache
def _filters() -> NDArray[np.float32]:
    return mel_filters(RATE_HZ, window=_FFT, bands=BANDS, low_hz=40.0, high_hz=11000.0)


def log_mel(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sound [N] at :data:`RATE_HZ` -> [64, T] at 50 steps a second, scaled to about -1..3; T = 1 + N // 441.

    A digital silence is the lowest value; the level of a sound is kept.
    """
    if len(sound) < _FFT:
        sound = np.pad(sound, (0, _FFT - len(sound)))
    spectra = stft(sound, window=_FFT, hop=HOP)
    mel = (np.abs(spectra) ** 2) @ _filters().T
    return np.asarray((np.log(mel.T + _FLOOR) - _MEAN) / DEVIATION, np.float32)


def windows(mel: NDArray[np.float32], hop_s: float = 1.0) -> NDArray[np.float32]:
    """Windows [W, 64, 100] of a spectrogram [64, T], ``hop_s`` apart, the last at its end; a short one is repeated."""
    if mel.shape[1] < STEPS:
        mel = np.tile(mel, (1, -(-STEPS // mel.shape[1])))[:, :STEPS]
    last = mel.shape[1] - STEPS
    starts = sorted({*range(0, last + 1, max(1, round(hop_s * STEPS_HZ))), last})
    return np.stack([mel[:, start : start + STEPS] for start in starts])


def _block(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, 1, 1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def pool(maps: Tensor) -> Tensor:
    """Maps [B, C, Y, X] -> [B, C]: mean and maximum over all positions, added."""
    return maps.mean((2, 3)) + maps.amax((2, 3))


class SoundTower(nn.Module):
    """Spectrograms [B, 64, T] -> maps [B, 8 * width, 4, T / 16]."""

    def __init__(self, config: TowersConfig) -> None:
        super().__init__()
        width = config.width
        self.blocks = nn.ModuleList(
            [
                _block(1, width, stride=2),
                _block(width, 2 * width),
                _block(2 * width, 4 * width),
                _block(4 * width, 8 * width),
            ]
        )

    def forward(self, mel: Tensor) -> Tensor:
        """Maps of the last block."""
        x = mel.unsqueeze(1)
        for number, block in enumerate(self.blocks):
            x = block(x if number == 0 else F.max_pool2d(x, 2))
        return x


class PictureTower(nn.Module):
    """Pictures -> maps [B, 8 * width, 14, 14]."""

    def __init__(self, config: TowersConfig) -> None:
        super().__init__()
        self.vision = config.vision
        width, features = config.width, config.features
        if config.vision == "imagenet":
            self.net = nn.Sequential(
                nn.BatchNorm2d(MAP_CHANNELS),
                nn.Conv2d(MAP_CHANNELS, features, 1, bias=False),
                nn.BatchNorm2d(features),
                nn.ReLU(),
                nn.Dropout2d(0.1),
                nn.Conv2d(features, features, 1, bias=False),
                nn.BatchNorm2d(features),
                nn.ReLU(),
            )
        else:
            self.net = nn.Sequential(
                _block(3, width, stride=2),
                nn.MaxPool2d(2),
                _block(width, 2 * width),
                nn.MaxPool2d(2),
                _block(2 * width, 4 * width),
                _block(4 * width, features),
            )

    def forward(self, pictures: Tensor) -> Tensor:
        """Maps of the last layer."""
        maps: Tensor = self.net(pictures)
        return maps


class L3Net(nn.Module):
    """Whether picture and sound belong together."""

    usual: Tensor
    spread: Tensor

    def __init__(self, config: TowersConfig) -> None:
        super().__init__()
        self.config = config
        self.picture = PictureTower(config)
        self.sound = SoundTower(config)
        self.fuse = nn.Sequential(nn.Linear(2 * config.features, 128), nn.ReLU(), nn.Linear(128, 2))
        # How high each unit of the picture's tower usually peaks: what a picture excites is told against it.
        self.register_buffer("usual", torch.zeros(config.features))
        self.register_buffer("spread", torch.ones(config.features))

    def forward(self, pictures: Tensor, mel: Tensor) -> Tensor:
        """Logits [B, 2]: apart, together."""
        return self.judge(pool(self.picture(pictures)), pool(self.sound(mel)))

    def excitement(self, maps: Tensor) -> Tensor:
        """Deviations [B, C] by which each unit's peak lies above its usual one, from maps of the picture's tower."""
        return (maps.amax((2, 3)) - self.usual) / self.spread

    def judge(self, seen: Tensor, heard: Tensor) -> Tensor:
        """As forward, from the towers' pooled features, both [B, 8 * width]."""
        logits: Tensor = self.fuse(torch.cat([seen, heard], 1))
        return logits


def build(text: Mapping[str, object]) -> TowersConfig:
    """The config that :meth:`TowersConfig.as_dict` wrote."""
    vision = str(text["vision"])
    return TowersConfig("scratch" if vision == "scratch" else "imagenet", int(str(text["width"])))
