"""Motors, horns, blasts and struck bodies against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.parts.control import phase
from synth.voices.ambient.catalogue.parts.mechanical.blasts import friedlander
from synth.voices.ambient.catalogue.parts.mechanical.electric import beeper, mains_hum, motor, tone
from synth.voices.ambient.catalogue.parts.mechanical.horns import air_horn
from synth.voices.ambient.catalogue.parts.mechanical.struck import add_at, impulses, modes, rung
from synth.voices.ambient.catalogue.performance import Samples

RATE_HZ = 48_000


def amplitude_at(sound: Samples, hz: float) -> float:
    angle = 2 * np.pi * hz * np.arange(len(sound)) / RATE_HZ
    window = np.hanning(len(sound))
    return float(2 * np.abs(np.sum(sound * window * np.exp(-1j * angle))) / window.sum())


def test_a_tone_is_the_sum_of_its_harmonics() -> None:
    cycles = phase(100.0, RATE_HZ, RATE_HZ)
    levels = (1.0, 0.0, 0.3, 0.25)
    expected = sum(level * np.sin(2 * np.pi * (k + 1) * cycles) for k, level in enumerate(levels))
    assert np.abs(tone(cycles, levels) - expected).max() < 1e-5  # 100 dB below: of what is looked up in a period


def test_a_motor_has_its_shaft_and_its_slots_with_side_bands() -> None:
    turns = phase(50.0, 2 * RATE_HZ, RATE_HZ)
    sound = motor(turns, RATE_HZ, np.random.default_rng(0), 11, (1.0,), (0.6,), 0.0)
    assert amplitude_at(sound, 50) == pytest.approx(1.0, rel=0.02)
    assert amplitude_at(sound, 550) == pytest.approx(0.6, rel=0.02)
    assert amplitude_at(sound, 600) == pytest.approx(0.6 * 0.15 / 2, rel=0.1)


def test_mains_hum_is_twice_the_mains() -> None:
    hum = mains_hum(4 * RATE_HZ, RATE_HZ, np.random.default_rng(0), 50.0, (1.0, 0.5))
    power = np.abs(np.fft.rfft(hum)) ** 2
    assert power.argmax() / 4 == pytest.approx(100, abs=1)


def test_no_partial_of_a_beeper_is_folded_back() -> None:
    gate = np.ones(RATE_HZ)
    sound = beeper(9000.0, gate, RATE_HZ, (1.0, 0.5, 0.5))
    assert amplitude_at(sound, 18000) == pytest.approx(0.5, rel=0.05)
    assert amplitude_at(sound, 48000 - 27000) < 1e-3


def test_an_air_horn_sounds_its_note_once_the_pressure_is_up() -> None:
    sound = air_horn(2 * RATE_HZ, RATE_HZ, np.random.default_rng(0), 200.0, np.ones(2 * RATE_HZ), 2500)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    comb = sum(power[np.abs(hz - 200 * k) < 8 * k**0.5].sum() for k in range(1, 12))
    assert comb > 0.8 * power.sum()


def test_a_blast_crosses_zero_at_its_duration_and_has_no_impulse_left() -> None:
    wave = friedlander(RATE_HZ, 0.01)
    assert wave[0] == 1.0
    assert np.flatnonzero(wave < 0)[0] == pytest.approx(480, abs=1)
    assert wave.sum() / RATE_HZ == pytest.approx(0.0, abs=5e-5)  # its first phase alone has 3.7e-3


def test_modes_ring_at_their_frequency_and_die_in_their_time() -> None:
    ring = modes(RATE_HZ, (1000.0,), (0.1,), (1.0,), np.random.default_rng(0))
    early = amplitude_at(ring[: RATE_HZ // 20], 1000)
    late = amplitude_at(ring[RATE_HZ // 10 : RATE_HZ // 10 + RATE_HZ // 20], 1000)
    assert late / early == pytest.approx(np.exp(-1), rel=0.03)


def test_a_resonator_gives_the_mode_that_a_kernel_gives() -> None:
    hit = impulses(RATE_HZ, np.array([0.0]))
    ring = rung(hit, RATE_HZ, (700.0,), (0.2,), (1.0,))
    seconds = np.arange(RATE_HZ) / RATE_HZ
    expected = np.exp(-(seconds + 1 / RATE_HZ) / 0.2) * np.sin(2 * np.pi * 700 * (seconds + 1 / RATE_HZ))
    scale = np.dot(ring, expected) / np.dot(expected, expected)
    assert np.abs(ring - scale * expected).max() < 0.01 * np.abs(ring).max()


def test_an_impulse_between_two_samples_is_shared() -> None:
    assert impulses(4, np.array([1.25]), 2.0) == pytest.approx([0, 1.5, 0.5, 0])
    assert not impulses(4, np.array([-3.0, 9.0])).any()


def test_blows_are_cut_at_both_ends() -> None:
    out = np.zeros(5)
    add_at(out, np.array([-1.0, 3.0, 40.0]), np.array([1.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0]))
    assert out.tolist() == [2.0, 3.0, 0.0, 2.0, 4.0]
