"""The band above 8 kHz: there where the sound goes that high, silent where it is silent, never louder than below."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.dsp.band_replication import HIGH_HZ, LOW_HZ, replicate
from synth.dsp.resampling import resample

NOISE = (np.random.default_rng(3).standard_normal(3 * LOW_HZ) * 0.1).astype(np.float32)


def level_db(sound: NDArray[np.float32], low_hz: float, high_hz: float) -> float:
    """Mean power of a band."""
    hz = np.fft.rfftfreq(len(sound), 1 / HIGH_HZ)
    power = np.square(np.abs(np.fft.rfft(sound)))[(hz >= low_hz) & (hz < high_hz)]
    return 10 * float(np.log10(power.mean() + 1e-20))


def test_noise_goes_on_upwards_and_falls() -> None:
    made = replicate(NOISE)
    assert len(made) == 3 * len(NOISE)
    levels = [level_db(made, low, high) for low, high in ((4000, 7500), (8000, 11000), (11500, 15000), (15500, 19000))]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] - levels[-1] < 15
    assert level_db(made, 21_000, 24_000) < levels[0] - 40


def test_what_was_there_stays() -> None:
    before, made = resample(NOISE, LOW_HZ, HIGH_HZ), replicate(NOISE)
    assert level_db(made - before, 0, 7000) < level_db(before, 0, 7000) - 50


def test_a_dull_sound_gets_no_brightness() -> None:
    spectrum = np.fft.rfft(NOISE)
    spectrum[np.fft.rfftfreq(len(NOISE), 1 / LOW_HZ) > 2500] = 0
    made = replicate(np.fft.irfft(spectrum, len(NOISE)).astype(np.float32))
    assert level_db(made, 8000, 19_000) < level_db(made, 500, 2000) - 50


@pytest.mark.parametrize("count", [0, 1, 700, 5000])
def test_short_ones(count: int) -> None:
    assert replicate(np.zeros(count, np.float32)).shape == (3 * count,)
    assert np.isfinite(replicate(NOISE[:count])).all()
