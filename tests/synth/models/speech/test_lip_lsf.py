"""The predecessor of the lip reader: its network, how it is trained, and what it says in the report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from synth import weights
from synth.data.corpora.grid import Sentence
from synth.data.corpora.video_folder import HELD_OUT
from synth.errors import OptionError, WeightsError
from synth.evaluation.speech import readers
from synth.evaluation.speech.baselines import Corpus
from synth.media import audio, video
from synth.models.speech import lip_lsf
from synth.models.speech.lip_lsf import CONFIGS, LipLsf, LipLsfConfig
from synth.options import ExistingSound
from synth.training.recipes import RECIPES
from synth.training.speech import lsf_recipe as recipe
from synth.voices.speech import lsf
from tests.support import drawn_faces
from tests.synth.training.test_speech import _sound, _talking

TINY = LipLsfConfig(side=32, stages=((4,), (6, 6)), hidden=(16,))
SOURCE = weights.DataSource("drawn faces", "MIT", "training")


@pytest.fixture(scope="module")
def network() -> LipLsf:
    torch.manual_seed(0)
    return LipLsf(TINY).eval()


# --- the network --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGS)
def test_nine_pictures_become_two_sound_frames(name: str) -> None:
    config = CONFIGS[name]
    said = LipLsf(config).eval()(torch.zeros(2, 9, config.side, config.side))
    assert said.shape == (2, 18)


def test_a_configuration_survives_json() -> None:
    for config in (*CONFIGS.values(), TINY):
        assert LipLsfConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config


def test_a_clip_is_read_window_by_window(network: LipLsf) -> None:
    crops = torch.randn(70, 64, 64)
    said = network.read(crops)
    assert said.shape == (140, 9)
    for picture in (0, 30, 66, 69):
        places = torch.arange(picture - 4, picture + 5).clamp(0, 69)
        with torch.no_grad():
            alone = network(crops[places][None]).reshape(2, 9)
        torch.testing.assert_close(said[2 * picture : 2 * picture + 2], alone, atol=1e-5, rtol=1e-4)


def test_answers_are_in_units_of_the_training_set(network: LipLsf) -> None:
    fitted = LipLsf(TINY).eval()
    fitted.load_state_dict(network.state_dict())
    fitted.fit(3 + 2 * torch.randn(500, 18))
    crops = torch.randn(5, 32, 32)
    shifted = network.read(crops).reshape(5, 18) * fitted.target_scale + fitted.target_mean
    torch.testing.assert_close(fitted.read(crops).reshape(5, 18), shifted)
    assert float((fitted.target_mean - 3).abs().max()) < 0.5


def test_a_network_is_packed_and_unpacked(network: LipLsf) -> None:
    tensors, about = lip_lsf.pack(network)
    again = lip_lsf.unpack(tensors, about)
    crops = torch.randn(4, 32, 32)
    torch.testing.assert_close(again.read(crops), network.read(crops))
    with pytest.raises(ValueError, match="not the weights of a network from lips"):
        lip_lsf.unpack({}, about)
    with pytest.raises(ValueError, match="not the weights of a network from lips"):
        lip_lsf.unpack(tensors, {})


# --- training -----------------------------------------------------------------------------------------------------


def test_targets_are_those_of_the_pictures_own_sound() -> None:
    clip = recipe.Clip.of(_talking(0), TINY)
    assert clip.targets.shape == (75, 18)
    gains = clip.targets.reshape(150, 9)[:, lsf.ORDER]
    loud = np.sqrt(np.mean(_talking(0).sound.reshape(150, 320) ** 2, axis=1))
    assert np.corrcoef(gains, np.log(loud + 1e-4))[0, 1] > 0.7


def test_a_batch_depends_on_its_seed_and_index_alone() -> None:
    clips = [recipe.Clip.of(_talking(seed, 30), TINY) for seed in range(2)]
    task = recipe.LsfTask(LipLsf(TINY), clips, 3)
    first, again, other = task.batch(5), task.batch(5), task.batch(6)
    assert torch.equal(first.windows, again.windows)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.targets, other.targets)
    assert first.windows.shape == (recipe.BATCH, 9, 64, 64)
    every = np.concatenate([clip.targets for clip in clips])
    assert all(np.any(np.all(every == row, axis=1)) for row in first.targets.numpy())


def test_always_saying_the_mean_costs_one() -> None:
    clips = [recipe.Clip.of(_talking(seed), TINY) for seed in range(2)]
    network = LipLsf(TINY).eval()
    network.fit(torch.from_numpy(np.concatenate([clip.targets for clip in clips])))
    with torch.no_grad():
        for value in network.says[-1].parameters():
            value.zero_()
    found = recipe.held_out_losses(network, clips)
    assert found["held_out_loss"] == pytest.approx(found["held_out_loss_of_mean"], rel=1e-4)
    assert found["held_out_loss_of_mean"] == pytest.approx(1, abs=0.01)
    assert recipe.held_out_losses(network, []) == {}


def test_the_network_can_learn_a_batch() -> None:
    clips = [recipe.Clip.of(_talking(0, 30), TINY)]
    model = LipLsf(dataclasses.replace(TINY, dropout=0.0))
    model.fit(torch.from_numpy(clips[0].targets))
    task = recipe.LsfTask(model, clips, 0)
    batch = task.batch(0)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss, _ = task.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_training_resumes_and_is_measured_on_held_out_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "BATCH", 16)
    talking = [_talking(seed, 50) for seed in range(3)]
    talking[2] = dataclasses.replace(talking[2], held_out=True)
    model, figures = recipe.fit(talking, TINY, tmp_path / "run", 2, 0, resume=True)
    assert set(figures) == {"loss", "held_out_loss", "held_out_loss_of_mean"}
    again, later = recipe.fit(talking, TINY, tmp_path / "run", 2, 0, resume=True)
    assert later == {name: value for name, value in figures.items() if name != "loss"}  # there was nothing left to do
    for ours, theirs in zip(model.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs)


def _videos(folder: Path, clips: int) -> Path:
    """Drawn faces that talk for two seconds."""
    folder.mkdir()
    room = drawn_faces.room()
    for number in range(clips):
        silent, target = folder.parent / "silent.mp4", folder / f"talk{number}.mkv"
        frames = (drawn_faces.draw(room, 180, 150, gape=abs(np.sin(index))) for index in range(50))
        video.write_frames(frames, silent, rate_fps=25)
        video.remux(silent, _sound(50, number), 16_000, target, existing=ExistingSound.REPLACE)
        silent.unlink()
    return folder


def test_the_recipe_makes_a_reader_for_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "BATCH", 8)
    monkeypatch.setattr(recipe, "CONFIGS", {"small": TINY})
    clips = _videos(tmp_path / "videos", 2)
    run = RECIPES["speech-lsf"].run
    figures = run(folder=tmp_path / "run", data=clips, steps=2, seed=0, resume=True, speaker="drawn")
    assert np.isfinite(figures["loss"])
    assert "not a voice" in weights.entry("lip-lsf-drawn", tmp_path / "run").summary
    made = readers.readers(beside=tmp_path / "run")
    assert readers.PREDECESSOR in made
    sentence = Sentence("talk0", "me", clips / "talk0.mkv", None, HELD_OUT)
    reader = made[readers.PREDECESSOR](Corpus((sentence,), (sentence,)))
    said = reader(sentence)
    assert said.shape == (32_000,)
    assert said.dtype == np.float32
    assert np.isfinite(said).all()
    np.testing.assert_array_equal(said, reader(sentence))


def test_several_predecessors_are_told_apart(network: LipLsf, tmp_path: Path) -> None:
    for name in ("me", "you"):
        recipe.register(name, network, tmp_path, corpus=SOURCE)
    found = [name for name in readers.readers(beside=tmp_path) if name.startswith(readers.PREDECESSOR)]
    assert found == [f"{readers.PREDECESSOR}, me", f"{readers.PREDECESSOR}, you"]


def test_a_folder_without_readers_and_foreign_weights_are_refused(tmp_path: Path) -> None:
    weights.register("lip-lsf-me", {"a": torch.zeros(2)}, licence="MIT", summary="something else", folder=tmp_path)
    with pytest.raises(WeightsError, match="'lip-lsf-me' cannot be used"):
        readers.lsf_reader("lip-lsf-me", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="begins with speech- or lip-lsf-"):
        readers.readers(beside=tmp_path / "empty")


def test_data_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--data is missing"):
        recipe.train_lsf(folder=tmp_path, data=None, steps=1, seed=0, resume=True)


def test_the_real_whisper_is_the_readers_ceiling(tmp_path: Path) -> None:
    from synth.evaluation.speech.baselines import baselines

    path = tmp_path / "a.wav"
    audio.write(path, _sound(50, 1), 16_000)
    sentence = Sentence("a", "me", path, None, HELD_OUT)
    said = baselines(Corpus((sentence,), (sentence,)))["ceiling: real line spectra and gain, whispered"](sentence)
    assert said.shape == (32_000,)
    levels = [np.log(np.sqrt(np.mean(one.reshape(-1, 640) ** 2, axis=1)) + 1e-3) for one in (said, _sound(50, 1))]
    assert np.corrcoef(*levels)[0, 1] > 0.9
