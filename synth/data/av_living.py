"""Drawings of animals and people: dog, rooster, bird; a crying baby, someone who sneezes, someone who talks.

Each function draws one thing with a pen; its form and colours come from the generator alone, its pose also from the
time in seconds, so that a generator of the same seed gives the same dog a moment later. Whether the thing is heard
changes nothing: a picture must not tell on its own which of two dogs barks.

Importable without torch.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.data.av_pen import Colour, Pen, shade, tint

_BLACK: Final = (22.0, 20.0, 22.0)
_WHITE: Final = (238.0, 236.0, 230.0)
_FURS: Final = (
    (150, 100, 55),
    (205, 165, 105),
    (60, 45, 38),
    (225, 215, 195),
    (110, 75, 50),
    (170, 130, 90),
    (95, 92, 90),
)
_SKINS: Final = ((235, 195, 165), (215, 165, 130), (175, 120, 85), (125, 82, 58), (245, 210, 185))
_HAIRS: Final = ((40, 28, 22), (90, 58, 32), (150, 110, 60), (200, 170, 110), (120, 60, 35), (130, 130, 130))
_SHIRTS: Final = ((60, 90, 150), (150, 50, 60), (70, 120, 80), (200, 190, 170), (50, 50, 60), (210, 150, 60))


def swing(rng: np.random.Generator, time_s: float, low_hz: float = 0.8, high_hz: float = 2.5) -> float:
    """A motion in -1..1 with a rate and a phase of its own."""
    return float(np.sin(2 * np.pi * (rng.uniform(low_hz, high_hz) * time_s + rng.random())))


def dog(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """From the side, or the head alone from the front."""
    fur = tint(rng, _FURS)
    if rng.random() < 0.4:
        _dog_face(pen, rng, time_s, fur)
        return
    tall, long_, wag = rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.52), swing(rng, time_s)
    bark, hanging, snout = 0.5 + 0.5 * swing(rng, time_s), rng.random() < 0.6, rng.uniform(0.2, 0.32)
    thick, patch = rng.uniform(0.22, 0.3), rng.random() < 0.4
    far = shade(fur, 0.7)
    pen.line([(-long_, 0.05), (-long_ - 0.25, -0.15 - 0.1 * wag), (-long_ - 0.33, -0.38 - 0.12 * wag)], 0.09, fur)
    for x, colour, shift in (
        (-long_ + 0.16, far, 0.05),
        (long_ - 0.2, far, -0.05),
        (-long_ + 0.05, fur, 0),
        (long_ - 0.1, fur, 0),
    ):
        pen.line([(x, 0.15), (x - 0.03 + shift, 0.2 + tall / 2), (x + 0.01 + shift, 0.22 + tall)], 0.15, colour)
        pen.ellipse(x + 0.05 + shift, 0.25 + tall, 0.1, 0.055, colour)
    pen.ellipse(0, 0.08, long_ + 0.08, thick, fur)
    pen.ellipse(long_ - 0.14, 0.08, 0.24, thick + 0.04, fur)
    if patch:
        pen.ellipse(-0.1, 0.0, 0.2, 0.12, shade(_WHITE, 0.9))
    pen.line([(long_ - 0.1, 0.0), (long_ + 0.12, -0.35)], 0.3, fur)
    x, y = long_ + 0.14, -0.42
    pen.ellipse(x, y, 0.21, 0.19, fur)
    pen.polygon(
        [
            (x + 0.08, y + 0.07),
            (x + snout, y + 0.1 + 0.1 * bark),
            (x + snout - 0.04, y + 0.17 + 0.1 * bark),
            (x + 0.05, y + 0.18),
        ],
        (150, 60, 65),
    )
    pen.ellipse(x + snout - 0.02, y + 0.04, 0.17, 0.085, shade(fur, 1.12), turn=0.1)
    pen.ellipse(x + snout + 0.13, y + 0.0, 0.05, 0.042, _BLACK)
    pen.ellipse(x + 0.07, y - 0.05, 0.035, 0.04, _BLACK, flat=True)
    pen.ellipse(x + 0.08, y - 0.06, 0.012, 0.012, _WHITE, flat=True)
    if hanging:
        pen.ellipse(x - 0.11, y + 0.05, 0.08, 0.2, shade(fur, 0.65), turn=0.25)
    else:
        pen.polygon([(x - 0.16, y - 0.1), (x - 0.1, y - 0.36), (x + 0.03, y - 0.14)], shade(fur, 0.75))
    pen.grain(rng, 0.07)
    pen.grain(rng, 0.05, 24)


def _dog_face(pen: Pen, rng: np.random.Generator, time_s: float, fur: Colour) -> None:
    wide, long_, floppy = rng.uniform(0.48, 0.6), rng.uniform(0.2, 0.3), rng.random() < 0.65
    open_, muzzle = 0.5 + 0.5 * swing(rng, time_s), tint(rng, [shade(fur, 1.3), _WHITE, fur])
    ears = shade(fur, rng.uniform(0.5, 0.8))
    for side in (-1, 1):
        if not floppy:
            pen.polygon([(side * 0.52, -0.25), (side * 0.55, -0.9), (side * 0.1, -0.5)], ears)
            pen.polygon([(side * 0.45, -0.35), (side * 0.48, -0.74), (side * 0.22, -0.5)], (190, 130, 120))
    pen.ellipse(0, 0.5, wide * 0.7, 0.4, shade(fur, 0.85))
    pen.ellipse(0, -0.1, wide, 0.55, fur)
    for side in (-1, 1):
        if floppy:
            pen.ellipse(side * (wide + 0.04), -0.1, 0.17, 0.44, ears, turn=-side * 0.2)
    pen.ellipse(0, 0.38 + 0.12 * open_, 0.2, 0.2, (120, 40, 45))
    pen.ellipse(0, 0.45 + 0.14 * open_, 0.11, 0.18, (225, 110, 120))
    for side in (-1, 1):
        pen.ellipse(side * 0.14, 0.22, 0.2, long_ * 0.75, muzzle)
    pen.ellipse(0, 0.1, 0.15, 0.2, muzzle)
    pen.ellipse(0, 0.06, 0.13, 0.09, _BLACK)
    for side in (-1, 1):
        pen.ellipse(side * 0.24, -0.2, 0.085, 0.09, (60, 35, 20))
        pen.ellipse(side * 0.24, -0.2, 0.05, 0.055, _BLACK, flat=True)
        pen.ellipse(side * 0.24 - 0.03, -0.23, 0.02, 0.02, _WHITE, flat=True)
    pen.grain(rng, 0.07)
    pen.grain(rng, 0.05, 24)


def rooster(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """From the side, with comb, wattle and tail."""
    body = tint(rng, [(150, 70, 35), (190, 120, 50), (225, 220, 210), (60, 40, 38), (165, 90, 45)])
    tail = tint(rng, [(25, 60, 50), (30, 30, 45), (60, 35, 25), (20, 75, 70)])
    neck = tint(rng, [(220, 150, 50), (190, 90, 35), (235, 200, 120)])
    red, crow, plump = tint(rng, [(205, 30, 35)], 8), swing(rng, time_s), rng.uniform(0.28, 0.36)
    for number, bend in enumerate(np.linspace(-0.1, 0.75, 7)):
        lift = 0.03 * crow
        pen.line([(-0.3, 0.05), (-0.55, -0.45 + bend * 0.6 + lift), (-0.78, -0.5 + bend + lift), (-0.86, -0.25 + bend + lift)],
                 0.12, shade(tail, 0.8 + 0.1 * (number % 4)))  # fmt: skip
    for x in (-0.05, 0.14):
        pen.line([(x, 0.35), (x + 0.02, 0.85)], 0.06, (215, 170, 60))
        pen.line([(x - 0.12, 0.88), (x + 0.02, 0.84), (x + 0.17, 0.88)], 0.05, (215, 170, 60))
    pen.ellipse(0, 0.18, 0.46, plump, body, turn=-0.25)
    x, y = 0.42, -0.52 + 0.03 * crow
    pen.polygon([(0.12, 0.2), (0.52, 0.25), (x + 0.12, y), (x - 0.14, y)], neck)
    for side in np.linspace(-0.1, 0.3, 5):
        pen.line([(x - 0.05 + side * 0.3, y + 0.1), (0.2 + side, 0.25)], 0.05, shade(neck, 0.85 + 0.3 * rng.random()))
    pen.ellipse(-0.06, 0.18, 0.3, 0.17, shade(body, 0.72), turn=-0.1)
    pen.ellipse(-0.15, 0.22, 0.24, 0.1, tail, turn=0.05)
    for dx, dy in ((-0.13, -0.12), (-0.04, -0.2), (0.06, -0.2), (0.14, -0.13)):
        pen.ellipse(x + dx, y + dy, 0.07, 0.13, red, turn=dx)
    pen.ellipse(x + 0.01, y, 0.16, 0.15, shade(neck, 1.05))
    pen.ellipse(x + 0.08, y + 0.02, 0.1, 0.08, red)
    gape = 0.04 + 0.04 * crow
    pen.polygon([(x + 0.12, y - 0.05), (x + 0.36, y + 0.0 - gape), (x + 0.12, y + 0.06)], (235, 190, 70))
    pen.polygon([(x + 0.12, y + 0.02), (x + 0.32, y + 0.06 + gape), (x + 0.12, y + 0.09)], (205, 155, 50))
    pen.ellipse(x + 0.1, y + 0.19, 0.06, 0.13, red)
    pen.ellipse(x + 0.06, y - 0.04, 0.035, 0.035, (240, 170, 40), flat=True)
    pen.ellipse(x + 0.06, y - 0.04, 0.018, 0.018, _BLACK, flat=True)
    pen.grain(rng, 0.08)
    pen.grain(rng, 0.06, 30)


def bird(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A small round one on a twig."""
    back = tint(rng, [(70, 110, 175), (120, 95, 65), (215, 170, 40), (85, 120, 70), (95, 100, 110), (180, 70, 50)])
    belly = tint(rng, [(240, 225, 190), (225, 120, 60), (240, 205, 70), (225, 225, 225)])
    hop, plump, beak = 0.03 * swing(rng, time_s), rng.uniform(0.34, 0.46), rng.uniform(0.14, 0.24)
    twig = tint(rng, [(90, 65, 45)])
    pen.line([(-0.85, 0.66), (-0.2, 0.6), (0.4, 0.64), (0.85, 0.52)], 0.1, twig)
    for x, up in ((-0.5, 1), (0.6, -1), (0.3, 1)):
        pen.ellipse(x, 0.6 - 0.13 * up, 0.06, 0.14, tint(rng, [(70, 130, 55), (120, 150, 60)]), turn=0.5 * up)
    pen.polygon([(-0.3, 0.1 + hop), (-0.9, 0.34 + hop), (-0.84, 0.48 + hop), (-0.2, 0.36 + hop)], shade(back, 0.7))
    for x in (-0.03, 0.12):
        pen.line([(x, 0.38 + hop), (x + 0.02, 0.6)], 0.04, (70, 50, 40))
    pen.ellipse(0, 0.12 + hop, 0.44, plump - 0.05, back, turn=-0.35)
    pen.ellipse(0.13, 0.2 + hop, 0.3, plump - 0.12, belly, turn=-0.5)
    x, y = 0.3, -0.24 + hop
    pen.ellipse(x, y, 0.27, 0.25, back)
    pen.ellipse(x + 0.1, y + 0.1, 0.14, 0.12, belly)
    pen.polygon([(x + 0.22, y - 0.06), (x + 0.26 + beak, y + 0.03), (x + 0.22, y + 0.03)], (70, 60, 55))
    pen.polygon([(x + 0.22, y + 0.04), (x + 0.22 + beak, y + 0.09 + hop), (x + 0.2, y + 0.1)], (90, 75, 60))
    pen.ellipse(x + 0.1, y - 0.05, 0.045, 0.05, _BLACK, flat=True)
    pen.ellipse(x + 0.115, y - 0.065, 0.016, 0.016, _WHITE, flat=True)
    pen.ellipse(-0.14, 0.1 + hop, 0.33, 0.16, shade(back, 0.72), turn=0.3)
    pen.ellipse(-0.24, 0.18 + hop, 0.28, 0.07, shade(back, 0.5), turn=0.35)
    pen.grain(rng, 0.06)
    pen.grain(rng, 0.05, 30)


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
