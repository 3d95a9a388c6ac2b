"""Points of pictures and sounds in the ``crossmodal`` space, by the net of :mod:`synth.models.crossmodal`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth import weights
from synth.description.description import Side, Tag, Vector
from synth.dsp.resampling import resample
from synth.errors import OptionError
from synth.models.crossmodal import CrossmodalNet, statistics, unpack
from synth.models.imagenet import FEATURES
from synth.models.l3net import RATE_HZ, STEPS, log_mel
from synth.models.reproducible import reproducible_inference

WEIGHTS: Final = "crossmodal-small"
SPACE: Final = "crossmodal"


class CrossmodalReader:
    """Features of pictures, or a sound, in; a point of the space out."""

    def __init__(self, net: CrossmodalNet) -> None:
        self._net = net.eval()

    @classmethod
    def shipped(cls, folder: Path = weights.CHECKPOINTS) -> CrossmodalReader:
        """With the weights of the manifest.

        Raises:
            WeightsError: they are missing or damaged.
        """
        loaded = weights.load(WEIGHTS, folder)
        return cls(unpack(loaded.tensors, loaded.metadata))

    def of_picture(self, pooled: NDArray[np.float32]) -> Vector:
        """The point of a clip's K pictures, from the ImageNet net's pooled features [K, 1280].

        Raises:
            OptionError: features of another shape, or of no picture.
        """
        if pooled.ndim != 2 or pooled.shape[1] != FEATURES or not len(pooled):
            raise OptionError(f"features of pictures must be [K, {FEATURES}]; they are {pooled.shape}")
        with reproducible_inference():
            point = self._net.embed_pictures(torch.from_numpy(pooled.mean(0, dtype=np.float32)[None]))[0]
        return Vector(SPACE, Side.PICTURE, point.numpy())

    def of_sound(self, sound: NDArray[np.float32], rate_hz: float) -> Vector:
        """The point of a mono sound [N].

        Raises:
            OptionError: there is no sound.
        """
        if not len(sound):
            raise OptionError("there is no sound to embed")
        return self.of_mel(log_mel(resample(sound, rate_hz, RATE_HZ)))

    def of_mel(self, mel: NDArray[np.float32]) -> Vector:
        """The point of a sound, from the spectrogram [64, T] of :func:`synth.models.l3net.log_mel`."""
        if mel.shape[1] < STEPS:
            mel = np.resize(mel.T, (STEPS, len(mel))).T
        with reproducible_inference():
            point = self._net.embed_sounds(torch.from_numpy(statistics(np.ascontiguousarray(mel)))[None])[0]
        return Vector(SPACE, Side.SOUND, point.numpy())

    def tags_of(self, vector: Vector) -> tuple[Tag, ...]:
        """What the shared label layer reads off a point of either side, the likeliest tag first."""
        with reproducible_inference():
            chances = torch.sigmoid(self._net.labels(torch.from_numpy(vector.values)[None]))[0].tolist()
        tags = [Tag(name, chance) for name, chance in zip(self._net.config.labels, chances, strict=False)]
        return tuple(sorted(tags, key=lambda tag: -tag.probability))
