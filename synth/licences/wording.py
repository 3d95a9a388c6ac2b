"""Licences read out of people's own words, by the strictest reading that the words allow.

A licence is named only where the words name it and say nothing against it. One "not", "except", "only" or "ask" beside
it, and the licence is unknown: a person has to look. Wrong in that direction costs a look, in the other a lawsuit.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

from synth.licences.restrictions import (
    ALL_RIGHTS_RESERVED,
    PUBLIC_DOMAIN,
    UNKNOWN_LICENCE,
    creative_commons,
    spdx_expression,
    strictest,
)

_CONDITIONS: Final = {
    "BY": r"attribution|by",
    "NC": r"non-? ?commercial|nc",
    "SA": r"share-? ?alike|sa",
    "ND": r"no-? ?deriv(?:ative|at|s)?s?(?: works?)?|nd",
    "Sampling-Plus": r"sampling ?(?:\+|plus)",
}
_ANY: Final = "|".join(f"(?:{words})" for words in _CONDITIONS.values())
_VERSION: Final = (
    r"(?:[ ,/-]*(?:\(?(?:licen[cs]e|international|unported|generic|public|version|v\.?)\)?[ /-]*)*"
    r"(?P<version>[1-4](?:\.\d)?)(?![\d.]*\d))?"
)
_PORT: Final = r"(?:/(?P<port>[a-z]{2,3})(?![a-z]))?"
_ADDRESS: Final = re.compile(
    rf"(?:https?://)?(?:www\.)?creativecommons\.org/licen[sc]es/(?P<conditions>[a-z+-]+)(?:/(?P<version>\d\.\d))?{_PORT}"
    r"[\w./-]*"
)
_CC_NAME: Final = re.compile(
    rf"(?P<prefix>\(?\b(?:creative commons|cc)\)?[ :_/-]*(?:licen[cs]e[ :_/-]*)?)?(?<![a-z])"
    rf"(?P<conditions>(?:{_ANY})(?:[ ,_/+&.-]*(?:and )?(?:{_ANY}))*)(?![a-z]){_VERSION}"
)
_SIMPLE: Final = (
    (re.compile(r"(?:https?://)?(?:www\.)?creativecommons\.org/publicdomain/zero/1\.0[\w./-]*"), "CC0-1.0"),
    (re.compile(r"(?:https?://)?(?:www\.)?creativecommons\.org/publicdomain/mark/1\.0[\w./-]*"), "CC-PDM-1.0"),
    (
        re.compile(
            r"\(?\b(?:cc[ -]?(?:0|zero)|creative commons[ -]*\(?(?:0|zero)\)?)(?!\w)(?:[ -]*v?1\.0)?(?: universal)?"
        ),
        "CC0-1.0",
    ),
    (re.compile(r"\bpublic domain mark(?: 1\.0)?\b"), "CC-PDM-1.0"),
    (re.compile(r"\bpublic[ -]domain(?: dedication)?\b"), PUBLIC_DOMAIN),
    (re.compile(r"\bmit licen[cs]e\b"), "MIT"),
)
_RESERVED: Final = re.compile(r"\ball rights (?:are )?(?:strictly )?reserved\b|\balle rechte vorbehalten\b")
_HARMLESS: Final = re.compile(
    r"\b(?:no|some) rights (?:are )?(?:reserved|kept)\b"
    r"|\bno (?:attribution|credit) (?:is )?(?:required|needed|necessary)\b"
    r"|\b(?:attribution|credit) (?:is )?not (?:required|needed|necessary)\b"
)
_AGAINST: Final = re.compile(
    r"\b(?:no|not|non\w*|cannot|never|neither|nor|without|except\w*|unless|only|but|however|instead|rather|former\w*|"
    r"was|were|until|expired|revoked|withdrawn|unlike|unclear|unsure|perhaps|maybe|probably|possibly|might|think|"
    r"believe|guess|some|most|part|partly|various|mixed|depend\w*|prohibit\w*|forbid\w*|restrict\w*|personal|private|"
    r"education\w*|evaluat\w*|editorial|permission|ask|contact|pay|paid|purchase\w*|fees?|royalt\w*|noai)\b|n't\b|\?"
)
_SPEAKS_OF_IT: Final = re.compile(
    r"\blicen[cs]\w+|\broyalt|\bredistribut|\bpermission|\bcommercial|\battribution\b|\bcreative commons\b|\bcc\b|"
    r"\bfree (?:to|for)\b|\bcopyleft\b"
)
_LEGAL_TEXT: Final = re.compile(
    r"legal ?code|by exercising the licensed rights|exercising any rights to the work provided here"
)
_LEGAL_TITLE: Final = re.compile(
    rf"(?P<conditions>attribution(?:[ -](?:{_ANY}))*)[ -](?P<version>\d\.\d)[ -](?:international|unported|generic)"
)
_MIT_TEXT: Final = re.compile(r"permission is hereby granted, free of charge, to any person obtaining a copy")
_MIT_CHANGED: Final = re.compile(r"commons clause|non-?commercial|all rights reserved by")
_TITLE_LENGTH: Final = 600  # of a licence's own text; its name stands in there
_MARK: Final = " \N{SECTION SIGN} "


def licence_stated(text: str) -> str | None:
    """What a field that is there for the licence says: an SPDX identifier, or that it is unknown.

    ``None`` only where the field is blank.
    """
    if not text.strip():
        return None
    if expression := spdx_expression(text.strip()):
        return strictest(part.strip(" ()") for part in re.split(r"\b(?:AND|OR)\b", expression))
    return licence_in(text) or UNKNOWN_LICENCE


def licence_in(text: str) -> str | None:
    """The licence that a text in plain words puts something under.

    Returns:
        An SPDX identifier; :data:`UNKNOWN_LICENCE` where it speaks of a licence but not clearly of one; ``None``
        where it speaks of none.
    """
    plain = _plain(text)
    if _MIT_TEXT.search(plain):
        return UNKNOWN_LICENCE if _MIT_CHANGED.search(plain) else "MIT"
    if _LEGAL_TEXT.search(plain):
        return _of_legal_text(plain)
    found, rest = _named(_HARMLESS.sub(_MARK, plain))
    if _RESERVED.search(rest):
        return ALL_RIGHTS_RESERVED
    if not found:
        harmless = _HARMLESS.search(plain)
        return UNKNOWN_LICENCE if harmless or _SPEAKS_OF_IT.search(rest) else None
    if _AGAINST.search(rest) or _SPEAKS_OF_IT.search(_without_the_word(rest)):
        return UNKNOWN_LICENCE
    return strictest(found)


def _plain(text: str) -> str:
    """Small letters, one kind of dash and of space."""
    plain = (
        unicodedata.normalize("NFKC", html.unescape(text)).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    )
    return re.sub(r"\s+", " ", re.sub(r"[\u2010-\u2015\u2212]", "-", plain)).strip()


def _of_legal_text(plain: str) -> str:
    """A licence's own text, which speaks of much that it does not grant: the name at its head counts."""
    head = plain[:_TITLE_LENGTH]
    if title := _LEGAL_TITLE.search(head):
        return creative_commons(_conditions(title["conditions"]), title["version"])
    named, _ = _named(head)
    return strictest(named) if named else UNKNOWN_LICENCE


def _named(plain: str) -> tuple[list[str], str]:
    """All licences that are named, and the text without their names."""
    found: list[str] = []

    def by_address(match: re.Match[str]) -> str:
        conditions = _conditions(match["conditions"])
        found.append(creative_commons(conditions, match["version"], match["port"]))
        return _MARK

    def by_name(match: re.Match[str]) -> str:
        if not _is_name(match, rest):
            return match[0]
        version = match["version"]
        found.append(creative_commons(_conditions(match["conditions"]), version and f"{float(version):.1f}"))
        return _MARK

    rest = _ADDRESS.sub(by_address, plain)
    for pattern, licence in _SIMPLE:
        rest, count = pattern.subn(_MARK, rest)
        found += [licence] * min(count, 1)
    return found, _CC_NAME.sub(by_name, rest)


def _is_name(match: re.Match[str], text: str) -> bool:
    """Whether these words are a licence's name: "CC by Anna" gives the author, "attribution required" asks for one."""
    conditions = _conditions(match["conditions"])
    after = text[match.end() :].lstrip(" .,;:)]")
    if match["prefix"]:
        written_out = match["conditions"].strip() != "by" or "-" in match["prefix"] or match["version"]
        return (
            bool(written_out) or not re.match(r"[a-z]", after) or bool(re.match(r"(licen[cs]e|or|and|from)\b", after))
        )
    if conditions == {"BY"}:  # Freesound's own name for it, where nothing else is said
        alone = re.sub(r"[\W\d_]|licen[cs]e|international|unported", "", text.replace(_MARK.strip(), ""))
        return match["conditions"] == "attribution" and alone == "attribution"
    if "Sampling-Plus" in conditions:
        return True
    return "BY" in conditions and ("-" in match["conditions"] or match["conditions"].startswith("attribution"))


def _conditions(text: str) -> frozenset[str]:
    found = {name for name, words in _CONDITIONS.items() if re.search(rf"(?<![a-z])(?:{words})(?![a-z])", text)}
    return frozenset(found)


def _without_the_word(rest: str) -> str:
    """What is left to be suspicious of: "licensed under" and the like beside a name say nothing new."""
    harmless = (
        r"\b(?:(?:re)?licen[cs]ed? ?(?:under|as|by|:)|(?:public )?licen[cs]es?|licensed|creative commons|cc|"
        r"commercial use|international|free (?:to|for) (?:use|any use|all))\b"
    )
    return re.sub(harmless, " ", rest)
