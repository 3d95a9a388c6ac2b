"""Words for all sounds of the catalogue: the table, the ranking, and the input that the backbone was trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth import weights
from synth.models.imagenet import SHIPPED_INPUT, TRAINED_INPUT, ImageNetEye, Input
from synth.models.vocabulary.imagenet import NAMES
from synth.models.vocabulary.sound_selector import CANDIDATES, FITS, select_sounds, word_probabilities
from synth.models.vocabulary.sounds import SPEECH, word_table
from synth.sound_names import SOUND_NAMES
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.image_cues import CUES


def sure_of(*words: str) -> NDArray[np.float32]:
    """Class answers [K, 1000] of pictures, each of which is one of these words and nothing else."""
    logits = np.zeros((len(words), 1000), np.float32)
    for row, word in enumerate(words):
        logits[row, NAMES.index(word)] = 20.0
    return logits


def test_the_table_speaks_of_the_catalogue() -> None:
    assert set(word_table().sounds) <= set(all_sounds()) | {SPEECH}
    assert len(word_table().sounds) > 120


def test_every_word_that_an_entry_names_speaks_for_it() -> None:
    table = word_table()
    for sound in all_sounds().values():
        for word in sound.imagenet:
            row = table.weights[table.sounds.index(sound.name)]
            assert row[NAMES.index(word)] > 0, f"{word} does not speak for {sound.name}"
        for word in sound.imagenet_against:
            assert table.weights[table.sounds.index(sound.name), NAMES.index(word)] < 0


def test_the_names_that_need_no_catalogue_are_those_of_the_catalogue() -> None:
    assert set(SOUND_NAMES) == set(all_sounds())
    assert list(SOUND_NAMES) == sorted(SOUND_NAMES)


@pytest.mark.parametrize(
    ("word", "sound"),
    [
        ("beagle", "dog"),
        ("chain saw", "chainsaw"),
        ("cello", "cello"),
        ("steam locomotive", "steam_train"),
        ("seashore", "sea_waves"),
        ("cab", "car_passing"),
        ("espresso maker", "steam"),
        ("assault rifle", "machine_gun"),
    ],
)
def test_a_word_is_its_sound(word: str, sound: str) -> None:
    found = select_sounds(word_probabilities(sure_of(word)))
    assert found.best.name == sound
    assert found.fits
    assert word in found.reason


def test_who_knows_nothing_says_that_nothing_fits_and_offers_the_next() -> None:
    found = select_sounds(np.full(1000, 0.001))
    assert not found.fits
    assert found.best.evidence < FITS
    assert "no sound fits it well" in found.reason
    assert len(found.candidates) == CANDIDATES


def test_the_next_candidates_are_different_sounds() -> None:
    found = select_sounds(word_probabilities(sure_of("ambulance", "cab", "seashore", "beagle", "cello")))
    names = [found.best.name, *(one.name for one in found.candidates)]
    assert len(set(names)) == 1 + CANDIDATES
    table = word_table()
    likest = max(table.likeness(one, other) for one in names for other in names if one != other)
    assert likest < 0.85
    assert [one.evidence for one in found.candidates] == sorted((c.evidence for c in found.candidates), reverse=True)


def test_a_thing_in_a_third_of_the_pictures_counts_a_third() -> None:
    mixed = word_probabilities(sure_of("beagle", "seashore", "seashore"))
    assert mixed[NAMES.index("beagle")] == pytest.approx(1 / 3, abs=0.01)
    assert word_probabilities(np.zeros((0, 1000))).sum() == 0


def test_what_else_is_heard_is_what_the_best_does_not_explain() -> None:
    found = select_sounds(word_probabilities(sure_of("diaper", "diaper", "beagle")))
    assert found.best.name == "crying_baby"
    assert found.evidence["paper_crumpling"] > 0.2
    assert "paper_crumpling" not in found.further
    assert found.further["dog"] == pytest.approx(found.evidence["dog"])


def test_a_flame_is_a_fire_only_where_the_network_is_sure_of_nothing() -> None:
    cues = {**dict.fromkeys(CUES, 0.0), "flame": 0.2, "flame_flicker": 0.02, "dark": 0.6}
    assert select_sounds(np.full(1000, 0.001), cues).best.name == "crackling_fire"
    assert select_sounds(word_probabilities(sure_of("cello")), cues).best.name == "cello"


def _first_variance_ratio(pixels: Input) -> float:
    """Variance that the first convolution meets, against that which its batch norm kept; median over channels.

    Pictures are noise whose spectrum falls as that of photographs does, with their brightness and contrast.
    """
    state = weights.load_imagenet()
    eye = ImageNetEye(state, pixels)
    draw = np.random.default_rng(0)
    fall = 1 / np.maximum(1, np.hypot(*np.meshgrid(np.fft.fftfreq(224) * 224, np.fft.fftfreq(224) * 224)))
    pictures = []
    for _ in range(8):
        grey = np.fft.ifft2(np.fft.fft2(draw.standard_normal((224, 224))) * fall).real
        colour = np.fft.ifft2(np.fft.fft2(draw.standard_normal((3, 224, 224))) * fall).real * 0.3
        light = grey[..., None] + colour.transpose(1, 2, 0)
        pictures.append(np.clip(118 + 62 * light / light.std(), 0, 255).astype(np.uint8))
    with torch.inference_mode():
        seen = torch.nn.functional.pad(eye._light(np.stack(pictures)), (0, 1, 0, 1))
        met = torch.nn.functional.conv2d(seen, state["_conv_stem.weight"], stride=2).var((0, 2, 3))
    return float((met / state["_bn0.running_var"]).median())


def test_the_backbone_was_trained_on_the_plain_input() -> None:
    plain, shifted = _first_variance_ratio(TRAINED_INPUT), _first_variance_ratio(SHIPPED_INPUT)
    assert 0.5 < plain < 2
    assert shifted > 3


def test_the_two_inputs_share_weights_and_do_not_mix() -> None:
    eye = ImageNetEye(weights.load_imagenet())
    pictures = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3)).astype(np.uint8)
    before = eye.features_and_classes(pictures)[1]
    other = eye.fed(TRAINED_INPUT)
    assert not np.allclose(other.features_and_classes(pictures)[1], before)
    np.testing.assert_array_equal(eye.features_and_classes(pictures)[1], before)
