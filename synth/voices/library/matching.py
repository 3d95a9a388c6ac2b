"""Which recordings of a library go with a picture, and why.

Three kinds of evidence, each 0..1. *Class*: the words of a recording's names, folders and tags, held against what is
wanted: the material that is struck, the class of sound, what the packaged ImageNet network sees. *Texture*: for a hit,
the envelopes that the hits voice predicts around it against those around the recording's own onset; for a bed, how
typical a recording is of those that the words find. *Picture*: the cosine of the picture's vector and the recording's
in the AVE space. The last two are told as the share of the candidates that are farther off, which has no scale.

Shapes: C = candidates, P = pieces, D = numbers of a texture, E = of a vector, W * F = a window of envelopes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.voices.library.catalogue import Floats, Kind, Library, Piece, Recording
from synth.voices.library.vocabulary import stem

Doubles = NDArray[np.float64]

HIT_WEIGHTS: Final[Mapping[str, float]] = {"class": 1.0, "texture": 0.05, "picture": 0.05}
"""How much each kind of evidence counts for a hit; of those that can be asked.

Chosen on 28 hits of Greatest Hits, the other source videos' hits as the library, networks that had not seen the clip:
the best match is of the right material in 57 of 100 hits by class alone (the network's own word: 61, chance: 13), by
texture alone in 14, by picture alone in none. With a twentieth of its weight each, these two choose among pieces that
the word leaves open, and do no harm; with a tenth each they cost 11 of 100, within the error of 9.
"""
BED_WEIGHTS: Final[Mapping[str, float]] = {"class": 1.0, "texture": 0.25, "picture": 0.5}
"""The same for a bed.

Chosen on 116 drawn scenes of one of the ten ambient classes (:mod:`synth.data.sounding_scenes.scenes`) that the AVE net
had not seen, with fold 4 of ESC-10, which it had not heard, as the library: the best match is of a class that sounds in
42 of 100 scenes. By class alone it is in 35, by texture alone in 30, by picture alone in 43, by chance in 11. More
weight for the picture gives 43, which is within the error of 5; such scenes are what that net learnt from: it is given
no more.
"""
BED_FIT: Final[Mapping[Kind, float]] = {Kind.CONTINUOUS: 0.3, Kind.SEVERAL: 0.1, Kind.SINGLE: 0.0}
HIT_FIT: Final[Mapping[Kind, float]] = {Kind.SINGLE: 0.1, Kind.SEVERAL: 0.0, Kind.CONTINUOUS: 0.0}
"""What the kind of a recording adds to its score, as bed and as hit."""

COUNT: Final = 40
"""So many candidates are ranked unless somebody wants more: nobody looks further."""
MOST_FIT: Final = max(BED_FIT.values())

_BLOCK: Final = 1024
_SHORTEST_BED_S: Final = 0.5
_SPEAKS: Final = 0.5  # of the highest class evidence: such recordings say what is typical
_FEWEST_TYPICAL: Final = 3


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a moment of a picture, or all of it, wants to hear.

    Attributes:
        words: stem -> how much it is wanted, 0..1; see :mod:`synth.voices.library.vocabulary`.
        attack: float32 [W * F], the window of predicted envelopes, for a hit; ``None`` where nothing is predicted.
        picture: float32 [E] of length one; ``None`` where nobody looked.
        firm: whether a person asked for the words: what they do not speak for then comes last.
    """

    words: Mapping[str, float] = field(default_factory=dict)
    attack: Floats | None = None
    picture: Floats | None = None
    firm: bool = False


@dataclass(frozen=True)
class Candidate:
    """A recording that could be laid, or a piece of one.

    Attributes:
        recording: which.
        piece: its number among the recording's pieces, for a hit; ``None`` for a bed.
        score: 0 to 1, the higher the better; 1 less where a person asked for something else.
        evidence: ``class``, ``texture`` and ``picture`` -> 0..1, those that could be asked.
        word: the stem that speaks loudest for its class; ``None`` where none does.
    """

    recording: Recording
    piece: int | None
    score: float
    evidence: Mapping[str, float]
    word: str | None = None

    @property
    def name(self) -> str:
        """As a hit list may ask for it: the path, and for all but the first piece its number, counted from 1."""
        return self.recording.path if not self.piece else f"{self.recording.path}#{self.piece + 1}"

    @property
    def cut(self) -> Piece:
        """The piece, of a candidate for a hit."""
        assert self.piece is not None
        return self.recording.pieces[self.piece]

    @property
    def why(self) -> str:
        """The evidence in words."""
        told = [f"{name} {value:.1f}" for name, value in self.evidence.items() if name != "class"]
        if "class" in self.evidence:
            told.insert(0, f"class {self.word} {self.evidence['class']:.1f}" if self.word else "no word of it fits")
        return f"matches: {', '.join(told)}" if told else "nothing is known that it could match"

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        one = self.recording
        return {
            "sound": self.name,
            "score": round(self.score, 4),
            "why": self.why,
            "author": one.author,
            "licence": one.licence,
            "source": one.source,
        }


@dataclass(frozen=True)
class Laid:
    """A sound of a library under a stretch of a clip, and what could have been laid instead.

    Attributes:
        start_s, end_s: from the picture's start; of a hit, its moment and where its sound ends.
        what: ``hit`` or ``bed``.
        chosen: what is heard.
        others: the next best, the best first.
    """

    start_s: float
    end_s: float
    what: str
    chosen: Candidate
    others: tuple[Candidate, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "start_s": round(self.start_s, 6),
            "end_s": round(self.end_s, 6),
            "what": self.what,
            **self.chosen.as_json(),
            "others": [one.as_json() for one in self.others],
        }


def sounds_of(laid: Sequence[Laid]) -> list[dict[str, Any]]:
    """The recordings that are heard, each once, with all that whoever publishes the result has to know."""
    heard = {one.chosen.recording.path: one.chosen.recording for one in laid}
    return [
        {
            "file": path,
            "sha256": one.sha256,
            "author": one.author,
            "licence": one.licence,
            "licence_from": one.licence_from,
            "source": one.source,
        }
        for path, one in sorted(heard.items())
    ]


def rank_hits(
    library: Library, wanted: Wanted, count: int = COUNT, weights: Mapping[str, float] = HIT_WEIGHTS
) -> list[Candidate]:
    """The ``count`` pieces of a library that may best stand for a hit, the best first; ties in the order of names."""
    if not library.cuts:
        return []
    rows = np.array([place for place, _ in library.cuts])
    evidence: dict[str, Doubles] = {}
    if wanted.words:
        evidence["class"] = spoken(library, wanted.words)[rows]
    if wanted.attack is not None:
        evidence["texture"] = _share(-_away(library.attacks, wanted.attack))
    _add_picture(evidence, library, wanted, rows)
    fit = np.array([HIT_FIT[library.entries[place].recording.kind] for place in rows])
    return _ranked(library, library.cuts, evidence, fit, wanted, count, weights)


def rank_beds(
    library: Library, wanted: Wanted, count: int = COUNT, weights: Mapping[str, float] = BED_WEIGHTS
) -> list[Candidate]:
    """The ``count`` recordings that may best lie under a scene, the best first; ties in the order of names."""
    rows = np.array([k for k, one in enumerate(library.entries) if one.recording.duration_s >= _SHORTEST_BED_S], int)
    if not len(rows):
        return []
    evidence: dict[str, Doubles] = {}
    if wanted.words:
        scores = spoken(library, wanted.words)
        evidence["class"] = scores[rows]
        if (away := _from_typical(library, scores)) is not None:
            evidence["texture"] = _share(-away[rows])
    _add_picture(evidence, library, wanted, rows)
    fit = np.array([BED_FIT[library.entries[place].recording.kind] for place in rows])
    return _ranked(library, [(place, None) for place in rows], evidence, fit, wanted, count, weights)


def _ranked(
    library: Library,
    cuts: Sequence[tuple[int, int | None]],
    evidence: Mapping[str, Doubles],
    fit: Doubles,
    wanted: Wanted,
    count: int,
    weights: Mapping[str, float],
) -> list[Candidate]:
    total = sum(weights[name] for name in evidence) or 1.0
    scores = sum((weights[name] * values for name, values in evidence.items()), np.zeros(len(cuts))) / total
    scores = (scores + fit) / (1 + MOST_FIT)
    if wanted.firm and "class" in evidence:
        scores = scores - (evidence["class"] < _SPEAKS * evidence["class"].max())
    found = []
    for k in np.argsort(-scores, kind="stable")[:count]:
        place, piece = cuts[k]
        told = {name: float(values[k]) for name, values in evidence.items()}
        word = _loudest_word(library, place, wanted.words)
        found.append(Candidate(library.entries[place].recording, piece, float(scores[k]), told, word))
    return found


def spoken(library: Library, wanted: Mapping[str, float]) -> Doubles:
    """How much each recording is wanted for its words and tags, [M], 0..1."""
    scores = np.zeros(len(library.entries))
    for word, chance in wanted.items():
        for place, share in library.by_word.get(word, {}).items():
            scores[place] = max(scores[place], min(1.0, chance * share))
    return scores


def _loudest_word(library: Library, place: int, wanted: Mapping[str, float]) -> str | None:
    told = [(chance * library.by_word.get(word, {}).get(place, 0.0), word) for word, chance in wanted.items()]
    score, word = max(told, default=(0.0, ""))
    return word if score > 0 else None


def _away(attacks: NDArray[np.float16], wanted: Floats) -> Doubles:
    """L1 distances [P] of windows [P, W * F] to one, in blocks: there may be many."""
    blocks = (attacks[at : at + _BLOCK].astype(np.float32) for at in range(0, len(attacks), _BLOCK))
    return np.concatenate([np.abs(block - wanted).sum(1, dtype=np.float64) for block in blocks])


def _from_typical(library: Library, scores: Doubles) -> Doubles | None:
    """How far each recording's texture [M] lies from the middle of those that the words find; ``None`` if few are."""
    speaking = scores >= max(_SPEAKS * scores.max(initial=0), 1e-9)
    if speaking.sum() < _FEWEST_TYPICAL:
        return None
    deviations = np.maximum(library.textures.std(0), 1e-6)
    return np.asarray(np.abs((library.textures - np.median(library.textures[speaking], 0)) / deviations).mean(1))


def _add_picture(evidence: dict[str, Doubles], library: Library, wanted: Wanted, rows: NDArray[Any]) -> None:
    if wanted.picture is not None and library.vectors is not None:
        evidence["picture"] = _share((library.vectors[rows] @ wanted.picture).astype(np.float64))


def _share(near: Doubles) -> Doubles:
    """For each of [C] the share of the others that are farther off, 0..1; equals share a place."""
    if len(near) < 2:
        return np.ones(len(near))
    rising = np.sort(near)
    below, up_to = np.searchsorted(rising, near, "left"), np.searchsorted(rising, near, "right")
    return np.asarray((below + up_to - 1) / 2 / (len(near) - 1))


def seen_words(names: Sequence[str], chances: Doubles, least: float = 0.05) -> dict[str, float]:
    """Stem -> probability of what a classifier sees, from its names and their probabilities; unlikely ones left out."""
    wanted: dict[str, float] = {}
    for place in np.flatnonzero(chances >= least).tolist():
        for word in names[place].split():
            if len(word) > 2:
                wanted[stem(word)] = wanted.get(stem(word), 0.0) + float(chances[place])
    return {word: min(1.0, chance) for word, chance in wanted.items()}
