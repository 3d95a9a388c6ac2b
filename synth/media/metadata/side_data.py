"""What a file says of its picture beside the picture: how it is turned, its depth, its sphere, its light.

ffmpeg's description of a file lists it a line a kind, under the stream that it belongs to. Source and result are
compared by these lines: what the muxer left out is named to whoever asked, or refused where the picture would be
shown wrongly without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from synth.errors import MediaError

DOLBY_VISION: Final = "DOVI configuration record"
STEREO_3D: Final = "Stereo 3D"
SPHERICAL: Final = "Spherical Mapping"
TURNED: Final = "Display Matrix"
_NAMES: Final = {
    DOLBY_VISION: "the Dolby Vision configuration",
    STEREO_3D: "how the two eyes' pictures lie in the frame (3D)",
    SPHERICAL: "the mapping of the 360-degree picture",
    TURNED: "how the picture is turned",
    "Mastering display metadata": "the light of the display on which it was graded",
    "Content light level metadata": "its greatest light levels",
    "Ambient viewing environment": "the light of the room that it is meant for",
    "Frame Cropping": "which part of the frame is shown",
    "ICC Profile": "its colour profile",
    "3D Reference Displays Info": "the displays that its depth is meant for",
}
_NOT_SHOWN: Final = frozenset(
    {"CPB properties", "Encryption initialization data", "Quality stats", "Producer Reference Time"}
)
_PLAIN_TAGS: Final = {"dvh1": "hvc1", "dvhe": "hvc1", "dvav": "avc1", "dva1": "avc1", "dav1": "av01"}
_SAME: Final = {"displaymatrix": TURNED}
_STREAM: Final = re.compile(r"^  Stream #0:(\d+)(?:\[0x([0-9a-f]+)\])?(?:\((\w+)\))?: (\w+): ?(.*)$")


def picture_lines(description: str, stream: int | None = None) -> list[str]:
    """The lines of a file's description that belong to one picture stream, that of its coding first.

    Args:
        description: what ffmpeg says of an input, at its level ``info``.
        stream: its number among all streams of the file; the first picture that is no cover by default.
    """
    found: list[str] = []
    for line in description.split("\nOutput #", 1)[0].split("\nStream mapping", 1)[0].splitlines():
        head = _STREAM.match(line)
        if head is None:
            if found and line.startswith("    "):
                found.append(line)
                continue
            if found:
                break
            continue
        if found:
            break
        wanted = int(head[1]) == stream if stream is not None else "(attached pic)" not in head[5]
        if head[4] == "Video" and wanted:
            found = [line]
    return found


def track_id(description: str, stream: int | None = None) -> int | None:
    """The number that the file itself gives the picture's track, where it has such numbers."""
    lines = picture_lines(description, stream)
    head = _STREAM.match(lines[0]) if lines else None
    return int(head[2], 16) if head is not None and head[2] else None


def of_picture(description: str, stream: int | None = None) -> dict[str, str]:
    """Side data of the picture: kind -> what is said, in ffmpeg's words."""
    found: dict[str, str] = {}
    inside = False
    for line in picture_lines(description, stream)[1:]:
        if re.match(r"^    \S", line):
            inside = line.strip() == "Side data:"
        elif inside and re.match(r"^      \S", line):
            kind, said = _parted(line.strip())
            if kind not in _NOT_SHOWN:
                found[kind] = said
    return found


def _parted(line: str) -> tuple[str, str]:
    """``Kind: what is said``, or ``Kind, what is said``."""
    parts = re.split(r"[:,] ?", line, maxsplit=1)
    kind = parts[0].strip()
    return _SAME.get(kind, kind), parts[1].strip() if len(parts) > 1 else ""


def losses(before: Mapping[str, str], after: Mapping[str, str], container: str) -> list[str]:
    """One sentence for each kind of side data that a result lacks or says otherwise.

    Args:
        before, after: as :func:`of_picture` gives them, of source and result.
        container: name of the result's.

    Raises:
        MediaError: without what is lost, the picture would be shown in wrong colours or turned wrongly.
    """
    said = []
    for kind, value in before.items():
        if _same(value, after.get(kind)):
            continue
        name = _NAMES.get(kind, kind)
        if kind == TURNED or (kind == DOLBY_VISION and dolby_vision_profile(before) == 5):
            what = "turned wrongly" if kind == TURNED else "in wrong colours"
            able = "" if container in ("mp4", "mov") else "; .mp4 and .mov can"
            raise MediaError(f"a {container} file cannot hold {name}, and without it the picture is shown {what}{able}")
        said.append(f"the {container} file does not hold {name} ({value or 'present in the source'})")
    return said


def _same(one: str, other: str | None) -> bool:
    """Whether two values agree; numbers may differ by what rounding in another container does to them."""
    if other is None:
        return False
    number = r"-?\d+(?:\.\d+)?"
    if re.split(number, one) != re.split(number, other):
        return False
    return all(
        abs(float(a) - float(b)) <= 0.001 * max(1.0, abs(float(a)))
        for a, b in zip(re.findall(number, one), re.findall(number, other), strict=True)
    )


def dolby_vision_profile(side_data: Mapping[str, str]) -> int | None:
    """The profile that a Dolby Vision configuration names, or ``None`` without one."""
    said = re.search(r"profile: (\d+)", side_data.get(DOLBY_VISION, ""))
    return int(said[1]) if said else None


def plain_tag(description: str, stream: int | None = None) -> str | None:
    """The four characters by which a container names the coding itself, where the source's name Dolby Vision.

    ffmpeg refuses those in Matroska and mov.
    """
    lines = picture_lines(description, stream)
    tag = re.search(r"\((dvh1|dvhe|dvav|dva1|dav1) / 0x", lines[0]) if lines else None
    return _PLAIN_TAGS[tag[1]] if tag else None


def told(side_data: Mapping[str, str]) -> list[str]:
    """The side data in words, for a person."""
    return [f"{_NAMES.get(kind, kind).removeprefix('the ')}: {value or 'present'}" for kind, value in side_data.items()]
