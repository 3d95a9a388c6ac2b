"""What stands behind the things: rooms, open air, cloths and nothing in particular, cluttered with odds and ends.

Importable without torch.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.float32]


def background(rng: np.random.Generator, side_px: int) -> Picture:
    """A background in RGB, float32 [side_px, side_px, 3] in 0..255."""
    kind = (_room, _room, _outdoors, _outdoors, _cloudy, _striped, _plain)[int(rng.integers(7))]
    picture = kind(rng, side_px)
    _clutter(picture, rng)
    blur = float(rng.choice([0.0, 0.6, 1.2, 2.0])) * side_px / 224
    return cv2.GaussianBlur(picture, (0, 0), blur).astype(np.float32) if blur else picture


def texture(rng: np.random.Generator, side_px: int, coarse: int, octaves: int = 4) -> Picture:
    """Noise of several sizes, [side_px, side_px], with a deviation of about 1."""
    total = np.zeros((side_px, side_px), np.float32)
    for octave in range(octaves):
        cells = min(side_px, coarse * 2**octave)
        noise = rng.standard_normal((cells, cells)).astype(np.float32)
        total += cv2.resize(noise, (side_px, side_px), interpolation=cv2.INTER_LINEAR) * 0.6**octave
    return total


def _any_colour(rng: np.random.Generator, low: float = 40, high: float = 225) -> NDArray[np.float32]:
    """Mostly muted: a grey with some colour in it."""
    grey = rng.uniform(low, high)
    return np.clip(grey + rng.normal(0, 28, 3), 8, 247).astype(np.float32)


def _slope(rng: np.random.Generator, side_px: int, first: NDArray[np.float32], last: NDArray[np.float32]) -> Picture:
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0 : 1 : side_px * 1j, 0 : 1 : side_px * 1j].astype(np.float32)
    along = np.clip(0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle), 0, 1)[..., None]
    return np.asarray(first * (1 - along) + last * along, np.float32)


def _plain(rng: np.random.Generator, side_px: int) -> Picture:
    return _slope(rng, side_px, _any_colour(rng), _any_colour(rng))


def _cloudy(rng: np.random.Generator, side_px: int) -> Picture:
    share = 1 / (1 + np.exp(-1.5 * texture(rng, side_px, int(rng.integers(2, 9)))))[..., None]
    return np.asarray(_any_colour(rng) * share + _any_colour(rng) * (1 - share), np.float32)


def _striped(rng: np.random.Generator, side_px: int) -> Picture:
    """Boards, stripes, tiles or bricks."""
    picture = _slope(rng, side_px, base := _any_colour(rng), base * rng.uniform(0.7, 1.1))
    step, line = int(side_px * rng.uniform(0.06, 0.2)), tuple(float(c) for c in base * rng.uniform(0.5, 0.85))
    across, bricks = rng.random() < 0.6, rng.random() < 0.4
    for number, at in enumerate(range(0, side_px, step)):
        cv2.line(picture, (0, at), (side_px, at), line, 1 + side_px // 200)
        for place in range((step if bricks and number % 2 else 0), side_px, 2 * step) if across else ():
            cv2.line(picture, (place, at), (place, at + step), line, 1 + side_px // 200)
    picture *= (1 + 0.06 * texture(rng, side_px, 6))[..., None]
    return np.ascontiguousarray(np.rot90(picture)) if rng.random() < 0.4 else picture


def _room(rng: np.random.Generator, side_px: int) -> Picture:
    """A wall and a floor or a table, with pictures, shelves or a cupboard."""
    wall, floor = _any_colour(rng, 110, 230), _any_colour(rng, 50, 170)
    edge = int(side_px * rng.uniform(0.5, 0.8))
    picture = _slope(rng, side_px, wall, wall * rng.uniform(0.7, 1.0))
    picture[edge:] = _slope(rng, side_px, floor, floor * rng.uniform(0.7, 1.1))[edge:]
    fine = texture(rng, side_px, 12)
    picture[:edge] *= (1 + 0.03 * fine[:edge])[..., None]
    picture[edge:] *= (1 + 0.08 * cv2.blur(fine, (side_px // 8, 1))[edge:])[..., None]
    picture[edge : edge + 1 + side_px // 60] *= 0.7
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.uniform(0, 0.9) * side_px), int(rng.uniform(0, 0.45) * side_px)
        w, h = int(rng.uniform(0.1, 0.3) * side_px), int(rng.uniform(0.1, 0.3) * side_px)
        cv2.rectangle(picture, (x, y), (x + w, y + h), _any_colour(rng).tolist(), -1)
        cv2.rectangle(picture, (x, y), (x + w, y + h), _any_colour(rng).tolist(), 1 + side_px // 70)
    return picture


def _outdoors(rng: np.random.Generator, side_px: int) -> Picture:
    """A sky over hills or houses, and ground of grass, sand, earth or street."""
    skies = ((130, 175, 225), (205, 215, 225), (235, 190, 150), (90, 105, 140), (165, 195, 220))
    grounds = ((85, 125, 55), (120, 140, 70), (190, 170, 125), (115, 95, 70), (110, 110, 112), (225, 228, 232))
    sky = np.array(skies[int(rng.integers(5))], np.float32) * rng.uniform(0.75, 1.08)
    ground = np.array(grounds[int(rng.integers(6))], np.float32) * rng.uniform(0.7, 1.1)
    edge = int(side_px * rng.uniform(0.35, 0.7))
    fall = np.linspace(0, 1, side_px, dtype=np.float32)[:, None, None]
    picture = np.asarray(sky * (1 - 0.4 * fall) + 235 * 0.4 * fall + np.zeros((side_px, side_px, 3)), np.float32)
    picture += (8 * np.clip(texture(rng, side_px, 3), 0, 2))[..., None]
    xs = np.arange(side_px)
    for _ in range(int(rng.integers(0, 3))):
        crest = edge - side_px * rng.uniform(0.02, 0.2) * (
            1 + np.sin(xs * rng.uniform(2, 9) / side_px + rng.uniform(0, 6))
        )
        if rng.random() < 0.4:  # roofs instead of hills
            step = max(2, side_px // 12)
            crest = np.repeat(edge - side_px * rng.uniform(0, 0.3, side_px // step + 1), step)[:side_px]
        hill = np.stack([xs, crest], 1).astype(np.int32)
        cv2.fillPoly(
            picture,
            [np.concatenate([hill, [[side_px, edge], [0, edge]]]).astype(np.int32)],
            _any_colour(rng, 60, 160).tolist(),
        )
    picture[edge:] = ground * (1 + 0.1 * texture(rng, side_px, 16)[edge:, :, None])
    return picture


def _clutter(picture: Picture, rng: np.random.Generator) -> None:
    """Odds and ends that mean nothing: patches, discs, bars and corners."""
    side_px = len(picture)
    for _ in range(int(rng.integers(0, 8))):
        x, y = rng.uniform(0, side_px, 2)
        size, colour = rng.uniform(0.02, 0.14) * side_px, _any_colour(rng, 25, 235).tolist()
        kind = int(rng.integers(4))
        if kind == 0:
            cv2.ellipse(
                picture,
                (int(x), int(y)),
                (int(size), int(size * rng.uniform(0.3, 1))),
                rng.uniform(0, 180),
                0,
                360,
                colour,
                -1,
                cv2.LINE_AA,
            )
        elif kind == 1:
            cv2.line(
                picture,
                (int(x), int(y)),
                (int(x + rng.normal(0, 3) * size), int(y + rng.normal(0, 3) * size)),
                colour,
                1 + int(size / 6),
                cv2.LINE_AA,
            )
        else:
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
            points = np.stack([x + size * np.cos(angles), y + size * np.sin(angles)], 1)
            cv2.fillPoly(picture, [points.astype(np.int32)], colour, cv2.LINE_AA)
