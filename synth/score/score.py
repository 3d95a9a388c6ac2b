"""A score: hits, layers, words and how the parts are mixed. JSON values in, checked values out, and back.

Every rule about a value of a score stands here once. Importable without torch.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeVar

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.nearest_names import nearest_names
from synth.options import LOUDNESS_RANGE_LUFS, TRUE_PEAK_RANGE_DBTP, Options
from synth.sound_names import SOUND_NAMES
from synth.voices.ambient.catalogue.registry import sound_class
from synth.voices.ambient.layers import Layer
from synth.voices.base import Hit
from synth.voices.hits.hit_list import GAIN_RANGE_DB as HIT_GAIN_RANGE_DB

MAX_HITS: Final = 10_000
MAX_LAYERS: Final = 16
MAX_WORDS: Final = 2_000
MAX_STEMS: Final = 64
MAX_TEXT: Final = 200
MAX_NEAREST: Final = 16
MAX_EXEMPLAR: Final = 200
GAIN_RANGE_DB: Final = (-60.0, 24.0)
ID_PATTERN: Final = "[A-Za-z0-9_-]{1,40}"
ORIGINAL: Final = "original"
"""The stem that is the clip's own sound."""
HITS_STEM: Final = "hits"
LAYER_STEM: Final = "layer-"
RANGES_STEM: Final = "sound"
"""All ranges as one part: of clips that are too long for a part a range."""

T = TypeVar("T")


@dataclass(frozen=True)
class ScoreHit:
    """One hit; ``nearest`` are exemplars that fit what was seen there, the best first."""

    id: str
    time_s: float
    material: str
    strength: float = 0.5
    exemplar: str | None = None
    nearest: tuple[str, ...] = ()
    pan: float = 0.0
    gain_db: float = 0.0

    def as_hit(self) -> Hit:
        """As a voice sounds it."""
        return Hit(
            self.time_s, self.strength, self.material, exemplar=self.exemplar, pan=self.pan, gain_db=self.gain_db
        )


@dataclass(frozen=True)
class ScoreLayer:
    """One sound of the catalogue; see :class:`synth.voices.ambient.layers.Layer`."""

    id: str
    sound: str
    start_s: float | None = None
    end_s: float | None = None
    level_db: float = 0.0
    pan: float | None = None
    knobs: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def as_layer(self) -> Layer:
        """As the ambient voice sounds it."""
        return Layer(self.sound, dict(self.knobs), self.start_s, self.end_s, self.level_db, self.pan)


@dataclass(frozen=True)
class ScoreWord:
    """Something that is said, as a note."""

    id: str
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class ScoreStem:
    """How one part of the sound is mixed."""

    name: str
    gain_db: float = 0.0
    muted: bool = False
    solo: bool = False
    delivered: bool = True


@dataclass(frozen=True)
class Score:
    """What is heard when in a take.

    Attributes:
        hits: sorted by time.
        layers: the foreground first.
        words: sorted by time.
        stems: one a part, in the order in which they are summed.
        loudness_lufs, true_peak_dbtp: targets.
        limiter: whether peaks are held down as far as the loudness needs.
    """

    hits: tuple[ScoreHit, ...] = ()
    layers: tuple[ScoreLayer, ...] = ()
    words: tuple[ScoreWord, ...] = ()
    stems: tuple[ScoreStem, ...] = ()
    loudness_lufs: float = Options.loudness_lufs
    limiter: bool = False
    true_peak_dbtp: float = Options.true_peak_dbtp

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; :func:`parse` reads them back."""
        told = dataclasses.asdict(dataclasses.replace(self, layers=()))
        layers = [{**_fields(layer), "knobs": dict(layer.knobs)} for layer in self.layers]
        lists = {name: [dict(one) for one in told[name]] for name in ("hits", "words", "stems")}
        for hit in lists["hits"]:
            hit["nearest"] = list(hit["nearest"])
        return {**told, **lists, "layers": layers}

    def stem(self, name: str) -> ScoreStem:
        """How a part is mixed; as it is where nothing is said of it."""
        return next((stem for stem in self.stems if stem.name == name), ScoreStem(name))

    def is_heard(self, name: str) -> bool:
        """Whether a part is heard: not muted, and solo where any is; one that is solo and muted silences all others."""
        stem = self.stem(name)
        return not stem.muted and (stem.solo or not any(one.solo for one in self.stems))


def parse(raw: Mapping[str, Any], *, duration_s: float, parts: Sequence[str] = ()) -> Score:
    """A score out of JSON values, checked.

    Args:
        duration_s: of the picture; what begins must begin inside it.
        parts: names of stems that the take has beside those of its hits and layers.

    Raises:
        OptionError: something is not allowed; one sentence says what it was and what is allowed.
    """
    known = [one.name for one in dataclasses.fields(Score)]
    _refuse_unknown("the score", raw, known)
    hits = _list(raw, "hits", MAX_HITS, lambda place, one: _hit(place, one, duration_s))
    layers = _list(raw, "layers", MAX_LAYERS, lambda place, one: _layer(place, one, duration_s))
    words = _list(raw, "words", MAX_WORDS, lambda place, one: _word(place, one, duration_s))
    stems = _list(raw, "stems", MAX_STEMS, _stem)
    for name, ids in (("hit", hits), ("layer", layers), ("word", words)):
        _refuse_twice(name, "id", [one.id for one in ids])
    _refuse_twice("stem", "name", [stem.name for stem in stems])
    there = [*([HITS_STEM] if hits else []), *(LAYER_STEM + layer.id for layer in layers), *parts]
    names = list(dict.fromkeys(there))
    return Score(
        tuple(sorted(hits, key=lambda hit: (hit.time_s, hit.id))),
        tuple(layers),
        tuple(sorted(words, key=lambda word: (word.start_s, word.id))),
        _settled(stems, names),
        _number("", "loudness_lufs", raw.get("loudness_lufs", Options.loudness_lufs), *LOUDNESS_RANGE_LUFS),
        _truth("", "limiter", raw.get("limiter", False)),
        _number("", "true_peak_dbtp", raw.get("true_peak_dbtp", Options.true_peak_dbtp), *TRUE_PEAK_RANGE_DBTP),
    )


def _settled(stems: Sequence[ScoreStem], names: Sequence[str]) -> tuple[ScoreStem, ...]:
    """One stem a part: those given, and plain ones; of parts that are not there any more nothing is kept."""
    given = {stem.name: stem for stem in stems}
    for name in given:
        if name not in names and not name.startswith(LAYER_STEM) and name != HITS_STEM:
            raise OptionError(f"stem {name[:40]!r} is not known here; known are {', '.join(names) or 'none'}")
    return tuple(given.get(name, ScoreStem(name, muted=name == ORIGINAL)) for name in names)


def _hit(place: str, raw: Mapping[str, Any], duration_s: float) -> ScoreHit:
    _refuse_unknown(place, raw, [one.name for one in dataclasses.fields(ScoreHit)])
    time_s = _number(place, "time_s", _needed(place, raw, "time_s"), 0.0, math.inf)
    if time_s >= duration_s:
        raise OptionError(f"{place} has time_s {time_s:g}; the clip ends at {duration_s:g}")
    material = _needed(place, raw, "material")
    if material not in MATERIALS:
        raise OptionError(f"{place} has material {_show(material)}; allowed are {', '.join(MATERIALS)}")
    exemplar, nearest = raw.get("exemplar"), raw.get("nearest", ())
    if exemplar is not None and not (isinstance(exemplar, str) and 0 < len(exemplar) <= MAX_EXEMPLAR):
        raise OptionError(f"{place} has exemplar {_show(exemplar)}; it must be the name of a sound, or null")
    if not isinstance(nearest, list | tuple) or not all(isinstance(one, str) for one in nearest):
        raise OptionError(f"{place} has nearest {_show(nearest)}; it must be a list of names")
    return ScoreHit(
        _id(place, raw),
        round(time_s, 6),
        material,
        round(_number(place, "strength", raw.get("strength", 0.5), 0.0, 1.0), 6),
        exemplar,
        tuple(one[:MAX_EXEMPLAR] for one in nearest[:MAX_NEAREST]),
        round(_number(place, "pan", raw.get("pan", 0.0), -1.0, 1.0), 3),
        _number(place, "gain_db", raw.get("gain_db", 0.0), *HIT_GAIN_RANGE_DB),
    )


def _layer(place: str, raw: Mapping[str, Any], duration_s: float) -> ScoreLayer:
    _refuse_unknown(place, raw, [one.name for one in dataclasses.fields(ScoreLayer)])
    name = _needed(place, raw, "sound")
    if name not in SOUND_NAMES:
        near = ", ".join(nearest_names(str(name)[:80], SOUND_NAMES))
        raise OptionError(f"{place} has sound {_show(name)}; the nearest are {near}")
    start_s, end_s = (
        None if raw.get(key) is None else _number(place, key, raw[key], 0.0, math.inf) for key in ("start_s", "end_s")
    )
    if (start_s or 0.0) >= duration_s:
        raise OptionError(f"{place} has start_s {start_s:g}; the clip ends at {duration_s:g}")
    if end_s is not None and end_s <= (start_s or 0.0):
        raise OptionError(f"{place} has end_s {end_s:g}; it must be after its start, {start_s or 0.0:g}")
    knobs = raw.get("knobs") or {}
    if not isinstance(knobs, Mapping):
        raise OptionError(f"{place} has knobs {_show(knobs)}; they must be an object of name and number")
    values = {str(key): _number(place, f"knob {str(key)[:40]}", value, -1e9, 1e9) for key, value in knobs.items()}
    try:
        sound_class(name).settings(values)
    except OptionError as error:
        raise OptionError(f"{place}: {error}") from error
    pan = raw.get("pan")
    return ScoreLayer(
        _id(place, raw),
        name,
        start_s,
        end_s,
        _number(place, "level_db", raw.get("level_db", 0.0), *GAIN_RANGE_DB),
        None if pan is None else _number(place, "pan", pan, -1.0, 1.0),
        values,
    )


def _word(place: str, raw: Mapping[str, Any], duration_s: float) -> ScoreWord:
    _refuse_unknown(place, raw, [one.name for one in dataclasses.fields(ScoreWord)])
    text = _needed(place, raw, "text")
    if not isinstance(text, str) or len(text) > MAX_TEXT or any(not (one.isprintable()) for one in text):
        raise OptionError(f"{place} has text {_show(text)}; allowed are up to {MAX_TEXT} letters that can be printed")
    start_s = _number(place, "start_s", _needed(place, raw, "start_s"), 0.0, duration_s)
    end_s = _number(place, "end_s", _needed(place, raw, "end_s"), 0.0, math.inf)
    if end_s <= start_s:
        raise OptionError(f"{place} has end_s {end_s:g}; it must be after its start, {start_s:g}")
    return ScoreWord(_id(place, raw), text, start_s, min(end_s, duration_s))


def _stem(place: str, raw: Mapping[str, Any]) -> ScoreStem:
    _refuse_unknown(place, raw, [one.name for one in dataclasses.fields(ScoreStem)])
    name = _needed(place, raw, "name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise OptionError(f"{place} has name {_show(name)}; it must be the name of a part of this take's sound")
    return ScoreStem(
        name,
        _number(place, "gain_db", raw.get("gain_db", 0.0), *GAIN_RANGE_DB),
        **{key: _truth(place, key, raw.get(key, key == "delivered")) for key in ("muted", "solo", "delivered")},
    )


def _list(raw: Mapping[str, Any], name: str, most: int, read: Callable[[str, Mapping[str, Any]], T]) -> list[T]:
    entries = raw.get(name, ())
    if not isinstance(entries, list | tuple):
        raise OptionError(f"{name} is {_show(entries)}; it must be a list")
    if len(entries) > most:
        raise OptionError(f"there are {len(entries)} {name}; allowed are {most}")
    found = []
    for number, entry in enumerate(entries, start=1):
        place = f"{name[:-1]} {number}"
        if not isinstance(entry, Mapping):
            raise OptionError(f"{place} is {_show(entry)}; it must be an object")
        found.append(read(place, entry))
    return found


def _id(place: str, raw: Mapping[str, Any]) -> str:
    id_ = _needed(place, raw, "id")
    if not isinstance(id_, str) or not re.fullmatch(ID_PATTERN, id_):
        raise OptionError(f"{place} has id {_show(id_)}; allowed are up to 40 letters, digits, dashes and underscores")
    return id_


def _needed(place: str, raw: Mapping[str, Any], key: str) -> Any:
    if key not in raw:
        raise OptionError(f"{place} has no {key}")
    return raw[key]


def _number(place: str, key: str, value: Any, low: float, high: float) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not (fits and low <= value <= high and math.isfinite(value)):  # also false for NaN
        what = f"{place} has {key} {_show(value)}" if place else f"{key} is {_show(value)}"
        allowed = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
        raise OptionError(f"{what}; allowed is {allowed}")
    return float(value)


def _truth(place: str, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        what = f"{place} has {key} {_show(value)}" if place else f"{key} is {_show(value)}"
        raise OptionError(f"{what}; allowed are true and false")
    return value


def _refuse_unknown(place: str, raw: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in raw:
        if key not in known:
            raise OptionError(f"{place} has the unknown member {_show(key)}; known are {', '.join(known)}")


def _refuse_twice(name: str, key: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise OptionError(f"two {name}s have the {key} {value!r}; allowed is one")
        seen.add(value)


def _fields(one: ScoreLayer) -> dict[str, Any]:
    return {each.name: getattr(one, each.name) for each in dataclasses.fields(one)}


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
