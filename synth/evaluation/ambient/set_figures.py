"""What generated sounds are like as a set, beside real ones: distances, faults, copies, and how varied they are.

A classifier that is trained on generated sounds only and judged on real ones is the test of Kong et al., "Acoustic
scene generation with conditional SampleRNN" (ICASSP 2019): sounds that are recognisable but all alike teach little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.evaluation.ambient import sound_checks
from synth.evaluation.ambient.judged_sets import Judged, Set
from synth.evaluation.ambient.judges import Judge
from synth.metrics.frechet import Axes, frechet_distance, spread_of


def distances(judged: Judged) -> dict[str, Any]:
    """Frechet distances to the held-out recordings, by ears; all sets have as many sounds a class, so they compare."""
    each = min(
        min(list(one.labels).count(name) for name in judged.classes)
        for one in (judged.seen, judged.held_out, judged.generated)
    )
    sets = {
        "generated": judged.generated,
        "floor: white and pink noise": judged.noise,
        "ceiling: other real recordings": judged.seen,
    }
    sets |= controls(judged)
    table: dict[str, Any] = {"sounds_in_each_set": each * len(judged.classes)}
    for ears, embeddings in judged.seen.ears.embeddings.items():
        axes = Axes.of(embeddings)
        real = axes(_evenly(judged.held_out, each, judged.classes).ears.embeddings[ears])
        table[f"FD-{ears}"] = {
            name: frechet_distance(axes(_evenly(one, each, judged.classes).ears.embeddings[ears]), real)
            for name, one in sets.items()
        }
    return table


def _evenly(sounds: Set, each: int, classes: Sequence[str]) -> Set:
    """As many of every class, spread over those that there are."""
    chosen: list[int] = []
    for name in classes:
        own = [k for k, label in enumerate(sounds.labels) if label == name]
        chosen += [own[k * len(own) // each] for k in range(each)]
    return sounds.where(chosen)


def faults(judged: Judged) -> dict[str, Any]:
    """Shares of sounds with each fault, of what was generated and of real recordings that it has not met."""
    table: dict[str, Any] = {}
    for name, one in (("generated", judged.generated), ("real", judged.held_out)):
        found = [sound_checks.faults(sound) for sound in one.sounds]
        kinds = ("silent", "clipped", "tone", "repeats")
        table[name] = {kind: float(np.mean([getattr(fault, kind) for fault in found])) for kind in kinds}
        table[name]["loudest_db"] = float(np.median([fault.loudest_db for fault in found]))
        table[name]["named"] = [
            f"{label} {one.labels[:k].count(label)}: {kind}"
            for k, (label, fault) in enumerate(zip(one.labels, found, strict=True))
            for kind in kinds
            if getattr(fault, kind)
        ]
    return table


def dropouts(judged: Judged) -> list[str] | None:
    """Generated sounds that are silent for over a quarter of a second in which their band levels are not.

    A decoder begins in silence, and may stay or fall back there. ``None`` for one that is told no levels.
    """
    if judged.shaped is None:
        return None
    labels = judged.generated.labels
    missing_s = [
        sound_checks.missing_s(made, control)
        for made, control in zip(judged.generated.sounds, judged.shaped.sounds, strict=True)
    ]
    return [f"{labels[k]} {labels[:k].count(labels[k])}: {one:.1f} s" for k, one in enumerate(missing_s) if one > 0.25]


def copies(judged: Judged) -> dict[str, Any]:
    """How near the loudest half seconds come to recordings of their class that the decoder learnt from."""
    found: dict[str, list[sound_checks.Nearest]] = {"generated": [], "real": []}
    for label in judged.classes:
        known = sound_checks.Recordings(judged.seen.of_class(label))
        found["generated"] += [known.nearest(sound) for sound in judged.generated.of_class(label)]
        if judged.beside is not None:
            found.setdefault("another build", []).extend(map(known.nearest, judged.beside.of_class(label)))
        found["real"] += [known.nearest(sound) for sound in judged.held_out.of_class(label)]
    return {
        name: {
            "correlation_median": float(np.median([one.correlation for one in nearest])),
            "correlation_largest": max(one.correlation for one in nearest),
            "mel_db_median": float(np.median([one.mel_db for one in nearest])),
            "mel_db_smallest": min(one.mel_db for one in nearest),
        }
        for name, nearest in found.items()
    }


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
