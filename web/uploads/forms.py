"""The options form, read off :mod:`synth.options`: a new mode or material appears by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from synth import weights
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.options import (
    LOUDNESS_RANGE_LUFS,
    MAX_CONSENT_CHARS,
    MAX_FACES,
    MAX_PROMPT_CHARS,
    MAX_SEED,
    MAX_TAKES,
    MAX_TEXT_CHARS,
    RATE_RANGE_HZ,
    TRUE_PEAK_RANGE_DBTP,
    Channels,
    ExistingSound,
    Mode,
    Options,
    Synthesis,
)
from synth.sound_names import SOUND_NAMES, display_name
from synth.voices.ambient.prompting.asked import asked_of
from synth.voices.speech.typed import script

MODES: Final = (Mode.AUTO, Mode.HITS, Mode.AMBIENT, Mode.SPEECH)
"""What can be asked for in this release. The voices stand in the pipeline, which would load torch; a test compares."""

NAMES: Final = tuple(field.name for field in fields(Options))
_DEFAULTS: Final = Options()
BANK_NAME: Final = "[a-z0-9][a-z0-9-]{0,63}"
"""What the name of a shipped bank looks like, as a regular expression for all of it."""
_WORDS: Final[dict[StrEnum, str]] = {
    Mode.AUTO: "Automatic",
    Mode.HITS: "Hits and scratches",
    Mode.AMBIENT: "Ambient sound",
    Mode.SPEECH: "Speech",
    Synthesis.EXAMPLE: "Sound bank or models",
    Synthesis.PARAMETRIC: "Shaped noise",
    Synthesis.LEARNT: "Learnt network",
    Synthesis.LIBRARY: "Sound library",
    ExistingSound.REPLACE: "Replace it",
    ExistingSound.KEEP: "Keep it as a second track",
    ExistingSound.MIX: "Mix both",
    Channels.MONO: "One",
    Channels.STEREO: "Two",
}


_PROMPT: Final = "heavy rain on a tin roof, thunder far away"
_WORDED: Final = (Mode.AUTO, Mode.AMBIENT)


@dataclass(frozen=True)
class Field:
    """One control of the form.

    Attributes:
        choices: value -> words, for a choice; empty for a number or a switch.
        low, high, step: of a number.
        switch: whether it is on or off; ``value`` is ``true`` or ``false``.
        modes: those that it means something for; empty for all. Scripts hide it where another is chosen.
        longest: of a text, in letters.
        example: what a text may say.
    """

    name: str
    label: str
    value: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    low: str = ""
    high: str = ""
    step: str = ""
    switch: bool = False
    modes: tuple[Mode, ...] = ()
    longest: int = 0
    example: str = ""


def main_fields() -> tuple[Field, ...]:
    """What nearly everybody wants to choose."""
    materials = (("", "As it looks"), *((name, name.replace("-", " ").capitalize()) for name in MATERIALS))
    sounds = (("", "As it looks"), *((name, class_words(name).capitalize()) for name in SOUND_NAMES))
    packs = (("", "The one that ships"), *((name, name) for name in _packs()))
    return _offered(
        _choice("mode", "Voice", MODES, _DEFAULTS.mode),
        _text("prompt", "In words", "What is to be heard, instead of what the picture shows.", _PROMPT, _WORDED),
        _text("without", "Without", "What may not be heard.", "speech, music", ()),
        Field("material", "Material", "", "For every hit.", materials, modes=(Mode.AUTO, Mode.HITS)),
        Field("sound_class", "Sound", "", "What it is the sound of.", sounds, modes=(Mode.AMBIENT,)),
        Field("voice", "Whose voice", "", "A voice pack of this server.", packs, modes=(Mode.SPEECH,)),
        replace(
            _number("face", "Who speaks", "", 1, MAX_FACES, "1", "Counted from the left; empty: who speaks most."),
            modes=(Mode.SPEECH,),
        ),
        _text(
            "text",
            "Typed words",
            "Said in time with the lips, by a voice of the server; English.",
            "Now we will say hello.",
            (Mode.SPEECH,),
            MAX_TEXT_CHARS,
        ),
        _text(
            "consent",
            "Who agreed",
            "Needed with typed words: they are put into somebody's mouth.",
            "I am the speaker",
            (Mode.SPEECH,),
            MAX_CONSENT_CHARS,
        ),
        _number("takes", "Takes", _DEFAULTS.takes, 1, MAX_TAKES, "1", "Each take has the next seed."),
    )


def more_fields(libraries: Sequence[str] = ()) -> tuple[Field, ...]:
    """The rest.

    Args:
        libraries: names of the sound libraries that this server has.
    """
    low, high = (f"{edge:g}" for edge in LOUDNESS_RANGE_LUFS)
    quiet, loud = (f"{edge:g}" for edge in TRUE_PEAK_RANGE_DBTP)
    return _offered(
        _number("seed", "Seed", _DEFAULTS.seed, 0, MAX_SEED, "1", "Another seed, another sound; the same, the same."),
        *_making(libraries),
        _choice("existing_sound", "Sound that is there", tuple(ExistingSound), _DEFAULTS.existing_sound),
        _number("loudness_lufs", "Loudness, LUFS", f"{_DEFAULTS.loudness_lufs:g}", low, high, "0.5"),
        _number("true_peak_dbtp", "True peak, dBTP", f"{_DEFAULTS.true_peak_dbtp:g}", quiet, loud, "0.1"),
        Field("limiter", "If peaks stand in the way", "false", "Hold them down as far as needed", switch=True),
        Field("salvage", "If it breaks off", "false", "Take it as far as it goes", switch=True),
        Field("recut", "If it cannot be copied", "false", "Code the picture again", switch=True),
        _choice("channels", "Channels", tuple(Channels), _DEFAULTS.channels),
        _number("rate_hz", "Samples a second", _DEFAULTS.rate_hz, *RATE_RANGE_HZ, "1"),
        Field("keep_partial", "If canceled", "false", "Keep what was made", switch=True, modes=(Mode.AMBIENT,)),
    )


def _making(libraries: Sequence[str]) -> tuple[Field, ...]:
    """What sounds are made from; where there are libraries, they may come from them too."""
    offered = tuple(one for one in Synthesis if libraries or one is not Synthesis.LIBRARY)
    modes = (Mode.AUTO, Mode.HITS, Mode.AMBIENT)
    made = replace(_choice("synthesis", "Made from", offered, _DEFAULTS.synthesis), modes=modes)
    if not libraries:
        return (made,)
    names = (("", "The only one" if len(libraries) == 1 else "None"), *((name, name) for name in libraries))
    hint = "With “Sound library”: whose recordings are laid under the picture."
    return made, Field("library", "Sound library", "", hint, names, modes=modes)


def words(value: str) -> str:
    """A mode, a way of synthesis or another choice in words."""
    return next(
        (text for member, text in _WORDS.items() if member.value == value),
        display_name(value) if value in SOUND_NAMES else value,
    )


def written(value: Any) -> str:
    """An option's value as a form holds it; nothing for what the clip is to decide."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def class_words(name: str) -> str:
    """An ambient class in words."""
    return display_name(name)


def parse_options(raw: Mapping[str, Any], libraries: Sequence[str] = ()) -> Options:
    """Options of a request; an empty field is one that was left out.

    Args:
        libraries: names of the sound libraries that this server has.

    Raises:
        OptionError: as :meth:`Options.parse`; or a mode without a voice; or a bank that is not a shipped one's name,
            or a voice or a library that is not there.
    """
    options = Options.parse({name: value for name, value in raw.items() if value != ""})
    if options.settled_mode not in MODES:  # a voice pack asks for speech, without naming it
        raise OptionError(
            f"mode is {options.settled_mode.value!r}, which has no voice in this release; "
            f"available are {', '.join(mode.value for mode in MODES)}"
        )
    # The library takes paths of the machine it runs on; a stranger must not name files of the server's.
    if options.bank is not None and not re.fullmatch(BANK_NAME, options.bank):
        raise OptionError("bank must be the name of a bank that ships: lower-case letters, digits and dashes")
    asked_of(options)  # words that are not understood are refused here
    if options.text is not None:
        script.parse(options.text)
    _check_library(options, libraries)
    if options.voice is not None and options.voice not in _packs():
        raise OptionError(f"voice is {options.voice!r}; there are {', '.join(_packs()) or 'none'}")
    return options


def _check_library(options: Options, libraries: Sequence[str]) -> None:
    if options.synthesis is not Synthesis.LIBRARY:
        return
    there = ", ".join(libraries) or "none: `sonorize library index` makes them"
    if options.library is None and len(libraries) != 1:
        raise OptionError(f"synthesis is 'library', but no library is named; there are {there}")
    if options.library is not None and options.library not in libraries:
        raise OptionError(f"library is {options.library!r}; there are {there}")


def _packs() -> tuple[str, ...]:
    """Names of the voice packs that this server has."""
    return tuple(weights.voices())


def _offered(*fields: Field) -> tuple[Field, ...]:
    """Those that mean something for a voice of this release."""
    return tuple(field for field in fields if not field.modes or set(field.modes) & set(MODES))


def _choice(name: str, label: str, members: tuple[StrEnum, ...], value: StrEnum) -> Field:
    return Field(name, label, value.value, choices=tuple((member.value, _WORDS[member]) for member in members))


def _text(
    name: str, label: str, hint: str, example: str, modes: tuple[Mode, ...], longest: int = MAX_PROMPT_CHARS
) -> Field:
    return Field(name, label, "", hint, modes=modes, longest=longest, example=example)


def _number(name: str, label: str, value: object, low: object, high: object, step: str, hint: str = "") -> Field:
    return Field(name, label, str(value), hint, low=str(low), high=str(high), step=step)
