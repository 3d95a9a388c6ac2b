"""Hits from measured bodies: what is measured in them again is what they were made from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from synth.cli.app import app
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.randomness import uniforms
from synth.voices.hits import impact_synthesis
from synth.voices.hits.impact_body import BANDS_HZ, MEASURED_RATE_HZ, measure
from synth.voices.hits.impact_synthesis import STEP_FLOORS, step, strike
from synth.voices.hits.impact_table import FILE, HARD_STEP, SOFT_STEP, as_table, read_table, shipped_bodies
from synth.voices.hits.material_acoustics import RECIPES
from tests.support.paths import SHARED_DATA

DATA = SHARED_DATA / "effects"


def _numbers(name: str) -> NDArray[np.float32]:
    return uniforms(7, name, 0, 16)


def _hit(material: str, strength: float = 0.8, size: float = 0.5, name: str = "a") -> NDArray[np.float32]:
    return strike(material, strength=strength, size=size, rate_hz=48_000, uniforms=_numbers(name))


@pytest.mark.parametrize("material", MATERIALS)
def test_a_hit_begins_at_once_is_as_loud_as_asked_and_ends(material: str) -> None:
    for size in (0.0, 1.0):
        sound = _hit(material, size=size)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() == pytest.approx(0.8 * RECIPES[material].level, rel=1e-3)
        assert 0.04 < sound.size / 48_000 <= impact_synthesis.LONGEST_S
        assert abs(float(sound[-1])) < 1e-3
        assert np.argmax(np.abs(sound) > 0.1 * np.abs(sound).max()) < 0.02 * 48_000
    assert not strike(material, strength=0, size=0.5, rate_hz=48_000, uniforms=_numbers("a")).any()


@pytest.mark.parametrize("material", sorted(set(MATERIALS) & set(shipped_bodies())))
def test_a_hit_has_the_levels_and_decays_of_a_body_of_its_material(material: str) -> None:
    heard = measure(_hit(material, strength=1.0), MEASURED_RATE_HZ).levels_db
    away_db = [
        float(np.abs(heard - body.levels_db)[body.levels_db > -35].mean()) for body in shipped_bodies()[material]
    ]
    assert min(away_db) < 5.0


def test_a_hit_is_a_burst_and_not_a_chord() -> None:
    """The fault that this replaces: a wooden hit was a handful of clean modes."""
    for material in ("wood", "plastic", "drywall"):
        assert measure(_hit(material), MEASURED_RATE_HZ).mode_shares[:, 0].mean() < 0.3


def test_there_is_sound_above_the_old_bank_s_band() -> None:
    power = np.abs(np.fft.rfft(_hit("metal", strength=1.0), 48_000)) ** 2
    assert power[11_025:20_000].sum() > 1e-3 * power.sum()


def test_equal_numbers_give_equal_bytes_and_others_another_hit() -> None:
    for material in ("wood", "plastic", "gravel"):
        assert _hit(material).tobytes() == _hit(material).tobytes()
        assert _hit(material).tobytes() != _hit(material, name="b").tobytes()


def test_a_big_body_is_deeper_and_a_soft_hit_duller() -> None:
    def centroid_hz(sound: NDArray[np.float32]) -> float:
        power = np.abs(np.fft.rfft(sound.astype(float), 48_000)) ** 2
        return float(power @ np.arange(power.size) / power.sum())

    for material in ("wood", "metal", "rock"):
        assert centroid_hz(_hit(material, size=1.0)) < centroid_hz(_hit(material, size=0.0))
        assert centroid_hz(_hit(material, strength=0.1)) < centroid_hz(_hit(material, strength=1.0))


@pytest.mark.parametrize("material", STEP_FLOORS)
def test_a_step_sounds_on_every_floor_softer_than_a_stick(material: str) -> None:
    sound = step(material, strength=0.8, size=0.5, rate_hz=48_000, uniforms=_numbers("a"))
    assert 0 < np.abs(sound).max() < np.abs(_hit(material)).max()
    assert sound.tobytes() != step(material, strength=0.8, size=0.5, rate_hz=48_000, uniforms=_numbers("b")).tobytes()


def test_bad_input_is_refused() -> None:
    with pytest.raises(OptionError, match="material is 'jelly'"):
        _hit("jelly")
    with pytest.raises(OptionError, match="strength is 2"):
        _hit("wood", strength=2)
    with pytest.raises(OptionError, match="a step is asked for on 'water'"):
        step("water", strength=1, size=0.5, rate_hz=48_000, uniforms=_numbers("a"))


# --- the table ----------------------------------------------------------------------------------------------------


def test_the_table_that_ships_has_the_recorded_kinds() -> None:
    found = shipped_bodies()
    assert set(found) == {"cloth", "dirt", "glass", "metal", "rock", "water", "wood", HARD_STEP, SOFT_STEP}
    assert all(body.levels_db.max() == 0 for bodies in found.values() for body in bodies)


def test_a_table_survives_json_and_another_grid_is_refused() -> None:
    body = shipped_bodies()["wood"][0]
    table = json.loads(json.dumps(as_table({"x": ("wood", body)})))
    np.testing.assert_array_equal(read_table(table)["wood"][0].levels_db, body.levels_db)
    with pytest.raises(OptionError, match="other bands or times"):
        read_table(table | {"bands_hz": [1.0] * len(BANDS_HZ)})
    table["bodies"][0]["kind"] = "jelly"
    with pytest.raises(OptionError, match="'jelly'; allowed are carpet"):
        read_table(table)


def test_measuring_refuses_a_folder_without_impacts(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bank", "measure", str(tmp_path), "-o", str(tmp_path / "a.json")])
    assert result.exit_code != 0
    assert isinstance(result.exception, OptionError)
    assert "no recording of an impact" in str(result.exception)


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data/effects is not here")
def test_the_table_that_ships_is_what_the_recordings_give(tmp_path: Path) -> None:
    out = tmp_path / "a.json"
    result = CliRunner().invoke(app, ["bank", "measure", str(DATA), "-o", str(out), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["bodies"]["wood"] == 13
    made, kept = (
        json.loads(text) for text in (out.read_text(), Path(impact_synthesis.__file__).with_name(FILE).read_text())
    )
    for one, other in zip(made["bodies"], kept["bodies"], strict=True):
        assert (one["recording"], one["kind"]) == (other["recording"], other["kind"])
        np.testing.assert_allclose(one["levels_db"], other["levels_db"], atol=1)
