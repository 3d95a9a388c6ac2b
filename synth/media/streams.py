"""The tracks of a file, read off the description that ffmpeg prints of its input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["picture", "sound", "subtitles", "data", "attachment"]

UNKNOWN: Final = "none"
"""ffmpeg's name of a coding that it does not know; such a stream can be neither decoded nor copied."""

_KINDS: Final[dict[str, Kind]] = {
    "Video": "picture",
    "Audio": "sound",
    "Subtitle": "subtitles",
    "Data": "data",
    "Attachment": "attachment",
}
_LEVEL: Final = re.compile(r"^\[info\] ", re.MULTILINE)
_STREAM: Final = re.compile(r"^ +Stream #0:(\d+)(?:\[\w+\])?(?:\((\w+)\))?: (\w+): ([\w-]+)(.*)$", re.MULTILINE)
_TAG: Final = re.compile(r"\((\S{2,16}) / 0x[0-9A-F]{8}\)")
_ALPHA: Final = re.compile(r"^ +alpha_mode +: 1$", re.MULTILINE | re.IGNORECASE)
_FILE_NAME: Final = re.compile(r"^ +filename +: (.+)$", re.MULTILINE)
_TURNED: Final = re.compile(r"^ +(?:displaymatrix|.*Display Matrix): rotation of (-?[\d.]+) degrees", re.MULTILINE)


@dataclass(frozen=True)
class Stream:
    """One track of a file.

    Attributes:
        index: ffmpeg's number for it within the file.
        coding: ffmpeg's name of its coding; :data:`UNKNOWN` where it knows none.
        tag: the four letters under which its container names the coding, such as ``gpmd``; empty where it has none.
        language: three letters; empty where it states none.
        default: whether its container marks it as the one to play.
        cover: whether it is a still picture that is to be shown instead of a film.
        transparent: whether it is a picture with transparency beside its packets, as VP8 and VP9 keep it.
        mono: whether it is sound of one channel.
        rotation_deg: how a player turns the picture to show it upright: 0, 90, 180 or 270, clockwise.
        file_name: of an attachment.
        about: the whole of its line, for what is asked more seldom.
    """

    index: int
    kind: Kind
    coding: str
    tag: str = ""
    language: str = ""
    default: bool = False
    cover: bool = False
    transparent: bool = False
    mono: bool = False
    rotation_deg: int = 0
    file_name: str = ""
    about: str = ""

    @property
    def name(self) -> str:
        """What it is called in a sentence: kind, coding or tag, and number."""
        coding = self.tag if self.coding in (UNKNOWN, "bin_data") and self.tag else self.coding
        coding = self.file_name or ("unknown coding" if coding == UNKNOWN else coding)
        return f"{'cover' if self.cover else self.kind} ({coding}, track {self.index})"


def described(stderr: str) -> str:
    """The description of the input alone, without the level that stands before each line (``-v level+info``)."""
    plain = _LEVEL.sub("", stderr)
    start = plain.find("Input #0, ")
    end = re.search(r"^(?:Stream mapping:|Output #0|Press \[q\])", plain[max(start, 0) :], re.MULTILINE)
    return plain[start : start + end.start()] if start >= 0 and end else plain[max(start, 0) :]


def streams_of(description: str) -> tuple[Stream, ...]:
    """All tracks that :func:`described` tells of, by their numbers; each once."""
    heads = list(_STREAM.finditer(description))
    ends = [head.start() for head in heads[1:]] + [len(description)]
    found: dict[int, Stream] = {}
    for head, end in zip(heads, ends, strict=True):
        if head.group(3) in _KINDS:
            found.setdefault(int(head.group(1)), _stream(head, description[head.end() : end]))
    return tuple(found[number] for number in sorted(found))


def _stream(head: re.Match[str], details: str) -> Stream:
    number, language, kind, coding, rest = head.groups()
    tag = _TAG.search(rest)
    turned, file_name = _TURNED.search(details), _FILE_NAME.search(details)
    return Stream(
        index=int(number),
        kind=_KINDS[kind],
        coding=coding,
        tag=tag.group(1) if tag else "",
        language=language if language and language != "und" else "",
        default="(default)" in rest,
        cover="(attached pic)" in rest,
        transparent=_ALPHA.search(details) is not None,
        mono=", mono" in rest,
        rotation_deg=round(-float(turned.group(1)) / 90) * 90 % 360 if turned else 0,
        file_name=file_name.group(1).strip() if file_name and kind == "Attachment" else "",
        about=f"{coding}{rest}",
    )


def of_kind(streams: Sequence[Stream], kind: Kind) -> tuple[Stream, ...]:
    """Those of one kind; covers are no pictures."""
    return tuple(one for one in streams if one.kind == kind and not one.cover)
