"""Drawings of people: a crying baby, someone who sneezes, someone who talks.

As in :mod:`synth.data.sounding_scenes.animals`: form and colours from the generator, pose also from the time in
seconds.

Importable without torch.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.data.sounding_scenes.animals import swing
from synth.data.sounding_scenes.pen import Colour, Pen, shade, tint

_BLACK: Final = (22.0, 20.0, 22.0)
_WHITE: Final = (238.0, 236.0, 230.0)
_SKINS: Final = ((235, 195, 165), (215, 165, 130), (175, 120, 85), (125, 82, 58), (245, 210, 185))
_HAIRS: Final = ((40, 28, 22), (90, 58, 32), (150, 110, 60), (200, 170, 110), (120, 60, 35), (130, 130, 130))
_SHIRTS: Final = ((60, 90, 150), (150, 50, 60), (70, 120, 80), (200, 190, 170), (50, 50, 60), (210, 150, 60))


def crying_baby(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A bald round head with a wide mouth, eyes shut and tears, above a light suit."""
    skin, suit = (
        tint(rng, _SKINS[:3] + _SKINS[4:], 12),
        tint(rng, [(240, 190, 205), (175, 210, 235), (245, 240, 215), (195, 230, 190)], 12),
    )
    cry, round_ = 0.5 + 0.5 * swing(rng, time_s), rng.uniform(0.56, 0.66)
    red = (skin[0], skin[1] * 0.72, skin[2] * 0.72)
    pen.ellipse(0, 0.86, 0.62, 0.3, suit)
    for side in (-1, 1):
        pen.line([(side * 0.5, 0.75), (side * 0.78, 0.45 + 0.05 * cry)], 0.22, suit)
        pen.ellipse(side * 0.8, 0.36 + 0.05 * cry, 0.12, 0.12, skin)
        pen.ellipse(side * (round_ + 0.02), 0.0, 0.1, 0.13, skin)
    pen.ellipse(0, -0.1, round_, 0.64, skin)
    if rng.random() < 0.5:
        pen.line([(-0.06, -0.7), (0.05, -0.82), (0.12, -0.7)], 0.035, tint(rng, _HAIRS))
    for side in (-1, 1):
        pen.ellipse(side * 0.36, 0.12, 0.17, 0.14, red, opacity=0.7)
        pen.line([(side * 0.12, -0.2), (side * 0.25, -0.14), (side * 0.38, -0.2)], 0.045, shade(skin, 0.4), flat=True)
        pen.line([(side * 0.1, -0.33), (side * 0.34, -0.41)], 0.04, shade(skin, 0.62), flat=True)
        pen.ellipse(side * 0.3, 0.02 + 0.1 * cry, 0.045, 0.085, (170, 215, 245))
    pen.ellipse(0, 0.0, 0.08, 0.06, shade(skin, 0.93))
    pen.ellipse(0, 0.26, 0.24, 0.12 + 0.08 * cry, (110, 25, 35))
    pen.ellipse(0, 0.33 + 0.04 * cry, 0.14, 0.07, (225, 105, 115))
    if rng.random() < 0.4:
        pen.ellipse(0.0, 0.66, 0.24, 0.1, _WHITE)
    pen.grain(rng, 0.03, 12)


def _head(pen: Pen, rng: np.random.Generator, skin: Colour) -> float:
    """Shoulders, neck, hair, ears and an empty face; gives half the face's width."""
    shirt, hair, wide = tint(rng, _SHIRTS), tint(rng, _HAIRS), rng.uniform(0.38, 0.46)
    long_, bald = rng.random() < 0.45, rng.random() < 0.1
    pen.ellipse(0, 1.0, 0.82, 0.42, shirt)
    if long_:
        pen.ellipse(0, 0.0, wide + 0.16, 0.72, shade(hair, 0.75))
    pen.line([(0, 0.3), (0, 0.66)], 0.34, shade(skin, 0.8))
    for side in (-1, 1):
        pen.ellipse(side * (wide + 0.01), -0.06, 0.07, 0.12, skin)
    if not bald:
        pen.ellipse(0, -0.32, wide + 0.07, 0.42, hair)
    pen.ellipse(0, -0.06, wide, 0.54, skin)
    if not bald:
        pen.ellipse(rng.uniform(-0.12, 0.12), -0.52, wide * 0.95, 0.2, hair)
    return float(wide)


def sneezing(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """Eyes shut, a red nose, and a hand with a handkerchief before the mouth; at times a spray."""
    skin = tint(rng, _SKINS, 12)
    _head(pen, rng, skin)
    shake, cloth = (
        swing(rng, time_s, 1.5, 3),
        tint(rng, [_WHITE, (190, 215, 240), (245, 245, 235), (240, 200, 200)], 10),
    )
    for side in (-1, 1):
        pen.line([(side * 0.08, -0.17), (side * 0.18, -0.1), (side * 0.3, -0.13)], 0.04, shade(skin, 0.35), flat=True)
        pen.line([(side * 0.07, -0.27), (side * 0.3, -0.37)], 0.045, shade(skin, 0.35), flat=True)
        pen.line([(side * 0.33, -0.2), (side * 0.37, -0.1)], 0.025, shade(skin, 0.7), flat=True)
    pen.ellipse(0, 0.0, 0.1, 0.13, (225, skin[1] * 0.6, skin[2] * 0.6))
    y, side = 0.24 + 0.03 * shake, 1 if rng.random() < 0.5 else -1
    pen.line([(side * 0.75, 1.0), (side * 0.5, 0.7), (side * 0.22, y + 0.16)], 0.26, shade(skin, 0.9))
    ragged = [
        (0.42 * np.cos(a) * rng.uniform(0.8, 1.1), y + 0.04 + 0.27 * np.sin(a) * rng.uniform(0.8, 1.2))
        for a in np.linspace(0, 6, 13)
    ]
    pen.polygon(ragged, cloth)
    for x in (-0.2, 0.0, 0.18):
        pen.line([(x, y - 0.12), (x * 1.4, y + 0.22)], 0.03, shade(cloth, 0.8))
    for finger in range(4):
        pen.line([(side * 0.3, y + 0.16 - 0.08 * finger), (side * 0.02, y + 0.14 - 0.075 * finger)], 0.085, skin)
    for _ in range(9):
        x, up, opacity = rng.uniform(0.4, 0.85), rng.uniform(-0.1, 0.5), rng.uniform(0.4, 0.9)
        pen.ellipse(-side * x, up + 0.04 * shake, 0.022, 0.022, (215, 235, 250), opacity=opacity)
    pen.grain(rng, 0.03, 16)


def speech(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """Someone who looks at us, eyes open, with a mouth that moves."""
    skin = tint(rng, _SKINS, 12)
    _head(pen, rng, skin)
    talk, iris = 0.5 + 0.5 * swing(rng, time_s, 2, 5), tint(rng, [(70, 45, 25), (60, 100, 150), (70, 110, 70)])
    glasses, beard, lips = rng.random() < 0.3, rng.random() < 0.25, (185, skin[1] * 0.5, skin[2] * 0.55)
    if beard:
        pen.ellipse(0, 0.3, 0.3, 0.22, tint(rng, _HAIRS))
    for side in (-1, 1):
        pen.ellipse(side * 0.18, -0.13, 0.1, 0.062, _WHITE, flat=True)
        pen.ellipse(side * 0.18, -0.13, 0.055, 0.055, iris, flat=True)
        pen.ellipse(side * 0.18, -0.13, 0.026, 0.026, _BLACK, flat=True)
        pen.line([(side * 0.08, -0.25), (side * 0.19, -0.29), (side * 0.3, -0.25)], 0.045, shade(skin, 0.35), flat=True)
        if glasses:
            ring = [(side * 0.19 + 0.14 * np.cos(a), -0.13 + 0.12 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 20)]
            pen.line(ring, 0.03, (40, 40, 45), flat=True)
    pen.polygon([(-0.03, -0.1), (0.03, -0.1), (0.085, 0.09), (-0.085, 0.09)], shade(skin, 0.9))
    pen.ellipse(0, 0.08, 0.085, 0.045, shade(skin, 0.88))
    pen.ellipse(0, 0.25, 0.17, 0.06 + 0.07 * talk, lips)
    pen.ellipse(0, 0.25, 0.12, 0.01 + 0.065 * talk, (60, 15, 20), flat=True)
    if talk > 0.4:
        pen.ellipse(0, 0.22 - 0.02 * talk, 0.1, 0.02, _WHITE, flat=True)
    pen.grain(rng, 0.03, 16)
