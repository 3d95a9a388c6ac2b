"""Canonical correlation analysis (Hotelling, Biometrika 1936), with a ridge: two kinds of features in one space.

A baseline for every net that learns to align pictures and sounds. Numpy only: scikit-learn's iterates by deflation
and takes minutes on what one singular value decomposition gives at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Projection = Callable[[NDArray[Any]], NDArray[np.float32]]


def canonical(
    one: NDArray[Any], other: NDArray[Any], dimensions: int, ridge: float = 0.05
) -> tuple[Projection, Projection]:
    """Projections of both kinds onto the directions in which pairs agree most, weighted by how far they agree.

    Args:
        one, other: [n, D], [n, E]: row by row of the same clips.
        ridge: added to each variance, in parts of their mean, so that few clips do not invent directions.
    """
    x, y = (np.asarray(values, np.float64) for values in (one, other))
    centre_x, centre_y = x.mean(0), y.mean(0)
    x, y = x - centre_x, y - centre_y
    white_x, white_y = _whitening(x, ridge), _whitening(y, ridge)
    left, strength, right = np.linalg.svd(white_x.T @ (x.T @ y / len(x)) @ white_y)
    count = min(dimensions, len(strength))
    weight = np.sqrt(np.maximum(strength[:count], 0.0))
    to_x, to_y = white_x @ left[:, :count] * weight, white_y @ right[:count].T * weight

    def project_x(values: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray((values - centre_x) @ to_x, np.float32)

    def project_y(values: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray((values - centre_y) @ to_y, np.float32)

    return project_x, project_y


def _whitening(values: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    covariance = values.T @ values / len(values)
    covariance += np.eye(len(covariance)) * ridge * np.trace(covariance) / len(covariance)
    spread, axes = np.linalg.eigh(covariance)
    return np.asarray(axes / np.sqrt(np.maximum(spread, 1e-12)))
