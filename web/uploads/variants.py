"""The same clip once more with other options: what was asked for wins, what nobody touched gives way to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import OptionError
from synth.options import GOES_WITH, MAX_SEED, MAX_TAKES, Mode, Options, Synthesis
from web.uploads import forms
from workers.jobs import Job

MAX_VARIANTS: Final = MAX_TAKES
_SAY_WHAT: Final = ("prompt", "sound_class")
_SWITCHES: Final = ("salvage", "recut", "keep_partial")


def whole_form(given: Mapping[str, str]) -> dict[str, Any]:
    """The options of a form that shows all of them: a switch that is off is not sent."""
    return {**dict.fromkeys(_SWITCHES, "false"), **given}


def touched(given: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Those options of a whole form that are to be others than they were; ``None`` for what the clip is to decide.

    Args:
        given: option -> value as text; an empty text is nothing.
        old: the options of the job.
    """
    return {name: value for name, value in _read(given).items() if forms.written(value) != forms.written(old.get(name))}


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value == "" else value for name, value in given.items()}


def options_with(changed: Mapping[str, Any], old: Mapping[str, Any], libraries: Sequence[str]) -> dict[str, Any]:
    """All options of a job that differs from an old one in some.

    Args:
        changed: option -> value, of those that somebody named; an empty text is nothing.
        libraries: names of the sound libraries that this server has.

    Raises:
        OptionError: what was touched contradicts itself, or is not allowed.
    """
    changed = _read(changed)
    merged = {**old, **changed}
    _settle_mode(merged, changed)
    _settle_synthesis(merged, changed)
    return forms.parse_options(
        {name: value for name, value in merged.items() if value is not None}, libraries
    ).as_dict()


def _settle_mode(merged: dict[str, Any], changed: Mapping[str, Any]) -> None:
    """What goes with another voice than the one that is wanted now is let go of, unless it was touched itself."""
    meant = [mode for name, mode in GOES_WITH.items() if changed.get(name) is not None]
    if "mode" not in changed and meant:
        merged["mode"] = meant[0].value
    mode = merged.get("mode", Mode.AUTO.value)
    for name, goes in {**GOES_WITH, "bank": Mode.HITS}.items():
        if name not in changed and mode not in (Mode.AUTO.value, goes.value):
            merged[name] = None
    said = [name for name in _SAY_WHAT if merged.get(name) is not None]
    if len(said) > 1:
        for name in said:
            if name not in changed:
                merged[name] = None


def _settle_synthesis(merged: dict[str, Any], changed: Mapping[str, Any]) -> None:
    if changed.get("library") is not None and "synthesis" not in changed:
        merged["synthesis"] = Synthesis.LIBRARY.value
    made = merged.get("synthesis", Synthesis.EXAMPLE.value)
    if made == Synthesis.LIBRARY.value and ({"synthesis", "library"} & set(changed)):
        for name in {"prompt", "without", "bank"} - set(changed):
            merged[name] = None
    elif "synthesis" not in changed and not _can_make(made, merged):
        merged["synthesis"] = made = Synthesis.EXAMPLE.value
    if made != Synthesis.LIBRARY.value and "library" not in changed:
        merged["library"] = None


def _can_make(synthesis: str, merged: Mapping[str, Any]) -> bool:
    """Whether that way of making a sound goes with the rest."""
    words = merged.get("prompt") is not None or merged.get("without") is not None
    if synthesis == Synthesis.LIBRARY.value:
        return not words and merged.get("mode") != Mode.SPEECH.value
    if synthesis == Synthesis.LEARNT.value:
        name = merged.get("sound_class")
        ambient = merged.get("mode") in (Mode.AUTO.value, Mode.AMBIENT.value)
        return ambient and not words and (name is None or name in AMBIENT_CLASSES)
    return True


def variant_seeds(raw: Mapping[str, Any], job: Job) -> list[int]:
    """The seeds that a request for variants asks for: ``seed`` or ``seeds``, or else the next one.

    Raises:
        OptionError: a seed is no whole number in range, or there are too many.
    """
    wanted = raw.get("seeds")
    if wanted in (None, ""):
        takes = int(job.options.get("takes", 1))
        following = int(job.options.get("seed", 0))
        if not raw.get("sound_class"):  # another sound is another sound with the same seed too
            following = (following + takes) % (MAX_SEED + 1)
        wanted = [raw["seed"] if raw.get("seed") not in (None, "") else following]
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MAX_VARIANTS:
        raise OptionError(f"seeds must be a list of 1 to {MAX_VARIANTS} whole numbers")
    return [Options.parse({"seed": seed}).seed for seed in wanted]
