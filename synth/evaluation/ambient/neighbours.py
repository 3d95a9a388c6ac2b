"""The second judge of the decoder: of which class are the real recordings that lie nearest to a sound, by aiSFX.

Nothing is fitted: the classes of the five nearest held-out recordings vote, the nearest of a tie decides. See
:mod:`synth.evaluation.ambient.aisfx`.

Shapes: n sounds, E numbers of an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.dsp.resampling import resample
from synth.evaluation.ambient.aisfx import RATE_HZ
from synth.evaluation.ambient.judged_sets import Judged, Set
from synth.evaluation.ambient.set_figures import controls
from synth.evaluation.ambient.yamnet import RATE_HZ as SOUND_HZ

NEIGHBOURS: Final = 5

Floats = NDArray[np.float32]


class Embedding(Protocol):
    """What hears sounds at 44.1 kHz."""

    def embed(self, sound: NDArray[Any]) -> Floats:
        """[E] of a sound [N], of length 1."""


def by_neighbours(judged: Judged, net: Embedding) -> dict[str, Any]:
    """Share of the sounds of each set whose nearest held-out recordings are of their class, in all and by class.

    The ceiling are recordings that the decoder learnt from, as many of a class as there are generated sounds.
    """
    known = _heard(judged.held_out, net)
    each = min(judged.generated.labels.count(label) for label in judged.classes)
    real = judged.seen.where(
        [k for k, label in enumerate(judged.seen.labels) if judged.seen.labels[:k].count(label) < each]
    )
    sets = {"generated": judged.generated, "ceiling: real recordings": real} | controls(judged)
    table: dict[str, Any] = {}
    for name, one in sets.items():
        taken = nearest(_heard(one, net), known, judged.held_out.labels)
        right = np.array([guess == label for guess, label in zip(taken, one.labels, strict=True)])
        own = {label: np.array([other == label for other in one.labels]) for label in judged.classes}
        table[name] = {
            "accuracy": float(right.mean()),
            "by_class": {label: float(right[where].mean()) for label, where in own.items()},
        }
    return table | {"chance": 1 / len(judged.classes)}


def nearest(points: Floats, known: Floats, labels: Sequence[str]) -> list[str]:
    """The class that most of the nearest ``known`` [m, E] of each of ``points`` [n, E] are of."""
    order = np.argsort(-(points @ known.T), axis=1, kind="stable")[:, :NEIGHBOURS]
    votes = [[labels[k] for k in row] for row in order]
    return [max(row, key=lambda label: (row.count(label), -row.index(label))) for row in votes]


def _heard(sounds: Set, net: Embedding) -> Floats:
    return np.stack([net.embed(resample(sound, SOUND_HZ, RATE_HZ)) for sound in sounds.sounds])
