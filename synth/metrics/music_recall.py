"""How often the right one is found: recall of music and pictures, and what finds them without any training.

Shapes: P pairs; likenesses are [P, P], music by picture, the right ones on the diagonal.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

Table = dict[str, dict[str, float]]

RANKS: Final = (1, 10, 25, 50)
_COMPONENTS: Final = 64  # principal components of either side that canonical correlation works on
_CORRELATED: Final = 16
_RIDGE: Final = 0.1


class Numbers(Protocol):
    """Pairs as numbers; :class:`synth.training.audiovisual.music_data.Pairs` is."""

    @property
    def music(self) -> NDArray[np.float32]:
        """[P, 1140]."""

    @property
    def picture(self) -> NDArray[np.float32]:
        """[P, 2615]."""

    @property
    def tempo(self) -> NDArray[np.float32]:
        """[P], beats a minute."""


def recalls(alike: NDArray[Any]) -> Table:
    """Recall at 1, 10, 25 and 50 and the median rank, both ways. Ties count against: a rank is the worst it may be."""
    right = np.diagonal(alike)
    ranks = {"music_to_video": (alike >= right[:, None]).sum(1), "video_to_music": (alike >= right[None]).sum(0)}
    return {
        way: {f"recall_at_{k}": float((found <= k).mean()) for k in RANKS} | {"median_rank": float(np.median(found))}
        for way, found in ranks.items()
    }


def chance(pairs: int) -> Table:
    """What guessing gives."""
    row = {f"recall_at_{k}": min(1.0, k / pairs) for k in RANKS} | {"median_rank": (pairs + 1) / 2}
    return {"music_to_video": row, "video_to_music": dict(row)}


def canonical(seen: Numbers, judged: Numbers) -> NDArray[np.float64]:
    """Likenesses by canonical correlation (Hotelling 1936) of the principal components, learnt from other pairs."""
    music, music_there = _principal(seen.music, judged.music)
    picture, picture_there = _principal(seen.picture, judged.picture)
    white_music, white_picture = _whitening(music), _whitening(picture)
    left, strengths, right = np.linalg.svd(white_music.T @ (music.T @ picture / len(music)) @ white_picture)
    kept = min(_CORRELATED, len(strengths))
    ours = music_there @ white_music @ left[:, :kept] * strengths[:kept] ** 0.5
    theirs = picture_there @ white_picture @ right[:kept].T * strengths[:kept] ** 0.5
    return _unit(ours) @ _unit(theirs).T


def standardised(numbers: NDArray[Any], by: NDArray[Any]) -> NDArray[np.float64]:
    """Columns of ``numbers`` [P, D] minus the mean of those of ``by``, over their deviation; 0 where that is 0."""
    deviation = by.std(0, dtype=np.float64)
    return np.asarray((numbers - by.mean(0, dtype=np.float64)) / np.where(deviation > 1e-9, deviation, np.inf))


def _principal(seen: NDArray[Any], judged: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    here, there = standardised(seen, seen).clip(-5, 5), standardised(judged, seen).clip(-5, 5)
    _, _, axes = np.linalg.svd(here, full_matrices=False)
    kept = axes[:_COMPONENTS].T
    return here @ kept, there @ kept


def _whitening(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    covariance = numbers.T @ numbers / len(numbers)
    values, axes = np.linalg.eigh(
        covariance + _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    )
    return np.asarray(axes / np.sqrt(values))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12))
