"""The linear probe: what it can tell apart, what it must not know, and how sure it says it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.metrics import linear_probe
from synth.metrics.linear_probe import probe

LABELS = ["cat", "dog", "owl"] * 16
FOLDS = [1 + index // 12 for index in range(48)]


def features(spread: float, labels: list[str] = LABELS, seed: int = 0) -> list[NDArray[np.float32]]:
    """Windows around a place of each class; two to four of a clip."""
    rng = np.random.default_rng(seed)
    place = dict(zip(sorted(set(labels)), np.eye(3, 5), strict=True))
    return [
        (place[label] + spread * rng.standard_normal((int(rng.integers(2, 5)), 5))).astype(np.float32)
        for label in labels
    ]


def test_classes_that_lie_apart_are_recognised() -> None:
    found = probe(features(0.1), LABELS, FOLDS)
    assert found.accuracy == 1
    assert found.confusion.tolist() == (16 * np.eye(3, dtype=int)).tolist()
    assert found.interval.low > 0.9
    assert found.by_fold() == {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0}
    assert found.as_json()["clips"] == 48


def test_noise_is_recognised_at_chance_only() -> None:
    labels, folds = LABELS * 8, [1 + index // 96 for index in range(384)]
    noise = np.random.default_rng(0).standard_normal((384, 2, 10)).astype(np.float32)
    found = probe(list(noise), labels, folds)
    assert found.interval.low < 1 / 3 < found.interval.high


def test_windows_are_averaged_before_they_are_judged() -> None:
    """A clip of one window right by far and two wrong by little is right."""
    learnt = [np.array([[-2.0], [-3]], np.float32), np.array([[2.0], [3]], np.float32)]
    clip = np.array([[6.0], [-1], [-1]], np.float32)
    assert linear_probe.recognise([*learnt, clip], ["low", "high", "high"], [0, 1], [2], 1.0) == ["high"]


def test_a_fold_may_have_features_of_its_own() -> None:
    by_fold = {2: features(0.1), 3: features(5.0)}
    found = probe(by_fold, LABELS, FOLDS, judged=(2, 3))
    assert found.by_fold()[2] == 1 > found.by_fold()[3]
    with pytest.raises(OptionError, match="fold 1 has no features; there are those of 2, 3"):
        probe(by_fold, LABELS, FOLDS, judged=(1,))


def test_the_judged_fold_plays_no_part_in_the_choice_of_the_penalty() -> None:
    before = probe(features(0.8), LABELS, FOLDS, judged=(1,))
    other = features(0.8)
    for index in range(12):
        other[index] = other[index][::-1] * 100
    after = probe(other, LABELS, FOLDS, judged=(1,))
    assert before.penalties == after.penalties


def test_a_feature_that_is_always_the_same_does_no_harm() -> None:
    constant = [np.pad(one, ((0, 0), (0, 1)), constant_values=7.0) for one in features(0.1)]
    assert probe(constant, LABELS, FOLDS).accuracy == 1


def test_the_floor_knows_only_the_other_folds() -> None:
    assert linear_probe.most_frequent(["a", "a", "b"], [1, 1, 2]) == 0  # fold 1 expects b, fold 2 expects a
    assert linear_probe.most_frequent(["a", "a", "b", "a"], [1, 1, 2, 2]) == 0.75


@pytest.mark.parametrize(
    ("labels", "folds", "message"),
    [
        (LABELS, [1] * 48, "needs two folds and two classes; there are 1 and 3"),
        (["cat"] * 48, FOLDS, "needs two folds and two classes; there are 4 and 1"),
        (LABELS[:47], FOLDS, "48 clips came with 47 labels and 48 folds"),
    ],
)
def test_what_cannot_be_judged_is_refused(labels: list[str], folds: list[int], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        probe(features(0.1), labels, folds)


def test_an_unknown_fold_is_refused() -> None:
    with pytest.raises(OptionError, match="fold 9 has no clips; there are the folds 1, 2, 3, 4"):
        probe(features(0.1), LABELS, FOLDS, judged=(9,))
