"""Plain words for what is heard in a sound, each with a probability: a linear tagger on frozen features.

Features are those of our SoundNet (Aytar et al., NIPS 2016, arXiv 1610.09001), the sound's texture (Owens et al.,
ECCV 2016, arXiv 1608.07017), or both, whichever the recipe ``tags`` found to be best on held-out sounds; which ones is
said in the weights. Each word is judged by itself, so that several may be true; probabilities were calibrated on sounds
that the tagger had not learnt from. What is too quiet to hear is ``silence`` by its level, without any net.

Shapes: N samples, W windows of three seconds, D features, C words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.description import soundnets
from synth.description.description import Tag
from synth.dsp.resampling import resample
from synth.errors import WeightsError
from synth.models import sound_texture
from synth.models.soundnet import RATE_HZ, SoundNet, filled

Floats = NDArray[np.float32]

NETWORK: Final = "tags-small"
WINDOW_S: Final = 3.0
LAYERS: Final = ("pool3", "conv4")
SILENCE: Final = "silence"
SILENT_RMS: Final = 1e-3
"""Effective level, -60 dB of full scale, below which a window is silent."""
SHOWN: Final = 0.15
"""Probability below which a word is not said."""
MOST: Final = 5

WORDS: Final[Mapping[str, str]] = {
    "chainsaw": "chainsaw",
    "clock_tick": "ticking clock",
    "crackling_fire": "crackling fire",
    "crying_baby": "crying baby",
    "dog": "barking dog",
    "helicopter": "helicopter",
    "rain": "rain",
    "rooster": "crowing rooster",
    "sea_waves": "sea waves",
    "sneezing": "sneezing",
    "bell": "bell",
    "drum": "drum",
    "siren": "siren",
    "engine": "engine",
    "whistle": "whistle",
    "bird": "singing bird",
    "speech": "speech",
    "hammer": "hammering",
    "wood": "hits on wood",
    "metal": "hits on metal",
    "glass": "hits on glass or ceramics",
    "stone": "hits on stone",
    "plastic": "hits on plastic",
    "soft": "hits on something soft",
    "rustle": "rustling",
    "gravel": "gravel",
    "water": "splashing water",
}
"""Class -> what people read: those of the simulated scenes, then what is struck."""


def features(net: SoundNet | None, sound: Floats, parts: tuple[str, ...]) -> Floats:
    """Features [D] of a window of sound [N] at 22,050 Hz.

    Args:
        parts: ``soundnet``, ``texture``, or both, in the order in which they are joined.
    """
    found: list[Floats] = []
    for part in parts:
        if part == "soundnet" and net is not None:
            heard = net.hear(filled(sound, net.shortest), LAYERS)
            # The root tames rectified features, of which most are small and some are huge.
            found += [np.sqrt(np.concatenate([heard[name].mean(0), heard[name].std(0)])) for name in LAYERS]
        elif part == "texture":
            found.append(sound_texture.texture(sound, RATE_HZ))
        else:
            raise ValueError(f"features are of {part!r}; allowed are texture, and soundnet where there is a net")
    return np.concatenate(found).astype(np.float32)


@dataclass(frozen=True)
class Linear:
    """A logistic regression a word.

    Attributes:
        classes: C names, keys of :data:`WORDS`.
        parts: what the features are of.
        mean, spread: [D] of the features learnt from.
        weights, offsets: [D, C] and [C]; calibration is in them.
    """

    classes: tuple[str, ...]
    parts: tuple[str, ...]
    mean: Floats
    spread: Floats
    weights: Floats
    offsets: Floats

    def __call__(self, found: NDArray[Any]) -> Floats:
        """Probabilities [n, C] of features [n, D]."""
        shown = np.clip((np.asarray(found, np.float32) - self.mean) / self.spread, -5, 5)
        logits = np.clip(shown @ self.weights + self.offsets, -30, 30)
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


class Tagger:
    """Says what is heard.

    Args:
        net: the SoundNet whose features it reads, where it does.
        linear: what was learnt on top of them.
    """

    def __init__(self, net: SoundNet | None, linear: Linear) -> None:
        self._net, self._linear = net, linear

    @property
    def words(self) -> tuple[str, ...]:
        """All that it may say."""
        return (*(WORDS[name] for name in self._linear.classes), SILENCE)

    def tags(self, sound: NDArray[Any], rate_hz: int) -> tuple[Tag, ...]:
        """The likeliest words of a sound [N], at most five, none below 0.15; the likeliest first.

        A word's probability is the mean of its two highest over the windows of three seconds: what sounds now and then
        is heard too.
        """
        found = self.probabilities(sound, rate_hz)
        if found is None:
            return (Tag(SILENCE, 1.0),)
        order = np.argsort(-found, kind="stable")[:MOST]
        return tuple(Tag(WORDS[self._linear.classes[k]], float(found[k])) for k in order if found[k] >= SHOWN)

    def probabilities(self, sound: NDArray[Any], rate_hz: int) -> Floats | None:
        """Of all classes, [C]; ``None`` where all is silent."""
        heard = np.asarray(resample(np.asarray(sound, np.float32), rate_hz, RATE_HZ), np.float32)
        loud = [one for one in windows(heard) if float(np.sqrt(np.mean(one**2))) >= SILENT_RMS]
        if not loud:
            return None
        each = self._linear(np.stack([features(self._net, levelled(one), self._linear.parts) for one in loud]))
        return np.asarray(np.sort(each, axis=0)[-2:].mean(0), np.float32)


def windows(sound: Floats) -> list[Floats]:
    """Stretches of three seconds that follow one another; what is left at the end counts from half of that on."""
    length = round(WINDOW_S * RATE_HZ)
    if not len(sound):
        return []
    starts = range(0, max(1, len(sound) - length // 2 + 1), length)
    return [sound[start : start + length] for start in starts]


def levelled(sound: Floats) -> Floats:
    """The window at an effective level of 0.1: words are not to depend on loudness."""
    return np.asarray(sound * np.float32(0.1 / max(1e-5, float(np.sqrt(np.mean(sound**2))))), np.float32)


def pack(linear: Linear) -> tuple[dict[str, Any], dict[str, str]]:
    """What is stored: numbers as tensors, names as text."""
    import torch

    numbers = {"mean": linear.mean, "spread": linear.spread, "weights": linear.weights, "offsets": linear.offsets}
    tensors = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in numbers.items()}
    return tensors, {"classes": json.dumps(linear.classes), "parts": json.dumps(linear.parts)}


@lru_cache(maxsize=2)
def load(folder: Path = weights.CHECKPOINTS) -> Tagger:
    """The tagger that ships, or that of a training run; a SoundNet that it needs lies in the same folder.

    Raises:
        WeightsError: weights are missing or damaged.
    """
    loaded = weights.load(NETWORK, folder)
    try:
        numbers = {name: loaded.tensors[name].float().numpy() for name in ("mean", "spread", "weights", "offsets")}
        classes = tuple(json.loads(loaded.metadata["classes"]))
        linear = Linear(classes, tuple(json.loads(loaded.metadata["parts"])), **numbers)
        if linear.weights.shape != (len(linear.mean), len(classes)) or not set(classes) <= set(WORDS):
            raise ValueError(f"{len(classes)} words came with weights {list(linear.weights.shape)}")
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"weights {NETWORK!r} are not those of a tagger: {error}") from error
    return Tagger(soundnets.load(folder) if "soundnet" in linear.parts else None, linear)
