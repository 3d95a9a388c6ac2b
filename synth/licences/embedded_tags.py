"""What a sound file's own tags say: author, title, and licence.

Read are RIFF's ``INFO`` (ICOP, IART) and ID3 in wav and aiff, ID3 in mp3 (WCOP, TCOP), Vorbis comments (LICENSE,
COPYRIGHT) in ogg, opus and flac, MP4's and ASF's atoms, by tinytag; of other kinds what ffmpeg tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.errors import MediaError
from synth.licences.restrictions import UNKNOWN_LICENCE, strictest
from synth.licences.wording import licence_in, licence_stated
from synth.media.ffmpeg import Fence, run
from synth.media.files import url

MAX_LENGTH: Final = 200  # of a tag that is shown
_LICENCE: Final = ("license", "licence", "license_url", "wcop")
_COPYRIGHT: Final = ("copyright", "rights", "copyright_url")
_REMARK: Final = ("comment", "description")
_AUTHOR: Final = ("artist", "author", "albumartist", "album_artist", "composer")


@dataclass(frozen=True)
class Tags:
    """``None`` where nothing is said. ``licence`` is an SPDX identifier, or that it is unknown what the words mean."""

    title: str | None = None
    author: str | None = None
    licence: str | None = None


def tags_of(path: Path) -> Tags:
    """The tags of one file; empty ones where it has none or they cannot be read."""
    fields = _by_tinytag(path)
    if fields is None:
        fields = _by_ffmpeg(path)
    return Tags(_first(fields, ("title",)), _first(fields, _AUTHOR), _licence(fields))


Fields = Mapping[str, list[str]]


def _licence(fields: Fields) -> str | None:
    """The strictest of all that the tags say. A bare copyright notice names an owner and no licence."""
    told = [licence_stated(value) for key in _LICENCE for value in fields.get(key, ())]
    told += [licence_in(value) for key in _COPYRIGHT for value in fields.get(key, ())]
    remarks = [licence_in(value) for key in _REMARK for value in fields.get(key, ())]
    told += [one for one in remarks if one != UNKNOWN_LICENCE]  # a remark may speak of anything
    known = [one for one in told if one is not None]
    return strictest(known) if known else None


def _first(fields: Fields, keys: tuple[str, ...]) -> str | None:
    values = (value.strip() for key in keys for value in fields.get(key, ()))
    return next((value[:MAX_LENGTH] for value in values if value), None)


def _by_tinytag(path: Path) -> dict[str, list[str]] | None:
    """``None`` for a kind that it does not know and for a damaged file; ffmpeg takes ten times as long."""
    import tinytag

    try:
        found = tinytag.TinyTag.get(str(path), duration=False)
    except (tinytag.TinyTagException, OSError, ValueError, IndexError, KeyError, ArithmeticError):
        return None
    values: dict[str, list[str]] = {}
    for key, value in found.as_dict().items():
        told = value if isinstance(value, list) else [value]
        values[key.lower()] = [text for one in told if (text := str(one).strip("\0 "))]
    return {key: texts for key, texts in values.items() if texts and key not in ("filename", "filesize", "duration")}


def _by_ffmpeg(path: Path) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for where in ("0", "0:s:a:0"):  # ogg has them beside the sound, most others beside the file
        arguments = ["-v", "error", "-i", url(path), "-map_metadata", where, "-f", "ffmetadata", "pipe:1"]
        try:
            text = run(arguments, fence=Fence()).stdout.decode("utf-8", "replace")
        except MediaError:
            continue
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if value.strip():
                values.setdefault(key.lower(), []).append(re.sub(r"\\(.)", r"\1", value).strip())
    return values
