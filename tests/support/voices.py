"""Tiny real voices, so that the pipeline can be tested without weights.

One clicks where the picture brightens; the other hisses as loud as the picture is bright, many takes at once. A router
as small as they are chooses between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import Cancelled
from synth.media import video
from synth.media.picture.views import Views
from synth.media.video import VideoInfo
from synth.options import Mode, Options
from synth.result import Range
from synth.routing.router import Route
from synth.voices.base import (
    NO_HITS,
    CancelPoll,
    Controls,
    Frame,
    Hit,
    Progress,
    Rendering,
    Sound,
    SoundChoice,
    Take,
    Uniforms,
    ignore_progress,
    never_cancelled,
)

CLICK_S = 0.3
TALKING = 0.5  # mean brightness of a picture, 0..1, from which on it is the hiss that is wanted
CHUNK_S = 0.25
POISON_SEED = 666
"""Of a job that kills its worker; see :mod:`tests.support.preload`."""
STEP = 40.0  # mean grey levels between two frames that count as a contact


@dataclass
class FlashVoice:
    """Hits where a frame is much brighter than the one before; each sounds as a burst of decaying noise."""

    rate_hz: float = 30.0
    sample_rate_hz: int = 22_050
    looked: int = 0
    rendered: int = 0

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        return 16, 12

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


@dataclass
class HissVoice:
    """Noise as loud as the picture is bright: rain where it flashes, and dark it is nothing it knows.

    All takes advance by a chunk in turn, each is polled before its own, and is handed over as soon as it ends.
    """

    rate_hz: float = 30.0
    sample_rate_hz: int = 16_000
    looked: int = 0
    batches: list[int] = field(default_factory=list)
    before_chunk: Callable[[Take, int], None] = lambda _take, _chunk: None

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        return 16, 12

    def weights(self, options: Options) -> Mapping[str, str]:
        return {"hiss": "1" * 64}

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        self.looked += 1
        levels = []
        for frame in frames:
            if cancelled():
                raise Cancelled("the caller asked to stop")
            levels.append([float(frame.mean()) / 255])
            progress("look", min(1.0, len(levels) / self.rate_hz / info.duration_s))
        return Controls(
            info.duration_s,
            track=np.array(levels, np.float32),
            track_rate_hz=self.rate_hz,
            choice=_choose(max(levels)[0], options.sound_class),
        )

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        return self.render_all([Take(controls, options, uniforms, ignore_progress, cancelled)])[0]

    def render_all(self, takes: Sequence[Take]) -> list[Rendering]:
        self.batches.append(len(takes))
        made: dict[int, Rendering] = {}
        parts: dict[int, list[Sound]] = {number: [] for number in range(len(takes))}
        chunk = 0
        while len(made) < len(takes):
            for number, take in enumerate(takes):
                if number not in made and (ended := self._advance(take, chunk, parts[number])):
                    made[number] = ended
                    take.finished(ended)
            chunk += 1
        return [made[number] for number in range(len(takes))]

    def _advance(self, take: Take, chunk: int, parts: list[Sound]) -> Rendering | None:
        """One chunk more; the rendering if that was the last, or if the take was cancelled."""
        self.before_chunk(take, chunk)
        size = round(CHUNK_S * self.sample_rate_hz)
        count = round(take.controls.duration_s * self.sample_rate_hz)
        if take.cancelled():
            silence = np.zeros(max(0, count - chunk * size), np.float32)
            return Rendering(np.concatenate([*parts, silence]), made_s=chunk * CHUNK_S)
        track = take.controls.track
        assert track is not None
        times = np.arange(chunk * size, min(count, (chunk + 1) * size))
        rows = np.minimum(times * self.rate_hz / self.sample_rate_hz, len(track) - 1).astype(int)
        noise = take.uniforms("hiss", chunk * size, len(times)) * 2 - 1
        parts.append((0.5 * track[rows, 0] * noise).astype(np.float32))
        take.progress("render", len(times) and (times[-1] + 1) / count)
        return Rendering(np.concatenate(parts)) if (chunk + 1) * size >= count else None


def _choose(brightest: float, asked: str | None) -> SoundChoice:
    if asked is not None:
        return SoundChoice(asked, 1.0, {}, True, "it was asked for")
    sure = 0.82 if brightest > 0.5 else 0.19
    rest = (1 - sure) / (len(AMBIENT_CLASSES) - 1)
    odds = {name: sure if name == "rain" else rest for name in AMBIENT_CLASSES}
    reason = "the picture flashes as rain does" if brightest > 0.5 else "nothing in the picture says what it is"
    return SoundChoice("rain", sure, odds, brightest > 0.5, reason)


def flash_route(
    source: Path,
    info: VideoInfo,
    modes: Collection[Mode],
    *,
    views: Views | None = None,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Route:
    """Hits; but where half a second or more of the picture is bright, the ambient voice."""
    rate_hz = 10.0
    frames = video.read_frames(source, rate_hz=rate_hz, width=16, height=12, lenient=True, cancelled=cancelled)
    bright = [float(frame.mean()) > TALKING * 255 for frame in frames]
    progress("route", 1.0)
    edges = [0, *(k for k in range(1, len(bright)) if bright[k] != bright[k - 1]), len(bright)]
    ranges: list[Range] = []
    for first, last in itertools.pairwise(edges):
        mode = Mode.AMBIENT if bright[first] and last - first >= 5 else Mode.HITS
        end_s = info.duration_s if last == len(bright) else last / rate_hz
        if ranges and ranges[-1].mode is mode:
            ranges[-1] = replace(ranges[-1], end_s=end_s)
        else:
            ranges.append(Range(first / rate_hz, end_s, mode, 0.9, f"it looks like {mode.value}"))
    hits_s = sum(one.end_s - one.start_s for one in ranges if one.mode is Mode.HITS)
    share = hits_s / info.duration_s
    mode = Mode.HITS if share >= 0.5 else Mode.AMBIENT
    odds = {Mode.HITS: 0.05 + 0.9 * share, Mode.AMBIENT: 0.95 - 0.9 * share, Mode.SPEECH: 0.0}
    return Route(mode, odds, f"it flashes for {hits_s:.1f} of {info.duration_s:.1f} s", tuple(ranges))
