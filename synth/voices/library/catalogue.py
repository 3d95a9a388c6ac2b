"""A sound library: what is known of every recording in a folder.

:mod:`synth.voices.library.index_file` reads and writes that file. The recordings themselves stay where they are;
nothing of their sound is copied. Importable without torch.

Shapes: M = recordings, P = pieces of them that may stand for a hit, D = numbers of a texture, E = of a sound vector,
W * F = a window of envelopes as in :func:`synth.voices.hits.sound_bank.window`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.licences.restrictions import UNKNOWN_LICENCE as UNKNOWN_LICENCE
from synth.voices.library.vocabulary import words_of

Floats = NDArray[np.float32]


class Kind(StrEnum):
    """What a recording is good for."""

    SINGLE = "single hit"
    SEVERAL = "several hits"
    CONTINUOUS = "continuous"


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording that may stand for one hit.

    Attributes:
        onset_s: when it is struck, from the recording's start.
        end_s: where it has died away or the next one begins.
        loudness: of its window of envelopes, see :class:`synth.voices.hits.sound_bank.Window`.
    """

    onset_s: float
    end_s: float
    loudness: float


@dataclass(frozen=True)
class Recording:
    """One recording of a library.

    Attributes:
        path: inside the library's folder, with slashes.
        sha256: of the whole file.
        duration_s, rate_hz: of the file.
        kind: what it is good for.
        loudness_lufs: integrated; ``None`` where it cannot be measured.
        peak_dbfs: of its highest sample.
        quiet_db, usual_db, loud_db: levels (RMS over 20 ms) that 10, 50 and 100 of a hundred moments stay below, dBFS.
        onset_count: how many onsets were found.
        pieces: what may stand for a hit; empty for continuous ones.
        words: of its names and folders, as :func:`synth.voices.library.vocabulary.words_of` gives them.
        tags: name -> probability, of what it sounds like; empty where no tagger listened.
        author, licence, source: as the files beside it say; see :mod:`synth.voices.library.licences`.
        licence_from: which file says so; ``None`` where none does.
    """

    path: str
    sha256: str
    duration_s: float
    rate_hz: int
    kind: Kind
    loudness_lufs: float | None
    peak_dbfs: float
    quiet_db: float
    usual_db: float
    loud_db: float
    onset_count: int
    pieces: tuple[Piece, ...] = ()
    words: tuple[str, ...] = ()
    tags: Mapping[str, float] | None = None
    author: str | None = None
    licence: str = UNKNOWN_LICENCE
    source: str | None = None
    licence_from: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_json` reads them back."""
        return {**asdict(self), "kind": self.kind.value, "tags": dict(self.tags or {})}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Recording:
        """What :meth:`as_json` gave."""
        pieces = tuple(Piece(**one) for one in told["pieces"])
        return cls(**{**told, "kind": Kind(told["kind"]), "pieces": pieces, "words": tuple(told["words"])})


@dataclass(frozen=True, eq=False)
class Entry:
    """A recording with the numbers that matching needs.

    Attributes:
        recording: what is told of it.
        texture: float32 [D].
        vector: float32 [E] of length one, or ``None`` where nobody embedded it.
        attacks: float32 [P, W * F], a window of envelopes a piece.
    """

    recording: Recording
    texture: Floats
    vector: Floats | None
    attacks: Floats


@dataclass(frozen=True, eq=False)
class Library:
    """A whole index in memory, as matching wants it.

    Attributes:
        name: for people: the stem of the index file.
        root: the folder of the recordings.
        entries: in the order of their paths.
        about: what is noted of the whole library, ``vectors_by`` among it.
    """

    name: str
    root: Path
    entries: tuple[Entry, ...]
    about: Mapping[str, str]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Path -> place among the entries."""
        return {one.recording.path: place for place, one in enumerate(self.entries)}

    @cached_property
    def by_word(self) -> Mapping[str, Mapping[int, float]]:
        """Stem -> place -> how sure it is, 0..1, that the word tells what a recording is of; names are sure."""
        found: dict[str, dict[int, float]] = {}
        for place, entry in enumerate(self.entries):
            for word in entry.recording.words:
                found.setdefault(word, {})[place] = 1.0
            for tag, chance in (entry.recording.tags or {}).items():
                for word in words_of(tag):
                    places = found.setdefault(word, {})
                    places[place] = max(places.get(place, 0.0), chance)
        return found

    @cached_property
    def cuts(self) -> tuple[tuple[int, int], ...]:
        """Place and number of each of the P pieces that may stand for a hit."""
        return tuple(
            (place, piece) for place, one in enumerate(self.entries) for piece in range(len(one.recording.pieces))
        )

    @cached_property
    def attacks(self) -> NDArray[np.float16]:
        """The windows of the pieces, [P, W * F], in half precision: there may be many."""
        return np.concatenate([one.attacks.astype(np.float16) for one in self.entries if len(one.attacks)])

    @cached_property
    def textures(self) -> Floats:
        """[M, D]."""
        return np.stack([one.texture for one in self.entries])

    @cached_property
    def vectors(self) -> Floats | None:
        """[M, E], rows of zeros where a recording has none; ``None`` where none has."""
        known = next((one.vector for one in self.entries if one.vector is not None), None)
        if known is None:
            return None
        nothing = np.zeros_like(known)
        return np.stack([nothing if one.vector is None else one.vector for one in self.entries])

    @cached_property
    def sha256(self) -> str:
        """A digest of what the library holds: its recordings' digests and who heard them."""
        told = [[one.recording.path, one.recording.sha256] for one in self.entries]
        heard = {key: value for key, value in self.about.items() if key.endswith("_by")}
        return hashlib.sha256(json.dumps([told, heard], sort_keys=True).encode()).hexdigest()
