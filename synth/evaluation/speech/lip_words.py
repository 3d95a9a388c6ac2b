"""The words that a voice's reader names on held-out sentences, and when: no sound is made, and none is heard.

What is said is known from the corpus; word onsets are held against its alignments. The floor is a random sentence of
the grammar, as for the recognisers that hear made speech.
"""

from __future__ import annotations

from statistics import fmean, median
from typing import Any

import numpy as np

from synth.data.corpora.grid import Sentence
from synth.errors import MediaError
from synth.evaluation.speech.baselines import Corpus
from synth.evaluation.speech.readers import crops_of
from synth.evaluation.speech.tables import figure
from synth.metrics.grid_sentences import SLOTS, Words, chance_word_error_rate, is_sentence, place_accuracies
from synth.voices.base import SpokenWord
from synth.voices.speech import lip_reading, speaker_reading
from synth.voices.speech import voice as speech


def lip_words(corpus: Corpus, voice: speech.VoicePack) -> dict[str, Any] | None:
    """Word errors by place and onsets; ``None`` where the voice names no words or the corpus is not GRID's.

    A word that is left out as doubtful counts as wrong, as does one more than was said; a sentence without a face as
    six errors.
    """
    said = [tuple(word.text for word in one.words or ()) for one in corpus.held_out]
    if voice.words is None or not all(is_sentence(words) for words in said):
        return None
    read = [_read(voice, sentence) for sentence in corpus.held_out]
    filled = [_by_place(words) for words in read]
    errors = [
        (sum(a != b for a, b in zip(true, found, strict=True)) + max(0, len(words) - len(SLOTS))) / len(SLOTS)
        for true, found, words in zip(said, filled, read, strict=True)
    ]
    offsets_s = _onset_offsets_s(corpus.held_out, read)
    return {
        "wer": figure(errors),
        "wer_floor": chance_word_error_rate(),
        "word_accuracy": place_accuracies(said, filled),
        "whole_sentences_right": fmean(a == b for a, b in zip(said, filled, strict=True)),
        "onset_offset_s": {
            "median": median(offsets_s) if offsets_s else None,
            "median_absolute": median(map(abs, offsets_s)) if offsets_s else None,
            "words": len(offsets_s),
        },
    }


def _read(voice: speech.VoicePack, sentence: Sentence) -> list[SpokenWord]:
    if voice.words is None:
        return []
    try:
        crops = crops_of(sentence.video)[voice.network.config.window]
    except MediaError:
        return []
    reader = lip_reading.LipReader(voice.network, words=voice.words)
    for crop in crops:
        reader.add(np.asarray(crop, np.uint8))
    reader.end()
    return speaker_reading.words_of(voice.words.config, reader.answers(), 0)


def _by_place(words: list[SpokenWord]) -> Words:
    """The first word of each place; empty text where none was told."""
    return tuple(next((word.text for word in words if word.text in known), "") for known in SLOTS.values())


def _onset_offsets_s(sentences: tuple[Sentence, ...], read: list[list[SpokenWord]]) -> list[float]:
    """How much later each rightly named word begins than it was said."""
    found = []
    for sentence, words in zip(sentences, read, strict=True):
        starts = {word.text: word.start_s for word in reversed(words)}
        found += [starts[word.text] - word.start_s for word in sentence.words or () if word.text in starts]
    return found
