"""Sound banks: made, written, read, searched; damaged files are refused with a sentence."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as as_safetensors

from synth.dsp.cochleagram import cochleagram
from synth.errors import MediaError, OptionError, WeightsError
from synth.materials import MATERIALS
from synth.randomness import uniforms
from synth.voices.hits import bank_building, impact_synthesis, modal_synthesis
from synth.voices.hits.bank_building import RecordedHit, Recording
from synth.voices.hits.sound_bank import BANK_RATE_HZ, FEATURES, FORMAT, Bank, Exemplar, window

Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def bank() -> Bank:
    return bank_building.build_computed(seed=1, per_material=4)


@pytest.fixture(scope="module")
def small() -> Bank:
    return bank_building.build_computed(seed=1, per_material=1)


def _struck(times_s: list[float], material: str, duration_s: float, rate_hz: int = 16_000) -> Floats:
    """A recording of hits."""
    sound = np.zeros(round(duration_s * rate_hz) + 4 * rate_hz, np.float32)
    for number, time_s in enumerate(times_s):
        numbers = uniforms(number, "test", 0, 4)
        hit = modal_synthesis.strike(material, strength=0.4, size=0.3, rate_hz=rate_hz, uniforms=numbers)
        start = round(time_s * rate_hz)
        sound[start : start + hit.size] += hit
    return sound[: round(duration_s * rate_hz)]


# --- windows ------------------------------------------------------------------------------------------------------


def test_a_window_is_the_same_at_any_level_and_gain_restores_it() -> None:
    sound = _struck([0.5], "wood", 1.0)
    loud = window(cochleagram(sound, 16_000), 0.5)
    soft = window(cochleagram(0.1 * sound, 16_000), 0.5)
    assert loud.features.shape == (FEATURES,)
    np.testing.assert_allclose(soft.features, loud.features, atol=1e-3)
    one = Exemplar("x", "wood", "hit", sound.astype(np.float16), 8000, loud.features.astype(np.float16), loud.loudness)
    assert one.gain_for(soft.loudness) == pytest.approx(0.1, rel=1e-2)
    assert one.gain_for(0.0) == 0.0


def test_a_window_reaches_beyond_the_ends_and_knows_silence() -> None:
    envelopes = cochleagram(_struck([0.0], "wood", 0.3), 16_000)
    assert window(envelopes, 0.0).loudness > 0
    assert np.linalg.norm(window(envelopes, 0.0).features.reshape(45, 42), axis=1).max() == pytest.approx(1)
    for time_s in (-9.0, 99.0):
        assert window(envelopes, time_s).loudness == 0.0
        assert not window(envelopes, time_s).features.any()


def test_steady_noise_does_not_change_what_is_nearest(bank: Bank) -> None:
    target = next(one for one in bank.exemplars if one.name == "wood-00")
    sound = np.pad(target.sound, BANK_RATE_HZ)
    sound += (0.002 * np.random.default_rng(0).standard_normal(sound.size)).astype(np.float32)
    found = bank.nearest(window(cochleagram(sound, BANK_RATE_HZ), 1.0).features)
    assert bank.exemplars[found[0].index].name == "wood-00"


# --- the computed bank --------------------------------------------------------------------------------------------


def test_a_computed_bank_has_every_material_and_is_repeatable(bank: Bank, small: Bank) -> None:
    assert bank.materials == MATERIALS
    assert bank.rate_hz == 48_000
    steps = bank_building.STEPS_PER_FLOOR * len(impact_synthesis.STEP_FLOORS)
    assert len(bank.exemplars) == 4 * len(MATERIALS) + steps
    assert sum(one.action == "scratch" for one in bank.exemplars) == len(MATERIALS)
    assert {one.material for one in bank.exemplars if one.action == "step"} == set(impact_synthesis.STEP_FLOORS)
    for one in bank.exemplars:
        assert np.isfinite(one.sound).all()
        assert 0.02 < one.sound.size / bank.rate_hz <= 1.0
        assert one.loudness > 0
    assert small.as_bytes() == bank_building.build_computed(seed=1, per_material=1).as_bytes()
    assert small.as_bytes() != bank_building.build_computed(seed=2, per_material=1).as_bytes()


def test_every_sound_is_nearest_to_itself(bank: Bank) -> None:
    for index, one in enumerate(bank.exemplars):
        first, second = bank.nearest(one.features, k=2, action=one.action)
        assert first.index == index
        assert first.distance == pytest.approx(0)
        assert second.distance > 0


def test_nearest_keeps_to_the_material_and_the_action(bank: Bank) -> None:
    features = bank.find("metal-00").features
    found = bank.nearest(features, material="wood", k=100, action="hit")
    assert {bank.exemplars[match.index].material for match in found} == {"wood"}
    assert {bank.exemplars[match.index].action for match in found} == {"hit"}
    distances = [match.distance for match in found]
    assert distances == sorted(distances)
    assert len(found) == 3
    by_hand = [float(np.abs(bank.exemplars[m.index].features.astype(float) - features).sum()) for m in found]
    np.testing.assert_allclose(distances, by_hand, rtol=1e-3)


def test_a_step_is_found_only_where_one_is_asked_for(bank: Bank) -> None:
    step = bank.find("gravel-step-00")
    assert step.action == "step"
    everything = bank.nearest(step.features, k=len(bank.exemplars))
    assert {bank.exemplars[match.index].action for match in everything} == {"hit", "scratch"}
    assert bank.exemplars[bank.nearest(step.features, action="step")[0].index].name == "gravel-step-00"


def test_a_bank_moves_to_another_rate_with_its_contacts(bank: Bank) -> None:
    assert bank.at_rate(bank.rate_hz) is bank
    late = dataclasses.replace(bank.find("wood-00"), contact=480)
    slower = dataclasses.replace(bank, exemplars=(late,)).at_rate(22_050)
    (moved,) = slower.exemplars
    assert slower.rate_hz == 22_050
    assert moved.contact == 220
    assert moved.sound.size == pytest.approx(late.sound.size * 22_050 / 48_000, abs=1)
    np.testing.assert_allclose(cochleagram(moved.sound, 22_050)[:5], cochleagram(late.sound, 48_000)[:5], atol=0.03)


def test_searching_refuses_what_it_cannot_answer(bank: Bank) -> None:
    wood = dataclasses.replace(bank, exemplars=tuple(one for one in bank.exemplars if one.material == "wood"))
    assert wood.materials == ("wood",)
    with pytest.raises(OptionError, match="no sound of glass hit; it has wood"):
        wood.nearest(np.zeros(FEATURES), material="glass", action="hit")
    with pytest.raises(OptionError, match="k is 0"):
        bank.nearest(np.zeros(FEATURES), k=0)
    with pytest.raises(ValueError, match="7 features were given"):
        bank.nearest(np.zeros(7))
    with pytest.raises(OptionError, match="'nope' is not in the sound bank"):
        bank.find("nope")
    with pytest.raises(OptionError, match="at least 1"):
        bank_building.build_computed(0, 0)


def test_a_bank_refuses_what_is_not_one(bank: Bank) -> None:
    one = bank.exemplars[0]
    for exemplars, complaint in [
        ((), "at least one sound"),
        ((one, one), "comes twice"),
        ((dataclasses.replace(one, material="jelly"),), "material 'jelly'"),
        ((dataclasses.replace(one, action="stroke"),), "action 'stroke'"),
    ]:
        with pytest.raises(OptionError, match=complaint):
            Bank(exemplars, "MIT", "test", "test")


# --- files --------------------------------------------------------------------------------------------------------


def test_a_bank_survives_the_file(bank: Bank, tmp_path: Path) -> None:
    bank.save(tmp_path / "a.safetensors")
    found = Bank.load(tmp_path / "a.safetensors")
    assert found.as_bytes() == bank.as_bytes()
    assert (found.licence, found.source, found.how, found.rate_hz) == (bank.licence, bank.source, bank.how, 48_000)
    np.testing.assert_array_equal(found.find("tile-02").sound, bank.find("tile-02").sound)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_bank_that_cannot_be_written_or_found_says_so(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"is not kept: .*cannot be written"):
        bank.save(tmp_path / "nowhere" / "a.safetensors")
    with pytest.raises(WeightsError, match="cannot be read"):
        Bank.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("length", [0, 7, 100, 30_000])
def test_a_file_that_was_cut_off_is_refused(bank: Bank, tmp_path: Path, length: int) -> None:
    (tmp_path / "a.safetensors").write_bytes(bank.as_bytes()[:length])
    with pytest.raises(WeightsError, match=r"a\.safetensors cannot be read"):
        Bank.load(tmp_path / "a.safetensors")


def test_damaged_contents_are_refused(small: Bank, tmp_path: Path) -> None:
    tensors = read_tensors(small.as_bytes())
    about = json.loads(_metadata(small)[FORMAT])
    nan = tensors["waveforms"].copy()
    nan[5] = np.nan
    damages = [
        (tensors, {"other": "thing"}, "is not a sound bank"),
        (tensors, {FORMAT: "{"}, "metadata cannot be read"),
        (tensors, {FORMAT: json.dumps(about | {"version": 99})}, "version 99; this code reads 1"),
        (tensors, {FORMAT: json.dumps(about | {"exemplars": about["exemplars"][1:]})}, "do not hold 43 sounds"),
        (tensors, {FORMAT: json.dumps({k: v for k, v in about.items() if k != "how"})}, "is damaged"),
        (tensors | {"waveforms": tensors["waveforms"][:-1]}, _metadata(small), "another length"),
        (tensors | {"ends": tensors["ends"][::-1].copy()}, _metadata(small), "is damaged"),
        (tensors | {"contacts": tensors["contacts"] - 1}, _metadata(small), "out of order"),
        (tensors | {"waveforms": nan}, _metadata(small), "no numbers"),
        ({k: v for k, v in tensors.items() if k != "loudness"}, _metadata(small), "cannot be read"),
    ]
    for arrays, metadata, complaint in damages:
        (tmp_path / "a.safetensors").write_bytes(as_safetensors(arrays, metadata))
        with pytest.raises(WeightsError, match=complaint):
            Bank.load(tmp_path / "a.safetensors")


def _metadata(bank: Bank) -> dict[str, str]:
    payload = bank.as_bytes()
    header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
    return dict(header["__metadata__"])


# --- recordings ---------------------------------------------------------------------------------------------------


def test_labelled_recordings_are_cut_at_their_contacts() -> None:
    sound = _struck([0.5, 1.2], "tile", 2.5)
    # Labels are off by a frame; a hit beyond the end and one in silence are left out.
    hits = [RecordedHit(1.16, "tile"), RecordedHit(0.53, "rock", "scratch"), RecordedHit(7.0, "tile")]
    made = bank_building.build_from_recordings(
        [Recording("clip", sound, 16_000, hits), Recording("still", np.zeros(16_000, np.float32), 16_000, hits[:1])],
        licence="CC0",
        source="test",
    )
    assert [(one.name, one.material, one.action) for one in made.exemplars] == [
        ("clip-000", "rock", "scratch"),
        ("clip-001", "tile", "hit"),
    ]
    for one in made.exemplars:
        assert one.contact == pytest.approx(0.01 * BANK_RATE_HZ, abs=2)
        assert np.abs(one.sound[: one.contact - 60]).max() < 0.01
        assert np.abs(one.sound[one.contact : one.contact + 200]).max() > 0.1
        assert one.sound.size / BANK_RATE_HZ < 0.7  # not into the next hit
    with pytest.raises(OptionError, match="no hit that can be heard"):
        bank_building.build_from_recordings(
            [Recording("still", np.zeros(99, np.float32), 99, ())], licence="CC0", source="test"
        )


def test_a_folder_of_recordings_becomes_a_bank(tmp_path: Path) -> None:
    for material in ("glass", "Wood"):
        (tmp_path / material).mkdir()
        struck = _struck([0.2, 1.0], material.lower(), 1.8)
        soundfile.write(tmp_path / material / "two.wav", struck, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "Wood" / "scratching.flac", _struck([0.1], "wood", 0.6), 16_000)
    soundfile.write(tmp_path / "glass" / "silent.wav", np.zeros(8000), 16_000)
    (tmp_path / "glass" / "notes.txt").write_text("no sound")
    made = bank_building.build_from_recordings(bank_building.recordings_in(tmp_path), licence="CC0", source="test")
    assert [(one.name, one.material, one.action) for one in made.exemplars] == [
        ("Wood/scratching-000", "wood", "scratch"),
        ("Wood/two-000", "wood", "hit"),
        ("Wood/two-001", "wood", "hit"),
        ("glass/two-000", "glass", "hit"),
        ("glass/two-001", "glass", "hit"),
    ]
    made.save(tmp_path / "bank.safetensors")
    assert Bank.load(tmp_path / "bank.safetensors").as_bytes() == made.as_bytes()


def test_a_material_is_asked_for_never_guessed(tmp_path: Path) -> None:
    (tmp_path / "kitchen").mkdir()
    soundfile.write(tmp_path / "kitchen" / "pot.wav", _struck([0.1], "metal", 0.5), 16_000)
    with pytest.raises(OptionError, match=r"which material is kitchen/pot\.wav\?"):
        bank_building.recordings_in(tmp_path)
    (recording,) = bank_building.recordings_in(tmp_path, material="metal")
    assert [hit.material for hit in recording.hits] == ["metal"]
    with pytest.raises(OptionError, match="material is 'unknown'"):
        bank_building.recordings_in(tmp_path, material="unknown")
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="holds no sound file"):
        bank_building.recordings_in(tmp_path / "empty")
    with pytest.raises(MediaError, match="is not a folder"):
        bank_building.recordings_in(tmp_path / "nowhere")
