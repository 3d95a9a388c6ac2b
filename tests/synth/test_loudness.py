"""Our meter against another one, on sounds of all lengths, rates and levels."""

from __future__ import annotations

import warnings

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from synth.dsp.loudness import SILENCE_LUFS, integrated_lufs


def by_pyloudnorm(sound: NDArray[np.float32], rate_hz: int) -> float:
    shortest = int(np.ceil(0.4 * rate_hz)) + 1
    padded = np.pad(sound, [(0, max(0, shortest - len(sound))), (0, 0)][: sound.ndim])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return float(pyloudnorm.Meter(rate_hz).integrated_loudness(padded.astype(np.float64)))


def moments(count: int, channels: int, seed: int) -> NDArray[np.float32]:
    """Noise that falls quiet, then silent, and comes back."""
    random = np.random.default_rng(seed)
    sound = random.standard_normal((count, channels) if channels else count) * random.uniform(0.001, 0.3)
    sound[count // 3 :] *= 0.001
    sound[count // 2 : count * 3 // 4] = 0.0
    sound[count * 3 // 4 :] *= 800.0
    return sound.astype(np.float32)


@pytest.mark.parametrize("rate_hz", [1000, 8000, 11_025, 32_001, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("seconds", [1e-3, 0.4, 0.449, 3.0, 7.37])
@pytest.mark.parametrize("channels", [0, 1, 2, 5])
def test_it_is_what_another_meter_reads(rate_hz: int, seconds: float, channels: int) -> None:
    sound = moments(max(1, round(seconds * rate_hz)), channels, seed=rate_hz + channels)
    wanted, found = by_pyloudnorm(sound, rate_hz), integrated_lufs(sound, rate_hz)
    if wanted >= SILENCE_LUFS:
        assert found == pytest.approx(wanted, abs=1e-8)
    else:
        assert found is None


@pytest.mark.parametrize("count", [64**3 - 1, 64**3, 64**3 + 1, 2 * 64**3 + 64**2])
def test_it_does_not_matter_where_pieces_end(count: int) -> None:
    sound = moments(count, 2, seed=count)
    assert integrated_lufs(sound, 48_000) == pytest.approx(by_pyloudnorm(sound, 48_000), abs=1e-8)


def test_what_dies_away_does_not_end_in_numbers_that_are_slow() -> None:
    """Processors take a hundred times as long for numbers that are nearly too small to be told."""
    sound = np.zeros((10 * 64**3, 1), np.float32)
    sound[0] = 1.0
    with np.errstate(under="raise"):
        integrated_lufs(sound, 48_000)


def test_silence_has_no_loudness() -> None:
    for sound in (np.zeros((48_000, 2)), np.zeros(0), np.full(48_000, 1e-5)):
        assert integrated_lufs(sound.astype(np.float32), 48_000) is None
