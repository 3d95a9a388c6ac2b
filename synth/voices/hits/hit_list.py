"""A hit list as a person may have edited it: JSON text in, checked :class:`Hit` objects out.

Two shapes are read: what ``sonorize run --json`` prints (the output whose index is asked for) and a plain
``{"hits": [...]}``. Of a hit only ``time_s`` is required; strength is 0.5, material the list's or the option's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.voices.base import Hit

MAX_HITS: Final = 100_000
MAX_BYTES: Final = 64 * 1024**2
DEFAULT_STRENGTH: Final = 0.5
_KEYS: Final = ("time_s", "strength", "material", "confidence", "exemplar", "pan", "gain_db", "probabilities")
_OF_SCORES: Final = ("id", "nearest")
"""What the hits of a score also have (:mod:`synth.score.score`): a score is a hit list too."""
GAIN_RANGE_DB: Final = (-24.0, 24.0)


def read(path: Path, *, duration_s: float, material: str | None = None, take: int = 0) -> tuple[Hit, ...]:
    """The hits of a JSON file, sorted by time.

    Args:
        path: the file.
        duration_s: length of the clip; every hit must begin inside it.
        material: stands in for entries that name none, and overrules the others, as ``--material`` does.
        take: which entry of ``outputs`` to read, where there are several.

    Raises:
        OptionError: the file cannot be read, is not such a list, or an entry is not allowed.
    """
    return parse(_load(path), duration_s=duration_s, material=material, take=take)


def parse(raw: Any, *, duration_s: float, material: str | None = None, take: int = 0) -> tuple[Hit, ...]:
    """As :func:`read`, from values that are already parsed JSON.

    Raises:
        OptionError: as :func:`read`.
    """
    entries = _entries(raw, take)
    if len(entries) > MAX_HITS:
        raise OptionError(f"the hit list has {len(entries)} hits; allowed are {MAX_HITS}")
    hits = [_hit(number, entry, duration_s, material) for number, entry in enumerate(entries, start=1)]
    return tuple(sorted(hits, key=lambda hit: hit.time_s))


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise OptionError(f"hit list {path.name!r} is larger than {MAX_BYTES // 1024**2} MB")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"hit list {path.name!r} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"hit list {path.name!r} is not JSON: {error}") from error


def _entries(raw: Any, take: int) -> list[Any]:
    if isinstance(raw, Mapping) and isinstance(raw.get("outputs"), list):
        outputs = raw["outputs"]
        if not 0 <= take < len(outputs):
            raise OptionError(f"take {take} was asked for; the hit list holds takes 0 to {len(outputs) - 1}")
        raw = outputs[take]
    if not isinstance(raw, Mapping) or not isinstance(raw.get("hits"), list):
        raise OptionError('a hit list is {"hits": [...]} or what `sonorize run --json` prints')
    entries: list[Any] = raw["hits"]
    return entries


def _hit(number: int, entry: Any, duration_s: float, material: str | None) -> Hit:
    if not isinstance(entry, Mapping):
        raise OptionError(f"hit {number} is {_show(entry)}; it must be an object with time_s, strength and material")
    unknown = sorted(str(key) for key in set(entry) - set(_KEYS) - set(_OF_SCORES))
    if unknown:
        raise OptionError(f"hit {number} has the unknown key {_show(unknown[0])}; known are {', '.join(_KEYS)}")
    if "time_s" not in entry:
        raise OptionError(f"hit {number} has no time_s")
    time_s = _number(number, "time_s", entry["time_s"], 0.0, duration_s)
    if time_s >= duration_s:
        raise OptionError(f"hit {number} has time_s {time_s:g}; the clip ends at {duration_s:g}")
    named = material if material is not None else entry.get("material")
    if named not in MATERIALS:
        raise OptionError(f"hit {number} has material {_show(named)}; allowed are {', '.join(MATERIALS)}")
    exemplar = entry.get("exemplar")
    if exemplar is not None and not isinstance(exemplar, str):
        raise OptionError(f"hit {number} has exemplar {_show(exemplar)}; it must be the name of a bank sound, or null")
    return Hit(
        time_s=time_s,
        strength=_number(number, "strength", entry.get("strength", DEFAULT_STRENGTH), 0.0, 1.0),
        material=named,
        confidence=_number(number, "confidence", entry.get("confidence", 1.0), 0.0, 1.0),
        probabilities=_probabilities(number, entry.get("probabilities")),
        pan=_number(number, "pan", entry.get("pan", 0.0), -1.0, 1.0),
        gain_db=_number(number, "gain_db", entry.get("gain_db", 0.0), *GAIN_RANGE_DB),
        # An exemplar is a sound of the old material: where --material overrules, a new one is chosen.
        exemplar=exemplar if named == entry.get("material", named) else None,
    )


def _number(number: int, key: str, value: Any, low: float, high: float) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not (fits and low <= value <= high):  # also false for NaN
        raise OptionError(f"hit {number} has {key} {_show(value)}; allowed is {low:g} to {high:g}")
    return float(value)


def _probabilities(number: int, raw: Any) -> dict[str, float]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise OptionError(f"hit {number} has probabilities {_show(raw)}; they must be an object of material and number")
    unknown = sorted(str(key) for key in raw if key not in MATERIALS)
    if unknown:
        raise OptionError(f"hit {number} has a probability for {_show(unknown[0])}; allowed are {', '.join(MATERIALS)}")
    return {name: _number(number, f"probability of {name}", value, 0.0, 1.0) for name, value in raw.items()}


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
