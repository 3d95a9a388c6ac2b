"""Figures of maps that say where a sound comes from: pure functions on a map and on boxes drawn by people.

The consensus intersection over union and its area under the curve are those of Senocak et al., "Learning to Localize
Sound Source in Visual Scenes" (CVPR 2018, arXiv 1803.03849, section 4.2); pointing at the highest place follows
Arandjelovic and Zisserman, "Objects that Sound" (ECCV 2018, arXiv 1712.06651, section 4.3). No torch, no files.

Shapes: a map has H x W positions; position (row, column) stands for that part of the picture, and its middle decides
what lies inside a box. Boxes are in fractions of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.boxes import Box

AGREEING: Final = 2
"""How many annotators have to mark a place for it to count fully (C in the paper)."""

TAU: Final = 0.5
"""Of a map between 0 and 1, what counts as marked."""

FINE_SIDE: Final = 224
"""Positions a side that coarse maps are enlarged to before they are compared with boxes."""

Map = NDArray[Any]


def covered(boxes: Sequence[Box], height: int, width: int) -> NDArray[np.float64]:
    """How much of each position lies inside at least one box, [H, W] in 0..1; exact for one box.

    Of boxes that overlap within a position, the largest share counts.
    """
    shares = np.zeros((height, width))
    for box in boxes:
        across = _overlap(box.left, box.right, width)
        down = _overlap(box.top, box.bottom, height)
        shares = np.maximum(shares, np.outer(down, across))
    return shares


def _overlap(low: float, high: float, count: int) -> NDArray[np.float64]:
    edges = np.arange(count + 1)
    inside = np.minimum(edges[1:], high * count) - np.maximum(edges[:-1], low * count)
    return np.asarray(np.clip(inside, 0.0, 1.0), np.float64)


def mask(boxes: Sequence[Box], height: int, width: int) -> NDArray[np.bool_]:
    """Positions whose middle lies inside a box, [H, W]; of a box that holds no middle, the position of its own one."""
    marked = np.zeros((height, width), bool)
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    for box in boxes:
        inside = ((y >= box.top) & (y <= box.bottom))[:, None] & ((x >= box.left) & (x <= box.right))
        if not inside.any():
            row = min(height - 1, max(0, int((box.top + box.bottom) / 2 * height)))
            inside[row, min(width - 1, max(0, int((box.left + box.right) / 2 * width)))] = True
        marked |= inside
    return marked


def consensus(
    boxes_by_annotator: Sequence[Sequence[Box]], height: int, width: int, agreeing: int | None = None
) -> NDArray[np.float64]:
    """How far annotators agree on each position, [H, W] in 0..1: ``min(annotators who mark it / agreeing, 1)``.

    Args:
        boxes_by_annotator: what each of them drew; one who saw no source drew nothing.
        agreeing: without one, :data:`AGREEING`, or one where there is one annotator only: an exact box of a simulated
            scene counts fully.
    """
    needed = agreeing or min(AGREEING, max(1, len(boxes_by_annotator)))
    votes = sum((mask(boxes, height, width).astype(float) for boxes in boxes_by_annotator), np.zeros((height, width)))
    return np.minimum(votes / needed, 1.0)


def ciou(
    attention: Map,
    boxes_by_annotator: Sequence[Sequence[Box]],
    tau: float = TAU,
    *,
    agreeing: int | None = None,
) -> float:
    """Consensus intersection over union, 0..1.

    What lies over ``tau`` is marked; the consensus inside it, over all consensus and what was marked without any.

    Args:
        attention: [H, W]; coarse ones go through :func:`enlarged` first, so that small boxes are seen.
        boxes_by_annotator: what each annotator drew.
        tau: a threshold in the units of ``attention``.

    Raises:
        ValueError: nobody drew a box, or the map is not two-dimensional.
    """
    _check(attention, [box for boxes in boxes_by_annotator for box in boxes])
    height, width = attention.shape
    agreed = consensus(boxes_by_annotator, height, width, agreeing)
    marked = np.asarray(attention) > tau
    return float(agreed[marked].sum() / (agreed.sum() + (marked & (agreed == 0)).sum()))


def success(cious: Sequence[float], at: float = 0.5) -> float:
    """Share of the pictures whose consensus intersection over union is above ``at``; 0 where there are none."""
    return float(np.mean(np.asarray(cious) > at)) if len(cious) else 0.0


def auc(cious: Sequence[float], steps: int = 20) -> float:
    """Area under the curve of :func:`success` over thresholds from 0 to 1 in equal steps, 0..1."""
    thresholds = np.linspace(0.0, 1.0, steps + 1)
    return float(np.trapezoid([success(cious, float(at)) for at in thresholds], thresholds))


def pointing_hit(attention: Map, boxes: Sequence[Box]) -> float:
    """Whether the highest position lies inside a box, 1.0 or 0.0; of several equally high ones, the share that does.

    So a map without any peak is worth what a point chosen by chance is.

    Raises:
        ValueError: there are no boxes, or the map is not two-dimensional.
    """
    _check(attention, boxes)
    values = np.asarray(attention)
    return float(mask(boxes, *values.shape)[values == values.max()].mean())


def centre_hit(boxes: Sequence[Box]) -> float:
    """Whether the middle of the picture lies inside a box, 1.0 or 0.0: what pointing has to beat.

    Raises:
        ValueError: there are no boxes.
    """
    _check(np.zeros((1, 1)), boxes)
    return float(any(box.holds(0.5, 0.5) for box in boxes))


def chance_hit(boxes: Sequence[Box]) -> float:
    """How often a point anywhere in the picture lies inside a box: the share of the picture that they cover.

    Raises:
        ValueError: there are no boxes.
    """
    _check(np.zeros((1, 1)), boxes)
    return float(covered(boxes, FINE_SIDE, FINE_SIDE).mean())


def mass_inside(attention: Map, boxes: Sequence[Box]) -> float:
    """Share of a map's sum that lies inside the boxes, 0..1; of a map of nothing, what chance would give.

    Raises:
        ValueError: there are no boxes, a value is negative, or the map is not two-dimensional.
    """
    _check(attention, boxes)
    values = np.asarray(attention, np.float64)
    if (values < 0).any():
        raise ValueError(f"a map's values must not be negative; the lowest is {values.min()}")
    inside = covered(boxes, *values.shape)
    return float((values * inside).sum() / values.sum()) if values.sum() > 0 else float(inside.mean())


def enlarged(attention: Map, side: int = FINE_SIDE) -> NDArray[np.float32]:
    """A coarse map, as float32 [side, side], linear between the middles of its positions."""
    return np.asarray(
        cv2.resize(np.asarray(attention, np.float32), (side, side), interpolation=cv2.INTER_LINEAR), np.float32
    )


def stretched(attention: Map) -> NDArray[np.float32]:
    """A map from 0 at its lowest to 1 at its highest position, as the paper's threshold wants it; a flat one is 0."""
    values = np.asarray(attention, np.float32)
    span = float(values.max() - values.min())
    return (values - values.min()) / span if span > 0 else np.zeros_like(values)


def _check(attention: Map, boxes: Sequence[Box]) -> None:
    if np.ndim(attention) != 2 or not np.size(attention):
        raise ValueError(f"a map must be [H, W]; its shape is {np.shape(attention)}")
    if not boxes:
        raise ValueError("there is no box to compare with; pictures without a visible source are counted apart")
