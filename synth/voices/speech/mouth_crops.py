"""Upright crops of a face and of its mouth, always the same size: what a lip reader looks at.

A similarity (turn, scale, shift) carries five landmarks onto a fixed place; it comes from landmarks that were smoothed
over time, so that it follows the head and not the lips. Lengths are in eye distances: the unit that a turned or far
face keeps.

Shapes: T = frames, H x W = one frame, P = 5 landmarks in the order of :data:`LANDMARKS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Pixels = NDArray[np.uint8]

LANDMARKS: Final = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")
"""Left and right as seen in the picture."""

FACE_SHAPE: Final[Doubles] = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.6], [-0.41, 1.17], [0.41, 1.17]])
"""Where the landmarks of an upright face lie, in eye distances from the point between the eyes, y downwards."""

CROP_SIDE: Final = 64
"""Pixels of a crop's side."""

SMOOTHING_S: Final = 0.2
"""Standard deviation of the Gaussian that landmarks are smoothed with: below a syllable's length nothing follows."""


@dataclass(frozen=True)
class Window:
    """A square of the face's own plane, in eye distances: its centre and its side."""

    centre: tuple[float, float]
    side: float


MOUTH: Final = Window((0.0, 1.2), 1.5)
FACE: Final = Window((0.0, 0.55), 3.0)


def smoothed(points: Doubles, rate_hz: float, sigma_s: float = SMOOTHING_S) -> Doubles:
    """Landmarks [T, P, 2] smoothed over time; the first and the last are held beyond the ends."""
    if len(points) < 2:
        return np.asarray(points, np.float64)
    wide = scipy.ndimage.gaussian_filter1d(
        np.asarray(points, np.float64), sigma_s * rate_hz, axis=0, mode="nearest", truncate=3.0
    )
    return np.asarray(wide)


def similarity(points: Doubles) -> Doubles:
    """The similarity [2, 3] from the face's own plane to the picture that fits landmarks [P, 2] best, least squares.

    Umeyama, "Least-squares estimation of transformation parameters" (PAMI 1991), in the plane, as one complex number.
    """
    own = FACE_SHAPE[:, 0] + 1j * FACE_SHAPE[:, 1]
    seen = points[:, 0] + 1j * points[:, 1]
    centred = own - own.mean()
    turn = np.vdot(centred, seen - seen.mean()) / np.vdot(centred, centred).real
    shift = seen.mean() - turn * own.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def eye_distance(points: Doubles) -> float:
    """Pixels between the eyes of the fitted face, [P, 2] -> the unit of :class:`Window`."""
    fitted = similarity(points)
    return float(np.hypot(fitted[0, 0], fitted[1, 0]))


def crop(frame: Pixels, points: Doubles, window: Window, side: int = CROP_SIDE) -> Pixels:
    """One grey crop, uint8 [side, side], of an RGB or grey ``frame`` with landmarks ``points`` [P, 2].

    What lies beyond the picture repeats its edge.
    """
    grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    fitted = similarity(points)
    pixel = window.side / side  # of the crop, in eye distances
    corner = np.array(window.centre) - window.side / 2 + pixel / 2
    to_picture = np.hstack([fitted[:, :2] * pixel, fitted[:, :2] @ corner[:, None] + fitted[:, 2:]])
    shrink = float(np.hypot(to_picture[0, 0], to_picture[1, 0]))
    if shrink > 1.5:  # bilinear looks at four pixels only: many are averaged first, or fine detail would flicker
        grey = cv2.resize(grey, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        # cv2 keeps the outer edges of pixels in place, so centres move by half of a pixel.
        to_picture = to_picture / shrink
        to_picture[:, 2] += (1 / shrink - 1) / 2
    warped = cv2.warpAffine(
        grey, to_picture, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)
