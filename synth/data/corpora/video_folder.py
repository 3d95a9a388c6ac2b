"""Any folder of videos with their own sound: one folder a class, or all in one folder.

Layouts: ``<class>/*.mp4|mkv|webm|mov|avi|m4v|ts``; or the videos lie in the folder itself, which makes one class,
``sound``. Pieces of one recording share a group and never lie on both sides of a split. The recording is read off the
name: a YouTube id with what stands around it (``water_K87g4RvO-9k_254.0_259.0``), else the name without the numbers
at its end (``beach_03``, ``beach_take-4``), unless the number is all that tells one recording from another
(``IMG_0123``, ``dog/dog_7``, ``clip12``).

Importable without torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

from synth.errors import OptionError

SUFFIXES: Final = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".ts")
TRAIN: Final = "train"
HELD_OUT: Final = "held-out"
HELD_OUT_SHARE: Final = 0.2
ONE_CLASS: Final = "sound"

_YOUTUBE: Final = re.compile(r"(?:^|_)([A-Za-z0-9_-]{11})(?:_\d+(?:\.\d+)?)*(?:_[a-z]+)?$")
_SEGMENT: Final = re.compile(
    r"(?:[ _.-]+(?:at|clip|part|seg|segment|take))?[ _.-]*\d+(?:\.\d+)?$|(?<=[a-z])\d+$", re.IGNORECASE
)
_NAMES_NOTHING: Final = frozenset(
    {"audio", "av", "cam", "clip", "dji", "dsc", "dscf", "dscn", "file", "frame", "gopr", "gx", "img", "mov", "movie"}
    | {"mvi", "pxl", "rec", "recording", "sample", "scene", "shot", "sound", "take", "train", "test", "val", "vid"}
    | {"video"}
)


@dataclass(frozen=True)
class LabelledVideo:
    """One video with its own sound.

    Attributes:
        name: unique within its corpus, ``<class>/<file without suffix>``.
        label: its class.
        group: the recording that it was cut from, over all classes.
        video: the file.
        part: ``"train"`` or ``"held-out"``; all of a group lie in one part.
    """

    name: str
    label: str
    group: str
    video: Path
    part: str = TRAIN


def load(folder: Path) -> list[LabelledVideo]:
    """All videos of a folder in order of class and name, one group in five held out.

    Raises:
        OptionError: there are none, or all seem to be cut from one recording.
    """
    found = [
        LabelledVideo(f"{kind.name}/{path.stem}", kind.name, group_of(path.stem, kind.name), path)
        for kind in sorted(folder.iterdir())
        if kind.is_dir()
        for path in files(kind)
    ]
    if not found:
        found = [LabelledVideo(path.stem, ONE_CLASS, group_of(path.stem, ONE_CLASS), path) for path in files(folder)]
    if not found:
        raise OptionError(
            f"no videos in {folder}; expected one folder of videos a class, or videos ({', '.join(SUFFIXES)}) in it"
        )
    return dealt(found)


def files(folder: Path) -> list[Path]:
    """The videos that lie in a folder itself, in order of name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def group_of(stem: str, label: str) -> str:
    """The recording that a video was cut from, as far as its name tells; see the module's docstring.

    Args:
        stem: of the file.
        label: of its class: numbers behind it count recordings, not pieces.
    """
    if (match := _YOUTUBE.search(stem)) and like_an_id(match[1]):
        return match[1]
    left = stem
    # Twice, for names that end in where a piece begins and ends.
    for _ in range(2):
        shorter = _SEGMENT.sub("", left)
        last = re.split(r"[ _.-]", shorter.lower())[-1]
        if shorter != left and (last in _NAMES_NOTHING or shorter.lower() in ("", label.lower())):
            # Of a name that says nothing, the number names the recording, in its class.
            return f"{label}/{stem}" if left == stem else left
        left = shorter
    return left


def like_an_id(text: str) -> bool:
    """Whether a text is like one of YouTube's ids: eleven characters with capitals strewn in, other than MyWords-12."""
    strewn = re.fullmatch(r"[A-Za-z0-9_-]{11}", text) and re.search(r"[A-Z]", text[1:]) and re.search(r"[a-z0-9]", text)
    return bool(strewn) and not re.fullmatch(r"(?:[A-Z]?[a-z]+[_-]?){1,3}\d*", text)


def dealt(videos: Sequence[LabelledVideo]) -> list[LabelledVideo]:
    """The videos with a part each: of every class about one group in five is held out, chosen by a hash of its name.

    Raises:
        OptionError: there is one group only.
    """
    of_class: dict[str, set[str]] = {}
    for video in videos:
        of_class.setdefault(video.label, set()).add(video.group)
    held: set[str] = set()
    for label in sorted(of_class):
        groups = sorted(of_class[label], key=lambda group: blake2b(group.encode(), digest_size=8).digest())
        wanted = max(1, round(len(groups) * HELD_OUT_SHARE)) if len(groups) > 1 else 0
        missing = wanted - len(held.intersection(groups))
        held.update([group for group in groups if group not in held][: max(0, missing)])
    return parted(videos, {video.name: HELD_OUT for video in videos if video.group in held})


def parted(videos: Sequence[LabelledVideo], parts: Mapping[str, str]) -> list[LabelledVideo]:
    """The videos in the parts that their names are given; who shares a group with one held out is held out too.

    Raises:
        OptionError: nothing would be left to train on, or nothing to measure on.
    """
    held = {video.group for video in videos if parts.get(video.name) == HELD_OUT}
    out = [replace(video, part=HELD_OUT if video.group in held else TRAIN) for video in videos]
    if len({video.part for video in out}) < 2:
        example = videos[0]
        raise OptionError(
            f"all {len(videos)} videos would lie on one side of the split: by their names they come from "
            f"{len({video.group for video in videos})} recording(s), such as {example.group!r}; name them "
            "<recording>_<piece>, with at least two recordings"
        )
    return sorted(out, key=lambda video: (video.label, video.name))
