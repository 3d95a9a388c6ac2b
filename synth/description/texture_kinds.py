"""The kinds of sound texture for people: a name and the mean levels of the bands, out of the weights' file.

The nets that say of a sound which kind it is are in :mod:`synth.description.textures`. Here only two small parts of
their file are read, without torch and without the library for its format, so that the web can show them.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from synth import weights
from synth.errors import WeightsError

NETWORK: Final = "texture-small"
_LENGTH_BYTES: Final = 8


@dataclass(frozen=True)
class Kind:
    """One cluster of textures.

    Attributes:
        name: what most of its sounds are of; numbered where several kinds would share it.
        bands: mean level of each band from low to high, 0..1 of the highest of all kinds.
    """

    name: str
    bands: tuple[float, ...]


@functools.cache
def kinds(folder: Path = weights.CHECKPOINTS) -> tuple[Kind, ...]:
    """All kinds, by the number of their cluster; none where the weights are not there.

    Raises:
        WeightsError: the weights are damaged.
    """
    if NETWORK not in weights.entries(folder):
        return ()
    file = weights.path(NETWORK, folder)
    try:
        names, bands = _parts(file)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"weights {NETWORK!r}: {file} holds no kinds of texture") from error
    bands = np.maximum(bands - bands.min(), 0) / max(float(np.ptp(bands)), 1e-9)
    return tuple(
        Kind(name, tuple(round(float(level), 4) for level in row))
        for name, row in zip(_unique(names), bands, strict=True)
    )


def _parts(file: Path) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float32]]]:
    """Names and bands: safetensors is the length of a JSON header, the header, then the numbers."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(_LENGTH_BYTES), "little")))
        about = json.loads(header["__metadata__"][weights.METADATA])
        found = header["bands"]
        if found["dtype"] != "F32":
            raise ValueError(f"the bands are {found['dtype']}")
        first, last = found["data_offsets"]
        opened.seek(first, 1)
        return json.loads(about["names"]), np.frombuffer(opened.read(last - first), "<f4").reshape(found["shape"])


def _unique(names: list[str]) -> list[str]:
    """``rain, dog, rain`` as ``rain, dog, rain 2``, in plain words."""
    seen: Counter[str] = Counter()
    told = []
    for name in (name.replace("_", " ") for name in names):
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return told
