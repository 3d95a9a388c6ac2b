"""Where in the picture things are struck: the middle, from left to right, of what changes between two frames.

Shapes: H x W = one frame, T = frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.curves import smoothed
from synth.voices.base import Frame

_NOISE: Final = 12  # grey levels: coding noise and flicker are no motion
_STILL: Final = 1e-3  # of the picture; where less changes, the last place holds
_SMOOTHING_S: Final = 0.15


class StrikePositions:
    """Watches frames on their way to a network.

    Args:
        rate_hz: frames a second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._before: NDArray[np.int16] | None = None
        self._places: list[float] = []

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames as they come."""
        for frame in frames:
            self._add(frame)
            yield frame

    def pans(self, times_s: Iterable[float]) -> list[float]:
        """Where it moved at each time, -1 (left edge) to 1 (right edge); 0 where nothing ever moved."""
        if not self._places:
            return [0.0 for _ in times_s]
        smooth = smoothed(np.array(self._places), _SMOOTHING_S * self._rate_hz)
        steps = np.arange(len(smooth)) / self._rate_hz
        return [float(np.clip(np.interp(time_s, steps, smooth), -1, 1)) for time_s in times_s]

    def _add(self, frame: Frame) -> None:
        # In whole numbers, colour by colour: a mean over the last axis of three takes ten times as long.
        red, green, blue = (frame[..., colour].astype(np.int16) for colour in range(3))
        grey = (red + green + blue) // 3
        place = self._places[-1] if self._places else 0.0
        if self._before is not None:
            changed = np.maximum(np.abs(grey - self._before) - _NOISE, 0).sum(0)
            if changed.sum() > _STILL * grey.size * 255:
                across = (np.arange(len(changed)) + 0.5) / len(changed) * 2 - 1
                place = float((across * changed).sum() / changed.sum())
        self._before = grey
        self._places.append(place)
