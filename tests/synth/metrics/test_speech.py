"""Measures of made speech: what they give for sounds whose distance is known."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.evaluation.speech import tables
from synth.metrics import speech as metrics
from tests.support.paths import SHARED_DATA

RATE_HZ = metrics.RATE_HZ
Sound = NDArray[np.float32]


def babble(seed: int, seconds: float = 2.0) -> Sound:
    """Syllables of a voice that means nothing: a buzz through three resonances that move, with pauses."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    knots = np.linspace(0, count, round(6 * seconds) + 1)

    def path(low: float, high: float) -> NDArray[np.float64]:
        return np.asarray(np.interp(np.arange(count), knots, rng.uniform(low, high, len(knots))))

    pitch = 2 * np.pi * np.cumsum(path(90, 160)) / RATE_HZ
    formants = [path(300, 800), path(900, 2200), path(2300, 3200)]
    sound = np.zeros(count)
    for harmonic in range(1, 40):
        hz = harmonic * np.gradient(pitch) * RATE_HZ / 2 / np.pi
        sound += sum(np.exp(-(((hz - f) / 150) ** 2)) for f in formants) * np.sin(harmonic * pitch)
    loudness = np.interp(np.arange(count), knots, rng.choice([0.0, 0.6, 1.0], len(knots), p=[0.3, 0.3, 0.4]))
    sound = sound * loudness + 1e-4 * rng.standard_normal(count)
    return np.asarray(0.5 * sound / np.max(np.abs(sound)), np.float32)


def later(sound: Sound, seconds: float) -> Sound:
    """The same, moved; a negative time moves it forward."""
    samples = round(seconds * RATE_HZ)
    return np.pad(sound, (max(0, samples), max(0, -samples)))[max(0, -samples) :][: len(sound)]


def known(value: float | None) -> float:
    """A value that must have been measured."""
    assert value is not None
    return value


def test_a_sound_is_perfect_against_itself_at_any_level() -> None:
    real = babble(1)
    for found in (metrics.measure(real, real), metrics.measure(real, 0.1 * real)):
        assert found.stoi == pytest.approx(1, abs=0.01)
        assert found.estoi == pytest.approx(1, abs=0.01)
        assert found.mcd_db == pytest.approx(0, abs=0.05)
        assert found.mcd_dtw_db == pytest.approx(0, abs=0.05)
        assert found.log_mel_l1_db == pytest.approx(0, abs=0.05)
        assert found.activity_iou == 1
        assert found.lag_s == 0


def test_every_measure_falls_with_noise_and_is_worst_for_another_sentence() -> None:
    real = babble(2)
    noise = np.random.default_rng(0).standard_normal(len(real)).astype(np.float32)
    found = [metrics.measure(real, made).values() for made in (real, real + 0.01 * noise, real + 0.1 * noise)]
    for name in ("stoi", "estoi"):
        clean, little, much = (known(row[name]) for row in found)
        assert clean > little > much, name
    for name in ("mcd_db", "mcd_dtw_db", "log_mel_l1_db"):
        clean, little, much = (known(row[name]) for row in found)
        assert clean < little < much, name
    other = metrics.measure(real, babble(3))
    assert known(other.stoi) < 0.7
    assert known(other.estoi) < 0.4


def test_pesq_is_highest_for_the_sound_itself_and_falls_with_noise() -> None:
    pytest.importorskip("pesq", reason="pesq has to be compiled, and is not installed here")
    real = babble(2)
    noise = np.random.default_rng(0).standard_normal(len(real)).astype(np.float32)
    for pesq, highest in ((metrics.pesq_narrow, 4.549), (metrics.pesq_wide, 4.644)):  # what P.862.1 and .2 map to
        clean, little, much = (
            known(pesq(real, made)) for made in (0.1 * real, real + 0.01 * noise, real + 0.1 * noise)
        )
        assert clean == pytest.approx(highest, abs=0.01)
        assert clean > little > much


@settings(max_examples=12, deadline=None)
@given(steps=st.integers(-95, 95))
def test_a_lag_is_found_and_undone(steps: int) -> None:
    real = babble(4)
    lag_s = steps * 0.002
    moved, found_s = metrics.align(real, later(real, lag_s))
    assert found_s == pytest.approx(lag_s, abs=0.0021)
    inner = slice(4000, -4000)
    assert np.corrcoef(moved[inner], later(real, lag_s - found_s)[inner])[0, 1] > 0.999


def test_a_shorter_and_a_longer_sound_are_measured_over_the_real_one() -> None:
    real = babble(5)
    for made in (real[:-800], np.pad(real, (0, 800))):
        aligned, lag_s = metrics.align(real, made)
        assert len(aligned) == len(real)
        assert lag_s == 0


def test_silence_and_moments_are_not_measured() -> None:
    real = babble(6)
    assert set(metrics.measure(real, np.zeros_like(real)).values().values()) == {None}
    assert set(metrics.measure(np.zeros_like(real), real).values().values()) == {None}
    assert set(metrics.measure(real, real[:0]).values().values()) == {None}
    assert metrics.stoi(real[:3200], real[:3200]) is None
    assert metrics.pesq_narrow(real[:1600], real[:1600]) is None
    assert metrics.pesq_wide(np.zeros_like(real), real) is None
    assert metrics.activity_iou(np.zeros(8000), np.zeros(8000)) is None
    assert not metrics.activity(np.zeros(8000)).any()


def test_activity_is_where_it_sounds() -> None:
    sound = np.zeros(RATE_HZ, np.float32)
    sound[4000:12000] = babble(7)[4000:12000] + 0.1 * np.sin(np.arange(8000))
    found = metrics.activity(sound)
    assert found[28:72].all()
    assert not found[:22].any()
    assert not found[-22:].any()
    half = sound.copy()
    half[8000:] = 0
    assert metrics.activity_iou(sound, half) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("order", [1, 4, 13])
def test_distortion_of_a_ripple_is_its_root_mean_square_in_db(order: int) -> None:
    bands = metrics.BANDS
    flat = np.ones((3, bands))
    ripple_db = 6.0 * np.cos(np.pi * order * (np.arange(bands) + 0.5) / bands)
    rippled = flat * 10 ** (ripple_db / 10)
    difference = metrics.mel_cepstrum(flat) - metrics.mel_cepstrum(rippled)
    distortion = 10 / np.log(10) * np.sqrt(2 * np.sum(difference**2, axis=1))
    np.testing.assert_allclose(distortion, np.sqrt(np.mean(ripple_db**2)), rtol=1e-6)
    np.testing.assert_allclose(metrics.mel_cepstrum(7.0 * flat), 0, atol=1e-12)


def test_the_warping_path_is_the_cheapest() -> None:
    values, stretched = np.array([0.0, 1, 2, 3]), np.array([0.0, 0, 0, 1, 2, 2, 3])
    assert metrics.warped_mean(np.abs(values[:, None] - stretched)) == 0
    assert metrics.warped_mean(np.full((5, 5), 2.0)) == pytest.approx(2)
    distances = np.random.default_rng(0).random((6, 9))
    assert metrics.warped_mean(distances) == pytest.approx(_by_recursion(distances))


def _by_recursion(distances: NDArray[np.float64]) -> float:
    def walk(row: int, column: int) -> tuple[float, int]:
        if row == column == 0:
            return distances[0, 0], 1
        before = [(row - 1, column - 1), (row - 1, column), (row, column - 1)]
        cost, length = min(walk(r, c) for r, c in before if r >= 0 and c >= 0)
        return cost + distances[row, column], length + 1

    cost, length = walk(distances.shape[0] - 1, distances.shape[1] - 1)
    return cost / length


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pystoi", None)
    with pytest.raises(OptionError, match=r"pystoi is not installed; pip install 'sonorize\[eval\]'"):
        metrics.stoi(babble(8), babble(8))


# --- on real sentences --------------------------------------------------------------------------------------------

GRID = SHARED_DATA / "grid"


@pytest.mark.skipif(not GRID.is_dir(), reason="no GRID sentences in shared/data/grid")
def test_real_sentences_give_what_was_measured_apart_from_this() -> None:
    """Another sentence of the speaker was .32, .09 and 1.37 in a probe with other code."""
    from synth.media import audio

    names = (GRID / "s1_val.txt").read_text().split()[::8]
    sounds = [audio.read(GRID / "s1" / f"{name}.mkv", RATE_HZ)[0] for name in names]
    found = [metrics.measure(real, made) for real, made in zip(sounds, sounds[1:] + sounds[:1], strict=True)]
    means = {name: tables.figure([one.values()[name] for one in found])["mean"] for name in found[0].values()}
    assert means["stoi"] == pytest.approx(0.31, abs=0.08)
    assert means["estoi"] == pytest.approx(0.09, abs=0.06)
    assert means["pesq_nb_8khz"] == pytest.approx(1.36, abs=0.15)


# --- tables -------------------------------------------------------------------------------------------------------


def test_figures_leave_out_what_was_not_measured() -> None:
    found = tables.figure([1.0, None, 3.0])
    assert found["mean"] == 2
    assert found["sentences"] == 2
    assert (found["low_95"], found["high_95"]) == (1, 3)
    assert tables.figure([None]) == {"mean": None, "low_95": None, "high_95": None, "sentences": 0}


def test_lags_tell_a_systematic_one_from_scattered_ones() -> None:
    found = tables.lag_figure([0.2, 0.04, 0.04, None])
    assert found["median"] == 0.04
    assert found["share_at_the_limit"] == pytest.approx(1 / 3)


def test_pairs_count_in_the_direction_of_the_measure() -> None:
    ours, other = [0.7, 0.8, 0.5, None], [0.6, 0.6, 0.5, 0.1]
    found = tables.paired("stoi", ours, other)
    assert (found["better"], found["worse"]) == (2, 0)
    assert found["difference"] == pytest.approx(0.1)
    assert tables.paired("mcd_db", ours, other)["better"] == 0
    with pytest.raises(ValueError, match="shorter"):
        tables.paired("stoi", ours, other[:2])


@pytest.mark.parametrize(
    ("better", "worse", "p"), [(0, 0, None), (1, 0, 1.0), (5, 0, 0.0625), (8, 2, 112 / 1024), (3, 3, 1.0)]
)
def test_sign_test_is_exact(better: int, worse: int, p: float | None) -> None:
    assert tables.sign_test(better, worse) == p
    assert tables.sign_test(worse, better) == p


def test_sign_test_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="may be negative"):
        tables.sign_test(-1, 2)
