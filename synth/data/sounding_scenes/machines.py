"""Drawings of machines: chainsaw, clock, helicopter, siren, car.

As in :mod:`synth.data.sounding_scenes.animals`: form and colours from the generator, pose also from the time in
seconds.

Importable without torch.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.data.sounding_scenes.animals import swing
from synth.data.sounding_scenes.pen import Colour, Pen, shade, tint

_BLACK: Final = (28.0, 28.0, 30.0)
_WHITE: Final = (240.0, 238.0, 232.0)
_STEEL: Final = (165.0, 170.0, 178.0)
_PAINTS: Final = (
    (190, 40, 40),
    (40, 80, 160),
    (45, 120, 70),
    (225, 175, 40),
    (230, 230, 230),
    (60, 60, 66),
    (215, 110, 35),
    (120, 130, 140),
)
_WOODS: Final = ((165, 115, 70), (120, 78, 45), (200, 160, 110), (90, 58, 38))


def circle(x: float, y: float, radius: float, count: int = 24, start: float = 0.0) -> list[tuple[float, float]]:
    """Points on a circle, the first one again at the end."""
    return [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in np.linspace(start, start + 2 * np.pi, count)]


def chainsaw(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """Body with two handles, and a long bar with teeth."""
    paint, shake = (
        tint(rng, [(225, 95, 25), (200, 40, 35), (230, 170, 30), (60, 130, 70)]),
        0.01 * swing(rng, time_s, 5, 9),
    )
    long_, wide, run = rng.uniform(0.8, 0.95), rng.uniform(0.11, 0.15), time_s * 3
    pen.line([(-0.55, -0.05), (-0.9, 0.0), (-0.88, 0.3), (-0.5, 0.32)], 0.11, _BLACK)
    pen.line([(-0.35, -0.1), (-0.25, -0.48), (0.05, -0.48), (0.1, -0.05)], 0.09, _BLACK)
    for number in range(18):
        along = -0.0 + (number / 18 + run) % 1.0 * (long_ - 0.02)
        for side in (-1, 1):
            y = 0.12 + side * (wide + 0.02)
            pen.polygon([(along, y), (along + 0.05, y + side * 0.05), (along + 0.06, y)], (70, 70, 75), flat=True)
    pen.line([(0.0, 0.12), (long_ - wide, 0.12 + shake)], 2 * wide + 0.06, (60, 60, 64))
    pen.line([(0.0, 0.12), (long_ - wide, 0.12 + shake)], 2 * wide - 0.02, _STEEL)
    pen.polygon([(-0.62, -0.15), (0.05, -0.2), (0.2, -0.02), (0.18, 0.34), (-0.6, 0.38)], paint)
    pen.polygon([(-0.2, 0.05), (0.16, 0.05), (0.16, 0.32), (-0.16, 0.34)], (50, 50, 54))
    pen.ellipse(-0.42, 0.12, 0.12, 0.12, shade(paint, 0.6))
    pen.line([(0.12, -0.08), (0.26, -0.34)], 0.1, (45, 45, 48))
    for x in (-0.5, -0.44, -0.38):
        pen.line([(x, -0.08), (x, 0.0)], 0.025, _BLACK, flat=True)
    pen.grain(rng, 0.04)


def clock_tick(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A face with hands: on a wall, or an alarm clock with two bells; round or square."""
    rim, face = tint(rng, [*_PAINTS, *_WOODS]), tint(rng, [_WHITE, (250, 245, 220), (230, 235, 240), (40, 42, 48)], 8)
    ink = _BLACK if sum(face) > 380 else _WHITE
    alarm, square, now = rng.random() < 0.35, rng.random() < 0.2, rng.uniform(0, 720) + time_s
    y = 0.12 if alarm else 0.0
    r = 0.68 if alarm else 0.85
    if alarm:
        for side in (-1, 1):
            pen.ellipse(side * 0.45, -0.62, 0.27, 0.2, shade(rim, 1.1), turn=side * 0.6)
            pen.line([(side * 0.35, 0.65), (side * 0.5, 0.92)], 0.11, rim)
        pen.line([(0, -0.55), (0, -0.82)], 0.08, rim)
    if square:
        pen.box(-r, y - r, r, y + r, rim)
        pen.box(-r + 0.12, y - r + 0.12, r - 0.12, y + r - 0.12, face, flat=True)
    else:
        pen.ellipse(0, y, r, r, rim)
        pen.ellipse(0, y, r - 0.1, r - 0.1, face, flat=True)
    for hour in range(12):
        a, thick = hour * np.pi / 6, 0.07 if hour % 3 == 0 else 0.035
        pen.line(
            [(0.76 * r * np.sin(a), y - 0.76 * r * np.cos(a)), (0.66 * r * np.sin(a), y - 0.66 * r * np.cos(a))],
            thick,
            ink,
            flat=True,
        )
    for turns, length, thick, colour in (
        (now / 720, 0.42, 0.085, ink),
        (now / 60, 0.62, 0.055, ink),
        (now * 1.0, 0.66, 0.022, (200, 40, 40)),
    ):
        a = 2 * np.pi * turns
        pen.line(
            [(-0.1 * r * np.sin(a), y + 0.1 * r * np.cos(a)), (length * r * np.sin(a), y - length * r * np.cos(a))],
            thick,
            colour,
            flat=True,
        )
    pen.ellipse(0, y, 0.05, 0.05, ink)
    pen.grain(rng, 0.02)


def helicopter(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """From the side, with a blurred rotor, a tail and skids."""
    paint, glass, spin = (
        tint(rng, _PAINTS),
        tint(rng, [(90, 130, 160), (50, 70, 90), (150, 190, 210)]),
        swing(rng, time_s, 3, 7),
    )
    pen.polygon([(-0.15, -0.1), (-0.92, -0.16), (-0.92, -0.06), (-0.1, 0.24)], shade(paint, 0.9))
    pen.polygon([(-0.86, -0.1), (-0.97, -0.42), (-0.85, -0.42), (-0.74, -0.1)], shade(paint, 0.8))
    pen.ellipse(-0.9, -0.2, 0.17, 0.17, (200, 205, 210), flat=True, opacity=0.4)
    pen.line(circle(-0.9, -0.2, 0.13, 3, spin * 3), 0.035, (70, 70, 75), flat=True)
    for x in (0.0, 0.45):
        pen.line([(x, 0.3), (x + 0.02, 0.55)], 0.04, _BLACK)
    pen.line([(-0.25, 0.58), (0.65, 0.58), (0.76, 0.5)], 0.05, (60, 60, 64))
    pen.ellipse(0.22, 0.08, 0.5, 0.32, paint)
    pen.ellipse(0.48, 0.02, 0.24, 0.22, glass)
    pen.line([(0.42, -0.18), (0.4, 0.22)], 0.035, shade(paint, 0.8))
    pen.box(-0.02, -0.06, 0.18, 0.14, glass)
    pen.line([(-0.3, 0.22), (0.55, 0.25)], 0.05, tint(rng, [_WHITE, (220, 180, 40), (180, 30, 30)]))
    pen.box(0.02, -0.34, 0.24, -0.2, shade(paint, 0.7))
    pen.line([(0.13, -0.25), (0.13, -0.5)], 0.06, (60, 60, 64))
    pen.ellipse(0.13, -0.52, 0.82, 0.06, (190, 195, 200), flat=True, opacity=0.45)
    reach = 0.8 * (0.65 + 0.35 * abs(spin))
    pen.line([(0.13 - reach, -0.52 + 0.03 * spin), (0.13 + reach, -0.52 - 0.03 * spin)], 0.035, (55, 55, 60), flat=True)
    pen.grain(rng, 0.03)


def siren(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A warning lamp with its dome and rays, on a base; or a bar of two lamps."""
    light, flash = tint(rng, [(230, 30, 35), (35, 80, 235), (250, 140, 20)], 12), 0.5 + 0.5 * swing(rng, time_s, 1, 3)
    base = tint(rng, [(45, 45, 50), (150, 155, 160), (230, 230, 230)])
    two = rng.random() < 0.4
    glow = shade(light, 1.25)
    if two:
        other = tint(rng, [(35, 80, 235), (230, 30, 35)], 12)
        pen.ellipse(
            -0.48 if flash > 0.5 else 0.48, -0.05, 0.48, 0.5, light if flash > 0.5 else other, flat=True, opacity=0.4
        )
        pen.box(-0.92, 0.28, 0.92, 0.48, base)
        for side, colour in ((-1, light), (1, other)):
            bright = shade(colour, 0.75 + 0.5 * (flash if side < 0 else 1 - flash))
            pen.box(min(side * 0.18, side * 0.9), -0.2, max(side * 0.18, side * 0.9), 0.3, bright)
            for x in np.linspace(0.28, 0.8, 5):
                pen.line([(side * x, -0.15), (side * x, 0.25)], 0.03, shade(bright, 1.35), flat=True, opacity=0.7)
        pen.box(-0.18, -0.12, 0.18, 0.3, _STEEL)
    else:
        for a in np.linspace(np.pi * 1.08, np.pi * 1.92, 7):
            far = 0.85 + 0.1 * flash
            pen.line(
                [(0.62 * np.cos(a), 0.05 + 0.75 * np.sin(a)), (far * np.cos(a), 0.05 + 1.02 * far * np.sin(a))],
                0.07,
                glow,
                flat=True,
            )
        pen.ellipse(0, 0.1, 0.48, 0.62, light, start=np.pi, end=2 * np.pi)
        pen.box(-0.48, 0.08, 0.48, 0.45, light)
        pen.ellipse(0, 0.1, 0.22 + 0.06 * flash, 0.26, (255, 250, 215), flat=True, opacity=0.75)
        for y in (-0.1, 0.1, 0.28):
            pen.line([(-0.46, y), (0.46, y)], 0.025, shade(light, 0.6), flat=True)
        pen.box(-0.58, 0.42, 0.58, 0.62, base)
        pen.box(-0.7, 0.6, 0.7, 0.78, shade(base, 0.75))
    pen.grain(rng, 0.02)


def engine(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A car or a van from the side, with smoke behind it."""
    paint, shake, van = tint(rng, _PAINTS), 0.01 * swing(rng, time_s, 4, 8), rng.random() < 0.3
    glass: Colour = tint(rng, [(120, 160, 185), (60, 75, 90), (170, 200, 215)])
    roof, nose = (-0.5 if van else -0.32 - 0.1 * rng.random()), rng.uniform(0.0, 0.1)
    y = shake
    for puff in range(3):
        drift = (time_s + puff / 3) % 1
        pen.ellipse(
            -0.88 - 0.03 * drift,
            0.3 - 0.12 * puff * drift,
            0.06 + 0.03 * puff,
            0.06 + 0.02 * puff,
            (165, 165, 168),
            opacity=0.6,
        )
    if van:
        pen.polygon(
            [(-0.82, 0.4 + y), (-0.82, roof + y), (0.4, roof + y), (0.66, 0.0 + y), (0.88, 0.08 + y), (0.9, 0.4 + y)],
            paint,
        )
        windows = [[(0.12, roof + 0.1), (0.36, roof + 0.1), (0.56, 0.0), (0.12, 0.0)]]
    else:
        pen.polygon([(-0.6, 0.0 + y), (-0.42, roof + y), (0.2, roof + y), (0.48, 0.02 + y)], shade(paint, 0.95))
        pen.polygon(
            [
                (-0.86, 0.42 + y),
                (-0.88, 0.08 + y),
                (-0.6, -0.03 + y),
                (0.46, -0.0 + y),
                (0.86, 0.08 + nose + y),
                (0.9, 0.42 + y),
            ],
            paint,
        )
        windows = [
            [(-0.5, -0.02), (-0.37, roof + 0.07), (-0.13, roof + 0.07), (-0.13, -0.02)],
            [(-0.07, -0.02), (-0.07, roof + 0.07), (0.16, roof + 0.07), (0.37, -0.02)],
        ]
    for window in windows:
        pen.polygon([(a, b + y) for a, b in window], glass)
    pen.line([(-0.1, 0.02 + y), (-0.1, 0.36 + y)], 0.02, shade(paint, 0.6), flat=True)
    pen.line([(-0.26, 0.1 + y), (-0.16, 0.1 + y)], 0.03, shade(paint, 0.5), flat=True)
    pen.line([(-0.85, 0.4 + y), (0.88, 0.4 + y)], 0.07, shade(paint, 0.5))
    pen.ellipse(0.83, 0.2 + y, 0.06, 0.06, (255, 245, 200))
    pen.ellipse(-0.85, 0.18 + y, 0.035, 0.06, (200, 30, 30))
    turn = time_s * 6
    for x in (-0.52, 0.52):
        pen.ellipse(x, 0.42, 0.2, 0.2, _BLACK)
        pen.ellipse(x, 0.42, 0.11, 0.11, (185, 188, 192))
        for spoke in range(3):
            a = turn + spoke * 2.1
            pen.line([(x, 0.42), (x + 0.1 * np.cos(a), 0.42 + 0.1 * np.sin(a))], 0.03, (70, 70, 75), flat=True)
    pen.grain(rng, 0.02)
