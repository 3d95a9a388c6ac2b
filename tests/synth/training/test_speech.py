"""How a voice pack is made: what is kept of a clip, what a batch is, what the losses count, who may enrol."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora.video_folder import HELD_OUT
from synth.errors import OptionError
from synth.media import video
from synth.models.speech.vid2speech import Prediction, Vid2Speech
from synth.options import ExistingSound
from synth.training.loop import Schedule
from synth.training.speech import data, preparation
from synth.training.speech import recipes as recipe
from synth.training.speech.data import Talking
from synth.training.speech.losses import LossWeights, envelope_loss, losses, third_octaves
from synth.voices.speech import spectra, voice
from tests.support import drawn_faces
from tests.synth.voices.speech.test_voice import TINY

REPLACE = ExistingSound.REPLACE
CONFIG = dataclasses.replace(TINY, units=6, words=3)


def _sound(pictures: int, seed: int) -> NDArray[np.float32]:
    """Bursts of hum and hiss, as loud as speech is."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(pictures * 640) / 16_000
    gate = np.repeat(rng.random(pictures // 5 + 1) < 0.6, 3200)[: len(times_s)]
    hum = np.sin(2 * np.pi * rng.uniform(100, 400) * times_s) + 0.3 * np.sin(2 * np.pi * 1900 * times_s)
    return np.asarray(0.2 * gate * hum + 0.003 * rng.normal(size=len(times_s)), np.float32)


def _talking(seed: int, pictures: int = 75) -> Talking:
    frames = [
        drawn_faces.draw(drawn_faces.room(96, 96), 48, 48, 80, gape=abs(np.sin(seed + 0.4 * index)))[16:80, 16:80, 1]
        for index in range(pictures)
    ]
    crops = np.stack(frames)
    words = ((0.2, 0.8, "bin"), (0.8, 1.4, "blue"))
    return Talking(f"clip{seed}", crops, crops[:, ::-1].copy(), _sound(pictures, seed), words)


@pytest.fixture(scope="module")
def examples() -> list[data.Example]:
    talking = [_talking(seed) for seed in range(3)]
    words = data.vocabulary(talking)
    ready = [data.example(one, CONFIG, words) for one in talking]
    units = data.units_of(ready, CONFIG.units, 0)
    return [dataclasses.replace(one, units=found) for one, found in zip(ready, units, strict=True)]


# --- what is kept and drawn ---------------------------------------------------------------------------------------


def test_a_clip_comes_back_from_the_cache_as_it_was(tmp_path: Path) -> None:
    clip = dataclasses.replace(_talking(1), held_out=True)
    clip.save(tmp_path / "clip1.npz")
    again = Talking.read(tmp_path / "clip1.npz")
    assert (again.name, again.words, again.held_out) == ("clip1", clip.words, True)
    assert np.abs(again.mouth.astype(int) - clip.mouth).mean() < 2
    assert np.abs(again.sound - clip.sound).max() < 1e-4
    assert (tmp_path / "clip1.npz").stat().st_size < 250_000


def test_a_clip_that_nobody_transcribed_has_no_words(tmp_path: Path) -> None:
    dataclasses.replace(_talking(1), words=None).save(tmp_path / "a.npz")
    assert Talking.read(tmp_path / "a.npz").words is None
    assert data.vocabulary([dataclasses.replace(_talking(1), words=None)]) == ()


def test_words_and_units_label_pictures(examples: list[data.Example]) -> None:
    words = examples[0].words
    assert words[2] == 0
    assert set(words[6:19]) == {1}
    assert set(words[21:34]) == {2}
    assert len({int(unit) for one in examples for unit in one.units}) > 2


def test_a_batch_depends_on_its_seed_and_index_alone(examples: list[data.Example]) -> None:
    task = recipe.SpeechTask(Vid2Speech(CONFIG), examples, seed=4)
    first, again, other = task.batch(7), task.batch(7), task.batch(8)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.grey, other.grey)
    assert first.grey.shape == (recipe.BATCH, recipe.WINDOW_PICTURES, CONFIG.side, CONFIG.side)
    assert first.mel.shape == (recipe.BATCH, 4 * recipe.WINDOW_PICTURES, 80)


def test_a_network_computes_in_bfloat16_and_learns_in_float32(examples: list[data.Example]) -> None:
    task = recipe.SpeechTask(Vid2Speech(CONFIG), examples, seed=4)
    task.model.eval()
    batch = task.batch(0)
    rough, _ = task.loss(batch)
    rough.backward()  # type: ignore[no-untyped-call]
    exact, _ = losses(task.model, task.model(batch.grey, batch.flow), batch, task.weights, task.bands)
    assert rough.dtype == torch.float32
    assert all(one.grad is None or one.grad.dtype == torch.float32 for one in task.model.parameters())
    assert 0 < abs(rough.item() - exact.item()) < 0.02 * exact.item()


def test_without_augmentation_a_window_is_the_clip_itself(examples: list[data.Example]) -> None:
    rng = np.random.default_rng(0)
    batch = data.draw_batch(examples[:1], CONFIG, rng, pictures=75, strength=0.0)
    one = examples[0]
    np.testing.assert_allclose(batch.mel[0].numpy()[:297], one.mel[:297].astype(np.float32), atol=2e-2)
    assert batch.words[0].tolist() == one.words.tolist()
    grey = one.crops[:, 4:60, 4:60].astype(np.float32)
    np.testing.assert_allclose(batch.grey[0].numpy(), (grey - grey.mean()) / grey.std(), atol=1e-3)


def test_a_short_clip_is_followed_by_silence(examples: list[data.Example]) -> None:
    batch = data.draw_batch(examples[:1], CONFIG, np.random.default_rng(0), pictures=100, strength=0.0)
    assert torch.all(batch.mel[0, 304:] == spectra.QUIETEST)


# --- losses -------------------------------------------------------------------------------------------------------


def _log_linear(seed: int) -> torch.Tensor:
    return torch.from_numpy(spectra.log_linear(_sound(75, seed), 300))[None]


def test_envelopes_of_the_same_sound_agree_and_those_of_another_do_not() -> None:
    bands = third_octaves()
    same = float(envelope_loss(_log_linear(0), _log_linear(0), bands))
    quieter = float(envelope_loss(_log_linear(0) - 1.0, _log_linear(0), bands))
    other = float(envelope_loss(_log_linear(3), _log_linear(0), bands))
    assert same < 0.01
    assert quieter < 0.05
    assert other > 0.5


def test_third_octaves_share_no_bin() -> None:
    bands = third_octaves()
    assert bands.shape == (spectra.BINS, 15)
    assert float(bands.sum(1).max()) == 1
    assert float(bands.sum(0).min()) >= 1


def test_the_truth_costs_least(examples: list[data.Example]) -> None:
    network = Vid2Speech(CONFIG)
    batch = data.draw_batch(examples, CONFIG, np.random.default_rng(1), pictures=64, strength=0.0)
    network.fit(batch.mel.flatten(0, 1), batch.linear.flatten(0, 1), torch.from_numpy(data.spread()))
    right = Prediction(
        (batch.mel - network.mel_mean) / network.mel_scale,
        (batch.linear - network.linear_mean) / network.linear_scale,
        30 * torch.nn.functional.one_hot(batch.units, CONFIG.units).float(),
        30 * torch.nn.functional.one_hot(batch.words, CONFIG.words).float(),
    )
    best, terms = losses(network, right, batch, LossWeights(), third_octaves())
    assert float(best) < 0.05
    assert set(terms) == {"mel", "linear", "envelopes", "units", "words"}
    with torch.no_grad():
        worse, _ = losses(network, network(batch.grey, batch.flow), batch, LossWeights(), third_octaves())
    assert float(worse) > 1


def test_spliced_sentences_go_on_from_the_same_place_of_another(examples: list[data.Example]) -> None:
    made = data.spliced(examples, 0, np.random.default_rng(0), 1.0)
    start = int(np.flatnonzero(np.diff(examples[0].words) != 0)[1]) + 1  # of the second word, at 0.8 s
    assert len(made.crops) == len(examples[0].crops)
    np.testing.assert_array_equal(made.crops[:start], examples[0].crops[:start])
    np.testing.assert_array_equal(made.mel[: 4 * start], examples[0].mel[: 4 * start])
    others = [one for one in examples if np.array_equal(one.crops[start:], made.crops[start:])]
    assert len(others) == 1
    np.testing.assert_array_equal(made.linear[4 * start :], others[0].linear[4 * start :])
    np.testing.assert_array_equal(made.flow[start:], others[0].flow[start:])


def test_nothing_is_spliced_where_no_word_is_known_or_nothing_is_asked_for(examples: list[data.Example]) -> None:
    assert data.spliced(examples, 1, np.random.default_rng(0), 0.0) is examples[1]
    unknown = [dataclasses.replace(one, words=np.full_like(one.words, -1)) for one in examples]
    assert data.spliced(unknown, 1, np.random.default_rng(0), 1.0) is unknown[1]


# --- the recipe ---------------------------------------------------------------------------------------------------


def test_training_makes_a_pack_that_reads_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "Schedule", lambda steps, **about: Schedule(steps, **{**about, "save_every": 1}))
    talking = [_talking(seed, 50) for seed in range(3)]
    words = data.vocabulary(talking)
    fitted = recipe.fit(talking, CONFIG, words, tmp_path / "run", 2, 0, resume=True, start=None)
    whole = fitted.model
    assert set(fitted.figures) >= {"loss", "mel", "linear", "units", "words"}
    again = recipe.fit(talking, CONFIG, words, tmp_path / "run", 2, 0, resume=True, start=None).model
    for ours, theirs in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs)
    source = weights.DataSource("drawn faces", "MIT", "training")
    entry = recipe.register("drawn", whole, talking, tmp_path, consent="nobody is seen", corpus=source)
    assert entry.name == "speech-drawn"
    assert "nobody is seen" in entry.summary
    loaded = weights.load("speech-drawn", tmp_path)
    pack = voice.unpack("drawn", loaded.tensors, loaded.metadata)
    assert pack.about["consent"] == "nobody is seen"
    assert pack.network.config.units == 0  # what only training needs stays behind
    assert np.isfinite(pack.loudness)


def _folder(tmp_path: Path, clips: int) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    room = drawn_faces.room()
    for number in range(clips):
        frames = (drawn_faces.draw(room, 180, 150, gape=abs(np.sin(index))) for index in range(50))
        video.write_frames(frames, tmp_path / "silent.mp4", rate_fps=25)
        sound = _sound(50, number)
        video.remux(tmp_path / "silent.mp4", sound, 16_000, folder / f"talk{number}.mkv", existing=REPLACE)
        (tmp_path / "silent.mp4").unlink()
    return folder


def test_a_folder_of_videos_becomes_clips_with_faces_and_sound(tmp_path: Path) -> None:
    folder = _folder(tmp_path, 3)
    video.write_frames((drawn_faces.room() for _ in range(50)), folder / "talk3.mp4", rate_fps=25)
    sentences, _ = recipe._sentences(folder)
    talking = preparation.prepare(sentences, tmp_path / "cache")
    assert len(talking) == 3  # nobody is seen in the fourth
    assert {one.mouth.shape for one in talking} == {(50, 64, 64)}
    assert all(one.words is None for one in talking)
    again = preparation.prepare(sentences, tmp_path / "cache")
    assert all(np.array_equal(a.mouth, b.mouth) for a, b in zip(talking, again, strict=True))
    assert {one.held_out for one in talking} <= {sentence.part == HELD_OUT for sentence in sentences}


def test_enrolment_asks_for_consent_a_name_and_enough_minutes(tmp_path: Path) -> None:
    folder = _folder(tmp_path, 2)
    asked: dict[str, Any] = {"folder": tmp_path / "run", "data": folder, "steps": 1, "seed": 0, "resume": True}
    with pytest.raises(OptionError, match="--consent is missing"):
        recipe.train_speech(**asked, speaker="me")
    with pytest.raises(OptionError, match="--speaker is 'Me!'"):
        recipe.train_speech(**asked, speaker="Me!", consent="I agree")
    with pytest.raises(OptionError, match=r"minutes of talking were found; at least 2 are needed and 20 are advised"):
        recipe.train_speech(**asked, speaker="me", consent="I agree")


def test_a_part_of_the_minutes_is_drawn() -> None:
    clips = [_talking(0)] * 60  # three minutes
    seen = [dataclasses.replace(one, name=str(number)) for number, one in enumerate(clips)]
    drawn = recipe._drawn(seen, 2.0, 0)
    assert len(drawn) == 40
    assert [one.name for one in drawn] == sorted((one.name for one in drawn), key=int)
    assert {one.name for one in recipe._drawn(seen, 2.0, 1)} != {one.name for one in drawn}
    assert {one.name for one in drawn} <= {one.name for one in recipe._drawn(seen, 2.5, 0)}
    for minutes in (1.9, 3.1):
        with pytest.raises(OptionError, match=f"--minutes is {minutes}; allowed is 2 to the 3.0 that were found"):
            recipe._drawn(seen, minutes, 0)


def test_few_minutes_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    recipe._check_minutes(5.0)
    assert "5.0 minutes of talking were found; 20 are advised" in capsys.readouterr().err
    recipe._check_minutes(25.0)
    assert capsys.readouterr().err == ""


def test_data_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--data is missing"):
        recipe.train_speech(folder=tmp_path, data=None, steps=1, seed=0, resume=True)
