"""Several voices for one clip: each sounds a range of it, and the sounds are laid side by side.

A voice sees the frames of its own range only. Where its frames do not fall on the range's edges, the first and the last
of them are held, the last for as long as the cross-fade into the next range lasts. Each range is brought to the
loudness that is asked for before the next is laid beside it: voices differ in level.

Shapes: H x W = one frame, N = samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from synth.dsp.stereo import to_channels
from synth.errors import Cancelled
from synth.media import audio
from synth.options import Options
from synth.routing.ranges import RANGE_STEM
from synth.voices.ambient.layers import Layer
from synth.voices.base import CancelPoll, Controls, Frame, Hit, Progress, Rendering, Sound, Uniforms, Voice
from synth.voices.base import Part as SoundPart

if TYPE_CHECKING:
    from synth.media.video import VideoInfo
    from synth.voices.library.matching import Laid

CROSS_FADE_S: Final = 0.05
PARTS_S: Final = 540.0
"""Of so much sound the ranges are given as parts: each of them is as long as the clip."""

_ON_TIME: Final = 1e-6  # of a frame: rounding is no reason to take another one


@dataclass(frozen=True, eq=False)
class Part:
    """A range of a clip that its voice has looked at.

    Attributes:
        start_s, end_s: from the picture's start.
        offset_s: when the first frame that the voice saw is shown, at most a frame before ``start_s``.
        voice: whose it is.
        controls: what it saw, on a clock that begins at ``offset_s``.
    """

    start_s: float
    end_s: float
    offset_s: float
    voice: Voice
    controls: Controls


def look(
    voice: Voice,
    between_s: tuple[float, float],
    frames: Callable[[], Iterator[Frame]],
    info: VideoInfo,
    options: Options,
    progress: Progress,
    cancelled: CancelPoll,
) -> Part:
    """Let a voice look at a range of a clip.

    Args:
        between_s: where it begins and ends, from the picture's start.
        frames: gives all frames of the clip at the voice's rate and size.

    Raises:
        WeightsError: the weights are missing or damaged.
        Cancelled: ``cancelled()`` turned true.
    """
    start_s, end_s = between_s
    rate_hz = voice.rate_hz
    first, own = math.floor(start_s * rate_hz + _ON_TIME), math.ceil(start_s * rate_hz - _ON_TIME)
    whole = max(1, round(info.duration_s * rate_hz))
    last = whole if end_s >= info.duration_s else min(whole, max(own + 1, math.ceil(end_s * rate_hz - _ON_TIME)))
    held = 0 if last == whole else math.ceil(CROSS_FADE_S * rate_hz) + 1
    length_s = (last + held - first) / rate_hz
    if last == whole:
        length_s = info.duration_s - first / rate_hz
    share = length_s / info.duration_s
    told = replace(info, duration_s=length_s, frames=max(2, round(info.frames * share)))
    seen = _own_frames(frames(), own, last, before=own - first, after=held)
    controls = voice.controls(seen, told, options, progress, cancelled)
    return Part(start_s, end_s, first / rate_hz, voice, controls)


def _own_frames(frames: Iterator[Frame], own: int, last: int, *, before: int, after: int) -> Iterator[Frame]:
    """Frames ``own`` to ``last`` (not included), the first so often ``before`` them, the last so often ``after``."""
    frame: Frame | None = None
    for index, one in enumerate(frames):
        if index < own:
            continue
        for _ in range(before if index == own else 0):
            yield one.copy()
        frame = one
        yield one
        if index + 1 >= last:
            break
    if frame is not None:
        for _ in range(after):
            yield frame.copy()


class Medley:
    """What sounds a clip whose ranges have voices of their own; a :class:`synth.voices.base.Renderer`."""

    def __init__(self, parts: Sequence[Part], duration_s: float) -> None:
        self._parts = tuple(parts)
        self._duration_s = duration_s

    @property
    def sample_rate_hz(self) -> int:
        """The highest of its voices'."""
        return max(part.voice.sample_rate_hz for part in self._parts)

    def weights(self, options: Options) -> Mapping[str, str]:
        """Those of all its voices."""
        return {name: digest for part in self._parts for name, digest in part.voice.weights(options).items()}

    def controls(self) -> Controls:
        """What all voices saw, on the clock of the clip."""
        silences = [part.controls.silence for part in self._parts if part.controls.silence]
        quiet = len(silences) == len(self._parts)
        warnings = [
            f"from {part.start_s:.1f} to {part.end_s:.1f} s: {warning}"
            for part in self._parts
            for warning in (*part.controls.warnings, None if quiet else part.controls.silence)
            if warning
        ]
        return Controls(
            self._duration_s,
            hits=tuple(hit for part in self._parts for hit in _on_the_clip(part, part.controls.hits)),
            choice=next((part.controls.choice for part in self._parts if part.controls.choice), None),
            silence=silences[0] if quiet else None,
            warnings=tuple(warnings),
        )

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Sound one take, whose parts are the ranges; see :meth:`synth.voices.base.Voice.render`."""
        out = np.zeros((round(self._duration_s * self.sample_rate_hz), 2), np.float32)
        hits: list[Hit] = []
        laid: list[Laid] = []
        layers: list[Layer] = []
        ranges: list[SoundPart] = []
        for number, part in enumerate(self._parts):
            if cancelled():
                raise Cancelled("stopped between two ranges of the clip")
            rendering = _sound(part, options, _drawing(uniforms, number), cancelled)
            hits += _on_the_clip(part, rendering.hits)
            laid += _laid_on_the_clip(part, rendering.laid)
            layers += _layers_on_the_clip(part, rendering.layers)
            begin, piece = self._piece(number, rendering.sound, options, len(out))
            out[begin : begin + len(piece)] += piece
            if self._duration_s * len(self._parts) <= PARTS_S:
                alone = np.zeros_like(out)
                alone[begin : begin + len(piece)] = piece
                ranges.append(SoundPart(f"{RANGE_STEM}{number + 1}", alone))
            if rendering.made_s is not None:
                return Rendering(
                    out, tuple(hits), max(0.0, part.offset_s + rendering.made_s), tuple(laid), tuple(layers)
                )
        return Rendering(out, tuple(hits), laid=tuple(laid), layers=tuple(layers), parts=tuple(ranges))

    def _piece(self, number: int, sound: Sound, options: Options, count: int) -> tuple[int, Sound]:
        """The sound of a part with its cross-fades, and where in the whole of ``count`` samples it begins."""
        part, rate_hz = self._parts[number], self.sample_rate_hz
        fade = round(CROSS_FADE_S * rate_hz)
        begin, end = round(part.start_s * rate_hz), round(part.end_s * rate_hz)
        last = number == len(self._parts) - 1
        stop = count if last else min(count, end + fade)
        early = round((part.start_s - part.offset_s) * rate_hz)
        ready = audio.resample(to_channels(sound, 2), part.voice.sample_rate_hz, rate_hz)[early:]
        piece = np.zeros((stop - begin, 2), np.float32)
        piece[: len(ready)] = ready[: len(piece)]
        piece, _ = audio.normalise(
            piece, rate_hz, loudness_lufs=options.loudness_lufs, true_peak_dbtp=options.true_peak_dbtp
        )
        # Two sounds that have nothing to do with each other keep their loudness when their powers sum to one.
        rise = np.sin(np.linspace(0, np.pi / 2, fade, endpoint=False, dtype=np.float32))
        if number:
            piece[:fade] *= rise[: len(piece), None]
        if not last:
            tail = piece[end - begin :]
            tail *= np.cos(np.linspace(0, np.pi / 2, fade, endpoint=False, dtype=np.float32))[: len(tail), None]
        return begin, piece


def _sound(part: Part, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
    if part.controls.silence is not None:
        count = round(part.controls.duration_s * part.voice.sample_rate_hz)
        return Rendering(np.zeros(count, np.float32), part.controls.hits)
    return part.voice.render(part.controls, options, uniforms, cancelled)


def _drawing(uniforms: Uniforms, number: int) -> Uniforms:
    """Random numbers of a part's own: two ranges of one voice must not sound alike."""
    return lambda stream, start, count: uniforms(f"{stream}, range {number}", start, count)


def _on_the_clip(part: Part, hits: Sequence[Hit]) -> list[Hit]:
    """Hits of a part's clock on that of the clip; those in what is held at its edges are none."""
    moved = [replace(hit, time_s=hit.time_s + part.offset_s) for hit in hits]
    return [hit for hit in moved if part.start_s <= hit.time_s < part.end_s]


def _layers_on_the_clip(part: Part, layers: Sequence[Layer]) -> list[Layer]:
    """Layers of a part, which begin and end with it at the latest."""
    return [
        replace(
            layer,
            start_s=max(part.start_s, part.offset_s + (layer.start_s or 0.0)),
            end_s=part.end_s if layer.end_s is None else min(part.end_s, part.offset_s + layer.end_s),
        )
        for layer in layers
    ]


def _laid_on_the_clip(part: Part, laid: Sequence[Laid]) -> list[Laid]:
    """The same for sounds of a library; what reaches beyond the part ends with it."""
    moved = [replace(one, start_s=one.start_s + part.offset_s, end_s=one.end_s + part.offset_s) for one in laid]
    inside = [one for one in moved if part.start_s <= one.start_s < part.end_s or one.what == "bed"]
    return [replace(one, start_s=max(one.start_s, part.start_s), end_s=min(one.end_s, part.end_s)) for one in inside]
