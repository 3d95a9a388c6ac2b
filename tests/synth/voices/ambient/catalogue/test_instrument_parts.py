"""Parts of instruments and crowds against what physics or arithmetic says of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.instruments import winds
from synth.voices.ambient.catalogue.parts.instruments.melody import Phrase, midi_hz
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.instruments.plates import gong, plate
from synth.voices.ambient.catalogue.parts.instruments.strings import bowed_string, string_modes, wooden_body
from synth.voices.ambient.catalogue.parts.space import add_at, in_turn, joined
from synth.voices.ambient.catalogue.parts.voice import crowd
from synth.voices.ambient.catalogue.performance import Samples

RATE_HZ = 48_000


def _peak_hz(sound: Samples, low_hz: float, high_hz: float) -> float:
    """Highest peak of the spectrum between two frequencies, by a parabola through its logarithm."""
    size = 8 * len(sound)
    level = np.log(np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size)) + 1e-12)
    first, last = int(low_hz * size / RATE_HZ), int(high_hz * size / RATE_HZ)
    at = first + int(np.argmax(level[first:last]))
    left, middle, right = level[at - 1 : at + 2]
    return float((at + 0.5 * (left - right) / (left - 2 * middle + right)) * RATE_HZ / size)


def test_a_bank_of_modes_is_the_sum_of_its_modes() -> None:
    rng = np.random.default_rng(1)
    hz, t60_s = rng.uniform(100, 9000, 40), rng.uniform(0.5, 3, 40)
    gain, phase = rng.uniform(0, 1, 40), rng.uniform(0, 6, 40)
    n = RATE_HZ // 3  # shorter than the shortest mode is heard, so that nothing is cut off
    t = np.arange(n)[:, None] / RATE_HZ
    expected = (gain * np.sin(2 * np.pi * hz * t + phase) * 10 ** (-3 * t / t60_s)).sum(1)
    assert decaying_modes(n, RATE_HZ, hz, t60_s, gain, phase) == pytest.approx(expected, abs=1e-5)


def test_modes_above_the_rate_and_without_gain_stay_out() -> None:
    assert not decaying_modes(100, 16_000, [9000, 100], 1.0, [1, 0]).any()


@pytest.mark.parametrize("pitch_hz", [82.4, 440.0, 1318.5])
def test_partials_of_a_stiff_string_are_stretched(pitch_hz: float) -> None:
    stiffness = 4e-4
    sound = string_modes(RATE_HZ, RATE_HZ, np.random.default_rng(2), pitch_hz, stiffness=stiffness, pluck_place=0.12)
    for k in (1, 2, 4):
        expected = k * pitch_hz * np.sqrt(1 + stiffness * k * k)
        assert _peak_hz(sound, 0.9 * expected, 1.1 * expected) == pytest.approx(expected, rel=3e-4)


def test_a_string_plucked_in_the_middle_lacks_its_even_partials() -> None:
    sound = string_modes(RATE_HZ, RATE_HZ, np.random.default_rng(3), 300, pluck_place=0.5, stiffness=0.0)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert spectrum[595:606].max() < 0.003 * spectrum[295:306].max()


def test_a_bow_plays_in_tune_and_the_body_is_bumpy() -> None:
    sound = bowed_string(RATE_HZ, RATE_HZ, np.random.default_rng(4), 440, vibrato_cents=0, bow_noise=0.0)
    assert _peak_hz(sound, 400, 480) == pytest.approx(440, rel=0.004)
    levels = np.array([level for _, level in wooden_body(((20, 0), (20_000, 0)), seed=1)])
    assert levels.std() > 4


def test_harmonics_are_the_sum_of_sines() -> None:
    pitch_hz = np.linspace(200, 300, 4000)
    gains: list[float | NDArray[np.float64]] = [1.0, 0.5, np.linspace(0, 1, 4000), 0.1]
    phase = np.cumsum(pitch_hz) * 2 * np.pi / RATE_HZ
    expected = sum(gain * np.sin(k * phase) for k, gain in enumerate(gains, 1))
    assert winds.harmonics(pitch_hz, RATE_HZ, gains) == pytest.approx(expected, abs=1e-9)


def test_a_clarinet_has_hardly_any_even_harmonics() -> None:
    sound = winds.clarinet(RATE_HZ, RATE_HZ, np.random.default_rng(5), 250)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    odd, even = (sum(spectrum[250 * k - 9 : 250 * k + 10].sum() for k in ks) for ks in ((1, 3, 5), (2, 4, 6)))
    assert 10 * np.log10(even / odd) < -15


def test_brass_grows_brighter_with_loudness() -> None:
    def centroid(brightness: float) -> float:
        sound = winds.brass(
            RATE_HZ,
            RATE_HZ,
            np.random.default_rng(6),
            233,
            level=1.0,
            brightness=brightness,
            cut_hz=2000,
            from_hz=233,
            slide_s=0,
        )
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float(np.sum(power * np.fft.rfftfreq(len(sound), 1 / RATE_HZ)) / power.sum())

    assert centroid(1.2) > 1.5 * centroid(0.3)


def _centroid_hz(sound: Samples) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return float(np.sum(power * np.fft.rfftfreq(len(sound), 1 / RATE_HZ)) / power.sum())


def test_a_gongs_energy_climbs_after_the_stroke_and_a_cymbals_falls() -> None:
    rng = np.random.default_rng(7)
    struck = gong(3.0, RATE_HZ, rng, pitch_hz=130, force=0.8)
    assert _centroid_hz(struck[RATE_HZ : 3 * RATE_HZ // 2]) > 1.15 * _centroid_hz(struck[: RATE_HZ // 20])
    soft, hard = (gong(2.0, RATE_HZ, np.random.default_rng(8), pitch_hz=130, force=force) for force in (0.3, 1.0))
    assert _centroid_hz(hard[RATE_HZ:]) > 1.15 * _centroid_hz(soft[RATE_HZ:])
    cymbal = plate(3.0, RATE_HZ, rng, low_hz=330, count=300, t60_s=4)
    assert _centroid_hz(cymbal[2 * RATE_HZ :]) < _centroid_hz(cymbal[: RATE_HZ // 4])


def test_phrases_repeat_for_one_body_and_keep_to_their_range() -> None:
    phrase, again, other = (Phrase.drawn(np.random.default_rng(seed), 60, 72) for seed in (9, 9, 10))
    assert phrase == again
    assert phrase != other
    notes = [phrase.note(index) for index in range(200)]
    assert all(60 <= note.midi <= 72 for note in notes)
    assert sum(note.steps for note in notes[:192]) == 192
    assert midi_hz(69) == 440
    assert midi_hz(57) == pytest.approx(220)


def test_a_dense_crowd_is_each_sound_at_its_time() -> None:
    bank = [np.array([1.0, 0.5]), np.array([2.0])]
    times_s = np.array([0.0, 0.0002, 0.001, -1.0, 9.0])
    made = crowd.dense(100, 10_000, bank, times_s, np.array([1, 1, 3, 1, 1.0]), np.array([0, 1, 0, 0, 1]))
    expected = np.zeros(100)
    expected[[0, 1, 2, 10, 11]] = [1, 0.5, 2, 3, 1.5]
    assert made == pytest.approx(expected)


def test_claps_have_unit_energy_and_are_short() -> None:
    for sound in crowd.claps(RATE_HZ, np.random.default_rng(11), 5):
        assert np.sum(sound**2) == pytest.approx(1)
        assert np.sum(sound[: RATE_HZ // 50] ** 2) > 0.6


def test_sounds_are_put_where_they_belong() -> None:
    out = np.zeros(5)
    add_at(out, np.ones(4), -2)
    add_at(out, np.ones(4), 4)
    assert out.tolist() == [1, 1, 0, 0, 1]
    assert joined(10, [np.ones(2), 0.3, np.ones(1)]).tolist() == [1, 1, 0, 0, 0, 1]
    turns = in_turn(1000, 100, np.random.default_rng(12), lambda: np.ones(10), lambda: 0.4)
    assert np.flatnonzero(np.diff(turns, prepend=0) == 1)[1:4].tolist() == pytest.approx(
        np.flatnonzero(np.diff(turns, prepend=0) == 1)[0] + 50 * np.arange(1, 4)
    )
