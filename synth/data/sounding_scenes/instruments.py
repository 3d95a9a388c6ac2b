"""Drawings of instruments and a tool: bell, drum, whistle, hammer.

As in :mod:`synth.data.sounding_scenes.animals`: form and colours from the generator, pose also from the time in
seconds.

Importable without torch.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.data.sounding_scenes.animals import swing
from synth.data.sounding_scenes.machines import circle
from synth.data.sounding_scenes.pen import Pen, shade, tint

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


def bell(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """Bronze or brass with a flared lip and a clapper, hung or with a handle."""
    metal, lean = (
        tint(rng, [(200, 155, 60), (175, 115, 55), (215, 185, 90), (150, 140, 120)]),
        0.16 * swing(rng, time_s),
    )
    handle, flare = rng.random() < 0.5, rng.uniform(0.6, 0.75)
    if handle:
        pen.line([(0, -0.55), (0, -0.92)], 0.16, tint(rng, _WOODS))
    else:
        pen.box(-0.55, -0.95, 0.55, -0.8, tint(rng, _WOODS))
        pen.line(circle(0, -0.7, 0.1), 0.05, shade(metal, 0.7))
    pen.line([(0, 0.4), (lean, 0.78)], 0.07, shade(metal, 0.45))
    pen.ellipse(lean, 0.8, 0.12, 0.12, shade(metal, 0.55))
    ys = np.linspace(-0.6, 0.6, 14)
    half = 0.2 + 0.17 * np.clip((ys + 0.6) / 0.3, 0, 1) ** 0.6 + (flare - 0.36) * np.clip((ys + 0.1) / 0.7, 0, 1) ** 2.2
    pen.polygon([*zip(half, ys, strict=True), *zip(-half[::-1], ys[::-1], strict=True)], metal)
    pen.ellipse(0, -0.55, 0.24, 0.14, metal)
    pen.ellipse(0, 0.6, flare + 0.01, 0.1, shade(metal, 0.8))
    pen.ellipse(0, 0.62, flare - 0.08, 0.055, shade(metal, 0.3), flat=True)
    for y in (-0.2, 0.3):
        w = float(np.interp(y, ys, half))
        pen.line([(-w, y), (0, y + 0.05), (w, y)], 0.035, shade(metal, 0.65), flat=True)
    pen.line([(-0.2, -0.4), (-0.24, 0.1), (-0.34, 0.42)], 0.07, shade(metal, 1.45), flat=True, opacity=0.6)
    pen.grain(rng, 0.03)


def drum(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A shell with rims, a light skin seen from above, lacing, and two sticks."""
    shell, rim = tint(rng, [*_PAINTS[:6], *_WOODS]), tint(rng, [_STEEL, (200, 160, 70), (230, 225, 215)])
    tall, wide, hit = rng.uniform(0.35, 0.6), rng.uniform(0.66, 0.8), swing(rng, time_s, 2, 4)
    top, bottom = -0.15, -0.15 + tall + 0.35
    pen.ellipse(0, bottom, wide, 0.25, shade(rim, 0.8))
    pen.box(-wide, top, wide, bottom - 0.03, shell)
    pen.ellipse(0, bottom - 0.06, wide, 0.22, shell)
    xs = np.linspace(-wide * 0.95, wide * 0.95, 9)
    bow = 0.22 * np.sqrt(np.clip(1 - (xs / wide) ** 2, 0, 1))
    lace = [(x, (top if number % 2 else bottom - 0.05) + b) for number, (x, b) in enumerate(zip(xs, bow, strict=True))]
    pen.line(lace, 0.04, tint(rng, [_WHITE, _STEEL, (215, 190, 120)]))
    pen.ellipse(0, top, wide + 0.03, 0.27, rim)
    pen.ellipse(0, top - 0.02, wide - 0.05, 0.22, tint(rng, [(245, 240, 225), (230, 215, 185)], 8), flat=True)
    wood = tint(rng, _WOODS)
    for side in (-1, 1):
        lift = 0.08 * side * hit
        pen.line([(side * 0.1, top - 0.04 + lift), (side * 0.75, -0.75 + 1.3 * lift)], 0.075, wood)
        pen.ellipse(side * 0.09, top - 0.03 + lift, 0.065, 0.05, shade(wood, 1.2))
    pen.grain(rng, 0.03)


def whistle(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A referee's whistle: round chamber, straight mouthpiece, slot, ring and cord."""
    paint, cord = (
        tint(rng, [_STEEL, (200, 205, 210), (200, 40, 40), (225, 180, 50), (40, 40, 44), (40, 110, 170)]),
        tint(rng, _PAINTS),
    )
    sway, fat = 0.06 * swing(rng, time_s), rng.uniform(0.4, 0.48)
    pen.line(
        [(-0.62, -0.12), (-0.85, 0.3 + sway), (-0.6, 0.75), (-0.1, 0.9 + sway), (0.35, 0.8), (0.7, 0.88 - sway)],
        0.06,
        cord,
    )
    pen.line(circle(-0.66, -0.02, 0.13), 0.05, (190, 190, 195))
    pen.polygon([(-0.3, -0.42), (0.92, -0.42), (0.92, -0.14), (0.1, -0.02)], paint)
    pen.box(0.82, -0.44, 0.95, -0.12, shade(paint, 0.75))
    pen.ellipse(-0.18, 0.03, fat, fat, paint)
    pen.ellipse(-0.18, 0.03, fat * 0.78, fat * 0.78, shade(paint, 0.85))
    pen.ellipse(-0.18, 0.03, fat * 0.3, fat * 0.3, shade(paint, 1.15))
    pen.polygon([(0.02, -0.43), (0.26, -0.43), (0.16, -0.26), (0.06, -0.26)], (25, 25, 28), flat=True)
    pen.line([(0.34, -0.36), (0.78, -0.36)], 0.04, shade(paint, 1.5), flat=True, opacity=0.6)
    pen.grain(rng, 0.02)


def hammer(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A steel head with a claw on a wooden handle, above a nail in a board or on a piece of metal."""
    wood, steel = tint(rng, [*_WOODS, (200, 50, 40), (40, 90, 160)]), tint(rng, [_STEEL, (110, 112, 118), (70, 72, 78)])
    board = tint(rng, [*_WOODS, _STEEL])
    lift = 0.12 * (1 + swing(rng, time_s, 1.2, 2.5))
    pen.box(-0.2, 0.62, 0.92, 0.86, board)
    pen.line([(-0.15, 0.7), (0.88, 0.72)], 0.02, shade(board, 0.7), flat=True)
    pen.line([(0.5, 0.62), (0.5, 0.36)], 0.05, (140, 142, 150))
    pen.ellipse(0.5, 0.35, 0.07, 0.025, (175, 178, 185))

    def turned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        c, s = np.cos(-lift), np.sin(-lift)
        return [(-0.9 + (x + 0.9) * c - (y - 0.5) * s, 0.5 + (x + 0.9) * s + (y - 0.5) * c) for x, y in points]

    pen.line(turned([(-0.82, 0.3), (-0.4, 0.12), (0.4, -0.14)]), 0.14, wood)
    pen.line(turned([(-0.84, 0.31), (-0.5, 0.17)]), 0.18, shade(wood, 0.6))
    pen.polygon(turned([(0.3, -0.32), (0.54, -0.4), (0.66, 0.0), (0.42, 0.08)]), steel)
    pen.polygon(turned([(0.42, 0.06), (0.66, -0.02), (0.7, 0.14), (0.44, 0.22)]), shade(steel, 0.8))
    pen.polygon(turned([(0.3, -0.32), (0.54, -0.4), (0.4, -0.66), (0.1, -0.86), (0.22, -0.58)]), shade(steel, 0.92))
    pen.grain(rng, 0.04)
