"""Faces drawn with OpenCV, good enough for the real detector: people whom nobody has to ask."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 360, 288


def room(width: int = WIDTH, height: int = HEIGHT) -> Frame:
    """A wall, lighter on one side, for faces to be drawn on."""
    light = np.linspace(0.8, 1.1, width)[None, :, None] * np.array([90.0, 110.0, 130.0])
    return np.broadcast_to(light, (height, width, 3)).astype(np.uint8)


def draw(frame: Frame, x: float, y: float, size: float = 140.0, gape: float = 0.0) -> Frame:
    """A copy of a frame with a face around a point on it, ``size`` pixels high, its mouth open by 0..1."""
    out = frame.copy()

    def oval(place: tuple[float, float], radii: tuple[float, float], colour: Colour, line: float = 0.0) -> None:
        # Three binary places, so that a face can move by less than a pixel.
        centre = (round((x + place[0] * size / 100) * 8), round((y + place[1] * size / 100) * 8))
        axes = (max(4, round(radii[0] * size / 100 * 8)), max(4, round(radii[1] * size / 100 * 8)))
        thick = max(1, round(line * size / 100)) if line else -1
        cv2.ellipse(out, centre, axes, 0, 180 if line else 0, 360, colour, thick, cv2.LINE_AA, 3)

    oval((0, -12), (46, 56), (60, 40, 30))
    oval((0, 0), (38, 52), (215, 170, 145))
    oval((0, 12), (30, 36), (222, 180, 155))
    for side in (-1, 1):
        oval((side * 16, -10), (9, 5), (240, 235, 230))
        oval((side * 16, -10), (4.5, 4.5), (50, 35, 30))
        oval((side * 16, -19), (10, 3), (80, 55, 40))
        oval((side * 16, -10), (11, 8), (190, 140, 118), 1.2)
        oval((side * 3.5, 13), (2, 1.5), (120, 75, 65))
    oval((-3, -2), (1.5, 9), (232, 195, 172))
    oval((0, 28), (13, 4 + gape * 6), (180, 85, 80))
    oval((0, 28), (10, 0.8 + gape * 5), (60, 20, 25))
    return np.asarray(cv2.GaussianBlur(out, (0, 0), 1.2), np.uint8)
