"""Figures in documents, made from what the evaluations printed: `bench/results/NAME-DATE.json` into Jinja2 templates.

A template says ``{{ f("eval-hits", "onsets", "cross-validated", "f1_100ms") }}``: the newest kept result of that name,
the way through its JSON, two decimals. A document with a figure that came out of no command cannot be written so.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
TEMPLATES: Final = Path(__file__).parent / "templates"
_DATED: Final = re.compile(r"(?P<name>.+)-(?P<date>\d{4}-\d{2}-\d{2})")


def newest(name: str) -> Path:
    """The newest kept result of a name.

    Raises:
        KeyError: none is kept.
    """
    found = {}
    for path in RESULTS.glob("*.json"):
        match = _DATED.fullmatch(path.stem)
        if match and match["name"] == name:
            found[match["date"]] = path
    if not found:
        raise KeyError(f"no result of {name} is kept in bench/results")
    return found[max(found)]


def value(name: str, *way: str | int) -> Any:
    """One value of the newest result, by the keys that lead to it.

    Raises:
        KeyError: there is no such result, or no such key in it; it says which.
    """
    found = _loaded(newest(name))
    for step in way:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError) as error:
            raise KeyError(f"{name}: {' / '.join(map(str, way))} has no {step!r}") from error
    return found


def figure(name: str, *way: str | int, digits: int = 2) -> str:
    """One figure, with ``digits`` decimals and without a leading zero."""
    text = f"{float(value(name, *way)):.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def rendered(template: str) -> str:
    """A template of :data:`TEMPLATES`, filled."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, and nothing of it comes from outside
    )
    environment.globals.update(f=figure, v=value, kept=_kept)
    return environment.get_template(template).render()


def _kept(name: str) -> str:
    """The path of the newest result, as a document in docs/ links to it."""
    return f"../bench/results/{newest(name).name}"


@functools.cache
def _loaded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
