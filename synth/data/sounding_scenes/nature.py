"""Drawings of what has no form of its own: fire, rain and the sea, each a thing with a place and an outline.

As in :mod:`synth.data.sounding_scenes.animals`: form and colours from the generator, pose also from the time in
seconds.

Importable without torch.
"""

from __future__ import annotations

import numpy as np

from synth.data.sounding_scenes.animals import swing
from synth.data.sounding_scenes.pen import Colour, Pen, shade, tint


def crackling_fire(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """Flames over crossed logs, with sparks; at times in a ring of stones."""
    bark, stones, tall = (
        tint(rng, [(95, 60, 38), (70, 48, 36), (125, 85, 55)]),
        rng.random() < 0.4,
        rng.uniform(0.75, 1.0),
    )
    pen.ellipse(0, 0.45, 0.8, 0.42, (255, 130, 30), flat=True, opacity=0.25)
    for lean in (-0.22, 0.2, -0.05):
        pen.line([(-0.62, 0.72 + lean), (0.62, 0.72 - lean)], 0.17, shade(bark, rng.uniform(0.7, 1.1)))
        pen.ellipse(0.62, 0.72 - lean, 0.07, 0.085, shade(bark, 1.5))
    for size, colour in ((1.0, (225, 70, 15)), (0.78, (250, 130, 20)), (0.55, (255, 195, 50)), (0.3, (255, 245, 170))):
        for x in np.linspace(-0.4, 0.4, 5):
            flicker = swing(rng, time_s, 2, 6)
            height = size * tall * (1.35 - 1.5 * abs(x)) * rng.uniform(0.75, 1.05) * (1 + 0.12 * flicker)
            wide, tip, foot = 0.17 * (0.6 + 0.4 * size), x * 0.7 + 0.08 * flicker, 0.72
            left = [(x - wide, foot), (x - wide * 1.15, foot - height * 0.3), (x - wide * 0.4, foot - height * 0.6)]
            right = [(x + wide * 0.5, foot - height * 0.55), (x + wide * 1.1, foot - height * 0.28), (x + wide, foot)]
            pen.polygon([*left, (tip, foot - height), *right], colour, flat=True, opacity=0.85)
    for _ in range(10):
        x, y, rise = rng.uniform(-0.6, 0.6), rng.uniform(-0.9, 0.3), 0.1 * swing(rng, time_s)
        pen.ellipse(x, y + rise, 0.018, 0.018, (255, 200, 90), flat=True, opacity=0.9)
    if stones:
        for x in np.linspace(-0.75, 0.75, 7):
            pen.ellipse(x, 0.88, 0.14, 0.1, tint(rng, [(120, 118, 115), (95, 90, 88)]))
    pen.grain(rng, 0.05)


def rain(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A cloud with streaks, a window with drops, or a puddle with rings."""
    kind = int(rng.integers(3))
    (_cloud, _window, _puddle)[kind](pen, rng, time_s)
    pen.grain(rng, 0.03)


def _streaks(
    pen: Pen, rng: np.random.Generator, time_s: float, where: tuple[float, float, float, float], count: int
) -> None:
    left, top, right, bottom = where
    lean, speed = rng.uniform(-0.08, 0.08), rng.uniform(1, 3)
    for _ in range(count):
        x, y, length = rng.uniform(left, right), rng.random(), rng.uniform(0.12, 0.28)
        fall = top + (y + speed * time_s) % 1.0 * (bottom - top - length)
        pen.line([(x, fall), (x + lean, fall + length)], 0.022, (200, 218, 235), flat=True, opacity=0.8)


def _cloud(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    grey = tint(rng, [(95, 100, 112), (75, 80, 92), (120, 125, 135)], 8)
    pen.box(-0.72, -0.35, 0.72, 0.9, (105, 120, 140), flat=True)
    pen.alpha *= 0.55
    _streaks(pen, rng, time_s, (-0.68, -0.3, 0.62, 0.9), int(rng.integers(35, 60)))
    for x, y, r in ((-0.5, -0.45, 0.3), (0.5, -0.45, 0.3), (-0.2, -0.6, 0.34), (0.2, -0.62, 0.32), (0.0, -0.4, 0.36)):
        pen.ellipse(x + rng.uniform(-0.05, 0.05), y, r, r * 0.75, shade(grey, rng.uniform(0.85, 1.15)))


def _window(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    frame: Colour = tint(rng, [(235, 232, 225), (120, 85, 55), (60, 60, 65)], 10)
    tall = rng.uniform(0.75, 0.95)
    pen.box(-0.72, -tall, 0.72, tall, frame)
    pen.box(-0.62, -tall + 0.1, 0.62, tall - 0.1, tint(rng, [(110, 125, 145), (80, 95, 115)], 8), flat=True)
    for _ in range(4):
        pen.ellipse(
            rng.uniform(-0.45, 0.45), rng.uniform(0.0, tall - 0.3), 0.15, 0.14, (85, 105, 100), flat=True, opacity=0.4
        )
    _streaks(pen, rng, time_s, (-0.58, -tall + 0.12, 0.55, tall - 0.12), int(rng.integers(30, 50)))
    for _ in range(30):
        r = rng.uniform(0.015, 0.04)
        pen.ellipse(rng.uniform(-0.55, 0.55), rng.uniform(-tall + 0.17, tall - 0.17), r, r * 1.3, (190, 205, 220))
    pen.box(-0.03, -tall, 0.03, tall, frame)
    if rng.random() < 0.5:
        pen.box(-0.7, -0.03, 0.7, 0.03, frame)


def _puddle(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    water = tint(rng, [(85, 100, 118), (105, 115, 125), (70, 85, 100)], 8)
    pen.ellipse(0, 0.45, 0.9, 0.42, shade(water, 0.7))
    pen.ellipse(0, 0.46, 0.85, 0.38, water, flat=True)
    for _ in range(8):
        angle, far, phase = (
            rng.uniform(0, 6.28),
            rng.uniform(0, 0.7),
            (rng.random() + time_s * rng.uniform(0.8, 1.5)) % 1,
        )
        x, y = 0.62 * far * np.cos(angle), 0.45 + 0.27 * far * np.sin(angle)
        for ring in (0.4, 0.75, 1.1):
            r = 0.05 + 0.13 * ring * (0.5 + phase)
            points = [(x + r * np.cos(a), y + 0.45 * r * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 18)]
            pen.line(points, 0.022, (215, 228, 238), flat=True, opacity=0.75)
        pen.line([(x, y), (x, y - 0.12)], 0.03, (225, 235, 242), flat=True)
    _streaks(pen, rng, time_s, (-0.7, -0.85, 0.65, 0.5), int(rng.integers(35, 55)))


def sea_waves(pen: Pen, rng: np.random.Generator, time_s: float) -> None:
    """A stretch of water in bands with crests of foam, to a beach or a horizon."""
    deep = tint(rng, [(25, 85, 125), (30, 115, 130), (45, 75, 105), (20, 95, 110)], 12)
    beach, high, roll = rng.random() < 0.5, rng.uniform(0.6, 0.85), swing(rng, time_s, 0.3, 0.8)
    sky = tint(rng, [(170, 205, 235), (235, 190, 150), (190, 200, 210)], 10)
    pen.box(-0.92, -high, 0.92, -high + 0.3, sky, flat=True)
    rows = int(rng.integers(6, 9))
    for row in range(rows):
        near = row / (rows - 1)
        y = -high + 0.22 + (2 * high - 0.4) * near**1.3
        phase, waves, tall = (
            rng.uniform(0, 6.28) + roll * (0.3 + near),
            rng.uniform(1.5, 4) * (1.4 - near),
            0.03 + 0.06 * near,
        )
        xs = np.linspace(-0.92, 0.92, 30)
        crest = y + tall * np.abs(np.sin(waves * xs * 2 + phase)) ** 1.5 - tall
        colour = shade(deep, 0.8 + 0.5 * near + rng.uniform(-0.08, 0.08))
        pen.polygon([*zip(xs, crest, strict=True), (0.92, high), (-0.92, high)], colour)
        pen.line(
            list(zip(xs, crest, strict=True)), 0.02 + 0.05 * near, (240, 246, 248), flat=True, opacity=0.55 + 0.4 * near
        )
        for _ in range(int(4 + 8 * near)):
            x, dy = rng.uniform(-0.85, 0.85), rng.uniform(0.03, 0.14)
            pen.line([(x - 0.08, y + dy), (x + 0.05, y + dy + 0.01)], 0.018, (225, 240, 245), flat=True, opacity=0.5)
    if beach:
        xs = np.linspace(-0.92, 0.92, 24)
        edge = high - 0.22 + 0.04 * np.sin(3 * xs + rng.uniform(0, 6)) + 0.03 * roll
        pen.polygon([*zip(xs, edge, strict=True), (0.92, high), (-0.92, high)], (225, 200, 155), flat=True)
        pen.line(list(zip(xs, edge, strict=True)), 0.07, (248, 250, 250), flat=True)
    pen.grain(rng, 0.03)
