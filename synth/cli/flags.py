"""How the command line asks for each of :class:`synth.options.Options`: one list that all verbs take their flags from.

A verb that sounds clips is written with one parameter ``options`` and :func:`asks_for`, which puts the flags in its
place and builds the checked options out of what a person gave.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Final, get_type_hints

import typer

from synth.cli import words
from synth.options import (
    LOUDNESS_RANGE_LUFS,
    MAX_TAKES,
    RATE_RANGE_HZ,
    TRUE_PEAK_RANGE_DBTP,
    Channels,
    ExistingSound,
    Mode,
    Options,
    Synthesis,
)

DEFAULTS: Final = Options()

FLAGS: Final[Mapping[str, Any]] = {
    "mode": Annotated[Mode, typer.Option(help="Which voice sounds the clip.")],
    "seed": Annotated[int, typer.Option(help="Another seed gives another sound; the same seed the same samples.")],
    "takes": Annotated[int, typer.Option(help=f"How many takes, 1 to {MAX_TAKES}; each has the next seed.")],
    "synthesis": Annotated[
        Synthesis,
        typer.Option(
            help="What sounds are made from: a bank or models, shaped noise, a learnt network, or a sound library."
        ),
    ],
    "material": Annotated[str | None, typer.Option(help="Sound every hit as this material.", show_default=False)],
    "bank": Annotated[
        str | None, typer.Option(help="Another sound bank: the name of a shipped one, or a file.", show_default=False)
    ],
    "library": Annotated[
        str | None,
        typer.Option(
            help="With --synthesis library: its name or its index file; not needed where there is one.",
            show_default=False,
        ),
    ],
    "sound_class": Annotated[
        str | None,
        typer.Option(
            help="Make an ambient sound of this, see `sonorize sounds list`; without it, what the picture shows.",
            show_default=False,
        ),
    ],
    "prompt": words.Prompt,
    "without": words.Without,
    "voice": Annotated[
        str | None, typer.Option(help="Whose voice speech is given: the name of a voice pack.", show_default=False)
    ],
    "face": Annotated[
        int | None,
        typer.Option(
            help="Who speaks, counted from the left, from 1; without it, who speaks most.", show_default=False
        ),
    ],
    "text": Annotated[
        str | None,
        typer.Option(
            help="What is said, in time with the lips: English words, or @FILE with them or with subtitles (.srt).",
            show_default=False,
            parser=words.text_or_file,
            metavar="TEXT",
        ),
    ],
    "consent": Annotated[
        str | None,
        typer.Option(
            help="With --text: who is seen, and who agreed to these words, in a sentence.", show_default=False
        ),
    ],
    "keep_partial": Annotated[
        bool, typer.Option("--keep-partial", help="Keep what was made of an ambient sound when it is cancelled.")
    ],
    "salvage": Annotated[
        bool, typer.Option("--salvage", help="Take a recording that breaks off, as far as it goes, and say so.")
    ],
    "recut": Annotated[
        bool,
        typer.Option("--recut", help="Code the picture again where a copy would show another film or does not fit."),
    ],
    "existing_sound": Annotated[ExistingSound, typer.Option(help="What happens to sound that the clip already has.")],
    "loudness_lufs": Annotated[
        float,
        typer.Option(
            "--loudness", help="How loud, in LUFS, {:g} to {:g}; nearer to 0 is louder.".format(*LOUDNESS_RANGE_LUFS)
        ),
    ],
    "true_peak_dbtp": Annotated[
        float, typer.Option("--true-peak", help="Limit in dBTP, {:g} to {:g}.".format(*TRUE_PEAK_RANGE_DBTP))
    ],
    "limiter": Annotated[
        bool, typer.Option("--limiter", help="Hold peaks down as far as the loudness needs, and not by 9 dB at most.")
    ],
    "channels": Annotated[Channels, typer.Option("--channels", help="One channel, or two.")],
    "rate_hz": Annotated[
        int, typer.Option("--rate", help="Samples a second of the sound, {} to {}.".format(*RATE_RANGE_HZ))
    ],
}
"""Field of :class:`synth.options.Options` -> how it is asked for, in the order in which ``--help`` shows them."""

_PLACE: Final = "options"


def asks_for(
    fields: Collection[str] = tuple(FLAGS), **settled: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorates a verb with a parameter ``options``: a flag for each field stands in its place.

    Args:
        fields: which of :data:`FLAGS` the verb has; the others keep their defaults.
        settled: fields that the verb itself decides.
    """
    chosen = [name for name in FLAGS if name in fields]

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(verb)
        def asked(**given: Any) -> None:
            raw = {name: given.pop(name) for name in chosen}
            verb(**given, **{_PLACE: Options.parse({**raw, **settled})})

        hints = get_type_hints(verb, include_extras=True)
        parameters: list[inspect.Parameter] = []
        for own in inspect.signature(verb).parameters.values():
            if own.name == _PLACE:
                parameters += [_flag(name) for name in chosen]
            else:
                parameters.append(own.replace(annotation=hints[own.name], kind=inspect.Parameter.KEYWORD_ONLY))
        asked.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        asked.__annotations__ = {one.name: one.annotation for one in parameters}
        return asked

    return decorate


def _flag(name: str) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=getattr(DEFAULTS, name), annotation=FLAGS[name])
