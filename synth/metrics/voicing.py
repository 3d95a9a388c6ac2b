"""How near a predicted pitch comes to the one that is heard, as pure functions of pitch tracks.

The usual figures of pitch trackers and of synthesis: the share of frames whose voicing is wrong, and over frames that
are voiced in both the root mean square difference in cents and the correlation (Drugman and Alwan, Interspeech 2011).

Shapes: S frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

CENTS: Final = 1200


@dataclass(frozen=True)
class PitchFigures:
    """Figures over all frames of a clip; ``None`` where there was nothing to measure.

    Attributes:
        voicing_error: share of frames, 0..1.
        pitch_rms_cents: over frames that are voiced in both.
        pitch_correlation: of the logarithms there, -1..1; ``None`` where one of them stands still.
        spread_ratio: standard deviation of the predicted pitch there over that of the heard one.
    """

    voicing_error: float
    pitch_rms_cents: float | None
    pitch_correlation: float | None
    spread_ratio: float | None


def pitch_figures(heard: NDArray[Any], predicted: NDArray[Any]) -> PitchFigures:
    """Figures of a clip, both in Hz [S]; 0 is unvoiced.

    Raises:
        ValueError: no frames.
    """
    if not len(heard):
        raise ValueError("there are no frames whose pitch could be compared")
    truth, made = np.asarray(heard, np.float64), np.asarray(predicted, np.float64)
    voiced, said = truth > 0, made > 0
    both = voiced & said
    wrong = float(np.mean(voiced != said))
    if both.sum() < 2:
        return PitchFigures(wrong, None, None, None)
    one, other = CENTS * np.log2(truth[both]), CENTS * np.log2(made[both])
    deviation, moved = float(one.std()), float(other.std())
    moves = deviation > 1e-6 and moved > 1e-6
    return PitchFigures(
        voicing_error=wrong,
        pitch_rms_cents=float(np.sqrt(np.mean((one - other) ** 2))),
        pitch_correlation=float(np.corrcoef(one, other)[0, 1]) if moves else None,
        spread_ratio=moved / deviation if moves else None,
    )
