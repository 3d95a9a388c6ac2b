"""The ambient voice: up to three computed sounds of the catalogue, chosen and driven by the picture, in stereo.

The picture decides which sounds are heard (:mod:`synth.models.vocabulary.sound_selector` ranks them,
:mod:`synth.voices.ambient.layering` takes up to three) or a person does; it turns their knobs and pans them
(:mod:`synth.voices.ambient.picture_drive`). Sound is made in blocks of a second, take by take in turn, so that length
costs no memory but that of the sound itself, and a take that is cancelled keeps what was made of it.

Importable without torch; looking at a picture loads it. Shapes: T = picture frames (15.625 a second), N = samples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.errors import Cancelled
from synth.media.video import VideoInfo
from synth.models.vocabulary.sound_selector import Ranked, SoundSelection, select_sounds
from synth.options import Options
from synth.voices.ambient import mixing, scene
from synth.voices.ambient.catalogue import call_shapes
from synth.voices.ambient.layering import layers_of
from synth.voices.ambient.layers import Candidate, Layer
from synth.voices.ambient.picture_drive import PictureDrive, drive_of, first_move_s
from synth.voices.ambient.prompting.asked import asked_of
from synth.voices.base import (
    CancelPoll,
    Controls,
    Frame,
    Part,
    Progress,
    Rendering,
    SoundChoice,
    Take,
    Uniforms,
    ignore_progress,
)

BLOCK_S: Final = 1.0
"""What is made between two looks at who is cancelled."""
EVERY: Final = 16
"""The network looks at each sixteenth frame, about one a second: four pictures of a clip say as much as all."""
_TOLD: Final = 12  # so many sounds' evidence is told


class ComputedVoice:
    """The voice of mode ``ambient``; a :class:`synth.voices.base.BatchVoice`."""

    rate_hz = scene.RATE_HZ
    sample_rate_hz = mixing.RATE_HZ

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """The same for every clip: what the packaged backbone sees."""
        return scene.FRAME_SIZE

    def weights(self, options: Options) -> Mapping[str, str]:
        """Name -> sha256 of the backbone that looks at the picture and of the measured calls."""
        return {
            weights.IMAGENET_FILE: weights.IMAGENET_SHA256,
            call_shapes.NAME: weights.entry(call_shapes.NAME).sha256,
        }

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        """The layers and what drives them; see :meth:`synth.voices.base.Voice.controls`."""
        seen = scene.look(
            frames,
            expected_frames=round(info.duration_s * self.rate_hz),
            eye=scene.word_eye(),
            every=EVERY,
            progress=progress,
            cancelled=cancelled,
        )
        asked = asked_of(options, info.duration_s)
        selection = select_sounds(seen.words, seen.cues, asked.exclusions.sounds)
        drive = drive_of(seen.motion, seen.activity, seen.position)
        named = options.sound_class if asked.parsed is None else asked.parsed.layers[0].sound
        choice = choice_of(selection, named)
        layers = layers_of(selection, onsets=len(drive.onsets_s) > 0, moves_s=first_move_s(seen.activity))
        if options.sound_class is not None:
            layers = (Layer(options.sound_class),)
        warnings: tuple[str, ...] = () if choice.fits else (choice.reason,)
        if asked.parsed is not None:
            layers = asked.parsed.layers
            choice = dataclasses.replace(choice, reason=f"asked for in words: {asked.parsed.told}")
            warnings = tuple(f"of the prompt was ignored: {ignored}" for ignored in asked.parsed.ignored)
        return Controls(
            info.duration_s,
            track=seen.activity[:, None],
            track_rate_hz=self.rate_hz,
            choice=choice,
            features={"motion": seen.motion, "position": seen.position[:, None]},
            layers=layers,
            warnings=warnings,
        )

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Sound one take; see :meth:`synth.voices.base.Voice.render`."""
        rendering = self.render_all([Take(controls, options, uniforms, ignore_progress, cancelled)])[0]
        if rendering.made_s is not None:
            raise Cancelled("stopped while making the sound")
        return rendering

    def render_all(self, takes: Sequence[Take]) -> list[Rendering]:
        """Sound all takes, a block of each in turn; see :meth:`synth.voices.base.BatchVoice.render_all`."""
        mixes = [_Mix(take) for take in takes]
        at_work = list(mixes)
        while at_work:
            at_work = [mix for mix in at_work if mix.goes_on()]
        return [mix.hand_over() for mix in mixes]


def choice_of(selection: SoundSelection, asked: str | None) -> SoundChoice:
    """What is told of a selection; ``asked`` is the sound that a person named instead."""
    offered = [selection.best, *selection.candidates]
    told = dict(list(selection.evidence.items())[:_TOLD])
    if asked is None:
        candidates, rest = selection.best, selection.candidates
        return SoundChoice(
            candidates.name,
            candidates.evidence,
            told,
            fits=selection.fits,
            reason=selection.reason,
            candidates=_candidates(rest),
        )
    others = [one for one in offered if one.name != asked][:4]
    reason = f"{asked.replace('_', ' ')} was asked for"
    return SoundChoice(asked, 1.0, told, fits=True, reason=reason, candidates=_candidates(others))


def _candidates(ranked: Sequence[Ranked]) -> tuple[Candidate, ...]:
    return tuple(Candidate(one.name, one.evidence, one.reason) for one in ranked)


def drive_from(controls: Controls) -> PictureDrive:
    """The curves of a clip that was looked at; a still one where nobody looked."""
    track, features = controls.track, controls.features
    if track is None or "motion" not in features:
        none = np.zeros(0, np.float32)
        return drive_of(np.zeros((0, len(scene.MOTION)), np.float32), none, none)
    return drive_of(features["motion"], track[:, 0], features["position"][:, 0])


class _Mix:
    """One take on its way."""

    def __init__(self, take: Take) -> None:
        self._take = take
        controls = take.controls
        self._sound: NDArray[np.float32] = np.zeros((round(controls.duration_s * mixing.RATE_HZ), 2), np.float32)
        self._made = 0
        self._cut = False
        self._rendering: Rendering | None = None
        seeds = [_seed(take.uniforms, number, layer) for number, layer in enumerate(controls.layers)]
        self._stems = mixing.stems_of(controls.layers, drive_from(controls), seeds)
        self._parts = [np.zeros_like(self._sound) for _ in self._stems] if take.in_parts else []

    def goes_on(self) -> bool:
        """Make one more block; false when there is none, or nobody who wants it, and it was handed over."""
        count = min(round(BLOCK_S * mixing.RATE_HZ), len(self._sound) - self._made)
        self._cut = count > 0 and self._take.cancelled()
        if self._cut or count <= 0:
            self.hand_over()
            return False
        block = self._sound[self._made : self._made + count]
        for number, stem in enumerate(self._stems):
            piece = stem.read(self._made, count).astype(np.float32)
            block += piece * stem.gain
            if self._parts:
                self._parts[number][self._made : self._made + count] = piece
        self._made += count
        self._take.progress("render", self._made / len(self._sound))
        return True

    def hand_over(self) -> Rendering:
        """What there is, silence where a cancelled take was not reached. Whoever waits is told once."""
        if self._rendering is None:
            made_s = self._made / mixing.RATE_HZ if self._cut else None
            layers = tuple(stem.told() for stem in self._stems)
            parts = tuple(
                Part(layer_part(number), sound, stem.layer.level_db)
                for number, (sound, stem) in enumerate(zip(self._parts, self._stems, strict=False))
            )
            self._rendering = Rendering(self._sound, made_s=made_s, layers=layers, parts=parts)
            self._take.finished(self._rendering)
        return self._rendering


def layer_part(number: int) -> str:
    """The name of the part of a sound that is a layer, by its number from 0."""
    return f"layer-l{number + 1}"


def render_layer(
    layer: Layer, number: int, controls: Controls, uniforms: Uniforms, cancelled: CancelPoll
) -> NDArray[np.float32]:
    """One layer by itself [N, 2], before its own level: the same samples as among others.

    Args:
        number: among the layers of the take, from 0; its random numbers come from it, and 0 is the foreground.

    Raises:
        Cancelled: ``cancelled()`` turned true.
    """
    stem = mixing.Stem(layer, drive_from(controls), _seed(uniforms, number, layer), foreground=number == 0)
    out = np.zeros((round(controls.duration_s * mixing.RATE_HZ), 2), np.float32)
    block = round(BLOCK_S * mixing.RATE_HZ)
    for start in range(0, len(out), block):
        if cancelled():
            raise Cancelled("stopped while making the sound")
        count = min(block, len(out) - start)
        out[start : start + count] = stem.read(start, count)
    return out


def _seed(uniforms: Uniforms, number: int, layer: Layer) -> int:
    """A layer's seed from the take's random numbers: two takes, ranges or layers never share one."""
    high, low = (int(float(value) * 2**24) for value in uniforms(f"layer {number}, {layer.sound}", 0, 2))
    return high << 24 | low
