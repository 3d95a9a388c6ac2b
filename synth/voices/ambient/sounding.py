"""One take of the learnt ambient decoder on its way from controls to sound: its streams, what they are fed, its levels.

A bed is several streams, see :mod:`synth.voices.ambient.segments`; any other sound is one. Importable without torch.

Shapes as in :mod:`synth.voices.ambient.voice`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from synth.ambient_classes import AMBIENT_CLASSES
from synth.sampler.base import Stream, stream_number
from synth.voices.ambient import band_envelopes, segments
from synth.voices.ambient.envelope_bank import EnvelopeBank, Guide
from synth.voices.ambient.envelope_bank import lift as lift_of
from synth.voices.ambient.harmonics import with_harmonics
from synth.voices.base import Controls, Rendering, Take

if TYPE_CHECKING:
    from synth.models.visual_to_sound import Picture, VisualToSound
    from synth.sampler.base import Sampler

RATE_HZ: Final = band_envelopes.RATE_HZ

TEMPERATURE: Final = 0.9
"""Of .75, .85, .9, .92 and 1 the one whose sounds a classifier of recordings took most often for their class."""

_STREAM: Final = stream_number("ambient")
_FED_FRAMES: Final = 512  # conditioning is computed for so many at once


@dataclass(frozen=True)
class Decoder:
    """A network ready to make sound.

    Attributes:
        network: on the CPU, for conditioning and first states.
        sampler: its decoder, packed.
        bank: band levels and fine structure of recordings, for the guided variant; else ``None``.
    """

    network: VisualToSound
    sampler: Sampler
    bank: EnvelopeBank | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that it can sound; a decoder without a code sounds the one it was trained on, by any name."""
        return self.network.config.classes or AMBIENT_CLASSES


class Sounding:
    """One take on its way: one stretch, or segments of a bed, some at a time."""

    def __init__(self, decoder: Decoder, take: Take, *, segmented: bool = True) -> None:
        import torch

        from synth.models.visual_to_sound import Picture

        self._decoder, self._take = decoder, take
        config, controls = decoder.network.config, take.controls
        self._top = config.decoder.top_frame
        self._count = round(controls.duration_s * RATE_HZ)
        self._cut = False
        self._rendering: Rendering | None = None
        assert controls.choice is not None
        per_picture = round(RATE_HZ / controls.track_rate_hz)
        steps = self._count // band_envelopes.HOP + 2
        self._activity = band_envelopes.at_frames(_activity(controls), 0, steps, band_envelopes.HOP, per_picture)[:, 0]
        self.guide: Guide | None = None
        if decoder.bank is not None:
            self.guide = decoder.bank.choose(controls.choice.name, self._activity, steps, take.uniforms)
        self._picture: Picture = Picture(
            torch.tensor([[float(name == controls.choice.name) for name in config.classes]]),
            *(torch.from_numpy(part)[None] for part in _shown(config.appearance, controls)),
        )
        whole = -(-self._count // self._top) * self._top
        self._segments = [segments.Segment(0, 0, 0, whole, 0)]
        if segmented and self.guide is not None and controls.choice.name in segments.SEGMENTED:
            self._segments = segments.plan(whole, self._top, RATE_HZ)
        self._stretches: list[_Stretch] = []  # those begun, in order
        self._total = sum(segment.end - segment.first for segment in self._segments)

    def goes_on(self) -> bool:
        """Whether there is more to make and somebody who wants it."""
        done = self._made() == self._total
        self._cut = self._cut or (not done and self._take.cancelled())
        return not self._cut and not done

    def stretches(self, most: int) -> list[_Stretch]:
        """What is to be carried on now; the next ``most`` segments begin when all before them are done."""
        left = [stretch for stretch in self._stretches if stretch.left]
        if not left:
            begun = len(self._stretches)
            left = [self._begin(segment) for segment in self._segments[begun : begun + most]]
            self._stretches += left
        return left

    def tell(self) -> None:
        """How much is made."""
        self._take.progress("render", self._made() / self._total)

    def hand_over(self) -> Rendering:
        """What there is, as sound; silence where a cancelled take was not reached. Whoever waits is told once."""
        if self._rendering is None:
            self._rendering = self._render()
            self._take.finished(self._rendering)
        return self._rendering

    def _made(self) -> int:
        return sum(stretch.made for stretch in self._stretches)

    def _begin(self, segment: segments.Segment) -> _Stretch:
        from synth.models.reproducible import reproducible_inference

        network, take = self._decoder.network, self._take
        initial = None
        if network.config.variant in ("seq", "flow"):
            with reproducible_inference():
                initial = network.start(self._picture, 1)[0][:, :, 0].numpy()
        number = _STREAM if segment.number == 0 else stream_number(f"ambient {segment.number}")
        stream = self._decoder.sampler.start(take.options.seed, number, temperature=TEMPERATURE, initial=initial)
        if self.guide is not None:
            # After exact silence, which recordings have a lot of, the decoder may stay silent for seconds: it begins
            # after noise that is as loud as the first moment is to be.
            levels = self.guide.levels
            at = min(segment.first // band_envelopes.HOP, len(levels) - 1)
            level = float(band_envelopes.loudness(levels[at : at + 1])[0])
            noise = take.uniforms("before", segment.number * self._top, self._top) * 2 - 1
            stream.before = network.config.decoder.encode(noise * 10 ** ((level - 1) * band_envelopes.RANGE_DB / 20))
        return _Stretch(network, segment, stream, self._picture, None if self.guide is None else self.guide.levels)

    def _render(self) -> Rendering:
        coding = self._decoder.network.config.decoder
        pieces = ((stretch.segment, coding.decode(stretch.levels())) for stretch in self._stretches)
        whole, reached = segments.joined(self._segments[-1].end, pieces)
        made = min(self._count, reached)
        sound = whole[: self._count]
        if self.guide is None:
            sound[:made] *= _gain(self._activity, self._count)[:made]
        elif made:
            sound[:made] = with_harmonics(sound[:made], self.guide)
        return Rendering(sound, made_s=made / RATE_HZ if self._cut else None)


class _Stretch:
    """One stream on its way: a segment of a take, or all of it."""

    def __init__(
        self,
        network: VisualToSound,
        segment: segments.Segment,
        stream: Stream,
        picture: Picture,
        track: band_envelopes.Levels | None,
    ) -> None:
        self.segment, self.stream = segment, stream
        self.made = 0
        self._network, self._picture, self._track = network, picture, track
        self._top = network.config.decoder.top_frame
        self._levels = np.empty(segment.end - segment.first, np.uint8)
        self._fed = np.zeros((0, 0), np.float32)

    @property
    def left(self) -> int:
        """Top frames that are still to be made."""
        return (len(self._levels) - self.made) // self._top

    def conditioning(self, count: int) -> NDArray[np.float32]:
        """What the top tier is fed in the next ``count`` frames, [count, C]."""
        if len(self._fed) < count:
            first = (self.segment.first + self.made) // self._top
            self._fed = self._feed(first, min(self.left, max(count, _FED_FRAMES)))
        fed, self._fed = self._fed[:count], self._fed[count:]
        return fed

    def take_in(self, levels: NDArray[np.uint8]) -> None:
        """Keep what was made."""
        self._levels[self.made : self.made + len(levels)] = levels
        self.made += len(levels)

    def levels(self) -> NDArray[np.uint8]:
        """What is made."""
        return self._levels[: self.made]

    def _feed(self, first: int, count: int) -> NDArray[np.float32]:
        import torch

        from synth.models.reproducible import reproducible_inference

        picture = self._picture
        if self._track is not None:
            track = band_envelopes.at_frames(self._track, first, count, self._top)
            picture = picture._replace(levels=torch.from_numpy(track)[None])
        with reproducible_inference():
            fed = self._network.conditioning(picture, first, count)
        return np.zeros((count, 0), np.float32) if fed is None else fed[0].numpy()


def _shown(appearance: int, controls: Controls) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the network is told of the picture, [T, A] and [T, M].

    A network of recordings knows pictures by what a selector makes of them; one of videos by their features.
    """
    assert controls.choice is not None
    if "appearance" in controls.features:
        return controls.features["appearance"], controls.features["motion"]
    activity = _activity(controls)
    told = controls.choice.probabilities or {controls.choice.name: 1.0}
    shares = np.array([told.get(name, 0.0) for name in AMBIENT_CLASSES[:appearance]], np.float32)
    return np.repeat(shares[None], len(activity), 0), activity


def _activity(controls: Controls) -> NDArray[np.float32]:
    """How much moves, float32 [T, 1]; a still picture where there is no track."""
    if controls.track is None or len(controls.track) == 0:
        return np.full((1, 1), 0.5, np.float32)
    return np.asarray(controls.track[:, :1], np.float32)


def _gain(activity: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """How much louder or quieter each sample is for what the picture does, [N]."""
    lift = lift_of(activity)
    at = np.interp(np.arange(count) / band_envelopes.HOP, np.arange(len(lift)), lift)
    return np.asarray(10 ** (at * band_envelopes.RANGE_DB / 20), np.float32)
