"""The catalogue of sounds: the list, a listen, how a prompt is understood, and a board of all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from synth.errors import OptionError
from synth.nearest_names import nearest_names
from synth.options import Options
from synth.voices.ambient.catalogue.entry import FAMILIES, SoundClass
from synth.voices.ambient.catalogue.registry import all_sounds, sound_class
from synth.voices.ambient.catalogue.representation import sound_json
from synth.voices.ambient.prompting.asked import asked_of
from web.api.jobs import reply
from web.api.operations import Operation, describes, once
from web.api.problems import Problem
from web.api.schemas.sounds import CatalogueSound, CatalogueSounds, ParseQuery, PreviewQuery, PromptParse, SoundsQuery
from web.api.semantics.conditional import unless_known
from web.api.sound_previews import Preview, previews
from workers.owners.keys import Scope

blueprint = Blueprint("sounds", __name__)

MAX_AGE_S: Final = 86_400


@blueprint.get("/v1/sounds")
@describes(
    Operation(
        "listSounds",
        "The catalogue of sounds",
        {200: CatalogueSounds, 304: None},
        ("option",),
        query=SoundsQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def listing(query: SoundsQuery) -> Response:
    """All sounds, or those of one family."""
    chosen = [sound for sound in all_sounds().values() if query.family in ("", sound.family)]
    return unless_known(reply({"sounds": [sound_json(sound) for sound in chosen]}))


@blueprint.get("/v1/sounds/parse")
@describes(
    Operation(
        "parsePrompt",
        "How a prompt is understood",
        {200: PromptParse},
        ("bad-request", "option"),
        query=ParseQuery,
        scope=Scope.READ,
    )
)
def parse(query: ParseQuery) -> Response:
    """A prompt as layers."""
    parsed = asked_of(Options(prompt=query.prompt, without=query.without or None)).parsed
    assert parsed is not None  # there is a prompt
    return reply(parsed.as_json())


@blueprint.get("/v1/sounds/<name>")
@describes(
    Operation("readSound", "One sound of the catalogue", {200: CatalogueSound}, ("not-found",), scope=Scope.READ)
)
def read(name: str) -> Response:
    """One sound."""
    return reply(sound_json(_sound(name)))


@blueprint.get("/v1/sounds/<name>/preview")
@describes(
    Operation(
        "hearSound",
        "A few seconds of a sound, mono at 48 kHz; its knobs are parameters too",
        {200: ("audio/flac",), 304: None},
        ("not-found", "option", "unavailable"),
        query=PreviewQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def preview(name: str, query: PreviewQuery) -> Response:
    """A listen to a sound."""
    sound = _sound(name)
    knobs = _knobs(sound, once(request.args))
    seed = 0 if query.seed == "" else int(query.seed)
    duration_s = 4.0 if query.duration_s == "" else float(query.duration_s)
    heard = previews.get(Preview(name, seed, duration_s, tuple(sorted(sound.settings(knobs).items()))))
    if heard is None:
        raise Problem("unavailable", "other sounds are being made; ask again in a moment", {"Retry-After": "5"})
    response = unless_known(Response(heard, content_type="audio/flac"))
    response.cache_control.private, response.cache_control.max_age = True, MAX_AGE_S
    return response


@blueprint.get("/sounds")
def board() -> str:
    """All sounds, to listen to."""
    asked = request.args.get("q", "").strip()[:200]
    families = {
        family: [_card(sound) for sound in all_sounds().values() if sound.family == family] for family in FAMILIES
    }
    shown = {family: [card for card in cards if _matches(card, asked)] for family, cards in families.items()}
    found = sum(map(len, shown.values()))
    return render_template(
        "sounds.html",
        families={family: cards for family, cards in shown.items() if cards},
        asked=asked,
        alone=None,
        count=len(all_sounds()),
        found=found,
        near=[] if found else nearest_names(asked.lower(), all_sounds()),
    )


@blueprint.get("/sounds/<name>")
def one(name: str) -> str:
    """One sound with all its knobs: they are too many for a page of all sounds."""
    sound = _sound(name)
    card = _card(sound)
    count = len(all_sounds())
    return render_template(
        "sounds.html", families={sound.family: [card]}, asked="", alone=card["title"], count=count, found=1
    )


def _sound(name: str) -> SoundClass:
    try:
        return sound_class(name)
    except OptionError as error:
        raise Problem("not-found", str(error)) from error


def _knobs(sound: SoundClass, given: Mapping[str, str]) -> dict[str, float]:
    """The knobs among the parameters of a query; an empty one stays at its default.

    Raises:
        OptionError: a parameter that is none, or no number.
    """
    knobs: dict[str, float] = {}
    for name, text in given.items():
        if name in PreviewQuery.model_fields or text == "":
            continue
        knob = sound.knob(name)
        try:
            knobs[name] = float(text)
        except ValueError:
            knobs[name] = math.nan
        if not math.isfinite(knobs[name]):
            raise OptionError(f"{name} is {text[:40]!r}; allowed is {knob.low:g} to {knob.high:g}")
    return knobs


def _card(sound: SoundClass) -> dict[str, Any]:
    """What the board shows of a sound."""
    words = [sound.name.replace("_", " "), sound.singular, *sound.phrases, *sound.audioset]
    return {
        "name": sound.name,
        "title": sound.name.replace("_", " ").capitalize(),
        "singular": sound.singular,
        "words": " ".join(dict.fromkeys(" ".join(words).lower().split())),
        "knobs": sound.knobs,
    }


def _matches(card: Mapping[str, Any], asked: str) -> bool:
    return all(word in card["words"] for word in asked.lower().split())
