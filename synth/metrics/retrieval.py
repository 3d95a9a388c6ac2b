"""Retrieval measured: nDCG over a tree of labels, recall at K. Pure functions.

The gain of an item for a query follows Arandjelovic and Zisserman (ECCV 2018, section 4.2): the tree's largest distance
of labels less the distance of these two, the smallest over all pairs of their labels, so that a rooster found for a
bird is worth more than a chainsaw.

Shapes: Q queries, N items, D numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TOP: Final = 5
"""Answers among which :func:`top` looks."""

Distance = Callable[[str, str], int]


def gains(queries: Sequence[Sequence[str]], items: Sequence[Sequence[str]], distance: Distance) -> NDArray[np.float64]:
    """What each item is worth to each query, [Q, N] from 0; items and queries without labels are worth nothing."""
    names = sorted({label for labels in (*queries, *items) for label in labels})
    place = {name: number for number, name in enumerate(names)}
    apart = np.array([[distance(one, other) for other in names] for one in names], np.float64)
    most = apart.max(initial=0.0)
    out = np.zeros((len(queries), len(items)))
    for row, mine in enumerate(queries):
        for column, theirs in enumerate(items):
            if mine and theirs:
                rows, columns = [place[name] for name in mine], [place[name] for name in theirs]
                out[row, column] = most - apart[np.ix_(rows, columns)].min()
    return out


def ndcg(
    scores: NDArray[Any], worth: NDArray[np.float64], at: int = 30, *, itself: bool = False
) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of each query [Q], 0..1; the best possible order has 1.

    Args:
        scores: [Q, N], high for what comes first; ties in order of the items.
        worth: [Q, N] of :func:`gains`.
        itself: whether item q is query q itself, and is left out of its own list.
    """
    scores, worth = np.array(scores, np.float64), np.array(worth)
    if itself:
        np.fill_diagonal(scores, -np.inf)
        np.fill_diagonal(worth, -1.0)
    count = min(at, scores.shape[1] - itself)
    discount = 1 / np.log2(np.arange(count) + 2)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    found = (np.take_along_axis(worth, order, 1) * discount).sum(1)
    best = (-np.sort(-worth, axis=1)[:, :count] * discount).sum(1)
    return np.asarray(np.where(best > 0, found / np.maximum(best, 1e-12), 0.0))


def recall(scores: NDArray[Any], at: int) -> float:
    """Share of queries whose own item (item q for query q) is among the first ``at``; ties count against it."""
    own = np.diagonal(scores)[:, None]
    rank = (np.asarray(scores) >= own).sum(1)
    return float((rank <= at).mean())


def median_rank(scores: NDArray[Any]) -> float:
    """Median place of each query's own item, from 1."""
    return float(np.median((np.asarray(scores) >= np.diagonal(scores)[:, None]).sum(1)))


def closeness(queries: NDArray[Any], items: NDArray[Any]) -> NDArray[np.float64]:
    """Negative Euclidean distances [Q, N] of vectors [Q, D] and [N, D]."""
    one, other = np.asarray(queries, np.float64), np.asarray(items, np.float64)
    squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return np.asarray(-np.sqrt(np.maximum(squared, 0.0)))


def top(answers: NDArray[Any], truth: NDArray[np.int64]) -> dict[str, float]:
    """Shares of answers [P, K] whose highest one, or one of whose five highest, is the truth [P]."""
    order = np.argsort(-answers, axis=1, kind="stable")
    return {
        "top1": float(np.mean(order[:, 0] == truth)),
        "top5": float(np.mean((order[:, :TOP] == truth[:, None]).any(1))),
    }
