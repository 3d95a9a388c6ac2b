"""What templates may use: filters that turn figures into words, addresses of static files, the hit score."""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask, g, request, url_for

from web.api.representations import METHODS, outputs, synthetic_speech
from web.context import favourites
from web.pages import phrases
from web.security import csrf
from web.uploads import forms
from workers.records import State

STATIC: Final = Path(__file__).parent / "static"
_STATES: Final = {
    State.QUEUED: "Waiting",
    State.RUNNING: "Working",
    State.FINISHING: "Finishing",
    State.SUCCEEDED: "Done",
    State.FAILED: "Failed",
    State.CANCELED: "Canceled",
    State.EXPIRED: "Expired",
}
STAGES: Final = {
    "storing": "Storing the clip",
    "fetch": "Fetching the clip",
    "load": "Getting ready",
    "route": "Choosing a voice",
    "look": "Watching the clip",
    "faces": "Finding who talks",
    "render": "Making the sound",
    "write": "Putting it under the picture",
    "describe": "Listening to the result",
    "store": "Storing the result",
    "draw": "Drawing where the sound comes from",
    "music": "Choosing music",
    "bed": "Laying music under the sound",
}
NOBODY_AFTER_S: Final = 10.0
FAMILIES: Final = {
    "woody": {"wood", "leaf", "drywall", "paper"},
    "metallic": {"metal"},
    "glassy": {"glass", "ceramic", "tile"},
    "soft": {"carpet", "cloth", "plastic", "plastic-bag"},
    "earthy": {"dirt", "grass", "gravel", "rock"},
    "wet": {"water"},
}
HEAT_METHODS: Final = tuple(
    {"name": name, "words": words, "kind": f"heat-map-{name}", "video": f"heat-map-video-{name}"}
    for name, words in METHODS.items()
)


_DATA_SETS: Final = re.compile(r"\b(?:ImageNet|AudioSet)'s ")
_SHARE: Final = re.compile(r" (?:\(([01]?\.\d+)\)|at ([01]\.\d+)(?=[;,.]|$))")


def install(app: Flask) -> None:
    """Give the templates of ``app`` their words."""
    for name in (
        duration,
        clock,
        size,
        ago,
        counted,
        day_and_time,
        time_left,
        nobody_there,
        day,
        state_word,
        stage_word,
        percent,
        why,
        synthetic_speech,
        score,
        spark,
        family,
        tally,
        ranked,
        partial,
        plain,
        sentence,
        phrases.rank_words,
        phrases.fit_words,
        phrases.texture_of,
        phrases.texture_words,
        phrases.kind_name,
        phrases.where_words,
        phrases.seen_words,
        edges_words,
    ):
        app.jinja_env.filters[name.__name__] = name
    app.jinja_env.filters.update(words=forms.words, class_words=forms.class_words, takes=outputs)
    app.jinja_env.globals.update(static_file=static_file, here=here, methods=HEAT_METHODS, favourites=favourites)
    app.context_processor(_shared)


def _shared() -> dict[str, Any]:
    return {
        "script_words": {**STAGES, **{f"state:{state}": word for state, word in _STATES.items()}},
        "csrf_token": csrf.token,
        "nonce": csrf.nonce,
        "keyed": g.get("keyed", False),
        "key_name": g.get("key_name"),
        "scopes": g.caller.scopes if "caller" in g and (g.caller.key_id or not g.get("keyed")) else (),
        "logged_in": g.get("by") == "session",
    }


def static_file(name: str) -> str:
    """Address of a static file that changes with its content, so that browsers may keep it for ever."""
    return url_for("static", filename=name, v=_digest(name))


@functools.cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def duration(seconds: float | None) -> str:
    """``1:05`` or ``1:02:03``; below ten seconds with tenths."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def clock(seconds: float) -> str:
    """A moment in a clip: ``0:03.250``."""
    minutes, rest = divmod(float(seconds), 60)
    return f"{int(minutes)}:{rest:06.3f}"


def size(count: float | None) -> str:
    """A number of bytes for people."""
    if count is None:
        return "–"
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def ago(stamp_s: float) -> str:
    """How long ago a moment was."""
    since_s = max(0.0, datetime.now(UTC).timestamp() - stamp_s)
    for length_s, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if since_s >= length_s:
            return f"{counted(int(since_s // length_s), unit)} ago"
    return "just now"


def counted(count: int, noun: str) -> str:
    """A number and its noun, one or many of them: ``1 clip``, ``2 clips``, ``3 batches``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}".replace(
        ",", "\N{NO-BREAK SPACE}"
    )


def time_left(told: Mapping[str, Any]) -> str:
    """When a job of the API should be done: ``done in about 40 s``; nothing where that is not known."""
    eta_s = (told.get("queue") or told.get("progress") or {}).get("eta_s")
    if eta_s is None or told["cancel_requested"]:
        return ""
    return (
        "nearly done" if eta_s < 1 else f"done in about {duration(round(eta_s)) if eta_s >= 60 else f'{eta_s:.0f} s'}"
    )


def nobody_there(told: Mapping[str, Any]) -> bool:
    """Whether a job of the API has waited for a while and no worker is there to take it."""
    queue = told.get("queue")
    waited_s = datetime.now(UTC).timestamp() - datetime.fromisoformat(told["created_at"]).timestamp()
    return queue is not None and queue["workers"] == 0 and waited_s >= NOBODY_AFTER_S


def day_and_time(stamp_s: float) -> str:
    """A moment for people: ``30 November 2026, 14:05 UTC``."""
    when = datetime.fromtimestamp(stamp_s, UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def day(moment: str) -> str:
    """A moment of the API to the minute: ``2026-11-30 04:11 UTC``."""
    return f"{moment[:10]} {moment[11:16]} UTC"


def state_word(state: str) -> str:
    """A state in a word."""
    return _STATES[State(state)]


def stage_word(stage: str | None) -> str:
    """A stage in words; one that is not known stands for itself."""
    return STAGES.get(stage or "", (stage or "Starting").capitalize())


def percent(fraction: float | None) -> str:
    """``42 %``."""
    return f"{round(100 * (fraction or 0))} %"


def plain(reason: str) -> str:
    """A reason of ours without the names of data sets, and with shares in per cent."""
    told = _DATA_SETS.sub("", reason)
    return _SHARE.sub(lambda found: f" ({percent(float(found[1] or found[2]))})", told)


def why(mode_reason: str) -> str:
    """Why a voice was taken, for a person: ``auto: impacts ...`` was chosen automatically, because of these."""
    mode_reason = plain(mode_reason)
    chosen, _, reason = mode_reason.partition(": ")
    return sentence(f"chosen automatically; {reason}") if chosen == "auto" else sentence(f"it was {mode_reason}")


def sentence(text: str) -> str:
    """A message as a sentence of its own: begun large, ended with a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def family(material: str) -> str:
    """The kind of material, for its colour: seventeen colours would tell nobody anything."""
    return next((name for name, members in FAMILIES.items() if material in members), "earthy")


def tally(hits: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """How many hits on each material, the most frequent first."""
    return Counter(str(hit["material"]) for hit in hits).most_common()


def partial(made_s: float) -> str:
    """What a take is of which only a part was made."""
    return f"partial, {made_s:.1f} s of sound"


def edges_words(edges: Iterable[float]) -> str:
    """Where a box lies, in percent of the picture."""
    left, top, right, bottom = (f"{100 * edge:g}" for edge in (round(one, 3) for one in edges))
    return f"{left}–{right} % across, {top}–{bottom} % down"


def ranked(probabilities: Mapping[str, float]) -> list[tuple[str, float]]:
    """Classes by probability, the likeliest first."""
    return sorted(probabilities.items(), key=lambda entry: -entry[1])


def here(**changed: str | None) -> str:
    """The address of this list with other filters, from its first page."""
    asked = {name: value for name, value in request.args.items() if name != "cursor"}
    wanted: dict[str, Any] = {name: value for name, value in {**asked, **changed}.items() if value}
    return url_for(str(request.endpoint), **wanted)


def score(hits: Iterable[Mapping[str, Any]], duration_s: float, most: int = 600) -> list[dict[str, Any]]:
    """The hits as bars of a score: where in 0..1000, and how high in 0..100, the strongest first to be kept."""
    strongest = sorted(hits, key=lambda hit: -float(hit["strength"]))[:most]
    return [
        {
            "x": round(1000 * float(hit["time_s"]) / max(duration_s, 0.001), 2),
            "height": round(14 + 86 * min(1.0, max(0.0, float(hit["strength"]))), 1),
            "material": hit["material"],
            "time_s": hit["time_s"],
        }
        for hit in sorted(strongest, key=lambda hit: float(hit["time_s"]))
    ]


def spark(hits: Iterable[Mapping[str, Any]], duration_s: float, most: int = 120) -> dict[str, str]:
    """The same bars small and in few bytes: a kind of material each -> one path of upright strokes in 1000 by 100."""
    paths: dict[str, str] = {}
    for bar in score(hits, duration_s, most):
        kind = family(bar["material"])
        paths[kind] = f"{paths.get(kind, '')}M{round(bar['x'])} 100V{round(100 - bar['height'])}"
    return paths
