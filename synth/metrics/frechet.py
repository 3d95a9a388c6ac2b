"""Distance of two sets of sounds by what is heard in them, for sets of some tens of clips.

Named after the ears that it was computed with ("FD-own", "FD-yamnet"); it is not the FAD of the literature, which is
computed on another network's embeddings.

Shapes: n, m clips, E numbers of an embedding, K axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def spread_of(embeddings: NDArray[Any]) -> Doubles:
    """What to divide each number of embeddings [n, E] by, [E]: its deviation plus the mean of all deviations.

    Without the mean, numbers that are nearly always 0 in real sounds (half of YAMNet's) would outweigh all others.
    """
    deviation = np.std(np.asarray(embeddings, np.float64), axis=0)
    return np.asarray(deviation + deviation.mean() + 1e-12)


@dataclass(frozen=True)
class Axes:
    """A fixed projection of embeddings onto the main axes of real ones, so that few clips can be compared at all.

    Attributes:
        mean, spread: [E].
        axes: [E, K], scaled so that real embeddings have mean square 1 in the whole of the K axes.
    """

    mean: Doubles
    spread: Doubles
    axes: Doubles

    @classmethod
    def of(cls, embeddings: NDArray[Any], count: int = 16) -> Axes:
        """The axes of real embeddings [n, E]: principal components after standardising."""
        known = np.asarray(embeddings, np.float64)
        mean, spread = known.mean(0), spread_of(known)
        _, sizes, rows = np.linalg.svd((known - mean) / spread, full_matrices=False)
        kept = min(count, len(rows))
        return cls(mean, spread, rows[:kept].T / np.sqrt((sizes[:kept] ** 2).sum() / len(known)))

    def __call__(self, embeddings: NDArray[Any]) -> Doubles:
        """Embeddings [n, E] on the axes, [n, K]."""
        return np.asarray((np.asarray(embeddings, np.float64) - self.mean) / self.spread @ self.axes)


def frechet_distance(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Squared Frechet distance of the Gaussians fitted to [n, K] and [m, K] (Dowson and Landau, 1982).

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``, covariances shrunk after Ledoit and Wolf. The value is too large
    for small sets, the more so the smaller they are: compare only sets of the same sizes.
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    cov_one, cov_two = shrunk_covariance(one), shrunk_covariance(two)
    root = _root(cov_one)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_two @ root), 0)).sum()
    apart = one.mean(0) - two.mean(0)
    return float(max(0.0, apart @ apart + np.trace(cov_one) + np.trace(cov_two) - 2 * cross))


def shrunk_covariance(points: NDArray[Any]) -> Doubles:
    """Covariance [K, K] of [n, K], drawn towards a sphere as far as its noise calls for.

    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices" (2004), equation 14.
    """
    centred = np.asarray(points, np.float64) - np.mean(points, axis=0)
    count, size = centred.shape
    covariance = centred.T @ centred / count
    mean = np.trace(covariance) / size
    spread = np.sum((covariance - mean * np.eye(size)) ** 2)
    noise = (np.sum(centred**2, axis=1) ** 2).sum() / count**2 - np.sum(covariance**2) / count
    share = min(1.0, max(0.0, noise / spread)) if spread > 0 else 0.0
    return np.asarray((1 - share) * covariance + share * mean * np.eye(size))


def _root(matrix: Doubles) -> Doubles:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T)
