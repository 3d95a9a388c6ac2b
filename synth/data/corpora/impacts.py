"""Recordings of single impacts whose material their names tell: the sound effects of two games (CC0 or CC BY by file).

A folder of such effects has one recording a file; what a file is of stands in one table here, by judgement of the
names. Files of a numbered series (``WoodHit1``, ``WoodHit2``) are takes of one session: they are dealt out to two folds
in turn, so no recording is in both folds though a session may be.

Importable without torch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.media import audio
from synth.media.sound.recordings import find_recordings
from synth.voices.hits.bank_building import LEAD_S, LONGEST_S
from synth.voices.hits.impact_body import contact_of
from synth.voices.hits.impact_table import HARD_STEP, SOFT_STEP

FOLDS: Final = 2

_KINDS: Final[tuple[tuple[str, str], ...]] = (
    (r"Materials/Glass/GlassHit", "glass"),
    (r"Materials/Metal/|Hits/BucketHit|Shield/MetalHit|Pickaxe/Clang", "metal"),
    (r"Materials/Rock/RockHit|StoneGate/GateHit", "rock"),
    (r"Materials/Wood/(Dull)?WoodHit|Shield/WoodHit|Tree/Chop", "wood"),
    (r"Liquids/Splash", "water"),
    (r"Action/Dig/|(Javelin|Arrow)/HitGround", "dirt"),
    (r"Hits/Soft(Hit|Touch)", "cloth"),
    (r"Movement/StepHard", HARD_STEP),
    (r"Movement/StepSoft", SOFT_STEP),
)


@dataclass(frozen=True)
class ImpactFile:
    """A recording of one impact.

    Attributes:
        name: path inside the folder, without its suffix.
        path: the file.
        kind: one of :data:`synth.materials.MATERIALS` that was struck, or which sort of ground was stepped on.
        fold: 0 or 1.
    """

    name: str
    path: Path
    kind: str
    fold: int

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
        kind = _kind_of(name)
        if kind is None:
            continue
        series = re.sub(r"\d+(alt)?$", "", name)
        takes.setdefault(series, 0)
        found.append(ImpactFile(name, path, kind, takes[series] % FOLDS))
        takes[series] += 1
    if not found:
        raise OptionError(f"{folder} holds no recording of an impact whose material its name tells")
    return found


def _kind_of(name: str) -> str | None:
    return next((kind for pattern, kind in _KINDS if re.search(pattern, name)), None)
