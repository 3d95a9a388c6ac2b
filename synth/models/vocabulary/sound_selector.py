"""Which sounds of the catalogue a picture calls for, and whether any does.

Zero-shot, by what the packaged ImageNet network knows already: words (:mod:`synth.models.vocabulary.sounds`) speak for
sounds; nothing is fitted but the few constants below, which were set in view of 71 wild clips. The network's answers
are sharpened, because label smoothing left it too unsure, and the probabilities of several pictures are averaged, not
their logits: a thing that is seen in a third of the pictures counts a third. ImageNet has neither rain nor a flame in a
hearth: for these two, plain measures of colour and motion speak where the network is sure of nothing else.

Shapes: K pictures, 1000 = class answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import OptionError
from synth.models.selector import cue_evidence
from synth.models.vocabulary.imagenet import NAMES
from synth.models.vocabulary.sounds import SPEECH, WordTable, word_table

SHARPENING: Final = 1.5
FITS: Final = 0.2
"""Evidence below which fewer than half of the choices are right: 7 of 17 clips; of .2 to .4 8 of 16, above 30 of 38."""
CANDIDATES: Final = 4
_ALIKE: Final = 0.85  # likeness from which on two sounds are one candidate
_CUES: Final[Mapping[str, float]] = {"crackling_fire": 0.3, "rain": 0.2}  # what a cue at its fullest says alone
_TOLD, _TOLD_PROBABILITY = 3, 0.02  # so many words are told, none below this


@dataclass(frozen=True)
class Ranked:
    """One sound that may be meant.

    Attributes:
        name: in the catalogue.
        evidence: how much of what is seen speaks for it, 0..1.
        reason: what is seen, in words.
    """

    name: str
    evidence: float
    reason: str


@dataclass(frozen=True)
class SoundSelection:
    """What a clip is to sound like.

    Attributes:
        best: the sound for which most speaks.
        fits: whether it is likelier right than wrong; else it is only the nearest.
        candidates: the next ones, best first; of sounds for which the same words speak, one.
        evidence: sound -> evidence, of all that have any, largest first.
        further: the same without the words that speak for the best: what else is there to be heard.
        speech: evidence that people talk, 0..1.
        words: what the network takes the picture for: ImageNet names and their probabilities, the likeliest three.
    """

    best: Ranked
    fits: bool
    candidates: tuple[Ranked, ...]
    evidence: Mapping[str, float]
    further: Mapping[str, float]
    speech: float
    words: tuple[tuple[str, float], ...]

    @property
    def reason(self) -> str:
        """One sentence for a person."""
        if self.fits:
            return self.best.reason
        return f"the picture shows {_listed(self.words)}; no sound fits it well, nearest is {_plain(self.best.name)}"


def word_probabilities(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probability of each word, mean over the pictures: [K, 1000] -> [1000]; zeros where there is no picture."""
    if not len(logits):
        return np.zeros(len(NAMES))
    sharp = SHARPENING * logits.astype(np.float64)
    above = np.exp(sharp - sharp.max(1, keepdims=True))
    return np.asarray((above / above.sum(1, keepdims=True)).mean(0))


def select_sounds(
    words: NDArray[np.floating], cues: Mapping[str, float] | None = None, without: Collection[str] = ()
) -> SoundSelection:
    """Rank the sounds for one clip; the same sight gives the same ranking.

    Args:
        words: probability of each ImageNet word [1000], see :func:`word_probabilities`.
        cues: measures of colour and motion, see :data:`synth.voices.ambient.image_cues.CUES`; they may be missing.
        without: sounds that may not be chosen or offered, whatever the picture shows.

    Raises:
        OptionError: ``without`` leaves none.
    """
    table = word_table()
    total = dict(zip(table.sounds, map(float, table.evidence(words)), strict=True))
    speech = total.pop(SPEECH)
    if cues is not None:
        _add_cues(total, cues)
    total = {name: value for name, value in total.items() if name not in without}
    if not total:
        raise OptionError("without leaves no sound that a picture could call for; name one, with sound_class or prompt")
    # Where nothing speaks, the nearest is what the words lean to most, however little.
    leaning = table.weights @ words / (table.undecided + 1e-9)
    order = sorted(total, key=lambda name: (-total[name], -leaning[table.sounds.index(name)], name))
    best = _ranked(order[0], total, table, words)
    answers = np.argsort(-words, kind="stable")[:_TOLD]
    return SoundSelection(
        best=best,
        fits=best.evidence >= FITS,
        candidates=tuple(_ranked(name, total, table, words) for name in _unlike(order, table)),
        evidence={name: total[name] for name in order if total[name] > 0},
        further={name: value for name, value in _further(best.name, table, words, cues).items() if name not in without},
        speech=speech,
        words=tuple((NAMES[number], float(words[number])) for number in answers),
    )


def _further(
    best: str, table: WordTable, words: NDArray[np.floating], cues: Mapping[str, float] | None
) -> dict[str, float]:
    """Evidence of other sounds once the best has taken the words that speak for it, largest first."""
    left = words * (1 - table.weights[table.sounds.index(best)].clip(0, 1))
    total = dict(zip(table.sounds, map(float, table.evidence(left)), strict=True))
    del total[SPEECH], total[best]
    if cues is not None:
        _add_cues(total, cues)
    return {name: total[name] for name in sorted(total, key=lambda name: (-total[name], name)) if total[name] > 0}


def _add_cues(total: dict[str, float], cues: Mapping[str, float]) -> None:
    """Let colours and motion speak, as far as the network is not sure of something else."""
    found = dict(zip(AMBIENT_CLASSES, map(float, cue_evidence(cues)), strict=True))
    for name, alone in _CUES.items():
        if name not in total:
            continue
        others = max((value for other, value in total.items() if other != name), default=0.0)
        room = max(0.0, 1 - 2 * others)
        total[name] = 1 - (1 - total[name]) * (1 - alone * found[name] * room)


def _unlike(order: list[str], table: WordTable) -> list[str]:
    """The next :data:`CANDIDATES` after the first, none like one before it."""
    kept = [order[0]]
    for name in order[1:]:
        if len(kept) > CANDIDATES:
            break
        if all(table.likeness(name, other) < _ALIKE for other in kept):
            kept.append(name)
    return kept[1:]


def _ranked(name: str, total: Mapping[str, float], table: WordTable, words: NDArray[np.floating]) -> Ranked:
    spoken = [(word, value) for word, value in table.speakers(name, words)[:_TOLD] if value >= _TOLD_PROBABILITY]
    if spoken:
        seen = f"the picture shows {_listed(spoken)}, which speaks for {_plain(name)} at {total[name]:.2f}"
    elif total[name] > 0:
        seen = f"colours and motion speak for {_plain(name)} at {total[name]:.2f}"
    else:
        seen = f"nothing that is seen speaks for {_plain(name)}"
    return Ranked(name, total[name], seen)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _listed(words: list[tuple[str, float]] | tuple[tuple[str, float], ...]) -> str:
    return "ImageNet's " + ", ".join(f"{word} ({value:.2f})" for word, value in words)
