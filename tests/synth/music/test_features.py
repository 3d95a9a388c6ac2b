"""The 1140 numbers of a piece of music: its parts are told apart, and what they say is what was played."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from synth.data.music_scenes.notes import play
from synth.data.music_scenes.scenes import draw_mood
from synth.dsp.spectra import stft
from synth.errors import MediaError
from synth.music import features
from synth.music.features import FEATURES, NAMES, RATE_HZ

LONG = round(8 * RATE_HZ)


def _tone(hz: float, samples: int = LONG) -> NDArray[np.float32]:
    return np.asarray(0.3 * np.sin(2 * np.pi * hz * np.arange(samples) / RATE_HZ), np.float32)


def _clicks(samples: int = LONG) -> NDArray[np.float32]:
    sound = np.zeros(samples, np.float32)
    sound[:: RATE_HZ // 2] = 1.0
    return sound


def _value(numbers: NDArray[np.float32], name: str) -> float:
    return float(numbers[NAMES.index(name)])


def test_there_are_as_many_numbers_as_in_the_paper() -> None:
    assert FEATURES == 2 * 190 * 3 == 1140
    assert len(set(NAMES)) == FEATURES
    numbers = features.music_features(play(draw_mood(1, 0), RATE_HZ, 6.0), RATE_HZ)
    assert numbers.shape == (FEATURES,)
    assert np.isfinite(numbers).all()


def test_what_rings_and_what_strikes_are_told_apart() -> None:
    tone, clicks = (features.music_features(sound, RATE_HZ) for sound in (_tone(440), _clicks()))
    assert _value(tone, "harmonic level, mean") > _value(tone, "percussive level, mean") + 20
    assert _value(clicks, "percussive level, maximum") > _value(clicks, "harmonic level, maximum") + 20


def test_the_parts_are_those_of_librosa() -> None:
    sound = _tone(440) + _clicks()
    spectra = np.abs(stft(sound, window=512, hop=256).T)
    ours = features._ringing_share(spectra)
    theirs, _ = librosa.decompose.hpss(spectra, mask=True)
    inside = np.s_[16:-16, 16:-16]  # the margins are filled in differently
    assert np.abs(ours[inside] - theirs[inside]).max() < 1e-3


@pytest.mark.parametrize(("hz", "pitch_class"), [(261.63, 0), (440.0, 9), (1174.66, 2)])
def test_chroma_names_the_pitch(hz: float, pitch_class: int) -> None:
    numbers = features.music_features(_tone(hz), RATE_HZ)
    for kind in ("chroma", "chroma energy"):
        rows = [_value(numbers, f"harmonic {kind} {k}, mean") for k in range(12)]
        assert int(np.argmax(rows)) == pitch_class


def test_spectral_shape_agrees_with_librosa() -> None:
    rng = np.random.default_rng(0)
    sound = np.asarray(0.1 * rng.standard_normal(LONG), np.float32)
    magnitude = np.abs(stft(sound, window=512, hop=256).T)
    rows = dict(zip(features.MEASURES, features._measures(magnitude, sound), strict=True))
    theirs = librosa.feature
    assert np.allclose(1000 * rows["centroid"], theirs.spectral_centroid(S=magnitude, sr=RATE_HZ)[0], rtol=1e-3)
    assert np.allclose(1000 * rows["bandwidth"], theirs.spectral_bandwidth(S=magnitude, sr=RATE_HZ)[0], rtol=1e-3)
    assert np.allclose(1000 * rows["roll-off"], theirs.spectral_rolloff(S=magnitude, sr=RATE_HZ)[0], atol=1)
    mel = 10 * np.log10(librosa.feature.melspectrogram(S=magnitude**2, sr=RATE_HZ, n_fft=512, n_mels=96) + 1e-10)
    assert np.allclose(rows["mel 60"], mel[60], atol=0.1)
    slope = librosa.feature.delta(np.stack([rows["cepstrum 3"]]), mode="nearest")[0]
    assert np.allclose(rows["cepstrum 3, slope"], slope, atol=1e-3)


def test_level_says_nothing_and_neither_does_the_rate() -> None:
    sound = play(draw_mood(1, 1), 48_000, 6.0)
    loud, soft = (features.music_features(sound * np.float32(gain), 48_000) for gain in (1.0, 0.1))
    assert np.allclose(loud, soft, rtol=1e-3, atol=1e-3)
    at_12 = features.music_features(play(draw_mood(1, 1), RATE_HZ, 6.0), RATE_HZ)
    assert abs(_value(loud, "harmonic centroid, mean") - _value(at_12, "harmonic centroid, mean")) < 0.2


def test_only_the_middle_of_a_long_track_is_heard() -> None:
    middle = play(draw_mood(1, 2), RATE_HZ, features.DURATION_S)
    rest = np.asarray(np.random.default_rng(0).standard_normal(RATE_HZ * 5), np.float32)
    whole = features.music_features(np.concatenate([rest, middle, rest]), RATE_HZ)
    assert np.allclose(whole, features.music_features(middle, RATE_HZ), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("tempo_bpm", [80.0, 110.0, 150.0])
def test_the_tempo_is_heard(tempo_bpm: float) -> None:
    beats = np.zeros(16 * RATE_HZ, np.float32)
    beats[(np.arange(0, 16, 60 / tempo_bpm) * RATE_HZ).astype(int)] = 1.0
    heard = features.tempo_bpm(beats + 0.1 * _tone(330, len(beats)), RATE_HZ)
    assert heard == pytest.approx(tempo_bpm, rel=0.04)


@pytest.mark.parametrize(
    ("sound", "said"), [(np.zeros(LONG, np.float32), "silent"), (_tone(440, 2 * RATE_HZ), "at least 3 s")]
)
def test_what_is_no_music_is_refused(sound: NDArray[np.float32], said: str) -> None:
    with pytest.raises(MediaError, match=said):
        features.music_features(sound, RATE_HZ)
