"""How a voice learns to name words, and the pack that comes out: it names them, and sounds as it did."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from synth.models.speech.lip_words import LipWords
from synth.models.speech.vid2speech import Vid2Speech
from synth.training.speech import data, word_reader
from synth.training.speech.data import Example
from synth.training.speech.word_reader import ReaderTask
from synth.voices.base import SpokenWord
from synth.voices.speech import lip_reading, speaker_reading, voice
from tests.synth.training.test_speech import CONFIG, _talking

WORDS = ("", "bin", "blue")
ORDER = ((1,), (2,))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [data.example(_talking(seed), CONFIG, WORDS) for seed in range(3)]


@pytest.fixture(scope="module")
def base() -> Vid2Speech:
    torch.manual_seed(0)
    return Vid2Speech(dataclasses.replace(CONFIG, units=0, words=0)).eval()


def test_features_are_of_the_whole_clip_in_a_drawn_view(examples: list[Example], base: Vid2Speech) -> None:
    one, other, third = (word_reader.features_of(base, examples[0], np.random.default_rng(seed)) for seed in (0, 0, 2))
    assert one.seen.shape[0] == one.read.shape[0] == len(one.labels) == len(examples[0].crops)
    assert np.array_equal(one.read, other.read)
    assert not np.array_equal(one.read, third.read)


def test_an_order_of_words_is_known_for_sentences_of_grid_alone() -> None:
    talking = _talking(0)
    assert word_reader.places_of([talking], WORDS) == ()
    said = ("bin", "blue", "at", "f", "two", "now")
    full = dataclasses.replace(talking, words=tuple((k / 3, k / 3 + 0.3, text) for k, text in enumerate(said)))
    classes = data.vocabulary([full])
    assert [classes[place[0]] for place in word_reader.places_of([full], classes)] == list(said)
    part = dataclasses.replace(full, words=(full.words or ())[3:])  # what follows a moment without a face
    assert word_reader.places_of([full, part], classes) == word_reader.places_of([full], classes)
    assert word_reader.places_of([dataclasses.replace(talking, words=None)], ()) == ()


def test_a_batch_depends_on_its_seed_and_index_and_short_clips_are_held(
    examples: list[Example], base: Vid2Speech
) -> None:
    one = word_reader.features_of(base, examples[0], np.random.default_rng(0))
    short = dataclasses.replace(one, seen=one.seen[:20], read=one.read[:20], labels=one.labels[:20])
    task = ReaderTask(LipWords(word_reader.config_of(base, WORDS, ORDER)), [short], 0)
    first, again, second = task.batch(0), task.batch(0), task.batch(1)
    assert torch.equal(first.seen, again.seen)
    assert first.labels.shape == second.labels.shape == (word_reader.BATCH, word_reader.WINDOW_PICTURES)
    assert torch.equal(first.read[0, 20:], first.read[0, 19:20].expand(55, -1))


def test_a_voice_learns_to_name_words_and_sounds_as_before(
    examples: list[Example], base: Vid2Speech, tmp_path: Path
) -> None:
    shape = dataclasses.replace(word_reader.config_of(base, WORDS, ORDER), hidden=24)
    reader, figures = word_reader.train_word_reader(base, examples, shape, tmp_path, 40, 0, resume=True)
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert figures["loss"] < first["loss"]
    again, _ = word_reader.train_word_reader(base, examples, shape, tmp_path, 40, 0, resume=True)
    pairs = zip(reader.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)

    back = voice.unpack("me", *voice.pack(voice.VoicePack("me", base, 1.0, 1.0, words=reader)))
    assert back.words is not None
    assert back.words.config == reader.config
    crops = examples[0].crops
    mels = []
    for words in (None, back.words):
        reading = lip_reading.LipReader(back.network, words=words)
        for crop in crops:
            reading.add(crop)
        mels.append(reading.end())
    assert reading.answers().shape == (len(crops), len(WORDS))
    np.testing.assert_array_equal(mels[0], mels[1])


def test_words_are_told_in_seconds_of_the_clip(base: Vid2Speech) -> None:
    shares = np.full((50, 3), 0.05)
    shares[:5, 0] = shares[35:, 0] = shares[5:20, 1] = shares[20:35, 2] = 0.9
    told = speaker_reading.words_of(word_reader.config_of(base, WORDS, ORDER), np.log(shares).astype(np.float32), 25)
    assert told == [SpokenWord("bin", 1.2, 1.8), SpokenWord("blue", 1.8, 2.4)]


def test_a_long_clip_is_named_picture_by_picture(base: Vid2Speech) -> None:
    torch.manual_seed(0)
    reader = LipWords(word_reader.config_of(base, WORDS, ())).eval()
    reading = lip_reading.LipReader(base, words=reader)
    rng = np.random.default_rng(0)
    for _ in range(260):
        reading.add(rng.integers(0, 255, (64, 64), dtype=np.uint8))
    assert len(reading.end()) == 4 * 260
    answers = reading.answers()
    assert answers.shape == (260, len(WORDS))
    np.testing.assert_allclose(np.exp(answers).sum(1), 1, atol=0.05)


def test_doubtful_words_are_not_told(base: Vid2Speech) -> None:
    shape = word_reader.config_of(base, ("", "bin", "lay"), ())
    answers = np.log(np.array([[0.1, 0.8, 0.1], [0.3, 0.3, 0.4]], np.float32))
    assert speaker_reading.words_of(shape, answers, 0) == [SpokenWord("bin", 0.0, 0.04)]
