"""Answers that need not be sent again, and when to ask again."""

from __future__ import annotations

import hashlib
import math
from typing import Final

from flask import Response, request

POLL_RANGE_S: Final = (1, 30)
UNKNOWN_S: Final = 2  # where nobody knows how long a job takes


def unless_known(response: Response) -> Response:
    """The response with a strong ETag, of exactly these bytes; or 304 to a caller that has them already."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


def retry_after(eta_s: float | None) -> dict[str, str]:
    """When to read a job again that has not ended: when it should be done, within reason.

    Args:
        eta_s: seconds until then, where that is known.
    """
    low, high = POLL_RANGE_S
    return {"Retry-After": str(UNKNOWN_S if eta_s is None else min(high, max(low, math.ceil(eta_s))))}


def coarse_s(seconds: float | None) -> float | None:
    """A time to go as people would say it: 1, 2, 3, 5, 7, 10, 15, 20, 30, 45 seconds, or so many minutes.

    More digits would be no more true, and each answer would differ from the one before, so that no ETag ever matched.
    """
    if seconds is None:
        return None
    below_minute = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 45)
    if seconds < 52.5:
        return float(min(below_minute, key=lambda step: abs(step - seconds)))
    minutes = seconds / 60
    step = 0.5 if minutes < 3 else 1 if minutes < 10 else 5 if minutes < 60 else 15
    return 60.0 * step * max(1, round(minutes / step))
