"""Music for a clip out of a person's own folder: suggestions, and the chosen track laid under the sound.

The match is :mod:`synth.models.music_match`; what is known of the folder, :mod:`synth.music.index`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import provenance, weights
from synth.errors import OptionError
from synth.files import file_sha256
from synth.media import audio, packets, video
from synth.media.ffmpeg import Cancel
from synth.media.sound import bed
from synth.media.sound.bed import Bed
from synth.media.sound.delivery import Delivery
from synth.models import music_match
from synth.models.imagenet import ImageNetEye
from synth.models.music_match import MusicMatch
from synth.music import picture_features
from synth.music.folder import Track
from synth.music.index import MusicIndex
from synth.options import LIMITS, ExistingSound, Options

Floats = NDArray[np.float32]

TOP: Final = 5
RATE_HZ: Final = 48_000
_PRIMING_S: Final = 0.1  # a sound that is said to begin so little before the picture only carries its coder's priming


@dataclass(frozen=True)
class Suggestion:
    """A track and how well it fits.

    Attributes:
        score: cosine of the clip and the track, -1..1.
    """

    track: Track
    score: float

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.track.as_json(), "score": round(self.score, 4)}


class Matcher:
    """The towers and the eye, loaded when first needed."""

    @cached_property
    def towers(self) -> MusicMatch:
        """The shipped towers. Raises WeightsError."""
        loaded = weights.load(music_match.NAME)
        return music_match.unpack(loaded.tensors, loaded.metadata)

    @cached_property
    def eye(self) -> ImageNetEye:
        """The packaged ImageNet net. Raises WeightsError."""
        return ImageNetEye(weights.load_imagenet())

    def suggest(
        self, clip: Path, index: MusicIndex, *, top: int = TOP, cancelled: Cancel | None = None
    ) -> list[Suggestion]:
        """The tracks that fit a clip best, the best first; fewer than ``top`` where the folder holds no more.

        Raises:
            OptionError: ``top`` is below 1, or the index cannot be read.
            MediaError: the clip cannot be read.
            WeightsError: the weights are missing.
            Cancelled: ``cancelled`` said so.
        """
        if top < 1:
            raise OptionError(f"top is {top}; it must be 1 or more")
        tracks, numbers = index.tracks()
        if not tracks:
            return []
        seen = self.towers.of_picture(picture_features.look(clip, self.eye, cancelled=cancelled)[None])[0]
        return ranked(tracks, self.towers.of_music(numbers) @ seen, top)


def ranked(tracks: Sequence[Track], scores: Floats, top: int) -> list[Suggestion]:
    """The best of the tracks by their scores [M]; equal ones in the order of their paths."""
    order = np.argsort(-scores, kind="stable")[:top]
    return [Suggestion(tracks[place], float(scores[place])) for place in order]


@lru_cache(maxsize=1)
def matcher() -> Matcher:
    """The matcher of this process."""
    return Matcher()


@dataclass(frozen=True)
class Laid:
    """What :func:`lay` made.

    Attributes:
        duration_s: of the clip.
        loudness_lufs, true_peak_dbtp: of sound and music together.
        limited: whether peaks were held down.
        warnings: sentences about what was not as asked.
        delivered: both together as they come back after decoding.
        music: what was laid under, for the provenance: track, licence, digest, level.
    """

    duration_s: float
    loudness_lufs: float | None
    true_peak_dbtp: float
    limited: bool
    warnings: tuple[str, ...]
    music: dict[str, Any]
    delivered: Delivery | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, the versions of what made it among them."""
        return {
            "duration_s": round(self.duration_s, 3),
            "loudness_lufs": None if self.loudness_lufs is None else round(self.loudness_lufs, 2),
            "true_peak_dbtp": round(self.true_peak_dbtp, 2),
            "limited": self.limited,
            "warnings": list(self.warnings),
            "music": self.music,
            "delivered": self.delivered.as_json() if self.delivered else None,
            "versions": provenance.versions(),
        }


def lay(
    clip: Path,
    file: Path,
    track: Track,
    target: Path,
    *,
    how: Bed | None = None,
    true_peak_dbtp: float | None = None,
    cancelled: Cancel | None = None,
) -> Laid:
    """Write a clip with music under its sound; its picture stays as it is, bit for bit, and its sound at its level.

    The result has one channel, as all sound that is written here.

    Args:
        file: of the track.
        track: what is said of it.
        target: must not exist; its suffix names the container.
        true_peak_dbtp: what the sum stays below; that of the options by default.

    Raises:
        MediaError: a file cannot be read or written, or a level is out of range.
        Cancelled: ``cancelled`` said so.
    """
    how = how or Bed()
    how.check()
    info = video.probe(clip)
    sound = audio.fit(sound_of(clip), RATE_HZ, info.duration_s)
    music, _ = audio.read(file, RATE_HZ)
    ceiling_dbtp = Options().true_peak_dbtp if true_peak_dbtp is None else true_peak_dbtp
    mixed = bed.lay_under(sound, music, RATE_HZ, how, true_peak_dbtp=ceiling_dbtp)
    told = {
        **{name: value for name, value in track.as_json().items() if name not in ("duration_s", "tempo_bpm")},
        "sha256": file_sha256(file),
        "level_lufs": how.level_lufs,
        "duck_db": how.duck_db,
        "start_s": how.start_s,
    }
    written = video.remux(
        clip,
        mixed.sound,
        RATE_HZ,
        target,
        existing=ExistingSound.REPLACE,
        metadata={"comment": credit(track)},
        true_peak_dbtp=ceiling_dbtp,
        cancelled=cancelled,
    )
    return Laid(
        info.duration_s,
        mixed.loudness_lufs,
        mixed.true_peak_dbtp,
        mixed.limited,
        (*mixed.warnings, *written.warnings),
        told,
        written.delivery,
    )


def credit(track: Track) -> str:
    """A line that names a track as its licence may ask: ``Music: TITLE by AUTHOR (LICENCE)``."""
    return f"Music: {track.title}{f' by {track.author}' if track.author else ''} ({track.licence})"


def named(track: Track, licence: str | None = None, title: str | None = None) -> Track:
    """A track with what a person says of it in place of what was found."""
    return replace(track, licence=licence or track.licence, title=title or track.title)


def sound_of(clip: Path) -> Floats:
    """A clip's own sound [N] at 48 kHz from the moment on when its picture begins; nothing where it has none.

    Raises:
        MediaError: it cannot be read.
    """
    found = packets.listing(clip, LIMITS)
    times, _ = found.shown()
    if found.first_sound_s is None:
        return np.zeros(0, np.float32)
    sound, _ = audio.read(clip, RATE_HZ)
    late_s = float(found.first_sound_s) - float(int(times[0]) * found.tick_s)
    late = 0 if -_PRIMING_S < late_s <= 0 else round(late_s * RATE_HZ)
    return np.pad(sound, (late, 0)) if late > 0 else sound[-late:]
