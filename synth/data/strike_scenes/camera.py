"""A hand-held pinhole camera before a surface.

Surface coordinates are ``(u, v, h)`` in metres with the surface at ``h == 0``. Picture coordinates are in units of the
picture's width with the origin in its middle, ``x`` to the right and ``y`` down, so that they hold at any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jolt:
    """A push that dies away: nothing before ``time_s``, then a damped oscillation."""

    time_s: float
    push: Array  # [6], rotation in radians, then translation in metres
    rate_hz: float
    decay_s: float


@dataclass(frozen=True, eq=False)
class Camera:
    """Where the camera stands and how it trembles.

    Attributes:
        rotation: [3, 3], rows are the right, down and forward axes of the resting camera in surface coordinates.
        centre_m: [3] its resting place.
        focal: focal length in picture widths.
        waves: [W, 8] frequency in Hz, phase, and six amplitudes (rotation in radians, translation in metres).
        jolts: knocks to the camera.
    """

    rotation: Array
    centre_m: Array
    focal: float
    waves: Array
    jolts: tuple[Jolt, ...]

    def at(self, time_s: float) -> tuple[Array, Array]:
        """Rotation [3, 3] and centre [3] at one moment."""
        motion = np.zeros(6)
        if len(self.waves):
            motion += np.sin(2 * np.pi * self.waves[:, 0] * time_s + self.waves[:, 1]) @ self.waves[:, 2:]
        for jolt in self.jolts:
            age = time_s - jolt.time_s
            if age > 0:
                motion += jolt.push * np.exp(-age / jolt.decay_s) * np.sin(2 * np.pi * jolt.rate_hz * age)
        rx, ry, rz = motion[:3]
        # The angles are small: to first order a rotation is the identity plus a skew matrix.
        turn = np.array([[1.0, -rz, ry], [rz, 1.0, -rx], [-ry, rx, 1.0]])
        return turn @ self.rotation, self.centre_m + self.rotation.T @ motion[3:]


def draw_camera(rng: np.random.Generator, duration_s: float, *, demo: bool) -> Camera:
    """A camera that looks at the origin of the surface from a random angle and distance."""
    low, high = (38, 62) if demo else (14, 35) if rng.random() < 0.2 else (35, 88)
    elevation = np.deg2rad(rng.uniform(low, high))
    focal = 0.5 / np.tan(np.deg2rad(rng.uniform(38, 72)) / 2)
    far = 0.6 if demo else 1.3 if rng.random() < 0.15 else 0.8
    span_m = np.exp(rng.uniform(np.log(0.4), np.log(far)))
    centre = span_m * focal * np.array([0.0, -np.cos(elevation), np.sin(elevation)])
    forward = -centre / np.linalg.norm(centre)
    right = np.array([1.0, 0.0, 0.0])
    rotation = np.stack([right, np.cross(forward, right), forward])
    roll = rng.normal(0, 0.06 if demo else 0.18)
    spin = np.array([[np.cos(roll), -np.sin(roll), 0.0], [np.sin(roll), np.cos(roll), 0.0], [0.0, 0.0, 1.0]])
    return Camera(spin @ rotation, centre, float(focal), _waves(rng, duration_s, demo=demo), ())


def _waves(rng: np.random.Generator, duration_s: float, *, demo: bool) -> Array:
    tremble = 10 ** (rng.uniform(-3.6, -3.1) if demo else rng.uniform(-3.9, -2.05))
    waves = []
    for rate in (rng.uniform(0.15, 0.6), rng.uniform(0.5, 1.5), rng.uniform(1.5, 4.0), rng.uniform(4.0, 9.0)):
        size = tremble / (0.3 + rate)
        waves.append([rate, rng.uniform(0, 2 * np.pi), *rng.normal(0, size, 3), *rng.normal(0, size * 0.5, 3)])
    if not demo and rng.random() < 0.15:
        # A pan: one wave so slow that the picture slides through the whole scene.
        rate = rng.uniform(0.1, 0.4) / max(duration_s, 1.0)
        waves.append([rate, rng.uniform(0, 6.28), *rng.normal(0, 0.12, 3), *rng.normal(0, 0.08, 3)])
    return np.array(waves)


def project(points_m: Array, rotation: Array, centre_m: Array, focal: float) -> tuple[Array, Array]:
    """Picture places [..., 2] and depths [...] in metres of points [..., 3]."""
    seen = (points_m - centre_m) @ rotation.T
    depth = seen[..., 2]
    safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
    return focal * seen[..., :2] / safe[..., None], depth


def ray(places: Array, rotation: Array, focal: float) -> Array:
    """Directions [..., 3] in surface coordinates, of unit depth, of picture places [..., 2]."""
    ahead = np.concatenate([places / focal, np.ones((*places.shape[:-1], 1))], axis=-1)
    return np.asarray(ahead @ rotation)


def onto_surface(places: Array, rotation: Array, centre_m: Array, focal: float, height_m: float = 0.0) -> Array:
    """Where the rays of picture places [..., 2] meet the plane at a height: [..., 3]; beyond the horizon, far off."""
    directions = ray(places, rotation, focal)
    fall = np.minimum(directions[..., 2], -1e-3)
    return np.asarray(centre_m + directions * ((height_m - centre_m[2]) / fall)[..., None])


def plane_homography(rotation: Array, centre_m: Array, focal: float, u: Array, v: Array, origin: Array) -> Array:
    """[3, 3] from plane coordinates ``(a, b, 1)``, meaning ``origin + a*u + b*v``, to picture places."""
    columns = np.stack([rotation @ u, rotation @ v, rotation @ (origin - centre_m)], axis=1)
    return np.asarray(np.diag([focal, focal, 1.0]) @ columns)


def to_pixels(width: int, height: int) -> Array:
    """[3, 3] from picture places to pixel centres of a picture of this size."""
    return np.array([[width, 0.0, width / 2 - 0.5], [0.0, width, height / 2 - 0.5], [0.0, 0.0, 1.0]])
