"""How what is asked for in words was understood, said before it is made."""

from __future__ import annotations

from typing import Any

from synth.cli.console import say, warn
from synth.options import Options


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
