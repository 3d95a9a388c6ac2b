"""When a part of a prompt is heard: ``0-3 s: footsteps on gravel; 3- : door``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from synth.errors import OptionError

_TIME: Final = r"(?:\d+:[0-5]\d(?:\.\d+)?|\d+(?:\.\d+)?)"
_SECONDS: Final = r"(?:\s*(?:seconds|second|secs|sec|s)\b)?"
_DASH: Final = r"\s*(?:-|–|—|\bto\b|\buntil\b)\s*"
_ENDS: Final = rf"(?P<start>{_TIME}){_SECONDS}{_DASH}(?P<end>{_TIME})?|{_DASH}(?P<only_end>{_TIME})"
_RANGE: Final = rf"(?:\b(?:from|between)\s+)?(?:{_ENDS}){_SECONDS}\s*:(?!\d)"
_POINT: Final = rf"\b(?:at|from|after)\s+(?P<point>{_TIME}){_SECONDS}\s*:(?!\d)"
_WHEN: Final = re.compile(rf"(?<![\w.])(?:{_RANGE}|{_POINT})", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A stretch of a prompt.

    Attributes:
        text: without the range.
        start_s, end_s: None where it says nothing.
    """

    text: str
    start_s: float | None = None
    end_s: float | None = None


def parts_of(prompt: str) -> list[Part]:
    """The prompt's parts, parted by semicolons, lines and time ranges, in order; empty ones are left out.

    Raises:
        OptionError: a range that ends before it begins.
    """
    found: list[Part] = []
    for text in re.split(r"[;\n]", prompt):
        times = list(_WHEN.finditer(text))
        found.append(Part(text[: times[0].start()] if times else text))
        ends = [match.start() for match in times[1:]] + [len(text)] * bool(times)
        found += [_part(match, text[match.end() : end]) for match, end in zip(times, ends, strict=True)]
    stripped = [Part(part.text.strip(" ,."), part.start_s, part.end_s) for part in found]
    return [part for part in stripped if part.text]


def told_range(start_s: float | None, end_s: float | None) -> str:
    """A range as :func:`parts_of` reads it, with the colon; empty for all of the time."""
    if start_s is None and end_s is None:
        return ""
    return f"{start_s:g}- : " if end_s is None else f"{start_s or 0:g}-{end_s:g} s: "


def _part(match: re.Match[str], text: str) -> Part:
    start_s = _seconds(match["start"] or match["point"])
    end_s = _seconds(match["end"] or match["only_end"])
    if end_s is not None and end_s <= (start_s or 0):
        raise OptionError(f"the time range {match.group().strip().rstrip(':').strip()!r} ends before it begins")
    return Part(text, start_s or None, end_s)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    minutes, _, seconds = text.rpartition(":")
    return 60 * float(minutes or 0) + float(seconds)
