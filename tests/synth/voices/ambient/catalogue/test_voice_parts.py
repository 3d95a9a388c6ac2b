"""Parts of voices: closed-form pulses, moving resonances, and calls that are measured and spoken again."""

from __future__ import annotations

import numpy as np
import pytest

from synth.errors import OptionError
from synth.training.ambient import call_shapes as recipe
from synth.voices.ambient.catalogue.call_shapes import call_shapes
from synth.voices.ambient.catalogue.parts.curves import through, wander
from synth.voices.ambient.catalogue.parts.voice.call_shape import BAND_HZ, STEPS, CallShape, measured, packed, unpacked
from synth.voices.ambient.catalogue.parts.voice.formants import (
    Formant,
    filter_frames,
    frame_count,
    resonate,
    shape_bands,
    shape_spectrum,
)
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, utter
from synth.voices.ambient.catalogue.parts.voice.voice_source import pulses
from synth.voices.ambient.catalogue.performance import Samples

RATE_HZ = 48_000


def _level_db(sound: Samples, hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    at = round(hz * len(sound) / RATE_HZ)
    return float(20 * np.log10(spectrum[at - 3 : at + 4].max()))


@pytest.mark.parametrize(("steep", "extra"), [(True, 1.0), (False, 0.0)])
def test_harmonics_of_the_pulses_fall_as_the_closed_form_says(steep: bool, extra: float) -> None:
    pitch_hz = np.full(RATE_HZ, 200.0)
    rng = np.random.default_rng(1)
    sound = pulses(pitch_hz, RATE_HZ, rng, brightness_hz=3000, steep=steep, jitter=0, shimmer=0)
    first = _level_db(sound, 200)
    for k in (2, 5, 20, 40):
        expected = -20 * np.log10(np.e) * 200 * (k - 1) / 3000 - 20 * extra * np.log10(k)
        assert _level_db(sound, 200 * k) - first == pytest.approx(expected, abs=0.2)


def test_roughness_puts_subharmonics_between_the_harmonics() -> None:
    clean, rough = (
        pulses(np.full(RATE_HZ, 300.0), RATE_HZ, np.random.default_rng(2), jitter=0, shimmer=0, roughness=depth)
        for depth in (0.0, 0.5)
    )
    assert _level_db(rough, 450) > _level_db(clean, 450) + 20


@pytest.mark.parametrize("n", [100, 5000, 48_001])
def test_a_gain_of_one_changes_nothing(n: int) -> None:
    sound = np.random.default_rng(3).standard_normal(n)
    assert filter_frames(sound, RATE_HZ, np.ones((frame_count(n, RATE_HZ), 9))) == pytest.approx(sound, abs=2e-6)


def test_a_resonance_stands_where_and_as_wide_as_it_was_asked_for() -> None:
    noise = np.random.default_rng(4).standard_normal(10 * RATE_HZ)
    heard = resonate(noise, RATE_HZ, (Formant(2000, 1000),), floor_db=-60)
    power = np.abs(np.fft.rfft(heard)) ** 2
    hz = np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
    top, edge = (power[np.abs(hz - f) < 15].mean() for f in (2000, 2500))
    assert 10 * np.log10(edge / top) == pytest.approx(-4.5, abs=0.7)


def test_a_moving_resonance_follows_its_breakpoints() -> None:
    noise = np.random.default_rng(5).standard_normal(2 * RATE_HZ)
    heard = resonate(noise, RATE_HZ, (Formant(((0, 500), (1, 4000)), 100),), floor_db=-60)
    for part, expected in ((heard[: RATE_HZ // 10], 510), (heard[-RATE_HZ // 10 :], 3900)):
        spectrum = np.abs(np.fft.rfft(part)) ** 2
        centroid = np.sum(spectrum * np.fft.rfftfreq(len(part), 1 / RATE_HZ)) / spectrum.sum()
        assert centroid == pytest.approx(expected, rel=0.12)


def test_band_levels_are_those_that_were_asked_for() -> None:
    levels_db = -1.5 * np.arange(len(BAND_HZ), dtype=np.float64)[None]
    heard = shape_bands(np.random.default_rng(6).standard_normal(5 * RATE_HZ), RATE_HZ, BAND_HZ, levels_db)
    power = np.abs(np.fft.rfft(heard)) ** 2 / len(heard)
    hz = np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
    for band in (6, 12, 20):
        inside = np.abs(np.log2(hz.clip(1) / BAND_HZ[band])) < 0.05
        assert 10 * np.log10(power[inside].mean()) == pytest.approx(levels_db[0, band], abs=0.7)


def test_a_fixed_spectrum_is_straight_between_its_points() -> None:
    click = np.zeros(4096)
    click[2048] = 1
    gain = np.abs(np.fft.rfft(shape_spectrum(click, ((20, 0), (1000, 0), (4000, -20), (24_000, -20)), RATE_HZ), 8192))
    assert 20 * np.log10(gain[round(2000 * 8192 / RATE_HZ)]) == pytest.approx(-10, abs=0.3)


def test_curves_hit_their_points_and_wandering_has_unit_deviation() -> None:
    curve = through(1001, ((0, 100), (0.5, 400), (1, 200)), logarithmic=True)
    assert curve[[0, 500, 1000]] == pytest.approx([100, 400, 200], rel=0.01)
    assert wander(60 * RATE_HZ, RATE_HZ, np.random.default_rng(7), 5).std() == pytest.approx(0.85, abs=0.2)


def test_an_utterance_is_as_long_and_as_high_as_it_was_asked_for() -> None:
    call = Call(pitch=((0, 1), (1, 1)), formants=(Formant(800, 2000),), jitter=0, shimmer=0, breath=0)
    sound = utter(call, 440, 0.5, RATE_HZ, np.random.default_rng(8))
    assert len(sound) == RATE_HZ // 2
    assert np.abs(sound).max() == pytest.approx(1)
    assert np.argmax(np.abs(np.fft.rfft(sound)[:400])) == pytest.approx(220, abs=1)


def _shape() -> CallShape:
    levels = (
        np.tile(-40.0 * np.abs(np.log2(BAND_HZ / 1000)) / 4, (STEPS, 1))
        - 6 * np.abs(np.linspace(-1, 1, STEPS))[:, None]
    )
    return CallShape(levels - levels.max(), np.linspace(400, 700, STEPS), np.full(STEPS, 0.9), 0.6)


def test_a_call_that_is_measured_again_has_its_pitch_levels_and_length() -> None:
    shape = _shape()
    again = measured(shape.voiced(RATE_HZ, np.random.default_rng(9)), RATE_HZ, 200, 1500)
    assert again.duration_s == pytest.approx(0.6, abs=0.01)
    inner = slice(4, -4)
    assert again.pitch_hz[inner] == pytest.approx(shape.pitch_hz[inner], rel=0.04)
    apart = (again.levels_db - shape.levels_db)[inner, 8:]
    assert np.median(np.abs(apart - np.median(apart))) < 3
    assert np.median(again.voicing) > 0.6


def test_pitch_size_and_length_of_a_call_can_be_changed() -> None:
    shape = _shape()
    higher = measured(shape.voiced(RATE_HZ, np.random.default_rng(9), pitch=1.5, duration=0.5), RATE_HZ, 200, 1500)
    assert np.median(higher.pitch_hz) == pytest.approx(1.5 * np.median(shape.pitch_hz), rel=0.05)
    assert higher.duration_s == pytest.approx(0.3, abs=0.01)
    halfway = shape.towards(CallShape(shape.levels_db - 10, 4 * shape.pitch_hz, shape.voicing, 2.4), 0.5)
    assert halfway.pitch_hz == pytest.approx(2 * shape.pitch_hz)
    assert halfway.duration_s == pytest.approx(1.2)


def test_shapes_survive_their_file() -> None:
    shape = _shape()
    (back,) = unpacked(packed([shape]))
    assert back.levels_db == pytest.approx(shape.levels_db, abs=1e-4)
    assert back.duration_s == pytest.approx(shape.duration_s)
    for animal in recipe.SPECIES:
        known = call_shapes(animal)
        assert len(known) == len(recipe.SPECIES[animal].kept)
        assert all(one.levels_db.max() <= 0 and one.pitch_hz.min() > 50 for one in known)


def test_calls_are_found_in_a_recording_and_their_absence_is_said() -> None:
    dog = recipe.SPECIES["dog"]
    recording = 0.001 * np.random.default_rng(10).standard_normal(3 * RATE_HZ)
    bark = _shape().voiced(RATE_HZ, np.random.default_rng(11), duration=0.4)
    for start_s in (0.5, 1.5):
        recording[int(start_s * RATE_HZ) : int(start_s * RATE_HZ) + len(bark)] += bark
    starts = [start / RATE_HZ for start, _ in recipe.calls(recording, dog)]
    assert starts == pytest.approx([0.5, 1.5], abs=0.03)
    assert np.median(recipe.shape_of(recording, dog).pitch_hz) == pytest.approx(550, rel=0.1)
    with pytest.raises(OptionError, match=r"no call of 0\.05 to 0\.45 s"):
        recipe.shape_of(np.zeros(RATE_HZ), dog)
