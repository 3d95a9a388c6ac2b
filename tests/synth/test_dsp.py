"""The signal tools against librosa, scipy and closed forms."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.dsp.cochleagram import (
    COCHLEAGRAM_BANDS,
    COMPRESSION,
    _analytic,
    _bank,
    cochleagram,
    cochleagram_steps,
    erb_cutoffs_hz,
    erb_of_hz,
    hz_of_erb,
    invert_cochleagram,
)
from synth.dsp.companding import mu_law_decode, mu_law_encode
from synth.dsp.griffin_lim import griffin_lim
from synth.dsp.onsets import detect_onsets, onset_strengths, onsets
from synth.dsp.resampling import resample
from synth.dsp.spectra import istft, mel_filters, mel_spectrogram, stft

Floats = NDArray[np.float32]
RATE_HZ = 20_000


def _noise(samples: int, seed: int = 0) -> Floats:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def _sine(hz: float, rate_hz: int, duration_s: float = 1.0) -> Floats:
    return np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate_hz)) / rate_hz).astype(np.float32)


def _clicking(times_s: list[float], rate_hz: int, duration_s: float) -> Floats:
    sound = np.zeros(round(duration_s * rate_hz), np.float32)
    for time_s in times_s:
        sound[round(time_s * rate_hz)] = 0.5
    return sound


# --- cochleagram --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1, 3, 7])
def test_squared_filters_sum_to_one(seconds: int) -> None:
    total = np.zeros(seconds * RATE_HZ // 2 + 1)
    bank = _bank(seconds)
    for band in bank:
        total[band.bins] += band.gains.astype(np.float64) ** 2
    assert len(bank) == COCHLEAGRAM_BANDS
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_bands_with_their_own_envelopes_sum_to_the_sound() -> None:
    # Analysis and synthesis with nothing changed in between is the identity.
    sound = _noise(3 * RATE_HZ)
    spectrum = np.fft.rfft(sound).astype(np.complex64)
    total = np.zeros_like(spectrum)
    for band in _bank(3):
        found = np.fft.fft(_analytic(spectrum, band, 3))[: band.gains.size] * band.gains
        total[band.bins] += found * (RATE_HZ / band.rate_hz / 2)
    total[0] *= 2
    np.testing.assert_allclose(np.fft.irfft(total), sound, atol=1e-5)


def test_erb_scale_is_inverted() -> None:
    hz = np.array([20.0, 440.0, 9999.0])
    np.testing.assert_allclose(hz_of_erb(erb_of_hz(hz)), hz)
    edges = erb_cutoffs_hz()
    assert edges.size == 42
    assert edges[0] == pytest.approx(20)
    assert edges[-1] == pytest.approx(10_000)


def test_a_full_scale_sine_in_the_middle_of_its_band_reads_one() -> None:
    band = 20
    sine = _sine(float(erb_cutoffs_hz()[band]), RATE_HZ, 2.0)
    middle = cochleagram(sine, RATE_HZ)[60:120]
    assert int(middle.mean(axis=0).argmax()) == band
    np.testing.assert_allclose(middle[:, band], 1, atol=0.02)
    assert middle[:, band + 3].max() < 0.1


def test_envelopes_are_those_of_scipys_hilbert_transform() -> None:
    # The reference: one band at the full rate, straight from the definition.
    sound = _noise(2 * RATE_HZ)
    padded = np.pad(sound, RATE_HZ)
    ours = cochleagram(sound, RATE_HZ)
    for index, band in enumerate(_bank(4)):
        spectrum = np.zeros(padded.size // 2 + 1, complex)
        spectrum[band.bins] = np.fft.rfft(padded)[band.bins] * band.gains
        envelope = np.abs(scipy.signal.hilbert(np.fft.irfft(spectrum))) ** COMPRESSION
        reference = scipy.signal.resample(envelope, 360)[90:-90]
        assert np.abs(ours[:, index] - reference).max() < 0.006
        assert np.abs(ours[:, index] - reference).mean() < 0.003


def test_silence_stays_silent_and_gain_is_fixed() -> None:
    assert not cochleagram(np.zeros(44_100), 44_100).any()
    assert cochleagram(np.zeros(0), 44_100).shape == (0, 42)
    sound = _noise(RATE_HZ)
    np.testing.assert_allclose(
        cochleagram(sound * 0.01, RATE_HZ), cochleagram(sound, RATE_HZ) * 0.01**0.3, rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 48_000])
def test_steps_follow_the_duration_at_any_rate(rate_hz: int) -> None:
    sound = _sine(1000, rate_hz, 1.5)
    found = cochleagram(sound, rate_hz)
    assert found.shape == (135, 42)
    assert found.dtype == np.float32
    assert cochleagram_steps(sound.size, rate_hz) == 135
    np.testing.assert_allclose(found[20:-20], cochleagram(_sine(1000, RATE_HZ, 1.5), RATE_HZ)[20:-20], atol=0.02)


def test_blocks_leave_no_seam() -> None:
    # 20 s are three blocks; a stretch across a seam must read as when it is worked alone.
    sound = _noise(20 * RATE_HZ)
    whole = cochleagram(sound, RATE_HZ)
    alone = cochleagram(sound[6 * RATE_HZ : 10 * RATE_HZ], RATE_HZ)
    assert whole.shape == (1800, 42)
    assert np.abs(whole[6 * 90 + 30 : 10 * 90 - 30] - alone[30:-30]).max() < 0.03
    assert np.abs(whole[6 * 90 + 30 : 10 * 90 - 30] - alone[30:-30]).mean() < 1e-3


def test_energy_arrives_when_it_sounds() -> None:
    envelopes = cochleagram(_clicking([1.0], 22_050, 2.0), 22_050)
    assert abs(int(np.linalg.norm(envelopes, axis=1).argmax()) - 90) <= 1


def test_inversion_reproduces_the_envelopes() -> None:
    bursts = _noise(2 * RATE_HZ) * (np.sin(np.arange(2 * RATE_HZ) * 2 * np.pi * 3 / RATE_HZ) > 0)
    wanted = cochleagram(bursts, RATE_HZ)
    noise = _noise(2 * RATE_HZ, seed=1)

    def apart(sound: Floats) -> float:
        return float(np.abs(cochleagram(sound, RATE_HZ) - wanted).mean())

    once, thrice = (apart(invert_cochleagram(wanted, noise, iterations=k)) for k in (1, 3))
    assert apart(noise) > 0.06
    assert once < 0.02
    assert thrice < 0.75 * once


def test_inversion_of_silence_and_of_nothing() -> None:
    noise = _noise(RATE_HZ)
    assert not invert_cochleagram(np.zeros((90, 42)), noise).any()
    np.testing.assert_array_equal(invert_cochleagram(np.zeros((90, 42)), noise, iterations=0), noise)
    assert invert_cochleagram(np.zeros((0, 42)), np.zeros(0)).shape == (0,)


def test_inversion_of_a_long_sound_has_no_seam() -> None:
    level = 0.02**0.3
    sound = invert_cochleagram(np.full((1080, 42), level, np.float32), _noise(12 * RATE_HZ), iterations=1)
    loudness = np.sqrt(np.mean(sound.reshape(-1, RATE_HZ // 4) ** 2, axis=1))
    assert loudness[4:-4].std() / loudness[4:-4].mean() < 0.1


def test_inversion_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"\[T, 42\]"):
        invert_cochleagram(np.zeros((90, 41)), np.zeros(100))
    with pytest.raises(ValueError, match="must not be negative"):
        invert_cochleagram(np.zeros((90, 42)), np.zeros(100), iterations=-1)


# --- resampling ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 3000), st.sampled_from([8000, 16_000, 22_050, 44_100]), st.sampled_from([8000, 20_000, 48_000]))
def test_resampling_gives_the_expected_length(samples: int, from_hz: int, to_hz: int) -> None:
    assert resample(np.ones(samples), from_hz, to_hz).size == round(samples * to_hz / from_hz)


def test_resampling_keeps_a_tone_and_drops_what_does_not_fit() -> None:
    kept = resample(_sine(1000, 48_000), 48_000, RATE_HZ)
    np.testing.assert_allclose(kept[500:-500], _sine(1000, RATE_HZ)[500:-500], atol=1e-3)
    assert np.abs(resample(_sine(15_000, 48_000), 48_000, RATE_HZ)[500:-500]).max() < 1e-3


def test_resampling_refuses_what_is_not_mono() -> None:
    with pytest.raises(ValueError, match="mono"):
        resample(np.zeros((2, 100)), 16_000, 8000)
    with pytest.raises(ValueError, match="positive"):
        resample(np.zeros(100), 0, 8000)


# --- STFT, mel, Griffin-Lim, mu-law -------------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "hop", "samples"), [(512, 128, 5000), (400, 160, 4800), (1024, 256, 1700)])
def test_stft_is_librosas(window: int, hop: int, samples: int) -> None:
    sound = _noise(samples)
    theirs = librosa.stft(sound, n_fft=window, hop_length=hop, window="hann", center=True, pad_mode="constant")
    ours = stft(sound, window=window, hop=hop)
    assert ours.shape == (1 + samples // hop, window // 2 + 1)
    np.testing.assert_allclose(ours, theirs.T, atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4000), st.sampled_from([(512, 128), (400, 100), (256, 64)]))
def test_istft_inverts_stft(samples: int, shape: tuple[int, int]) -> None:
    window, hop = shape
    sound = _noise(samples)
    spectra = stft(sound, window=window, hop=hop)
    np.testing.assert_allclose(istft(spectra, window=window, hop=hop, samples=samples), sound, atol=1e-5)


@pytest.mark.parametrize("htk", [False, True])
def test_mel_filters_are_librosas(htk: bool) -> None:
    theirs = librosa.filters.mel(
        sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600, htk=htk, norm=None if htk else "slaney"
    )
    ours = mel_filters(16_000, window=800, bands=80, low_hz=55, high_hz=7600, htk=htk)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_mel_spectrogram_is_librosas() -> None:
    sound = _noise(16_000)
    theirs = librosa.feature.melspectrogram(
        y=sound, sr=16_000, n_fft=800, hop_length=200, n_mels=80, fmin=55, fmax=7600, pad_mode="constant"
    )
    ours = mel_spectrogram(sound, 16_000, window=800, hop=200, bands=80, low_hz=55, high_hz=7600)
    np.testing.assert_allclose(ours, theirs.T, rtol=1e-3, atol=1e-5)


def test_mel_refuses_edges_beyond_half_the_rate() -> None:
    with pytest.raises(ValueError, match="band edges"):
        mel_filters(16_000, window=800, bands=80, high_hz=9000)


def test_griffin_lim_comes_close_and_momentum_helps() -> None:
    sound = _sine(440, 16_000, 0.5) * np.hanning(8000).astype(np.float32) + _noise(8000) * 0.1
    wanted = np.abs(stft(sound, window=512, hop=128))
    phases = 2 * np.pi * np.random.default_rng(0).random(wanted.shape)

    def apart(momentum: float, iterations: int) -> float:
        made = griffin_lim(wanted, phases, window=512, hop=128, samples=8000, iterations=iterations, momentum=momentum)
        return float(np.linalg.norm(np.abs(stft(made, window=512, hop=128)) - wanted) / np.linalg.norm(wanted))

    assert apart(0.99, 60) < apart(0.0, 60) < apart(0.0, 0)
    assert apart(0.99, 60) < 0.1


def test_griffin_lim_refuses_wild_momentum() -> None:
    with pytest.raises(ValueError, match="momentum is"):
        griffin_lim(np.ones((3, 5)), np.zeros((3, 5)), window=8, hop=2, samples=8, momentum=1.5)


@given(st.integers(0, 255))
def test_mu_law_levels_survive_a_round_trip(code: int) -> None:
    assert mu_law_encode(mu_law_decode(np.array([code])))[0] == code


@given(st.floats(-1.5, 1.5, width=32))
def test_mu_law_is_librosas_and_its_range_is_fixed(value: float) -> None:
    ours = int(mu_law_encode(np.array([value]))[0])
    theirs = int(librosa.mu_compress(np.clip(np.array([value]), -1, 1), mu=255, quantize=True)[0]) + 128
    assert 0 <= ours <= 255
    assert abs(ours - theirs) <= 1  # librosa bins the same curve with edges half a level off
    assert abs(float(mu_law_decode(np.array([ours]))[0]) - np.clip(value, -1, 1)) < 0.025


def test_mu_law_keeps_silence_in_the_middle() -> None:
    assert mu_law_encode(np.zeros(3)).tolist() == [128] * 3
    assert abs(float(mu_law_decode(np.array([128]))[0])) < 1e-4


# --- onsets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 48_000])
def test_onsets_of_clicks_are_exact_to_10_ms(rate_hz: int) -> None:
    times_s = [0.0, 0.31, 0.41, 1.234, 2.0, 2.97]
    found = onsets(_clicking(times_s, rate_hz, 3.0), rate_hz)
    np.testing.assert_allclose(found, times_s, atol=0.01)


def test_onsets_of_damped_tones_over_noise() -> None:
    sound = 0.003 * _noise(66_150) / 0.1
    times_s = [0.2, 0.7, 1.5, 2.2]
    for time_s in times_s:
        start = round(time_s * 22_050)
        tail = np.arange(sound.size - start) / 22_050
        sound[start:] += (0.4 * np.exp(-tail * 25) * np.sin(2 * np.pi * 700 * tail + 1)).astype(np.float32)
        sound[start : start + 300] += _noise(300)
    found, strengths = detect_onsets(sound, 22_050)
    np.testing.assert_allclose(found, times_s, atol=0.01)
    assert (strengths > 6).all()
    np.testing.assert_array_equal(onset_strengths(sound, 22_050), strengths)


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(30_000), 1e-6 * np.ones(30_000), _noise(60_000)])
def test_nothing_strikes_in_silence_or_steady_noise(sound: Floats) -> None:
    assert onsets(sound, 22_050).size == 0


def test_onsets_do_not_depend_on_the_level() -> None:
    sound = _clicking([0.5, 1.0], 22_050, 1.5) + 0.001 * _noise(33_075)
    np.testing.assert_array_equal(onsets(sound, 22_050), onsets(0.25 * sound, 22_050))
