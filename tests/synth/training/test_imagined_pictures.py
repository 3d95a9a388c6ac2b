"""Pictures that nobody took: the packaged net sees in them what was put there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth import weights
from synth.data.sounding_scenes.scenes import CLASSES
from synth.models.imagenet import ImageNetEye
from synth.models.vocabulary.scenes import SEEN_IN_EVALUATION, WORDS
from synth.training.audiovisual import data, imagined_pictures


@pytest.fixture(scope="module")
def eye() -> ImageNetEye:
    return ImageNetEye(weights.load_imagenet())


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> data.AVData:
    """Some frames to imagine on; scenes do as well as films."""
    return data.scenes(Path(tmp_path_factory.mktemp("cache")), 4, mixes=1)


def test_pooled_features_lead_to_a_sight_of_the_label(eye: ImageNetEye, frames: data.AVData) -> None:
    rng = np.random.default_rng(0)
    right = 0
    for number in range(20):
        label = ("dog", "drum", "clock_tick", "bird")[number % 4]
        made = imagined_pictures.pooled_like(label, frames.pooled[number % len(frames.pooled)], eye.directions, rng)
        assert made is not None
        weight, level = eye.directions
        right += int((weight @ made + level).argmax()) in list(imagined_pictures.SIGHTS[label])
    assert right >= 16
    assert imagined_pictures.pooled_like("wood", frames.pooled[0], eye.directions, rng) is None


def test_words_that_were_chosen_in_view_of_what_is_measured_are_left_out() -> None:
    assert set(imagined_pictures.SIGHTS) <= set(CLASSES)
    for name, words in WORDS.items():
        for word, (index, _) in words.items():
            if word in SEEN_IN_EVALUATION and name != "dog":
                assert index not in list(imagined_pictures.SIGHTS[name])
