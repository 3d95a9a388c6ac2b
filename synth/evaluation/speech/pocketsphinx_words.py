"""Which words made speech says: a recogniser that can hear nothing but sentences of GRID, and what chance would give.

GRID (Cooke, Barker, Cunningham and Shao, JASA 2006) says six words a sentence: command, colour, preposition, letter,
digit, adverb. The recogniser is pocketsphinx with the American English acoustic model that its package holds, and its
search is fixed to that grammar, with optional silence between words. Nothing of it was fitted to a speaker; the letter
z is "zed", as the British speakers of the corpus say it, and the letter a is never the article. Both were settled on
training sentences. What it makes of the real sound is the ceiling, and stands in the report.

pocketsphinx and jiwer are an extra (``sonorize[eval]``). No sound device is opened or looked for.
"""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.data.corpora.grid import GRAMMAR
from synth.metrics.speech import extra

Words = tuple[str, ...]

RATE_HZ: Final = 16_000

SLOTS: Final[Mapping[str, Words]] = dict(
    zip(("command", "colour", "preposition", "letter", "digit", "adverb"), GRAMMAR, strict=True)
)
"""What may be said in each place of a sentence, in their order; no word occurs in two places."""

_SAID: Final = {"a": ("letter_a", "EY"), "z": ("letter_z", "Z EH D")}
"""Letters that the dictionary says otherwise: a word of our own for each, and its phones in ARPAbet."""


class Recogniser:
    """Hears which sentence of GRID was said; one utterance has no influence on the next.

    Raises:
        OptionError: pocketsphinx is not installed.
    """

    def __init__(self) -> None:
        package = extra("pocketsphinx")
        model = Path(package.get_model_path("en-us"))
        self._decoder = package.Decoder(
            hmm=str(model / "en-us"),
            dict=str(model / "cmudict-en-us.dict"),
            lm=None,
            cmn="batch",  # the mean of the utterance, not of those before it
            loglevel="FATAL",
        )
        for word, phones in _SAID.values():
            self._decoder.add_word(word, phones, True)
        self._decoder.add_jsgf_string("grid", grammar())
        self._decoder.activate_search("grid")
        self.name: Final = f"pocketsphinx {importlib.metadata.version('pocketsphinx')}, en-us, fixed to GRID's grammar"

    def hear(self, sound: NDArray[Any]) -> Words:
        """The six words of a sound [N] at 16 kHz; none where no sentence fits, as in silence.

        The sound is brought to a peak of 0.9, so that its level plays no part.
        """
        peak = float(np.max(np.abs(sound), initial=0.0))
        if peak < 1e-5:
            return ()
        samples = np.round(np.asarray(sound, np.float64) * (0.9 * 32767 / peak)).astype("<i2")
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        heard = tuple(_written(word) for word in found.hypstr.split()) if found is not None else ()
        return heard if is_sentence(heard) else ()


def grammar() -> str:
    """GRID's sentences as a JSGF grammar; the recogniser itself allows silence anywhere."""
    places = (" | ".join(_SAID.get(word, (word,))[0] for word in words) for words in SLOTS.values())
    return "#JSGF V1.0;\ngrammar grid;\npublic <sentence> = " + " ".join(f"({words})" for words in places) + ";\n"


def _written(word: str) -> str:
    return next((letter for letter, (name, _) in _SAID.items() if name == word), word)


def is_sentence(words: Sequence[str]) -> bool:
    """Whether these words are a sentence of GRID's grammar."""
    return len(words) == len(SLOTS) and all(w in known for w, known in zip(words, SLOTS.values(), strict=True))


# --- figures ------------------------------------------------------------------------------------------------------


def word_error_rate(said: Sequence[Words], heard: Sequence[Words]) -> float | None:
    """Substitutions, deletions and insertions over the words said, of all sentences together; ``None`` without any.

    A sentence of which nothing was heard counts as six deletions. No word of the grammar has two places, so that for
    whole sentences this is the share of places that are wrong.

    Raises:
        ValueError: the numbers of sentences differ.
        OptionError: jiwer is not installed.
    """
    if len(said) != len(heard):
        raise ValueError(f"{len(said)} sentences were said and {len(heard)} were heard; they must be as many")
    if not any(said):
        return None
    return float(extra("jiwer").wer([" ".join(words) for words in said], [" ".join(words) for words in heard]))


def place_accuracies(said: Sequence[Words], heard: Sequence[Words]) -> dict[str, float | None]:
    """Share of sentences whose word in each place was heard, by the place's name."""
    table: dict[str, float | None] = {}
    for place, name in enumerate(SLOTS):
        right = [words[place] == found[place] if found else False for words, found in zip(said, heard, strict=True)]
        table[name] = float(np.mean(right)) if right else None
    return table


def chance_word_error_rate() -> float:
    """Expected word error rate of a sentence that is drawn evenly from the grammar: exact, .81."""
    return 1.0 - float(np.mean([1 / len(words) for words in SLOTS.values()]))


def chance_accuracies() -> dict[str, float]:
    """Share of sentences whose word in each place such a draw hits."""
    return {name: 1 / len(words) for name, words in SLOTS.items()}


def most_frequent(training: Sequence[Words]) -> Words:
    """The sentence of each place's most frequent word in the training set; the first in the alphabet of equals."""
    counts = [Counter(words[place] for words in training if is_sentence(words)) for place in range(len(SLOTS))]
    return tuple(min(count, key=lambda word: (-count[word], word)) for count in counts if count)
