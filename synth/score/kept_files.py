"""What is kept of a take, as files: no voice and no model is known here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synth.score.score import Score

if TYPE_CHECKING:
    from synth.media.remuxing import Verified


@dataclass(frozen=True)
class KeptPart:
    """A part that is kept as a file.

    Attributes:
        name: as the score's stems have it.
        path: WAV, 32 bit float, at the voice's rate, before its level.
        rate_hz, duration_s: of it.
        peak_dbfs: its highest sample; ``None`` for silence.
    """

    name: str
    path: Path
    rate_hz: int
    duration_s: float
    peak_dbfs: float | None


@dataclass(frozen=True)
class Kept:
    """What is kept of a take.

    Attributes:
        score: as it was made.
        parts: files, of short clips.
        drawings: see :mod:`synth.score.drawings`.
        recipe: see :class:`synth.score.recipe.Recipe`; the same file for all takes of a job, ``None`` where it is kept
            already.
        wav, flac: the sound as it is delivered, 24 bit.
        original: the clip's own sound, for listening; ``None`` without any.
        verified: what another copy of the picture can be held against, once the result is written.
        gain_db: by which the sum of the parts was raised, before the limiter.
    """

    score: Score
    parts: tuple[KeptPart, ...]
    drawings: Path
    recipe: Path | None
    wav: Path
    flac: Path
    original: Path | None
    verified: Verified | None = None
    gain_db: float = 0.0
