"""The picture side of :mod:`synth.data.music_scenes.scenes`: six kinds of drawing that move, cut and colour as a look
says.

Shapes: one frame uint8 [H, W, 3] in RGB. Drawn with OpenCV.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.data.music_scenes.moods import Look

Picture = NDArray[np.uint8]
_WARM: Final = (0.94, 1.17)  # hue, in turns: from pink to yellow
_COLD: Final = (0.42, 0.80)  # from green to violet


@dataclass(frozen=True)
class _Shot:
    """One shot at one moment.

    ``time_s`` runs since the shot began, ``go`` is how far things have come (picture widths), ``pulse`` is 1 on each
    beat and falls to 0, ``rng`` gives the same numbers for every frame of the shot.
    """

    look: Look
    time_s: float
    go: float
    pulse: float
    rng: np.random.Generator

    @property
    def count(self) -> int:
        """How many things are drawn."""
        return 3 + round(22 * self.look.density)

    def colour(self, value: float = 1.0) -> tuple[int, int, int]:
        """A colour of the palette; the more energy, the more of it and the brighter."""
        low, high = _WARM if self.look.warm else _COLD
        hue = float(self.rng.uniform(low, high)) % 1
        saturation = 0.2 + 0.65 * self.look.energy + 0.1 * float(self.rng.uniform())
        light = value * (0.3 + 0.6 * self.look.energy)
        red, green, blue = (round(255 * one) for one in colorsys.hsv_to_rgb(hue, min(1, saturation), min(1, light)))
        return red, green, blue


def draw(look: Look, time_s: float, width: int, height: int) -> Picture:
    """The frame of a look at a moment."""
    number, within_s = divmod(time_s, look.shot_s)
    rng = np.random.default_rng((look.seed, int(number)))
    beat = (time_s * look.tempo_bpm / 60) % 1
    speed = 0.02 + 0.5 * look.pace * (0.4 + 0.6 * look.energy)
    shot = _Shot(look, within_s, speed * within_s + float(rng.uniform()), float(np.exp(-5 * beat)), rng)
    ground = np.array(shot.colour(0.25 + 0.35 * look.energy), np.float32)
    shade = np.linspace(0.6, 1.2, height, dtype=np.float32)[:, None, None]
    canvas = np.repeat(np.clip(ground * shade, 0, 255).astype(np.uint8), width, axis=1)
    _DRAWINGS[look.drawing](canvas, shot)
    return canvas


def _ribbons(canvas: Picture, shot: _Shot) -> None:
    height, width = canvas.shape[:2]
    x = np.linspace(0, 1, 40)
    for _ in range(2 + shot.count // 3):
        middle, waves, phase = shot.rng.uniform((0.1, 1, 0), (0.9, 3, 1))
        y = middle + (0.06 + 0.08 * shot.pulse) * np.sin(2 * np.pi * (waves * x + phase + shot.go))
        points = np.stack([x * width, y * height], 1).astype(np.int32)
        cv2.polylines(canvas, [points], False, shot.colour(), max(2, height // 40), cv2.LINE_AA)


def _tiles(canvas: Picture, shot: _Shot) -> None:
    height, width = canvas.shape[:2]
    side = 3 + round(6 * shot.look.density)
    for row in range(side):
        for column in range(side):
            colour, lit = shot.colour(), shot.rng.uniform()
            if (lit + shot.go) % 1 < 0.55 + 0.2 * shot.pulse:
                corner = (column * width // side + 2, row * height // side + 2)
                cv2.rectangle(
                    canvas, corner, ((column + 1) * width // side - 2, (row + 1) * height // side - 2), colour, -1
                )


def _rain(canvas: Picture, shot: _Shot) -> None:
    height, width = canvas.shape[:2]
    for _ in range(4 * shot.count):
        x, y, fall = shot.rng.uniform((0, 0, 0.6), (1, 1, 1.4))
        top = ((y + 2 * fall * shot.go) % 1.1 - 0.05) * height
        start = (int(x * width), int(top))
        cv2.line(
            canvas, start, (start[0], int(top + (0.05 + 0.05 * shot.pulse) * height)), shot.colour(), 2, cv2.LINE_AA
        )


def _sunset(canvas: Picture, shot: _Shot) -> None:
    height, width = canvas.shape[:2]
    centre = (int(width * (0.3 + 0.4 * shot.rng.uniform())), int(height * (0.45 - 0.15 * np.sin(shot.go))))
    cv2.circle(canvas, centre, int(height * (0.16 + 0.05 * shot.pulse)), shot.colour(1.4), -1, cv2.LINE_AA)
    for layer in range(2 + shot.count // 5):
        base, phase = 0.55 + 0.08 * layer, shot.rng.uniform()
        x = np.linspace(0, 1, 30)
        y = base + 0.06 * np.sin(2 * np.pi * ((2 + layer) * x + phase + (1 + layer) * shot.go / 2))
        points = np.concatenate([np.stack([x * width, y * height], 1), [[width, height], [0, height]]]).astype(np.int32)
        cv2.fillPoly(canvas, [points], shot.colour(0.8 - 0.08 * layer), cv2.LINE_AA)


def _dancers(canvas: Picture, shot: _Shot) -> None:
    height, width = canvas.shape[:2]
    for _ in range(1 + shot.count // 4):
        place, phase, size = shot.rng.uniform((0.1, 0, 0.6), (0.9, 1, 1.0))
        colour, swing = shot.colour(), np.sin(2 * np.pi * (2 * shot.go + phase))
        x = int(width * (place + 0.05 * swing))
        hip = int(height * (0.65 - 0.05 * shot.pulse))
        unit = int(height * 0.18 * size)
        head = (x, hip - 2 * unit)
        thick = max(2, unit // 4)
        cv2.circle(canvas, head, max(2, unit // 2), colour, -1, cv2.LINE_AA)
        cv2.line(canvas, head, (x, hip), colour, 2 * thick, cv2.LINE_AA)
        for side in (-1, 1):
            cv2.line(
                canvas,
                (x, hip),
                (x + int(side * unit * (0.5 + 0.4 * swing)), hip + 2 * unit),
                colour,
                thick,
                cv2.LINE_AA,
            )
            hand = (x + side * unit, hip - int(unit * (1.2 + 1.2 * swing * side)))
            cv2.line(canvas, (x, hip - unit), hand, colour, thick, cv2.LINE_AA)


def _discs(canvas: Picture, shot: _Shot) -> None:
    height, width = canvas.shape[:2]
    for _ in range(shot.count):
        x, y, size, turn = shot.rng.uniform((0, 0, 0.03, 0), (1, 1, 0.12, 2 * np.pi))
        centre = (int(((x + shot.go * np.cos(turn)) % 1) * width), int(((y + shot.go * np.sin(turn)) % 1) * height))
        radius = int(height * size * (1 + 0.5 * shot.pulse))
        cv2.circle(canvas, centre, max(2, radius), shot.colour(), -1, cv2.LINE_AA)


_DRAWINGS: Final[Mapping[str, Callable[[Picture, _Shot], None]]] = {
    "ribbons": _ribbons,
    "tiles": _tiles,
    "rain": _rain,
    "sunset": _sunset,
    "dancers": _dancers,
    "discs": _discs,
}
