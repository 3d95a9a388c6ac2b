"""Sound textures: what their 502 numbers say, how clusters compare, and that the net is stored whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth.dsp.cochleagram import COMPRESSION, erb_cutoffs_hz
from synth.models import sound_texture
from synth.models.sound_texture import (
    BANDS,
    MODULATION_HZ,
    MODULATIONS,
    PAIRS,
    TEXTURE,
    Clusters,
    TextureNet,
    TextureNetConfig,
    textures,
)

RATE_HZ = 22050
MODULATION = 2 * BANDS + PAIRS  # where the modulation energies begin


def noise(duration_s: float, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))).astype(np.float32)


def clusters(count: int = 3) -> Clusters:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((count, TEXTURE)).astype(np.float32)
    return Clusters(
        np.full(TEXTURE, 2, np.float32),
        np.full(TEXTURE, 3, np.float32),
        centres,
        np.linspace(0, 2, 101, dtype=np.float32),
        tuple(f"kind {k}" for k in range(count)),
        np.zeros((count, BANDS), np.float32),
    )


# --- the texture --------------------------------------------------------------------------------------------------


def test_the_parts_add_up_to_the_published_number() -> None:
    assert (BANDS, PAIRS, BANDS * MODULATIONS) == (32, 117, 320)
    assert TEXTURE == 502
    assert sound_texture.texture(noise(4), RATE_HZ).shape == (502,)


def test_a_level_changes_the_loudness_and_nothing_else() -> None:
    loud, soft = (sound_texture.texture(noise(4) * gain, RATE_HZ) for gain in (1.0, 0.1))
    np.testing.assert_allclose(loud[:-1], soft[:-1], atol=1e-4)
    assert soft[-1] / loud[-1] == pytest.approx(0.1**COMPRESSION, rel=1e-3)


def test_the_mean_says_which_bands_sound() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(4 * RATE_HZ) / RATE_HZ).astype(np.float32)
    means = sound_texture.texture(tone, RATE_HZ)[:BANDS]
    edges = erb_cutoffs_hz(BANDS)
    assert edges[int(means.argmax()) - 1] < 1000 < edges[int(means.argmax()) + 1]


@pytest.mark.parametrize("beat_hz", [2.0, 14.0, 52.0])
def test_modulation_is_found_at_its_frequency(beat_hz: float) -> None:
    steady = noise(8)
    beating = steady * (1 + np.sin(2 * np.pi * beat_hz * np.arange(len(steady)) / RATE_HZ)).astype(np.float32)
    more = [
        sound_texture.texture(sound, RATE_HZ)[MODULATION:-1].reshape(BANDS, MODULATIONS)[-6:].mean(0)
        for sound in (beating, steady)
    ]
    centres = np.geomspace(*MODULATION_HZ, MODULATIONS)
    assert int((more[0] - more[1]).argmax()) == int(np.abs(np.log(centres / beat_hz)).argmin())


def test_neighbouring_bands_of_claps_go_together_and_those_of_noise_do_not() -> None:
    claps = np.zeros(4 * RATE_HZ, np.float32)
    for start in range(0, len(claps), RATE_HZ // 3):
        claps[start : start + 300] = noise(1)[:300]
    pairs = slice(2 * BANDS, MODULATION)
    assert sound_texture.texture(claps, RATE_HZ)[pairs].mean() > 0.6
    assert sound_texture.texture(noise(4), RATE_HZ)[pairs].mean() < 0.2


def test_silence_and_nothing_at_all_have_no_texture() -> None:
    assert not textures(np.zeros(RATE_HZ, np.float32), RATE_HZ).any()
    assert not textures(np.zeros(0, np.float32), RATE_HZ).any()


def test_a_long_sound_has_a_texture_a_window() -> None:
    assert textures(noise(10), RATE_HZ).shape == (3, TEXTURE)  # 3.75, 3.75 and the 2.5 s that are left
    assert textures(noise(8), RATE_HZ).shape == (2, TEXTURE)  # what is left is too short
    assert textures(noise(0.2), RATE_HZ).shape == (1, TEXTURE)
    assert np.isfinite(textures(noise(0.2), RATE_HZ)).all()


# --- clusters -----------------------------------------------------------------------------------------------------


def test_distances_are_those_of_standardised_numbers() -> None:
    known = clusters()
    values = (known.centres[1] * 0.5) * 3 + 2
    assert known.distances(values[None])[0, 1] == pytest.approx(
        float(np.sqrt(np.mean((known.standardised(values) - known.centres[1]) ** 2))), abs=1e-4
    )
    assert known.distances(values[None])[0].argmin() == 1


def test_typicality_is_the_share_of_what_lies_farther() -> None:
    known = clusters()
    assert [known.typicality(distance) for distance in (0.0, 0.5, 2.0, 9.0)] == [1.0, 0.75, 0.0, 0.0]


# --- the net ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("vision", "shape"), [("imagenet", (2, 432, 14, 14)), ("scratch", (2, 3, 112, 112))])
def test_the_net_is_stored_and_found_again(vision: sound_texture.Vision, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net = TextureNet(TextureNetConfig(3, vision, channels=8)).eval()
    again, known = sound_texture.unpack(*sound_texture.pack(net, clusters()))
    seen = np.random.default_rng(0).random(shape).astype(np.float32)
    np.testing.assert_allclose(again.expect(seen), net.expect(seen), atol=5e-3)
    assert net.expect(seen).sum() == pytest.approx(1, abs=1e-4)
    assert known.names == clusters().names
    np.testing.assert_array_equal(known.centres, clusters().centres)


def test_weights_of_something_else_are_refused() -> None:
    tensors, about = sound_texture.pack(TextureNet(TextureNetConfig(3, channels=8)), clusters())
    with pytest.raises(ValueError, match="not the weights of sound textures"):
        sound_texture.unpack({**tensors, "centres": tensors["centres"][:2]}, about)
    with pytest.raises(ValueError, match="not the weights of sound textures"):
        sound_texture.unpack({}, about)
