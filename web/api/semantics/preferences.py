"""Headers by which a caller says how it wants to be answered: ``Prefer: wait`` (RFC 7240) and ``Cancel-After``."""

from __future__ import annotations

import re
from typing import Final

from flask import request

from web.api.problems import Problem
from web.api.schemas.base import DURATION

MAX_WAIT_S: Final = 60.0
CANCEL_AFTER_RANGE_S: Final = (1.0, 7 * 86_400.0)
_SECONDS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_WAIT: Final = re.compile(r'wait(\s*=\s*"?(?P<number>\d{1,9})"?)?\s*(;.*)?', re.IGNORECASE)


def wait_s() -> float | None:
    """How many seconds the caller wants to wait for the end of its job, by ``Prefer: wait[=N]``; a minute at most.

    ``None`` where it does not say so. As the RFC has it, the first of several counts, and what is not understood is
    passed over.
    """
    for line in request.headers.getlist("Prefer"):
        for preference in line.split(","):
            match = _WAIT.fullmatch(preference.strip())
            if match:
                return min(MAX_WAIT_S, float(match["number"] or MAX_WAIT_S))
    return None


def applied(waited_s: float) -> dict[str, str]:
    """The header that tells the caller that it was waited for."""
    return {"Preference-Applied": f"wait={waited_s:g}", "Vary": "Prefer"}


def cancel_after_s(field: str = "") -> float | None:
    """After how many seconds the job is to be cancelled unless it has ended: the header ``Cancel-After``, or a field.

    Args:
        field: ``cancel_after`` of the form; the header counts before it.

    Raises:
        Problem: ``option``: it is no length of time, or too long or too short.
    """
    name, given = "Cancel-After", request.headers.get("Cancel-After", "").strip()
    if not given:
        name, given = "cancel_after", field.strip()
    if not given:
        return None
    match = re.fullmatch(DURATION, given)
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    low, high = CANCEL_AFTER_RANGE_S
    if not low <= seconds <= high:
        allowed = f"allowed is {low:g} to {high:g} seconds, written as 90, 90s, 5m or 1h"
        raise Problem("option", f"{name} is {given[:40]!r}; {allowed}")
    return seconds
