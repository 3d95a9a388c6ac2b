"""The second stage of a voice: a lip reader's features name words, and the words correct its spectra.

The lip reader's own weights rest, so that its features are computed once, of a view of each clip drawn like any
augmented one, and a step costs a hundredth of what a step of the whole network does. The correction must not learn to
trust words that are always right: what a training clip says is read by a reader that was trained without that clip
(cross-fitting over :data:`FOLDS`), words are exchanged for others of their place now and then, and now and then nothing
is told at all.

Shapes: T pictures, S = 4 T spectra, M mel bands, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from synth.metrics.grid_sentences import GRAMMAR, is_sentence
from synth.models.lip_words import LipWords, LipWordsConfig
from synth.models.reproducible import reproducible_inference
from synth.models.vid2speech import Vid2Speech
from synth.training.loop import Schedule, train
from synth.training.speech import data as speech_data
from synth.training.speech.data import Example, Talking
from synth.training.speech.losses import envelope_loss, multi_scale_loss, third_octaves
from synth.voices.speech import lip_reading, spectra
from synth.voices.speech.word_order import SILENCE, Said, WordOrder

Floats = NDArray[np.float32]

FOLDS: Final = 3
READER_STEPS: Final = 400
STEPS: Final = 1200
BATCH: Final = 12
WINDOW_PICTURES: Final = 75
_SMOOTHING: Final = 0.1  # of the reader's labels
_EXCHANGED: Final = 0.06  # of the words that the correction is told
_UNTOLD: Final = 0.1  # of the clips
_WIDE: Final = 0.3  # of the templates: weight of the class's mean over its whole course, in instances


@dataclass(frozen=True)
class Features:
    """One clip as a trained lip reader sees it.

    Attributes:
        seen, read: float16 [T, ...], before and after its recurrent nets.
        mel: float16 [S, M], its prediction, standardised.
        true: float16 [S, M], what was to be predicted, natural logarithms.
        labels: int64 [T], the class; -1 unknown.
    """

    name: str
    seen: NDArray[np.float16]
    read: NDArray[np.float16]
    mel: NDArray[np.float16]
    true: NDArray[np.float16]
    labels: NDArray[np.int64]


def features_of(network: Vid2Speech, one: Example, labels: NDArray[np.int64], rng: np.random.Generator) -> Features:
    """What ``network`` sees in a shifted, perhaps mirrored view of one clip."""
    drawn = speech_data.whole_view(one, network.config, rng)
    with reproducible_inference():
        grey, flow = (torch.from_numpy(part)[None] for part in drawn)
        looked = network.look(grey, flow if network.config.flow else None)
    seen, read, mel = (part[0].half().numpy() for part in looked)
    return Features(one.name, seen, read, mel, one.mel, labels)


def places_of(talking: Sequence[Talking], classes: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The order of words where all sentences follow GRID's; empty elsewhere."""
    said = [[text for _, _, text in one.words or ()] for one in talking]
    if not said or not all(is_sentence(words) for words in said):
        return ()
    return tuple(tuple(classes.index(word) for word in place if word in classes) for place in GRAMMAR)


# --- the reader -----------------------------------------------------------------------------------------------------


class ReaderBatch(NamedTuple):
    """Features of a window, and the class of each picture; [B, T, ...] and [B, T]."""

    seen: Tensor
    read: Tensor
    labels: Tensor


@dataclass
class ReaderTask:
    """Batches and loss of the reader."""

    model: LipWords
    clips: Sequence[Features]
    seed: int

    def batch(self, index: int) -> ReaderBatch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        drawn = []
        for one in _chosen(self.clips, rng):
            times = _times(len(one.labels), rng)
            drawn.append((one.seen[times].astype(np.float32), one.read[times].astype(np.float32), one.labels[times]))
        return ReaderBatch(*(torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True)))

    def loss(self, batch: ReaderBatch) -> tuple[Tensor, dict[str, float]]:
        """Cross entropy, and the share of spoken pictures that are named rightly."""
        logits, wanted = self.model.classify(batch.seen, batch.read).flatten(0, 1), batch.labels.flatten()
        spoken = wanted > SILENCE
        right = (logits.argmax(-1) == wanted)[spoken].float().mean()
        loss = functional.cross_entropy(logits, wanted, label_smoothing=_SMOOTHING, ignore_index=-1)
        return loss, {"right": float(right)}


def read_classes(network: LipWords, one: Features) -> Said:
    """What ``network`` reads in one clip."""
    with reproducible_inference():
        seen, read = (torch.from_numpy(part.astype(np.float32))[None] for part in (one.seen, one.read))
        logits = network.classify(seen, read)[0].double().log_softmax(-1)
    return said_of(network.config, np.asarray(logits.numpy()))


def said_of(config: LipWordsConfig, log_probabilities: NDArray[np.float64]) -> Said:
    """What is said, of a reader's answers [T, C]: by the order of words, or picture by picture where none is known."""
    return lip_reading.said_of(config, log_probabilities)


# --- the correction -------------------------------------------------------------------------------------------------


class WordBatch(NamedTuple):
    """Windows: features [B, T, ...], the first prediction and the truth [B, S, M], classes [B, T, C], phases."""

    read: Tensor
    mel: Tensor
    true: Tensor
    said: Tensor
    phases: Tensor


@dataclass(frozen=True)
class CorrectionWeights:
    """How much each term counts beside the mean absolute error; 0 leaves one out."""

    envelopes: float = 1.0
    scales: float = 0.5


@dataclass
class CorrectionTask:
    """Batches and loss of the correction.

    Attributes:
        model: trained in place; its reader rests.
        clips, said: what was predicted of each clip, and what it says, read by another reader.
        base: the lip reader, for the scales of its spectra.
        told: whether words are told at all; without them the correction sees the features alone.
    """

    model: LipWords
    clips: Sequence[Features]
    said: Sequence[Said]
    base: Vid2Speech
    seed: int
    weights: CorrectionWeights = field(default_factory=CorrectionWeights)
    told: bool = True
    bands: Tensor = field(default_factory=third_octaves, repr=False)

    def batch(self, index: int) -> WordBatch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        numbers = rng.choice(len(self.clips), BATCH, replace=len(self.clips) < BATCH)
        drawn = [self._draw(int(number), rng) for number in numbers]
        return WordBatch(*(torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True)))

    def _draw(self, number: int, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
        one, said = self.clips[number], self.said[number]
        each = spectra.SPECTRA_A_PICTURE
        times = _times(len(one.labels), rng)
        fine = (times[:, None] * each + np.arange(each)).ravel()
        classes = exchanged(said, self.model.config.places, rng)[times]
        if not self.told or rng.random() < _UNTOLD:
            classes = np.zeros_like(classes)
        true = one.true[fine].astype(np.float32)
        return (
            one.read[times].astype(np.float32),
            one.mel[fine].astype(np.float32),
            true,
            classes.astype(np.float32),
            said.phases[times].astype(np.float32),
        )

    def loss(self, batch: WordBatch) -> tuple[Tensor, dict[str, float]]:
        """Mean absolute error of standardised mel spectra, and the terms of :class:`CorrectionWeights`."""
        predicted = self.model(batch.read, batch.mel, batch.said, batch.phases)
        true = (batch.true - self.base.mel_mean) / self.base.mel_scale
        terms = {"mel": functional.l1_loss(predicted, true)}
        total = terms["mel"]
        if self.weights.scales:
            terms["scales"] = multi_scale_loss(predicted, true)
            total = total + self.weights.scales * terms["scales"]
        if self.weights.envelopes:
            linear = [self.base.log_mel(one) @ self.base.spread for one in (predicted, true)]
            terms["envelopes"] = envelope_loss(linear[0], linear[1], self.bands)
            total = total + self.weights.envelopes * terms["envelopes"]
        return total, {name: float(term.detach()) for name, term in terms.items()}


def exchanged(said: Said, places: Sequence[Sequence[int]], rng: np.random.Generator) -> Floats:
    """The classes [T, C] with some words exchanged for others of their place, as a reader in error would tell them."""
    classes = said.classes.copy()
    for word, start, end in said.words:
        if rng.random() < _EXCHANGED:
            rivals = next((place for place in places if word in place), ())
            if len(rivals) > 1:
                other = int(rng.choice([one for one in rivals if one != word]))
                classes[start:end, [word, other]] = classes[start:end, [other, word]]
    return classes


def templates_of(clips: Sequence[Features], said: Sequence[Said], base: Vid2Speech, config: LipWordsConfig) -> Floats:
    """The mean standardised spectra [C, P, M] of each class over its own course; rare ones lean on the overall mean."""
    mean, scale = base.mel_mean.numpy(), base.mel_scale.numpy()
    sums = np.zeros((len(config.classes), config.templates, config.bands))
    counts = np.zeros((len(config.classes), config.templates))
    each = spectra.SPECTRA_A_PICTURE
    for one, told in zip(clips, said, strict=True):
        true = (one.true.astype(np.float32) - mean) / scale
        steps = np.arange(each) / each
        phases = (told.phases[:, :1] + (told.phases[:, 1:] - told.phases[:, :1]) * steps).ravel()
        places = np.round(phases * (config.templates - 1)).astype(np.int64)
        labels = one.labels.repeat(each)
        known = labels >= 0
        np.add.at(sums, (labels[known], places[known]), true[known])
        np.add.at(counts, (labels[known], places[known]), 1)
    wide = sums.sum(1) / np.maximum(counts.sum(1), 1)[:, None]
    return np.asarray((sums + _WIDE * wide[:, None]) / (counts + _WIDE)[..., None], np.float32)


def second_stage(
    base: Vid2Speech,
    examples: Sequence[Example],
    words: Sequence[str],
    places: tuple[tuple[int, ...], ...],
    folder: Path,
    steps: int,
    seed: int,
    *,
    resume: bool,
) -> tuple[LipWords, dict[str, float]]:
    """Train the word stage of a voice on the clips that its lip reader ``base`` was trained on.

    Where nothing is transcribed, the clips' acoustic units take the place of words.

    Args:
        words: names of the classes, silence first; empty where nothing is transcribed.
        steps: of the correction; the readers take a third of them each.
    """
    labels = [one.words if words else one.units + 1 for one in examples]
    classes = tuple(words) or ("", *(str(unit) for unit in range(base.config.units)))
    config = LipWordsConfig(
        classes,
        places,
        seen=base.config.features + (base.config.flow_features if base.config.flow else 0),
        read=2 * base.config.hidden,
        spectra_a_picture=base.config.spectra_a_picture,
    )
    base.eval()
    rng = np.random.default_rng(seed)
    clips = [features_of(base, one, told, rng) for one, told in zip(examples, labels, strict=True)]
    return fit_words(clips, base, config, folder, seed, resume=resume, steps=steps, reader_steps=max(1, steps // 3))


# --- both -----------------------------------------------------------------------------------------------------------


def fit_words(
    clips: Sequence[Features],
    base: Vid2Speech,
    config: LipWordsConfig,
    folder: Path,
    seed: int,
    *,
    resume: bool,
    steps: int = STEPS,
    reader_steps: int = READER_STEPS,
    told: bool = True,
    weights: CorrectionWeights | None = None,
) -> tuple[LipWords, dict[str, float]]:
    """Train reader and correction on clips of one speaker.

    Returns:
        The network, and figures: ``read`` is the share of spoken pictures that a reader named rightly in clips that it
        was not trained on.
    """
    said, right = cross_fitted(clips, config, folder, seed, resume=resume, steps=reader_steps)
    model = _reader(clips, config, folder / "reader", seed, resume=resume, steps=reader_steps)
    with torch.no_grad():
        model.templates.copy_(torch.from_numpy(templates_of(clips, said, base, config)))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(("into_reader", "reader", "to_classes")))
    task = CorrectionTask(model, clips, said, base, seed + 1, weights or CorrectionWeights(), told)
    schedule = Schedule(steps, learning_rate=1.5e-3, warm_up=min(50, max(1, steps // 5)), average=0.99)
    settings = {"recipe": "speech-words", "clips": [one.name for one in clips], "steps": steps, "told": told}
    figures = train(task, schedule, folder / "correction", settings=settings, seed=seed, resume=resume)
    return model, {**figures, "read": right}


def cross_fitted(
    clips: Sequence[Features], config: LipWordsConfig, folder: Path, seed: int, *, resume: bool, steps: int
) -> tuple[list[Said], float]:
    """What each clip says, read by a reader that was trained without it, and the share of pictures named rightly."""
    told: list[Said | None] = [None] * len(clips)
    right, spoken = 0, 0
    for fold in range(FOLDS):
        others = [one for place, one in enumerate(clips) if place % FOLDS != fold]
        model = _reader(others, config, folder / f"fold-{fold}", seed, resume=resume, steps=steps)
        for place in range(fold, len(clips), FOLDS):
            said = read_classes(model, clips[place])
            labels = clips[place].labels
            right += int((said.classes.argmax(1) == labels)[labels > SILENCE].sum())
            spoken += int((labels > SILENCE).sum())
            told[place] = said
    return [one for one in told if one is not None], right / max(spoken, 1)


def _reader(
    clips: Sequence[Features], config: LipWordsConfig, folder: Path, seed: int, *, resume: bool, steps: int
) -> LipWords:
    torch.manual_seed(seed)
    model = LipWords(config)
    schedule = Schedule(steps, learning_rate=3e-3, warm_up=min(50, max(1, steps // 5)), average=0.98)
    settings = {"recipe": "speech-words-reader", "clips": [one.name for one in clips], "steps": steps}
    train(ReaderTask(model, clips, seed), schedule, folder, settings=settings, seed=seed, resume=resume)
    return model


def _chosen(clips: Sequence[Features], rng: np.random.Generator) -> list[Features]:
    return [clips[k] for k in rng.choice(len(clips), BATCH, replace=len(clips) < BATCH)]


def _times(pictures: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A window of pictures; a shorter clip is held at its end."""
    start = int(rng.integers(0, max(1, pictures - WINDOW_PICTURES + 1)))
    return np.minimum(start + np.arange(WINDOW_PICTURES), pictures - 1)
