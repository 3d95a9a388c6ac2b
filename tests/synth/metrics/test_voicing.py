"""Figures of a pitch against the one that is heard."""

from __future__ import annotations

import numpy as np
import pytest

from synth.metrics.speech import RATE_HZ, heard_pitch
from synth.metrics.voicing import pitch_figures

HEARD = np.where(np.arange(100) < 50, 120 * 2 ** (0.1 * np.sin(np.arange(100) / 5)), 0).astype(np.float32)


def test_the_same_pitch_is_met_and_a_steady_one_moves_nowhere() -> None:
    found = pitch_figures(HEARD, HEARD)
    assert found.voicing_error == 0
    assert found.pitch_rms_cents == pytest.approx(0, abs=1e-3)
    assert found.pitch_correlation == pytest.approx(1)
    assert found.spread_ratio == pytest.approx(1)
    steady = pitch_figures(HEARD, np.where(np.arange(100) < 40, 120.0, 0.0))
    assert steady.voicing_error == pytest.approx(0.1)
    assert steady.pitch_correlation is None
    assert steady.pitch_rms_cents is not None
    assert 50 < steady.pitch_rms_cents < 120


def test_what_was_not_measured_is_none() -> None:
    assert pitch_figures(np.zeros(4), np.zeros(4)).pitch_rms_cents is None
    with pytest.raises(ValueError, match="no frames"):
        pitch_figures(np.zeros(0), np.zeros(0))


def test_a_voice_a_semitone_higher_is_a_hundred_cents_off() -> None:
    times_s = np.arange(RATE_HZ) / RATE_HZ
    glide = 1 + 0.1 * np.sin(4 * np.pi * times_s)
    voices = [
        0.1 * np.sum([np.cos(2 * np.pi * k * np.cumsum(hz * glide) / RATE_HZ) / k for k in range(1, 8)], 0)
        for hz in (130.0, 130.0 * 2 ** (1 / 12))
    ]
    found = heard_pitch(*voices)
    assert found.voicing_error < 0.05
    assert found.pitch_rms_cents == pytest.approx(100, abs=15)
    assert found.pitch_correlation is not None
    assert found.pitch_correlation > 0.95
