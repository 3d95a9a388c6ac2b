"""Pictures that nobody took: what the packaged ImageNet net would see if a real picture showed a dog, or a drum.

Our scenes are drawn, and what a net learns of drawn dogs says little of photographed ones; photographs with sound and
a free licence are not at hand. But the packaged net has seen a million photographs, and its last layer knows which
features mean "dog". So the pooled features of real frames, of whatever clips there are, are pushed along the direction
of a class until the net would say it, and are paired with a sound of that class. Which ImageNet classes belong to which
sound stands in a table by hand; words that came into :mod:`synth.models.vocabulary.scenes` in view of the clips that
are measured on are left out.

This carries over to real pictures (see ``sonorize eval crossmodal``). The same with maps, pushed by gradient within a
region, did not: AVE-Net and AVOL-Net, trained on 1200 such, found real pictures hardly better and scenes worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.models.vocabulary.scenes import DOGS, SEEN_IN_EVALUATION, WORDS

Floats = NDArray[np.float32]

_FURTHER: Final[Mapping[str, Sequence[int]]] = {
    "dog": DOGS,
    "bell": (442, 494),
    "drum": (541, 822),
    "siren": (407, 555, 734),
    "engine": (468, 511, 609, 665, 670, 717, 817, 867),
    "whistle": (902,),
    "bird": (*range(8, 25), *range(80, 100), *range(127, 147)),
    "hammer": (587,),
    "speech": (457, 617, 650, 834, 903, 906),  # what people wear who are looked at: ImageNet has no person
}
SIGHTS: Final[Mapping[str, Sequence[int]]] = {
    **{
        name: [index for word, (index, weight) in words.items() if weight >= 0.5 and word not in SEEN_IN_EVALUATION]
        for name, words in WORDS.items()
    },
    **_FURTHER,
}
"""Label of a sound -> ImageNet classes that show it."""

_MARGIN: Final = (2.0, 8.0)  # by which the pushed class is to lead, in logits


def pooled_like(
    label: str, features: Floats, directions: tuple[Floats, Floats], rng: np.random.Generator
) -> Floats | None:
    """Pooled features [1280] of a real picture, pushed until the net would say one to three sights of a label.

    ``None`` where ImageNet has no sight of it.
    """
    sights = list(SIGHTS.get(label, ()))
    if not sights:
        return None
    weight, level = directions
    chosen = rng.choice(sights, size=min(len(sights), int(rng.integers(1, 4))), replace=False)
    found = features * np.float32(rng.uniform(0.3, 1.0))
    # Away from what all classes share: only what tells this one from the rest.
    towards = weight[chosen].mean(0) - weight.mean(0)
    logits = weight @ found + level
    lacking = logits.max() - logits[chosen].mean() + rng.uniform(*_MARGIN)
    found = found + towards * np.float32(lacking / max(1e-6, float(towards @ towards)))
    # The features' last step is a swish, which never goes below this.
    return np.asarray(np.maximum(found, -0.28), np.float32)
