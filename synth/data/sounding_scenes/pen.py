"""A pen that draws shaded shapes on a clear layer; the drawings of :mod:`synth.data.sounding_scenes.drawings` are made
with it.

Coordinates are -1..1 from left to right and from top to bottom. Every shape is lit from one side: it is brighter
where more of it lies away from the light, which a box filter set off to that side says at almost no cost.
Colours are RGB in 0..255.

Importable without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Colour: TypeAlias = tuple[float, float, float]
Points: TypeAlias = Sequence[tuple[float, float]]

_SHIFT: Final = 4  # cv2's fixed point: sixteenths of a pixel


class Pen:
    """Draws on a layer of its own.

    Args:
        side_px: of the square layer.
        lit: how much darker than its colour a shape's far side is, 0..1.
    """

    def __init__(self, side_px: int, lit: float = 0.5) -> None:
        self.side_px = side_px
        self.lit = lit
        self.colour = np.zeros((side_px, side_px, 3), np.float32)
        self.alpha = np.zeros((side_px, side_px), np.float32)

    def polygon(self, points: Points, colour: Colour, *, flat: bool = False, opacity: float = 1.0) -> None:
        """A filled polygon."""
        at = self._fixed(points)
        left, top, right, bottom = self._around(at, 2.0)
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        moved = at - np.array([left, top], np.int32) * (1 << _SHIFT)
        cv2.fillPoly(mask, [moved.reshape(-1, 1, 2)], (255,), cv2.LINE_AA, _SHIFT)
        self._lay(mask, left, top, colour, flat, opacity)

    def ellipse(
        self, x: float, y: float, across: float, down: float, colour: Colour, *, turn: float = 0.0, flat: bool = False,
        opacity: float = 1.0, start: float = 0.0, end: float = 2 * np.pi,
    ) -> None:  # fmt: skip
        """A filled ellipse of two half-axes, turned clockwise by ``turn`` radians; or the part between two angles."""
        angles = np.linspace(start, end, 28)
        along, over = across * np.cos(angles), down * np.sin(angles)
        c, s = np.cos(turn), np.sin(turn)
        self.polygon(list(zip(x + along * c - over * s, y + along * s + over * c, strict=True)), colour,
                     flat=flat, opacity=opacity)  # fmt: skip

    def line(self, points: Points, width: float, colour: Colour, *, flat: bool = False, opacity: float = 1.0) -> None:
        """A line through points with round ends."""
        at = self._fixed(points)
        thick = max(1, round(width * self.side_px / 2))
        left, top, right, bottom = self._around(at, thick / 2 + 2)
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        moved = at - np.array([left, top], np.int32) * (1 << _SHIFT)
        cv2.polylines(mask, [moved.reshape(-1, 1, 2)], False, (255,), thick, cv2.LINE_AA, _SHIFT)
        self._lay(mask, left, top, colour, flat, opacity)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, *, flat: bool = False) -> None:
        """A filled upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, flat=flat)

    def grain(self, rng: np.random.Generator, strength: float, cells: int = 0) -> None:
        """Spots over all that is drawn: noise of ``cells`` a side (0: one a pixel), times ``strength``."""
        count = cells or self.side_px
        noise = rng.standard_normal((count, count)).astype(np.float32)
        if cells:
            size = (self.side_px, self.side_px)
            noise = np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC), np.float32)
        self.colour *= (1 + strength * noise)[..., None]

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        pixels = (np.asarray(points, np.float64) + 1) * (self.side_px / 2)
        return np.round(pixels * (1 << _SHIFT)).astype(np.int32)

    def _around(self, fixed: NDArray[np.int32], margin_px: float) -> tuple[int, int, int, int]:
        low = np.floor(fixed.min(0) / (1 << _SHIFT) - margin_px).astype(int)
        high = np.ceil(fixed.max(0) / (1 << _SHIFT) + margin_px).astype(int) + 1
        (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, self.side_px)
        return int(left), int(top), int(right), int(bottom)

    def _lay(self, mask: NDArray[np.uint8], left: int, top: int, colour: Colour, flat: bool, opacity: float) -> None:
        cover = mask.astype(np.float32) * np.float32(opacity / 255)
        paint: NDArray[np.floating] = np.array(colour, np.float32)[None, None]
        if not flat:
            size = max(3, round(0.45 * min(mask.shape)))
            # The filter looks down and to the right of each pixel: light from the upper left.
            soft = cv2.blur(mask, (size, size), anchor=(size // 4, size // 5), borderType=cv2.BORDER_CONSTANT)
            bright = soft.astype(np.float32) / 255
            paint = paint * (1.08 - self.lit + (0.12 + self.lit) * bright)[..., None]
            paint = paint + (70 * self.lit * np.clip(bright - 0.93, 0, 1))[..., None]
        rows, columns = slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1])
        under = self.alpha[rows, columns]
        whole = cover + under * (1 - cover)
        share = (cover / np.maximum(whole, 1e-6))[..., None]
        self.colour[rows, columns] += (paint - self.colour[rows, columns]) * share
        self.alpha[rows, columns] = whole


def tint(rng: np.random.Generator, colours: Sequence[Colour], spread: float = 18.0) -> Colour:
    """One of these colours, shifted a little."""
    red, green, blue = colours[int(rng.integers(len(colours)))]
    light = rng.uniform(0.82, 1.12)
    shift = rng.normal(0, spread / 2, 3)
    return (
        float(np.clip(red * light + shift[0], 4, 250)),
        float(np.clip(green * light + shift[1], 4, 250)),
        float(np.clip(blue * light + shift[2], 4, 250)),
    )


def shade(colour: Colour, factor: float) -> Colour:
    """The colour, brighter or darker."""
    return (min(colour[0] * factor, 255.0), min(colour[1] * factor, 255.0), min(colour[2] * factor, 255.0))
