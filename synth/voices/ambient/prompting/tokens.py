"""A sentence as stems and numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

_COMPOUND_UNITS: Final = (
    (re.compile(r"km\s*/\s*h\b|kph\b", re.I), "kmh"),
    (re.compile(r"\bm\s*/\s*s\b", re.I), "mps"),
    (re.compile(r"\b1\s*/\s*s\b|\b(?:times )?(?:per|a) second\b", re.I), "pers"),
)
_TOKEN: Final = re.compile(r"(?<![\w.])-?(?:\d+(?:\.\d+)?|\.\d+)|%|[^\W\d][\w]*(?:['’][^\W\d_]+)?")
_DETERMINERS: Final = frozenset({"a", "an", "the", "some", "my", "your", "his", "her", "our", "their", "its"})
_IRREGULAR: Final = {
    "geese": "goose",
    "gees": "goose",
    "knives": "knife",
    "leaves": "leaf",
    "leafs": "leaf",
    "mice": "mouse",
    "men": "man",
    "women": "woman",
    "oxen": "ox",
    "wolves": "wolf",
    "calves": "calf",
    "hooves": "hoof",
    "babies": "baby",
    "tires": "tyre",
    "tire": "tyre",
    "broke": "break",
    "broken": "break",
    "rang": "ring",
    "sang": "sing",
    "shut": "close",
    "grey": "gray",
}


@dataclass(frozen=True)
class Token:
    """One word or number.

    Attributes:
        text: in lower case, as it was written.
        stem: what its forms have in common; empty for a number.
        number: its value, for a number.
    """

    text: str
    stem: str = ""
    number: float | None = None


@cache
def _stemmer() -> Any:
    import snowballstemmer  # with forty languages, which who asks for nothing in words need not wait for

    return snowballstemmer.stemmer("english")


@cache
def stem_of(word: str) -> str:
    """The stem of an English word (Porter's second algorithm, and a few irregular forms)."""
    plain = re.sub(r"['’]s?$|['’]", "", word.lower())
    return _IRREGULAR.get(plain) or str(_stemmer().stemWord(plain))


def tokens_of(text: str) -> list[Token]:
    """The words and numbers of a text, without determiners; hyphens part words, underscores do not."""
    for pattern, unit in _COMPOUND_UNITS:
        text = pattern.sub(f" {unit} ", text)
    found: list[Token] = []
    for part in re.sub(r"(?<=[^\W\d])-(?=[^\W\d])", " ", text).replace("=", " ").split():
        for match in _TOKEN.finditer(part):
            word = match.group().lower()
            if re.fullmatch(r"-?(?:\d+(?:\.\d+)?|\.\d+)", word):
                found.append(Token(word, number=float(word)))
            elif word not in _DETERMINERS:
                found.append(Token(word, stem_of(word)))
    return found


def stems_of(text: str) -> tuple[str, ...]:
    """The stems of a phrase; underscores part words here."""
    return tuple(token.stem or token.text for token in tokens_of(text.replace("_", " ")))
