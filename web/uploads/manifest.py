"""A batch's manifest as its lines: JSON objects, one a line, or CSV with a heading. What they ask for is read later."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import Any, Final

from web.api.problems import Problem

MAX_BYTES: Final = 1024**2
MAX_LINES: Final = 1000


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        number: in the file, from 1; ``None`` for an item of a JSON list.
        values: what it says.
        fault: a sentence, where it cannot be read.
    """

    number: int | None
    values: dict[str, Any] = field(default_factory=dict)
    fault: str = ""


def lines_of(data: bytes, known: tuple[str, ...]) -> list[Line]:
    """The lines of a manifest that are not empty.

    Args:
        known: what a column may be called.

    Raises:
        Problem: it is too large, no UTF-8, has no lines or too many, or its heading is not understood. What is wrong
            with one line alone stands in :attr:`Line.fault`.
    """
    if len(data) > MAX_BYTES:
        raise Problem("too-large", f"the manifest has {len(data)} bytes; allowed are {MAX_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("bad-request", f"the manifest is no UTF-8: byte {error.start} cannot be read") from error
    found = _csv(text, known) if kind_of(data) == "csv" else _jsonl(text)
    if not found:
        raise Problem("bad-request", "the manifest has no lines")
    if len(found) > MAX_LINES:
        raise Problem("bad-request", f"the manifest has {len(found)} lines; allowed are {MAX_LINES}")
    return found


def kind_of(data: bytes) -> str:
    """``jsonl`` where it begins as a JSON object does, else ``csv``."""
    return "jsonl" if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else "csv"


def _csv(text: str, known: tuple[str, ...]) -> list[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [name.strip() for name in next(reader, [])]
        unknown = [name for name in heading if name not in known]
        if unknown or len(set(heading)) < len(heading):
            what = f"{unknown[0][:40]!r} is not known here" if unknown else "a column comes twice"
            raise Problem("option", f"the manifest's heading: {what}; known are {', '.join(known)}")
        return [_row(reader.line_num, heading, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Problem("bad-request", f"line {reader.line_num} of the manifest is no CSV: {error}") from error


def _row(number: int, heading: list[str], row: list[str]) -> Line:
    if len(row) != len(heading):
        return Line(number, fault=f"the line has {len(row)} columns; the heading has {len(heading)}")
    return Line(number, {name: cell.strip() for name, cell in zip(heading, row, strict=True) if cell.strip()})


def _jsonl(text: str) -> list[Line]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            found.append(Line(number, fault=f"the line is no JSON: {error.msg} at column {error.colno}"))
            continue
        except (RecursionError, ValueError) as error:
            what = "too deep" if isinstance(error, RecursionError) else "a number has thousands of digits"
            found.append(Line(number, fault=f"the line is no JSON: {what}"))
            continue
        is_object = isinstance(values, dict)
        found.append(Line(number, values) if is_object else Line(number, fault="the line is no JSON object"))
    return found
