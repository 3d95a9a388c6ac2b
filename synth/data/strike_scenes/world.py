"""The still part of a scene: floor, walls, clutter and the thing that is struck, painted once on a canvas.

The canvas is the view of the resting camera with a margin on every side. While the camera moves it is warped by the
homography of the struck surface, so that a contact stays where it was touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.data.strike_scenes import camera as cameras
from synth.data.strike_scenes import textures
from synth.data.strike_scenes.camera import Array, Camera

MARGIN: Final = 0.2
"""Of the view's width, on every side of the canvas."""

NEAREST_M: Final = 0.08
"""Nothing of the world is painted closer to the lens."""

Picture = NDArray[np.float32]
U, V, H = np.eye(3)


@dataclass(frozen=True, eq=False)
class Target:
    """What is struck: ``kind`` and its outline on the surface, [P, 2] in metres; ``None`` means without end."""

    kind: str
    outline_m: Array | None
    thickness_m: float


GROUNDS: Final = frozenset({"dirt", "grass", "gravel", "leaf", "carpet", "water", "drywall"})
"""Materials that mostly fill the picture rather than make up one thing."""


def draw_target(rng: np.random.Generator, material: str, spots_m: Array) -> Target:
    """A surface without end, a table top, a box, a plate or a heap around the places that are struck."""
    endless = 0.7 if material in GROUNDS else 0.25
    if rng.random() < endless:
        return Target("ground", None, 0.0)
    centre = spots_m.mean(0)
    size = np.abs(spots_m - centre).max(0) + rng.uniform(0.05, 0.45, 2)
    kind = str(rng.choice(["box", "round", "heap"], p=[0.6, 0.2, 0.2]))
    corners = 4 if kind == "box" else 40
    angle = np.arange(corners) * 2 * np.pi / corners + (np.pi / 4 if kind == "box" else 0.0)
    radius = np.full(corners, np.sqrt(2) if kind == "box" else 1.1)
    if kind == "heap":
        radius = radius * (1 + 0.08 * np.cumsum(rng.normal(0, 0.5, corners)) * np.sin(np.arange(corners) * np.pi / 40))
    flat = np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None] * size
    turn = rng.uniform(-0.6, 0.6)
    flat = flat @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    thickness = float(rng.choice([rng.uniform(0.01, 0.05), rng.uniform(0.1, 0.8)]))
    return Target(kind, flat + centre, 0.03 if kind == "heap" else thickness)


class Canvas:
    """A picture under construction, seen by a resting camera."""

    def __init__(self, camera: Camera, width: int, height: int, oversample: int) -> None:
        margin = round(MARGIN * width) * oversample
        self.width, self.height = width * oversample + 2 * margin, height * oversample + 2 * margin
        self.pixels = np.array(
            [
                [width * oversample, 0.0, self.width / 2 - 0.5],
                [0.0, width * oversample, self.height / 2 - 0.5],
                [0.0, 0.0, 1.0],
            ]
        )
        self.rotation, self.centre, self.focal = camera.rotation, camera.centre_m, camera.focal
        self.picture = np.zeros((self.height, self.width, 3), np.float32)

    def plane(self, origin: Array, u: Array, v: Array, texture: Picture, texture_m: float) -> None:
        """Fill every pixel whose ray meets the endless plane; the texture repeats mirrored every ``texture_m``."""
        to_plane = self.pixels @ cameras.plane_homography(self.rotation, self.centre, self.focal, u, v, origin)
        # The third row of the inverse tells the sign of the depth: behind the horizon the plane is not seen.
        back = np.linalg.inv(to_plane)
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        scale = back[2, 0] * x + back[2, 1] * y + back[2, 2]
        ahead = scale > 1e-4
        safe = np.where(ahead, scale, 1.0)
        n = texture.shape[0] / texture_m
        a = ((back[0, 0] * x + back[0, 1] * y + back[0, 2]) / safe * n).astype(np.float32)
        b = ((back[1, 0] * x + back[1, 1] * y + back[1, 2]) / safe * n).astype(np.float32)
        # Half a texture on, so that no mirror seam crosses the middle of the view.
        a, b = _mirrored(a + n * texture_m / 2, texture.shape[0]), _mirrored(b + n * texture_m / 2, texture.shape[0])
        seen = cv2.remap(texture, a, b, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        self.picture[ahead] = seen[ahead]

    def quad(self, corners_m: Array, texture: Picture, shade: float) -> None:
        """A textured parallelogram through four corners [4, 3] in order; left out when it reaches behind the camera."""
        places = self.places(corners_m)
        if places is None:
            return
        n = texture.shape[0]
        source = np.array([[0, 0], [n, 0], [n, n], [0, n]], np.float32)
        target = places.astype(np.float32)
        if cv2.contourArea(target) < 2:
            return
        matrix = cv2.getPerspectiveTransform(source, target)
        seen = cv2.warpPerspective(texture, matrix, (self.width, self.height), flags=cv2.INTER_LINEAR)
        self._within(places, seen * np.float32(shade))

    def outline(self, outline_m: Array, height_m: float, texture: Picture, texture_m: float) -> None:
        """A flat shape [P, 2] at a height, filled with the texture."""
        places = self._before(np.column_stack([outline_m, np.full(len(outline_m), height_m)]))
        if places is None:
            return
        below = self.picture.copy()
        self.plane(np.array([0.0, 0.0, height_m]), U, V, texture, texture_m)
        top, self.picture = self.picture, below
        self._within(places, top)

    def darken(self, outline_m: Array, height_m: float, strength: float, blur_px: float) -> None:
        """A soft shadow of a flat shape."""
        places = self._before(np.column_stack([outline_m, np.full(len(outline_m), height_m)]))
        if places is None:
            return
        mask = cv2.GaussianBlur(self._mask(places), (0, 0), max(0.5, blur_px))
        self.picture *= 1 - np.float32(strength) * mask[..., None]

    def places(self, points_m: Array) -> Array | None:
        """Pixels [..., 2] of points, or ``None`` when one of them is not well before the camera."""
        seen, depth = cameras.project(points_m, self.rotation, self.centre, self.focal)
        if depth.min() < NEAREST_M:
            return None
        return np.asarray(seen * self.pixels[0, 0] + self.pixels[:2, 2])

    def _before(self, points_m: Array) -> Array | None:
        """Pixels of the part of a flat shape [P, 3] that lies before the camera, ``None`` when nothing does."""
        ahead = (points_m - self.centre) @ self.rotation[2] - NEAREST_M
        kept = []
        for k in range(len(points_m)):
            before, here = ahead[k - 1], ahead[k]
            if (before > 0) != (here > 0):
                kept.append(points_m[k - 1] + before / (before - here) * (points_m[k] - points_m[k - 1]))
            if here > 0:
                kept.append(points_m[k])
        if len(kept) < 3:
            return None
        seen, _ = cameras.project(np.array(kept), self.rotation, self.centre, self.focal)
        return np.asarray(seen * self.pixels[0, 0] + self.pixels[:2, 2])

    def _mask(self, places: Array) -> Picture:
        mask = np.zeros((self.height, self.width), np.float32)
        fixed = np.round(np.clip(places, -20000, 20000) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 1.0, cv2.LINE_AA, 4)
        return mask

    def _within(self, places: Array, seen: Picture) -> None:
        mask = self._mask(places)[..., None]
        self.picture += mask * (seen - self.picture)


def _mirrored(place: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    return np.asarray(np.abs((place + n - 1) % (2 * n - 2) - (n - 1)), np.float32)


def box(canvas: Canvas, rng: np.random.Generator, base_m: Array, size_m: Array, turn: float, side: int) -> None:
    """A cuboid whose base has its middle at ``base_m`` [3]; only the faces turned to the camera are painted."""
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    flat = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size_m[:2] / 2 @ spin.T + base_m[:2]
    texture = textures.draw_texture(rng, side)
    _sides(canvas, rng, flat, base_m[2], base_m[2] + size_m[2], texture)
    top = np.column_stack([flat, np.full(4, base_m[2] + size_m[2])])
    if canvas.centre[2] > base_m[2] + size_m[2]:
        canvas.quad(top, texture, rng.uniform(0.9, 1.2))


def _sides(canvas: Canvas, rng: np.random.Generator, flat: Array, low: float, high: float, texture: Picture) -> None:
    middle = flat.mean(0)
    light = rng.uniform(0, 2 * np.pi)
    faces = []
    for k in range(len(flat)):
        a, b = flat[k], flat[(k + 1) % len(flat)]
        outward = (a + b) / 2 - middle
        if outward @ (canvas.centre[:2] - (a + b) / 2) > 0:
            faces.append((a, b, outward / (np.linalg.norm(outward) + 1e-9)))
    for a, b, outward in faces:
        shade = 0.65 + 0.3 * float(outward @ np.array([np.cos(light), np.sin(light)]))
        corners = np.array([[*a, high], [*b, high], [*b, low], [*a, low]])
        canvas.quad(corners, texture, shade)


def paint_world(
    rng: np.random.Generator, camera: Camera, target: Target, material: str, width: int, height: int, *, demo: bool
) -> tuple[NDArray[np.uint8], Array]:
    """The canvas uint8 [h, w, 3] and the homography [3, 3] from its pixels to surface coordinates ``(u, v, 1)``."""
    oversample = 2 if width <= 400 else 1
    side = 256 if width <= 400 else 768
    canvas = Canvas(camera, width, height, oversample)
    canvas.picture[:] = textures.draw_colour(rng)
    odd = 0.0 if demo else 0.12
    struck = textures.draw_texture(rng, side, material, odd)
    # Tame surroundings for people to look at, wild ones for networks to learn from.
    about = str(rng.choice(["wood", "drywall", "carpet", "tile"])) if demo else None
    struck_m = float(rng.uniform(0.4, 1.6))
    if target.outline_m is None:
        far = np.array([0.0, rng.uniform(1.0, 4.0), 0.0])
        canvas.plane(far, U, -H, textures.draw_texture(rng, side, about, odd), rng.uniform(0.5, 2.0))
        canvas.plane(np.zeros(3), U, V, struck, struck_m)
        _wall_behind(canvas, rng, side, about)
    else:
        floor = -target.thickness_m
        canvas.plane(
            np.array([0.0, 0.0, floor]), U, V, textures.draw_texture(rng, side, about, odd), rng.uniform(0.5, 3.0)
        )
        _wall_behind(canvas, rng, side, about)
        for _ in range(0 if demo else int(rng.integers(0, 5))):
            _clutter(canvas, rng, floor, side)
        canvas.darken(target.outline_m * 1.02, floor, rng.uniform(0.2, 0.7), width * 0.02 * oversample)
        if target.kind != "heap":
            wood_or_same = struck if rng.random() < 0.6 else textures.draw_texture(rng, side, material, odd)
            _sides(canvas, rng, target.outline_m, floor, 0.0, wood_or_same)
        canvas.outline(target.outline_m, 0.0, struck, struck_m)
    for _ in range(0 if demo else int(rng.integers(0, 4))):
        if rng.random() < 0.5:
            _clutter(canvas, rng, 0.0, side)
    picture = _lit(rng, canvas.picture)
    if oversample > 1:
        size = (canvas.width // oversample, canvas.height // oversample)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
    shrink = np.array([[1 / oversample, 0, 0.5 / oversample - 0.5], [0, 1 / oversample, 0.5 / oversample - 0.5],
                       [0, 0, 1]])  # fmt: skip
    seen = (
        shrink
        @ canvas.pixels
        @ cameras.plane_homography(camera.rotation, camera.centre_m, camera.focal, U, V, np.zeros(3))
    )
    return np.clip(picture, 0, 255).astype(np.uint8), np.linalg.inv(seen)


def _wall_behind(canvas: Canvas, rng: np.random.Generator, side: int, material: str | None) -> None:
    """Now and then a wall rises behind the struck place and hides what lies beyond."""
    if rng.random() < 0.4:
        turn = rng.normal(0, 0.5)
        along = np.array([np.cos(turn), np.sin(turn), 0.0]) * 6
        start = np.array([0.0, rng.uniform(0.3, 1.2), -1.0]) - along / 2
        corners = np.array([start + 3 * H, start + along + 3 * H, start + along, start])
        canvas.quad(corners, textures.draw_texture(rng, side, material), rng.uniform(0.5, 1.1))


def _clutter(canvas: Canvas, rng: np.random.Generator, floor: float, side: int) -> None:
    """A box or a flat patch beside the places that are struck."""
    angle = rng.uniform(-0.6, np.pi + 0.6)
    away = rng.uniform(0.2, 0.9)
    base = np.array([np.cos(angle) * away, np.sin(angle) * away, floor])
    if rng.random() < 0.5:
        size = np.array([rng.uniform(0.04, 0.4), rng.uniform(0.04, 0.4), rng.uniform(0.01, 0.35)])
        box(canvas, rng, base, size, rng.uniform(0, np.pi), side // 2)
        return
    corners = int(rng.integers(3, 9))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    flat = np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.03, 0.3, (corners, 1)) + base[:2]
    canvas.darken(flat + rng.normal(0, 0.01, 2), floor, rng.uniform(0.1, 0.5), canvas.width * 0.01)
    canvas.outline(flat, floor + 0.002, textures.draw_texture(rng, side // 2), rng.uniform(0.1, 0.8))


def _lit(rng: np.random.Generator, picture: Picture) -> Picture:
    """Uneven light over everything: a slope, and soft blots that stand for shadows of things outside the view."""
    height, width = picture.shape[:2]
    slope = rng.normal(0, 0.18, 2)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = 1 + slope[0] * x + slope[1] * y
    if rng.random() < 0.5:
        blots = cv2.resize(rng.standard_normal((4, 5), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        light = light - rng.uniform(0.05, 0.45) / (1 + np.exp(-rng.uniform(2, 12) * blots))
    return np.asarray(picture * np.clip(light, 0.15, 1.8)[..., None], np.float32)
