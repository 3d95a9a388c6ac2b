"""The recogniser that hears GRID's sentences and nothing else, and the figures of what it hears."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest

from synth.errors import OptionError
from synth.evaluation.speech import pocketsphinx_words as words
from synth.media import audio
from synth.metrics import grid_sentences
from tests.support.paths import SHARED_DATA

GRID = SHARED_DATA / "grid"
SAID = ("bin", "blue", "at", "f", "two", "now")
OTHER = ("set", "blue", "with", "z", "two", "again")


def test_the_grammar_has_one_place_for_each_word() -> None:
    every = list(itertools.chain(*grid_sentences.SLOTS.values()))
    assert len(every) == len(set(every)) == 4 + 4 + 4 + 25 + 10 + 4
    assert "w" not in every
    assert grid_sentences.is_sentence(SAID)
    assert not grid_sentences.is_sentence(SAID[:5])
    assert not grid_sentences.is_sentence(SAID[::-1])
    assert not grid_sentences.is_sentence(())


def test_error_rates_count_wrong_places_and_silence() -> None:
    assert grid_sentences.word_error_rate([SAID, OTHER], [SAID, OTHER]) == 0
    assert grid_sentences.word_error_rate([SAID], [OTHER]) == pytest.approx(4 / 6)
    assert grid_sentences.word_error_rate([SAID, OTHER], [(), OTHER]) == 0.5
    assert grid_sentences.word_error_rate([], []) is None
    with pytest.raises(ValueError, match="2 sentences were said and 1 were heard"):
        grid_sentences.word_error_rate([SAID, OTHER], [SAID])


def test_accuracies_are_by_place() -> None:
    found = grid_sentences.place_accuracies([SAID, SAID], [OTHER, ()])
    assert found == {"command": 0, "colour": 0.5, "preposition": 0, "letter": 0, "digit": 0.5, "adverb": 0}


def test_chance_is_what_random_sentences_get() -> None:
    assert grid_sentences.chance_word_error_rate() == pytest.approx(1 - (4 / 4 + 1 / 25 + 1 / 10) / 6)
    rng = np.random.default_rng(0)
    drawn = [tuple(str(rng.choice(known)) for known in grid_sentences.SLOTS.values()) for _ in range(800)]
    measured = grid_sentences.word_error_rate([SAID] * len(drawn), drawn)
    assert measured == pytest.approx(grid_sentences.chance_word_error_rate(), abs=0.025)
    assert grid_sentences.chance_accuracies()["letter"] == 1 / 25


def test_the_most_frequent_words_come_from_whole_sentences() -> None:
    assert grid_sentences.most_frequent([SAID, SAID, OTHER, ("set", "set")]) == SAID
    assert grid_sentences.most_frequent([SAID, OTHER])[0] == "bin"
    assert grid_sentences.most_frequent([()]) == ()


def test_silence_says_nothing_and_noise_says_a_sentence_or_nothing() -> None:
    recogniser = words.Recogniser()
    assert recogniser.hear(np.zeros(32_000, np.float32)) == ()
    assert recogniser.hear(np.zeros(0, np.float32)) == ()
    heard = recogniser.hear(np.random.default_rng(0).standard_normal(32_000).astype(np.float32))
    assert heard == () or grid_sentences.is_sentence(heard)


def test_no_sound_device_is_looked_for() -> None:
    """PortAudio is a library of the system that a server does not have."""
    program = (
        "import sys; from synth.evaluation.speech.pocketsphinx_words import Recogniser; Recogniser();"
        " print('sounddevice' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(OptionError, match=r"pocketsphinx is not installed; pip install 'sonorize\[eval\]'"):
        words.Recogniser()


@pytest.mark.skipif(not GRID.is_dir(), reason="no GRID sentences in shared/data/grid")
def test_real_sentences_are_heard_whatever_was_heard_before() -> None:
    recogniser = words.Recogniser()
    names = (GRID / "s1_val.txt").read_text().split()[::5]
    sounds = [audio.read(GRID / "s1" / f"{name}.mkv", words.RATE_HZ)[0] for name in names]
    said = [_said(name) for name in names]
    heard = [recogniser.hear(sound) for sound in sounds]
    error_rate = grid_sentences.word_error_rate(said, heard)
    assert error_rate is not None
    assert error_rate < 0.25
    assert [recogniser.hear(0.05 * sound) for sound in sounds[::-1]] == heard[::-1]


def _said(name: str) -> grid_sentences.Words:
    lines = (GRID / "align" / "s1" / f"{name}.align").read_text().splitlines()
    return tuple(word for word in (line.split()[2] for line in lines) if word not in ("sil", "sp"))
