"""Which of ten ambient sounds a picture calls for, and whether any of them does.

Zhou et al. (CVPR 2018) have one sound decoder a class and are told the class. Here it is chosen: zero-shot, by what
the packaged ImageNet network knows already, as there is no licensed labelled video to train on. Words
(:mod:`synth.models.vocabulary.scenes`) speak for most classes; what ImageNet has no class for is helped by plain
measures of colour and motion, :func:`cue_evidence`. Nothing here is fitted. Skin colour is not among the measures: such
rules overlook dark skin and take wood for a face.

Evidence e of a class is 0..1; with t = :data:`THRESHOLD` and s = a trace of 0.02 in all that says
which class is nearest even where there is no evidence,

    p(class) = (e + s) / (sum of (e + s) + t),    p(none of these) = t / (sum of (e + s) + t)

so that a class fits when it is likelier than none, which is when its evidence is about t or more. t = 0.1: a tenth
of the network's belief, beyond what it would spend on the words of that class anyway. It was set by hand in view of
71 clips that are not in the training of anything, see :mod:`synth.evaluation.ambient.selector`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.ambient_classes import AMBIENT_CLASSES, DISPLAY_NAMES
from synth.models.vocabulary.imagenet import NAMES
from synth.models.vocabulary.scenes import WORDS, chances, evidence, lifts, speakers

THRESHOLD: Final = 0.1
_TRACE: Final = 0.02
_SPOKEN_PROBABILITY: Final = 0.02  # words below this are not worth telling
_SPOKEN: Final = 3


class Sight(Protocol):
    """What of a clip the selector needs; :class:`synth.voices.ambient.scene.Seen` has it."""

    @property
    def logits_mean(self) -> NDArray[np.float32]:
        """The 1000 class answers, mean over the pictures."""
        ...

    @property
    def cues(self) -> Mapping[str, float]:
        """Measures of colour and motion, see :data:`synth.voices.ambient.image_cues.CUES`."""
        ...


@dataclass(frozen=True)
class Selection:
    """The ambient class that a clip gets.

    Attributes:
        name: one of :data:`synth.ambient_classes.AMBIENT_CLASSES`, the likeliest.
        probability: of that class.
        probabilities: class -> probability, all ten; with ``none`` they sum to 1.
        none: probability that none of the ten fits.
        fits: whether ``name`` is likelier than none; else it is only the nearest.
        reason: one sentence for a person.
        evidence: class -> what speaks for it, 0..1, before it is made a probability.
        words: what the network takes the picture for: ImageNet names and their probabilities, the likeliest three.
    """

    name: str
    probability: float
    probabilities: Mapping[str, float]
    none: float
    fits: bool
    reason: str
    evidence: Mapping[str, float]
    words: tuple[tuple[str, float], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "probability": round(self.probability, 6),
            "probabilities": {name: round(value, 6) for name, value in self.probabilities.items()},
            "none": round(self.none, 6),
            "fits": self.fits,
            "reason": self.reason,
            "words": {word: round(value, 6) for word, value in self.words},
        }


def select(seen: Sight) -> Selection:
    """Choose a class for one clip; the same sight gives the same choice, whatever is looked at beside it."""
    words = evidence(seen.logits_mean)
    return decide(seen, combine(words, cue_evidence(seen.cues), seen), lifts(seen.logits_mean))


def decide(seen: Sight, total: NDArray[np.float64], nearness: NDArray[np.float64]) -> Selection:
    """The choice from evidence [10] in the order of ``AMBIENT_CLASSES``, and from nearness [10], of any scale."""
    shares = total + _TRACE * nearness / nearness.sum()
    whole = float(shares.sum()) + THRESHOLD
    chosen = int(shares.argmax())
    name, probability, none = AMBIENT_CLASSES[chosen], float(shares[chosen]) / whole, THRESHOLD / whole
    answers = chances(seen.logits_mean)
    likeliest = tuple(
        (NAMES[number], float(answers[number])) for number in np.argsort(-answers, kind="stable")[:_SPOKEN]
    )
    fits = probability >= none
    return Selection(
        name=name,
        probability=probability,
        probabilities=dict(zip(AMBIENT_CLASSES, map(float, shares / whole), strict=True)),
        none=none,
        fits=fits,
        reason=_because(seen, name, probability, likeliest) if fits else _although(name, probability, none, likeliest),
        evidence=dict(zip(AMBIENT_CLASSES, map(float, total), strict=True)),
        words=likeliest,
    )


def combine(words: NDArray[np.float64], cues: NDArray[np.float64], seen: Sight) -> NDArray[np.float64]:
    """Evidence [10] of words and cues together: [10], [10] -> [10].

    Cues count as much as the network leaves open: where it is sure of something else, such as a revolver before a blue
    cloth, colours say nothing. They also strengthen words that agree with them, by up to a half.
    """
    both = words * (1 + 0.5 * cues)
    return np.asarray(np.minimum(1.0, 1 - (1 - both.clip(0, 1)) * (1 - _ALONE * cues * openness(seen.logits_mean))))


def openness(logits: NDArray[np.floating]) -> float:
    """How far the network's likeliest answer that speaks for none of the ten leaves room for cues, 0..1."""
    others = chances(logits)
    others[sorted(_SPEAKING)] = 0
    return float(np.clip(1 - 2 * others.max(), 0, 1))


_SPEAKING: Final = frozenset(number for words in WORDS.values() for number, _ in words.values())

# What a cue at its fullest may say without any word. Fire and rain may reach a decision by themselves, for ImageNet
# has no class for either; blue water and empty sky may only be nearest: pools, cloths and walls look like them too.
_ALONE: Final = np.array(
    [
        {"crackling_fire": 0.3, "rain": 0.2, "sea_waves": 0.02, "helicopter": 0.02}.get(name, 0.0)
        for name in AMBIENT_CLASSES
    ]
)


def cue_evidence(cues: Mapping[str, float]) -> NDArray[np.float64]:
    """How well colours and motion agree with each class, 0..1, 0 where they say nothing: [10].

    * fire: flame colours in the dark that change while the camera stands still;
    * rain: grey, with fine fast change all over the picture that is neither flow nor camera;
    * sea: blue, with more lines across than up, moving slowly;
    * helicopter: mostly smooth sky, in which little moves.
    """
    steady = 1 - _ramp(cues["camera"], 0.05, 0.2)
    flickering = cues["flame_flicker"] / max(cues["flame"], 0.01)
    found = {
        "crackling_fire": _ramp(cues["flame"], 0.02, 0.15)
        * _ramp(flickering, 0.02, 0.08)
        * _ramp(cues["dark"], 0.1, 0.4)
        * steady,
        "rain": _ramp(cues["grey"], 0.7, 0.85)
        * _ramp(cues["fine"], 0.4, 0.6)
        * _ramp(cues["everywhere"], 0.4, 0.8)
        * (1 - _ramp(cues["moving"], 0.3, 0.6))
        * (1 - _ramp(cues["camera"], 0.02, 0.08)),
        "sea_waves": _ramp(cues["blue"], 0.3, 0.7)
        * _ramp(cues["level"], 0.1, 0.3)
        * _ramp(cues["moving"], 0.02, 0.1)
        * (1 - _ramp(cues["speed"], 0.1, 0.3)),
        "helicopter": _ramp(cues["sky"], 0.5, 0.9) * (1 - _ramp(cues["moving"], 0.2, 0.5)),
    }
    return np.array([found.get(name, 0.0) for name in AMBIENT_CLASSES])


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to ``low``, 1 from ``high``, a straight line between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _because(seen: Sight, name: str, probability: float, likeliest: tuple[tuple[str, float], ...]) -> str:
    spoken = [
        (word, value) for word, value in speakers(seen.logits_mean, name)[:_SPOKEN] if value >= _SPOKEN_PROBABILITY
    ]
    if not spoken:
        return (
            f"colours and motion speak for {DISPLAY_NAMES[name]} at {probability:.2f}; "
            f"the network sees {_listed(likeliest)}"
        )
    return f"the picture shows {_listed(spoken)}, which speaks for {DISPLAY_NAMES[name]} at {probability:.2f}"


def _although(name: str, probability: float, none: float, likeliest: tuple[tuple[str, float], ...]) -> str:
    return (
        f"the picture shows {_listed(likeliest)}; none of the ten ambient classes fits, at {none:.2f}; "
        f"nearest is {DISPLAY_NAMES[name]} at {probability:.2f}"
    )


def _listed(words: list[tuple[str, float]] | tuple[tuple[str, float], ...]) -> str:
    return "ImageNet's " + ", ".join(f"{word} ({value:.2f})" for word, value in words)
