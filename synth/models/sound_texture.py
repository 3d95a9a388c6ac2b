"""Sound textures, and a net that expects one from a picture.

Owens, Wu, McDermott, Freeman and Torralba, "Ambient Sound Provides Supervision for Visual Learning" (ECCV 2016, arXiv
1608.07017): what a sound is like over some seconds is said by 502 statistics of its cochleagram; textures are
clustered, and a net predicts from one still picture the cluster of the sound around it.

A texture, from compressed envelopes of 32 ERB bands (30 and the two at the ends) at 400 Hz, divided by the loudness:

====  =============================================================================================================
 32   means of the bands
 32   deviations of the bands, each over its mean
117   correlations of bands 1, 2, 3 and 5 apart (31 + 30 + 29 + 27), 0 where a band is still
320   modulation of each band: what ten filters of 0.5 to 200 Hz (half cosines, as wide as their frequency is high)
      let through, root of its power over the band's variance
  1   loudness: the median over time of the length of the vector of all bands
====  =============================================================================================================

Where we deviate: sounds keep their level (published code brings each to a peak of 1, which would make noise of silence
and leaves loudness without a meaning); a level changes nothing but the last number. The net of the paper is AlexNet on
pictures of 227 pixels and 1.8 million frames; ours is a small head on the packaged ImageNet net's maps (``imagenet``),
or a small tower of its own that starts from nothing, as the paper's does (``scratch``).

Shapes: N samples, T steps, K clusters, B pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.dsp.cochleagram import cochleagram
from synth.models.half_precision import halved, restored
from synth.models.reproducible import reproducible_inference

Floats = NDArray[np.float32]

BANDS: Final = 32
STEPS_HZ: Final = 400
APART: Final = (1, 2, 3, 5)
MODULATIONS: Final = 10
MODULATION_HZ: Final = (0.5, 200.0)
WINDOW_S: Final = 3.75
"""Seconds of sound that a texture is of, as in the paper; a longer sound has several."""
PAIRS: Final = sum(BANDS - apart for apart in APART)
TEXTURE: Final = BANDS + BANDS + PAIRS + BANDS * MODULATIONS + 1
_STILL: Final = 1e-12

Vision = Literal["imagenet", "scratch"]
MAP_CHANNELS: Final = 432
PIXELS: Final = 112


# --- the texture --------------------------------------------------------------------------------------------------


def texture(sound: NDArray[Any], rate_hz: int) -> Floats:
    """The 502 numbers of a sound [N], float32 [502]; all zero for silence.

    Raises:
        ValueError: the sound is not one-dimensional or the rate is not positive.
    """
    return texture_of(cochleagram(sound, rate_hz, bands=BANDS, steps_hz=STEPS_HZ))


def texture_of(envelopes: NDArray[Any]) -> Floats:
    """The 502 numbers of compressed envelopes [T, 32] at 400 Hz."""
    known = np.asarray(envelopes, np.float32)
    if not len(known):
        return np.zeros(TEXTURE, np.float32)
    loudness = float(np.median(np.sqrt(np.sum(known**2, axis=1))))
    if loudness < 1e-6:
        return np.zeros(TEXTURE, np.float32)
    bands = known / np.float32(loudness)
    means = bands.mean(0)
    centred = bands - means
    variances = np.mean(centred**2, axis=0)
    deviations = np.sqrt(variances / np.maximum(means**2, _STILL))
    covariances = centred.T @ centred / np.float32(len(bands))
    scale = np.sqrt(np.maximum(np.outer(variances, variances), _STILL**2))
    correlations = np.where(scale > 1e-9, covariances / scale, 0)
    apart = [np.diagonal(correlations, offset) for offset in APART]
    parts = [means, deviations, *apart, _modulation(centred, variances).ravel(), [loudness]]
    return np.asarray(np.concatenate(parts), np.float32)


def _modulation(centred: Floats, variances: Floats) -> Floats:
    """[32, 10]: share of each band's deviation that lies around each modulation frequency."""
    count = len(centred)
    spectra = np.abs(np.fft.rfft(centred, axis=0)).astype(np.float32) ** 2 * np.float32(2 / count**2)
    power = _modulation_filters(count) @ spectra
    return np.asarray(np.sqrt(power / np.maximum(variances, _STILL)).T * (variances > _STILL)[:, None], np.float32)


@lru_cache(maxsize=8)
def _modulation_filters(steps: int) -> Floats:
    """Squared responses [10, steps // 2 + 1], scaled so that in their middle all filters together pass everything."""
    hz = np.arange(steps // 2 + 1) * STEPS_HZ / steps
    centres = np.geomspace(*MODULATION_HZ, MODULATIONS)[:, None]
    offset = (hz - centres) / (2 * centres)  # the response ends at 0 Hz and at twice the centre
    squared = np.where(np.abs(offset) < 0.5, np.cos(np.pi * offset), 0) ** 2
    middle = np.geomspace(centres[3, 0], centres[-4, 0], 256)[None]
    total = (np.cos(np.pi * np.clip((middle - centres) / (2 * centres), -0.5, 0.5)) ** 2).sum(0).mean()
    return np.asarray(squared / total, np.float32)


def textures(sound: NDArray[Any], rate_hz: int, window_s: float = WINDOW_S) -> Floats:
    """Textures [W, 502] of the windows of a sound [N], which follow one another; one of all of a shorter sound.

    What is left at the end is left out where it is shorter than half a window.
    """
    heard = np.asarray(sound, np.float32)
    envelopes = cochleagram(heard, rate_hz, bands=BANDS, steps_hz=STEPS_HZ)
    length = round(window_s * STEPS_HZ)
    starts = range(0, max(1, len(envelopes) - length // 2), length)
    return np.stack([texture_of(envelopes[start : start + length]) for start in starts])


def mean_bands(values: NDArray[Any]) -> Floats:
    """Of textures [..., 502] the part that a person can read: mean level of each band times loudness, [..., 32]."""
    known = np.asarray(values, np.float32)
    return np.asarray(known[..., :BANDS] * known[..., -1:], np.float32)


# --- clusters -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clusters:
    """Kinds of texture.

    Attributes:
        mean, spread: [502]; textures are brought to mean 0 and deviation 1 by them before they are compared.
        centres: [K, 502], after that.
        quantiles: [101], rising: distances of the training textures from their own centres.
        names: K plain names, the label most frequent in each cluster.
        bands: [K, 32]: mean level of each band (compressed) of the cluster's sounds, for people to look at.
    """

    mean: Floats
    spread: Floats
    centres: Floats
    quantiles: Floats
    names: tuple[str, ...]
    bands: Floats

    def standardised(self, values: NDArray[Any]) -> Floats:
        """Textures [n, 502] in standard deviations, within +-4: one odd number must not decide."""
        return np.asarray(np.clip((np.asarray(values) - self.mean) / self.spread, -4, 4), np.float32)

    def distances(self, values: NDArray[Any]) -> Floats:
        """Of textures [n, 502] from all centres, [n, K], in standard deviations a number."""
        known = self.standardised(values)
        squared = (known**2).sum(1)[:, None] - 2 * known @ self.centres.T + (self.centres**2).sum(1)
        return np.asarray(np.sqrt(np.maximum(squared, 0) / TEXTURE), np.float32)

    def typicality(self, distance: float) -> float:
        """Share of the training textures that lie farther from their own centre, 0..1."""
        return 1 - float(np.interp(distance, self.quantiles, np.linspace(0, 1, len(self.quantiles))))


# --- the net ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextureNetConfig:
    """Everything that decides the net's shape.

    Attributes:
        clusters: K.
        vision: what it looks at: maps of the packaged net, or pixels.
        channels: of its convolutions.
        dropout: before the answer.
    """

    clusters: int
    vision: Vision = "imagenet"
    channels: int = 96
    dropout: float = 0.3


class TextureNet(nn.Module):
    """What is seen -> logits [B, K].

    ``imagenet``: maps [B, 432, 14, 14]. ``scratch``: pictures [B, 3, 112, 112] in 0..1.
    """

    def __init__(self, config: TextureNetConfig) -> None:
        super().__init__()
        self.config = config
        wide = config.channels
        if config.vision == "imagenet":
            self.tower = nn.Sequential(
                nn.BatchNorm2d(MAP_CHANNELS), nn.Conv2d(MAP_CHANNELS, wide, 1), nn.BatchNorm2d(wide), nn.ReLU(),
                nn.AvgPool2d(2), nn.Conv2d(wide, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU(),
            )  # fmt: skip
        else:
            blocks: list[nn.Module] = []
            before = 3
            for after, kernel in ((wide // 4, 7), (wide // 2, 5), (wide, 3), (wide, 3)):
                # A stride of 2 behind the convolution by pooling: a strided one is no faster here and sees less.
                blocks += [nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.BatchNorm2d(after), nn.ReLU()]
                blocks.append(nn.MaxPool2d(2))
                before = after
            self.tower = nn.Sequential(*blocks)
        self.answer = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(2 * wide, config.clusters))

    def maps(self, seen: Tensor) -> Tensor:
        """The last convolution's answers [B, D, H, W]: where each unit finds what it looks for."""
        found: Tensor = self.tower(seen)
        return found

    def forward(self, seen: Tensor) -> Tensor:
        """Logits [B, K]."""
        maps = self.maps(seen)
        logits: Tensor = self.answer(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1))
        return logits

    def expect(self, maps: NDArray[Any]) -> Floats:
        """Probabilities [K] of the clusters for B pictures of one clip, their mean."""
        with reproducible_inference():
            answers = self(torch.from_numpy(np.asarray(maps, np.float32))).softmax(1).mean(0)
        return np.asarray(answers.numpy(), np.float32)


def pack(net: TextureNet, clusters: Clusters) -> tuple[dict[str, Tensor], dict[str, str]]:
    """What is stored: the net in half precision, the clusters' numbers, and the rest as text."""
    tensors = {f"net.{name}": value for name, value in halved(net.state_dict(), exact=("running",)).items()}
    for name in ("mean", "spread", "centres", "quantiles", "bands"):
        tensors[name] = torch.from_numpy(np.array(getattr(clusters, name), np.float32))
    return tensors, {"config": json.dumps(asdict(net.config)), "names": json.dumps(clusters.names)}


def unpack(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> tuple[TextureNet, Clusters]:
    """The net, in evaluation mode, and the clusters that :func:`pack` stored.

    Raises:
        ValueError: tensors and text do not fit one another.
    """
    try:
        net = TextureNet(TextureNetConfig(**json.loads(about["config"])))
        state = {name[4:]: value for name, value in tensors.items() if name.startswith("net.")}
        net.load_state_dict(restored(state))
        numbers = {name: tensors[name].numpy() for name in ("mean", "spread", "centres", "quantiles", "bands")}
        clusters = Clusters(**numbers, names=tuple(json.loads(about["names"])))
        if clusters.centres.shape != (net.config.clusters, TEXTURE) or len(clusters.names) != net.config.clusters:
            raise ValueError(f"{net.config.clusters} clusters came with centres {list(clusters.centres.shape)}")
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"these are not the weights of sound textures: {error}") from error
    return net.eval(), clusters
