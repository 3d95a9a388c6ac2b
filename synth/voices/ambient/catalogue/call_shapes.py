"""The measured calls that come with the package: see :mod:`synth.voices.ambient.catalogue.parts.voice.call_shape`."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from synth import weights
from synth.voices.ambient.catalogue.parts.voice.call_shape import CallShape, unpacked

NAME: Final = "call-shapes"
"""The entry of the manifest."""


@cache
def call_shapes(animal: str) -> tuple[CallShape, ...]:
    """All shapes of ``animal`` (a tensor of the file: ``dog``, ``rooster``, ``baby``, ``sneeze``).

    Raises:
        WeightsError: the file is missing or not the one that the manifest states.
        KeyError: no such animal is in it.
    """
    from safetensors.numpy import load_file

    return unpacked(load_file(weights.path(NAME))[animal])


def drawn(animal: str, body: np.random.Generator, rng: np.random.Generator, most: float = 0.35) -> CallShape:
    """A call of one individual: ``body`` chooses between whose two calls it lies, ``rng`` where, up to ``most``."""
    shapes = call_shapes(animal)
    own, other = (int(one) for one in body.choice(len(shapes), 2, replace=False))
    return shapes[own].towards(shapes[other], rng.uniform(0, most))
