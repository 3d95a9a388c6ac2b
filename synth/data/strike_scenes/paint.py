"""Painting the frames: the background warped to the camera, moving parts laid over it, then the camera's faults."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.data.strike_scenes import camera as cameras
from synth.data.strike_scenes import effects, parts, world
from synth.data.strike_scenes.camera import Array
from synth.data.strike_scenes.plan import EFFECTS, FINISH, PERSON, WORLD, Scene

NEAREST_M: Final = 0.07
"""Nothing is drawn closer to the lens."""

MOST_BLUR_STEP: Final = 0.018
"""Of the picture width: the farthest that a part may move between two sub-frames of one exposure."""


_Piece = tuple[parts.Sprite, Array]
"""A sprite and the pixels [4, 2] where its corners come to lie."""

_Layer = tuple[slice, slice, parts.Sprite]
"""Rows and columns of a box, and what is laid over it."""


class Painter:
    """What one rendering of a scene keeps between frames."""

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        self.scene, self.width, self.height = scene, width, height
        self.pixels = cameras.to_pixels(width, height)
        rng = np.random.default_rng([scene.seed, WORLD])
        self.canvas, self.to_surface = world.paint_world(
            rng, scene.camera, scene.target, scene.material, width, height, demo=scene.demo
        )
        self.person = parts.draw_parts(np.random.default_rng([scene.seed, PERSON]), demo=scene.demo)
        self.canvas = np.clip(parts.greyed(self.canvas, scene.look.saturation), 0, 255).astype(np.uint8)
        # Like a camera's automatic exposure, but it does not make much of what is almost black.
        self.gain = float(np.clip(scene.look.level / (float(self.canvas.mean()) + 12), 0.3, 4.0))
        self._fit_sprites()
        self._draw_effects()
        self.random = np.random.default_rng([scene.seed, FINISH])
        side = (height + 64, width + 64, 3)
        self.noise = self.random.standard_normal(side, np.float32) * np.float32(scene.look.noise)
        y, x = np.ogrid[-0.75 : 0.75 : height * 1j, -1 : 1 : width * 1j]
        light = self.gain * (1 - scene.look.vignette * (x**2 + y**2))
        self.light = (light[..., None] * scene.look.tint).astype(np.float32)
        levels = np.arange(256) / 255.0
        level = scene.look.level
        curve = level + scene.look.contrast * (255 * levels**scene.look.gamma - level)
        self.curve = np.clip(np.round(curve), 0, 255).astype(np.uint8)

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
        # A camera that brightens a dark place would bleach the person: in life the same light falls on both.
        self.person = parts.dimmed(self.person, min(1.0, 1.15 / self.gain))
        self.person = parts.faded(self.person, scene.look.saturation)
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
        warp = to_view @ self.to_surface
        size = (self.width, self.height)
        still: NDArray[np.uint8] = np.asarray(
            cv2.warpPerspective(self.canvas, warp, size, borderMode=cv2.BORDER_REFLECT_101), np.uint8
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

    def _moving(
        self, time_s: float, rotation: Array, centre: Array
    ) -> tuple[_Layer | None, NDArray[np.float32] | None]:
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
            blurred = cv2.GaussianBlur(shade / np.float32(255 * steps), (0, 0), max(0.6, 0.006 * self.width))
            shade = np.asarray(blurred, np.float32)
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
        return slice(low[1], high[1]), slice(low[0], high[0]), np.asarray(total / len(moments), np.float32)

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
        elbow = grip + 0.9 * (self.scene.anchor_m - grip)
        cast = np.stack([grip, tip, elbow])
        cast = cast - np.maximum(cast[:, 2:], 0) * self.scene.look.light
        seen, depth = cameras.project(cast, rotation, centre, self.scene.camera.focal)
        if depth.min() < NEAREST_M:
            return mask
        places = np.clip(seen * self.width + self.pixels[:2, 2], -4000, 4000)
        scale = self.width * self.scene.camera.focal / depth
        stick = np.array(parts.STICK_M) * scale[:2] * self.person.thickness
        fist, forearm = 0.75 * self.person.bulk * np.array([parts.HAND_M, parts.ELBOW_M]) * scale[[0, 2]]
        for strip in (
            _strip(places[0], places[1], stick[0], stick[1]),
            _strip(places[0], places[2], 0.6 * fist, forearm),
        ):
            cv2.fillConvexPoly(mask, np.round(strip * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
        spot = np.round(places[0] * 16).astype(int)
        cv2.circle(mask, (int(spot[0]), int(spot[1])), round(float(fist) * 16), 255, -1, cv2.LINE_AA, 4)
        return mask

    def _finished(self, picture: NDArray[np.float32], time_s: float) -> NDArray[np.uint8]:
        look = self.scene.look
        picture *= self.light
        breath = look.breath[0] * np.sin(2 * np.pi * look.breath[1] * time_s + self.scene.seed)
        picture *= np.float32(1 + breath)
        if look.flicker:
            picture *= np.float32(1 + look.flicker * self.random.standard_normal())
        if look.blur:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), max(0.3, look.blur * self.width)), np.float32)
        top, left = self.random.integers(0, 64, 2)
        picture += self.noise[top : top + self.height, left : left + self.width]
        done = self.curve[np.clip(picture, 0, 255).astype(np.uint8)]
        if look.jpeg is not None:
            _, code = cv2.imencode(".jpg", done, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg])
            done = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
        return np.asarray(done, np.uint8)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / (np.linalg.norm(vector) + 1e-9))


def _strip(start: Array, end: Array, start_px: float, end_px: float) -> Array:
    """Corners [4, 2] of a strip from start to end with these half widths."""
    along = _unit(end - start)
    aside = np.array([-along[1], along[0]])
    return np.stack([start - aside * start_px, end - aside * end_px, end + aside * end_px, start + aside * start_px])


def _square(middle: Array, along: Array, half_px: float, mirrored: bool) -> Array:
    """Corners [4, 2] of a square whose right side faces ``along``."""
    aside = np.array([-along[1], along[0]]) * (-1.0 if mirrored else 1.0)
    corners = [-along - aside, along - aside, along + aside, -along + aside]
    return np.stack([middle + half_px * corner for corner in corners])
