"""Vehicles and machines: what their knobs do, and what sets two of a kind apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from synth.voices.ambient.catalogue.performance import Curve, Samples
from synth.voices.ambient.catalogue.registry import all_sounds, sound_class
from synth.voices.ambient.catalogue.rendering import performance_of, render

RATE_HZ = 16_000
MINE = {name: sound for name, sound in all_sounds().items() if sound.family in ("traffic", "machines")}


def made(name: str, duration_s: float, seed: int = 3, rate_hz: int = RATE_HZ, **knobs: float) -> Samples:
    sound = sound_class(name)
    return render(sound, performance_of(sound, seed=seed, rate_hz=rate_hz, knobs=knobs), duration_s)


def modulation_hz(sound: Samples, low_hz: float, high_hz: float) -> float:
    """The strongest frequency of the level within a range."""
    level = np.sqrt((sound[: len(sound) // 40 * 40].reshape(-1, 40) ** 2).mean(1))
    spectrum = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(len(level)), 8 * len(level)))
    hz = np.fft.rfftfreq(8 * len(level), 40 / RATE_HZ)
    inside = (hz >= low_hz) & (hz <= high_hz)
    return float(hz[inside][spectrum[inside].argmax()])


def test_the_old_names_are_there() -> None:
    assert {"helicopter", "chainsaw", "clock_tick"} <= set(MINE)
    assert len(MINE) >= 45


@pytest.mark.parametrize(("rotor_rpm", "blades"), [(240, 2), (300, 3), (420, 4)])
def test_a_helicopter_beats_by_its_blades(rotor_rpm: float, blades: float) -> None:
    sound = made("helicopter", 6.0, rotor_rpm=rotor_rpm, blades=blades, slap=1.5)
    beat_hz = rotor_rpm / 60 * blades
    assert modulation_hz(sound, 0.6 * beat_hz, 1.6 * beat_hz) == pytest.approx(beat_hz, rel=0.03)


def test_a_jackhammer_strikes_as_often_as_it_is_told() -> None:
    assert modulation_hz(made("jackhammer", 6.0, blow_hz=14, pause=0), 8, 26) == pytest.approx(14, rel=0.04)


def test_a_clock_ticks_at_its_beat() -> None:
    sound = made("clock_tick", 8.0, ticks_per_s=2.5)
    level = np.abs(sound).reshape(-1, 160).max(1)
    beats = np.flatnonzero((level[1:-1] > 0.3 * level.max()) & (level[1:-1] >= level[:-2]) & (level[1:-1] > level[2:]))
    assert np.median(np.diff(beats)) * 0.01 == pytest.approx(0.4, abs=0.021)


def test_a_picture_drives_the_speed_of_an_engine() -> None:
    sound = sound_class("lawn_mower")
    rising = Curve(np.concatenate([np.full(200, 2400.0), np.full(200, 3600.0)]))
    heard = render(sound, performance_of(sound, seed=2, rate_hz=RATE_HZ, curves={"rpm": rising}), 8.0)

    def lines_db(piece: Samples) -> Samples:
        power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
        return 10 * np.log10(np.convolve(power, np.ones(5), "same")[: 600 * 3])

    first, last = lines_db(heard[: 3 * RATE_HZ]), lines_db(heard[-3 * RATE_HZ :])
    at = np.arange(90, 1000)
    ratios = np.arange(1.0, 1.7, 0.02)
    alike = [np.corrcoef(first[at], np.interp(at * ratio, np.arange(len(last)), last))[0, 1] for ratio in ratios]
    assert ratios[int(np.argmax(alike))] == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("name", ["vacuum_cleaner", "chainsaw", "car_idle", "jackhammer", "typewriter"])
def test_there_is_detail_above_what_yamnet_hears(name: str) -> None:
    sound = made(name, 3.0, rate_hz=48_000)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / 48_000)
    above = power[(hz > 9_000) & (hz < 16_000)].mean() / power[(hz > 2_000) & (hz < 7_000)].mean()
    assert 10 * np.log10(above) > -35


@pytest.mark.parametrize("name", ["helicopter", "chainsaw", "car_idle", "printer"])
def test_two_seeds_are_two_machines(name: str) -> None:
    """Not one machine with other noise: the spectra differ by more than two halves of the same sound do."""
    one, other = made(name, 8.0, seed=1), made(name, 8.0, seed=2)
    half = len(one) // 2
    edges = np.geomspace(60, 7000, 25) * half / RATE_HZ

    def bands_db(piece: Samples) -> Samples:
        power = np.abs(np.fft.rfft(piece)) ** 2
        return np.array([10 * np.log10(power[int(low) : int(high) + 1].mean()) for low, high in pairwise(edges)])

    between = np.std(bands_db(one[:half]) - bands_db(other[:half]))
    assert between > 1.2 * np.std(bands_db(one[:half]) - bands_db(one[half:]))


@pytest.mark.parametrize("name", ["gunshot", "explosion", "camera", "bicycle_bell"])
def test_a_blow_falls_on_its_onset(name: str) -> None:
    sound = sound_class(name)
    heard = render(sound, performance_of(sound, seed=4, rate_hz=RATE_HZ, onsets_s=(1.0,)), 2.0)
    before, after = (
        np.abs(heard[: int(0.99 * RATE_HZ)]).max(),
        np.abs(heard[int(0.99 * RATE_HZ) : int(1.12 * RATE_HZ)]).max(),
    )
    assert after > 20 * before
