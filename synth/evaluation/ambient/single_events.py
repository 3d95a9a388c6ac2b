"""Like with like: where the recordings of a class show one event, one event of a computed sound is compared with them.

Libraries of effects keep a knock, a step or a clink as a file of a third of a second; a computed sound of five seconds
repeats it in a room. An embedding that is a mean over time tells those two apart before it tells a knock from a step,
so that any repeated blow was nearest to a ticking clock.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BEFORE_S: Final = 0.05
_WINDOW_S: Final = 0.01


def loudest_event(sound: NDArray[Any], rate_hz: int, duration_s: float) -> NDArray[Any]:
    """``duration_s`` of ``sound`` [N] from just before its loudest hundredth of a second on; all of a shorter one."""
    window = max(1, round(_WINDOW_S * rate_hz))
    total = np.cumsum(np.concatenate([[0.0], np.square(sound, dtype=np.float64)]))
    loudest = int(np.argmax(total[window:] - total[:-window])) if len(sound) >= window else 0
    count = min(len(sound), round(duration_s * rate_hz))
    start = min(max(0, loudest - round(_BEFORE_S * rate_hz)), len(sound) - count)
    return sound[start : start + count]
