"""Curves at a control rate: as exact as the slow way, and of the length that is asked for."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from synth.voices.ambient.catalogue.parts.control import gates
from synth.voices.ambient.catalogue.parts.curves import drawn_out, fade, monotone_cubic, through, wander
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import LN_1000
from synth.voices.ambient.catalogue.parts.mechanical.struck import modes, rung
from synth.voices.ambient.catalogue.parts.spectra import white_noise


def test_the_monotone_cubic_is_that_of_fritsch_and_carlson() -> None:
    rng = np.random.default_rng(3)
    place, value = np.sort(rng.random(12)), rng.standard_normal(12)
    wanted = np.linspace(place[1], place[-2], 500)
    assert np.allclose(monotone_cubic(place, value, wanted), PchipInterpolator(place, value)(wanted), atol=1e-12)
    everywhere = monotone_cubic(place, value, np.linspace(place[0], place[-1], 999))
    assert value.min() <= everywhere.min()
    assert everywhere.max() <= value.max()


def test_drawing_out_is_straight_interpolation() -> None:
    coarse = np.random.default_rng(4).standard_normal(9)
    slow = np.interp(np.arange(50), np.arange(9) * 7, coarse)
    assert np.allclose(drawn_out(coarse, 7, 50), slow)
    assert np.allclose(drawn_out(coarse, 7, 30, first=11), slow[11:41])


@pytest.mark.parametrize("n", [1, 2, 199, 200, 201, 4801, 48_000])
@pytest.mark.parametrize("speed_hz", [0.3, 8.0, 200.0])
def test_curves_have_the_length_that_is_asked_for(n: int, speed_hz: float) -> None:
    assert len(wander(n, 48_000, np.random.default_rng(1), speed_hz)) == n
    curve = through(n, ((0.0, 100.0), (0.4, 300.0), (1.0, 200.0)), logarithmic=True)
    assert len(curve) == n
    assert curve[0] == pytest.approx(100.0)
    assert curve.max() <= 300.0 + 1e-9
    assert len(fade(n, 48_000, 0.003, 0.01)) == n


def test_what_wanders_has_unit_deviation_and_turns_as_often_as_it_is_told() -> None:
    curve = wander(480_000, 48_000, np.random.default_rng(2), 8.0)
    assert curve.std() == pytest.approx(0.87, abs=0.15)
    turns = np.sum(np.diff(np.sign(np.diff(curve))) != 0) / 10
    assert 8 < turns < 16


def test_gates_open_and_close_where_they_are_told() -> None:
    gate = gates(1000, 1000, [0.1, 0.5], [0.2, 2.0], 0.01)
    assert np.all(gate[:100] == 0)
    assert np.all(gate[111:200] == 1)
    assert gate[105] == pytest.approx(0.5, abs=0.01)
    assert gate[205] == pytest.approx(0.5, abs=0.01)
    assert np.all(gate[211:500] == 0)
    assert np.all(gate[511:] == 1)


def test_many_resonators_are_one_convolution() -> None:
    rate_hz, rng = 48_000, np.random.default_rng(5)
    excitation = np.zeros(24_000)
    excitation[[10, 5000, 5300]] = 1.0, 0.5, -0.7
    hz, fall_s, gain = rng.uniform(200, 9000, 8), rng.uniform(0.02, 0.08, 8), rng.uniform(0.2, 1, 8)
    by_recursion = sum(rung(excitation, rate_hz, hz[i : i + 1], fall_s[i : i + 1], gain[i : i + 1]) for i in range(8))
    assert np.abs(rung(excitation, rate_hz, hz, fall_s, gain) - by_recursion).max() < 0.003 * np.abs(by_recursion).max()


def test_modes_decay_as_they_are_told() -> None:
    ring = modes(48_000, [1000.0], [0.05], [1.0], np.random.default_rng(1))
    first, later = (np.abs(ring[at : at + 480]).max() for at in (0, 2400))
    assert later / first == pytest.approx(np.exp(-1), rel=0.02)
    assert len(ring) >= 0.05 * LN_1000 * 48_000


def test_even_noise_is_white_and_as_loud_as_normal_noise() -> None:
    noise = white_noise(np.random.default_rng(6), 1 << 16)
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert power[1 : 1 << 14].mean() == pytest.approx(power[1 << 14 :].mean(), rel=0.05)


def test_listing_the_catalogue_loads_no_filters() -> None:
    code = (
        "import sys; from synth.voices.ambient.catalogue.registry import all_sounds; all_sounds();"
        "print([name for name in ('scipy.signal', 'scipy.stats', 'scipy.interpolate', 'scipy.fft', 'torch')"
        " if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert told.stdout.strip() == "[]"
