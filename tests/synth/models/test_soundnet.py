"""SoundNet: its shapes are the published ones, what is stored is found again, other people's weights fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth.models import soundnet
from synth.models.soundnet import OBJECTS, PLACES, SoundNet, SoundNetConfig, filled, windows

SMALL = SoundNetConfig(5, 0.125, ((OBJECTS, 7),))


def net(config: SoundNetConfig = SMALL) -> SoundNet:
    torch.manual_seed(0)
    return SoundNet(config).eval()


def noise(samples: int) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(0).standard_normal(samples)).astype(np.float32)


def published() -> dict[str, dict[str, NDArray[np.float32]]]:
    """Numbers in the shape of the published file."""
    rng = np.random.default_rng(0)
    kernels = {"conv1": (64, 1, 16), "conv2": (32, 16, 32), "conv3": (16, 32, 64), "conv4": (8, 64, 128)}
    kernels |= {"conv5": (4, 128, 256), "conv6": (4, 256, 512), "conv7": (4, 512, 1024)}
    kernels |= {"conv8": (8, 1024, 1000), "conv8_2": (8, 1024, 401)}
    return {
        name: {"weights": rng.standard_normal((k, 1, into, out), np.float32), "biases": np.zeros(out, np.float32)}
        | (
            {}
            if name.startswith("conv8")
            else {part: np.ones(out, np.float32) for part in ("gamma", "beta", "mean", "var")}
        )
        for name, (k, into, out) in kernels.items()
    }


def test_twenty_seconds_make_the_four_answers_of_the_paper() -> None:
    big = net(SoundNetConfig())
    with torch.inference_mode():
        heard = big(torch.zeros(1, 441_000))
    assert {name: tuple(value.shape) for name, value in heard.items()} == {OBJECTS: (1, 1000, 4), PLACES: (1, 401, 4)}
    assert sum(value.numel() for value in big.parameters()) / 1e6 == pytest.approx(14.3, abs=0.1)


def test_layers_are_found_by_their_published_names() -> None:
    assert net(SoundNetConfig(8, 0.125)).layer_names == (
        "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "conv6", "conv7",
    )  # fmt: skip
    heard = net().hear(noise(110_250), ("pool2", "conv4"))
    assert {name: value.shape for name, value in heard.items()} == {"pool2": (430, 8), "conv4": (14, 32)}
    with pytest.raises(KeyError, match="no layer 'conv9'; it has conv1, pool1"):
        net().hear(noise(110_250), ("conv9",))


@pytest.mark.parametrize("layers", [5, 8])
def test_the_shortest_sound_has_one_answer_and_a_sample_less_has_none(layers: int) -> None:
    small = net(SoundNetConfig(layers, 0.125, ((OBJECTS, 3),)))
    with torch.inference_mode():
        assert small(torch.zeros(1, small.shortest))[OBJECTS].shape == (1, 3, 1)
        with pytest.raises(RuntimeError):
            small(torch.zeros(1, small.shortest - 1))


def test_a_short_sound_is_repeated() -> None:
    assert filled(np.array([1, 2], np.float32), 5).tolist() == [1, 2, 1, 2, 1]
    assert filled(np.zeros(0), 3).tolist() == [0, 0, 0]
    assert net().hear(noise(500), ("conv4",))["conv4"].shape[1] == 32


def test_the_answer_depends_on_the_sound_beyond_its_level() -> None:
    time_s = np.arange(110_250) / soundnet.RATE_HZ
    low, high = (np.sin(2 * np.pi * hz * time_s).astype(np.float32) for hz in (200, 3000))
    heard = [net().hear(sound, ("conv4",))["conv4"].mean(0) for sound in (low, high, high)]
    assert np.abs(heard[0] - heard[1]).max() > 1e-3
    np.testing.assert_array_equal(heard[1], heard[2])


def test_windows_follow_one_another() -> None:
    steps = np.repeat(np.arange(5, dtype=np.float32), 2)[:, None]
    assert windows(steps, 5.4).tolist() == [[0], [1], [2], [3], [4]]
    assert windows(steps, 0.3).shape == (1, 1)
    assert windows(steps, 2.0, spread=True).shape == (2, 2)
    assert np.isfinite(windows(steps[:2], 5.0)).all()  # fewer steps than windows


def test_what_is_stored_is_found_again() -> None:
    small = net()
    again = soundnet.unpack(*soundnet.pack(small))
    sound = noise(110_250)
    heard = [one.hear(sound, ("conv4",))["conv4"] for one in (small, again)]
    np.testing.assert_allclose(heard[1], heard[0], atol=1e-3 * float(heard[0].max()))
    with pytest.raises(ValueError, match="not the weights of a SoundNet"):
        soundnet.unpack({}, {})


@pytest.mark.parametrize("config", [SoundNetConfig(6), SoundNetConfig(5, 0), SoundNetConfig(5, 1, ())])
def test_an_impossible_shape_is_refused(config: SoundNetConfig) -> None:
    with pytest.raises(ValueError, match="5 or 8 layers"):
        SoundNet(config)


def test_published_weights_are_taken_over_tap_by_tap() -> None:
    raw = published()
    big = SoundNet(SoundNetConfig())
    big.load_state_dict(soundnet.public_state(raw))
    big.eval()
    with torch.inference_mode():
        first = big.convolutions["conv1"](torch.eye(101)[None, 50:51])[0]
    # An impulse at sample 50 meets tap k where 2 t - 32 + k = 50.
    assert first[3, 41] == pytest.approx(raw["conv1"]["weights"][0, 0, 0, 3])
    assert first[3, 31] == pytest.approx(raw["conv1"]["weights"][20, 0, 0, 3])
    del raw["conv6"]
    with pytest.raises(ValueError, match="not the published weights of SoundNet-8: 'conv6'"):
        soundnet.public_state(raw)
