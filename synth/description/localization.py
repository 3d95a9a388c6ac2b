"""Where the sound of a clip comes from, by the net of :mod:`synth.models.attention_localizer`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from synth import weights
from synth.dsp.resampling import resample
from synth.errors import OptionError
from synth.models.attention_localizer import AttentionLocalizer, unpack
from synth.models.imagenet import MAP_CHANNELS, MAP_SIDE
from synth.models.l3net import RATE_HZ, STEPS_HZ, WINDOW_S, log_mel, windows
from synth.models.reproducible import reproducible_inference

WEIGHTS: Final = "localizer-small"
_HOP_S: Final = 1.0


class AttentionReader:
    """Maps of pictures and a sound in, probabilities by position out."""

    def __init__(self, net: AttentionLocalizer) -> None:
        self._net = net.eval()

    @classmethod
    def shipped(cls, folder: Path = weights.CHECKPOINTS) -> AttentionReader:
        """With the weights of the manifest.

        Raises:
            WeightsError: they are missing or damaged.
        """
        loaded = weights.load(WEIGHTS, folder)
        return cls(unpack(loaded.tensors, loaded.metadata))

    def maps(
        self,
        maps: NDArray[np.float16],
        sound: NDArray[np.float32],
        rate_hz: float,
        times_s: Sequence[float] | None = None,
    ) -> tuple[NDArray[np.float32], float]:
        """Where the sound comes from in each picture, and how firmly that can be said.

        Args:
            maps: of K pictures, [K, 432, 14, 14], as :meth:`synth.models.imagenet.ImageNetEye.look` gives them.
            sound: mono [N].
            rate_hz: its samples a second.
            times_s: of the pictures, from the start of the sound; without them the pictures lie evenly over it.

        Returns:
            Probabilities float32 [K, 14, 14] that what is there makes what is heard in the three seconds around it,
            and their highest, the firmness.

        Raises:
            OptionError: maps of another shape, as many times as there are no pictures, or no sound at all.
        """
        if not len(sound):
            raise OptionError("there is no sound to look for")
        return self.maps_of(maps, log_mel(resample(sound, rate_hz, RATE_HZ)), times_s)

    def maps_of(
        self, maps: NDArray[np.float16], mel: NDArray[np.float32], times_s: Sequence[float] | None = None
    ) -> tuple[NDArray[np.float32], float]:
        """As :meth:`maps`, from the spectrogram [64, T] of :func:`synth.models.l3net.log_mel`."""
        count = len(maps)
        if maps.shape != (count, MAP_CHANNELS, MAP_SIDE, MAP_SIDE) or not count:
            raise OptionError(f"maps must be [K, {MAP_CHANNELS}, {MAP_SIDE}, {MAP_SIDE}]; they are {maps.shape}")
        if times_s is None:
            times_s = [(number + 0.5) / count * mel.shape[1] / STEPS_HZ for number in range(count)]
        if len(times_s) != count:
            raise OptionError(f"there are {count} pictures and {len(times_s)} times; they must be as many")
        heard, seen = self.hear(mel), self.see(maps)
        middles_s = np.arange(len(heard)) * _HOP_S + WINDOW_S / 2
        with reproducible_inference():
            every = F.relu(torch.einsum("bep,se->bsp", seen, heard))
            rows = [every[number, _around(middles_s, time_s)].mean(0) for number, time_s in enumerate(times_s)]
            chances = torch.sigmoid(self._net.logits(torch.stack(rows)))
        found = chances.reshape(count, MAP_SIDE, MAP_SIDE).numpy()
        return found, float(found.max())

    def hear(self, mel: NDArray[np.float32]) -> Tensor:
        """Vectors of the windows of a spectrogram, a second apart: [W, 128]."""
        with reproducible_inference():
            return self._net.hear(torch.from_numpy(windows(mel, _HOP_S)))

    def see(self, maps: NDArray[np.float16]) -> Tensor:
        """Vectors of all positions of K pictures: [K, 128, 196]."""
        with reproducible_inference():
            return self._net.see(torch.from_numpy(maps.astype(np.float32)))


def _around(middles_s: NDArray[np.floating], time_s: float) -> NDArray[np.intp]:
    """Windows that hold a time, or the nearest one."""
    apart_s = np.abs(middles_s - time_s)
    return np.flatnonzero(apart_s <= max(WINDOW_S / 2, float(apart_s.min())))
