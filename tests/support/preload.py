"""For worker processes of the tests: imported by name at their start, it brings the voices without weights.

The seed of a job says how its worker shall fare, so that tests can decide it from another process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

from synth.errors import Cancelled
from synth.media.video import VideoInfo
from synth.options import Mode, Options
from synth.pipeline.modes import MODES
from synth.routing import router
from synth.voices.base import CancelPoll, Controls, Frame, Progress, Rendering, Take
from tests.support.voices import CHUNK_S, POISON_SEED, FlashVoice, HissVoice, flash_route

if "_pytest" in sys.modules:  # it would change the voices of every later test
    raise RuntimeError("tests.support.preload is for the processes of workers, not for that of the tests")


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


class TimedHiss(HissVoice):
    """Takes as many milliseconds for a sound as the seed says, beside its companions."""

    def render_all(self, takes: Sequence[Take]) -> list[Rendering]:
        if any(take.options.seed == POISON_SEED for take in takes):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().render_all(takes)


def _wait(take: Take, _chunk: int) -> None:
    chunks = max(1, round(take.controls.duration_s / CHUNK_S))
    time.sleep(take.options.seed / 1000 / chunks)


_VOICE: Final = TimedVoice()
_HISS: Final = TimedHiss(before_chunk=_wait)
MODES[Mode.HITS] = lambda: _VOICE
MODES[Mode.AMBIENT] = lambda: _HISS
router.route_clip = flash_route
