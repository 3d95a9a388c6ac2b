"""Numbers in addresses and forms, where all is text and may be of any length."""

from __future__ import annotations

from typing import Any, Final

from werkzeug.routing import IntegerConverter

from web.api.schemas.base import LARGEST

_DIGITS: Final = 10  # Python refuses to read thousands of them


def whole_number(text: str) -> int | None:
    """A whole number from 0 to :data:`LARGEST`; ``None`` where the text is anything else."""
    if not text.isdecimal() or len(text) > _DIGITS:
        return None
    number = int(text)
    return number if number <= LARGEST else None


class SmallInteger(IntegerConverter):
    """``<int:name>`` of a route: nothing is at a number that no database can look up."""

    def __init__(self, map: Any, fixed_digits: int = 0, min: int | None = None, max: int | None = LARGEST) -> None:
        super().__init__(map, fixed_digits, min, max)
