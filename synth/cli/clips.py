"""Which clips are meant by the paths on the command line, and to which files they go."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.cli.console import short, warn
from synth.errors import OptionError

VIDEO_SUFFIXES: Final = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".vob"),
        *(".mxf", ".dv", ".3gp", ".gif", ".apng"),
    }
)
"""What is taken for a video in a folder. Of .png and .webp most are stills: such a file is named by itself."""
NAMED_AT_MOST: Final = 8  # skipped files in one warning


@dataclass(frozen=True)
class Clip:
    """A file to sound.

    Attributes:
        path: where it is.
        below: its folder, seen from the folder that was named; ``.`` for a file that was named itself.
    """

    path: Path
    below: Path = Path()


@dataclass(frozen=True)
class Found:
    """What the paths of a command line stand for.

    Attributes:
        clips: the files, each folder's in order of name.
        skipped: files in folders that are no videos by their name.
        in_folder: whether a folder was named.
    """

    clips: tuple[Clip, ...]
    skipped: tuple[Path, ...] = ()
    in_folder: bool = False


def found(paths: Sequence[Path], out: Path | None = None) -> Found:
    """The clips that paths stand for: a file is itself, a folder all videos in it and in the folders below.

    Hidden files and folders are left out, and so are results that an earlier run left in ``out``.

    Raises:
        OptionError: a folder cannot be read or holds no video.
    """
    clips: list[Clip] = []
    skipped: list[Path] = []
    in_folder = False
    for path in paths:
        if not is_folder(path):
            clips.append(Clip(path))
            continue
        in_folder = True
        files = list(_files(path, out))
        videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
        if not videos:
            raise OptionError(
                f"the folder {short(str(path))!r} holds no video; taken are {', '.join(sorted(VIDEO_SUFFIXES))}"
            )
        clips += [Clip(file, file.parent.relative_to(path)) for file in videos]
        skipped += [file for file in files if file not in videos]
    return Found(tuple(clips), tuple(skipped), in_folder)


def tell_skipped(one: Found) -> None:
    """Say on stderr what was left out of folders."""
    if not one.skipped:
        return
    names = ", ".join(short(file.name, 40) for file in one.skipped[:NAMED_AT_MOST])
    count = len(one.skipped)
    more = f" and {count - NAMED_AT_MOST} more" if count > NAMED_AT_MOST else ""
    warn(f"skipped, as no videos by their names: {names}{more}")


def plan(one: Found, out: str, takes: int) -> list[tuple[Path, Path]]:
    """Which file each clip goes to: ``out`` itself, or a file in it named after the clip.

    ``out`` is a folder for several clips, for several takes unless it names a file, where a folder is there already,
    and where it ends in a slash; for a folder of clips always, with the folders below it as they are.

    Raises:
        OptionError: two clips would be written to one file, or several into one.
    """
    from synth.media.containers import SUFFIXES
    from synth.media.picture import animated_pictures

    clips = one.clips
    named_file = Path(out).suffix.lower() in SUFFIXES and not out.endswith("/") and not is_folder(Path(out))
    if named_file and (len(clips) > 1 or one.in_folder):
        many = f"{len(clips)} clips" if len(clips) > 1 else "the clips of a folder"
        raise OptionError(f"{many} cannot go into the one file {short(out)!r}; name a folder")
    folder = len(clips) > 1 or one.in_folder or takes > 1 or out.endswith("/") or is_folder(Path(out))
    if named_file or not folder:
        return [(clips[0].path, Path(out))]
    jobs = []
    taken: dict[Path, Path] = {}
    for clip in clips:
        own = clip.path.suffix.lower()
        suffix = own if own in SUFFIXES else ".mp4" if own in animated_pictures.SUFFIXES else ".mkv"
        target = Path(out) / clip.below / f"{clip.path.stem}{suffix}"
        if target in taken:
            first, second = short(str(taken[target])), short(str(clip.path))
            raise OptionError(f"{first} and {second} would both be written to {target}")
        taken[target] = clip.path
        jobs.append((clip.path, target))
    return jobs


@contextmanager
def made_folder(folder: Path, top: Path | None = None) -> Iterator[None]:
    """The folder, made if need be, and taken away again if nothing was put into it.

    Args:
        folder: the one that is needed.
        top: a folder above it, from which on folders may be made; ``folder`` itself by default.

    Raises:
        OptionError: it cannot be made.
    """
    top = folder if top is None or not folder.is_relative_to(top) else top
    between = [one for one in (folder, *folder.parents) if one.is_relative_to(top)]
    missing = [one for one in reversed(between) if not exists(one)]
    try:
        if missing and exists(missing[0].parent):
            for one in missing:
                one.mkdir(exist_ok=True)
    except OSError as error:
        raise OptionError(f"the folder {short(str(folder))!r} cannot be made: {error.strerror}") from error
    try:
        yield
    finally:
        for one in reversed(missing):
            if is_folder(one) and not any(one.iterdir()):
                one.rmdir()


def exists(path: Path) -> bool:
    """Whether something of that name is there, a link that leads nowhere included.

    Raises:
        OptionError: the system will not say, as of a name that is too long.
    """
    try:
        return path.exists() or path.is_symlink()
    except OSError as error:
        raise OptionError(f"the output cannot be written: {error.strerror}") from error


def is_folder(path: Path) -> bool:
    """Whether a folder is there; raises as :func:`exists`."""
    return exists(path) and path.is_dir()


def _files(folder: Path, out: Path | None) -> Iterator[Path]:
    left_out = None if out is None or not out.is_dir() or out.resolve() == folder.resolve() else out.resolve()

    def refuse(error: OSError) -> None:
        raise OptionError(f"the folder {short(str(error.filename))!r} cannot be read: {error.strerror}") from error

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(
            one for one in folders if not one.startswith(".") and (Path(here) / one).resolve() != left_out
        )
        yield from (Path(here) / name for name in sorted(names) if not name.startswith("."))
