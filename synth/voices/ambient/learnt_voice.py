"""The learnt ambient voice, ``synthesis=learnt``: the SampleRNN of ten classes, brought to 48 kHz and two channels.

What it makes at 16 kHz gets the band above 8 kHz from its own envelope (:mod:`synth.dsp.band_replication`); what is all
around is made wide, what is one thing is panned to where the picture moves, as for computed layers.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from synth.dsp.band_replication import replicate
from synth.dsp.decorrelation import Decorrelator
from synth.dsp.stereo import panned
from synth.voices.ambient import mixing
from synth.voices.ambient.computed_voice import drive_from
from synth.voices.ambient.layering import BEDS
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.voice import AmbientVoice
from synth.voices.base import Controls, Rendering, Sound, Take


class LearntVoice(AmbientVoice):
    """A :class:`synth.voices.base.BatchVoice`; see :class:`synth.voices.ambient.voice.AmbientVoice`."""

    sample_rate_hz = mixing.RATE_HZ

    def render_all(self, takes: Sequence[Take]) -> list[Rendering]:
        """As the decoder makes them, each brought to 48 kHz stereo as soon as it is there."""
        done: dict[int, Rendering] = {}

        def finish(number: int, rendering: Rendering) -> None:
            if number not in done:
                done[number] = _staged(rendering, takes[number].controls)
                takes[number].finished(done[number])

        inner = [
            dataclasses.replace(take, finished=functools.partial(finish, number)) for number, take in enumerate(takes)
        ]
        for number, rendering in enumerate(super().render_all(inner)):
            finish(number, rendering)
        return [done[number] for number in range(len(takes))]


def _staged(rendering: Rendering, controls: Controls) -> Rendering:
    assert controls.choice is not None
    name = controls.choice.name
    drive = drive_from(controls)
    sound = replicate(rendering.sound)
    staged: Sound
    if name in BEDS:
        staged, pan = np.asarray(Decorrelator(mixing.RATE_HZ).widen(sound), np.float32), None
    else:
        time_s = np.arange(len(sound)) / mixing.RATE_HZ
        staged, pan = panned(sound, drive.pan.at(time_s)), round(float(drive.pan.values.mean()), 3)
    return dataclasses.replace(rendering, sound=staged, layers=(Layer(name, pan=pan),))
