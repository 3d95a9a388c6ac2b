"""What colours and fine changes say about a whole clip: plain measures for what ImageNet has no class for.

Shapes: H x W = one frame.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.optical_flow import MOTION, SIDE_PX
from synth.voices.base import Frame

CUES: Final = (
    "flame",
    "flame_flicker",
    "dark",
    "grey",
    "blue",
    "sky",
    "level",
    "fine",
    "everywhere",
    "change",
    "speed",
    "moving",
    "camera",
)
"""Names of ``Seen.cues``; what they mean stands at :class:`Cues`."""

EVERY: Final = 8
"""Colours are looked at twice in so many frames."""

_SMALL_PX: Final = 56  # of the colour picture
_TILES: Final = 8  # either way
_NOISE: Final = 0.012  # of full scale: what coding changes from frame to frame


class Cues:
    """Sums over a clip of what colours and changes say, for what ImageNet has no words for.

    All are means over the frames, 0..1 unless said otherwise:

    * ``flame``: share of the picture in the colours of flames; ``flame_flicker``: mean change of red there a frame;
    * ``dark``: share of the picture that is nearly black; ``grey``: one less the mean saturation;
    * ``blue``: share that is blue or blue-green; ``sky``: share of the upper half that is smooth and bright or blue;
    * ``level``: how much more brightness changes downwards than sideways, -1..1: horizons and waves;
    * ``fine``: share of the change from frame to frame that is finer than three pixels of 112;
    * ``everywhere``: share of the picture, in 64 tiles, where such fine change goes beyond coding noise;
    * ``change``, ``speed``, ``moving``, ``camera``: as in :data:`MOTION`, sides a second or full scale a second.
    """

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._before: NDArray[np.float32] | None = None
        self._frames = 0

    def add(self, frame: Frame, row: NDArray[np.float32], difference: NDArray[np.float32] | None) -> None:
        """One more frame, its row of motion, and its change since the last."""
        if difference is not None:
            fine, everywhere = _fineness(difference)
            self._note("fine", fine)
            self._note("everywhere", everywhere)
            self._note("change", float(row[MOTION.index("change")]))
            self._note("speed", float(row[MOTION.index("speed_own")]))
            self._note("moving", float(row[MOTION.index("moving_share")]))
            self._note("camera", float(np.hypot(row[MOTION.index("camera_right")], row[MOTION.index("camera_down")])))
        turn = self._frames % EVERY
        self._frames += 1
        if turn > 1:  # colours change slowly, flames do not: two in a row, then a pause
            return
        small = cv2.resize(frame, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA)
        light = np.asarray(small.astype(np.float32) / 255, np.float32)
        if turn == 0:
            self._colours(light)
        elif difference is not None and self._before is not None:
            red = np.abs(light[..., 0] - self._before[..., 0])[_flames(self._before)]
            self._note("flame_flicker", float(red.sum()) / light[..., 0].size)
        self._before = light

    def _colours(self, small: NDArray[np.float32]) -> None:
        red, green, blue = small[..., 0], small[..., 1], small[..., 2]
        bright = small.max(2)
        luma = small @ np.array([0.299, 0.587, 0.114], np.float32)
        down, right = np.abs(np.diff(luma, axis=0)), np.abs(np.diff(luma, axis=1))
        rough = np.maximum(down[:, :-1], right[:-1])
        skyish = (rough < 0.03) & (luma[:-1, :-1] > 0.35) & (blue >= red - 0.03)[:-1, :-1]
        self._note("flame", float(_flames(small).mean()))
        self._note("dark", float((luma < 0.12).mean()))
        self._note("grey", 1 - float(((bright - small.min(2)) / np.maximum(bright, 0.05)).mean()))
        self._note("blue", float(((blue > red + 0.04) & (blue > 0.8 * green)).mean()))
        self._note("sky", float(skyish[: _SMALL_PX // 2].mean()))
        self._note("level", float((down.mean() - right.mean()) / (down.mean() + right.mean() + 1e-6)))

    def _note(self, name: str, value: float) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + value
        self._counts[name] = self._counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """Every cue; 0 where nothing was measured."""
        return {name: self._sums.get(name, 0.0) / max(1, self._counts.get(name, 0)) for name in CUES}


def _fineness(difference: NDArray[np.float32]) -> tuple[float, float]:
    """The share of a change [112, 112] that is fine, and the share of the tiles where it is strong."""
    fine = difference - cv2.blur(difference, (3, 3))
    whole = float(np.square(difference).mean())
    tiles = np.abs(fine).reshape(_TILES, SIDE_PX // _TILES, _TILES, SIDE_PX // _TILES).mean((1, 3))
    return (float(np.square(fine).mean()) / whole if whole > 0 else 0.0), float((tiles > _NOISE).mean())


def _flames(small: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a picture [h, w, 3] has the colours of flames, yellow to red: [h, w]."""
    red, green, blue = small[..., 0], small[..., 1], small[..., 2]
    return np.asarray((red > 0.55) & (red >= green) & (green >= blue) & (red - blue > 0.35))
