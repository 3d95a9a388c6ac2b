"""What the ambient voice sees: motion less the camera's, cuts that are no motion, and pictures now and then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from synth.errors import Cancelled
from synth.voices.ambient import scene
from synth.voices.ambient.image_cues import CUES
from synth.voices.ambient.scene import EVERY, MOTION, RATE_HZ, Seen, look

SIDE_PX = 112


class CountingEye:
    """Features and class answers that say how bright a picture is."""

    def __init__(self) -> None:
        self.pictures = 0

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.pictures += len(pictures)
        light = pictures.reshape(len(pictures), -1).mean(1).astype(np.float32)
        return np.repeat(light[:, None], 1280, 1), np.repeat(light[:, None], 1000, 1)


def _texture(seed: int, side_px: int = 3 * SIDE_PX) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).uniform(0, 255, (side_px, side_px, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.asarray(np.clip(127 + 6 * (soft - soft.mean()), 0, 255), np.uint8)


GROUND, ROOM, OBJECT = _texture(1), _texture(2), _texture(3)


def _camera(step: int) -> NDArray[np.uint8]:
    """A view that wanders over the ground, half a side a second."""
    x = round(0.5 * SIDE_PX * step / RATE_HZ) % SIDE_PX
    return GROUND[SIDE_PX // 2 :, x:][:SIDE_PX, :SIDE_PX].copy()


def _object(step: int) -> NDArray[np.uint8]:
    """A patch half a side wide that swings over ground at rest, once in three seconds."""
    view = GROUND[:SIDE_PX, :SIDE_PX].copy()
    x = round(SIDE_PX * (0.25 + 0.2 * np.sin(2 * np.pi * step / (3 * RATE_HZ))))
    view[28:84, x : x + 56] = OBJECT[:56, :56]
    return view


def _seen(make: Callable[[int], NDArray[np.uint8]], frames: int = 32) -> Seen:
    return look((make(step) for step in range(frames)), eye=CountingEye())


def _column(seen: Seen, name: str) -> NDArray[np.float32]:
    return seen.motion[:, MOTION.index(name)]


def test_shapes_and_the_pictures_that_are_looked_at() -> None:
    eye, told = CountingEye(), []
    seen = look(
        (_object(step) for step in range(131)),
        expected_frames=131,
        eye=eye,
        progress=lambda stage, share: told.append((stage, share)),
    )
    pictures = -(-131 // EVERY)
    assert eye.pictures == pictures
    assert seen.appearance.shape == (pictures, 1280)
    assert seen.appearance_index.tolist() == [frame // EVERY for frame in range(131)]
    assert seen.motion.shape == (131, len(MOTION))
    assert seen.motion.dtype == seen.activity.dtype == seen.appearance.dtype == np.float32
    assert seen.activity.shape == (131,)
    assert seen.activity.min() >= 0
    assert seen.activity.max() <= 1
    assert seen.logits_mean == pytest.approx(seen.appearance[:, 0].mean(), abs=1e-3)
    assert set(seen.cues) == set(CUES)
    assert np.isfinite(list(seen.cues.values())).all()
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[0][0] == "look"


def test_what_moves_is_told_from_the_camera() -> None:
    moving, wandering, still = _seen(_object), _seen(_camera), _seen(lambda _: GROUND[:SIDE_PX, :SIDE_PX])
    assert still.activity.max() == 0
    assert moving.activity.mean() > 0.25
    assert wandering.activity.mean() < 0.1
    # The ground goes left when the camera goes right.
    assert np.median(_column(wandering, "camera_right")) == pytest.approx(-0.5, abs=0.08)
    assert np.median(_column(wandering, "speed")) == pytest.approx(0.5, abs=0.1)
    assert np.median(_column(wandering, "speed_own")) < 0.05
    assert np.abs(_column(moving, "camera_right")).max() < 0.07  # of 0.42 that the patch moves at
    assert 0.02 < _column(moving, "moving_share").max() < 0.6


def test_zoom_is_the_camera_and_not_a_motion() -> None:
    def zooming(step: int) -> NDArray[np.uint8]:
        side = round(SIDE_PX * (1.5 + 0.4 * step / RATE_HZ))
        first = (GROUND.shape[0] - side) // 2
        view = GROUND[first : first + side, first : first + side]
        return np.asarray(cv2.resize(view, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)

    seen = _seen(zooming)
    assert np.median(_column(seen, "speed_own")) < 0.4 * np.median(_column(seen, "speed"))


def test_faster_is_more_active_and_resolution_does_not_matter() -> None:
    slow, fast = _seen(lambda step: _object(step // 3)), _seen(_object)
    assert fast.activity.mean() > slow.activity.mean()
    large = _seen(lambda step: np.asarray(cv2.resize(_object(step), (448, 448), interpolation=cv2.INTER_CUBIC)))
    assert large.activity.mean() == pytest.approx(fast.activity.mean(), abs=0.06)


def test_a_cut_is_no_motion() -> None:
    def cutting(step: int) -> NDArray[np.uint8]:
        return (GROUND if step < 16 else ROOM)[:SIDE_PX, :SIDE_PX]

    seen = _seen(cutting)
    assert np.flatnonzero(_column(seen, "cut")).tolist() == [16]
    assert seen.activity.max() == 0
    assert np.abs(_column(seen, "brightening")).max() == 0


def test_repeated_frames_are_a_lower_rate_and_not_stops() -> None:
    smooth, halting = _seen(_object, 48), _seen(lambda step: _object(2 * (step // 2)), 48)
    inside = slice(4, -4)
    assert halting.activity[inside].mean() == pytest.approx(smooth.activity[inside].mean(), abs=0.1)
    ended = _seen(lambda step: _object(min(step, 15)), 40)
    assert ended.activity[8] > 0.2
    assert ended.activity[28:].max() == 0


def test_flicker_of_flames_and_rain_are_measured() -> None:
    draw = np.random.default_rng(0)

    def fire(_: int) -> NDArray[np.uint8]:
        view = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        height = int(draw.integers(30, 60))
        view[SIDE_PX - height :, 35:75] = (draw.integers(200, 255), draw.integers(90, 160), 20)
        return view

    def rain(_: int) -> NDArray[np.uint8]:
        grey = 110 + 40 * (draw.uniform(size=(SIDE_PX, SIDE_PX, 1)) > 0.9)
        return np.asarray(np.repeat(grey, 3, 2), np.uint8)

    burning, raining = _seen(fire).cues, _seen(rain).cues
    assert burning["flame"] > 0.08
    assert burning["flame_flicker"] > 0
    assert burning["dark"] > 0.7
    assert raining["flame"] == 0
    assert raining["grey"] == pytest.approx(1)
    assert raining["fine"] > 0.6
    assert raining["everywhere"] > 0.9


def test_one_frame_none_and_an_end() -> None:
    one = _seen(_object, 1)
    assert one.motion.shape == (1, len(MOTION))
    assert one.activity.tolist() == [0]
    none = _seen(_object, 0)
    assert none.appearance.shape == (0, 1280)
    assert none.motion.shape == (0, len(MOTION))
    assert none.logits_mean.shape == (1000,)
    with pytest.raises(Cancelled):
        look((_object(step) for step in range(9)), eye=CountingEye(), cancelled=lambda: True)


def test_frames_are_taken_one_by_one() -> None:
    alive: list[int] = []

    def frames() -> Iterator[NDArray[np.uint8]]:
        buffer = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        for step in range(20):
            buffer[:] = _object(step)  # whoever keeps the frame itself sees it change
            alive.append(step)
            yield buffer

    assert np.array_equal(look(frames(), eye=CountingEye()).motion, _seen(_object, 20).motion)
    assert np.array_equal(look(frames(), eye=CountingEye()).appearance, _seen(_object, 20).appearance)


def test_importable_without_torch() -> None:
    program = "import sys, synth.voices.ambient.scene, synth.models.selector; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_packaged_network_looks() -> None:
    seen = look(_object(step) for step in range(9))
    assert seen.appearance.shape == (2, scene.FEATURES)
    assert seen.logits_mean.shape == (scene.CLASSES,)
    assert np.ptp(seen.logits_mean) > 1
