"""A source that goes by against Doppler's formula and the law of distance."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.parts.mechanical.passing import passing, received, sent_s, source_length

RATE_HZ = 48_000


def frequency_hz(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    return float(spectrum.argmax() * RATE_HZ / (8 * len(sound)))


def test_the_pitch_falls_by_dopplers_law() -> None:
    speed, n = 40.0, 6 * RATE_HZ
    source = np.sin(2 * np.pi * 1000 * np.arange(source_length(n, RATE_HZ, speed, 3.0, 3.0)) / RATE_HZ)
    sound = passing(source, n, RATE_HZ, speed, 3.0, 3.0)
    assert frequency_hz(sound[: RATE_HZ // 2]) == pytest.approx(received(1000, speed, True), rel=0.004)
    assert frequency_hz(sound[-RATE_HZ // 2 :]) == pytest.approx(received(1000, speed, False), rel=0.004)


def test_the_level_falls_with_distance() -> None:
    speed, n = 20.0, 8 * RATE_HZ
    source = np.sin(2 * np.pi * 60 * np.arange(source_length(n, RATE_HZ, speed, 5.0, 4.0)) / RATE_HZ)
    sound = passing(source, n, RATE_HZ, speed, 5.0, 4.0)

    def rms(at_s: float) -> float:
        piece = sound[int((at_s - 0.1) * RATE_HZ) : int((at_s + 0.1) * RATE_HZ)]
        return float(np.sqrt(np.mean(piece**2)))

    far_m = np.hypot(5.0, 20.0 * 3.0)
    assert rms(1.0) / rms(4.02) == pytest.approx(5.0 / far_m, rel=0.15)


def test_what_is_heard_was_sent_a_distance_earlier() -> None:
    heard = np.linspace(-3, 5, 50)
    sent = sent_s(heard, 90.0, 50.0, 1.0)
    assert 343.0 * (heard - sent) == pytest.approx(np.hypot(50.0, 90.0 * (sent - 1.0)), rel=1e-9)


def test_the_source_lasts_until_the_end() -> None:
    n, speed = 3 * RATE_HZ, 90.0
    length = source_length(n, RATE_HZ, speed, 50.0, 2.9)
    assert length > 1.2 * n
    sound = passing(np.ones(length), n, RATE_HZ, speed, 50.0, 2.9)
    assert len(sound) == n
