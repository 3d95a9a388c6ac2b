"""``sonorize eval speech``: how near the speech voice comes on sentences it has not seen, with floors and ceilings.

Every row of the report is a :data:`~synth.evaluation.speech.baselines.Reader`: something that says a sentence. Ceilings
and floors are there for any corpus; lip readers are those of :mod:`synth.evaluation.speech.readers`, and another
voice's report is the same call with another folder and another name.

Nothing here was tuned on the held-out sentences; that the measures behave was seen on ceilings and floors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from synth.data.corpora.grid import Sentence
from synth.errors import MediaError, WeightsError
from synth.evaluation.speech import intelligibility, pictures
from synth.evaluation.speech.baselines import Corpus, Reader, Sound, baselines
from synth.evaluation.speech.intelligibility import WORD_MEASURES, Hears
from synth.evaluation.speech.lip_words import lip_words
from synth.evaluation.speech.readers import OURS, readers
from synth.evaluation.speech.tables import (
    LITERATURE,
    LITERATURE_NOTE,
    UNRANKED,
    figure,
    lag_figure,
    markdown,
    paired,
)
from synth.files import write_whole
from synth.media import audio
from synth.metrics.grid_sentences import Words
from synth.metrics.speech import Measured, measure, without_pesq
from synth.voices.speech import voice as speech
from synth.voices.speech.spectra import RATE_HZ

SHOWN: Final = 3  # sentences that are drawn and written as sounds: the first, the middle and the last one
REPORT: Final = "speech"
MEASURES: Final = (*(known.name for known in fields(Measured)), *WORD_MEASURES)

Networks = Mapping[str, Callable[[Corpus], Reader]]
"""Lip readers by name, :data:`OURS` first; each is made when the report runs and may raise WeightsError."""


@dataclass(frozen=True)
class Row:
    """What was measured of one system, a value a sentence, in the order of the held-out sentences.

    ``heard`` and ``wer`` have an entry a recogniser; ``failed`` names the sentences that the system refused, which
    count as silence.
    """

    measured: Sequence[Measured]
    heard: Mapping[str, Sequence[Words]]
    wer: Mapping[str, Sequence[float | None]]
    failed: Sequence[str]

    def values(self, name: str) -> list[float | None]:
        """One measure, by sentence; ``None`` where its recogniser is missing."""
        if name in WORD_MEASURES:
            return list(self.wer.get(name, [None] * len(self.measured)))
        return [one.values()[name] for one in self.measured]


def evaluate_speech(
    data: Path, out: Path | None, *, voice: str | None = None, beside: Path | None = None
) -> dict[str, Any]:
    """All figures of the speech voice on the held-out sentences of a folder.

    Args:
        data: the corpus, in a layout of :mod:`synth.data.corpora.grid`, or a folder of one's own talking videos.
        out: a folder for ``speech.json``, ``speech.md``, spectrogram pictures, and sounds of three sentences.
        voice: a voice pack; the one that ships by default.
        beside: a folder with a manifest, such as that of a training run, whose voice packs are measured too.

    Raises:
        OptionError: no sentence is held out, none is to train on, there is no such voice, or ``sonorize[eval]`` is not
            installed.
        MediaError: a sentence cannot be read, or the report not be written.
    """
    named = speech.load(voice or speech.DEFAULT_VOICE)
    return evaluate_networks(data, out, readers(voice, beside), named)


def evaluate_networks(
    data: Path, out: Path | None, networks: Networks, named: speech.VoicePack | None = None
) -> dict[str, Any]:
    """:func:`evaluate_speech` for any lip readers; what stands under :data:`OURS` is compared to all others.

    The words that the voice ``named`` reads off the lips are reported beside what recognisers hear.
    """
    corpus = Corpus.of(data)
    recognisers, unheard = intelligibility.recognisers(corpus)
    made, left_out = _made(networks, corpus)
    shown = _shown(corpus.held_out)
    samples: dict[str, dict[str, Sound]] = {label(sentence): {} for sentence in shown}
    rows: dict[str, Row] = {}
    systems = made | baselines(corpus)
    for name in tqdm(systems, desc="systems", unit="system", disable=None):
        rows[name] = judge(corpus, name, systems[name], recognisers, samples)
    result = {
        "held_out_sentences": len(corpus.held_out),
        "training_sentences": len(corpus.training),
        "recognisers": {name: one.name for name, one in recognisers.items()},
        "systems": {name: _figures(row, intelligibility.said(corpus)) for name, row in rows.items()},
        "word_floors": intelligibility.floors(corpus) if recognisers else {},
        "words_read_off_the_lips": lip_words(corpus, named) if named is not None else None,
        "ours_against": _comparisons(rows),
        "literature": LITERATURE,
        "literature_note": LITERATURE_NOTE,
        "left_out": {**left_out, **unheard, **_without_pesq()},
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


def _without_pesq() -> dict[str, str]:
    reason = without_pesq()
    return {name: reason for name in MEASURES if name.startswith("pesq")} if reason else {}


def label(sentence: Sentence) -> str:
    """What a sentence is called in reports and files: names are unique among their speaker's only."""
    return f"{sentence.speaker}-{sentence.name}"


def judge(
    corpus: Corpus,
    name: str,
    reader: Reader,
    recognisers: Mapping[str, Hears],
    samples: Mapping[str, dict[str, Sound]],
) -> Row:
    """Everything about one system; what it says of the sentences in ``samples`` is put there under its name."""
    measured, failed = [], []
    heard: dict[str, list[Words]] = {rate: [] for rate in recognisers}
    for sentence in corpus.held_out:
        real = corpus.sound(sentence)
        try:
            made = np.asarray(reader(sentence), np.float32)
        except MediaError:
            made = np.zeros_like(real)
            failed.append(label(sentence))
        measured.append(measure(real, made))
        for rate, recogniser in recognisers.items():
            heard[rate].append(recogniser.hear(made))
        if label(sentence) in samples:
            samples[label(sentence)][name] = made
    spoken = intelligibility.said(corpus)
    wer = {rate: intelligibility.error_rates(spoken, words) for rate, words in heard.items()}
    return Row(measured, heard, wer, failed)


# --- figures ------------------------------------------------------------------------------------------------------


def _figures(row: Row, spoken: Sequence[Words]) -> dict[str, Any]:
    measures = {name: (lag_figure if name == "lag_s" else figure)(row.values(name)) for name in MEASURES}
    return {"measures": measures, **intelligibility.figures(spoken, row.heard), "failed": list(row.failed)}


def _comparisons(rows: Mapping[str, Row]) -> dict[str, Any]:
    if OURS not in rows:
        return {}
    ranked = [name for name in MEASURES if name not in UNRANKED]
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
        pictures.draw(sentence, by_system, out / f"{REPORT}-{sentence}.png")
        for system, sound in by_system.items():
            slug = re.sub(r"[^a-z0-9]+", "-", system.lower()).strip("-")
            audio.write(sounds / f"{sentence}-{slug}.wav", sound, RATE_HZ)
