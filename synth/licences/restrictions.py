"""How licences compare: which of two leaves a reader less, and what is left when they cannot be compared.

Licences are SPDX identifiers (spdx.org/licenses). For what SPDX has no identifier for, its own way out is taken, a
``LicenseRef-``: Creative Commons licences whose version nobody states, Sampling Plus, the public domain, and "all
rights reserved".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, reduce
from typing import Any, Final

UNKNOWN_LICENCE: Final = "unknown: check before you publish"
ALL_RIGHTS_RESERVED: Final = "LicenseRef-All-Rights-Reserved"
PUBLIC_DOMAIN: Final = "LicenseRef-Public-Domain"

_FREE: Final = ("CC0-1.0", "CC-PDM-1.0", "CC-PDDC", PUBLIC_DOMAIN)
_CC: Final = re.compile(
    r"(?:LicenseRef-)?CC-((?:BY|NC|SA|ND|Sampling-Plus)(?:-(?:BY|NC|SA|ND|Sampling-Plus))*)(-\d\.\d.*)?"
)


def creative_commons(conditions: Iterable[str], version: str | None, port: str | None = None) -> str:
    """The identifier of a Creative Commons licence.

    Args:
        conditions: of ``BY``, ``NC``, ``SA``, ``ND`` and ``Sampling-Plus``, in any order.
        version: such as ``4.0``; ``None`` where nobody states it.
        port: the country of an adapted licence, such as ``US``; used where SPDX lists that licence.

    Returns:
        The identifier, or :data:`UNKNOWN_LICENCE` where no such licence exists.
    """
    asked = set(conditions)
    if not asked or {"SA", "ND"} <= asked:
        return UNKNOWN_LICENCE
    name = "CC-" + "-".join(one for one in ("BY", "NC", "SA", "ND", "Sampling-Plus") if one in asked)
    if version is None:
        return f"LicenseRef-{name}"
    if port and is_spdx(f"{name}-{version}-{port.upper()}"):
        return f"{name}-{version}-{port.upper()}"
    return f"{name}-{version}" if is_spdx(f"{name}-{version}") else f"LicenseRef-{name}-{version}"


def strictest(licences: Iterable[str]) -> str:
    """The licence that holds where several are stated for one recording: the one with all conditions of the others.

    Of one licence in two versions the version is left open. Licences of which neither has all conditions of the other
    (CC BY-SA and CC BY-NC, say) come out as :data:`UNKNOWN_LICENCE`, as does anything stated beside the unknown; all
    rights reserved is stricter than anything known.

    Raises:
        TypeError: no licence is given.
    """
    return reduce(_stricter, licences)


def is_spdx(identifier: str) -> bool:
    """Whether the SPDX list holds this very identifier."""
    return bool(_licensing().validate(identifier).normalized_expression == identifier)


def spdx_expression(text: str) -> str | None:
    """The text as an SPDX expression in its normal spelling; ``None`` if it is none."""
    if not re.fullmatch(r"[A-Za-z0-9.+() -]+", text) or not re.search(r"\d|MIT|ISC|Unlicense|WTFPL", text, re.I):
        return None  # the list's aliases ("GPL") would choose a version that nobody named
    found = _licensing().validate(text)
    return None if found.errors else str(found.normalized_expression)


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing  # a tenth of a second

    return get_spdx_licensing()


def _stricter(one: str, other: str) -> str:
    if one == other:
        return one
    if UNKNOWN_LICENCE in (one, other):
        return UNKNOWN_LICENCE
    if ALL_RIGHTS_RESERVED in (one, other):
        return ALL_RIGHTS_RESERVED
    mine, theirs = _conditions(one), _conditions(other)
    if mine is None or theirs is None:
        return UNKNOWN_LICENCE
    if mine == theirs:
        return _same_conditions(one, other)
    if mine > theirs:
        return one
    return other if theirs > mine else UNKNOWN_LICENCE


def _same_conditions(one: str, other: str) -> str:
    """One licence stated twice: the statement that says more; without a version where the two differ in it."""
    if one in _FREE:
        return min(one, other, key=_FREE.index)
    versions = [found[2] for found in (_CC.fullmatch(one), _CC.fullmatch(other)) if found and found[2]]
    if len(versions) == 1:
        return one if versions[0] in one else other
    return creative_commons(_conditions(one) or (), None)


def _conditions(licence: str) -> frozenset[str] | None:
    """What a licence asks for; ``None`` for those that this scale does not hold."""
    if licence in _FREE:
        return frozenset()
    if found := _CC.fullmatch(licence):
        return frozenset(re.findall(r"Sampling-Plus|BY|NC|SA|ND", found[1]))
    return None
