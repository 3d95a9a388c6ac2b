"""The speech voice: what a silent face says, after Ephrat, Halperin and Peleg (ICCV workshops 2017, arXiv 1708.01204).

    faces followed -> the one that speaks -> mel spectra off its lips -> linear spectra -> Griffin-Lim

A *voice pack* is one network and the person that it was trained on: it speaks with that person's voice and has learnt
that person's way of speaking only. Whoever is seen in a clip speaks with the voice of the pack.

Where the face is not seen, and where the lips say nothing, there is silence. The spectra do not depend on the seed;
the phases that Griffin-Lim begins with do. Long clips are sounded in pieces that meet where it is quietest.

Everything is at 16 kHz up to the end, where the band above 8 kHz is filled: sibilants would be dull without it.

Shapes: T = pictures at 25 a second, S = 4 T spectra, M = 80 bands, F = 321 bins, N = samples at 16 kHz.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth import weights
from synth.dsp import band_replication
from synth.errors import Cancelled, MediaError, OptionError, WeightsError
from synth.media.video import VideoInfo
from synth.options import Mode, Options
from synth.voices.base import CancelPoll, Controls, Frame, Progress, Rendering, Sound, Uniforms
from synth.voices.speech import face_detection, lip_reading, speaker_reading, spectra

if TYPE_CHECKING:
    from synth.models.speech.lip_words import LipWords
    from synth.models.speech.vid2speech import Vid2Speech

DEFAULT_VOICE: Final = "grid-s1"

QUIET_DB: Final = 32.0
"""So far below the voice's usual loudness nothing is said. Holds are bridged, see :func:`silenced`."""

_WORDS_PREFIX: Final = "lip-words."  # of the tensors in a pack
_IN_HALVES: Final = ("spread",)  # measured rather than learnt, and small
_HOLD: Final = 50  # spectra to either side of speech that are kept: cut closer, STOI falls by .03 and PESQ by .06
_PIECE: Final = (600, 1000)  # spectra of a piece, at least and at most
_PAUSE: Final = 31  # spectra
_OVERLAP: Final = 10  # spectra that pieces are cross-faded over


@dataclass(frozen=True)
class VoicePack:
    """One person's voice, ready to read and to speak.

    Attributes:
        name: as it is asked for, without the prefix.
        network: in evaluation mode.
        loudness: natural logarithm of the level that the voice usually speaks at, as :func:`levels` counts.
        contrast: how far linear spectra are moved away from the speaker's mean ones, 1 leaves them: a network in doubt
            answers near the mean.
        about: the text in the file: speaker, consent, minutes.
        words: names what the lips say, in evaluation mode; ``None`` in packs without.
    """

    name: str
    network: Vid2Speech
    loudness: float
    contrast: float
    about: Mapping[str, str] = field(default_factory=dict)
    words: LipWords | None = None


class SpeechVoice:
    """The voice of mode ``speech``; a :class:`synth.voices.base.Voice`."""

    rate_hz = speaker_reading.RATE_HZ
    sample_rate_hz = band_replication.HIGH_HZ

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """See :func:`synth.voices.speech.speaker_reading.frame_size`."""
        return speaker_reading.frame_size(info)

    def weights(self, options: Options) -> Mapping[str, str]:
        """Name -> sha256 of the voice pack and of the networks that find faces."""
        name = weights.VOICE_PREFIX + (options.voice or DEFAULT_VOICE)
        return {name: _entry(options.voice or DEFAULT_VOICE).sha256, **face_detection.NETWORKS}

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        """Mel spectra of the face that speaks, or of the one that is asked for.

        Raises:
            MediaError: no face is found, and speech was asked for.
            OptionError: the face or the voice that is asked for is not there.
            WeightsError, Cancelled: as :meth:`synth.voices.base.Voice.controls`.
        """
        voice = load(options.voice or DEFAULT_VOICE)
        try:
            lips = speaker_reading.read(voice.network, frames, info, options.face, progress, cancelled, voice.words)
        except MediaError as error:
            if options.settled_mode is Mode.SPEECH:
                raise
            # Nobody asked for speech: it was the picture's own glance that promised a face.
            return Controls(info.duration_s, silence=f"{error}: its sound is silence")
        mel, spoken_s = silenced(lips.mel, voice.loudness)
        return Controls(
            info.duration_s,
            track=mel,
            track_rate_hz=spectra.RATE_HZ / spectra.HOP,
            silence=None if spoken_s else "the lips say nothing in this clip: its sound is silence",
            warnings=lips.warnings(),
            words=lips.words if spoken_s else (),
        )

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Speak the spectra, and fill the band above 8 kHz; see :meth:`synth.voices.base.Voice.render`."""
        if controls.track is None:
            raise OptionError("speech needs the spectra that were read off a face; there are none")
        voice = load(options.voice or DEFAULT_VOICE)
        sound = band_replication.replicate(speak(voice, controls.track, uniforms, cancelled))
        return Rendering(sound, words=controls.words)


def levels(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Loudness of log mel spectra [S, M], [S]: logarithm of the mean over bands, smoothed over some 50 ms."""
    loud = np.log(np.exp(mel).mean(1) + 1e-9)
    return np.asarray(scipy.ndimage.uniform_filter1d(loud, 5, mode="nearest"), np.float32)


def silenced(mel: NDArray[np.float32], loudness: float) -> tuple[NDArray[np.float32], float]:
    """Log mel spectra with silence where nothing is said, and how many seconds are spoken.

    What is :data:`QUIET_DB` below the voice's usual ``loudness`` is no speech; what lies within 0.5 s of speech stays.
    """
    speaks = levels(mel) > loudness - QUIET_DB * np.log(10) / 20
    near = scipy.ndimage.binary_dilation(speaks, iterations=_HOLD) if speaks.any() else speaks
    fade = scipy.ndimage.uniform_filter1d(near.astype(np.float32), 7, mode="nearest")[:, None]
    quiet = spectra.QUIETEST + fade * (mel - spectra.QUIETEST)
    return np.asarray(quiet, np.float32), float(speaks.sum()) * spectra.HOP / spectra.RATE_HZ


def speak(voice: VoicePack, mel: NDArray[np.float32], uniforms: Uniforms, cancelled: CancelPoll) -> Sound:
    """Sound [S * HOP] of log mel spectra [S, M], piece by piece.

    Raises:
        Cancelled: ``cancelled()`` turned true.
    """
    hop, half = spectra.HOP, _OVERLAP // 2
    total = np.zeros(len(mel) * hop, np.float32)
    places = [0, *cuts(mel), len(mel)]
    for start, end in itertools.pairwise(places):
        if cancelled():
            raise Cancelled("stopped while speaking")
        first, last = max(0, start - half), min(len(mel), end + half)
        logs = lip_reading.linear_of(voice.network, mel, first, last, contrast=voice.contrast)
        # Where the mel spectra are silent by our hand, the post-net's idea of silence does not count.
        logs[mel[first:last].max(1) <= spectra.QUIETEST + 1e-3] = spectra.QUIETEST
        drawn = uniforms("speech phases", first * spectra.BINS, logs.size)
        piece = spectra.from_linear(logs, 2 * np.pi * drawn.reshape(logs.shape))
        ramp = np.ones(len(piece), np.float32)
        if first > 0:
            ramp[: _OVERLAP * hop] = np.linspace(0, 1, _OVERLAP * hop, dtype=np.float32)
        if last < len(mel):
            ramp[-_OVERLAP * hop :] = np.linspace(1, 0, _OVERLAP * hop, dtype=np.float32)
        total[first * hop : last * hop] += piece * ramp
    return total


def cuts(mel: NDArray[np.float32]) -> list[int]:
    """Where long log mel spectra [S, M] are cut into pieces of 6 to 10 s: amid the quietest 0.3 s within reach."""
    loud = scipy.ndimage.uniform_filter1d(levels(mel), _PAUSE, mode="nearest")
    found, start = list[int](), 0
    while len(mel) - start > _PIECE[1]:
        start += _PIECE[0] + int(np.argmin(loud[start + _PIECE[0] : start + _PIECE[1]]))
        found.append(start)
    return found


@functools.lru_cache(maxsize=4)
def load(name: str) -> VoicePack:
    """The voice pack of one name, without the prefix; loaded once a process.

    Raises:
        OptionError: there is no such voice.
        WeightsError: its file is missing, damaged, or not a voice pack.
    """
    entry = _entry(name)
    loaded = weights.load(entry.name)
    try:
        return unpack(name, loaded.tensors, loaded.metadata)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"weights {entry.name!r} are not a voice pack: {error}") from error


def _entry(name: str) -> weights.Entry:
    known = weights.voices()
    if name not in known:
        raise OptionError(f"voice is {name!r}; there are {', '.join(known) or 'none'}")
    return known[name]


def pack(voice: VoicePack) -> tuple[dict[str, Any], dict[str, str]]:
    """What is stored: weights in eight bits, the configuration and the text."""
    from synth.models import eight_bit

    tensors: dict[str, Any] = eight_bit.rounded(voice.network.state_dict(), in_halves=_IN_HALVES)
    about = {
        **voice.about,
        "config": json.dumps(voice.network.config.as_dict()),
        "loudness": f"{voice.loudness:.4f}",
        "contrast": f"{voice.contrast:g}",
    }
    if voice.words is not None:
        from synth.models.speech import lip_words

        stored, about["words"] = lip_words.pack(voice.words)
        tensors |= {_WORDS_PREFIX + name: value for name, value in stored.items()}
    return tensors, about


def unpack(name: str, tensors: Mapping[str, Any], about: Mapping[str, str]) -> VoicePack:
    """The voice that :func:`pack` stored; packs of earlier releases hold all weights in half precision."""
    from synth.models import eight_bit
    from synth.models.speech import lip_words
    from synth.models.speech.vid2speech import Vid2Speech, Vid2SpeechConfig

    of_words = {key.removeprefix(_WORDS_PREFIX): one for key, one in tensors.items() if key.startswith(_WORDS_PREFIX)}
    words = lip_words.unpack(of_words, about["words"]) if of_words else None

    network = Vid2Speech(Vid2SpeechConfig.from_dict(json.loads(about["config"])))
    network.load_state_dict(eight_bit.restored({n: v for n, v in tensors.items() if not n.startswith(_WORDS_PREFIX)}))
    network.eval()
    return VoicePack(name, network, float(about["loudness"]), float(about["contrast"]), about, words)
