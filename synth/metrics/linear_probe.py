"""What frozen features know: a linear classifier on top of them, judged on folds that it has not heard.

The protocol of SoundNet (Aytar et al., NIPS 2016, arXiv 1610.09001, section 4) and of L3-Net (Arandjelovic and
Zisserman, ICCV 2017, arXiv 1705.08168, section 4.2): features of windows of a clip, one-vs-all linear support vector
machines, decision values averaged over a clip's windows. Ours, where the papers say nothing: features are standardised
by the training windows, and the penalty is chosen on the training folds alone, by the last of them.

Shapes: n clips, W windows of a clip (their number may differ), D features, C classes.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.metrics.hits import Interval, class_average_accuracy, confusion_matrix, wilson_interval

Features = Sequence[NDArray[np.float32]]

PENALTIES: Final = (0.0003, 0.003, 0.03, 0.3)
"""Of the support vector machines (sklearn's C), for features of deviation one; one of them is chosen."""
_ROUNDS: Final = 2000


@dataclass(frozen=True)
class Probed:
    """What the clips of the judged folds were taken for.

    Attributes:
        classes: C names, in order of the alphabet.
        expected, predicted: a class a clip.
        folds: of the same clips.
        penalties: fold -> the penalty that was chosen for it.
    """

    classes: tuple[str, ...]
    expected: tuple[str, ...]
    predicted: tuple[str, ...]
    folds: tuple[int, ...]
    penalties: Mapping[int, float]

    @property
    def right(self) -> int:
        """How many clips were recognised."""
        return sum(one == other for one, other in zip(self.expected, self.predicted, strict=True))

    @property
    def accuracy(self) -> float:
        """Share of the clips that were recognised, 0..1."""
        return self.right / len(self.expected)

    @property
    def interval(self) -> Interval:
        """Wilson's 95% interval of the accuracy."""
        found = wilson_interval(self.right, len(self.expected))
        assert found is not None, "probe() refuses to judge no clip"
        return found

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts [C, C]: row = what it is, column = what it was taken for."""
        return confusion_matrix(self.expected, self.predicted, self.classes)

    def by_fold(self) -> dict[int, float]:
        """Accuracy of each judged fold."""
        total = Counter(self.folds)
        hit = Counter(
            fold for fold, one, other in zip(self.folds, self.expected, self.predicted, strict=True) if one == other
        )
        return {fold: hit[fold] / count for fold, count in sorted(total.items())}

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, for a report."""
        return {
            "accuracy": self.accuracy,
            "interval": [self.interval.low, self.interval.high],
            "class_average_accuracy": class_average_accuracy(self.confusion),
            "clips": len(self.expected),
            "folds": {str(fold): share for fold, share in self.by_fold().items()},
        }


def probe(
    features_by_clip: Features | Mapping[int, Features],
    labels: Sequence[str],
    folds: Sequence[int],
    *,
    judged: Sequence[int] = (),
    penalties: Sequence[float] = PENALTIES,
) -> Probed:
    """Recognise the clips of each fold by a linear classifier of the other folds' clips.

    Args:
        features_by_clip: n arrays [W, D]; or such a sequence for each judged fold, where a net that never heard that
            fold made them.
        labels: n classes.
        folds: n numbers of folds; clips of one recording must share it.
        judged: folds to judge; all where none is named.
        penalties: to choose from; with one, nothing is chosen.

    Raises:
        OptionError: lengths differ, there are fewer than two folds or classes, a fold has no features, or
            scikit-learn is not installed.
    """
    known = sorted(set(folds))
    wanted = list(judged) or known
    if len(known) < 2 or len(set(labels)) < 2:
        raise OptionError(f"a probe needs two folds and two classes; there are {len(known)} and {len(set(labels))}")
    if missing := [fold for fold in wanted if fold not in known]:
        raise OptionError(f"fold {missing[0]} has no clips; there are the folds {', '.join(map(str, known))}")
    expected: list[str] = []
    predicted: list[str] = []
    where: list[int] = []
    chosen: dict[int, float] = {}
    for fold in wanted:
        features = _of_fold(features_by_clip, fold, len(labels), len(folds))
        own = [index for index, one in enumerate(folds) if one == fold]
        rest = [index for index, one in enumerate(folds) if one != fold]
        chosen[fold] = _penalty(features, labels, folds, rest, penalties)
        guesses = recognise(features, labels, rest, own, chosen[fold])
        expected += [labels[index] for index in own]
        predicted += guesses
        where += [fold] * len(own)
    return Probed(tuple(sorted(set(labels))), tuple(expected), tuple(predicted), tuple(where), chosen)


def recognise(
    features: Features, labels: Sequence[str], learnt: Sequence[int], own: Sequence[int], penalty: float
) -> list[str]:
    """The class that each clip of ``own`` is taken for, by a classifier of the clips of ``learnt`` (numbers of clips).

    Raises:
        OptionError: scikit-learn is not installed.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise OptionError("scikit-learn is not installed; pip install 'sonorize[eval]' brings it") from error
    known = np.concatenate([features[index] for index in learnt]).astype(np.float64)
    names = np.repeat([labels[index] for index in learnt], [len(features[index]) for index in learnt])
    mean, spread = known.mean(0), known.std(0)
    spread = np.where(spread > 1e-6 * max(1e-12, float(spread.max())), spread, 1.0)  # a dead feature says nothing
    machine = LinearSVC(C=penalty, dual="auto", max_iter=_ROUNDS, random_state=0)
    with warnings.catch_warnings():
        # Not quite at the optimum is good enough, and the same for every row of a table.
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit((known - mean) / spread, names)
    values = [np.mean(machine.decision_function((features[index] - mean) / spread), axis=0) for index in own]
    if len(machine.classes_) == 2:  # one value, high for the second class
        return [str(machine.classes_[int(value > 0)]) for value in values]
    return [str(machine.classes_[int(np.argmax(value))]) for value in values]


def most_frequent(labels: Sequence[str], folds: Sequence[int]) -> float:
    """Accuracy of always saying the other folds' most frequent class: a floor."""
    right = 0
    for fold in set(folds):
        counts = Counter(label for label, one in zip(labels, folds, strict=True) if one != fold)
        guess = max(sorted(counts), key=lambda name: counts[name])
        right += sum(one == fold and label == guess for label, one in zip(labels, folds, strict=True))
    return right / len(labels)


def _of_fold(features: Features | Mapping[int, Features], fold: int, labels: int, folds: int) -> Features:
    if isinstance(features, Mapping):
        if fold not in features:
            raise OptionError(f"fold {fold} has no features; there are those of {', '.join(map(str, features))}")
        features = features[fold]
    if not len(features) == labels == folds:
        raise OptionError(f"{len(features)} clips came with {labels} labels and {folds} folds")
    return features


def _penalty(
    features: Features, labels: Sequence[str], folds: Sequence[int], rest: Sequence[int], penalties: Sequence[float]
) -> float:
    """The penalty under which the last training fold is recognised best; of equals the strictest."""
    last = max(folds[index] for index in rest)
    held = [index for index in rest if folds[index] == last]
    learnt = [index for index in rest if folds[index] != last]
    if len(penalties) == 1 or len({labels[index] for index in learnt}) < 2:
        return penalties[0]
    right = [
        sum(
            labels[index] == guess
            for index, guess in zip(held, recognise(features, labels, learnt, held, penalty), strict=True)
        )
        for penalty in penalties
    ]
    return penalties[int(np.argmax(right))]
