"""How the command line speaks: results on stdout, everything else on stderr, bars only where a person watches."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from synth.voices.base import Progress, ignore_progress


def say(text: str) -> None:
    """One line of a result, on stdout."""
    print(text, flush=True)  # who writes to a file or a pipe reads it now too


def say_json(value: Any) -> None:
    """A whole result as JSON, on stdout. Numbers that JSON cannot hold are a mistake of ours, so they raise."""
    print(json.dumps(value, indent=2, allow_nan=False))


def warn(text: str) -> None:
    """A warning, one line on stderr."""
    _begin_line()
    print(f"warning: {one_line(text)}", file=sys.stderr)


def complain(text: str) -> None:
    """An error, one line on stderr."""
    _begin_line()
    print(f"error: {one_line(text)}", file=sys.stderr)


def clear_bars() -> None:
    """Take away the bars that were drawn when a command broke off: nobody else does before its error is said."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:  # no bar was ever drawn, and importing it takes a while
        return
    for bar in list(getattr(tqdm.tqdm, "_instances", ())):
        bar.leave = False
        bar.close()


def _begin_line() -> None:
    """On a terminal, wipe what stands on the line already: a bar, or the ^C that the terminal itself wrote."""
    # Within a bar of rich's, stderr is its own and keeps lines apart.
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def one_line(text: str) -> str:
    """The text without characters that would move the cursor: file names may hold any."""
    return "".join(char if char.isprintable() else "?" for char in text)


def short(name: str, limit: int = 80) -> str:
    """A file name fit for a sentence."""
    return name if len(name) <= limit else f"{name[: limit - 1]}…"


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A :data:`Progress` that draws a bar on stderr while a terminal is there, and does nothing otherwise."""
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[stage]}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(one_line(title)), total=1.0, stage="")
        yield lambda stage, fraction: bar.update(task, completed=fraction, stage=stage)
