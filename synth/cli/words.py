"""How what is asked for in words was understood, said before it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from synth.cli.console import say, warn
from synth.errors import OptionError
from synth.options import Options

Prompt = Annotated[
    str | None,
    typer.Option(
        help="Say what is to be heard: 'heavy rain on a tin roof, thunder far away', '0-3 s: footsteps; 3- : door'.",
        show_default=False,
    ),
]
Without = Annotated[
    str | None,
    typer.Option(
        help="Say what may not be heard in any mode: 'speech, music', a family, or sounds.", show_default=False
    ),
]


def text_or_file(given: str) -> str:
    """What is typed after ``--text``; after an @ it is the name of a file that holds it.

    Raises:
        OptionError: the file cannot be read, or holds no text in UTF-8.
    """
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise OptionError(f"text: the file {given[1:]!r} cannot be read as text in UTF-8") from error


def understood(options: Options, *, as_json: bool) -> dict[str, Any] | None:
    """Read the prompt of a request and say how, on the screen or, with ``as_json``, as a value; None without one.

    Raises:
        OptionError: it is not understood, or contradicts the other options.
    """
    if options.prompt is None and options.without is None:
        return None
    from synth.voices.ambient.prompting.asked import asked_of

    parsed = asked_of(options).parsed
    if parsed is None:
        return None
    if not as_json:
        say(f"understood: {parsed.told}")
        for note in parsed.notes:
            say(f"note: {note}")
    for ignored in parsed.ignored:
        warn(left_out(ignored))
    return parsed.as_json()


def left_out(ignored: str) -> str:
    """The warning of what counts for nothing in a prompt, as results have it too."""
    return f"of the prompt was ignored: {ignored}"
