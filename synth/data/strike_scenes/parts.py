"""The moving parts: stick, hand and sleeve as small pictures that are laid over the background.

Sprites are float32 [h, w, 4], colours 0..255 already multiplied by their opacity 0..1 in the last channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.data.strike_scenes import textures

Sprite = NDArray[np.float32]

STICK_M: Final = (0.0085, 0.0045)  # half widths at the grip and behind the tip; a 5B drumstick is 15 mm thick
HAND_M: Final = 0.062  # from the middle of a fist to its edge
WRIST_M: Final = 0.031
ELBOW_M: Final = 0.062

SKINS: Final = ((0.05, 0.38, 0.88), (0.04, 0.42, 0.8), (0.06, 0.3, 0.93), (0.02, 0.35, 0.82), (0.06, 0.45, 0.72),
                (0.05, 0.55, 0.55), (0.06, 0.5, 0.35))  # fmt: skip
"""Hue, saturation and value from fair to dark, by eye."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The sprites of one person; ``mirrored`` is the other hand."""

    stick: Sprite
    hand: Sprite
    arm: Sprite
    thickness: float
    bulk: float
    mirrored: bool


def draw_parts(rng: np.random.Generator, *, demo: bool) -> Parts:
    """A person: skin or glove, sleeve or bare arm, and a stick, mostly of light wood."""
    skin = textures.rgb(_near(rng, SKINS[int(rng.integers(len(SKINS)))])) * np.float32(rng.uniform(0.7, 1.1))
    hand = skin
    if not demo and rng.random() < 0.12:
        hand = textures.draw_colour(rng)
    return Parts(
        stick=_stick(rng, plain=demo),
        hand=_hand(rng, hand),
        arm=_arm(rng, skin),
        thickness=float(rng.uniform(0.75, 1.3)),
        bulk=float(rng.uniform(0.8, 1.2)),
        mirrored=bool(rng.random() < 0.3),
    )


def _near(rng: np.random.Generator, colour: textures.Colour) -> textures.Colour:
    return (colour[0] + rng.normal(0, 0.01), colour[1] * rng.uniform(0.7, 1.2), colour[2] * rng.uniform(0.85, 1.1))


def _premultiplied(colours: NDArray[np.float32], opacity: NDArray[np.float32]) -> Sprite:
    picture = np.clip(colours, 0, 255) * opacity[..., None]
    return np.ascontiguousarray(np.concatenate([picture, opacity[..., None]], axis=2), dtype=np.float32)


def _round(n: int, light: float, depth: float) -> NDArray[np.float32]:
    """Brightness [n] across a cylinder that is lit from one side."""
    across = np.linspace(-1, 1, n, dtype=np.float32)
    return np.asarray(1 - depth * (0.5 * across**4 + 0.5 * np.clip(across * light, -1, 1)), np.float32)


def _stick(rng: np.random.Generator, *, plain: bool) -> Sprite:
    """256 long from grip to tip, 24 across, the tip rounded."""
    length, across = 256, 24
    light_wood = plain or rng.random() < 0.85
    colour = textures.rgb((rng.uniform(0.07, 0.13), rng.uniform(0.2, 0.6), rng.uniform(0.6, 0.95)))
    if not light_wood:
        colour = textures.draw_colour(rng)
    grain = 1 + 0.06 * textures.octaves(rng, 256, 8, 4, stretch=1)[:across]
    worn = 1 + 0.06 * cv2.resize(rng.standard_normal((1, 12), np.float32), (length, across))
    shade = grain * worn * _round(across, rng.uniform(-1, 1), rng.uniform(0.2, 0.6))[:, None]
    x = np.linspace(0, 1, length, dtype=np.float32)[None, :]
    y = np.linspace(-1.25, 1.25, across, dtype=np.float32)[:, None]
    neck = 1 - 0.3 * np.exp(-(((x - 0.93) / 0.03) ** 2)) if rng.random() < 0.5 else np.ones_like(x)
    end = np.sqrt(np.clip((1 - x) / 0.03, 0, 1))
    opacity = np.clip((neck * end - np.abs(y)) * across / 2.5 + 0.5, 0, 1)
    return _premultiplied(colour * shade[..., None], opacity.astype(np.float32))


def _hand(rng: np.random.Generator, colour: NDArray[np.float32]) -> Sprite:
    """A fist of 128 x 128 seen from its back; the wrist to the left, the stick leaves to the right."""
    n = 128
    mask = np.zeros((n, n), np.float32)
    shade = np.full((n, n), 0.8, np.float32)
    middle = n / 2
    squat = rng.uniform(0.72, 0.95)
    cv2.ellipse(mask, ((middle - 4, middle), (88, 88 * squat), rng.uniform(-20, 20)), 1.0, -1, cv2.LINE_AA)
    cv2.rectangle(mask, (4, int(middle - 20)), (int(middle), int(middle + 20)), 1.0, -1)
    fingers = int(rng.integers(3, 5))
    lean = rng.uniform(-0.3, 0.3)
    for finger in range(fingers):
        place = middle + (finger - (fingers - 1) / 2) * 74 * squat / fingers
        reach = middle + 24 - 8 * abs(finger - 1) + rng.uniform(-4, 4)
        box = ((reach, place), (rng.uniform(34, 48), 78 * squat / fingers), float(np.rad2deg(lean)))
        cv2.ellipse(mask, box, 1.0, -1, cv2.LINE_AA)
        cv2.ellipse(shade, box, float(rng.uniform(0.88, 1.08)), -1, cv2.LINE_AA)
        cv2.ellipse(shade, box, float(rng.uniform(0.5, 0.7)), 2, cv2.LINE_AA)
    if rng.random() < 0.8:
        thumb = ((middle + 20, middle - 26 * squat), (58, 24), float(rng.uniform(0, 40)))
        cv2.ellipse(mask, thumb, 1.0, -1, cv2.LINE_AA)
        cv2.ellipse(shade, thumb, float(rng.uniform(0.95, 1.15)), -1, cv2.LINE_AA)
        cv2.ellipse(shade, thumb, 0.6, 1, cv2.LINE_AA)
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), 2.2), np.float32)
    slope = np.linspace(-1, 1, n, dtype=np.float32)
    shade = shade * (1 + rng.uniform(-0.25, 0.25) * slope[:, None] + rng.uniform(-0.15, 0.15) * slope[None, :])
    shade = shade * (1 + 0.04 * textures.octaves(rng, n, 6, 3))
    rim = cv2.GaussianBlur(mask, (0, 0), 7)
    shade = shade * (0.55 + 0.55 * np.clip(rim, 0, 1))
    return _premultiplied(colour * shade[..., None], np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.0), np.float32))


def _arm(rng: np.random.Generator, skin: NDArray[np.float32]) -> Sprite:
    """256 long from the wrist to the elbow, 96 across; bare up to the cuff."""
    n, across = 256, 96
    pick = rng.random()
    colour = textures.draw_colour(rng) * np.float32(0.9)
    if pick < 0.35:
        colour = textures.rgb((rng.random(), rng.uniform(0, 0.3), rng.uniform(0.05, 0.2)))
    maker = textures.checks if 0.35 <= pick < 0.7 else textures.weave if pick < 0.9 else textures.stripes
    sleeve = maker(rng, n, colour)
    sleeve = sleeve * (1 + rng.uniform(0.05, 0.25) * textures.octaves(rng, n, 4, 3)[..., None])
    sleeve = np.asarray(cv2.resize(sleeve, (n, across), interpolation=cv2.INTER_AREA), np.float32)
    cuff = int(n * (rng.uniform(0.0, 0.15) if rng.random() < 0.8 else rng.uniform(0.3, 1.0)))
    sleeve[:, :cuff] = skin * (1 + 0.04 * textures.octaves(rng, n, 5, 3)[:across, :cuff, None])
    shade = _round(across, rng.uniform(-1, 1), rng.uniform(0.3, 0.7))[:, None, None]
    y = np.abs(np.linspace(-1, 1, across, dtype=np.float32))[:, None]
    x = np.arange(n, dtype=np.float32)[None, :]
    girth = np.where(x < cuff, 0.78, 0.95) + 0.03 * textures.octaves(rng, n, 4, 2)[:1]
    opacity = np.clip((girth - y) * across / 4 + 0.5, 0, 1) * np.clip(x / 3, 0, 1)
    return _premultiplied(sleeve * shade, np.asarray(opacity, np.float32))


def dimmed(person: Parts, factor: float) -> Parts:
    """The person in less light: colours times ``factor``, the opacity as it was."""
    shade = np.array([factor, factor, factor, 1.0], np.float32)
    return replace(person, stick=person.stick * shade, hand=person.hand * shade, arm=person.arm * shade)


def faded(person: Parts, saturation: float) -> Parts:
    """The person in paler colours; 1 keeps them, 0 is grey."""
    return replace(
        person,
        stick=greyed(person.stick, saturation),
        hand=greyed(person.hand, saturation),
        arm=greyed(person.arm, saturation),
    )


def greyed(picture: NDArray[Any], saturation: float) -> NDArray[np.float32]:
    """A picture [H, W, 3 or 4] moved towards grey; an opacity in a fourth channel stays."""
    done = picture.astype(np.float32)
    grey = done[..., :3].mean(axis=2, keepdims=True)
    done[..., :3] = grey + np.float32(saturation) * (done[..., :3] - grey)
    return done


def scaled(sprite: Sprite, factor: float) -> Sprite:
    """The sprite shrunk by ``factor`` when below 1, so that laying it down small does not alias."""
    if factor >= 1:
        return sprite
    size = (max(6, round(sprite.shape[1] * factor)), max(6, round(sprite.shape[0] * factor)))
    return np.ascontiguousarray(cv2.resize(sprite, size, interpolation=cv2.INTER_AREA))


def lay(layer: Sprite, sprite: Sprite, corners: NDArray[np.float64]) -> tuple[int, int, int, int] | None:
    """Lay a sprite over a layer [H, W, 4], in place.

    Args:
        corners: [4, 2] pixel places of the sprite's top left, top right, bottom right and bottom left corner.

    Returns:
        The box ``(left, top, right, bottom)`` that was touched, or ``None`` when it lies outside.
    """
    height, width = layer.shape[:2]
    left, top = np.floor(np.clip(corners.min(0) - 1, -1e6, 1e6)).astype(int)
    right, bottom = np.ceil(np.clip(corners.max(0) + 2, -1e6, 1e6)).astype(int)
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if right - left < 1 or bottom - top < 1:
        return None
    h, w = sprite.shape[:2]
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32) - np.float32(0.5)
    target = (corners - (left, top)).astype(np.float32)
    if abs(cv2.contourArea(target)) < 1e-3:
        return None
    matrix = cv2.getPerspectiveTransform(source, target)
    laid = cv2.warpPerspective(sprite, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    part = layer[top:bottom, left:right]
    part *= 1 - laid[..., 3:]
    part += laid
    return left, top, right, bottom
