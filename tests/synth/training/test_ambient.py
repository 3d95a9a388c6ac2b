"""Recordings by class: layouts, what is made ready of them, lanes that carry their state, and the recipes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from synth import weights
from synth.ambient_classes import AMBIENT_CLASSES
from synth.data.corpora import class_sounds
from synth.errors import OptionError
from synth.models.samplernn import SampleRNNConfig
from synth.models.visual_to_sound import SMALL, VARIANTS, VisualToSound, VisualToSoundConfig
from synth.training.ambient import recipes, stretches
from synth.training.ambient.data import LOUD, Recording, ready
from synth.voices.ambient import voice
from synth.voices.ambient.fine_structure import FIELDS

RATE = 16_000
TINY = SampleRNNConfig((64, 16), 16, embedding=8)
LABELS = ("dog", "rain")


def _recording(label: str, fold: int, seconds: float = 0.4, seed: int = 0) -> Recording:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)
    sound = noise * (np.sin(np.arange(len(noise)) / 2000) > 0 if label == "dog" else 1)
    return Recording(f"{fold}-{seed}-A", label, fold, ready(0.1 * sound.astype(np.float32)))


RECORDINGS = [_recording(label, fold, seed=fold) for label in LABELS for fold in (1, 2, 4)]


def _config(variant: str) -> VisualToSoundConfig:
    return dataclasses.replace(SMALL, decoder=TINY, variant=variant, classes=LABELS, hidden=8)


def _folder(folder: Path) -> Path:
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for fold in (1, 4):
            sound = _recording(label, fold, 0.3).sound
            soundfile.write(folder / label / f"{fold}-100-A.wav", sound, RATE)
    return folder


# --- layouts ------------------------------------------------------------------------------------------------------


def test_folders_of_sounds_are_read_with_the_fold_that_esc_names(tmp_path: Path) -> None:
    found = class_sounds.load(_folder(tmp_path))
    assert [(sound.label, sound.fold) for sound in found] == [("dog", 1), ("dog", 4), ("rain", 1), ("rain", 4)]
    assert {sound.label for sound in class_sounds.load(tmp_path, ["rain"])} == {"rain"}


def test_names_without_a_fold_are_dealt_out_the_same_way_each_time() -> None:
    folds = {class_sounds.fold_of(f"bark {number}") for number in range(40)}
    assert folds == {1, 2, 3, 4, 5}
    assert class_sounds.fold_of("bark 1") == class_sounds.fold_of("bark 1")


def test_esc50_as_published(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-100-A.wav,1,0,dog,True,100,A\n5-200-A.wav,5,1,cow,False,200,A\n"
    )
    assert [sound.name for sound in class_sounds.load(tmp_path)] == ["1-100-A"]
    (cow,) = class_sounds.load(tmp_path, ["cow"])
    assert (cow.fold, cow.path) == (5, tmp_path / "audio" / "5-200-A.wav")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="one folder of sounds a class"):
        class_sounds.load(tmp_path)
    with pytest.raises(OptionError, match="no class 'cow'; it has dog, rain"):
        class_sounds.load(_folder(tmp_path), ["cow"])


# --- recordings ---------------------------------------------------------------------------------------------------


def test_recordings_come_to_one_loudness_and_lose_long_silences() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    gappy = np.concatenate([0.01 * noise, np.zeros(3 * RATE, np.float32), 0.01 * noise])
    sound = ready(gappy)
    assert len(sound) % 1024 == 0
    assert len(sound) / RATE == pytest.approx(2.3, abs=0.15)
    assert np.quantile(np.abs(sound[np.abs(sound) > 0.001]), 0.995) == pytest.approx(LOUD, rel=0.05)
    assert not ready(np.zeros(RATE, np.float32)).any()


def test_activity_is_loudness_from_0_to_1() -> None:
    dog = RECORDINGS[0]
    assert dog.activity.shape == (len(dog.sound) // 1024,)
    assert dog.activity.min() < 0.5 < dog.activity.max() <= 1


# --- lanes --------------------------------------------------------------------------------------------------------


def _task(variant: str = "guided", seed: int = 0) -> stretches.AmbientTask:
    torch.manual_seed(0)
    return stretches.AmbientTask(stretches.Carrying(VisualToSound(_config(variant)), 3), RECORDINGS, seed, 3)


def test_a_batch_depends_on_seed_and_number_alone() -> None:
    one, other = _task(), _task()
    for index in range(5):
        one.batch(index)
    late, early = one.batch(7), other.batch(7)
    assert torch.equal(late.levels, early.levels)
    assert torch.equal(late.fresh, early.fresh)
    assert not torch.equal(late.levels, _task(seed=1).batch(7).levels)


def test_lanes_go_through_recordings_stretch_by_stretch() -> None:
    task = _task()
    before = task.batch(0)
    assert before.fresh.all()
    for index in range(1, 30):
        batch = task.batch(index)
        for lane in range(3):
            if not batch.fresh[lane]:
                assert torch.equal(batch.before[lane], before.levels[lane, -64:])
            else:
                assert (batch.before[lane] == 128).all()
        before = batch


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_takes_a_step_and_carries_its_state(variant: str) -> None:
    task = _task(variant)
    loss, figures = task.loss(task.batch(0))
    loss.backward()  # type: ignore[no-untyped-call]
    assert figures["bits"] == pytest.approx(float(loss.detach()))
    reached = {name for name, p in task.model.network.named_parameters() if p.grad is not None and p.grad.any()}
    for part in {"frame": ["look."], "seq": ["reader.", "to_start."], "flow": ["reader.", "to_start."]}.get(
        variant, []
    ):
        assert any(name.startswith(part) for name in reached), part
    assert all(part.abs().sum() > 0 for part in task.model.carried)


def test_a_run_that_is_cut_off_carries_its_lanes_on(tmp_path: Path) -> None:
    config = _config("guided")
    whole = recipes.fit(config, RECORDINGS, tmp_path / "whole", steps=6, lanes=2)
    (tmp_path / "cut").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        real = stretches.AmbientTask.loss
        seen = iter(range(100))

        def interrupted(self: stretches.AmbientTask, batch: stretches.Stretch) -> object:
            if next(seen) == 3:
                raise KeyboardInterrupt
            return real(self, batch)

        patch.setattr(stretches.AmbientTask, "loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recipes.fit(config, RECORDINGS, tmp_path / "cut", steps=6, lanes=2)
    resumed = recipes.fit(config, RECORDINGS, tmp_path / "cut", steps=6, lanes=2)
    for one, other in zip(resumed.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(one, other)


# --- measuring ----------------------------------------------------------------------------------------------------


def test_bits_of_stretches_are_those_of_the_whole_sound() -> None:
    torch.manual_seed(0)
    network = VisualToSound(dataclasses.replace(_config("none"), classes=()))
    recording = RECORDINGS[1]
    (pieces,) = stretches.stretch_bits(network, [recording])
    levels = torch.from_numpy(network.config.decoder.encode(recording.sound).astype(np.int64))[None]
    decoder = network.decoder
    with torch.inference_mode():
        whole, _ = decoder.nll_bits(decoder.silence(1), levels, None, decoder.start(1))
    assert pieces.mean() == pytest.approx(float(whole[0]), abs=1e-4)


def test_bits_of_a_batch_are_those_of_each_alone() -> None:
    torch.manual_seed(0)
    network = VisualToSound(_config("flow"))
    short = dataclasses.replace(RECORDINGS[0], sound=RECORDINGS[0].sound[:3072])
    together = stretches.stretch_bits(network, [short, RECORDINGS[1]])
    for bits, recording in zip(together, [short, RECORDINGS[1]], strict=True):
        assert bits == pytest.approx(stretches.stretch_bits(network, [recording])[0], abs=1e-4)


def test_knowing_only_how_frequent_levels_are() -> None:
    silent = dataclasses.replace(RECORDINGS[0], sound=np.zeros(8192, np.float32))
    assert stretches.unigram_bits([silent], [silent], TINY) < 0.1
    rng = np.random.default_rng(0)
    levels = TINY.decode(rng.integers(0, 256, 65536))
    assert stretches.unigram_bits([silent], [dataclasses.replace(silent, sound=levels)], TINY) > 8


# --- recipes ------------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipes at a size that takes a second."""
    monkeypatch.setattr(recipes, "SMALL", dataclasses.replace(SMALL, decoder=TINY, hidden=8))
    monkeypatch.setattr(recipes, "COMPARED", dataclasses.replace(SMALL, decoder=TINY, hidden=8))
    monkeypatch.setattr(recipes, "LANES", 2)
    monkeypatch.setattr(recipes, "TRIAL_LANES", 2)


@pytest.mark.usefixtures("tiny_size")
def test_one_step_of_the_recipe_makes_a_decoder_that_sounds(tmp_path: Path) -> None:
    data = _folder(tmp_path / "sounds")
    figures = recipes.train_ambient(folder=tmp_path / "run", data=data, steps=1, seed=0, resume=True)
    assert figures["precision"] in ("int8", "bf16", "fp32")
    entry = weights.entry(voice.NETWORK, tmp_path / "run")
    assert entry.split["validation"] == ("4-100-A", "4-100-A")
    assert [source.licence for source in entry.data] == ["CC BY 3.0"]
    loaded = weights.load(voice.NETWORK, tmp_path / "run")
    decoder = voice.unpack(loaded.tensors, loaded.metadata)
    assert decoder.classes == LABELS
    (sound,) = voice.generate("rain", 0.1, [1], decoder=decoder)
    assert sound.shape == (1600,)
    assert set(decoder.classes) <= set(AMBIENT_CLASSES)


@pytest.mark.usefixtures("tiny_size")
def test_pitches_are_measured_into_the_bank_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _folder(tmp_path / "sounds")
    recipes.train_ambient(folder=tmp_path / "run", data=data, steps=1, seed=0, resume=True)
    before = weights.load(voice.NETWORK, tmp_path / "run")
    fine = {f"bank.{name}" for name in FIELDS}
    assert {len(before.tensors[name]) for name in fine} == {len(before.tensors["bank.levels"])}
    older = voice.unpack({k: v for k, v in before.tensors.items() if k not in fine}, before.metadata)
    assert older.bank is not None
    assert older.bank.fine is None
    monkeypatch.setattr(voice, "load", lambda: older)
    for read in (weights.load, weights.entry):  # the trained run stands for what ships
        monkeypatch.setattr(read, "__defaults__", (tmp_path / "run",))
    recipes.measure_pitches(folder=tmp_path / "again", data=data, steps=None, seed=0, resume=False)
    monkeypatch.undo()
    after = weights.load(voice.NETWORK, tmp_path / "again")
    assert after.metadata == before.metadata
    assert set(after.tensors) == set(before.tensors)
    for name, value in before.tensors.items():
        torch.testing.assert_close(after.tensors[name], value, rtol=0, atol=0)


def test_pitches_of_other_recordings_are_refused(tmp_path: Path) -> None:
    data = _folder(tmp_path / "sounds")
    with pytest.raises(OptionError, match="other recordings"):
        recipes.measure_pitches(folder=tmp_path / "run", data=data, steps=None, seed=0, resume=False)


@pytest.mark.usefixtures("tiny_size")
def test_the_variants_are_compared_side_by_side(tmp_path: Path) -> None:
    data = _folder(tmp_path / "sounds")
    outcome = recipes.train_variants(folder=tmp_path / "run", data=data, steps=1, seed=0, resume=True)
    assert json.loads((tmp_path / "run" / "variants.json").read_text()) == json.loads(json.dumps(outcome))
    bits = outcome["bits_per_sample"]
    assert list(bits) == ["uniform", "unigram", "2-tier", "3-tier", "class code", *VARIANTS[1:], "one decoder a class"]
    assert bits["uniform"] == 8


def test_data_without_a_held_out_fold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--data is missing"):
        recipes.train_ambient(folder=tmp_path, data=None, steps=1, seed=0, resume=True)
    with pytest.raises(OptionError, match="fold 4"):
        recipes.split([recording for recording in RECORDINGS if recording.fold != 4])
