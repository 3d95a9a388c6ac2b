"""One channel and two: panning keeps power, the middle stays the middle, mono sums are known."""

from __future__ import annotations

import numpy as np
import pytest

from synth.dsp.loudness import integrated_lufs
from synth.dsp.stereo import mono_loss_db, pan_gains, panned, to_channels
from synth.media import audio
from synth.media.sound import limiter
from synth.voices.hits.strike_position import StrikePositions


def test_power_is_the_same_wherever_a_sound_stands() -> None:
    gains = pan_gains(np.linspace(-1, 1, 41))
    np.testing.assert_allclose((gains**2).sum(1), 2.0)
    np.testing.assert_allclose(pan_gains(0.0), [1, 1])
    assert pan_gains(-1.0)[0] > 3 * pan_gains(-1.0)[1]
    assert pan_gains(7.0) == pytest.approx(pan_gains(1.0))


def test_a_sound_may_move() -> None:
    sound = panned(np.ones(100, np.float32), np.linspace(-1, 1, 100))
    assert sound.shape == (100, 2)
    assert sound[0, 0] > sound[0, 1]
    assert sound[-1, 0] < sound[-1, 1]


def test_channels_are_made_and_mixed() -> None:
    mono = np.array([0.5, -0.25], np.float32)
    np.testing.assert_array_equal(to_channels(mono, 2), [[0.5, 0.5], [-0.25, -0.25]])
    np.testing.assert_array_equal(to_channels(to_channels(mono, 2), 1), mono)
    np.testing.assert_array_equal(to_channels(mono, 1), mono)
    assert to_channels(np.zeros((0,), np.float32), 2).shape == (0, 2)


def test_how_much_a_mono_sum_loses() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal((2, 100_000))
    assert mono_loss_db(np.stack([one, one], 1)) == pytest.approx(0)
    assert mono_loss_db(np.stack([one, other], 1)) == pytest.approx(3, abs=0.1)
    assert mono_loss_db(np.zeros((4, 2))) == 0


def test_both_channels_are_held_down_together() -> None:
    rate_hz = 48_000
    loud = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz).astype(np.float32)
    sound = np.stack([loud, 0.25 * loud], 1)
    limited, was = limiter.limit(sound, rate_hz, -6.0)
    assert was
    assert limiter.true_peak_dbtp(limited) <= -5.99
    inside = np.abs(limited[:, 1]) > 1e-3
    np.testing.assert_allclose(limited[inside, 0] / limited[inside, 1], 4.0, rtol=1e-3)


def test_loudness_of_two_channels_is_met() -> None:
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((48_000 * 2, 2)).astype(np.float32) * 0.01
    made, told = audio.normalise(noise, 48_000, loudness_lufs=-20.0, true_peak_dbtp=-1.0)
    assert made.shape == noise.shape
    assert integrated_lufs(made, 48_000) == pytest.approx(-20.0, abs=0.2)
    assert told.true_peak_dbtp is not None
    assert told.true_peak_dbtp <= -1.0


def test_a_strike_is_heard_where_the_picture_moves() -> None:
    def frames() -> list[np.ndarray]:
        made = []
        for index in range(30):
            frame = np.full((48, 64, 3), 20, np.uint8)
            column = 4 if index < 15 else 56
            frame[10 + index % 5 : 20 + index % 5, column : column + 4] = 220
            made.append(frame)
        return made

    positions = StrikePositions(15.0)
    assert len(list(positions.watch(frames()))) == 30
    left, right = positions.pans([0.5, 1.6])
    assert left < -0.6
    assert right > 0.6
    assert StrikePositions(15.0).pans([1.0]) == [0.0]
