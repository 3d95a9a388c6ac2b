"""What moves in a picture: dense optical flow between small grey frames, less the camera's, as 15 numbers a frame.

Lengths are in picture sides: x in widths, y in heights, so that numbers do not depend on resolution.
Shapes: T = frames, M = 15 motion numbers, H x W = one frame.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.dsp.curves import smoothed
from synth.voices.base import Frame

RATE_HZ: Final = 15.625
"""Frames a second: one for 1024 samples of 16 kHz sound."""

MOTION: Final = (
    "speed",  # mean length of the flow, sides a second
    "speed_own",  # the same without the camera's motion, as all that follows
    "speed_median",
    "speed_p90",
    "speed_p98",
    "rightward",  # mean of the flow, signed
    "downward",
    "divergence",  # root mean square, 1/s: growing and shrinking
    "curl",  # the same: turning
    "moving_share",  # of the picture, faster than a twentieth of a side a second; 0..1
    "camera_right",  # the camera's motion at the middle of the picture, sides a second
    "camera_down",
    "brightening",  # change of the mean brightness, full scale a second, signed
    "change",  # mean change of a pixel, full scale a second
    "cut",  # 1 on the first frame of another scene, else 0
)
"""Names of the columns of a row of motion."""

SIDE_PX: Final = 112
"""Width and height of the grey picture that the flow is measured on."""

_GRID: Final = 4  # the camera's motion is fitted to every fourth pixel either way
_MOVING: Final = 0.05  # sides a second
_LEAST_MOVING: Final = 0.01  # of the picture: less is coding noise
_HELD: Final = 3  # frames in a row that may be repeats
COARSE_SIDE: Final = 16
_CUT_CHANGE, _CUT_UNLIKE = 0.06, 0.45  # of full scale; one less the correlation
_STILL, _LIVELY = 0.01, 0.6  # sides a second: activity 0 and 1
_SMOOTHING_FRAMES: Final = 1.5


def activity_of(motion: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much moves by itself, 0..1, smoothed over a tenth of a second to either side: [T, 15] -> float32 [T].

    Half the mean and half the 90th percentile of the speed without the camera's, so that one waving arm counts and
    so does a whole sea; on a logarithmic scale, because eyes and ears have one. A speed of a hundredth of a side a
    second, which coding noise reaches, is 0; that of six tenths is 1. Cuts and repeated frames hold what was before.
    """
    if not len(motion):
        return np.zeros(0, np.float32)
    speed = (motion[:, MOTION.index("speed_own")] + motion[:, MOTION.index("speed_p90")]).astype(np.float64) / 2
    raw = np.log(np.maximum(speed, _STILL) / _STILL) / np.log(_LIVELY / _STILL)
    smooth = smoothed(np.minimum(raw, 1.0), _SMOOTHING_FRAMES)
    return np.asarray(np.clip(smooth, 0, 1), np.float32)


class Motion:
    """Frame after frame in, one row of :data:`MOTION` after the other out.

    Dense inverse search (Kroeger et al., ECCV 2016, arXiv 1603.03590), OpenCV's fast preset, on 112 x 112 grey pixels.
    """

    def __init__(self) -> None:
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: NDArray[np.uint8] | None = None
        self._row = np.zeros(len(MOTION), np.float32)
        self._repeats = 0
        self._after_cut = False
        self._design = _camera_design()
        self.difference: NDArray[np.float32] | None = None
        """Change of each grey pixel since the last frame [112, 112], full scale; ``None`` where there is none."""
        self.position: float | None = None
        """Where what moves by itself is, from the left, 0..1: the centre of its motion; ``None`` where nothing does."""

    def step(self, frame: Frame) -> NDArray[np.float32]:
        """The row [15] of one more frame."""
        small = cv2.resize(frame, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        before, self._before = self._before, grey
        self.difference = None
        if before is None:
            return self._row.copy()
        change = np.asarray((grey.astype(np.float32) - before) / 255, np.float32)
        size = float(np.abs(change).mean())
        # Two cuts in a row are none, but something wild before the lens.
        self._after_cut = not self._after_cut and _is_cut(before, grey, size)
        if self._after_cut:
            # What moved goes on moving: the flow between two scenes means nothing.
            row = self._row.copy()
            row[[MOTION.index("brightening"), MOTION.index("change")]] = 0
            row[MOTION.index("cut")] = 1
            self.position = None
            return row
        if size == 0 and self._repeats < _HELD:
            # A video of a lower rate shows a frame twice; only what stands still for longer stands still.
            self._repeats += 1
            return self._row.copy()
        elapsed_s = (1 + (self._repeats if size else 0)) / RATE_HZ
        self._repeats = 0 if size else self._repeats
        self.difference = change
        self._row = self._measure(before, grey, change, elapsed_s)
        return self._row.copy()

    def _measure(
        self, before: NDArray[np.uint8], grey: NDArray[np.uint8], change: NDArray[np.float32], elapsed_s: float
    ) -> NDArray[np.float32]:
        flow: NDArray[np.float32] = self._flow.calc(before, grey, None) / (SIDE_PX * elapsed_s)
        camera = _camera(flow, self._design)
        own = flow - camera
        speed = _lengths(own)
        self.position = _centre(speed)
        dy, dx = np.gradient(own, 1 / SIDE_PX, axis=(0, 1))
        middle = camera[SIDE_PX // 2, SIDE_PX // 2]
        row = (
            _lengths(flow).mean(),
            speed.mean(),
            *np.percentile(speed, (50, 90, 98)),
            *own.mean((0, 1)),
            np.sqrt(np.square(dx[..., 0] + dy[..., 1]).mean()),
            np.sqrt(np.square(dx[..., 1] - dy[..., 0]).mean()),
            (speed > _MOVING).mean(),
            *middle,
            change.mean() / elapsed_s,
            np.abs(change).mean() / elapsed_s,
            0.0,
        )
        return np.array(row, np.float32)


def _lengths(flow: NDArray[Any]) -> NDArray[Any]:
    """[..., 2] -> [...]; a sum over a last axis of two takes four times as long."""
    x, y = flow[..., 0], flow[..., 1]
    return np.asarray(np.sqrt(x * x + y * y))


def _centre(speed: NDArray[np.float32]) -> float | None:
    """The middle of what moves, from the left, 0..1; ``None`` where less than a hundredth of the picture does."""
    moving = np.maximum(speed - _MOVING, 0).sum(0, dtype=np.float64)
    if float((speed > _MOVING).mean()) < _LEAST_MOVING:
        return None
    return float(moving @ ((np.arange(SIDE_PX) + 0.5) / SIDE_PX) / moving.sum())


def _is_cut(before: NDArray[np.uint8], grey: NDArray[np.uint8], change: float) -> bool:
    if change < _CUT_CHANGE:
        return False  # as is_cut says too: most frames need no coarse pictures
    return is_cut(*(coarse(one) for one in (before, grey)), change=change)


def coarse(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture as :func:`is_cut` wants it: uint8 [H, W] -> float32 [256], 0..255."""
    small = cv2.resize(grey, (COARSE_SIDE, COARSE_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).ravel()


def is_cut(before: NDArray[np.float32], now: NDArray[np.float32], *, change: float | None = None) -> bool:
    """Whether another scene begins: much has changed, and the coarse pictures are no longer alike.

    Args:
        before, now: two frames' coarse pictures [256].
        change: mean absolute change of a pixel, of full scale; that of the coarse pictures by default.
    """
    if (float(np.abs(now - before).mean()) / 255 if change is None else change) < _CUT_CHANGE:
        return False
    first, second = before - before.mean(), now - now.mean()
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    alike = float(first @ second) / scale if scale > 0 else 0.0
    return 1 - alike > _CUT_UNLIKE


@functools.cache
def _axes() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of each pixel's middle, -0.5..0.5, each [112, 112]."""
    side = (np.arange(SIDE_PX) + 0.5) / SIDE_PX - 0.5
    x, y = np.meshgrid(side.astype(np.float32), side.astype(np.float32))
    return x, y


def _camera_design() -> NDArray[np.float64]:
    """What pan, tilt, zoom and roll do to the points of the grid: [2 * points, 4], x and y of each in turn."""
    x, y = (one[_GRID // 2 :: _GRID, _GRID // 2 :: _GRID].ravel().astype(np.float64) for one in _axes())
    none, all_ = np.zeros_like(x), np.ones_like(x)
    return np.stack([np.stack([all_, none, x, -y], 1), np.stack([none, all_, y, x], 1)], 1).reshape(-1, 4)


def _camera(flow: NDArray[np.float32], design: NDArray[np.float64]) -> NDArray[np.float32]:
    """The part of a flow [H, W, 2] that pan, tilt, zoom and roll explain, [H, W, 2].

    Least squares, weighted anew three times so that what moves by itself has little say; the start is the median.
    """
    points = flow[_GRID // 2 :: _GRID, _GRID // 2 :: _GRID].reshape(-1, 2).astype(np.float64)
    pan, tilt = np.median(points, axis=0)
    parameters = np.array([pan, tilt, 0.0, 0.0])
    for _ in range(3):
        rest = _lengths(points - (design @ parameters).reshape(-1, 2))
        scale = np.median(rest) + 1e-4
        weighted = design * (1 / (1 + np.square(rest / scale))).repeat(2)[:, None]
        parameters = np.linalg.solve(weighted.T @ design, weighted.T @ points.reshape(-1))
    pan, tilt, zoom, roll = (np.float32(one) for one in parameters)
    x, y = _axes()
    return np.stack([pan + zoom * x - roll * y, tilt + zoom * y + roll * x], 2)
