"""How a voice learns to name words: a small reader on the features of its lip reader, whose own weights rest.

Features are computed once, of a view of each clip that is drawn like any augmented one, so that a step costs a fiftieth
of what a step of the whole network does.

Shapes: T pictures.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from synth.metrics.grid_sentences import GRAMMAR, is_sentence
from synth.models.reproducible import reproducible_inference
from synth.models.speech.lip_words import LipWords, LipWordsConfig
from synth.models.speech.vid2speech import Vid2Speech
from synth.training.loop import Schedule, train
from synth.training.speech import data as speech_data
from synth.training.speech.data import SILENT, Example, Talking

BATCH: Final = 12
WINDOW_PICTURES: Final = 75
LEARNING_RATE: Final = 3e-3
_SMOOTHING: Final = 0.1  # of the labels: the borders of words are by a machine, and doubtful


@dataclass(frozen=True)
class Features:
    """One clip as a trained lip reader sees it.

    Attributes:
        seen, read: float16 [T, ...], before and after its recurrent nets.
        labels: int64 [T], which word is said; -1 unknown.
    """

    name: str
    seen: NDArray[np.float16]
    read: NDArray[np.float16]
    labels: NDArray[np.int64]


def features_of(network: Vid2Speech, one: Example, rng: np.random.Generator) -> Features:
    """What ``network`` sees in a shifted, perhaps mirrored view of one clip."""
    grey, flow = (torch.from_numpy(part)[None] for part in speech_data.whole_view(one, network.config, rng))
    with reproducible_inference():
        looked = network.look(grey, flow if network.config.flow else None)
    return Features(one.name, looked.seen[0].half().numpy(), looked.read[0].half().numpy(), one.words)


def places_of(talking: Sequence[Talking], classes: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The order of words where sentences, and parts of them where clips were cut, follow GRID's; empty elsewhere."""
    said = [[text for _, _, text in one.words or ()] for one in talking]
    if not any(is_sentence(words) for words in said) or not all(_in_order(words) for words in said):
        return ()
    return tuple(tuple(classes.index(word) for word in place if word in classes) for place in GRAMMAR)


def _in_order(words: Sequence[str]) -> bool:
    """Whether these are words of GRID's grammar, in its order."""
    places = [next((number for number, known in enumerate(GRAMMAR) if word in known), -1) for word in words]
    return all(before < after for before, after in itertools.pairwise([-1, *places]))


class ReaderBatch(NamedTuple):
    """Features of a window [B, T, ...], and the word of each picture [B, T]."""

    seen: Tensor
    read: Tensor
    labels: Tensor


@dataclass
class ReaderTask:
    """Batches and loss."""

    model: LipWords
    clips: Sequence[Features]
    seed: int

    def batch(self, index: int) -> ReaderBatch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        drawn = []
        for number in rng.choice(len(self.clips), BATCH, replace=len(self.clips) < BATCH):
            one = self.clips[number]
            times = _window(len(one.labels), rng)
            drawn.append((one.seen[times].astype(np.float32), one.read[times].astype(np.float32), one.labels[times]))
        return ReaderBatch(*(torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True)))

    def loss(self, batch: ReaderBatch) -> tuple[Tensor, dict[str, float]]:
        """Cross entropy, and the share of spoken pictures whose word is named."""
        logits, wanted = self.model(batch.seen, batch.read).flatten(0, 1), batch.labels.flatten()
        spoken = wanted > SILENT
        named = (logits.argmax(-1) == wanted)[spoken].float().mean() if bool(spoken.any()) else torch.tensor(0.0)
        loss = functional.cross_entropy(logits, wanted, label_smoothing=_SMOOTHING, ignore_index=-1)
        return loss, {"named": float(named)}


def _window(pictures: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A window of pictures; a shorter clip is held at its end."""
    start = int(rng.integers(0, max(1, pictures - WINDOW_PICTURES + 1)))
    return np.minimum(start + np.arange(WINDOW_PICTURES), pictures - 1)


def train_word_reader(
    base: Vid2Speech,
    examples: Sequence[Example],
    config: LipWordsConfig,
    folder: Path,
    steps: int,
    seed: int,
    *,
    resume: bool,
) -> tuple[LipWords, dict[str, float]]:
    """Train a reader on the clips that its lip reader ``base`` was trained on; the weights are averaged."""
    base.eval()
    rng = np.random.default_rng(seed)
    clips = [features_of(base, one, rng) for one in examples]
    torch.manual_seed(seed)
    model = LipWords(config)
    schedule = Schedule(steps, learning_rate=LEARNING_RATE, warm_up=min(50, max(1, steps // 5)), average=0.98)
    settings = {"recipe": "speech-words", "clips": [one.name for one in clips], "steps": steps}
    return model, train(ReaderTask(model, clips, seed), schedule, folder, settings=settings, seed=seed, resume=resume)


def config_of(base: Vid2Speech, words: Sequence[str], places: tuple[tuple[int, ...], ...]) -> LipWordsConfig:
    """The reader's shape on ``base`` for a vocabulary, silence first."""
    seen = base.config.features + (base.config.flow_features if base.config.flow else 0)
    return LipWordsConfig(tuple(words), places, seen=seen, read=2 * base.config.hidden)
