"""The recordings of a sound library, decoded when they are wanted, and which of those that fit is taken.

Importable without torch. Shapes: N = samples at 44.1 kHz.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from synth.dsp.resampling import resample
from synth.errors import MediaError, OptionError
from synth.files import file_sha256
from synth.media import audio
from synth.voices.base import Sound
from synth.voices.library.catalogue import Library, Recording
from synth.voices.library.matching import Candidate

RATE_HZ: Final = 44_100
HEARD_S: Final = 120.0
"""So much of a longer recording is used, from its beginning: what is known of it was heard there."""
OTHERS: Final = 5
GAIN_RANGE: Final = (1 / 16, 16.0)
"""24 dB either way: more would make music of a recording's hiss."""

_CHOICE: Final = 4  # the seed chooses among so many of the best, and those that are as good as the best
_MOST_EQUALS: Final = 12
_EQUAL: Final = 1e-6
_NEARLY: Final = 0.15  # what is so much worse than the best is no choice
_KEPT: Final = 30_000_000  # samples of recordings that are kept decoded: 120 MB


class Recordings:
    """The recordings of a library, decoded when they are wanted."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._kept: OrderedDict[str, Sound] = OrderedDict()
        self._there: dict[str, bool] = {}

    def has(self, recording: Recording) -> bool:
        """Whether the file is there."""
        if recording.path not in self._there:
            self._there[recording.path] = (self.library.root / recording.path).is_file()
        return self._there[recording.path]

    def sound(self, recording: Recording) -> Sound:
        """The first two minutes of a recording, [N] at 44.1 kHz.

        Raises:
            MediaError: it cannot be read, or is not what was indexed.
        """
        if recording.path in self._kept:
            self._kept.move_to_end(recording.path)
            return self._kept[recording.path]
        file = self.library.root / recording.path
        if file_sha256(file) != recording.sha256:
            raise MediaError(
                f"{recording.path} changed since it was indexed; run `sonorize library index` for {self.library.name!r}"
            )
        sound, rate_hz = audio.read(file)
        sound = resample(sound[: round(HEARD_S * rate_hz)], rate_hz, RATE_HZ)
        self._kept[recording.path] = sound
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > _KEPT:
            self._kept.popitem(last=False)
        return sound

    def choose(self, ranked: Sequence[Candidate], draw: float, worn: Sequence[str] = ()) -> Candidate:
        """One of the best few that are there; ``worn`` are names that were heard just before.

        Raises:
            OptionError: none of them is there.
        """
        there = [one for one in ranked if self.has(one.recording)]
        if not there:
            raise OptionError(
                f"no recording of the library {self.library.name!r} that fits is at its place in "
                f"{str(self.library.root)!r}"
            )
        pool = best_of(there)
        fresh = [one for one in pool if one.name not in worn] or pool
        return fresh[int(draw * len(fresh))]


def best_of(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Those that a seed may choose among: four at most that are nearly as good as the best, or all that equal it."""
    if not ranked:
        return []
    best = ranked[0].score
    equal = sum(one.score > best - _EQUAL for one in ranked[:_MOST_EQUALS])
    return [one for one in ranked[: max(_CHOICE, equal)] if one.score > best - _NEARLY]


def others_of(ranked: Sequence[Candidate], chosen: Candidate) -> tuple[Candidate, ...]:
    """The next best five."""
    return tuple(one for one in ranked[: OTHERS + 1] if one.name != chosen.name)[:OTHERS]
