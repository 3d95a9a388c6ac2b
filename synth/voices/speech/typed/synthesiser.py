"""Speech out of text: the packaged synthesiser hibari-tts, asked for its frames so that they can be moved in time.

Its network gives a spectrum every 12.5 ms in five parts and a pitch; its host code makes sound of them (harmonics and
noise in one inverse Fourier transform). Frames that are moved before that keep their pitch and their voice. How long
each sound lasts is a value inside the network, which is made a further output here.

Shapes: F = frames, B = 601 bins, N = samples at 24 kHz.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError, WeightsError
from synth.files import file_sha256
from synth.shapes import Arrays

RATE_HZ: Final = 24_000
FRAME_S: Final = 0.0125
PACKAGE: Final = "hibari"
MODEL_SHA256: Final = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
MAX_SOUNDS: Final = 400
"""Of one sentence: what the network was made for."""
_SILENT_LOG: Final = -14.0
_DURATIONS: Final = "/Clip_output_0"  # of each sound, in steps of two frames
_FRAMES_A_STEP: Final = 2

Floats = NDArray[np.float32]


@dataclass(frozen=True, repr=False)
class Utterance(Arrays):
    """A sentence as the synthesiser would say it by itself.

    Attributes:
        words: as they are written.
        spans: first frame and end of each, in frames.
        harmonic, noise, rest: natural logarithms of magnitudes [B, F].
        turn, phase: what harmonics and rest are turned by, [B, F].
        pitch_hz: [F]; 0 where there is none.
    """

    words: tuple[str, ...]
    spans: tuple[tuple[float, float], ...]
    harmonic: Floats
    turn: Floats
    noise: Floats
    rest: Floats
    phase: Floats
    pitch_hz: Floats

    def __post_init__(self) -> None:
        self.require(harmonic="B F", turn="B F", noise="B F", rest="B F", phase="B F", pitch_hz="F")

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.pitch_hz)

    def sound(self, seed: int, places: NDArray[np.float64] | None = None) -> Floats:
        """The waveform [N].

        Args:
            seed: of the noise in it; the same seed gives the same bytes.
            places: of each frame that is wanted, which frame of this utterance it is, with fractions; NaN is silence.
                All frames in their order by default.
        """
        from hibari import dsp

        parts: tuple[Floats, ...] = (self.harmonic, self.turn, self.noise, self.rest, self.phase, self.pitch_hz)
        if places is not None:
            parts = self._moved(places)
        return np.asarray(dsp.synth(*parts, np.random.default_rng(seed)), np.float32)

    def _moved(self, places: NDArray[np.float64]) -> tuple[Floats, ...]:
        """Levels and pitch between two frames lie between theirs; phases, of which the mean means nothing, do not."""
        silent = np.isnan(places)
        inside = np.clip(np.nan_to_num(places), 0, self.frames - 1)
        low = np.minimum(inside.astype(int), max(0, self.frames - 2))
        high, share = np.minimum(low + 1, self.frames - 1), (inside - low).astype(np.float32)
        nearest = np.round(inside).astype(int)

        def between(values: Floats) -> Floats:
            mixed = values[..., low] * (1 - share) + values[..., high] * share
            return np.asarray(mixed, np.float32)

        spectra = (self.harmonic, self.noise, self.rest)
        harmonic, noise, rest = (np.where(silent, np.float32(_SILENT_LOG), between(one)) for one in spectra)
        voiced = (self.pitch_hz[low] > 0) & (self.pitch_hz[high] > 0)
        pitch = np.where(voiced, between(self.pitch_hz), self.pitch_hz[nearest])
        pitch = np.where(silent, np.float32(0), pitch).astype(np.float32)
        return harmonic, self.turn[:, nearest], noise, rest, self.phase[:, nearest], pitch


class Synthesiser:
    """The network and the pronunciation of English, loaded once."""

    def __init__(self) -> None:
        """Load them.

        Raises:
            WeightsError: the package is missing, or is another release than this was made for.
        """
        try:
            import onnxruntime
            from hibari.g2p import G2P
        except ImportError as error:
            raise WeightsError("the package hibari-tts, which speaks typed words, is not installed") from error
        model = resources.files(PACKAGE) / "assets" / "hibari.onnx"
        with resources.as_file(model) as path:
            if file_sha256(path) != MODEL_SHA256:
                raise WeightsError("the network in the package hibari-tts is another one than release 0.2.1 has")
            data = path.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # more would not always give the same bytes
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            data + _further_output(_DURATIONS), options, providers=["CPUExecutionProvider"]
        )
        self._pronounce = G2P()
        self._numbers = _vocabulary()

    def say(self, sentence: str) -> Utterance | None:
        """A sentence spoken; None where it holds nothing that can be pronounced.

        Raises:
            OptionError: it is longer than can be said in one go.
        """
        from hibari.g2p.normalize import normalize

        tokens = self._pronounce.phonemize_tokens(self._pronounce.tokenize(normalize(sentence)))
        numbers, words, places = [0], list[str](), list[tuple[int, int]]()
        for token in tokens:
            sounds = [self._numbers[one] for one in token.phonemes or "" if one in self._numbers]
            if any(one.isalpha() for one in token.phonemes or "") and sounds:
                words.append(token.text)
                places.append((len(numbers), len(numbers) + len(sounds)))
            numbers += sounds
            if token.whitespace:
                numbers.append(self._numbers[" "])
        if not words:
            return None
        if len(numbers) > MAX_SOUNDS:
            raise OptionError(
                f"the sentence that begins {' '.join(words[:6])!r} has {len(numbers)} sounds; allowed are "
                f"{MAX_SOUNDS}: part it with a full stop"
            )
        return self._spoken(tuple(words), places, [*numbers, 0])

    def _spoken(self, words: tuple[str, ...], places: Sequence[tuple[int, int]], numbers: list[int]) -> Utterance:
        feed = {"ids": np.asarray([numbers], np.int64), "speed": np.ones(1, np.float32)}
        harmonic, turn, noise, rest, phase, pitch_hz, steps = self._session.run(None, feed)
        edges = np.concatenate([[0.0], np.cumsum(steps.ravel())]) * _FRAMES_A_STEP
        spans = tuple((float(edges[first]), float(edges[end])) for first, end in places)
        return Utterance(words, spans, harmonic[0], turn[0], noise[0], rest[0], phase[0], pitch_hz[0])


@functools.cache
def synthesiser() -> Synthesiser:
    """The one of this process."""
    return Synthesiser()


def _vocabulary() -> dict[str, int]:
    found: dict[str, int] = json.loads((resources.files(PACKAGE) / "assets" / "vocab.json").read_text("utf-8"))
    return found


def _further_output(name: str) -> bytes:
    """What makes a value inside an ONNX model one of its outputs, when it is put behind the model's bytes.

    The format is a protocol buffer: messages that follow each other are merged, and lists in them grow. The fields are
    ModelProto.graph (7), GraphProto.output (12) and ValueInfoProto.name (1), see onnx.proto.
    """
    return _field(7, _field(12, _field(1, name.encode())))


def _field(number: int, payload: bytes) -> bytes:
    """A protocol buffer's field of the kind that states its length."""
    return bytes([number << 3 | 2, len(payload)]) + payload
