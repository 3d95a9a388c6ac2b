"""How varied generated sounds are: what can be learnt from them alone, and how far they lie from one another.

A classifier that is trained on generated sounds only and judged on real ones is the test of Kong et al., "Acoustic
scene generation with conditional SampleRNN" (ICASSP 2019): sounds that are recognisable but all alike teach little.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.evaluation.ambient.judged_sets import Judged, Set
from synth.evaluation.ambient.judges import Judge
from synth.metrics.frechet import spread_of


def trained_on_generated(judged: Judged) -> dict[str, Any]:
    """Accuracy, on held-out recordings, of judges trained on other sets only, by ears."""
    teachers = {"generated": judged.generated, "ceiling: real recordings": judged.seen} | controls(judged)
    return {
        ears: {
            name: _accuracy(Judge.trained(one.ears.embeddings[ears], one.labels), judged.held_out, ears)
            for name, one in teachers.items()
        }
        | {"chance": 1 / len(judged.classes)}
        for ears in judged.generated.ears.embeddings
    }


_CONTROLS: Final = {
    "shaped": "control: noise with the same band levels",
    "pulses": "control: pulses and noise with the same band levels",
    "plain": "without fine structure",
    "beside": "another build",
}


def controls(judged: Judged) -> dict[str, Set]:
    """What is made of the conditioning alone, without fine structure, and by another build, as reports name it."""
    return {_CONTROLS[name]: one for name, one in judged.further.items()}


def _accuracy(judge: Judge, real: Set, ears: str) -> float:
    taken = judge(real.ears.embeddings[ears])
    return float(np.mean([one == label for one, label in zip(taken, real.labels, strict=True)]))


def spread(judged: Judged) -> dict[str, Any]:
    """Root mean square distance of two sounds of a class, by class, and beside that of real recordings.

    Distances are those of our own ears' numbers, each in units of its deviation over real recordings.
    """
    scale = spread_of(np.asarray(judged.seen.ears.own, np.float64))
    sets = {"generated": judged.generated, "real": judged.held_out} | controls(judged)
    table: dict[str, Any] = {
        name: {label: _apart(_of(one, label) / scale) for label in judged.classes} for name, one in sets.items()
    }
    ratios = [table["generated"][label] / max(1e-9, table["real"][label]) for label in judged.classes]
    return table | {"generated beside real": float(np.median(ratios))}


def _of(one: Set, label: str) -> NDArray[np.float64]:
    chosen = [k for k, own in enumerate(one.labels) if own == label]
    return np.asarray(one.ears.own[chosen], np.float64)


def _apart(points: NDArray[np.float64]) -> float:
    """Root mean square distance of two different rows of [n, E], per number; 0 where there is one row."""
    count = len(points)
    if count < 2:
        return 0.0
    return float(np.sqrt(2 * count / (count - 1) * points.var(0).mean()))
