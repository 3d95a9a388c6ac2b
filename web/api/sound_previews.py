"""Short listens to the catalogue, made here: one at a time, and the last ones kept.

A sound is computed at many times its own speed by numpy, which lets go of the interpreter while it works; so a listen
of a few seconds needs no worker, and the pages stay quick.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile

from synth.voices.ambient.catalogue.registry import sound_class
from synth.voices.ambient.catalogue.rendering import DEFAULT_RATE_HZ, performance_of, render

KEPT: Final = 48
WAIT_S: Final = 15.0
_PEAK: Final = 0.7


@dataclass(frozen=True)
class Preview:
    """What is listened to; the same always sounds the same."""

    name: str
    seed: int
    duration_s: float
    knobs: tuple[tuple[str, float], ...]

    def flac(self) -> bytes:
        """The sound as a file, at the level of its peak."""
        sound = sound_class(self.name)
        performance = performance_of(sound, seed=self.seed, knobs=dict(self.knobs))
        samples = render(sound, performance, self.duration_s)
        peak = float(np.abs(samples).max(initial=0.0))
        file = io.BytesIO()
        soundfile.write(file, samples * (_PEAK / max(peak, 1e-9)), DEFAULT_RATE_HZ, "PCM_16", format="FLAC")
        return file.getvalue()


class Previews:
    """Makes one at a time, and keeps the last :data:`KEPT`."""

    def __init__(self) -> None:
        self._made: OrderedDict[Preview, bytes] = OrderedDict()
        self._making, self._reading = threading.Lock(), threading.Lock()

    def get(self, wanted: Preview) -> bytes | None:
        """The file; None if others were being made for :data:`WAIT_S`."""
        found = self._known(wanted)
        if found is not None:
            return found
        if not self._making.acquire(timeout=WAIT_S):
            return None
        try:
            found = self._known(wanted)  # whoever made the lock wait may have asked for the same
            return found if found is not None else self._keep(wanted, wanted.flac())
        finally:
            self._making.release()

    def _known(self, wanted: Preview) -> bytes | None:
        with self._reading:
            if wanted in self._made:
                self._made.move_to_end(wanted)
            return self._made.get(wanted)

    def _keep(self, made: Preview, file: bytes) -> bytes:
        with self._reading:
            self._made[made] = file
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return file


previews: Final = Previews()
"""Of this process."""
