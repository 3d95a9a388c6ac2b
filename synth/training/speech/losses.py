"""What a lip reader is trained to make small, on log spectra.

Three terms: the mean absolute error of mel and of linear spectra (L1: its answer to doubt is the median, which is
sharper than the mean); the cross entropy of the auxiliary heads; and one minus the correlation of band envelopes with
the true ones, which is what STOI and ESTOI count (Taal et al., IEEE TASLP 2011; Jensen and Taal, IEEE TASLP 2016), here
in a form that can be differentiated: third-octave bands off the 40-ms spectra, no clipping, no resampling to 10 kHz.
Because of the last, STOI and ESTOI alone would flatter this network: PESQ, mel-cepstral distortion and word errors,
which it was not trained on, stand beside them in the report.

Shapes: B clips, S spectra, M bands, F bins, K third-octave bands, T pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from synth.models.speech.vid2speech import Prediction, Vid2Speech
from synth.training.speech.data import Batch
from synth.voices.speech import spectra

THIRD_OCTAVES: Final = 15
LOWEST_CENTRE_HZ: Final = 150.0
SEGMENT: Final = 38
"""Spectra that are correlated at a time: 0.38 s, STOI's segment."""
STEP: Final = 8
ACTIVE_BELOW_LOUDEST: Final = float(np.log(100.0))
"""A segment counts where the true sound comes within 40 dB of its loudest spectrum."""


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts.

    Attributes:
        linear: of the linear spectra, the mel's being 1.
        labels: of the auxiliary heads.
        envelopes: of the correlation.
    """

    linear: float = 0.5
    labels: float = 0.1
    envelopes: float = 0.5


def third_octaves() -> Tensor:
    """Which bins belong to which band, [F, K], ones and zeros."""
    bins_hz = np.arange(spectra.BINS) * spectra.RATE_HZ / spectra.WINDOW
    centres_hz = LOWEST_CENTRE_HZ * 2 ** (np.arange(THIRD_OCTAVES) / 3)
    low, high = centres_hz * 2 ** (-1 / 6), centres_hz * 2 ** (1 / 6)
    inside = (low[None] <= bins_hz[:, None]) & (bins_hz[:, None] < high[None])
    return torch.from_numpy(inside.astype(np.float32))


def envelope_loss(predicted: Tensor, true: Tensor, bands: Tensor) -> Tensor:
    """One minus the mean of a STOI-like and an ESTOI-like correlation of log spectra [B, S, F] with the true ones."""
    envelopes = [torch.sqrt(torch.exp(2 * logs) @ bands + 1e-6) for logs in (predicted, true)]
    loudest = true.amax((1, 2), keepdim=True) - ACTIVE_BELOW_LOUDEST
    active = (true.amax(2, keepdim=True) > loudest).float()[..., 0]
    share = active.unfold(1, SEGMENT, STEP).mean(-1)  # [B, segments]
    ours, theirs = (_unit(one.unfold(1, SEGMENT, STEP), -1) for one in envelopes)  # [B, segments, K, SEGMENT]
    by_band = (ours * theirs).sum(-1).mean(-1)
    by_time = (_unit(ours, -2) * _unit(theirs, -2)).sum(-2).mean(-1)
    correlation = 0.5 * (by_band + by_time)
    return 1 - (share * correlation).sum() / share.sum().clamp_min(1e-6)


def _unit(values: Tensor, along: int) -> Tensor:
    centred = values - values.mean(along, keepdim=True)
    return centred / torch.sqrt((centred**2).sum(along, keepdim=True) + 1e-6)


def losses(
    model: Vid2Speech, prediction: Prediction, batch: Batch, weights: LossWeights, bands: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum, and each term."""
    terms = {"mel": functional.l1_loss(prediction.mel, (batch.mel - model.mel_mean) / model.mel_scale)}
    total = terms["mel"]
    if prediction.linear is not None:
        true = (batch.linear - model.linear_mean) / model.linear_scale
        terms["linear"] = functional.l1_loss(prediction.linear, true)
        total = total + weights.linear * terms["linear"]
        predicted = model.log_linear(prediction.linear)
    else:
        predicted = model.log_mel(prediction.mel) @ model.spread
    if weights.envelopes:
        terms["envelopes"] = envelope_loss(predicted, batch.linear, bands)
        total = total + weights.envelopes * terms["envelopes"]
    for name, logits, labels in (("units", prediction.units, batch.units), ("words", prediction.words, batch.words)):
        if logits is not None and bool((labels >= 0).any()):
            terms[name] = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-1)
            total = total + weights.labels * terms[name]
    return total, {name: float(term.detach()) for name, term in terms.items()}
