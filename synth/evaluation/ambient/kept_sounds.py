"""Generated sounds as files, a folder a class: kept by one build, judged beside those of a later one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.evaluation.ambient.yamnet import RATE_HZ
from synth.media import audio

ENDINGS = (".wav", ".flac")

Sound = NDArray[np.float32]


def keep(sounds: Sequence[Sound], labels: Sequence[str], folder: Path) -> None:
    """Write sounds [N] at 16 kHz as ``CLASS/NUMBER.wav``."""
    for index, (sound, label) in enumerate(zip(sounds, labels, strict=True)):
        place = folder / label
        place.mkdir(parents=True, exist_ok=True)
        audio.write(place / f"{labels[:index].count(label)}.wav", sound, RATE_HZ)


def read(folder: Path, classes: Sequence[str]) -> tuple[list[Sound], list[str]]:
    """Sounds at 16 kHz and their classes, in the order of ``classes`` and of their names.

    Raises:
        OptionError: the folder lacks sounds of a class.
        MediaError: one cannot be read.
    """
    sounds, labels = [], []
    for label in classes:
        place = folder / label
        files = sorted(path for path in place.iterdir() if path.suffix in ENDINGS) if place.is_dir() else []
        if not files:
            raise OptionError(f"{folder} holds no folder {label} with sounds ({', '.join(ENDINGS)})")
        sounds += [audio.read(path, RATE_HZ)[0] for path in files]
        labels += [label] * len(files)
    return sounds, labels
