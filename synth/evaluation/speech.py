"""``sonorize eval speech``: how near the speech voice comes on sentences it has not seen, with floors and ceilings.

Every row of the report is a :data:`~synth.evaluation.speech_baselines.Reader`: something that says a sentence. Ceilings
and floors are there for any corpus; lip readers are added to :data:`NETWORKS` in a line each, and another voice's
report is the same call with another folder and other networks.

Nothing here was tuned on the held-out sentences; that the measures behave was seen on ceilings and floors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from synth.data.grid import Sentence
from synth.errors import MediaError, WeightsError
from synth.evaluation import speech_pictures
from synth.evaluation.speech_baselines import Corpus, Reader, Sound, baselines
from synth.evaluation.speech_metrics import Measured, measure
from synth.evaluation.speech_tables import LITERATURE, LITERATURE_NOTE, UNRANKED, figure, lag_figure, markdown, paired
from synth.evaluation.speech_words import (
    Recogniser,
    Words,
    chance_accuracies,
    chance_word_error_rate,
    is_sentence,
    most_frequent,
    place_accuracies,
    word_error_rate,
)
from synth.files import write_whole
from synth.media import audio
from synth.synthesis.speech_spectra import RATE_HZ

OURS: Final = "ours"
SHOWN: Final = 3  # sentences that are drawn and written as sounds: the first, the middle and the last one
REPORT: Final = "speech"
MEASURES: Final = tuple(known.name for known in fields(Measured))

Networks = Mapping[str, Callable[[Corpus], Reader]]
NETWORKS: Final[dict[str, Callable[[Corpus], Reader]]] = {}
"""Lip readers by name, :data:`OURS` first; each is made when the report runs and may raise WeightsError."""


@dataclass(frozen=True)
class Row:
    """What was measured of one system, a value a sentence, in the order of the held-out sentences.

    ``heard`` is empty where there is no recogniser; ``failed`` names the sentences that the system refused, which
    count as silence.
    """

    measured: Sequence[Measured]
    heard: Sequence[Words]
    wer: Sequence[float | None]
    failed: Sequence[str]

    def values(self, name: str) -> list[float | None]:
        """One measure, by sentence."""
        return list(self.wer) if name == "wer" else [one.values()[name] for one in self.measured]


def evaluate_speech(data: Path, out: Path | None, *, networks: Networks = NETWORKS) -> dict[str, Any]:
    """All figures of the speech voice on the held-out sentences of a folder.

    Args:
        data: the corpus, in a layout of :mod:`synth.data.grid`, or a folder of one's own talking videos.
        out: a folder for ``speech.json``, ``speech.md``, spectrogram pictures, and sounds of three sentences.
        networks: lip readers by name; what stands under :data:`OURS` is compared to all others.

    Raises:
        OptionError: no sentence is held out, none is to train on, or ``sonorize[eval]`` is not installed.
        MediaError: a sentence cannot be read, or the report not be written.
    """
    corpus = Corpus.of(data)
    recogniser = _recogniser(corpus)
    made, left_out = _made(networks, corpus)
    readers = made | baselines(corpus)
    shown = _shown(corpus.held_out)
    samples: dict[str, dict[str, Sound]] = {label(sentence): {} for sentence in shown}
    rows: dict[str, Row] = {}
    for name in tqdm(readers, desc="systems", unit="system", disable=None):
        rows[name] = judge(corpus, name, readers[name], recogniser, samples)
    result = {
        "held_out_sentences": len(corpus.held_out),
        "training_sentences": len(corpus.training),
        "recogniser": recogniser.name if recogniser else None,
        "systems": {name: _figures(row, _said(corpus)) for name, row in rows.items()},
        "word_floors": _word_floors(corpus) if recogniser else {},
        "ours_against": _comparisons(rows),
        "literature": LITERATURE,
        "literature_note": LITERATURE_NOTE,
        "left_out": left_out,
    }
    if out is not None:
        _write(result, samples, out)
    return result


def _made(networks: Networks, corpus: Corpus) -> tuple[dict[str, Reader], dict[str, str]]:
    """The lip readers that can be had, and why the others cannot."""
    made: dict[str, Reader] = {}
    left_out: dict[str, str] = {}
    for name, network in networks.items():
        try:
            made[name] = network(corpus)
        except WeightsError as error:
            left_out[name] = str(error)
    return made, left_out


def label(sentence: Sentence) -> str:
    """What a sentence is called in reports and files: names are unique among their speaker's only."""
    return f"{sentence.speaker}-{sentence.name}"


def judge(
    corpus: Corpus,
    name: str,
    reader: Reader,
    recogniser: Recogniser | None,
    samples: Mapping[str, dict[str, Sound]],
) -> Row:
    """Everything about one system; what it says of the sentences in ``samples`` is put there under its name."""
    measured, heard, failed = [], [], []
    for sentence in corpus.held_out:
        real = corpus.sound(sentence)
        try:
            made = np.asarray(reader(sentence), np.float32)
        except MediaError:
            made = np.zeros_like(real)
            failed.append(label(sentence))
        measured.append(measure(real, made))
        if recogniser is not None:
            heard.append(recogniser.hear(made))
        if label(sentence) in samples:
            samples[label(sentence)][name] = made
    said = _said(corpus)
    wer = [word_error_rate([a], [b]) for a, b in zip(said, heard, strict=True)] if heard else [None] * len(measured)
    return Row(measured, heard, wer, failed)


# --- words --------------------------------------------------------------------------------------------------------


def _said(corpus: Corpus) -> list[Words]:
    return [_words(sentence) for sentence in corpus.held_out]


def _words(sentence: Sentence) -> Words:
    return tuple(word.text for word in sentence.words or ())


def _recogniser(corpus: Corpus) -> Recogniser | None:
    """One for GRID's grammar where every held-out sentence is of that grammar; else words are not measured."""
    return Recogniser() if all(is_sentence(words) for words in _said(corpus)) else None


def _word_floors(corpus: Corpus) -> dict[str, Any]:
    """What a random sentence and always the same sentence get right, without any recogniser."""
    said = _said(corpus)
    floors: dict[str, Any] = {
        "floor: a random sentence of the grammar": {
            "wer": chance_word_error_rate(),
            "word_accuracy": chance_accuracies(),
        }
    }
    common = most_frequent([_words(sentence) for sentence in corpus.training])
    if common:
        heard = [common] * len(said)
        floors[f"floor: always '{' '.join(common)}', the most frequent words in training"] = {
            "wer": word_error_rate(said, heard),
            "word_accuracy": place_accuracies(said, heard),
        }
    return floors


# --- figures ------------------------------------------------------------------------------------------------------


def _figures(row: Row, said: Sequence[Words]) -> dict[str, Any]:
    measures = {name: (lag_figure if name == "lag_s" else figure)(row.values(name)) for name in (*MEASURES, "wer")}
    exact = [not wer for wer in row.wer if wer is not None]
    return {
        "measures": measures,
        "word_accuracy": place_accuracies(said, row.heard) if row.heard else {},
        "whole_sentences_right": fmean(exact) if exact else None,
        "failed": list(row.failed),
    }


def _comparisons(rows: Mapping[str, Row]) -> dict[str, Any]:
    if OURS not in rows:
        return {}
    ranked = [name for name in (*MEASURES, "wer") if name not in UNRANKED]
    return {
        other: {name: paired(name, rows[OURS].values(name), row.values(name)) for name in ranked}
        for other, row in rows.items()
        if other != OURS and not other.startswith("ceiling")
    }


def _shown(sentences: Sequence[Sentence]) -> list[Sentence]:
    """At most :data:`SHOWN`, chosen by their place alone."""
    places = np.linspace(0, len(sentences) - 1, SHOWN).round().astype(int)
    return [sentences[place] for place in sorted(set(places.tolist()))]


def _write(result: Mapping[str, Any], samples: Mapping[str, Mapping[str, Sound]], out: Path) -> None:
    sounds = out / "sounds"
    sounds.mkdir(parents=True, exist_ok=True)
    write_whole(out / f"{REPORT}.json", (json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
    write_whole(out / f"{REPORT}.md", markdown(result).encode())
    for sentence, by_system in samples.items():
        speech_pictures.draw(sentence, by_system, out / f"{REPORT}-{sentence}.png")
        for system, sound in by_system.items():
            slug = re.sub(r"[^a-z0-9]+", "-", system.lower()).strip("-")
            audio.write(sounds / f"{sentence}-{slug}.wav", sound, RATE_HZ)
