"""What a scene is, and how one is drawn: camera, stance, rhythm, look. Nothing is painted here.

Everything in a scene follows from its seed by numbered substreams, so that a scene looks the same at any size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.data.corpora.clip import LabelledHit
from synth.data.strike_scenes import camera as cameras
from synth.data.strike_scenes import motion, world
from synth.data.strike_scenes.camera import Array, Camera, Jolt
from synth.data.strike_scenes.motion import StickPath, Stroke
from synth.errors import OptionError
from synth.materials import MATERIALS

# Substreams of a scene's seed: what is drawn from one does not shift what is drawn from another.
PLAN, WORLD, PERSON, FINISH, SOUND, EFFECTS = range(6)


@dataclass(frozen=True, eq=False)
class Look:
    """How the camera turns light into numbers; all fixed for a scene."""

    exposure: float  # share of the frame interval during which the shutter is open
    level: float  # mean grey level, 0..255, that the camera's automatic exposure aims at
    tint: NDArray[np.float32]  # [3] colour of the light
    gamma: float
    contrast: float  # 1 keeps it
    saturation: float  # 0 is grey, 1 keeps it
    vignette: float
    flicker: float
    breath: tuple[float, float]  # size and frequency in Hz of slow changes of brightness
    noise: float  # deviation in grey levels
    blur: float  # deviation of the lens blur in picture widths
    jpeg: int | None  # quality of the block coding, None for none
    shadow: float  # 0..1, how dark the stick's shadow on the surface is
    light: Array  # [3] from which the light falls on the surface


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that decides one scene; made by :func:`draw_scene`."""

    seed: int
    duration_s: float
    rate_fps: float
    material: str
    demo: bool
    strokes: tuple[Stroke, ...]
    path: StickPath
    anchor_m: Array  # [3] where the forearm comes from
    camera: Camera
    target: world.Target
    look: Look

    @property
    def hits(self) -> tuple[LabelledHit, ...]:
        """The contacts, sorted, each at the exact moment at which the tip reaches the surface."""
        return tuple(
            LabelledHit(stroke.time_s, self.material, stroke.kind) for stroke in self.strokes if stroke.kind != "miss"
        )

    @property
    def frames(self) -> int:
        """How many frames the scene has."""
        return max(1, round(self.duration_s * self.rate_fps))

    def stick(self, times_s: Array) -> tuple[Array, Array]:
        """Grip [T, 3] and tip [T, 3] of the stick at times [T], in metres; the surface is at height 0."""
        grip, direction, out = self.path.at(times_s)
        grip = grip + out[:, None] * (self.anchor_m - grip)
        # A hand that leaves lifts the stick with it.
        direction = direction + out[:, None] * np.array([0.0, 0.0, 0.9])
        direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
        return grip, grip + self.path.manner.reach_m * direction


def draw_scene(
    seed: int, *, duration_s: float, rate_fps: float, material: str | None = None, demo: bool = False
) -> Scene:
    """A random scene.

    Args:
        seed: any integer from 0; the same seed gives the same scene, bit for bit.
        duration_s: length in seconds, above 0.
        rate_fps: frames per second, above 0.
        material: what is struck; ``None`` draws it with the frequencies of the data set.
        demo: a clean scene for people: well lit, steady, clear strikes, nothing that distracts.

    Raises:
        OptionError: a value is outside its range.
    """
    if seed < 0:
        raise OptionError(f"seed is {seed}; allowed is 0 or more")
    if not (duration_s > 0 and rate_fps > 0):
        raise OptionError(f"duration_s is {duration_s} and rate_fps is {rate_fps}; both must be above 0")
    if material is not None and material not in MATERIALS:
        raise OptionError(f"material is {material!r}; allowed are {', '.join(MATERIALS)}")
    rng = np.random.default_rng([seed, PLAN])
    drawn = str(rng.choice(list(motion.MATERIAL_SHARES), p=_shares()))
    material = material or drawn
    camera = cameras.draw_camera(rng, duration_s, demo=demo)
    highest = min(0.4 * float(np.linalg.norm(camera.centre_m)), 0.35, 0.7 * camera.centre_m[2] + 0.03)
    spots, anchor, manner = _stance(rng, camera, material, highest, demo=demo)
    strokes = motion.draw_strokes(rng, material, duration_s, spots, highest, demo=demo)
    path = motion.build_path(rng, strokes, duration_s, manner, highest)
    camera = replace(camera, jolts=() if demo else _jolts(rng, strokes, duration_s))
    target = world.draw_target(rng, material, spots)
    look = _draw_look(rng, demo=demo)
    return Scene(seed, duration_s, rate_fps, material, demo, strokes, path, anchor, camera, target, look)


def _shares() -> Array:
    shares = np.array(list(motion.MATERIAL_SHARES.values()))
    return np.asarray(shares / shares.sum())


def _spots(rng: np.random.Generator, camera: Camera, *, demo: bool) -> Array:
    """[S, 2] places on the surface that lie in the inner part of the view."""
    middle = rng.uniform(-0.1, 0.1, 2) if demo else rng.uniform([-0.25, -0.15], [0.3, 0.2])
    spread = rng.uniform(0.02, 0.15)
    places = np.clip(middle + rng.normal(0, spread, (4, 2)), [-0.38, -0.26], [0.42, 0.3])
    return cameras.onto_surface(places, camera.rotation, camera.centre_m, camera.focal)[:, :2]


def _stance(
    rng: np.random.Generator, camera: Camera, material: str, highest_m: float, *, demo: bool
) -> tuple[Array, Array, motion.Manner]:
    """Spots, anchor and manner such that swings show in the picture and the hand mostly too.

    A person who films also turns the stick so that it can be seen; drawn blindly, many sticks would move along the
    line of sight.
    """
    for _ in range(40):
        spots = _spots(rng, camera, demo=demo)
        anchor, azimuth = _anchor(rng, camera, spots.mean(0), demo=demo)
        manner = motion.draw_manner(rng, material, azimuth)
        still = StickPath(
            np.array([0.0, 1.0]),
            np.array([[*motion.grip_place(manner, spots[0], azimuth), height, azimuth, 0.0]
                      for height in (0.0, 0.6 * highest_m)]),
            np.zeros(2, np.int64),
            manner,
        )  # fmt: skip
        grip, direction, _ = still.at(np.array([0.0, 1.0]))
        seen, depth = cameras.project(
            np.concatenate([grip, grip + manner.reach_m * direction]), camera.rotation, camera.centre_m, camera.focal
        )
        swing = float(np.linalg.norm(seen[3] - seen[2]))
        length = float(np.linalg.norm(seen[2] - seen[0]))
        inside = bool((np.abs(seen[[0, 1]]) < ([0.42, 0.28] if demo else [0.5, 0.37])).all())
        shown = inside or (not demo and rng.random() < 0.08)
        if depth.min() > 0.15 and swing > rng.uniform(0.09, 0.22) and length > 0.16 and shown:
            break
    return spots, anchor, manner


def _anchor(rng: np.random.Generator, camera: Camera, spot_m: Array, *, demo: bool) -> tuple[Array, float]:
    """Where the forearm comes from, outside the picture, and the azimuth of the stick that suits it."""
    side = str(
        rng.choice(["left", "right", "bottom", "top"], p=[0.6, 0.4, 0.0, 0.0] if demo else [0.52, 0.22, 0.2, 0.06])
    )
    out = rng.uniform(0.25, 0.6)
    along = rng.uniform(-0.2, 0.6) if side in ("left", "right") else rng.uniform(-0.5, 0.5)
    place = {
        "left": np.array([-0.5 - out, along]),
        "right": np.array([0.5 + out, along]),
        "bottom": np.array([along, 0.38 + out]),
        "top": np.array([along, -0.38 - out]),
    }[side]
    depth = rng.uniform(0.75 if demo else 0.5, 0.95) * float(np.linalg.norm(camera.centre_m))
    anchor = camera.centre_m + cameras.ray(place, camera.rotation, camera.focal) * depth
    anchor[2] = max(anchor[2], 0.08)
    toward = spot_m - anchor[:2]
    azimuth = float(np.arctan2(toward[1], toward[0]) + rng.normal(0, 0.2 if demo else 0.45))
    return anchor, azimuth


def _jolts(rng: np.random.Generator, strokes: tuple[Stroke, ...], duration_s: float) -> tuple[Jolt, ...]:
    """Knocks: in some scenes with each contact, because one body holds camera and stick; in some at random."""
    times: list[float] = []
    if rng.random() < 0.25:
        times += [stroke.time_s for stroke in strokes if stroke.kind != "miss"]
    if rng.random() < 0.15:
        times += list(rng.uniform(0, duration_s, int(rng.integers(1, 4))))
    size = 10 ** rng.uniform(-3.2, -2.0)
    return tuple(
        Jolt(time, rng.normal(0, size, 6), float(rng.uniform(2, 8)), float(rng.uniform(0.05, 0.2))) for time in times
    )


def _draw_look(rng: np.random.Generator, *, demo: bool) -> Look:
    dark = not demo and rng.random() < 0.12
    light = rng.normal(0, 0.25 if demo else 0.5, 2)
    return Look(
        exposure=float(rng.uniform(0.3, 0.5) if demo else rng.uniform(0.1, 0.9)),
        level=float(rng.uniform(25, 65) if dark else rng.uniform(105, 130) if demo else rng.uniform(80, 165)),
        tint=np.exp(rng.normal(0, 0.02 if demo else 0.09, 3)).astype(np.float32),
        gamma=float(1.0 if demo else rng.uniform(0.75, 1.25)),
        contrast=float(1.1 if demo else rng.uniform(0.85, 1.45)),
        saturation=float(0.9 if demo else rng.uniform(0.35, 1.0)),
        vignette=float(rng.uniform(0, 0.1 if demo else 0.4)),
        flicker=float(0.0 if demo or rng.random() < 0.5 else 10 ** rng.uniform(-2.5, -1.3)),
        breath=(float(0.0 if demo else rng.exponential(0.02)), float(rng.uniform(0.05, 0.6))),
        noise=float(1.0 if demo else 10 ** rng.uniform(-0.5, 0.8)),
        blur=float(0.0 if demo or rng.random() < 0.4 else rng.uniform(0.001, 0.008)),
        jpeg=None if demo or rng.random() < 0.5 else int(rng.integers(25, 90)),
        shadow=float(0.4 if demo else rng.uniform(0.1, 0.65) if rng.random() < 0.7 else 0.0),
        light=np.array([light[0], light[1], 1.0]),
    )
