"""Recordings of single impacts whose material their names tell: the sound effects of two games (CC0 or CC BY by file).

A folder of such effects has one recording a file; which material a file is of stands in one table here, by judgement
of the names. Files of a numbered series (``GlassHit1``, ``GlassHit2``) are takes of one session: every other one is for
fitting, the rest for judging, so no recording is in both halves though a session may be.

Importable without torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.media import audio
from synth.media.recordings import find_recordings
from synth.voices.hits.bank_building import LEAD_S, LONGEST_S
from synth.voices.hits.impact_body import contact_of

FIT: Final = "fit"
JUDGE: Final = "judge"

_MATERIALS: Final[tuple[tuple[str, str], ...]] = (
    (r"Materials/Glass/GlassHit", "glass"),
    (r"Materials/Metal/|Hits/BucketHit|Shield/MetalHit|Pickaxe/Clang", "metal"),
    (r"Materials/Rock/RockHit|StoneGate/GateHit", "rock"),
    (r"Materials/Wood/(Dull)?WoodHit|Shield/WoodHit|Tree/Chop", "wood"),
    (r"Liquids/Splash", "water"),
    (r"Action/Dig/|(Javelin|Arrow)/HitGround", "dirt"),
    (r"Hits/Soft(Hit|Touch)", "cloth"),
)


@dataclass(frozen=True)
class ImpactFile:
    """A recording of one impact.

    Attributes:
        name: path inside the folder, without its suffix.
        path: the file.
        material: one of :data:`synth.materials.MATERIALS`.
        series: name without the number of the take.
        half: :data:`FIT` or :data:`JUDGE`.
    """

    name: str
    path: Path
    material: str
    series: str
    half: str

    def impact(self, rate_hz: int) -> NDArray[np.float32]:
        """The sound [N] from 10 ms before the contact, at most a second.

        Raises:
            MediaError: the file cannot be read.
        """
        sound, _ = audio.read(self.path, rate_hz)
        first = max(0, contact_of(sound) - round(LEAD_S * rate_hz))
        return sound[first : first + round(LONGEST_S * rate_hz)]


def impact_files(folder: Path) -> list[ImpactFile]:
    """The impacts of known material under ``folder``, in the order of their names.

    Raises:
        OptionError: there is none.
    """
    takes: dict[str, int] = {}
    found = []
    for inside, path in find_recordings(folder).files.items():
        name = inside.rsplit(".", 1)[0]
        material = _material_of(name)
        if material is None:
            continue
        series = re.sub(r"\d+(alt)?$", "", name)
        takes[series] = takes.get(series, 0) + 1
        found.append(ImpactFile(name, path, material, series, (JUDGE, FIT)[takes[series] % 2]))
    if not found:
        raise OptionError(f"{folder} holds no recording of an impact whose material its name tells")
    return found


def of_half(files: Sequence[ImpactFile], half: str) -> list[ImpactFile]:
    """Those for fitting, or those for judging."""
    return [file for file in files if file.half == half]


def _material_of(name: str) -> str | None:
    return next((material for pattern, material in _MATERIALS if re.search(pattern, name)), None)
