"""Sets of sounds, what the judges hear in them, and their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from synth.evaluation.ambient.judges import Ears, listen
from synth.evaluation.ambient.yamnet import YamNet

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Set:
    """Sounds, the class that each is of or was asked for, and what the ears hear in them."""

    sounds: list[Sound]
    labels: list[str]
    ears: Ears

    @classmethod
    def of(cls, sounds: list[Sound], labels: list[str], yamnet: YamNet | None, what: str) -> Set:
        """Listen to sounds."""
        return cls(sounds, labels, listen(tqdm(sounds, desc=what, unit="sound", disable=None), yamnet))

    def of_class(self, label: str) -> list[Sound]:
        """The sounds of one class."""
        return [sound for sound, own in zip(self.sounds, self.labels, strict=True) if own == label]

    def where(self, chosen: Sequence[int]) -> Set:
        """Some of them."""
        return Set([self.sounds[k] for k in chosen], [self.labels[k] for k in chosen], self.ears[chosen])


@dataclass(frozen=True)
class Judged:
    """All sets of one evaluation.

    Attributes:
        seen, held_out: real recordings of the decoder's folds, and of the one that it never met.
        folds: of all real recordings, ``seen`` first.
        noise: white and pink, asked for in all classes.
        shaped: noise with band levels such as the decoder is told; ``None`` for one that is told none.
        pulses: pulses and white noise with the pitches and band levels of the same guides: harmonics without a decoder.
        plain: what the decoder makes without fine structure: no harmonics, no flutter.
        beside: what another build made.
    """

    seen: Set
    held_out: Set
    folds: Sequence[int]
    generated: Set
    noise: Set
    shaped: Set | None
    pulses: Set | None = None
    plain: Set | None = None
    beside: Set | None = None

    @property
    def further(self) -> dict[str, Set]:
        """Those of the sets that need not be there, by their attributes' names."""
        sets = {"shaped": self.shaped, "pulses": self.pulses, "plain": self.plain, "beside": self.beside}
        return {name: one for name, one in sets.items() if one is not None}

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that were generated, in order."""
        return tuple(sorted(set(self.generated.labels)))


@dataclass(frozen=True)
class Verdict:
    """What one judge takes the sounds for, by the name of their set; ``real`` holds clips that it has not met."""

    ears: str
    training: str
    generated: Sequence[str]
    real: Sequence[str]
    real_labels: Sequence[str]
    noise: Sequence[str]
    shaped: Sequence[str] | None
    pulses: Sequence[str] | None = None
    plain: Sequence[str] | None = None
    beside: Sequence[str] | None = None
    beside_labels: Sequence[str] = ()

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.ears}, {self.training}"
