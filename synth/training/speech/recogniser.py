"""The recipe of the recogniser that judges made speech: GRID's words, moment by moment, from real sound.

Held-out sentences are never learnt from; how many of their words are heard wrongly is the figure in the manifest, and
the ceiling of the word error rates in the speech report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from synth import weights
from synth.data.corpora import grid
from synth.data.corpora.grid import Sentence
from synth.data.corpora.video_folder import TRAIN
from synth.errors import OptionError
from synth.files import file_sha256
from synth.media import audio
from synth.metrics.grid_sentences import chance_word_error_rate, is_sentence
from synth.models.speech.grid_words import GridWords, GridWordsConfig, pack, unpack
from synth.training.loop import Schedule, train
from synth.training.speech.grid_recogniser import NETWORK, WORDS, GridRecogniser, log_mel
from synth.training.speech.recipes import GRID
from synth.training.speech.recogniser_data import Batch, Spoken, draw_batch
from synth.voices.speech import spectra
from synth.weights import Figure

STEPS: Final = 1000
BATCH: Final = 16
LEARNING_RATE: Final = 2e-3
_SMOOTHING: Final = 0.05  # of the labels: the borders of words are by a machine, and doubtful


@dataclass
class RecogniserTask:
    """Batches and loss."""

    model: GridWords
    sentences: Sequence[Spoken]
    seed: int

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        count = len(self.sentences)
        return draw_batch([self.sentences[k] for k in rng.choice(count, BATCH, replace=count < BATCH)], rng)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy of each answer, and the share of words' answers that are right."""
        logits, wanted = self.model(batch.mel).flatten(0, 1), batch.classes.flatten()
        spoken = wanted > 0
        right = (logits.argmax(-1) == wanted)[spoken].float().mean()
        return functional.cross_entropy(logits, wanted, label_smoothing=_SMOOTHING), {"right": float(right)}


def train_recogniser(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train the recogniser on the training sentences of a GRID folder.

    Args:
        data: GRID in a layout of :mod:`synth.data.corpora.grid`, with its word alignments.

    Raises:
        OptionError: no data, or no sentence of GRID's grammar to train on.
        MediaError: a sound cannot be read.
    """
    if data is None:
        raise OptionError("--data is missing: a folder of GRID, with its word alignments")
    sentences = [one for one in grid.load(data) if is_sentence([word.text for word in one.words or ()])]
    training = [one for one in sentences if one.part == TRAIN]
    if not training:
        raise OptionError(f"{data} has no sentences of GRID's grammar with word alignments to train on")
    cache = folder.resolve().parent / "cache" / "speech-sounds"
    spoken = [_spoken(one, cache) for one in tqdm(training, desc="sounds", unit="sentence", disable=None)]
    torch.manual_seed(seed)
    model = GridWords(GridWordsConfig(WORDS))
    wanted = steps or STEPS
    schedule = Schedule(wanted, learning_rate=LEARNING_RATE, warm_up=min(50, max(1, wanted // 5)))
    settings = {"recipe": "speech-recogniser", "sentences": [one.name for one in spoken], "steps": wanted}
    figures: dict[str, Any] = dict(
        train(RecogniserTask(model, spoken, seed), schedule, folder, settings=settings, seed=seed, resume=resume)
    )
    held_out = [one for one in sentences if one.part != TRAIN]
    figures["wer"] = _word_error_rate(model, held_out)
    register(model, held_out, folder, word_error_rate=figures["wer"])
    return {**figures, "sentences": len(spoken), "held_out_sentences": len(held_out)}


def register(
    model: GridWords, held_out: Sequence[Sentence], folder: Path, *, word_error_rate: float | None
) -> weights.Entry:
    """Write the recogniser into the folder of a run."""
    tensors, text = pack(model)
    figure = Figure(
        "word error rate on real sound of held-out sentences",
        word_error_rate or 0.0,
        floor=chance_word_error_rate(),
        floor_name="a random sentence of the grammar",
    )
    return weights.register(
        NETWORK,
        tensors,
        licence=f"MIT for the weights; trained on: {GRID.licence}",
        summary="Recogniser of GRID's sentences that judges the speech voice; trained on real sound only",
        recipe="speech-recogniser",
        data=(GRID,),
        split={"validation": tuple(sorted({one.name for one in held_out}))} if held_out else None,
        figures=(figure,) if word_error_rate is not None else (),
        metadata=text,
        folder=folder,
    )


def _word_error_rate(model: GridWords, held_out: Sequence[Sentence]) -> float | None:
    """Share of places that are heard wrongly in real sound, as the weights are stored; ``None`` without sentences."""
    recogniser = GridRecogniser(unpack(*pack(model)))
    wrong = []
    for sentence in held_out:
        sound, _ = audio.read(sentence.sound_path, spectra.RATE_HZ)
        heard = recogniser.hear(sound)
        wrong += [word.text != found for word, found in zip(sentence.words or (), heard, strict=True)]
    return fmean(wrong) if wrong else None


def _spoken(sentence: Sentence, cache: Path) -> Spoken:
    """One sentence; its sound is kept in ``cache``, since reading it out of a video takes far longer."""
    digest = file_sha256(sentence.sound_path)[:16]
    kept = cache / f"{sentence.speaker}-{sentence.name}-{digest}.flac"
    if kept.exists():
        sound, _ = audio.read(kept)
    else:
        cache.mkdir(parents=True, exist_ok=True)
        sound, _ = audio.read(sentence.sound_path, spectra.RATE_HZ)
        audio.write(kept, sound, spectra.RATE_HZ)
    mel = log_mel(sound).astype(np.float16)
    return Spoken(f"{sentence.speaker}/{sentence.name}", mel, sentence.words or ())
