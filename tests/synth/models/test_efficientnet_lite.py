"""The folded backbone against the code of its package, on the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray

from synth import weights
from synth.models.efficientnet_lite import EfficientNetLite0
from synth.models.imagenet import ImageNetEye


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return weights.load_imagenet()


def pictures(count: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(3).integers(0, 256, (count, 7, 7, 3)).astype(np.uint8)
    return coarse.repeat(32, 1).repeat(32, 2)


def test_answers_are_those_of_the_package(state: dict[str, torch.Tensor]) -> None:
    package = EfficientNet.from_name("efficientnet-lite0")
    package.load_state_dict(state)
    package.eval()
    light = torch.from_numpy(pictures(3)).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        ours = EfficientNetLite0(state)(light)
        features = package.extract_features(light)
        classes = package._fc(features.mean((2, 3)))
    torch.testing.assert_close(ours.pooled, features.mean((2, 3)), rtol=0, atol=1e-4)
    torch.testing.assert_close(ours.classes, classes, rtol=0, atol=1e-4)
    assert (ours.fine.shape, ours.coarse.shape) == ((3, 112, 14, 14), (3, 320, 7, 7))


def test_a_picture_is_seen_the_same_whatever_stands_beside_it(state: dict[str, torch.Tensor]) -> None:
    eye, several = ImageNetEye(state), pictures(6)
    together = eye.look(several)
    for number in range(len(several)):
        alone = eye.look(several[number : number + 1])
        np.testing.assert_array_equal(alone.pooled[0], together.pooled[number])
        np.testing.assert_array_equal(alone.maps[0], together.maps[number])
