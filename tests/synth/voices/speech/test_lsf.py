"""Line spectral frequencies: there and back, stable whatever is said, resonances and silence kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from synth import randomness
from synth.voices.speech import lsf

Doubles = NDArray[np.float64]

angles = st.lists(st.floats(-1, 4), min_size=lsf.ORDER, max_size=lsf.ORDER)


def _uniforms(frames: int, seed: int = 0) -> NDArray[np.float32]:
    return randomness.uniforms(seed, "test", 0, frames * lsf.HOP)


def _resonances(formants_hz: tuple[float, ...], radius: float = 0.95) -> Doubles:
    """A filter [P + 1] with a pair of poles at each of four frequencies."""
    poles = radius * np.exp(2j * np.pi * np.array(formants_hz) / lsf.RATE_HZ)
    return np.real(np.poly(np.concatenate([poles, poles.conj()])))


VOWEL = _resonances((600.0, 1500.0, 2500.0, 3400.0))


def _spoken(filter_: Doubles, frames: int, level: float = 0.05) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).normal(size=frames * lsf.HOP)
    sound = signal.lfilter([1.0], filter_, noise)
    return np.asarray(level * sound / sound.std(), np.float32)


# --- there and back -----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(angles)
def test_frequencies_come_back_from_their_filter(raw: list[float]) -> None:
    wanted = lsf.ordered(np.array([raw]))
    np.testing.assert_allclose(lsf.lsf_of_lpc(lsf.lpc_of_lsf(wanted)), wanted, atol=1e-5)


@settings(deadline=None)
@given(st.lists(st.floats(-0.9, 0.9), min_size=lsf.ORDER, max_size=lsf.ORDER))
def test_stable_filters_come_back_from_their_frequencies(reflections: list[float]) -> None:
    filter_ = np.array([1.0])
    for reflection in reflections:
        filter_ = np.pad(filter_, (0, 1)) + reflection * np.pad(filter_, (0, 1))[::-1]
    frequencies = lsf.lsf_of_lpc(filter_[None])
    assert np.all(np.diff(frequencies) >= 0)
    assert np.all((frequencies >= 0) & (frequencies <= np.pi))
    back = lsf.lpc_of_lsf(frequencies)[0]
    np.testing.assert_allclose(back, filter_, atol=1e-5 * np.abs(filter_).max())


def test_a_flat_spectrum_has_evenly_spread_frequencies() -> None:
    flat = np.zeros((1, lsf.ORDER + 1))
    flat[0, 0] = 1
    np.testing.assert_allclose(lsf.lsf_of_lpc(flat)[0], np.pi * np.arange(1, 9) / 9, atol=1e-9)
    np.testing.assert_allclose(lsf.lpc_of_lsf(np.pi * np.arange(1, 9)[None] / 9), flat, atol=1e-12)


def test_prediction_finds_the_filter_that_a_sound_was_made_with() -> None:
    sound = _spoken(VOWEL, 200)
    windows = np.lib.stride_tricks.sliding_window_view(sound, 4000)[::2000] * np.hanning(4000)
    found, _ = lsf.lpc(windows)
    frequencies_hz = lsf.lsf_of_lpc(found).mean(0) * lsf.RATE_HZ / (2 * np.pi)
    wanted_hz = lsf.lsf_of_lpc(VOWEL[None])[0] * lsf.RATE_HZ / (2 * np.pi)
    assert np.abs(frequencies_hz - wanted_hz).max() < 40


# --- stability ----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(angles)
def test_whatever_a_network_says_becomes_a_stable_filter(raw: list[float]) -> None:
    frequencies = lsf.ordered(np.array([raw]))
    gaps = np.diff(frequencies, prepend=0.0, append=np.pi)
    assert gaps.min() >= lsf.LEAST_GAP - 1e-9
    assert np.abs(np.roots(lsf.lpc_of_lsf(frequencies)[0])).max() < 1


def test_what_is_in_order_stays_as_it_is() -> None:
    given_ = np.pi * np.array([[0.05, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 0.95]])
    np.testing.assert_array_equal(lsf.ordered(given_), given_)


def test_wild_features_stay_finite() -> None:
    features = np.random.default_rng(1).normal(0, 20, (40, lsf.FEATURES))
    sound = lsf.synthesise(features, _uniforms(40))
    assert np.isfinite(sound).all()


# --- sound --------------------------------------------------------------------------------------------------------


def test_resonances_and_loudness_survive_the_whisper() -> None:
    sound = np.concatenate([_spoken(VOWEL, 60), _spoken(_resonances((300.0, 2200.0, 2900.0, 3600.0)), 60, 0.01)])
    whispered = lsf.synthesise(lsf.analyse(sound), _uniforms(120))
    assert whispered.shape == sound.shape
    for part in (slice(800, 8800), slice(10400, 18400)):
        level_db = 20 * np.log10(whispered[part].std() / sound[part].std())
        assert abs(level_db) < 2
        _, real = signal.welch(sound[part], lsf.RATE_HZ, nperseg=256)
        _, made = signal.welch(whispered[part], lsf.RATE_HZ, nperseg=256)
        assert np.corrcoef(np.log(real), np.log(made))[0, 1] > 0.9


def test_a_frame_stands_for_its_own_20_ms() -> None:
    sound = np.zeros(20 * lsf.HOP, np.float32)
    sound[10 * lsf.HOP : 11 * lsf.HOP] = _spoken(VOWEL, 1)
    gains = lsf.analyse(sound)[:, lsf.ORDER]
    assert int(gains.argmax()) == 10
    assert gains[9] == pytest.approx(gains[11], abs=1.5)
    assert np.all(np.delete(gains, [9, 10, 11]) == np.float32(lsf.QUIETEST))


def test_silence_stays_silent() -> None:
    features = lsf.analyse(np.zeros(10 * lsf.HOP))
    np.testing.assert_allclose(features[:, : lsf.ORDER], np.tile(np.pi * np.arange(1, 9) / 9, (10, 1)), atol=1e-6)
    assert np.all(features[:, lsf.ORDER] == np.float32(lsf.QUIETEST))
    assert np.abs(lsf.synthesise(features, _uniforms(10))).max() < 1e-9


def test_the_whisper_depends_on_features_and_uniforms_alone() -> None:
    features = lsf.analyse(_spoken(VOWEL, 20))
    first = lsf.synthesise(features, _uniforms(20))
    np.testing.assert_array_equal(first, lsf.synthesise(features, _uniforms(20)))
    assert not np.array_equal(first, lsf.synthesise(features, _uniforms(20, seed=1)))


@pytest.mark.parametrize("samples", [0, 1, 79, 100, 3200, 3300])
def test_any_length_can_be_analysed(samples: int) -> None:
    features = lsf.analyse(np.full(samples, 0.1))
    assert features.shape == (round(samples / lsf.HOP), lsf.FEATURES)
    assert lsf.analyse(np.full(samples, 0.1), 7).shape == (7, lsf.FEATURES)
    assert np.isfinite(features).all()
    assert lsf.synthesise(features, _uniforms(len(features))).shape == (len(features) * lsf.HOP,)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="are needed"):
        lsf.synthesise(np.zeros((3, 8)), _uniforms(3))
    with pytest.raises(ValueError, match="are needed"):
        lsf.synthesise(np.zeros((3, 9)), _uniforms(2))
