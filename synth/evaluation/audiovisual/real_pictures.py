"""Whether real pictures find sounds of what they show: wild clips by their frames, among recordings of ESC-10's fold 4.

The clips and what they show stand in :mod:`synth.evaluation.ambient.selector`; there are eleven, of five of the ten
classes, so the figures are rough. No training saw the clips or heard the recordings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora import class_sounds
from synth.data.corpora.av_clip import RATE_HZ
from synth.description.describer import PICTURES, pictures_of
from synth.evaluation.ambient.selector import SHOWING, SOUNDING, SUFFIXES
from synth.media import audio
from synth.models.imagenet import ImageNetEye, Sight
from synth.models.l3net import log_mel
from synth.training.audiovisual.data import TEST_FOLDS

_FIRST: Final = 8  # as many as fold 4 has of a class


@dataclass(frozen=True)
class Real:
    """What is compared: frames of labelled clips, and recordings by class as spectrograms [64, T]."""

    sights: tuple[tuple[str, Sight], ...]
    sounds: tuple[tuple[str, NDArray[np.float32]], ...]


def load(data: Path) -> Real | None:
    """The clips of ``data``, or of its folder ``wild``, and ``data/esc10``; ``None`` where either is missing."""
    labels = {**SOUNDING, **SHOWING}
    files = [
        file
        for place in (data, data / "wild")
        if place.is_dir()
        for file in sorted(place.iterdir())
        if file.suffix in SUFFIXES and file.stem in labels
    ]
    if not files or not (data / "esc10").is_dir():
        return None
    eye = ImageNetEye(weights.load_imagenet())
    recordings = [one for one in class_sounds.load(data / "esc10") if one.fold in TEST_FOLDS]
    return Real(
        tuple((labels[file.stem], eye.look(pictures_of(file, PICTURES)[0])) for file in files),
        tuple((one.label, log_mel(audio.read(one.path, RATE_HZ)[0])) for one in recordings),
    )


def judge(
    real: Real,
    of_picture: Callable[[Sight], NDArray[np.float32]],
    of_sound: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> dict[str, Any]:
    """Shares of the nearest sounds that are of what the picture shows.

    Args:
        of_picture: the point of a clip's pictures, of length one.
        of_sound: the point of a spectrogram [64, T], of length one.
    """
    points = np.stack([of_sound(mel) for _, mel in real.sounds])
    labels = np.array([label for label, _ in real.sounds])
    among, first = [], []
    for label, sight in real.sights:
        order = np.argsort(-(points @ of_picture(sight)), kind="stable")
        among.append(float((labels[order[:_FIRST]] == label).mean()))
        first.append(bool(labels[order[0]] == label))
    return {
        "clips": len(real.sights),
        "recordings": len(labels),
        f"right_among_first_{_FIRST}": float(np.mean(among)),
        "first_right": float(np.mean(first)),
        "chance": 1 / len(set(labels)),
    }
