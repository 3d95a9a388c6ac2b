"""The verbs about the catalogue of sounds: list it, say what is known of one, make one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Final

import typer

from synth.cli.console import say, say_json
from synth.errors import OptionError
from synth.voices.ambient.catalogue.entry import SoundClass
from synth.voices.ambient.catalogue.rendering import (
    DEFAULT_RATE_HZ,
    HIGHEST_RATE_HZ,
    LOWEST_RATE_HZ,
    performance_of,
    sound_blocks,
)
from synth.voices.ambient.catalogue.representation import sound_json

sounds_app: Final = typer.Typer(
    no_args_is_help=True, help="The catalogue of computed sounds: list, describe, make, parse."
)
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
Name = Annotated[str, typer.Argument(help="Which sound; `sonorize sounds list` names them.", show_default=False)]
LONGEST_S: Final = 3600.0
_ANY_KNOB: Final = {"allow_extra_args": True, "ignore_unknown_options": True}


@sounds_app.command("list")
def list_sounds(
    family: Annotated[str | None, typer.Option(help="Only of this family, such as nature.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """All sounds, with what they are called in AudioSet and the knobs that they have."""
    from synth.voices.ambient.catalogue.entry import FAMILIES
    from synth.voices.ambient.catalogue.registry import all_sounds

    if family is not None and family not in FAMILIES:
        raise OptionError(f"--family is {family!r}; allowed are {', '.join(FAMILIES)}")
    chosen = [sound for sound in all_sounds().values() if family in (None, sound.family)]
    if as_json:
        say_json({"sounds": [sound_json(sound) for sound in chosen]})
        return
    for sound in chosen:
        say(f"{sound.name}  {sound.singular}; {', '.join(knob.name for knob in sound.knobs)}")


@sounds_app.command("describe")
def describe(name: Name, as_json: Json = False) -> None:
    """One sound: its names, its knobs with their ranges, and what of a picture turns them."""
    from synth.voices.ambient.catalogue.registry import sound_class

    sound = sound_class(name)
    if as_json:
        say_json(sound_json(sound))
        return
    say(f"{sound.name}: {sound.singular} ({sound.family}, {sound.engine})")
    say(f"AudioSet: {', '.join(sound.audioset)}")
    say(f"in words: {', '.join(sound.phrases)}")
    for knob in sound.knobs:
        unit = f" {knob.unit}" if knob.unit else ""
        driven = f", driven by {sound.drives[knob.name]}" if knob.name in sound.drives else ""
        say(f"  --{knob.name}  {knob.low:g} to {knob.high:g}{unit}, usually {knob.default:g}: {knob.meaning}{driven}")


@sounds_app.command("make", context_settings=_ANY_KNOB)
def make(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option("-o", "--out", help="A .wav or .flac file.", show_default=False)],
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same sound.")] = 0,
    duration: Annotated[float, typer.Option(help=f"Seconds, up to {LONGEST_S:g}.")] = 10.0,
    rate: Annotated[
        int, typer.Option(help=f"Samples a second, {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}.")
    ] = DEFAULT_RATE_HZ,
    as_json: Json = False,
) -> None:
    """Make one sound; its knobs are options too (`--drops_per_s 3000`)."""
    from synth.media.sound_blocks import write_blocks
    from synth.voices.ambient.catalogue.registry import sound_class

    if not 0 < duration <= LONGEST_S:
        raise OptionError(f"--duration is {duration:g} s; allowed is more than 0 and up to {LONGEST_S:g} s")
    sound = sound_class(name)
    knobs = knob_options(sound, context.args)
    performance = performance_of(sound, seed=seed, rate_hz=rate, knobs=knobs)
    write_blocks(out, sound_blocks(sound, performance, duration), rate)
    settings = sound.settings(knobs)
    if as_json:
        made = {"sound": name, "file": str(out), "seed": seed, "duration_s": duration, "rate_hz": rate}
        say_json({**made, "knobs": settings})
        return
    say(f"{out}: {sound.singular}, {duration:g} s at {rate} Hz, seed {seed}")


@sounds_app.command("parse")
def parse(
    prompt: Annotated[str, typer.Argument(help="Such as 'heavy rain on a tin roof, thunder far away'.")],
    without: Annotated[
        str | None, typer.Option(help="What may not be heard: 'speech, music'.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """How a prompt is understood; what is shown can be edited and given as a prompt again."""
    from synth.options import Options
    from synth.voices.ambient.prompting.asked import asked_of

    parsed = asked_of(Options.parse({"prompt": prompt, "without": without})).parsed
    assert parsed is not None  # there is a prompt
    if as_json:
        say_json(parsed.as_json())
        return
    say(parsed.told)
    for note in parsed.notes:
        say(f"note: {note}")
    for ignored in parsed.ignored:
        say(f"ignored: {ignored}")
    if parsed.excluded:
        say(f"not heard: {', '.join(parsed.excluded)}")


def knob_options(sound: SoundClass, arguments: list[str]) -> dict[str, float]:
    """Knobs out of ``--name value`` or ``--name=value``; dashes in a name stand for underscores.

    Raises:
        OptionError: an unknown knob, a missing value, or one that is no number.
    """
    given: dict[str, float] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise OptionError(f"{word!r} is neither an option nor a knob of {sound.name}")
        name, equals, value = word.removeprefix("--").partition("=")
        knob = sound.knob(name.replace("-", "_"))
        if not equals:
            if not rest:
                raise OptionError(f"--{name} is given without a value; allowed is {knob.low:g} to {knob.high:g}")
            value = rest.pop(0)
        given[knob.name] = _number(knob.name, value)
    return given


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise OptionError(f"--{name} is {text!r}, which is no number")
    return number
