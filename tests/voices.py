"""A tiny real voice, so that the pipeline can be tested without weights: it clicks where the picture brightens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from synth.errors import Cancelled
from synth.media.video import VideoInfo
from synth.options import Options
from synth.synthesis.base import NO_HITS, CancelPoll, Controls, Frame, Hit, Progress, Rendering, Uniforms

CLICK_S = 0.3
STEP = 40.0  # mean grey levels between two frames that count as a contact


@dataclass
class FlashVoice:
    """Hits where a frame is much brighter than the one before; each sounds as a burst of decaying noise."""

    rate_hz: float = 30.0
    frame_size: tuple[int, int] = (16, 12)
    sample_rate_hz: int = 22_050
    looked: int = 0
    rendered: int = 0

    def weights(self, options: Options) -> Mapping[str, str]:
        return {"flash": "0" * 64}

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        self.looked += 1
        hits, before = [], None
        for index, frame in enumerate(frames):
            if cancelled():
                raise Cancelled("the caller asked to stop")
            grey = float(frame.mean())
            if before is not None and grey - before > STEP:
                strength = min(1.0, (grey - before) / 255)
                hits.append(Hit(index / self.rate_hz, strength, options.material or "wood", 0.9, {"wood": 0.8}))
            before = grey
            progress("look", min(1.0, index / self.rate_hz / info.duration_s))
        return Controls(info.duration_s, tuple(hits), silence=None if hits else NO_HITS)

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        self.rendered += 1
        count = round(CLICK_S * self.sample_rate_hz)
        sound = np.zeros(round(controls.duration_s * self.sample_rate_hz) + count, np.float32)
        decay = np.exp(-np.arange(count) / (0.2 * count)).astype(np.float32)
        for number, hit in enumerate(controls.hits):
            start = round(hit.time_s * self.sample_rate_hz)
            noise = uniforms(f"hit-{number}", 0, count) * 2 - 1
            sound[start : start + count] += hit.strength * decay * noise
        return Rendering(sound, tuple(replace(hit, exemplar=hit.exemplar or "noise") for hit in controls.hits))
