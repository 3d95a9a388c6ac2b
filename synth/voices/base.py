"""What every voice is: frames become controls, controls and random numbers become a waveform.

Importable without torch. A voice is found through :data:`synth.pipeline.modes.MODES`; the pipeline knows voices
only by the :class:`Voice` protocol below, so that a new mode is one file here and one row there.

Shapes: T = control steps, D = features a step, N = samples, H x W = one frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from synth.options import Options
from synth.shapes import Arrays
from synth.voices.ambient.layers import Candidate, Layer

if TYPE_CHECKING:
    from synth.media.video import VideoInfo
    from synth.voices.library.matching import Laid

Frame = NDArray[np.uint8]
"""One RGB picture, [H, W, 3]."""

Sound = NDArray[np.float32]
"""Samples in -1..1: one channel [N], or two [N, 2] with the left one first."""

Uniforms = Callable[[str, int, int], NDArray[np.float32]]
"""``uniforms(stream, start, count)``: numbers in [0, 1); element i depends on the seed, stream and start + i only."""

Progress = Callable[[str, float], None]
"""``progress(stage, fraction)`` with the fraction of that stage that is done, 0..1."""

CancelPoll = Callable[[], bool]
"""Polled between steps; true means: stop, and raise :class:`synth.errors.Cancelled`."""

NO_HITS: Final = "no hit was found in this clip: its sound is silence"


@dataclass(frozen=True)
class Hit:
    """One contact that is to be heard.

    Attributes:
        time_s: onset in seconds from the first frame.
        strength: loudness of the blow, 0 (not heard) to 1 (the strongest there is).
        material: one of :data:`synth.materials.MATERIALS`.
        confidence: how sure the voice is that this is a hit, 0..1.
        probabilities: material -> probability; empty where nobody estimated them.
        exemplar: the bank sound that was or is to be pasted; ``None`` lets the voice choose.
        pan: where it is heard, -1 (left) to 1 (right).
        gain_db: on top of what the strength makes of it; 0 leaves it.
    """

    time_s: float
    strength: float
    material: str
    confidence: float = 1.0
    probabilities: Mapping[str, float] = field(default_factory=dict)
    exemplar: str | None = None
    pan: float = 0.0
    gain_db: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; :func:`synth.voices.hits.hit_list.parse` reads them back."""
        return {
            "time_s": round(self.time_s, 6),
            "strength": round(self.strength, 6),
            "material": self.material,
            "confidence": round(self.confidence, 6),
            "exemplar": self.exemplar,
            "pan": round(self.pan, 3),
            "gain_db": round(self.gain_db, 3),
            "probabilities": {name: round(value, 6) for name, value in self.probabilities.items()},
        }


@dataclass(frozen=True)
class SpokenWord:
    """A word that somebody typed or that was read off the lips, and when it is said.

    Attributes:
        text: as it is written.
        start_s, end_s: from the start of the clip.
        fits: whether the lips leave it the time that it takes.
    """

    text: str
    start_s: float
    end_s: float
    fits: bool = True

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "text": self.text,
            "start_s": round(self.start_s, 3),
            "end_s": round(self.end_s, 3),
            "fits": self.fits,
        }


@dataclass(frozen=True)
class SoundChoice:
    """Which kind of sound a picture wants, and why.

    Attributes:
        name: of a sound in the catalogue.
        probability: how much of what is seen speaks for it, 0..1; 1 where a person named it.
        probabilities: the same of the likeliest sounds.
        fits: whether it is likelier right than wrong; else it is only the nearest.
        reason: a sentence.
        candidates: the next ones, best first.
    """

    name: str
    probability: float
    probabilities: Mapping[str, float]
    fits: bool
    reason: str
    candidates: tuple[Candidate, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "probability": round(self.probability, 4),
            "probabilities": {name: round(value, 4) for name, value in self.probabilities.items()},
            "fits": self.fits,
            "reason": self.reason,
            "candidates": [one.as_json() for one in self.candidates],
        }


@dataclass(frozen=True, repr=False)
class Controls(Arrays):
    """What a voice heard in the picture: everything that its waveform depends on besides random numbers.

    Attributes:
        duration_s: length of the picture.
        hits: sorted by time; empty for voices that do not strike.
        track: predicted features, float32 [T, D] at ``track_rate_hz``; ``None`` when the hit list alone decides,
            as for a list that a person edited.
        track_rate_hz: control steps a second.
        silence: a sentence when nothing is to be heard; the waveform is then silence and the sentence a warning.
        choice: the kind of sound, for voices that have several.
        features: further tracks by name, float32 [T, D] at the same rate, for voices that need them.
        layers: what an ambient sound is made of, the foreground first; empty for voices without layers.
        warnings: sentences for the person who asked.
        words: what is said, where somebody typed it or the voice's reader of words named it.
    """

    duration_s: float
    hits: tuple[Hit, ...] = ()
    track: NDArray[np.float32] | None = None
    track_rate_hz: float = 90.0
    choice: SoundChoice | None = None
    features: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    silence: str | None = None
    warnings: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    words: tuple[SpokenWord, ...] = ()

    def __post_init__(self) -> None:
        self.require(track="T D")


@dataclass(frozen=True, repr=False)
class Part(Arrays):
    """One part of a take's sound by itself: the sound of the take is the sum of its parts, each at its level.

    Attributes:
        name: unlike the others of its take.
        sound: float32 [N] or [N, 2] at the voice's rate, from the clip's start.
        level_db: at which it is summed.
    """

    name: str
    sound: Sound
    level_db: float = 0.0

    def __post_init__(self) -> None:
        self.require(sound=("N", "N 2"))

    @property
    def gain(self) -> np.float32:
        """The factor of its level."""
        return np.float32(10 ** (self.level_db / 20))


@dataclass(frozen=True, repr=False)
class Rendering(Arrays):
    """A waveform and what became of the hits on the way to it.

    Attributes:
        sound: float32 [N] or [N, 2] at the voice's ``sample_rate_hz``, N near ``duration_s * sample_rate_hz``.
        hits: the hits of the controls with their exemplars filled in.
        made_s: seconds that were made when the take was cancelled, silence after them; ``None`` for a whole one.
        laid: the recordings of a sound library that are heard, in order of time.
        layers: the layers that are heard, with all their knobs and their mean place.
        parts: what the sound is the sum of, where that was asked for and the voice has several.
        words: what is said, where somebody typed it or it was read off the lips.
    """

    sound: Sound
    hits: tuple[Hit, ...] = ()
    made_s: float | None = None
    laid: tuple[Laid, ...] = ()
    layers: tuple[Layer, ...] = ()
    parts: tuple[Part, ...] = ()
    words: tuple[SpokenWord, ...] = ()

    def __post_init__(self) -> None:
        self.require(sound=("N", "N 2"))


Finished = Callable[[Rendering], None]
"""``finished(rendering)``: a take is there, while others of its batch are still in the works."""


def nobody_waits(_rendering: Rendering) -> None:
    """A rendering that is taken from the whole batch at its end."""


@dataclass(frozen=True)
class Take:
    """One waveform that is wanted of a voice: what it depends on, and who waits for it.

    A voice calls ``finished`` as soon as a take is whole or was cancelled, so that a short one need not wait for the
    long ones beside it; those it says nothing of are fetched when all are done. ``in_parts`` asks for the parts of the
    sound beside their sum.
    """

    controls: Controls
    options: Options
    uniforms: Uniforms
    progress: Progress
    cancelled: CancelPoll
    finished: Finished = nobody_waits
    in_parts: bool = False


class Renderer(Protocol):
    """What makes a waveform of what was seen."""

    @property
    def sample_rate_hz(self) -> int:
        """Samples a second of the waveform."""
        ...

    def weights(self, options: Options) -> Mapping[str, str]:
        """Name -> sha256 of the weights and banks that a job with these options uses."""
        ...

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Sound the controls; all randomness comes from ``uniforms``.

        ``controls.track`` may be ``None``; ``controls.silence`` never is set here.

        Raises:
            OptionError: an exemplar that no bank holds.
            WeightsError: a bank is missing or damaged.
            Cancelled: ``cancelled()`` turned true.
        """
        ...


class Voice(Renderer, Protocol):
    """One way to sound a picture."""

    @property
    def rate_hz(self) -> float:
        """Frames a second that ``controls`` wants."""
        ...

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """Width and height, in pixels, of the frames that ``controls`` wants of such a clip."""
        ...

    def controls(
        self,
        frames: Iterator[Frame],
        info: VideoInfo,
        options: Options,
        progress: Progress,
        cancelled: CancelPoll,
    ) -> Controls:
        """Look at the frames once, in order, keeping none: memory must not grow with their number.

        The outcome depends on the frames and the options but never on ``options.seed``: all takes share it.

        Raises:
            WeightsError: the weights are missing or damaged.
            Cancelled: ``cancelled()`` turned true.
        """
        ...


@runtime_checkable
class BatchVoice(Voice, Protocol):
    """A voice that renders many takes, of one job or of several, faster together than one after another."""

    def render_all(self, takes: Sequence[Take]) -> list[Rendering]:
        """One rendering a take, the same as if each were rendered alone.

        A take whose ``cancelled()`` turns true leaves the batch; its rendering says so in ``made_s``, the others go on.

        Raises:
            WeightsError: the weights are missing or damaged.
        """
        ...


def ignore_progress(_stage: str, _fraction: float) -> None:
    """Progress that nobody watches."""


def never_cancelled() -> bool:
    """Cancellation that nobody asks for."""
    return False
