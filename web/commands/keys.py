"""The verbs about API keys. The server keeps digests only; a key is seen once, when it is made."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Annotated, Final

import typer

from synth.cli.console import say, say_json
from synth.errors import OptionError

KEY_BYTES: Final = 32
PREFIX: Final = "sonorize_"  # so that scanners for leaked secrets can tell what it is
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

keys_app: Final = typer.Typer(no_args_is_help=True, help="Keys for programs and people that use the server.")


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is; jobs belong to this name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Make a key, print it once, and print what the server's settings need to know of it."""
    if not _NAME.fullmatch(name):
        raise OptionError(f"the name is {name[:80]!r}; allowed are 1 to 64 letters, digits, dots, dashes, underscores")
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    entry = f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"
    if as_json:
        say_json({"name": name, "key": key, "entry": entry})
        return
    say(f"The key of {name}, shown this once; `sonorize submit` finds it in SONORIZE_API_KEY:")
    say(f"  {key}")
    say("For the server, several entries with commas between them:")
    say(f"  SONORIZE_API_KEYS={entry}")


@keys_app.callback()
def _keys() -> None:
    """Keep ``keys create`` a verb of a group, though it is the only one."""
