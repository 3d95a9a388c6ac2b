"""The names that somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_names(wrong: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The ``count`` names most like ``wrong``, likest first (fewer only where there are fewer).

    A name that contains the word, or is contained in it, counts as very like it: "footstep" means ``footsteps_wood``.
    """
    asked = wrong.lower().replace("-", "_").replace(" ", "_")

    def likeness(name: str) -> float:
        inside = bool(asked) and (asked in name or any(part in asked for part in name.split("_") if len(part) > 3))
        return difflib.SequenceMatcher(None, asked, name).ratio() + inside

    return sorted(names, key=lambda name: (-likeness(name), name))[:count]
