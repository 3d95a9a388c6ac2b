"""The pitch out of a reader's answers, and speech that has it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.dsp.pitch import voice_pitch
from synth.metrics.voicing import pitch_figures
from synth.models.speech.lip_pitch import LipPitchConfig
from synth.voices.speech import harmonics, pitch, spectra

CONFIG = LipPitchConfig(median_hz=120.0)
Floats = NDArray[np.float32]


def _answers(pitch_hz: NDArray[np.float64], sure: float = 0.9) -> Floats:
    """What a reader says that knows it, 0 being unvoiced, but for doubts."""
    grid = CONFIG.grid()
    shares = np.full((len(pitch_hz), CONFIG.pitches + 1), (1 - sure) / CONFIG.pitches)
    nearest = np.abs(np.log2(np.maximum(pitch_hz, 1))[:, None] - grid).argmin(1) + 1
    shares[np.arange(len(pitch_hz)), np.where(pitch_hz > 0, nearest, 0)] = sure
    return np.log(shares).astype(np.float32)


def test_a_glide_is_followed_and_a_single_wrong_octave_is_not() -> None:
    wanted = 120 * 2 ** (0.3 * np.sin(np.arange(200) / 30))
    answers = _answers(wanted)
    answers[100] = _answers(np.array([240.0]))[0]
    found = pitch.track_of(CONFIG, answers)
    assert found.dtype == np.float32
    assert np.abs(np.log2(found[:, 0] / wanted)).max() < 0.1
    assert found[:, 1].min() > 0.8


def test_there_is_a_pitch_where_nothing_is_voiced_and_it_says_so() -> None:
    wanted = np.where(np.arange(120) < 60, 150.0, 0.0)
    found = pitch.track_of(CONFIG, _answers(wanted))
    assert np.isfinite(found).all()
    assert found[:55, 1].min() > 0.8
    assert found[65:, 1].max() < 0.2
    assert pitch.track_of(CONFIG, np.zeros((0, CONFIG.pitches + 1), np.float32)).shape == (0, 2)


def test_movements_are_enlarged_about_the_median_and_stay_on_the_grid() -> None:
    wide = dataclasses.replace(CONFIG, spread=1.5)
    answers = _answers(np.repeat([100.0, 120.0, 144.0], 60))
    before, after = (pitch.track_of(config, answers)[[30, 90, 150], 0] for config in (CONFIG, wide))
    np.testing.assert_allclose(np.log2(after / 120), 1.5 * np.log2(before / 120), atol=0.01)
    high = pitch.track_of(dataclasses.replace(wide, spread=9.0), answers)[:, 0]
    assert high.min() >= CONFIG.low_hz - 0.01
    assert high.max() <= CONFIG.high_hz + 0.01


def _vowel(count: int) -> Floats:
    """Log magnitudes [S, F] that fall by 12 dB an octave."""
    bins_hz = np.arange(spectra.BINS) * spectra.RATE_HZ / spectra.WINDOW
    return np.tile(np.log(20 / (1 + (bins_hz / 300) ** 2)), (count, 1)).astype(np.float32)


def _track(count: int, pitch_hz: NDArray[np.float64], voicing: float) -> Floats:
    return np.stack([pitch_hz, np.full(count, voicing)], 1).astype(np.float32)


def test_voiced_speech_has_the_pitch_that_it_is_given_and_unvoiced_has_none() -> None:
    count = 200
    wanted = 110 * 2 ** (0.25 * np.sin(np.arange(count) / 40))
    noise = np.random.default_rng(0).random(count * spectra.HOP).astype(np.float32)
    for voicing in (1.0, 0.0):
        source = harmonics.Source.of(_track(count, wanted, voicing))
        sound = harmonics.speak(source, 0, _vowel(count), noise)
        assert sound.shape == (count * spectra.HOP,)
        heard = voice_pitch(sound, spectra.RATE_HZ, spectra.HOP)[5 : count - 5]
        if voicing:
            assert (heard > 0).mean() > 0.95
            assert np.median(np.abs(np.log2(heard[heard > 0] / wanted[5:-5][heard > 0]))) < 0.01
        else:
            assert (heard > 0).mean() < 0.2


def test_the_envelope_is_that_of_the_spectra_and_silence_is_silent() -> None:
    count = 120
    logs = _vowel(count)
    logs[60:] = spectra.QUIETEST
    noise = np.random.default_rng(1).random(count * spectra.HOP).astype(np.float32)
    source = harmonics.Source.of(_track(count, np.full(count, 125.0), 0.9))
    sound = harmonics.speak(source, 0, logs, noise)
    assert np.abs(sound[66 * spectra.HOP :]).max() < 1e-6
    made = np.log(np.sqrt(np.mean(np.exp(2 * spectra.log_mel(sound, count)[10:50]), 0)))
    wanted = np.log(np.exp(logs[0]) @ spectra.filters().T)
    assert np.abs(made - wanted)[4:-4].mean() < 0.4


def test_pieces_go_on_with_the_same_pulses() -> None:
    count = 100
    noise = np.random.default_rng(2).random(count * spectra.HOP).astype(np.float32)
    source = harmonics.Source.of(_track(count, np.linspace(100, 140, count), 1.0))
    whole = harmonics.speak(source, 0, _vowel(count), noise)
    later = harmonics.speak(source, 40, _vowel(60), noise[40 * spectra.HOP :])
    inside = slice(10 * spectra.HOP, 50 * spectra.HOP)
    one, other = whole[40 * spectra.HOP :][inside], later[inside]
    assert np.corrcoef(one, other)[0, 1] > 0.95


def test_figures_of_a_pitch() -> None:
    heard = np.where(np.arange(100) < 50, 120 * 2 ** (0.1 * np.sin(np.arange(100) / 5)), 0).astype(np.float32)
    same = np.stack([heard + (heard == 0), heard > 0], 1)
    found = pitch_figures([heard], [same])
    assert found.voicing_error == 0
    assert found.pitch_rms_cents == pytest.approx(0, abs=1e-3)
    assert found.pitch_correlation == pytest.approx(1)
    steady = pitch_figures([heard], [np.stack([np.full(100, 120.0), np.arange(100) < 40], 1)])
    assert steady.voicing_error == pytest.approx(0.1)
    assert steady.pitch_correlation is None
    assert steady.pitch_rms_cents is not None
    assert 50 < steady.pitch_rms_cents < 120
    assert pitch_figures([np.zeros(4)], [np.zeros((4, 2))]).pitch_rms_cents is None
    with pytest.raises(ValueError, match="no frames"):
        pitch_figures([], [np.zeros((0, 2))])
