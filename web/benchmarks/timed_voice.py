"""For the workers of a bench: a voice that takes as many milliseconds as its job's seed says, and needs no weights.

It waits instead of working, so that several workers on few processors show what queue, database and broker cost. Of
jobs that a worker does side by side one waits at a time, as one voice has one processor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from synth.errors import Cancelled
from synth.media.video import VideoInfo
from synth.options import Mode, Options
from synth.pipeline.modes import MODES
from synth.voices.base import CancelPoll, Controls, Frame, Progress, Rendering, Uniforms

_LOOK_S: Final = 0.02
_BUSY: Final = threading.Lock()


class TimedVoice:
    """A :class:`synth.voices.base.Voice`."""

    rate_hz = 1.0
    sample_rate_hz = 48_000

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """As small as can be."""
        return 16, 16

    def weights(self, options: Options) -> Mapping[str, str]:
        """None."""
        return {}

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        """Nothing is looked at."""
        with _BUSY:
            until = time.monotonic() + options.seed / 1000
            while time.monotonic() < until:
                if cancelled():
                    raise Cancelled("the caller asked to stop")
                time.sleep(_LOOK_S)
        return Controls(info.duration_s)

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """One click."""
        sound = np.zeros(round(controls.duration_s * self.sample_rate_hz), np.float32)
        sound[: min(1, len(sound))] = 0.5
        return Rendering(sound)


_VOICE: Final = TimedVoice()
MODES[Mode.HITS] = lambda: _VOICE
