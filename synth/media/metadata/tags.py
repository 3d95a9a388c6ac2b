"""The tags of a file: who made it, with what, when and where; and which of them a result lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from synth.media.metadata.side_data import picture_lines

ORIGINAL_COMMENT: Final = "original_comment"
"""The name under which a source's own comment is kept, beside ours."""
FILE_OWN: Final = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "comment", "creation_time"}
)
"""Names whose values belong to a file and not to what was filmed, or that every result writes anew."""
_OF_PICTURE: Final = frozenset({"language", "timecode", "reel_name", "title"})
_FILE_STRUCTURE: Final = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


def of_file(description: str) -> dict[str, str]:
    """Tags of the file as a whole, from ffmpeg's description of it; names in small letters, without a language.

    Where a name is there several times the first value stands.
    """
    head = description.partition("Input #0")[2].partition("\n  Duration:")[0].splitlines()
    return _tags(head, 2)


def of_picture(description: str, stream: int | None = None) -> dict[str, str]:
    """Tags of the picture stream that say something of the picture."""
    tags = _tags(picture_lines(description, stream), 4)
    return {name: value for name, value in tags.items() if name in _OF_PICTURE}


def _tags(lines: list[str], indent: int) -> dict[str, str]:
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in lines:
        if re.match(rf"^ {{{indent}}}\S", line):
            inside = line.strip() == "Metadata:"
            continue
        entry = re.match(rf"^ {{{indent + 2}}}(\S[^:]*?) *: (.*)$", line)
        if inside and entry:
            name = re.sub(r"-[a-z]{3}$", "", entry[1]).lower()
            found.setdefault(name, entry[2])
        elif inside and name and (more := re.match(r"^ +: (.*)$", line)):  # a value of several lines
            found[name] += f"\n{more[1]}"
    return found


def arguments(tags: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """ffmpeg's arguments that keep tags which its copy of all tags (``-map_metadata``) would lose or replace.

    Args:
        tags: of the source.
        ours: those that a result gets besides; a comment among them stands in the way of that of the source.
    """
    found = []
    if "comment" in tags and "comment" in ours and ORIGINAL_COMMENT not in tags:
        found += ["-metadata", f"{ORIGINAL_COMMENT}={tags['comment']}"]
    first, several, _ = tags.get("creation_time", "").partition(";")
    if several:  # said twice in the file; ffmpeg joins the values and then understands neither
        found += ["-metadata", f"creation_time={first}"]
    return found


def losses(before: Mapping[str, str], after: Mapping[str, str], container: str, *, of: str = "the source") -> list[str]:
    """One sentence that names the tags which a result lacks or says otherwise; none where all are there.

    A source's comment is looked for under :data:`ORIGINAL_COMMENT`, because a result has one of ours.
    """
    skipped = _FILE_STRUCTURE | ({"comment"} if ORIGINAL_COMMENT in before else set())  # then it was ours already
    gone = [
        name
        for name, value in before.items()
        if name not in skipped and not _kept(value, after.get(ORIGINAL_COMMENT if name == "comment" else name))
    ]
    if not gone:
        return []
    return [f"the {container} file does not hold these tags of {of}: {', '.join(sorted(gone))}"]


def _kept(value: str, other: str | None) -> bool:
    if other is None:
        return False
    return value == other or _place(value) == (_place(other) or 0) or _moment(value) == (_moment(other) or 0)


def _place(text: str) -> tuple[float, ...] | None:
    """Degrees north and east, and metres of height, of a place in the form of ISO 6709; to about ten metres."""
    if not re.fullmatch(r"(?:[+-]\d+(?:\.\d+)?){2,3}/?(?:CRS.*)?", text):
        return None
    return tuple(round(float(number), 3) for number in re.findall(r"[+-]\d+(?:\.\d+)?", text))[:2]


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.partition(";")[0]).replace(microsecond=0)
    except ValueError:
        return None
