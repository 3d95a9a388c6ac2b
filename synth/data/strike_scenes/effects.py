"""What else moves in a scene: the struck thing reacts, loose bits jump, and other things move that make no sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.data.strike_scenes import parts, textures
from synth.data.strike_scenes.camera import Array
from synth.data.strike_scenes.motion import Stroke

REACTS: Final[dict[str, tuple[str, float]]] = {
    "cloth": ("dent", 0.7), "carpet": ("dent", 0.2), "leaf": ("shove", 0.7), "grass": ("shove", 0.6),
    "plastic-bag": ("dent", 0.8), "paper": ("shove", 0.5), "water": ("ripple", 0.9), "plastic": ("shove", 0.3),
    "metal": ("shove", 0.25), "ceramic": ("shove", 0.25), "glass": ("shove", 0.2), "wood": ("shove", 0.15),
    "dirt": ("dent", 0.2), "gravel": ("dent", 0.3),
}  # fmt: skip
"""How a material gives way and in what share of its scenes; by eye. Those not listed stay still."""

CRUMBLES: Final[dict[str, float]] = {
    "leaf": 0.8, "gravel": 0.7, "dirt": 0.5, "grass": 0.5, "paper": 0.3, "rock": 0.15, "plastic": 0.2, "wood": 0.1,
    "metal": 0.1, "ceramic": 0.15,
}  # fmt: skip
"""In what share of a material's scenes loose bits or small things lie about."""


@dataclass(frozen=True)
class Reaction:
    """The picture of the surface gives way around each contact and swings back."""

    kind: str
    reach_m: float
    size: float  # of the shift, as a share of the reach
    angle: float
    rate_hz: float
    decay_s: float


@dataclass(frozen=True, eq=False)
class Sway:
    """A part of the background that moves by itself, as a branch in the wind does."""

    place: Array  # [2] in picture widths from the middle
    reach: float
    shift: Array  # [2] in picture widths
    rate_hz: float
    phase: float


def draw_reaction(rng: np.random.Generator, material: str) -> Reaction | None:
    """How the material answers a contact in this scene, or ``None``."""
    kind, share = REACTS.get(material, ("shove", 0.05))
    if rng.random() > share:
        return None
    return Reaction(
        kind=kind,
        reach_m=float(rng.uniform(0.04, 0.18)),
        size=float(rng.uniform(0.05, 0.35)),
        angle=float(rng.uniform(0, 2 * np.pi)),
        rate_hz=float(rng.uniform(1.5, 7.0)),
        decay_s=float(rng.uniform(0.08, 0.5)),
    )


def draw_sways(rng: np.random.Generator) -> tuple[Sway, ...]:
    """In few scenes one to three moving places."""
    if rng.random() > 0.12:
        return ()
    return tuple(
        Sway(
            place=rng.uniform([-0.5, -0.37], [0.5, 0.37]),
            reach=float(rng.uniform(0.05, 0.25)),
            shift=rng.normal(0, 0.015, 2),
            rate_hz=float(rng.uniform(0.3, 3.0)),
            phase=float(rng.uniform(0, 6.28)),
        )
        for _ in range(int(rng.integers(1, 4)))
    )


def react(
    picture: NDArray[np.uint8], reaction: Reaction, stroke: Stroke, age_s: float, place: Array, scale: float
) -> None:
    """Bend the picture in place around a contact.

    Args:
        age_s: time since the contact, not negative.
        place: [2] pixel of the contact.
        scale: pixels a metre there.
    """
    fade = float(np.exp(-max(0.0, age_s - stroke.contact_s) / reaction.decay_s)) * (0.3 + 0.7 * stroke.strength)
    if fade < 0.03:
        return
    reach = reaction.reach_m * scale
    push = reaction.size * reach * fade
    if reaction.kind == "shove":
        push *= np.sin(2 * np.pi * reaction.rate_hz * age_s + 0.6)
        direction = np.array([np.cos(reaction.angle), np.sin(reaction.angle)])
        _bend(picture, place, reach, push * direction)
    elif reaction.kind == "dent":
        _bend(picture, place, reach * 0.6, np.zeros(2), radial=-1.5 * push / reach)
    else:
        _bend(picture, place, reach, np.zeros(2), radial=push / reach, wave=reaction.rate_hz * age_s)


def sway(picture: NDArray[np.uint8], one: Sway, time_s: float) -> None:
    """Bend the picture in place where something moves by itself."""
    height, width = picture.shape[:2]
    swing = np.sin(2 * np.pi * one.rate_hz * time_s + one.phase) + 0.4 * np.sin(11 * one.rate_hz * time_s)
    place = one.place * width + np.array([width / 2, height / 2])
    _bend(picture, place, one.reach * width, one.shift * width * swing)


def _bend(
    picture: NDArray[np.uint8],
    place: Array,
    reach_px: float,
    shift_px: Array,
    radial: float = 0.0,
    wave: float | None = None,
) -> None:
    height, width = picture.shape[:2]
    size = int(np.clip(2.2 * reach_px, 4, width))
    left, right = max(0, int(place[0]) - size), min(width, int(place[0]) + size)
    top, bottom = max(0, int(place[1]) - size), min(height, int(place[1]) + size)
    if right - left < 3 or bottom - top < 3:
        return
    x = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(place[0])
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(place[1])
    squared = (x**2 + y**2) / np.float32(reach_px**2)
    weight = np.exp(-1.5 * squared)
    factor = np.float32(radial) * weight
    if wave is not None:
        factor = factor * np.sin(9 * np.sqrt(squared) - np.float32(2 * np.pi * wave))
    across = x + np.float32(place[0]) - np.float32(shift_px[0]) * weight - factor * x
    down = y + np.float32(place[1]) - np.float32(shift_px[1]) * weight - factor * y
    picture[top:bottom, left:right] = cv2.remap(
        picture, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


@dataclass(frozen=True, eq=False)
class _Leap:
    time_s: float
    flight_s: float
    start: Array  # [3] u, v, angle
    end: Array
    height_m: float


class Bits:
    """Leaves, pebbles, crumbs or small things on the surface, thrown up by contacts nearby."""

    def __init__(self, rng: np.random.Generator, material: str, strokes: tuple[Stroke, ...], spots_m: Array) -> None:
        few = material not in ("leaf", "gravel", "dirt", "grass")
        count = int(rng.integers(1, 5) if few else rng.integers(6, 28))
        size = rng.uniform(0.015, 0.05) if few else rng.uniform(0.005, 0.03)
        corners = 7
        angles = np.arange(corners) * 2 * np.pi / corners + rng.uniform(-0.3, 0.3, (count, corners))
        radii = size * rng.uniform(0.6, 1.2, (count, corners)) * rng.uniform(0.6, 1.5, (count, 1))
        slim = rng.uniform(0.3, 1.0, (count, 1))
        self.shapes = np.stack([np.cos(angles) * radii, np.sin(angles) * radii * slim], axis=2)
        self.inks = [textures.draw_colour(rng, None if few else material) for _ in range(count)]
        place = spots_m[rng.integers(0, len(spots_m), count)] + rng.normal(0, 0.08, (count, 2))
        rest = np.column_stack([place, rng.uniform(0, 6.28, count)])
        self.leaps: list[list[_Leap]] = [[_Leap(-9.0, 0.1, spot, spot, 0.0)] for spot in rest]
        reach, force = rng.uniform(0.04, 0.12), rng.uniform(0.2, 1.0)
        for stroke in strokes:
            if stroke.kind == "miss":
                continue
            for k in range(count):
                self._throw(rng, k, stroke, reach, force)

    def _throw(self, rng: np.random.Generator, k: int, stroke: Stroke, reach: float, force: float) -> None:
        here = self.leaps[k][-1].end
        away = here[:2] - np.array(stroke.spot_m)
        near = float(np.exp(-((np.linalg.norm(away) / reach) ** 2)))
        if near < 0.05:
            return
        speed = force * near * (0.3 + stroke.strength)
        flight = float(rng.uniform(0.1, 0.3)) * (0.5 + speed)
        heading = away / (np.linalg.norm(away) + 0.01) + rng.normal(0, 0.4, 2)
        step = np.array([*(heading * speed * flight), rng.normal(0, 2.0) * speed])
        self.leaps[k].append(_Leap(stroke.time_s, flight, here, here + step, 0.12 * speed))

    def points(self, time_s: float) -> Array:
        """Corners [B, P, 3] in surface coordinates."""
        placed = np.empty((len(self.leaps), self.shapes.shape[1], 3))
        for k, leaps in enumerate(self.leaps):
            leap = next(one for one in reversed(leaps) if one.time_s <= time_s)
            share = min((time_s - leap.time_s) / leap.flight_s, 1.0)
            u, v, angle = leap.start + share * (leap.end - leap.start)
            height = 4 * leap.height_m * share * (1 - share)
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            # In the air a bit tumbles: it is seen narrower.
            flat = self.shapes[k] * np.array([1.0, 1.0 - 0.8 * np.sin(np.pi * share)]) @ turn
            placed[k] = np.column_stack([flat + np.array([u, v]), np.full(len(flat), height)])
        return placed

    def paint(self, picture: NDArray[np.uint8], places: Array) -> None:
        """Fill the bits whose corners [B, P, 2] in pixels are given."""
        fixed = np.round(np.clip(places, -4000, 4000) * 16).astype(np.int32)
        for shape, ink in zip(fixed, self.inks, strict=True):
            dark = (float(ink[0] * 0.4), float(ink[1] * 0.4), float(ink[2] * 0.4))
            cv2.fillConvexPoly(picture, shape + 16, dark, cv2.LINE_AA, 4)
            cv2.fillConvexPoly(picture, shape, (float(ink[0]), float(ink[1]), float(ink[2])), cv2.LINE_AA, 4)


class Wanderer:
    """Another limb that moves about without touching: places in picture widths from the middle."""

    def __init__(self, rng: np.random.Generator, duration_s: float) -> None:
        self.person = parts.draw_parts(rng, demo=False)
        side = rng.uniform(0, 2 * np.pi)
        outward = np.array([np.cos(side), np.sin(side) * 0.75])
        self.root = outward * rng.uniform(0.8, 1.2)
        self.rest = outward * rng.uniform(0.15, 0.45)
        self.waves = np.column_stack([rng.uniform(0.1, 1.5, 4), rng.uniform(0, 6.28, 4), rng.normal(0, 0.08, (4, 2))])
        self.enters_s, self.stays_s = rng.uniform(-1.0, duration_s), rng.uniform(0.3, 4.0)
        self.hand = rng.random() < 0.6
        self.width = rng.uniform(0.05, 0.12) if self.hand else rng.uniform(0.06, 0.25)

    def ends(self, time_s: float) -> tuple[Array, Array]:
        """Where the limb ends and where it comes from, [2] each."""
        age = time_s - self.enters_s
        come = 1 / (1 + np.exp(-8 * np.clip(np.array([age, self.stays_s - age]), -4, 4)))
        inside = float(come.prod())
        swing = np.sin(2 * np.pi * self.waves[:, 0] * time_s + self.waves[:, 1]) @ self.waves[:, 2:]
        return self.root + inside * (self.rest + swing - self.root), self.root * 1.3
