"""VGG-19 up to fc6 (Simonyan and Zisserman, ICLR 2015, arXiv 1409.1556): what Zhou et al. saw the picture with.

Configuration E: sixteen 3 x 3 convolutions in five blocks with a pooling after each, then the first fully connected
layer and its ReLU, 4096 numbers. No weights are shipped or downloaded: they are the user's, a state dict with
torchvision's names (``features.0.weight`` ... ``features.34.bias``, ``classifier.0.weight``, ``classifier.0.bias``);
what comes after fc6 may be in it and is not looked at.

Pictures are squeezed to 224 x 224 (bilinear), scaled to 0..1, and brought to ImageNet's mean and deviation a colour,
RGB, as torchvision's weights expect. Caffe's original weights want BGR in 0..255: convert them first.

Shapes: K pictures, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.models.reproducible import reproducible_inference

PLAN: Final = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Channels and convolutions of each block of VGG-19."""
FC6: Final = 4096
INPUT_PX: Final = 224
CLASSES: Final = 1000
_MEAN: Final = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_DEVIATION: Final = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
_AT_ONCE: Final = 4


class VGG(nn.Module):
    """Pictures [K, 3, S, S] to fc6's answers [K, outputs]; S = ``side_px``, a multiple of 2 to the number of blocks."""

    def __init__(self, plan: Sequence[tuple[int, int]] = PLAN, outputs: int = FC6, side_px: int = INPUT_PX) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for wide, convolutions in plan:
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, wide, 3, padding=1), nn.ReLU(inplace=True)]
                channels = wide
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        left_px = side_px >> len(plan)
        self.classifier = nn.Sequential(nn.Linear(channels * left_px**2, outputs), nn.ReLU(inplace=True))

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures of ImageNet's statistics [K, 3, S, S] -> [K, outputs], none below 0."""
        seen: Tensor = self.classifier(self.features(pictures).flatten(1))
        return seen


class VGG19Eye:
    """RGB pictures [K, H, W, 3] in, fc6 [K, 4096] out; a :class:`synth.voices.ambient.scene.Eye`.

    Args:
        state: tensors by torchvision's names.

    Raises:
        ValueError: a tensor is missing or has another shape; the sentence says which was expected.
    """

    outputs: int = FC6

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        with torch.device("meta"):
            net = VGG()
        fitting = fitted(net, state)
        net.load_state_dict(fitting, assign=True)
        self._net = net.eval()

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """RGB [K, H, W, 3] -> fc6 [K, 4096], and zeros [K, 1000]: VGG's own classes are not asked."""
        parts = [self._see(pictures[first : first + _AT_ONCE]) for first in range(0, len(pictures), _AT_ONCE)]
        return np.concatenate(parts), np.zeros((len(pictures), CLASSES), np.float32)

    def _see(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        with reproducible_inference():
            seen: Tensor = self._net(prepared(pictures))
        return seen.numpy()


def prepared(pictures: NDArray[np.uint8], side_px: int = INPUT_PX) -> Tensor:
    """RGB pictures [K, H, W, 3] as the network wants them, float32 [K, 3, S, S]."""
    square = np.stack([cv2.resize(one, (side_px, side_px), interpolation=cv2.INTER_LINEAR) for one in pictures])
    return (torch.from_numpy(square).permute(0, 3, 1, 2).float() / 255 - _MEAN) / _DEVIATION


def fitted(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Just the tensors that a network has, in single precision.

    Raises:
        ValueError: one is missing or has another shape.
    """
    out: dict[str, Tensor] = {}
    for name, wanted in net.state_dict().items():
        if name not in state:
            raise ValueError(
                f"VGG-19's {name} {list(wanted.shape)} is missing; expected are torchvision's names, "
                f"features.0.weight to classifier.0.bias, and there is {', '.join(list(state)[:3]) or 'nothing'} ..."
            )
        if state[name].shape != wanted.shape:
            raise ValueError(f"VGG-19's {name} has shape {list(state[name].shape)}; expected is {list(wanted.shape)}")
        out[name] = state[name].float()
    return out
