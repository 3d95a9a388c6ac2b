"""The measured bodies that ship: one a recording, by what was struck or stepped on.

``impact_bodies.json`` is made by ``sonorize bank measure`` from recordings that may shape what ships (CC0 or CC BY; the
ledger credits them). The recordings themselves are not in it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import numpy as np

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.voices.hits.impact_body import BANDS_HZ, TIMES_S, ImpactBody

FILE: Final = "impact_bodies.json"
HARD_STEP: Final = "step on hard ground"
SOFT_STEP: Final = "step on soft ground"
KINDS: Final = (*MATERIALS, HARD_STEP, SOFT_STEP)

Bodies = Mapping[str, tuple[ImpactBody, ...]]
"""Kind, one of :data:`KINDS`, -> its bodies, at least one each; kinds without a recording are missing."""


@functools.cache
def shipped_bodies() -> Bodies:
    """The table that ships."""
    return read_table(json.loads(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")))


def as_table(bodies: Mapping[str, tuple[str, ImpactBody]]) -> dict[str, Any]:
    """Measured bodies, recording -> (kind, body), as what JSON holds: whole dB, hundredths of shares, whole Hz."""
    return {
        "bands_hz": np.round(BANDS_HZ, 1).tolist(),
        "times_s": TIMES_S.tolist(),
        "bodies": [
            {
                "recording": name,
                "kind": kind,
                "levels_db": np.round(body.levels_db).astype(int).tolist(),
                "mode_shares": np.round(body.mode_shares, 2).tolist(),
                "modes_hz": np.round(body.modes_hz).astype(int).tolist(),
                "modes_db": np.round(body.modes_db).astype(int).tolist(),
            }
            for name, (kind, body) in bodies.items()
        ],
    }


def read_table(table: Mapping[str, Any]) -> Bodies:
    """The bodies by kind, of what :func:`as_table` made.

    Raises:
        OptionError: other bands or times than this code knows, or an unknown kind.
    """
    if table["times_s"] != TIMES_S.tolist() or table["bands_hz"] != np.round(BANDS_HZ, 1).tolist():
        raise OptionError("the table of impact bodies has other bands or times than this code reads")
    found: dict[str, list[ImpactBody]] = {}
    for row in table["bodies"]:
        if row["kind"] not in KINDS:
            raise OptionError(f"the kind of an impact body is {row['kind']!r}; allowed are {', '.join(KINDS)}")
        figures = [np.array(row[key], float) for key in ("levels_db", "mode_shares", "modes_hz", "modes_db")]
        found.setdefault(row["kind"], []).append(ImpactBody(*figures))
    return {kind: tuple(bodies) for kind, bodies in found.items()}
