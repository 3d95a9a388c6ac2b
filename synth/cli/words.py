"""How what is asked for in words was understood, said before it is made."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from synth.cli.console import say, warn
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
        warn(f"of the prompt was ignored: {ignored}")
    return parsed.as_json()
