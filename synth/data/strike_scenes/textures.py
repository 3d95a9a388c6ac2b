"""Procedural textures: square RGB pictures made of noise, lines and strokes, loosely as each material looks.

All functions take a generator and a side length ``n`` in pixels and return float32 [n, n, 3] in 0..255.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Colour = tuple[float, float, float]

# Typical colours as (hue 0..1, saturation 0..1, value 0..1), by eye from photographs of such things.
PALETTES: Final[dict[str, tuple[Colour, ...]]] = {
    "wood": ((0.09, 0.55, 0.7), (0.07, 0.6, 0.45), (0.1, 0.4, 0.8), (0.06, 0.5, 0.25)),
    "metal": ((0.6, 0.05, 0.6), (0.6, 0.08, 0.4), (0.1, 0.08, 0.75), (0.55, 0.1, 0.2), (0.3, 0.2, 0.45)),
    "dirt": ((0.08, 0.35, 0.4), (0.07, 0.25, 0.3), (0.1, 0.2, 0.5)),
    "rock": ((0.1, 0.08, 0.5), (0.6, 0.05, 0.45), (0.1, 0.12, 0.7), (0.12, 0.2, 0.6)),
    "leaf": ((0.08, 0.45, 0.45), (0.28, 0.45, 0.35), (0.1, 0.5, 0.55), (0.33, 0.5, 0.25)),
    "plastic": ((0.6, 0.05, 0.85), (0.6, 0.1, 0.15), (0.58, 0.5, 0.5), (0.0, 0.6, 0.6), (0.15, 0.1, 0.8)),
    "cloth": ((0.13, 0.5, 0.6), (0.6, 0.4, 0.3), (0.97, 0.6, 0.5), (0.0, 0.0, 0.12), (0.35, 0.3, 0.4)),
    "paper": ((0.12, 0.06, 0.92), (0.1, 0.3, 0.65), (0.6, 0.1, 0.85)),
    "grass": ((0.27, 0.45, 0.4), (0.23, 0.4, 0.5), (0.3, 0.5, 0.3), (0.15, 0.35, 0.5)),
    "water": ((0.55, 0.25, 0.4), (0.5, 0.15, 0.6), (0.25, 0.25, 0.3)),
    "drywall": ((0.14, 0.12, 0.85), (0.1, 0.05, 0.92), (0.55, 0.1, 0.75)),
    "gravel": ((0.1, 0.08, 0.5), (0.6, 0.05, 0.4), (0.08, 0.15, 0.6)),
    "plastic-bag": ((0.6, 0.03, 0.9), (0.0, 0.0, 0.15), (0.55, 0.2, 0.8)),
    "ceramic": ((0.12, 0.05, 0.93), (0.6, 0.3, 0.5), (0.06, 0.4, 0.5)),
    "tile": ((0.1, 0.1, 0.85), (0.07, 0.35, 0.6), (0.55, 0.15, 0.7), (0.04, 0.6, 0.6)),
    "carpet": ((0.6, 0.2, 0.35), (0.08, 0.3, 0.45), (0.4, 0.15, 0.4), (0.98, 0.4, 0.4)),
    "glass": ((0.5, 0.12, 0.65), (0.55, 0.2, 0.35), (0.4, 0.08, 0.8)),
}


def rgb(colour: Colour) -> NDArray[np.float32]:
    """[3] in 0..255 of a ``(hue, saturation, value)`` in 0..1."""
    hue, saturation, value = colour[0] % 1.0, min(max(colour[1], 0.0), 1.0), min(max(colour[2], 0.0), 1.0)
    ramps = np.abs(((hue + np.array([1.0, 2 / 3, 1 / 3])) % 1.0) * 6 - 3) - 1
    return np.asarray(255 * value * (1 - saturation + saturation * np.clip(ramps, 0, 1)), np.float32)


def draw_colour(rng: np.random.Generator, material: str | None = None, odd: float = 0.15) -> NDArray[np.float32]:
    """A colour [3] that suits the material; with the chance ``odd``, or without a material, any colour."""
    if material is None or rng.random() < odd:
        return rgb((rng.random(), rng.random() ** 2 * 0.7, rng.uniform(0.08, 0.95)))
    palette = PALETTES[material]
    hue, saturation, value = palette[int(rng.integers(len(palette)))]
    return rgb((hue + rng.normal(0, 0.025), saturation * rng.uniform(0.6, 1.4), value * rng.uniform(0.7, 1.3)))


def octaves(
    rng: np.random.Generator, n: int, cells: int, count: int, fade: float = 0.55, stretch: int = 1
) -> NDArray[np.float32]:
    """Smooth noise [n, n] of mean 0 and deviation 1, from ``cells`` across, each octave twice as fine."""
    total = np.zeros((n, n), np.float32)
    weight = 1.0
    for _ in range(count):
        across = min(cells, n)
        grid = rng.standard_normal((max(2, across // stretch), max(2, across)), np.float32)
        total += weight * cv2.resize(grid, (n, n), interpolation=cv2.INTER_CUBIC)
        weight *= fade
        cells *= 2
        if cells > n:
            break
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), np.float32)


def _shaded(colour: NDArray[np.float32], shade: NDArray[Any]) -> Picture:
    return np.asarray(colour * shade[..., None], np.float32)


def plain(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """One colour, slightly uneven."""
    return _shaded(colour, 1 + rng.uniform(0.01, 0.06) * octaves(rng, n, 3, 5, 0.7))


def wood(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Grain along one side, sometimes in planks."""
    long = octaves(rng, n, 24, 3, 0.7, stretch=int(rng.integers(8, 24)))
    bent = octaves(rng, n, 2, 2, stretch=1)
    across = np.linspace(0, rng.uniform(4, 25), n, dtype=np.float32)[None, :]
    rings = np.sin(2 * np.pi * (across + rng.uniform(0.1, 0.6) * bent))
    picture = _shaded(colour, 1 + rng.uniform(0.03, 0.12) * long + rng.uniform(0.0, 0.1) * rings)
    if rng.random() < 0.4:
        planks = int(rng.integers(2, 7))
        for plank in range(planks):
            left, right = plank * n // planks, (plank + 1) * n // planks
            picture[:, left:right] *= rng.uniform(0.85, 1.15)
            picture[:, left : left + max(1, n // 150)] *= 0.5
    return picture


def speckle(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Concrete, plaster, asphalt: fine grain over blots."""
    fine = octaves(rng, n, n // 4, 3, 0.9)
    coarse = octaves(rng, n, 3, 4)
    picture = _shaded(colour, 1 + rng.uniform(0.03, 0.25) * fine + rng.uniform(0.02, 0.12) * coarse)
    if rng.random() < 0.5:
        dots = octaves(rng, n, n // 3, 1) > rng.uniform(1.2, 2.0)
        picture[dots] = picture[dots] * rng.uniform(0.2, 1.8)
    return picture


def rock(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Rough stone, shaded as if lit from one side."""
    height = octaves(rng, n, int(rng.integers(3, 10)), 7, rng.uniform(0.55, 0.75))
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 1, ksize=3)
    shade = 1 + 0.12 * height + rng.uniform(0.2, 0.8) * np.clip(slope / (np.abs(slope).mean() * 4 + 1e-6), -1, 1)
    return _shaded(colour, np.asarray(shade, np.float32))


def weave(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Cloth: threads, folds, sometimes flowers."""
    threads = rng.uniform(20, 90)
    along = np.arange(n, dtype=np.float32) * (2 * np.pi * threads / n)
    pattern = np.sin(along)[None, :] * np.sin(along)[:, None]
    picture = _shaded(colour, 1 + rng.uniform(0.03, 0.18) * pattern + rng.uniform(0.03, 0.15) * octaves(rng, n, 4, 5))
    if rng.random() < 0.35:
        picture = _flowers(rng, picture, n)
    if rng.random() < 0.5:
        picture *= 1 + rng.uniform(0.05, 0.2) * octaves(rng, n, 3, 2)[..., None]
    return picture


def _flowers(rng: np.random.Generator, picture: Picture, n: int) -> Picture:
    colours = [draw_colour(rng) for _ in range(3)]
    canvas = np.ascontiguousarray(picture)
    for _ in range(int(rng.integers(15, 90))):
        centre = (int(rng.integers(n)), int(rng.integers(n)))
        axes = (int(rng.integers(2, max(3, n // 14))), int(rng.integers(2, max(3, n // 20))))
        ink = tuple(float(x) for x in colours[int(rng.integers(3))])
        start = float(rng.uniform(0, 360))
        thick = -1 if rng.random() < 0.6 else max(1, n // 100)
        cv2.ellipse(canvas, centre, axes, start, 0, float(rng.uniform(120, 360)), ink, thick, cv2.LINE_AA)
    return canvas


def tiles(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Tiles or bricks with joints."""
    count = int(rng.integers(2, 10))
    rows = count * int(rng.choice([1, 1, 2]))
    shades = 1 + rng.uniform(0, 0.1) * rng.standard_normal((rows, count)).astype(np.float32)
    shade = cv2.resize(shades, (n, n), interpolation=cv2.INTER_NEAREST)
    picture = _shaded(colour, shade * (1 + 0.03 * octaves(rng, n, 6, 4)))
    joint = max(1, int(n * rng.uniform(0.004, 0.02)))
    ink = float(rng.uniform(0.3, 1.4))
    for k in range(rows):
        picture[k * n // rows : k * n // rows + joint] *= ink
    for k in range(count):
        picture[:, k * n // count : k * n // count + joint] *= ink
    return picture


def litter(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Leaves, blades or pebbles: many small strokes over a dark ground."""
    canvas = np.clip(speckle(rng, n, colour * np.float32(0.55)), 0, 255).astype(np.uint8)
    edge = cv2.LINE_AA if n > 400 else cv2.LINE_8  # small textures are shrunk later anyway
    inks = [colour * np.float32(rng.uniform(0.5, 1.7)) for _ in range(4)]
    inks += [draw_colour(rng, str(rng.choice(["leaf", "grass", "dirt", "gravel"]))) for _ in range(4)]
    size = n * rng.uniform(0.008, 0.035)
    slim = rng.uniform(0.12, 1.0)
    count = int(np.clip(0.9 * n * n / (size * size * max(slim, 0.25) * 3), 150, 1500))
    places, angles = rng.integers(0, n, (count, 2)), rng.uniform(0, 360, count)
    lengths, lights = size * rng.uniform(0.5, 1.6, count), rng.uniform(0.6, 1.4, count)
    picks = rng.integers(0, len(inks), count)
    for k in range(count):
        ink = inks[picks[k]] * np.float32(lights[k])
        axes = (max(1, round(lengths[k])), max(1, round(lengths[k] * slim)))
        place = (int(places[k, 0]), int(places[k, 1]))
        paint = (float(ink[0]), float(ink[1]), float(ink[2]))
        cv2.ellipse(canvas, place, axes, float(angles[k]), 0, 360, paint, -1, edge)
    return np.asarray(canvas * (1 + 0.12 * octaves(rng, n, 4, 3)[..., None]), np.float32)


def brushed(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Metal or gloss: a broad shine and fine streaks."""
    streaks = octaves(rng, n, n // 3, 2, stretch=64)
    ramp = np.cos(np.linspace(0, rng.uniform(1, 6), n, dtype=np.float32) + rng.uniform(0, 6))
    shine = rng.uniform(0.05, 0.35) * (ramp[None, :] if rng.random() < 0.5 else ramp[:, None])
    return _shaded(colour, 1 + rng.uniform(0.0, 0.08) * streaks + shine)


def crumpled(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Foil, bags, folded paper: sharp creases."""
    height = np.abs(octaves(rng, n, int(rng.integers(3, 9)), 4, 0.5))
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=5) + cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=5)
    shade = 1 + rng.uniform(0.1, 0.45) * np.clip(slope / (np.abs(slope).mean() * 3 + 1e-6), -1, 1)
    return _shaded(colour, np.asarray(shade, np.float32))


def ripples(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Water with glints."""
    waves = octaves(rng, n, 6, 4, 0.6, stretch=2)
    glints = 90 * np.clip(waves - rng.uniform(1.0, 2.2), 0, 1)
    return np.asarray(_shaded(colour, 1 + 0.12 * waves) + glints[..., None], np.float32)


def printed(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Paper with lines of dark marks and a box or two."""
    canvas = np.ascontiguousarray(plain(rng, n, colour))
    ink = tuple(float(x) for x in colour * np.float32(rng.uniform(0.1, 0.6)))
    step = max(4, int(n * rng.uniform(0.03, 0.09)))
    for row in range(step, n - step, step):
        left = int(n * rng.uniform(0.03, 0.15))
        while left < n * rng.uniform(0.6, 0.95):
            right = left + int(n * rng.uniform(0.01, 0.08))
            cv2.rectangle(canvas, (left, row), (right, row + max(1, step // 3)), ink, -1)
            left = right + max(2, n // 60)
    for _ in range(int(rng.integers(0, 3))):
        corner = rng.integers(0, n, 2)
        far = corner + rng.integers(n // 16, n // 3, 2)
        box = tuple(float(x) for x in draw_colour(rng))
        cv2.rectangle(canvas, (int(corner[0]), int(corner[1])), (int(far[0]), int(far[1])), box, -1)
    return canvas


def checks(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Plaid: bands of other colours that cross and mix."""
    picture = plain(rng, n, colour)
    for _ in range(int(rng.integers(1, 4))):
        other = draw_colour(rng)
        period, width = n * rng.uniform(0.06, 0.3), rng.uniform(0.1, 0.5)
        band = ((np.arange(n) / period + rng.random()) % 1.0 < width).astype(np.float32) * rng.uniform(0.3, 0.6)
        for mask in (band[None, :, None], band[:, None, None]):
            picture = picture * (1 - mask) + other * mask
    return picture


def panelled(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """A front of doors or drawers with dark gaps and a handle each."""
    canvas = np.ascontiguousarray((wood if rng.random() < 0.4 else plain)(rng, n, colour))
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    gap = (float(colour[0] * 0.3), float(colour[1] * 0.3), float(colour[2] * 0.3))
    shine = float(rng.uniform(40, 230))
    thick = max(1, int(n * rng.uniform(0.005, 0.02)))
    for column in range(columns):
        for row in range(rows):
            left, top = column * n // columns, row * n // rows
            wide, tall = n // columns, n // rows
            cv2.rectangle(canvas, (left, top), (left + wide, top + tall), gap, thick)
            middle = (left + wide // 2, top + tall // 4)
            reach = (max(2, wide // int(rng.integers(6, 14))), max(1, n // 90))
            cv2.ellipse(canvas, middle, reach, 0, 0, 360, (shine, shine, shine * 0.95), -1, cv2.LINE_AA)
    return canvas


def stripes(rng: np.random.Generator, n: int, colour: NDArray[np.float32]) -> Picture:
    """Stripes of two colours."""
    picture = plain(rng, n, colour)
    other = draw_colour(rng)
    band = (np.arange(n) * rng.uniform(3, 40) / n) % 1.0 < rng.uniform(0.2, 0.7)
    picture[:, band] = picture[:, band] * 0.2 + other * 0.8
    return picture


Texture = Callable[[np.random.Generator, int, NDArray[np.float32]], Picture]

TEXTURES: Final[dict[str, tuple[Texture, ...]]] = {
    "wood": (wood, wood, wood, plain, panelled),
    "metal": (brushed, brushed, plain, speckle, panelled),
    "dirt": (speckle, litter, rock),
    "rock": (rock, speckle, rock, tiles),
    "leaf": (litter,),
    "plastic": (plain, plain, brushed, printed, panelled),
    "cloth": (weave, weave, checks, crumpled),
    "paper": (printed, plain, crumpled),
    "grass": (litter, litter, speckle),
    "water": (ripples, ripples, plain),
    "drywall": (plain, plain, speckle),
    "gravel": (litter, speckle, rock),
    "plastic-bag": (crumpled,),
    "ceramic": (plain, brushed, tiles),
    "tile": (tiles,),
    "carpet": (speckle, weave, checks),
    "glass": (brushed, plain),
}

ANY: Final[tuple[Texture, ...]] = (
    plain, wood, speckle, rock, weave, tiles, litter, brushed, crumpled, printed, checks, stripes, panelled,
    plain, panelled,
)  # fmt: skip


def draw_texture(rng: np.random.Generator, n: int, material: str | None = None, odd: float = 0.12) -> Picture:
    """A texture float32 [n, n, 3] in 0..255 that suits the material; with the chance ``odd``, or without one, any."""
    # Its own stream: how much a texture draws depends on n, and that must not shift what is drawn after it.
    rng = np.random.default_rng(int(rng.integers(2**62)))
    choices = ANY if material is None or rng.random() < odd else TEXTURES[material]
    made = choices[int(rng.integers(len(choices)))](rng, n, draw_colour(rng, material, odd))
    return np.asarray(np.clip(made, 0, 255), np.float32)
