"""What judges take each sound for: accuracy of what was generated beside its ceiling, its floors and its controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import scipy.stats

from synth.ambient_classes import AMBIENT_CLASSES
from synth.evaluation.ambient.judged_sets import Judged, Set, Verdict
from synth.evaluation.ambient.judges import Ears, Judge, cross_validated, mapped
from synth.metrics.hits import class_accuracies, confusion_matrix, wilson_interval
from synth.training.ambient.recipes import HELD_OUT_FOLD

BY_HELD_OUT: Final = f"trained on fold {HELD_OUT_FOLD}"
BY_SEEN: Final = "trained on the decoder's folds"
MAPPED: Final = "untrained"


def verdicts(judged: Judged) -> list[Verdict]:
    """All judges on all sets."""
    found = []
    for ears in judged.generated.ears.embeddings:
        for training, known, real in (
            (BY_HELD_OUT, judged.held_out, judged.seen),
            (BY_SEEN, judged.seen, judged.held_out),
        ):
            judge = Judge.trained(known.ears.embeddings[ears], known.labels)
            taken = {
                name: judge(one.ears.embeddings[ears]) for name, one in _sets(judged).items() if name != "real"
            } | {"real": judge(real.ears.embeddings[ears])}
            found.append(_verdict(ears, training, taken, real.labels, judged.beside))
    if judged.generated.ears.evidence is not None and set(judged.classes) <= set(AMBIENT_CLASSES):
        every = _together(judged.seen, judged.held_out)
        taken = {name: _mapped(one, judged.classes) for name, one in (_sets(judged) | {"real": every}).items()}
        found.append(_verdict("yamnet", MAPPED, taken, every.labels, judged.beside))
    return found


def _sets(judged: Judged) -> dict[str, Set]:
    return {"generated": judged.generated, "noise": judged.noise, **judged.further}


def _verdict(
    ears: str, training: str, taken: Mapping[str, Sequence[str]], real_labels: Sequence[str], beside: Set | None
) -> Verdict:
    return Verdict(
        ears,
        training,
        taken["generated"],
        taken["real"],
        real_labels,
        taken["noise"],
        taken.get("shaped"),
        taken.get("pulses"),
        taken.get("plain"),
        taken.get("beside"),
        () if beside is None else beside.labels,
    )


def _mapped(sounds: Set, classes: Sequence[str]) -> list[str]:
    evidence = sounds.ears.evidence
    assert evidence is not None
    unasked = [name not in classes for name in AMBIENT_CLASSES]
    return mapped(np.where(unasked, -1.0, evidence))


def _together(first: Set, second: Set) -> Set:
    a, b = first.ears, second.ears
    yamnet = None if a.yamnet is None or b.yamnet is None else np.concatenate([a.yamnet, b.yamnet])
    evidence = None if a.evidence is None or b.evidence is None else np.concatenate([a.evidence, b.evidence])
    ears = Ears(np.concatenate([a.own, b.own]), yamnet, evidence)
    return Set([*first.sounds, *second.sounds], [*first.labels, *second.labels], ears)


def class_figures(verdict: Verdict, asked: Sequence[str]) -> dict[str, Any]:
    """Accuracy of one judge on what was generated, beside its ceiling and its floors."""
    shuffled = [asked[k] for k in np.random.default_rng(0).permutation(len(asked))]
    generated = _accuracy(asked, verdict.generated)
    ceiling = _accuracy(verdict.real_labels, verdict.real)
    return {
        "generated": generated,
        "ceiling: real clips it has not met": ceiling,
        "share_of_ceiling": generated["accuracy"] / ceiling["accuracy"] if ceiling["accuracy"] else 0.0,
        "control: noise with the same band levels": _accuracy(asked, verdict.shaped) if verdict.shaped else None,
        "control: pulses and noise with the same band levels": (
            _accuracy(asked, verdict.pulses) if verdict.pulses else None
        ),
        "without fine structure": _accuracy(asked, verdict.plain) if verdict.plain else None,
        "another build": _accuracy(verdict.beside_labels, verdict.beside) if verdict.beside else None,
        "beyond_control": beyond(asked, verdict.generated, verdict.shaped) if verdict.shaped else None,
        "floor: white and pink noise": _accuracy(asked, verdict.noise),
        "floor: shuffled classes": _accuracy(shuffled, verdict.generated),
    }


def beyond(asked: Sequence[str], made: Sequence[str], control: Sequence[str]) -> dict[str, Any]:
    """How many sounds only the decoder got right and how many only its control, pair by pair with the same levels.

    ``p`` is that of a two-sided sign test: how likely so uneven a split is if the decoder adds nothing.
    """
    pairs = [(one == label, other == label) for label, one, other in zip(asked, made, control, strict=True)]
    won, lost = pairs.count((True, False)), pairs.count((False, True))
    p = float(scipy.stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return {"decoder_only": won, "control_only": lost, "p": p}


def _accuracy(expected: Sequence[str], taken: Sequence[str]) -> dict[str, Any]:
    right = sum(one == other for one, other in zip(expected, taken, strict=True))
    interval = wilson_interval(right, len(expected))
    assert interval is not None
    return {"accuracy": right / len(expected), "n": len(expected), "interval_95": [interval.low, interval.high]}


def by_class(expected: Sequence[str], taken: Sequence[str], classes: Sequence[str]) -> dict[str, float | None]:
    """Class -> share of its sounds that were taken for it; ``None`` for one that does not occur."""
    return dict(zip(classes, class_accuracies(confusion_matrix(expected, taken, classes)), strict=True))


def cross_validated_real(judged: Judged) -> dict[str, Any]:
    """Ears -> accuracy on all real recordings, each fold judged by what the others taught."""
    every = _together(judged.seen, judged.held_out)
    return {
        name: _accuracy(every.labels, cross_validated(embeddings, every.labels, judged.folds))
        for name, embeddings in every.ears.embeddings.items()
    }
