"""Boxes that people drew around what sounds, as ``sonorize`` exports them: one JSON object a line.

Keys: ``video`` (a path, from the file's own folder where it is relative), ``time_s`` of the frame, ``visible``
(whether the source is seen at all), ``left``, ``top``, ``right``, ``bottom`` (fractions of the picture; absent where
nothing is seen) and ``annotator``. Others are left alone. Several lines about one frame are several boxes of one
annotator, or several annotators.

Importable without torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.boxes import Box
from synth.data.corpora.av_clip import RATE_HZ, AVClip
from synth.errors import OptionError
from synth.media import audio, video

PICTURE_PX: Final = 224
NOTHING_SEEN: Final = Box("no visible source", False, 0.0, 0.0, 1.0, 1.0)
"""Stands where an annotator said that what is heard is not in the picture."""
_EDGES: Final = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class DrawnBox:
    """What one person said of one frame.

    Attributes:
        video: the file.
        time_s: of the frame.
        annotator: who said it; empty where that is not known.
        box: around what sounds, or :data:`NOTHING_SEEN`.
    """

    video: Path
    time_s: float
    annotator: str
    box: Box


def read(file: Path) -> list[DrawnBox]:
    """All lines of a file.

    Raises:
        OptionError: the file cannot be read, holds nothing, or a line is not as it should be.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"the boxes {file} cannot be read: {error}") from error
    drawn = [_parse(line, file, number) for number, line in enumerate(lines, 1) if line.strip()]
    if not drawn:
        raise OptionError(f"the file {file} holds no boxes")
    return drawn


def _parse(line: str, file: Path, number: int) -> DrawnBox:
    where = f"line {number} of {file}"
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise OptionError(f"{where} is not JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("video"), str):
        raise OptionError(
            f"{where} names no video; it must be an object with 'video', 'time_s' and a box (the export of a server "
            "whose files lie in no folder of this machine has none)"
        )
    time_s = _number(row, "time_s", where)
    box = NOTHING_SEEN
    if row.get("visible", True):
        left, top, right, bottom = (_number(row, edge, where) for edge in _EDGES)
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise OptionError(
                f"{where} has the box {left:g}, {top:g}, {right:g}, {bottom:g}; left < right and top < bottom are "
                "fractions of the picture, 0 to 1"
            )
        box = Box(str(row.get("label") or "drawn"), True, left, top, right, bottom)
    return DrawnBox(file.parent / row["video"], time_s, str(row.get("annotator") or ""), box)


def _number(row: Mapping[str, Any], key: str, where: str) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value) or value < 0:
        raise OptionError(f"{where} has {key!r} = {value!r}; it must be a number, 0 or more")
    return float(value)


def by_frame(drawn: Iterable[DrawnBox]) -> dict[tuple[Path, float], dict[str, list[Box]]]:
    """Per video and time, what each annotator drew; one who saw nothing drew an empty list."""
    frames: dict[tuple[Path, float], dict[str, list[Box]]] = {}
    for one in drawn:
        boxes = frames.setdefault((one.video, one.time_s), {}).setdefault(one.annotator, [])
        if one.box.sounding:
            boxes.append(one.box)
    return frames


def clips(drawn: Sequence[DrawnBox]) -> Iterator[AVClip]:
    """The frames with their sounds, one clip for each video and annotator, so that drawing a clip draws one of them.

    A video without sound teaches nothing and is passed over.

    Raises:
        MediaError: a video or its sound cannot be read.
    """
    whose: dict[tuple[Path, str], dict[float, tuple[Box, ...]]] = {}
    for (path, time_s), by_annotator in by_frame(drawn).items():
        for annotator, boxes in by_annotator.items():
            whose.setdefault((path, annotator), {})[time_s] = tuple(boxes) or (NOTHING_SEEN,)
    for (path, annotator), boxes_at in whose.items():
        times_s = tuple(sorted(boxes_at))
        info = video.probe(path)
        if info.audio_codec is None:
            continue
        sound, _ = audio.read(path, RATE_HZ)
        yield AVClip(
            name=f"{path.stem} by {annotator or 'somebody'}",
            group=path.stem,
            pictures=frames_at(path, times_s, info.rate_fps),
            times_s=times_s,
            sound=sound,
            frame_s=1 / info.rate_fps,
            boxes=tuple(boxes_at[time_s] for time_s in times_s),
        )


def frames_at(path: Path, times_s: Sequence[float], rate_fps: float) -> NDArray[np.uint8]:
    """The pictures at these times [K, 224, 224, 3], in order; of a time behind the end, the last one.

    Raises:
        MediaError: the video cannot be read.
    """
    wanted = [int(time_s * rate_fps) for time_s in times_s]
    found: dict[int, NDArray[np.uint8]] = {}
    frames = video.read_frames(path, rate_hz=rate_fps, width=PICTURE_PX, height=PICTURE_PX)
    last = np.zeros((PICTURE_PX, PICTURE_PX, 3), np.uint8)
    for number, frame in enumerate(frames):
        last = frame
        if number in wanted:
            found[number] = frame
        if number >= max(wanted):
            break
    return np.stack([found.get(number, last) for number in wanted])
