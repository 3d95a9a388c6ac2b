"""The recipe of the speech voice's predecessor: nine pictures of a face to line spectral frequencies and a gain.

Ephrat and Peleg, "Vid2speech" (ICASSP 2017, arXiv 1701.00495): squared error on standardised targets. Ours: AdamW
with a warm-up and a half cosine where the authors went from .01 down to .001, and windows mirrored half of the time.
What it makes is there to be compared with, so it goes by a name of its own and is no voice pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from synth import weights
from synth.dsp.resampling import resample
from synth.errors import OptionError
from synth.models.speech import lip_lsf
from synth.models.speech.lip_lsf import CONFIGS, LipLsf, LipLsfConfig
from synth.training.loop import Schedule, train
from synth.training.speech import preparation, recipes
from synth.training.speech.data import Talking
from synth.voices.speech import lip_reading, lsf, spectra
from synth.weights import DataSource

PREFIX: Final = "lip-lsf-"
"""What the names of its weights begin with; the speaker's follows."""
STEPS: Final = 1500
BATCH: Final = 128
LEARNING_RATE: Final = 2e-3


@dataclass(frozen=True)
class Clip:
    """One clip, ready to be learned from.

    Attributes:
        crops: uint8 [T, H, W].
        targets: float32 [T, S * P], frequencies and gain of the sound frames of each picture.
    """

    crops: NDArray[np.uint8]
    targets: NDArray[np.float32]

    @classmethod
    def of(cls, talking: Talking, config: LipLsfConfig) -> Clip:
        """The crop that a network looks at, and what it should say."""
        crops = talking.face if config.window == "face" else talking.mouth
        sound = resample(talking.sound, spectra.RATE_HZ, lsf.RATE_HZ)
        features = lsf.analyse(sound, len(crops) * lsf.FRAMES_A_PICTURE)
        return cls(crops, features.reshape(len(crops), -1))


@dataclass(frozen=True)
class Batch:
    """Windows [B, W, H, W'], standardised by clip, and targets [B, S * P] in radians and logarithms."""

    windows: Tensor
    targets: Tensor


class LsfTask:
    """Batches and loss.

    Args:
        model: trained in place.
        clips: to draw from, each picture as often as any other.
        seed: of the batches.
    """

    def __init__(self, model: LipLsf, clips: Sequence[Clip], seed: int) -> None:
        self.model = model
        self._clips = clips
        self._seed = seed
        self._ends = np.cumsum([len(clip.crops) for clip in clips])
        self._light = [(float(clip.crops.mean()), max(float(clip.crops.std()), 1.0)) for clip in clips]

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self._seed, index))
        half, side = self.model.config.pictures // 2, self._clips[0].crops.shape[1]
        windows = np.empty((BATCH, 2 * half + 1, side, side), np.float32)
        targets = np.empty((BATCH, self._clips[0].targets.shape[1]), np.float32)
        for row, picture in enumerate(rng.integers(0, self._ends[-1], BATCH)):
            number = int(np.searchsorted(self._ends, picture, side="right"))
            clip, (mean, deviation) = self._clips[number], self._light[number]
            middle = int(picture) - (int(self._ends[number]) - len(clip.crops))
            places = np.clip(np.arange(middle - half, middle + half + 1), 0, len(clip.crops) - 1)
            seen = clip.crops[places, :, ::-1] if rng.random() < 0.5 else clip.crops[places]
            windows[row] = (seen - np.float32(mean)) / np.float32(deviation)
            targets[row] = clip.targets[middle]
        return Batch(torch.from_numpy(windows), torch.from_numpy(targets))

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The mean squared error in units of the training set's deviations: 1 for who always says the mean."""
        wanted = (batch.targets - self.model.target_mean) / self.model.target_scale
        return functional.mse_loss(self.model(batch.windows), wanted), {}


def train_lsf(
    *, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool, speaker: str | None = None
) -> dict[str, Any]:
    """Train the predecessor on a folder of talking clips, on the crops that :func:`speech.prepare` keeps.

    Args:
        data: GRID in a layout of :mod:`synth.data.corpora.grid`, or any folder of videos of one person talking.
        speaker: the name behind :data:`PREFIX`; a corpus' own by default.

    Returns:
        ``loss``, and where clips are held out ``held_out_loss`` beside ``held_out_loss_of_mean``, what always saying
        the training set's mean costs.

    Raises:
        OptionError: no data, a bad name, or no clip shows a face.
    """
    if data is None:
        raise OptionError("--data is missing: a folder of videos of one person talking, or GRID")
    sentences, corpus = recipes._sentences(data)
    name = recipes._name(speaker, corpus)
    talking = preparation.prepare(sentences, folder.resolve().parent / "cache" / "speech")
    model, figures = fit(talking, CONFIGS["small"], folder, steps or STEPS, seed, resume=resume)
    held_out = tuple(sorted({one.name for one in talking if one.held_out}))
    register(name, model, folder, corpus=corpus, held_out=held_out)
    return {**figures, "held_out_clips": len(held_out)}


def fit(
    talking: Sequence[Talking], config: LipLsfConfig, folder: Path, steps: int, seed: int, *, resume: bool
) -> tuple[LipLsf, dict[str, float]]:
    """Train one network on those clips that are not held out, and measure it on those that are."""
    seen = [Clip.of(one, config) for one in talking if not one.held_out]
    torch.manual_seed(seed)
    model = LipLsf(config)
    model.fit(torch.from_numpy(np.concatenate([clip.targets for clip in seen])))
    schedule = Schedule(steps, learning_rate=LEARNING_RATE, warm_up=min(100, max(1, steps // 5)))
    figures = train(
        LsfTask(model, seen, seed),
        schedule,
        folder,
        settings={"recipe": "speech-lsf", "config": config.as_dict(), "clips": len(seen), "steps": steps},
        seed=seed,
        resume=resume,
    )
    unseen = [Clip.of(one, config) for one in talking if one.held_out]
    return model, {**figures, **held_out_losses(model, unseen)}


def held_out_losses(model: LipLsf, clips: Sequence[Clip]) -> dict[str, float]:
    """The loss on whole clips, and that of the training set's mean; nothing where there are no clips."""
    if not clips:
        return {}
    said = np.concatenate([_read(model, clip.crops) for clip in clips])
    wanted = np.concatenate([clip.targets for clip in clips])
    mean, scale = model.target_mean.numpy(), model.target_scale.numpy()
    return {
        "held_out_loss": float(np.mean(((said - wanted) / scale) ** 2)),
        "held_out_loss_of_mean": float(np.mean(((mean - wanted) / scale) ** 2)),
    }


def _read(model: LipLsf, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a network says of a clip, [T, S * P]."""
    said = model.read(torch.from_numpy(lip_reading.standardised(crops))).numpy()
    return np.asarray(said.reshape(len(crops), -1), np.float32)


def register(
    name: str, model: LipLsf, folder: Path, *, corpus: DataSource, held_out: tuple[str, ...] = ()
) -> weights.Entry:
    """Write the network into the folder of a run."""
    tensors, text = lip_lsf.pack(model.eval())
    return weights.register(
        PREFIX + name,
        tensors,
        licence=f"MIT for the weights; trained on: {corpus.licence}",
        summary=f"Lips of {name} to line spectral frequencies: a comparison, not a voice",
        recipe="speech-lsf",
        data=(corpus,),
        split={"validation": held_out} if held_out else None,
        metadata=text,
        folder=folder,
    )
