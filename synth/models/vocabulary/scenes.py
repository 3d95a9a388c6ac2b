"""What an ImageNet classifier's answer says about the ten ambient classes: "cradle" speaks for a crying baby.

Chosen by hand from the 1000 class names, not fitted to clips. A weight says how much a sight speaks for the sound:
1 for the thing itself, less for what is often beside it or taken for it. Numbers are the class indices of ILSVRC 2012.
ImageNet has neither helicopter nor rain nor sneezing, and no flame in a hearth: for these only neighbours speak, and
:mod:`synth.models.selector` asks the picture itself too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.ambient_classes import AMBIENT_CLASSES
from synth.models.vocabulary.imagenet import NAMES

DOGS: Final = range(151, 269)
"""The 118 breeds, Chihuahua to Mexican hairless."""

WORDS: Final[dict[str, dict[str, tuple[int, float]]]] = {
    "chainsaw": {
        "chain saw": (491, 1.0),
        "lumbermill": (634, 0.6),
        "hatchet": (596, 0.3),
        "power drill": (740, 0.3),
        "lawn mower": (621, 0.3),
        "thresher": (856, 0.1),
    },
    "clock_tick": {
        "analog clock": (409, 1.0),
        "wall clock": (892, 1.0),
        "stopwatch": (826, 1.0),
        "digital clock": (530, 0.7),
        "digital watch": (531, 0.7),
        "barometer": (426, 0.7),  # a round dial in a wooden case: the net takes pendulum clocks for it
        "hourglass": (604, 0.3),
        "magnetic compass": (635, 0.3),
        "sundial": (835, 0.2),
        "bell cote": (442, 0.2),
    },
    "crackling_fire": {
        "fire screen": (556, 1.0),
        "volcano": (980, 0.7),
        "matchstick": (644, 0.7),
        "torch": (862, 0.7),
        "stove": (827, 0.6),
        "candle": (470, 0.5),
        "caldron": (469, 0.4),
        "space heater": (811, 0.3),
        "rotisserie": (766, 0.3),
        "Dutch oven": (544, 0.3),
        "jack-o'-lantern": (607, 0.3),
        "lighter": (626, 0.2),
    },
    "crying_baby": {
        "bib": (443, 1.0),
        "bassinet": (431, 1.0),
        "cradle": (516, 1.0),
        "crib": (520, 1.0),
        "diaper": (529, 1.0),
        "nipple": (680, 1.0),
        "bonnet": (452, 0.5),
        "pajama": (697, 0.4),
        "bath towel": (434, 0.3),
        "Band Aid": (419, 0.3),  # skin from close by
        "tub": (876, 0.2),
        "teddy": (850, 0.2),
        "swing": (843, 0.2),
    },
    "dog": {
        **{NAMES[number]: (number, 1.0) for number in DOGS},
        "dingo": (273, 0.7),
        "dhole": (274, 0.7),
        "African hunting dog": (275, 0.7),
        "timber wolf": (269, 0.5),
        "white wolf": (270, 0.5),
        "red wolf": (271, 0.5),
        "coyote": (272, 0.5),
        "muzzle": (676, 0.5),
        "dogsled": (537, 0.5),
        "tennis ball": (852, 0.1),
    },
    "helicopter": {
        "warplane": (895, 0.8),
        "airship": (405, 0.7),
        "airliner": (404, 0.6),
        "wing": (908, 0.6),
        "missile": (657, 0.4),
        "projectile": (744, 0.4),
        "aircraft carrier": (403, 0.4),
        "space shuttle": (812, 0.4),
        "parachute": (701, 0.3),
        "drilling platform": (540, 0.2),
        "crane": (517, 0.2),
        "electric fan": (545, 0.2),
    },
    "rain": {
        "umbrella": (879, 0.8),
        "rain barrel": (756, 0.6),
        "spider web": (815, 0.2),
        "window screen": (904, 0.2),
        "fountain": (562, 0.2),
        "traffic light": (920, 0.2),
        "street sign": (919, 0.1),
        "cab": (468, 0.1),
    },
    "rooster": {
        "cock": (7, 1.0),
        "hen": (8, 0.8),
        "prairie chicken": (83, 0.2),
        "partridge": (86, 0.2),
        "peacock": (84, 0.1),
    },
    "sea_waves": {
        "seashore": (978, 1.0),
        "sandbar": (977, 1.0),
        "promontory": (976, 0.9),
        "breakwater": (460, 0.9),
        "lakeside": (975, 0.5),
        "beacon": (437, 0.5),
        "cliff": (972, 0.4),
        "grey whale": (147, 0.7),
        "killer whale": (148, 0.6),
        "dugong": (149, 0.6),
        "sea lion": (150, 0.4),
        "great white shark": (2, 0.4),
        "albatross": (146, 0.3),
        "pelican": (144, 0.3),
        "pier": (718, 0.4),
        "catamaran": (484, 0.4),
        "trimaran": (871, 0.4),
        "yawl": (914, 0.4),
        "schooner": (780, 0.4),
        "speedboat": (814, 0.4),
        "lifeboat": (625, 0.3),
        "container ship": (510, 0.3),
        "liner": (628, 0.3),
        "submarine": (833, 0.3),
        "wreck": (913, 0.3),
        "dock": (536, 0.2),
    },
    "sneezing": {
        "handkerchief": (591, 0.8),
        "paper towel": (700, 0.5),
        "toilet tissue": (999, 0.5),
        "oxygen mask": (691, 0.6),
        "mask": (643, 0.4),
        "Band Aid": (419, 0.5),  # skin from close by
        "neck brace": (678, 0.4),
        "hair spray": (585, 0.4),
        "face powder": (551, 0.4),
        "lipstick": (629, 0.4),
        "sunglasses": (837, 0.3),
        "sunglass": (836, 0.3),
        "wig": (903, 0.4),
        "lotion": (631, 0.3),
        "seat belt": (785, 0.3),
        "barbershop": (424, 0.3),
        "stethoscope": (823, 0.2),
        "sweatshirt": (841, 0.3),
        "bow tie": (457, 0.2),
        "Windsor tie": (906, 0.2),
        "ice lolly": (929, 0.3),
    },
}


SEEN_IN_EVALUATION: Final = (
    "barometer",
    "Band Aid",
    "barbershop",
    "dugong",
    "grey whale",
    "hair spray",
    "ice lolly",
    "oxygen mask",
    "seat belt",
)
"""Words that the network's answers to clips of the evaluation suggested: it has a row without them."""


def _table(left_out: tuple[str, ...]) -> NDArray[np.float64]:
    table = np.zeros((len(AMBIENT_CLASSES), len(NAMES)))
    for row, name in enumerate(AMBIENT_CLASSES):
        for word, (number, weight) in WORDS[name].items():
            table[row, number] = 0.0 if word in left_out else weight
    return table


_WEIGHTS: Final = _table(())
_WEIGHTS_UNSEEN: Final = _table(SEEN_IN_EVALUATION)


def chances(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Class answers [1000] -> their probabilities [1000]."""
    above = np.exp(logits.astype(np.float64) - logits.max())
    return np.asarray(above / above.sum())


def evidence(logits: NDArray[np.floating], *, unseen_only: bool = False) -> NDArray[np.float64]:
    """Evidence 0..1 for each ambient class in the order of ``AMBIENT_CLASSES``: [1000] -> [10].

    The weighted probability of its words, above what a network that knows nothing would give them: one answer in a
    thousand to each word, which is much for the 118 dogs and next to nothing for the cock.

    Args:
        logits: class answers, as for :func:`chances`.
        unseen_only: leave out :data:`SEEN_IN_EVALUATION`; for the evaluation.
    """
    weights = _WEIGHTS_UNSEEN if unseen_only else _WEIGHTS
    undecided = weights.mean(1)
    return np.asarray(np.maximum(0.0, (weights @ chances(logits) - undecided) / (1 - undecided)))


def lifts(logits: NDArray[np.floating], *, unseen_only: bool = False) -> NDArray[np.float64]:
    """How many times what an undecided network would give the words of each class get: [1000] -> [10], above 0."""
    weights = _WEIGHTS_UNSEEN if unseen_only else _WEIGHTS
    return np.asarray((weights @ chances(logits) + 1e-12) / weights.mean(1))


def speakers(logits: NDArray[np.floating], name: str) -> tuple[tuple[str, float], ...]:
    """The words of an ambient class with the probability of each, those that speak most for it first."""
    answers = chances(logits)
    words = sorted(WORDS[name].items(), key=lambda item: -answers[item[1][0]] * item[1][1])
    return tuple((word, float(answers[number])) for word, (number, _) in words)
