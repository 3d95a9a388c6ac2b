"""For worker processes of the tests: imported by name at their start, it sounds hits with the voice without weights.

The seed of a job says how its worker shall fare, so that tests can decide it from another process.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Final

from synth import pipeline
from synth.errors import Cancelled
from synth.media.video import VideoInfo
from synth.options import Mode, Options
from synth.synthesis.base import CancelPoll, Controls, Frame, Progress
from tests.voices import FlashVoice

POISON_SEED: Final = 666  # kills its worker


class TimedVoice(FlashVoice):
    """Looks for as many milliseconds as the seed says before it looks at anything."""

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        if options.seed == POISON_SEED:
            os.kill(os.getpid(), signal.SIGKILL)
        until = time.monotonic() + options.seed / 1000
        while time.monotonic() < until:
            if cancelled():
                raise Cancelled("the caller asked to stop")
            progress("look", 0.0)
            time.sleep(0.01)
        return super().controls(frames, info, options, progress, cancelled)


_VOICE: Final = TimedVoice()
pipeline.MODES[Mode.HITS] = lambda: _VOICE
