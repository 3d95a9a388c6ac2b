"""One channel and two: where a sound stands between the loudspeakers, and how wide it is.

Shapes: N = samples; a sound is float32 [N], or [N, 2] with the left channel first. A pan is -1 (left) to 1 (right).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WIDTH: Final = 0.7
"""Share of the whole way between the loudspeakers that the picture's width takes: its edges are not beyond the
screen."""


def pan_gains(pan: Any) -> NDArray[np.float64]:
    """Gains of the left and the right channel [..., 2] for pans [...]: constant power, 1 in both for the middle."""
    angle = (np.clip(pan, -1.0, 1.0) * WIDTH + 1) * np.pi / 4
    return np.asarray(np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=-1))


def panned(sound: NDArray[Any], pan: Any) -> Floats:
    """A sound [N] between two loudspeakers, [N, 2]: ``pan`` is one number, or one a sample [N]."""
    return np.asarray(np.asarray(sound)[:, None] * pan_gains(pan), np.float32)


def to_channels(sound: NDArray[Any], channels: int) -> Floats:
    """The sound with one channel [N] or two [N, 2]; one becomes two equal ones, two become their mean."""
    sound = np.asarray(sound, np.float32)
    if channels == 1:
        return sound if sound.ndim == 1 else np.asarray(sound.mean(1), np.float32)
    return sound if sound.ndim == 2 else np.repeat(sound[:, None], 2, axis=1)


def mono_loss_db(sound: NDArray[Any]) -> float:
    """How much quieter the mean of both channels [N, 2] is than they are, in dB: 0 for equal ones, 3 for unlike."""
    power = float(np.mean(np.square(sound, dtype=np.float64)))
    together = float(np.mean(np.square(np.mean(sound, axis=1, dtype=np.float64))))
    return 0.0 if power == 0 else 10 * float(np.log10(power / max(together, 1e-30)))
