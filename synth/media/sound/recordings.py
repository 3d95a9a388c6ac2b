"""The recordings in a folder: one list of kinds for the sound library, the music folder and the bank builder.

Whatever looks like a recording and is not read is told with the reason: nobody should have to count.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SUFFIXES: Final = (
    *(".wav", ".wave", ".rf64", ".bwf", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd", ".flac", ".wv"),
    *(".mp3", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".wma", ".mka"),
)
"""Of the files that :func:`synth.media.audio.read` is given."""

SOUND_ELSEWHERE: Final = (
    *(".3ga", ".aa", ".aax", ".ac3", ".act", ".amr", ".ape", ".dff", ".dsf", ".dss", ".dts", ".dvf", ".eac3", ".gsm"),
    *(".it", ".mid", ".midi", ".mod", ".mp2", ".mpc", ".ra", ".ram", ".raw", ".pcm", ".rx2", ".s3m", ".sd2", ".sf2"),
    *(".sfz", ".shn", ".spx", ".tak", ".thd", ".tta", ".voc", ".vqf", ".xm", ".xi"),
)
"""Of sound that is not read."""

_PUT_THERE_BY_PROGRAMS: Final = ("__MACOSX", "@eaDir")


@dataclass
class Found:
    """What lies in a folder.

    Attributes:
        files: path inside the folder, with slashes -> the file; in order.
        passed_over: path inside the folder -> why it is not read; folders end in a slash.
    """

    files: dict[str, Path] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)


def find_recordings(root: Path, *, also: Collection[str] = ()) -> Found:
    """All sound files under a folder, in any depth; hidden ones and what file managers put there are left out.

    Args:
        root: links to other folders in it are not followed.
        also: more suffixes that count.
    """
    found, wanted = Found(), {*SUFFIXES, *also}

    def refused(error: OSError) -> None:
        place = Path(error.filename or root)
        found.passed_over[_inside(place, root) + "/"] = f"the folder cannot be looked into: {error.strerror}"

    for folder, inside, files in os.walk(root, onerror=refused):
        inside[:] = sorted(name for name in inside if not name.startswith(".") and name not in _PUT_THERE_BY_PROGRAMS)
        for name in list(inside):
            if (link := Path(folder) / name).is_symlink():
                found.passed_over[_inside(link, root) + "/"] = "it is a link to another folder, which is not followed"
        for name in sorted(files):
            path, suffix = Path(folder) / name, Path(name).suffix.lower()
            if name.startswith("."):
                continue
            if suffix in wanted:
                found.files[_inside(path, root)] = path
            elif suffix in SOUND_ELSEWHERE:
                found.passed_over[_inside(path, root)] = f"{suffix} is not read; read are {', '.join(sorted(wanted))}"
    return found


def _inside(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
