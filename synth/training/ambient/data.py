"""From recordings to what the ambient decoder trains on: levels, band levels, and stand-ins for a picture.

Recordings by class have no picture. What the picture would say stands in: for what is seen, a selector's class
probabilities, uncertain as a real one's are; for what moves, how loud the recording is, since what sounds in the ten
classes is mostly what moves.

Shapes: N samples at 16 kHz, S steps of K bands, T picture frames, A numbers that say what is seen, M what moves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.ambient_classes import AMBIENT_CLASSES
from synth.data.corpora.class_sounds import ClassSound
from synth.media import audio
from synth.models.visual_to_sound import SAMPLES_PER_PICTURE
from synth.voices.ambient import band_envelopes
from synth.voices.ambient.fine_structure import FineStructure

LOUD: Final = 0.35
"""What the 99.5th percentile of a recording's amplitude is brought to, so that 256 levels serve all recordings."""
_GAIN_RANGE: Final = (0.1, 30.0)
_SILENT: Final = 0.001  # -60 dB of full scale
_PAUSE: Final = 4  # pictures; longer silence teaches nothing that this much does not
_VERSION: Final = 1


class Example(Protocol):
    """What a decoder is trained on: a sound and a picture, or what stands in for one.

    A :class:`Recording`, or a :class:`synth.training.ambient.video_recipes.Filmed`.
    """

    @property
    def name(self) -> str:
        """Unique within its corpus."""

    @property
    def label(self) -> str:
        """The class."""

    @property
    def sound(self) -> NDArray[np.float32]:
        """[N] at 16 kHz, N a multiple of 1024."""

    @property
    def levels(self) -> band_envelopes.Levels:
        """Band levels [S, K] of the sound."""

    @property
    def activity(self) -> NDArray[np.float32]:
        """How much moves, 0..1, [T]."""

    @property
    def motion(self) -> NDArray[np.float32]:
        """What moves, [T, M]."""

    @property
    def untold(self) -> float:
        """In what share of its visits the decoder is not told the class, so that it learns to do without."""

    def appearance(self, size: int, share: float) -> NDArray[np.float32]:
        """What is seen, [T, A]; ``size`` is A, ``share`` how sure of the class a selector is that has looked."""


@dataclass(frozen=True)
class Recording:
    """One recording, ready: brought to a common loudness, its long silences cut short.

    Attributes:
        sound: float32 [N] at 16 kHz, N a multiple of 1024.
        label: its class; ``group`` is the fold it belongs to.
    """

    name: str
    label: str
    fold: int
    sound: NDArray[np.float32]

    @cached_property
    def levels(self) -> band_envelopes.Levels:
        """Band levels [S, K] of the sound."""
        return band_envelopes.band_levels(self.sound)

    @cached_property
    def fine(self) -> FineStructure:
        """Pitch, periodicity and modulation [S] of the sound."""
        return FineStructure.of(self.sound)

    @cached_property
    def activity(self) -> NDArray[np.float32]:
        """What stands in for motion: loudness a picture frame, 0 (60 dB below full scale) to 1, [T]."""
        loud = band_envelopes.loudness(self.levels)
        at = band_envelopes.at_frames(loud[:, None], 0, len(self.sound) // SAMPLES_PER_PICTURE, SAMPLES_PER_PICTURE)
        return np.asarray(np.clip((at[:, 0] - 1 / 3) * 1.5, 0, 1), np.float32)

    @property
    def untold(self) -> float:
        """Never: without a picture the class is all that there is to go by."""
        return 0.0

    @property
    def motion(self) -> NDArray[np.float32]:
        """The activity, [T, 1]."""
        return self.activity[:, None]

    def appearance(self, size: int, share: float) -> NDArray[np.float32]:
        """What stands in for a selector's answer, [T, A]: ``share`` for the class, the rest for all others alike."""
        labels = AMBIENT_CLASSES[:size]
        answer = np.full(size, (1 - share) / max(1, size - 1), np.float32)
        if self.label in labels:
            answer[labels.index(self.label)] = share
        return np.repeat(answer[None], len(self.activity), 0)


def prepare(sounds: Sequence[ClassSound], cache: Path) -> list[Recording]:
    """All recordings, decoded once and kept in ``cache``.

    Raises:
        MediaError: one cannot be read.
    """
    return [Recording(s.name, s.label, s.fold, _cached(s.path, cache)) for s in sounds]


def _cached(path: Path, cache: Path) -> NDArray[np.float32]:
    key = f"{_VERSION} {path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}"
    kept = cache / f"{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.npy"
    if kept.exists():
        return _read(kept)
    sound = ready(audio.read(path, band_envelopes.RATE_HZ)[0])
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".tmp.npy")
    np.save(unfinished, np.round(sound * 32767).astype(np.int16))
    unfinished.replace(kept)
    return _read(kept)


def _read(path: Path) -> NDArray[np.float32]:
    return np.asarray(np.load(path) / np.float32(32767), np.float32)


def ready(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Common loudness, silence of more than a quarter of a second cut to that, a whole number of pictures long."""
    sound = levelled(sound)
    short = -len(sound) % SAMPLES_PER_PICTURE
    pictures = np.pad(sound, (0, short)).reshape(-1, SAMPLES_PER_PICTURE)
    silent = np.sqrt((pictures**2).mean(1)) < _SILENT
    run = np.zeros(len(silent), np.int64)
    for index, quiet in enumerate(silent):
        run[index] = run[index - 1] + 1 if quiet and index else int(quiet)
    kept = pictures[run <= _PAUSE]
    return np.ascontiguousarray(kept.reshape(-1))


def levelled(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same sound [N] without offset, its loud moments brought to :data:`LOUD`."""
    sound = sound - np.mean(sound)
    loud = np.abs(sound[np.abs(sound) > _SILENT])
    peak = float(np.quantile(loud, 0.995)) if len(loud) else 1.0
    return np.asarray(np.clip(sound * np.clip(LOUD / peak, *_GAIN_RANGE), -1, 1), np.float32)
