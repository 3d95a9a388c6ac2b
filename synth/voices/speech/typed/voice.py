"""The voice of ``--text``: typed words in time with the lips of whoever is seen, for any face and any vocabulary.

    faces followed -> the one that speaks -> its lips read -> the sentences laid against them -> the synthesiser

The lips are read as :mod:`synth.voices.speech.voice` reads them; what that says is not heard, only when it says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from synth import weights
from synth.errors import Cancelled, OptionError
from synth.media.video import VideoInfo
from synth.options import Options
from synth.voices.base import CancelPoll, Controls, Frame, Progress, Rendering, Uniforms
from synth.voices.speech import face_detection, speaker_reading, spectra
from synth.voices.speech import voice as lip_voice
from synth.voices.speech.typed import placement, script, synthesiser


class TypedVoice:
    """A :class:`synth.voices.base.Voice`."""

    rate_hz = speaker_reading.RATE_HZ
    sample_rate_hz = synthesiser.RATE_HZ

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """See :func:`synth.voices.speech.speaker_reading.frame_size`."""
        return speaker_reading.frame_size(info)

    def weights(self, options: Options) -> Mapping[str, str]:
        """Name -> sha256 of the synthesiser, of what reads the lips and of what finds faces."""
        pack = weights.VOICE_PREFIX + (options.voice or lip_voice.DEFAULT_VOICE)
        of_pack = weights.entry(pack).sha256
        return {"hibari-tts 0.2.1": synthesiser.MODEL_SHA256, pack: of_pack, **face_detection.NETWORKS}

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        """What the lips seem to say, and when the typed words are said.

        Raises:
            MediaError: no face is found.
            OptionError: the face or the voice that is asked for is not there, or the text cannot be said in this clip.
            WeightsError, Cancelled: as :meth:`synth.voices.base.Voice.controls`.
        """
        cues = script.parse(_text(options))
        speaker = synthesiser.synthesiser()
        network = lip_voice.load(options.voice or lip_voice.DEFAULT_VOICE).network
        lips = speaker_reading.read(network, frames, info, options.face, progress, cancelled)
        placed = placement.place(cues, lips.mel, info.duration_s, speaker)
        return Controls(
            info.duration_s,
            track=lips.mel,
            track_rate_hz=spectra.RATE_HZ / spectra.HOP,
            words=placed.words,
            warnings=(*lips.warnings(), *placed.notes),
        )

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Say it; see :meth:`synth.voices.base.Voice.render`."""
        if controls.track is None:
            raise OptionError("typed words need the lips that they are said with; there are none")
        cues = script.parse(_text(options))
        placed = placement.place(cues, controls.track, controls.duration_s, synthesiser.synthesiser())
        out = np.zeros(round(controls.duration_s * self.sample_rate_hz), np.float32)
        for number, one in enumerate(placed.sentences):
            if cancelled():
                raise Cancelled("stopped while speaking")
            seed = int(uniforms("typed speech", number, 1)[0] * 2**32)
            _add(out, one.utterance.sound(seed, one.places), round(one.start_s * self.sample_rate_hz))
        return Rendering(out, words=placed.words)


def _text(options: Options) -> str:
    if options.text is None:
        raise OptionError("text is missing: it must say what is spoken")
    return options.text


def _add(out: np.ndarray, sound: np.ndarray, start: int) -> None:
    """Add a sound to a longer one where it belongs; what lies outside is cut off."""
    first, last = max(0, start), min(len(out), start + len(sound))
    if last > first:
        out[first:last] += sound[first - start : last - start]
