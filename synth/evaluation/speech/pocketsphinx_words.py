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
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.metrics.grid_sentences import SLOTS, Words, is_sentence
from synth.metrics.speech import extra

RATE_HZ: Final = 16_000


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


# --- figures ------------------------------------------------------------------------------------------------------
