"""The spectra of speech and the way back from them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.randomness import uniforms
from synth.voices.speech import spectra


def _vowel(duration_s: float = 0.6, pitch_hz: float = 120.0) -> NDArray[np.float32]:
    """A buzz with two formants, faded in and out."""
    times_s = np.arange(round(duration_s * spectra.RATE_HZ)) / spectra.RATE_HZ
    sound = np.zeros_like(times_s)
    for harmonic in range(1, 40):
        hz = harmonic * pitch_hz
        gain = np.exp(-(((hz - 600) / 250) ** 2)) + 0.5 * np.exp(-(((hz - 1800) / 400) ** 2))
        sound += gain * np.sin(2 * np.pi * hz * times_s + harmonic)
    return np.asarray(0.3 * sound / np.abs(sound).max() * np.sin(np.pi * times_s / duration_s), np.float32)


def _phases(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.asarray(2 * np.pi * uniforms(1, "test", 0, int(np.prod(shape))).reshape(shape), np.float32)


def test_there_are_four_spectra_a_picture() -> None:
    second = np.zeros(spectra.RATE_HZ, np.float32)
    wanted = spectra.PICTURE_RATE_HZ * spectra.SPECTRA_A_PICTURE
    assert spectra.log_mel(second, wanted).shape == (wanted, spectra.BANDS)
    assert spectra.log_linear(second, wanted).shape == (wanted, spectra.BINS)


def test_where_more_spectra_are_wanted_than_there_is_sound_there_is_silence() -> None:
    logs = spectra.log_mel(_vowel(0.2), 60)
    assert np.all(logs[30:] == np.float32(spectra.QUIETEST))
    assert logs[5:15].max() > 0


def test_every_band_weighs_its_bins_to_one() -> None:
    filters = spectra.filters()
    np.testing.assert_allclose(filters.sum(1), 1, atol=1e-5)
    assert np.all(filters >= 0)


def test_a_tone_is_loudest_in_the_band_that_holds_it() -> None:
    times_s = np.arange(spectra.RATE_HZ) / spectra.RATE_HZ
    centre_bin = 40
    tone = np.sin(2 * np.pi * centre_bin * spectra.RATE_HZ / spectra.WINDOW * times_s)
    mel = spectra.log_mel(tone)[50]
    assert int(np.argmax(mel)) == int(np.argmax(spectra.filters()[:, centre_bin]))


@pytest.mark.parametrize("way", ["linear", "mel"])
def test_sound_comes_back_with_the_spectra_it_had(way: str) -> None:
    sound = _vowel()
    logs = spectra.log_linear(sound) if way == "linear" else spectra.log_mel(sound)
    back = spectra.from_linear if way == "linear" else spectra.from_mel
    made = back(logs, _phases((len(logs), spectra.BINS)))
    assert len(made) == len(logs) * spectra.HOP
    again = spectra.log_mel(made, len(logs))
    true = spectra.log_mel(sound, len(logs))
    loud = true > true.max() - 4
    assert np.abs(again[loud] - true[loud]).mean() < (0.2 if way == "linear" else 0.35)
    wrong = spectra.log_mel(_vowel(pitch_hz=180), len(logs))
    assert np.abs(wrong[loud] - true[loud]).mean() > 0.5


def test_silence_sounds_as_silence() -> None:
    quiet = np.full((40, spectra.BINS), spectra.QUIETEST, np.float32)
    assert np.abs(spectra.from_linear(quiet, _phases(quiet.shape))).max() == 0


def test_bands_of_the_inverse_are_those_that_were_asked_for() -> None:
    true = spectra.log_mel(_vowel())
    bands = np.log(np.maximum(np.exp(spectra.linear_of_mel(true)) @ spectra.filters().T, np.exp(spectra.QUIETEST)))
    loud = true > true.max() - 4
    assert np.abs(bands[loud] - true[loud]).mean() < 0.1


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="shape"):
        spectra.from_linear(np.zeros((4, spectra.BINS)), np.zeros((3, spectra.BINS)))
