"""How a voice learns at which pitch to speak: a small reader on the features of its lip reader, whose weights rest.

Truth is the pitch of the clips' own sound by :func:`synth.dsp.pitch.voice_pitch`. One clip of ten is kept apart: on
those it is measured how well the pitch is met, and by how much the movements of what is read are too small.

Shapes: T pictures, S = 4 T spectra, M = 80 bands, P pitches of the grid.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth.dsp.pitch import voice_pitch
from synth.metrics.voicing import pitch_figures
from synth.models.reproducible import reproducible_inference
from synth.models.speech.lip_pitch import LipPitch, LipPitchConfig
from synth.models.speech.vid2speech import Vid2Speech
from synth.training.loop import Schedule, train
from synth.training.speech import data as speech_data
from synth.training.speech.data import Example, Talking
from synth.voices.speech import pitch, spectra

BATCH: Final = 12
WINDOW_PICTURES: Final = 60
LEARNING_RATE: Final = 3e-3
KEPT_APART: Final = 10  # one clip of so many
_MOST_SPREAD: Final = 1.6


@dataclass(frozen=True)
class Voiced:
    """One clip as a trained lip reader sees it, and how its own sound moves.

    Attributes:
        read: float16 [T, ...], behind its recurrent nets.
        mel: float16 [S, M], predicted, standardised.
        pitch_hz: float32 [S]; 0 where the sound is unvoiced.
    """

    read: NDArray[np.float16]
    mel: NDArray[np.float16]
    pitch_hz: NDArray[np.float32]


def pitch_of(sound: NDArray[np.float32], count: int, config: LipPitchConfig) -> NDArray[np.float32]:
    """Pitch in Hz of a sound [N] at each of ``count`` spectra; 0 where it is unvoiced or outside the grid."""
    found = voice_pitch(sound, spectra.RATE_HZ, spectra.HOP)[:count]
    known = np.where((found >= config.low_hz) & (found <= config.high_hz), found, np.float32(0))
    return np.pad(known, (0, count - len(known)))


def voiced(
    network: Vid2Speech, one: Example, talking: Talking, config: LipPitchConfig, rng: np.random.Generator
) -> Voiced:
    """What ``network`` sees in a shifted, perhaps mirrored view of one clip, and the pitch of its sound."""
    grey, flow = (torch.from_numpy(part)[None] for part in speech_data.whole_view(one, network.config, rng))
    with reproducible_inference():
        looked = network.look(grey, flow if network.config.flow else None)
    mel = looked.mel[0].half().numpy()
    return Voiced(looked.read[0].half().numpy(), mel, pitch_of(talking.sound, len(mel), config))


class PitchBatch(NamedTuple):
    """Features of a window [B, T, ...], mel spectra [B, S, M], and the shares of the classes [B, S, P + 1]."""

    read: Tensor
    mel: Tensor
    shares: Tensor


@dataclass
class PitchTask:
    """Batches and loss."""

    model: LipPitch
    clips: Sequence[Voiced]
    seed: int

    def batch(self, index: int) -> PitchBatch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        drawn = []
        for number in rng.choice(len(self.clips), BATCH, replace=len(self.clips) < BATCH):
            one = self.clips[number]
            start = int(rng.integers(0, max(1, len(one.read) - WINDOW_PICTURES + 1)))
            times = np.minimum(start + np.arange(WINDOW_PICTURES), len(one.read) - 1)
            each = spectra.SPECTRA_A_PICTURE
            fine = (times[:, None] * each + np.arange(each)).ravel()
            shares = shares_of(one.pitch_hz[fine], self.model.config)
            drawn.append((one.read[times].astype(np.float32), one.mel[fine].astype(np.float32), shares))
        return PitchBatch(*(torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True)))

    def loss(self, batch: PitchBatch) -> tuple[Tensor, dict[str, float]]:
        """Cross entropy against the shares, and how often voicing is met."""
        logits = self.model(batch.read, batch.mel)
        loss = -(batch.shares * logits.log_softmax(-1)).sum(-1).mean()
        met = ((logits.softmax(-1)[..., 0] > 0.5) == (batch.shares[..., 0] > 0.5)).float().mean()
        return loss, {"pitch_loss": float(loss.detach()), "voicing_met": float(met)}


def shares_of(pitch_hz: NDArray[np.float32], config: LipPitchConfig) -> NDArray[np.float32]:
    """Unvoiced, or the two pitches of the grid that each pitch lies between, [S, P + 1]; each row sums to 1."""
    grid = config.grid()
    place = (np.log2(np.maximum(pitch_hz, config.low_hz)) - grid[0]) / (grid[1] - grid[0])
    distance = np.abs(place[:, None] - np.arange(config.pitches)[None])
    shares = np.maximum(0, 1 - distance) * (pitch_hz > 0)[:, None]
    return np.concatenate([(pitch_hz <= 0)[:, None], shares], 1).astype(np.float32)


def train_pitch_reader(
    base: Vid2Speech,
    examples: Sequence[Example],
    talking: Sequence[Talking],
    folder: Path,
    steps: int,
    seed: int,
    *,
    resume: bool,
) -> tuple[LipPitch, dict[str, float]]:
    """Train a reader on the clips that its lip reader ``base`` was trained on; the weights are averaged.

    Args:
        examples, talking: the clips, in the same order.
    """
    base.eval()
    config = LipPitchConfig(read=2 * base.config.hidden, bands=base.config.bands)
    rng = np.random.default_rng(seed)
    clips = [voiced(base, one, heard, config, rng) for one, heard in zip(examples, talking, strict=True)]
    return fit_pitch_reader(clips, config, folder, steps, seed, resume=resume)


def fit_pitch_reader(
    clips: Sequence[Voiced], config: LipPitchConfig, folder: Path, steps: int, seed: int, *, resume: bool
) -> tuple[LipPitch, dict[str, float]]:
    """:func:`train_pitch_reader` on clips that a lip reader has seen."""
    apart, learnt = list(clips[::KEPT_APART]), [one for n, one in enumerate(clips) if n % KEPT_APART]
    learnt = learnt or apart
    spoken = np.concatenate([one.pitch_hz[one.pitch_hz > 0] for one in learnt])
    if len(spoken):
        config = dataclasses.replace(config, median_hz=float(np.median(spoken)))
    torch.manual_seed(seed)
    model = LipPitch(config)
    schedule = Schedule(steps, learning_rate=LEARNING_RATE, warm_up=min(50, max(1, steps // 5)), average=0.98)
    settings = {"recipe": "speech-pitch", "clips": len(clips), "steps": steps}
    figures = train(PitchTask(model, learnt, seed), schedule, folder, settings=settings, seed=seed, resume=resume)
    found = [pitch.track_of(config, answers_of(model, one)) for one in apart]
    measured = pitch_figures([one.pitch_hz for one in apart], found)
    if measured.spread_ratio:
        spread = float(np.clip(1 / measured.spread_ratio, 1.0, _MOST_SPREAD))
        model.config = dataclasses.replace(config, spread=round(spread, 3))
    apart_figures = {f"apart_{name}": value for name, value in measured.values().items() if value is not None}
    return model, {**figures, **apart_figures}


def answers_of(model: LipPitch, one: Voiced) -> NDArray[np.float32]:
    """What a reader in evaluation mode says of one clip, natural logarithms of probabilities [S, P + 1]."""
    with reproducible_inference():
        logits = model(*(torch.from_numpy(part.astype(np.float32))[None] for part in (one.read, one.mel)))
        return np.asarray(logits.log_softmax(-1)[0].numpy(), np.float32)
