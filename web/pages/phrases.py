"""What the nets say of a result, in words: one sentence a finding, fit for people who know nothing of the nets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from synth.options import Mode
from web.api.representations import METHODS

FIRM: Final = 0.5
"""As in :mod:`synth.description.heat_map`, which the web does not load; a test compares."""
_SEEN: Final = re.compile(r"(?:shows|,| and)\s+(?:ImageNet's |AudioSet's )?([^,();]+?) \(([01]?\.\d+)\)")
_ORDINALS: Final = {1: "best match", 2: "2nd", 3: "3rd"}
_TYPICAL: Final = (0.2, 0.03)  # shares of known sounds that are odder: from the first on typical, below the second odd


def rank_words(rank: int) -> str:
    """The place of a take among the takes of its job."""
    return _ORDINALS.get(rank, f"{rank}th")


def fit_words(correspondence: float) -> str:
    """How well sound and picture go together, by the probability that they do."""
    for least, words in ((0.8, "fits the picture well"), (0.5, "fits the picture"), (0.25, "fits the picture poorly")):
        if correspondence >= least:
            return words
    return "hardly fits the picture"


def texture_of(take: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What is known of the texture of a take; ``None`` of speech: kinds are of sounds that go on as they are."""
    if take["mode"] == Mode.SPEECH:
        return None
    texture: Mapping[str, Any] | None = (take.get("description") or {}).get("texture")
    return texture


def texture_words(texture: Mapping[str, Any]) -> str:
    """What the statistics of a sound are like, and whether the picture led one to expect them."""
    name, typicality = kind_name(texture["cluster"], texture.get("name")), float(texture["typicality"])
    if typicality >= _TYPICAL[0]:
        told = f"Its texture is typical of “{name}” sounds"
    elif typicality >= _TYPICAL[1]:
        told = f"Its texture is nearest to “{name}” sounds, but not typical of them"
    else:
        told = f"Its texture is odd: “{name}” sounds are nearest, and hardly any of them is so far off"
    expected = texture.get("expected")
    if expected is None:
        return f"{told}."
    if expected == texture["cluster"]:
        return f"{told}, as the picture leads one to expect."
    other = kind_name(expected, texture.get("expected_name"))
    return f"{told}; the picture leads one to expect “{other}”."


def kind_name(cluster: int, name: str | None) -> str:
    """A kind of texture; what has no name is called by its number."""
    return name or f"kind {int(cluster) + 1}"


def seen_words(reason: str) -> str:
    """What the picture shows, out of the sentence that says why no sound was chosen; names with how sure each is."""
    seen = [(name.strip(), float(sure)) for name, sure in _SEEN.findall(reason)]
    if not seen:
        return reason[:1].upper() + reason[1:] + ("" if reason.endswith(".") else ".")
    names = [f"{name} ({round(100 * sure)} %)" for name, sure in seen]
    told = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return f"The picture might show {told}, but none of it surely enough to say what sounds."


def where_words(firmness: Mapping[str, float]) -> str:
    """Whether a place in the picture was found for the sound."""
    firm = [METHODS[method] for method in METHODS if float(firmness.get(method, 0.0)) >= FIRM]
    asked = [method for method in METHODS if method in firmness]
    if not firm:
        return "No place in the picture stands out: what sounds may not be visible."
    if len(firm) == len(asked):
        return "The colour shows where in the picture the sound comes from; where nothing sounds there is none."
    return f"Only {firm[0]} finds a place firmly; the other finds none."
