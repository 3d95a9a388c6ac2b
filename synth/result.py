"""What one job made: an :class:`Output` a take, and the JSON that command line and API give out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from synth.options import Channels, Mode
from synth.routing.ranges import Range as Range
from synth.voices.ambient.layers import Layer
from synth.voices.base import Hit, SoundChoice, SpokenWord

if TYPE_CHECKING:
    from synth.media.remuxing import Digests
    from synth.media.sound.delivery import Delivery
    from synth.score.kept_files import Kept
    from synth.voices.library.matching import Laid


@dataclass(frozen=True)
class Output:
    """One file written.

    Attributes:
        source: the clip.
        target: the file written.
        mode: the voice that sounded it, never ``auto``.
        seed: of this take.
        take: 0 for the first.
        duration_s: length of picture and sound.
        sample_rate_hz: of the sound.
        channels: of the sound.
        hits: sorted by time; editable, and readable by ``sonorize render``.
        loudness_lufs: integrated loudness of the sound made; ``None`` for silence and where it cannot be measured.
        true_peak_dbtp: its true peak; ``None`` for silence.
        stages_s: stage -> wall seconds that the job waited for it; what was done beside something else meanwhile
            costs it nothing. Decoding and the net serve all takes: the same seconds stand in each.
        provenance: see :mod:`synth.provenance`.
        warnings: sentences for the person who asked.
        sound_class: what the sound is of, for voices that choose.
        made_s: where a take was cancelled and what was made of it kept: how many seconds that is; else ``None``.
        mode_reason: why that voice, in words.
        ranges: which voice sounds which part of the clip, where several do; empty where one does.
        library: the recordings of a sound library that are heard, in order of time, each with the next best.
        layers: what an ambient sound is made of, the foreground first.
        picture: whether the picture was copied bit by bit or coded again.
        digests: of its packets and of what is shown, in source and result.
        delivered: the sound as it comes back after decoding, with existing sound mixed in where that was asked for.
        kept: what is kept of it so that it can be corrected, where that was asked for; no part of its JSON.
        words: what is said, typed or read off the lips.
        decoded: the sound as it comes back after decoding, one channel, and its rate in Hz, where it is short and was
            decoded anyway; no part of its JSON.
    """

    source: Path
    target: Path
    mode: Mode
    seed: int
    take: int
    duration_s: float
    sample_rate_hz: int
    hits: tuple[Hit, ...]
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    stages_s: Mapping[str, float]
    provenance: Mapping[str, Any]
    warnings: tuple[str, ...]
    sound_class: SoundChoice | None = None
    made_s: float | None = None
    mode_reason: str = "asked for"
    ranges: tuple[Range, ...] = ()
    channels: Channels = Channels.STEREO
    library: tuple[Laid, ...] = ()
    layers: tuple[Layer, ...] = ()
    picture: Literal["copied", "encoded"] = "copied"
    digests: Digests | None = None
    delivered: Delivery | None = None
    kept: Kept | None = None
    words: tuple[SpokenWord, ...] = ()
    decoded: tuple[NDArray[np.float32], int] | None = field(default=None, compare=False, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, in the published order."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "mode": self.mode.value,
            "seed": self.seed,
            "take": self.take,
            "duration_s": self.duration_s,
            "sample_rate_hz": self.sample_rate_hz,
            "channels": self.channels.value,
            "hits": [hit.as_json() for hit in self.hits],
            "loudness_lufs": self.loudness_lufs,
            "true_peak_dbtp": self.true_peak_dbtp,
            "stages_s": {stage: round(seconds, 4) for stage, seconds in self.stages_s.items()},
            "provenance": dict(self.provenance),
            "warnings": list(self.warnings),
            "sound_class": self.sound_class.as_json() if self.sound_class else None,
            "made_s": self.made_s,
            "mode_reason": self.mode_reason,
            "ranges": [one.as_json() for one in self.ranges],
            "library": [one.as_json() for one in self.library],
            "layers": [one.as_json() for one in self.layers],
            "words": [one.as_json() for one in self.words],
            "picture": self.picture,
            "digests": self.digests.as_json() if self.digests else None,
            "delivered": self.delivered.as_json() if self.delivered else None,
        }


@dataclass(frozen=True)
class Result:
    """All outputs of one or several jobs."""

    outputs: tuple[Output, ...]

    def as_json(self) -> dict[str, Any]:
        """``{"outputs": [...]}`` with plain JSON values."""
        return {"outputs": [output.as_json() for output in self.outputs]}
