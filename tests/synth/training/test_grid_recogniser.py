"""The recogniser that always answers: its network, what it is shown, what it learns, and what it hears."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora.grid import Word
from synth.errors import OptionError, WeightsError
from synth.evaluation.speech import intelligibility
from synth.media import audio
from synth.metrics.grid_sentences import GRAMMAR, Words, chance_word_error_rate, is_sentence
from synth.models.speech import grid_words
from synth.models.speech.grid_words import GridWords, GridWordsConfig, standardised
from synth.training.loop import Schedule, train
from synth.training.speech import grid_recogniser
from synth.training.speech import recogniser as recipe
from synth.training.speech import recogniser_data as recipe_data
from synth.training.speech.grid_recogniser import WORDS, GridRecogniser
from synth.voices.speech import spectra
from tests.support.paths import SHARED_DATA

GRID = SHARED_DATA / "grid"
SMALL = GridWordsConfig(WORDS, channels=(16, 16), hidden=8, dropout=0.0)
SAID = ("bin", "blue", "at", "f", "two", "now")
RATE_HZ = spectra.RATE_HZ


def network(config: GridWordsConfig = SMALL, seed: int = 0) -> GridWords:
    torch.manual_seed(seed)
    return GridWords(config).eval()


def noise(duration_s: float, seed: int = 0) -> NDArray[np.float32]:
    return np.asarray(0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ)), np.float32)


# --- network ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [5, 100, 101, 102, 103])
def test_there_is_an_answer_every_four_spectra(count: int) -> None:
    scores = network().hear(np.zeros((count, 80), np.float32))
    assert scores.shape == (-(-count // grid_words.REDUCTION), len(WORDS) + 1)
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, atol=1e-9)


def test_an_answer_stands_for_the_spectrum_that_its_number_says() -> None:
    """Without the GRU, what one spectrum changes is as far before its own answer as behind it."""
    ears = network().ears
    mel = torch.zeros(1, 80, 80)
    other = mel.clone()
    other[0, :, 40] = 1.0
    with torch.no_grad():
        changed = (ears(mel) - ears(other)).abs().sum(1)[0].nonzero().flatten()
    assert float(changed.float().mean()) == pytest.approx(40 / grid_words.REDUCTION)


def test_neither_level_nor_colour_nor_a_quiet_room_reaches_the_network() -> None:
    mel = np.random.default_rng(0).uniform(-2, 1, (50, 80)).astype(np.float32)
    found = standardised(mel)
    assert float(found.std()) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(standardised(mel + 1.5), found, atol=1e-4)
    np.testing.assert_allclose(standardised(2 * mel), found, atol=1e-4)
    np.testing.assert_allclose(standardised(mel + np.linspace(0, 0.5, 80, dtype=np.float32)), found, atol=1e-4)
    deep, deeper = mel.copy(), mel.copy()
    deep[10], deeper[10] = -8, -20
    np.testing.assert_array_equal(standardised(deep), standardised(deeper))
    assert not standardised(np.full((9, 80), -3.0, np.float32)).any()


def test_weights_come_back_in_half_precision() -> None:
    own = network(seed=3)
    tensors, text = grid_words.pack(own)
    assert json.loads(text["config"])["words"] == list(WORDS)
    again = grid_words.unpack(tensors, text)
    assert again.config == own.config
    mel = standardised(spectra.log_mel(noise(1.0)))
    np.testing.assert_allclose(again.hear(mel), own.hear(mel), atol=0.02)
    with pytest.raises(ValueError, match="not the weights of a network that hears words"):
        grid_words.unpack({}, text)
    with pytest.raises(ValueError, match="not the weights"):
        grid_words.unpack(tensors, {})


# --- recogniser ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(48_000), np.full(100, 0.3), noise(0.2), noise(4.0)])
def test_it_always_answers_with_a_sentence(sound: NDArray[np.float32]) -> None:
    heard = GridRecogniser(network()).listen(sound)
    assert is_sentence(heard.words)
    assert 0 < heard.confidence <= 1


def test_the_level_plays_no_part() -> None:
    recogniser = GridRecogniser(network())
    loud = noise(1.5, seed=4)
    one, other = recogniser.listen(loud), recogniser.listen(0.01 * loud)
    assert one.words == other.words
    assert one.confidence == pytest.approx(other.confidence, rel=1e-3)


def test_places_hold_the_classes_of_their_words() -> None:
    assert [[WORDS[k - 1] for k in place] for place in grid_recogniser.PLACES] == [list(place) for place in GRAMMAR]


def test_weights_that_are_not_there_or_of_other_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="grid-recogniser"):
        grid_recogniser.load(tmp_path)
    other = tmp_path / "other"
    tensors, text = grid_words.pack(network(GridWordsConfig(("yes", "no"), channels=(4, 4), hidden=4)))
    weights.register("grid-recogniser", tensors, licence="MIT", summary="Other words.", metadata=text, folder=other)
    with pytest.raises(WeightsError, match="know 2 words that are not those of GRID"):
        grid_recogniser.load(other)


def test_figures_name_empty_answers_of_pocketsphinx_only() -> None:
    heard: dict[str, list[Words]] = {"wer": [SAID, SAID], "wer_pocketsphinx": [SAID, ()]}
    found = intelligibility.figures([SAID, SAID], heard)
    assert found["empty_answers"] == 0.5
    assert (found["whole_sentences_right"], found["whole_sentences_right_pocketsphinx"]) == (1, 0.5)
    assert found["word_accuracy_pocketsphinx"]["letter"] == 0.5
    without = intelligibility.figures([SAID, SAID], {})
    assert without["empty_answers"] is None
    assert without["word_accuracy"] == {}


# --- what it learns -----------------------------------------------------------------------------------------------


def spoken(name: str = "one", seconds: float = 3.0) -> recipe_data.Spoken:
    """Six words of half a second each: each its own band of a quiet noise."""
    count = round(100 * seconds)
    mel = np.random.default_rng(len(name)).uniform(-5.5, -5, (count, 80))
    words = tuple(Word(0.2 + 0.4 * k, 0.6 + 0.4 * k, word) for k, word in enumerate(SAID))
    for word in words:
        band = WORDS.index(word.text)
        mel[round(100 * word.start_s) : round(100 * word.end_s), band : band + 6] = 1.0
    return recipe_data.Spoken(name, mel.astype(np.float16), words)


def test_answers_are_labelled_with_what_is_said_then() -> None:
    found = recipe_data.classes_at(spoken().words, np.array([0.1, 0.21, 0.59, 0.61, 2.59, 2.61]))
    expected = [WORDS.index(word) + 1 for word in ("bin", "bin", "blue", "now")]
    assert found.tolist() == [0, *expected, 0]
    with pytest.raises(ValueError, match="tuple"):
        recipe_data.classes_at((Word(0, 1, "hello"),), np.array([0.5]))


def test_spectra_and_labels_move_together() -> None:
    """Whatever the speed and the beginning: where a word's band sounds in what was not worsened, its class stands."""
    one = spoken()
    right = []
    for seed in range(40):
        batch = recipe_data.draw_batch([one], np.random.default_rng(seed))
        mel, classes = batch.mel[0].numpy()[:: grid_words.REDUCTION], batch.classes[0].numpy()
        bands = np.stack([mel[:, WORDS.index(word) + 1 : WORDS.index(word) + 5].mean(1) for word in SAID])
        loudest = np.array([WORDS.index(word) + 1 for word in SAID])[bands.argmax(0)]
        said = classes > 0
        right.append(float(np.mean(loudest[said] == classes[said])))
    assert np.quantile(right, 0.3) > 0.95  # most of what is left has noise or gaps in it


def test_batches_depend_on_their_number_alone_and_are_finite() -> None:
    task = recipe.RecogniserTask(network(), [spoken("one"), spoken("other", 1.0)], seed=5)
    first, again, next_one = task.batch(0), task.batch(0), task.batch(1)
    assert torch.equal(first.mel, again.mel)
    assert torch.equal(first.classes, again.classes)
    assert not torch.equal(first.mel, next_one.mel)
    for index in range(12):
        assert torch.isfinite(task.batch(index).mel).all()
    assert first.mel.shape == (recipe.BATCH, recipe_data.SPECTRA, 80)
    assert first.classes.shape == (recipe.BATCH, recipe_data.SPECTRA // grid_words.REDUCTION)


def test_noise_is_as_loud_as_it_is_drawn_and_blur_keeps_the_mean() -> None:
    mel = spoken().mel.astype(np.float32)
    rng = np.random.default_rng(0)
    louder = [np.mean(np.exp(2 * recipe_data._noisy(mel, rng))) / np.mean(np.exp(2 * mel)) for _ in range(30)]
    assert min(louder) >= 1
    assert max(louder) <= 1.01 + 10**0.5
    assert max(louder) > 1.2
    np.testing.assert_allclose(recipe_data._blurred(mel, rng).mean(), mel.mean(), atol=0.05)
    gaps = recipe_data._gapped(mel, rng)
    assert 0 < np.mean(gaps != mel) < 0.4


def test_it_learns_words_and_hears_them(tmp_path: Path) -> None:
    sentences = [spoken("one")]
    task = recipe.RecogniserTask(
        network(GridWordsConfig(WORDS, channels=(24, 24), hidden=16, dropout=0.0)), sentences, 0
    )
    before = float(task.loss(task.batch(1000))[0].detach())
    train(task, Schedule(40, learning_rate=1e-2, warm_up=5), tmp_path, settings={}, quiet=True)
    assert float(task.loss(task.batch(1000))[0].detach()) < 0.6 * before


def test_data_that_is_missing_or_has_no_sentences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--data is missing"):
        recipe.train_recogniser(folder=tmp_path, data=None, steps=1, seed=0, resume=False)
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "holiday.mkv").write_bytes(b"")
    with pytest.raises(OptionError, match="no sentences of GRID's grammar"):
        recipe.train_recogniser(folder=tmp_path / "run", data=tmp_path, steps=1, seed=0, resume=False)


@pytest.mark.skipif(not GRID.is_dir(), reason="no GRID sentences in shared/data/grid")
def test_the_recipe_reads_the_corpus_and_registers_what_it_made(tmp_path: Path) -> None:
    held_out = (GRID / "s1_val.txt").read_text().split()[:1]
    training = sorted({file.stem for file in (GRID / "s1").glob("*.mkv")} - set(held_out))[:2]
    for name in (*held_out, *training):
        for part in (f"s1/{name}.mkv", f"align/s1/{name}.align"):
            (tmp_path / "grid" / part).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "grid" / part).symlink_to(GRID / part)
    (tmp_path / "grid" / "s1_val.txt").write_text("\n".join(held_out))
    run = tmp_path / "runs" / "recogniser"
    found = recipe.train_recogniser(folder=run, data=tmp_path / "grid", steps=2, seed=0, resume=False)
    assert (found["sentences"], found["held_out_sentences"]) == (2, 1)
    assert len(list((tmp_path / "runs" / "cache" / "speech-sounds").glob("*.flac"))) == 2
    entry = weights.entry("grid-recogniser", run)
    assert entry.split == {"validation": tuple(held_out)}
    assert entry.figures[0].floor == pytest.approx(chance_word_error_rate())
    assert entry.bytes_ < 2_000_000
    assert is_sentence(grid_recogniser.load(run).hear(noise(1.0)))


SHIPPED = "grid-recogniser" in weights.entries()


@pytest.mark.skipif(not (GRID.is_dir() and SHIPPED), reason="no GRID sentences, or no grid-recogniser in checkpoints")
def test_real_sentences_are_heard_in_noise_as_well() -> None:
    recogniser = grid_recogniser.load()
    names = (GRID / "s1_val.txt").read_text().split()[::5]
    wrong: dict[str, list[bool]] = {"real": [], "noisy": [], "nothing": []}
    for number, name in enumerate(names):
        sound, _ = audio.read(GRID / "s1" / f"{name}.mkv", RATE_HZ)
        lines = (GRID / "align" / "s1" / f"{name}.align").read_text().split("\n")
        said = [line.split()[2] for line in lines if line.split() and line.split()[2] not in ("sil", "sp")]
        loud = float(np.max(np.abs(sound)))
        hiss = noise(len(sound) / RATE_HZ, number)[: len(sound)] / np.float32(0.1)
        for kind, made in (("real", sound), ("noisy", sound + 0.03 * loud * hiss), ("nothing", hiss)):
            wrong[kind] += [word != heard for word, heard in zip(said, recogniser.hear(made), strict=True)]
    assert np.mean(wrong["real"]) < 0.1
    assert np.mean(wrong["noisy"]) < 0.35
    assert np.mean(wrong["nothing"]) > 0.6
