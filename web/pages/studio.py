"""What the page of a result hands to its studio: the takes, the names that may be chosen, where its modules lie."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for

from synth.materials import MATERIALS
from synth.sound_names import SOUND_NAMES, display_name
from web.api.representations import outputs
from web.api.semantics.numbers import whole_number
from web.pages.filters import STATIC, family, static_file
from workers.jobs import Job

MODULES: Final = ("studio", "vendor")
"""Folders of ``static`` whose modules import each other."""
_NEW_LAYER: Final = "wind"
_TOLD: Final = ("take", "seed", "loudness_lufs", "links")
_OF_RANGE: Final = ("start_s", "end_s", "mode")
_MOST_LANES: Final = 8
"""For so many takes, and so many parts, the timeline has room; it scrolls to further ones. ``studio.css`` knows it."""


def import_map() -> dict[str, dict[str, str]]:
    """Module -> its address with a digest, so that browsers may keep every one for ever, whoever imports it."""
    return {"imports": {url_for("static", filename=name): static_file(name) for name in _modules()}}


@functools.cache
def _modules() -> tuple[str, ...]:
    found = (path.relative_to(STATIC) for folder in MODULES for path in (STATIC / folder).rglob("*.js"))
    return tuple(sorted(path.as_posix() for path in found))


def shown_take(takes: Sequence[Mapping[str, Any]], asked: str | None) -> int:
    """Which of the takes is shown, as its place in the list.

    The one that is asked for by its number; else the newest that a person corrected; else the one that fits best.
    """
    numbers = [int(one["take"]) for one in takes]
    if asked is not None and (number := whole_number(asked)) in numbers:
        return numbers.index(number)
    corrected = [place for place, one in enumerate(takes) if one.get("parent") is not None]
    if corrected:
        return corrected[-1]
    best = (place for place, one in enumerate(takes) if (one.get("description") or {}).get("rank") == 1)
    return next(best, 0)


def shown_because(takes: Sequence[Mapping[str, Any]], place: int, asked: str | None) -> str | None:
    """Why that take is shown first, where there are several and nobody asked for one of them."""
    shown = takes[place]
    if len(takes) < 2 or asked is not None:
        return None
    if shown.get("parent") is not None:
        return f"Take {shown['take'] + 1} is shown: the newest that was made from a correction."
    if (shown.get("description") or {}).get("rank") == 1:
        return f"Take {shown['take'] + 1} is shown: of {len(takes)} it fits the picture best."
    return f"Take {shown['take'] + 1} is shown, of {len(takes)}; they were not compared with the picture."


def config(job: Job, told: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """What the scripts of the studio begin with.

    Args:
        told: the job as the API tells it.
        shown: the take that is shown, of ``told["outputs"]``.
    """
    chosen = shown.get("sound_class") or {}
    return {
        "job": told["links"]["self"],
        "page": told["links"]["page"],
        "duration_s": shown["duration_s"],
        "rate_fps": job.info.get("rate_fps") or 0,
        "take": shown["take"],
        "takes": [_take(one) for one in told["outputs"]],
        "material": job.options.get("material") or "wood",
        "sound": chosen.get("name") or _NEW_LAYER,
        "ranges": [{name: one[name] for name in _OF_RANGE} for one in shown["ranges"]],
        "materials": {name: family(name) for name in MATERIALS},
        "sounds": {name: display_name(name).capitalize() for name in SOUND_NAMES},
    }


def _take(output: Mapping[str, Any]) -> dict[str, Any]:
    described = output.get("description") or {}
    return {name: output[name] for name in _TOLD} | {"parent": output.get("parent"), "rank": described.get("rank")}


def lanes(job: Job, shown: Mapping[str, Any]) -> dict[str, int]:
    """How many lanes of takes and of parts the timeline has room for before the scripts run."""
    made = outputs(job)
    entry = next(one for one in made if one["take"] == shown["take"])
    parts = len(entry.get("stems", ())) + bool(entry.get("original_key"))
    return {"takes": min(len(made), _MOST_LANES), "stems": min(parts, _MOST_LANES)}


def none_fits(output: Mapping[str, Any]) -> bool:
    """Whether nothing that this server can make is likelier right than wrong for the clip."""
    chosen = output.get("sound_class")
    return chosen is not None and not chosen["fits"]
