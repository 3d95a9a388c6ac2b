"""Drawings of animals: dog, rooster, bird.

Each function draws one thing with a pen; its form and colours come from the generator alone, its pose also from the
time in seconds, so that a generator of the same seed gives the same dog a moment later. Whether the thing is heard
changes nothing: a picture must not tell on its own which of two dogs barks.

Importable without torch.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.data.sounding_scenes.pen import Colour, Pen, shade, tint

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
        end = bend + lift
        feather = [(-0.3, 0.05), (-0.55, -0.45 + bend * 0.6 + lift), (-0.78, -0.5 + end), (-0.86, -0.25 + end)]
        pen.line(feather, 0.12, shade(tail, 0.8 + 0.1 * (number % 4)))
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
