"""Scenes of a person who strikes things with a drumstick, drawn from one integer: pictures, sounds and exact labels.

Modelled on what the Greatest Hits data set shows (Owens et al. 2016, arXiv 1512.08512): a first-person view of a hand
with a stick that hits, scratches and misses one thing after another. Everything in a scene follows from its seed by
named substreams, so that a scene looks the same at any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.data import scene_camera as cameras
from synth.data import scene_effects as effects
from synth.data import scene_motion as motion
from synth.data import scene_parts as parts
from synth.data import scene_world as world
from synth.data.clip import LabelledHit
from synth.data.scene_camera import Array, Camera, Jolt
from synth.data.scene_motion import StickPath, Stroke
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
        inside = bool((np.abs(seen[0]) < [0.5, 0.37]).all())
        shown = inside or (not demo and rng.random() < 0.08)
        if depth.min() > 0.15 and swing > rng.uniform(0.06, 0.16) and length > 0.16 and shown:
            break
    return spots, anchor, manner


def _anchor(rng: np.random.Generator, camera: Camera, spot_m: Array, *, demo: bool) -> tuple[Array, float]:
    """Where the forearm comes from, outside the picture, and the azimuth of the stick that suits it."""
    side = str(rng.choice(["left", "right", "bottom", "top"], p=[0.52, 0.22, 0.2, 0.06]))
    out = rng.uniform(0.25, 0.6)
    along = rng.uniform(-0.2, 0.6) if side in ("left", "right") else rng.uniform(-0.5, 0.5)
    place = {
        "left": np.array([-0.5 - out, along]),
        "right": np.array([0.5 + out, along]),
        "bottom": np.array([along, 0.38 + out]),
        "top": np.array([along, -0.38 - out]),
    }[side]
    depth = rng.uniform(0.5, 0.95) * float(np.linalg.norm(camera.centre_m))
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
        level=float(rng.uniform(25, 65) if dark else rng.uniform(105, 130) if demo else rng.uniform(75, 165)),
        tint=np.exp(rng.normal(0, 0.02 if demo else 0.09, 3)).astype(np.float32),
        gamma=float(1.0 if demo else rng.uniform(0.75, 1.25)),
        vignette=float(rng.uniform(0, 0.1 if demo else 0.4)),
        flicker=float(0.0 if demo or rng.random() < 0.5 else 10 ** rng.uniform(-2.5, -1.3)),
        breath=(float(0.0 if demo else rng.exponential(0.02)), float(rng.uniform(0.05, 0.6))),
        noise=float(1.0 if demo else 10 ** rng.uniform(-0.5, 0.95)),
        blur=float(0.0 if demo or rng.random() < 0.4 else rng.uniform(0.001, 0.008)),
        jpeg=None if demo or rng.random() < 0.5 else int(rng.integers(25, 90)),
        shadow=float(0.4 if demo else rng.uniform(0.1, 0.65) if rng.random() < 0.7 else 0.0),
        light=np.array([light[0], light[1], 1.0]),
    )


def render_frames(scene: Scene, *, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """The frames of a scene, uint8 [height, width, 3] RGB; frame ``k`` shows ``k / rate_fps`` seconds.

    Raises:
        OptionError: the size is below 16 pixels.
    """
    if min(width, height) < 16:
        raise OptionError(f"the size is {width} x {height}; the least is 16 x 16")
    painter = _Painter(scene, width, height)
    for frame in range(scene.frames):
        yield painter.frame(frame)


NEAREST_M: Final = 0.07
"""Nothing is drawn closer to the lens."""

MOST_BLUR_STEP: Final = 0.018
"""Of the picture width: the farthest that a part may move between two sub-frames of one exposure."""


_Piece = tuple[parts.Sprite, Array]
"""A sprite and the pixels [4, 2] where its corners come to lie."""

_Layer = tuple[slice, slice, parts.Sprite]
"""Rows and columns of a box, and what is laid over it."""


class _Painter:
    """What one rendering of a scene keeps between frames."""

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        self.scene, self.width, self.height = scene, width, height
        self.pixels = cameras.to_pixels(width, height)
        rng = np.random.default_rng([scene.seed, WORLD])
        self.canvas, self.to_surface = world.paint_world(
            rng, scene.camera, scene.target, scene.material, width, height, demo=scene.demo
        )
        self.person = parts.draw_parts(np.random.default_rng([scene.seed, PERSON]), demo=scene.demo)
        self._fit_sprites()
        self._draw_effects()
        self.random = np.random.default_rng([scene.seed, FINISH])
        side = (height + 64, width + 64, 3)
        self.noise = self.random.standard_normal(side, np.float32) * np.float32(scene.look.noise)
        y, x = np.ogrid[-0.75 : 0.75 : height * 1j, -1 : 1 : width * 1j]
        # Like a camera's automatic exposure, but it does not make much of what is almost black.
        gain = np.clip(scene.look.level / (float(self.canvas.mean()) + 12), 0.3, 4.0)
        light = gain * (1 - scene.look.vignette * (x**2 + y**2))
        self.light = (light[..., None] * scene.look.tint).astype(np.float32)
        levels = np.arange(256) / 255.0
        self.curve = np.round(255 * levels**scene.look.gamma).astype(np.uint8)

    def _draw_effects(self) -> None:
        scene = self.scene
        rng = np.random.default_rng([scene.seed, EFFECTS])
        spots = np.array([stroke.spot_m for stroke in scene.strokes] or [(0.0, 0.0)])
        self.reaction = effects.draw_reaction(rng, scene.material)
        crumbles = rng.random() < effects.CRUMBLES.get(scene.material, 0.05)
        self.bits = effects.Bits(rng, scene.material, scene.strokes, spots) if crumbles else None
        self.sways = () if scene.demo else effects.draw_sways(rng)
        wanders = not scene.demo and rng.random() < 0.15
        self.wanderer = effects.Wanderer(rng, scene.duration_s) if wanders else None

    def _fit_sprites(self) -> None:
        scene = self.scene
        depth = float(np.linalg.norm(scene.camera.centre_m)) * 0.8
        scale = self.width * scene.camera.focal / depth  # pixels a metre
        self.stick = parts.scaled(self.person.stick, 1.3 * scale * scene.path.manner.reach_m / 256)
        self.hand = parts.scaled(self.person.hand, 1.3 * scale * 2 * parts.HAND_M / 128)
        self.arm = parts.scaled(self.person.arm, 1.3 * scale * 2 * parts.ELBOW_M / 96)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Frame ``index``; frames must be asked for in order, because the noise is drawn along."""
        scene = self.scene
        time_s = index / scene.rate_fps
        rotation, centre = scene.camera.at(time_s)
        to_view = self.pixels @ cameras.plane_homography(
            rotation, centre, scene.camera.focal, world.U, world.V, np.zeros(3)
        )
        still = cv2.warpPerspective(
            self.canvas, to_view @ self.to_surface, (self.width, self.height), borderMode=cv2.BORDER_REFLECT_101
        )
        self._affect(still, time_s, rotation, centre)
        picture = still.astype(np.float32)
        layer, shadow = self._moving(time_s, rotation, centre)
        if shadow is not None:
            picture *= 1 - np.float32(scene.look.shadow) * shadow[..., None]
        if layer is not None:
            rows, columns, mean = layer
            part = picture[rows, columns]
            part *= 1 - mean[..., 3:]
            part += mean[..., :3]
        return self._finished(picture, time_s)

    def _affect(self, picture: NDArray[np.uint8], time_s: float, rotation: Array, centre: Array) -> None:
        """Let surface, loose bits and background move, in place."""
        focal = self.scene.camera.focal
        for one in self.sways:
            effects.sway(picture, one, time_s)
        touched = [stroke for stroke in self.scene.strokes if stroke.kind != "miss" and stroke.time_s <= time_s]
        if self.reaction is not None and touched:
            seen, depth = cameras.project(np.array([*touched[-1].spot_m, 0.0]), rotation, centre, focal)
            if depth > NEAREST_M:
                place, scale = seen * self.width + self.pixels[:2, 2], self.width * focal / float(depth)
                effects.react(picture, self.reaction, touched[-1], time_s - touched[-1].time_s, place, scale)
        if self.bits is not None:
            seen, depth = cameras.project(self.bits.points(time_s), rotation, centre, focal)
            if depth.min() > NEAREST_M:
                self.bits.paint(picture, seen * self.width + self.pixels[:2, 2])

    def _moving(self, time_s: float, rotation: Array, centre: Array) -> tuple[_Layer | None, NDArray[np.float32] | None]:
        """The moving parts averaged over the exposure, and the shadow [H, W] of the stick."""
        scene = self.scene
        open_s = scene.look.exposure / scene.rate_fps
        steps = self._steps(time_s, open_s, rotation, centre)
        times = time_s + (np.arange(steps) + 0.5 - steps / 2) / steps * open_s
        grips, tips = scene.stick(times)
        moments = []
        shade: NDArray[np.float32] | None = None
        for moment_s, grip_m, tip_m in zip(times, grips, tips, strict=True):
            pieces = self._limb(float(moment_s)) if self.wanderer is not None else []
            moments.append(pieces + self._person(grip_m, tip_m, rotation, centre))
            if scene.look.shadow > 0:
                mask = self._shadow(grip_m, tip_m, rotation, centre)
                shade = mask.astype(np.float32) if shade is None else shade + mask
        if shade is not None:
            shade = cv2.GaussianBlur(shade / np.float32(255 * steps), (0, 0), max(0.6, 0.006 * self.width))
        return self._averaged(moments), shade

    def _steps(self, time_s: float, open_s: float, rotation: Array, centre: Array) -> int:
        """Sub-frames that make the blur of this exposure look continuous."""
        grip, tip = self.scene.stick(time_s + np.array([-0.5, 0.0, 0.5]) * open_s)
        seen, _ = cameras.project(np.stack([grip, tip]), rotation, centre, self.scene.camera.focal)
        travel = float(np.abs(np.diff(seen, axis=1)).max())
        return int(np.clip(np.ceil(2 * travel / MOST_BLUR_STEP), 1, 9 if self.width <= 400 else 24))

    def _averaged(self, moments: list[list[_Piece]]) -> _Layer | None:
        """The mean of the moments' layers, within the smallest box that holds them all."""
        corners = [place for pieces in moments for _, place in pieces]
        if not corners:
            return None
        every = np.concatenate(corners)
        low = np.maximum(np.floor(every.min(0) - 1), 0).astype(int)
        high = np.minimum(np.ceil(every.max(0) + 2), [self.width, self.height]).astype(int)
        if (high - low < 1).any():
            return None
        total = np.zeros((high[1] - low[1], high[0] - low[0], 4), np.float32)
        for pieces in moments:
            layer = np.zeros_like(total)
            for sprite, place in pieces:
                parts.lay(layer, sprite, place - low)
            total += layer
        return slice(low[1], high[1]), slice(low[0], high[0]), total / np.float32(len(moments))

    def _person(self, grip: Array, tip: Array, rotation: Array, centre: Array) -> list[_Piece]:
        """Stick, arm and hand, the rearmost first; nothing when the hand is too close to the lens."""
        scene, person = self.scene, self.person
        along = (tip - grip) / scene.path.manner.reach_m
        outward = scene.anchor_m * np.array([1.0, 1.0, 0.3])
        elbow = grip + 0.5 * (scene.anchor_m - grip) + 0.35 * outward / (np.linalg.norm(outward) + 1e-6)
        points = np.stack([grip - 0.05 * along, tip, grip, elbow])
        seen, depth = cameras.project(points, rotation, centre, scene.camera.focal)
        if depth[:3].min() < NEAREST_M:
            return []
        if depth[3] < NEAREST_M:
            # The elbow is behind the camera: end the sleeve just before it.
            points[3] = grip + (depth[2] - NEAREST_M) / (depth[2] - depth[3]) * (elbow - grip)
            seen, depth = cameras.project(points, rotation, centre, scene.camera.focal)
        places = seen * self.width + self.pixels[:2, 2]
        scale = self.width * scene.camera.focal / depth
        thick = person.thickness * 1.25 * np.array(parts.STICK_M) * scale[:2]
        girth = person.bulk * np.array([parts.WRIST_M, parts.ELBOW_M]) * scale[2:]
        pointing = _unit(_unit(places[1] - places[0]) + 0.9 * _unit(places[2] - places[3]))
        size = person.bulk * parts.HAND_M * scale[2]
        return [
            (self.stick, _strip(places[0], places[1], thick[0], thick[1])),
            (self.arm, _strip(places[2], places[3], girth[0], girth[1])),
            (self.hand, _square(places[2], pointing, size, person.mirrored)),
        ]

    def _limb(self, time_s: float) -> list[_Piece]:
        """The limb that moves about without touching anything."""
        wanderer = self.wanderer
        assert wanderer is not None
        end, root = (place * self.width + self.pixels[:2, 2] for place in wanderer.ends(time_s))
        half = wanderer.width * self.width
        pieces: list[_Piece] = [(wanderer.person.arm, _strip(end, root, half * 0.6, half))]
        if wanderer.hand:
            pieces.append((wanderer.person.hand, _square(end, _unit(end - root), half * 1.1, wanderer.person.mirrored)))
        return pieces

    def _shadow(self, grip: Array, tip: Array, rotation: Array, centre: Array) -> NDArray[np.uint8]:
        """Where the stick and the hand take the light, 0 or 255, [H, W]."""
        mask: NDArray[np.uint8] = np.zeros((self.height, self.width), np.uint8)
        cast = np.stack([grip, tip])
        cast = cast - np.maximum(cast[:, 2:], 0) * self.scene.look.light
        seen, depth = cameras.project(cast, rotation, centre, self.scene.camera.focal)
        if depth.min() < 0.1:
            return mask
        places = np.clip(seen * self.width + self.pixels[:2, 2], -4000, 4000)
        scale = self.width * self.scene.camera.focal / depth
        strip = _strip(places[0], places[1], parts.STICK_M[0] * scale[0], parts.STICK_M[1] * scale[1])
        cv2.fillConvexPoly(mask, np.round(strip * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
        spot = np.round(places[0] * 16).astype(int)
        radius = round(float(parts.HAND_M * 0.8 * scale[0]) * 16)
        cv2.circle(mask, (int(spot[0]), int(spot[1])), radius, 255, -1, cv2.LINE_AA, 4)
        return mask

    def _finished(self, picture: NDArray[np.float32], time_s: float) -> NDArray[np.uint8]:
        look = self.scene.look
        picture *= self.light
        breath = look.breath[0] * np.sin(2 * np.pi * look.breath[1] * time_s + self.scene.seed)
        picture *= np.float32(1 + breath)
        if look.flicker:
            picture *= np.float32(1 + look.flicker * self.random.standard_normal())
        if look.blur:
            picture = cv2.GaussianBlur(picture, (0, 0), max(0.3, look.blur * self.width))
        top, left = self.random.integers(0, 64, 2)
        picture += self.noise[top : top + self.height, left : left + self.width]
        done = self.curve[np.clip(picture, 0, 255).astype(np.uint8)]
        if look.jpeg is not None:
            _, code = cv2.imencode(".jpg", done, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg])
            done = cv2.imdecode(code, cv2.IMREAD_COLOR)
        return np.asarray(done, np.uint8)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / (np.linalg.norm(vector) + 1e-9))


def _strip(start: Array, end: Array, start_px: float, end_px: float) -> Array:
    """Corners [4, 2] of a strip from start to end with these half widths."""
    along = _unit(end - start)
    aside = np.array([-along[1], along[0]])
    return np.stack(
        [start - aside * start_px, end - aside * end_px, end + aside * end_px, start + aside * start_px]
    )


def _square(middle: Array, along: Array, half_px: float, mirrored: bool) -> Array:
    """Corners [4, 2] of a square whose right side faces ``along``."""
    aside = np.array([-along[1], along[0]]) * (-1.0 if mirrored else 1.0)
    corners = [-along - aside, along - aside, along + aside, -along + aside]
    return np.stack([middle + half_px * corner for corner in corners])


def render_sound(scene: Scene, rate_hz: int) -> NDArray[np.float32]:
    """The sound of the contacts, float32 [round(duration_s * rate_hz)] in -1..1."""
    from synth.synthesis import modal

    rng = np.random.default_rng([scene.seed, SOUND])
    size = float(rng.uniform(0.2, 0.9))
    sound = np.zeros(round(scene.duration_s * rate_hz), np.float32)
    for stroke in scene.strokes:
        if stroke.kind == "miss":
            continue
        uniforms = rng.random(rate_hz, np.float32)
        if stroke.kind == "hit":
            one = modal.strike(scene.material, strength=stroke.strength, size=size, rate_hz=rate_hz, uniforms=uniforms)
        else:
            one = modal.scratch(
                scene.material, duration_s=stroke.contact_s, strength=stroke.strength, size=size, rate_hz=rate_hz,
                uniforms=uniforms,
            )  # fmt: skip
        start = round(stroke.time_s * rate_hz)
        one = one[: len(sound) - start]
        sound[start : start + len(one)] += one
    peak = float(np.abs(sound).max(initial=0.0))
    return sound if peak <= 1 else sound / np.float32(peak)
