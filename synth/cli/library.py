"""The verbs about sound libraries: listen to a folder of recordings, say what is known of it, look through it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from synth.cli.console import progress_bar, say, say_json, short, warn
from synth.errors import OptionError
from synth.options import LIBRARY_NAME
from synth.voices.library import registry

if TYPE_CHECKING:
    from synth.voices.library.catalogue import Recording
    from synth.voices.library.indexing import Report

library_app: Final = typer.Typer(
    no_args_is_help=True, help="Folders of recordings of one's own, laid under pictures by `--synthesis library`."
)
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
Which = Annotated[
    str | None,
    typer.Option("--library", help="Its name, or its index file; not needed where there is one.", show_default=False),
]
SHOWN: Final = 20


@library_app.command("index")
def index(
    folder: Annotated[Path, typer.Argument(help="The recordings, in any depth of folders.", metavar="DIR")],
    name: Annotated[
        str | None, typer.Option(help="What the library is called.", show_default="the folder's name")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--index", help="The index file to write.", show_default="in the data folder", metavar="FILE"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Listen to the recordings of a folder, to those only that are new or changed since the last time.

    Ctrl-C loses nothing: the same command goes on from there.
    """
    from synth.cli.sound import stoppable
    from synth.voices.library.indexing import update

    if name is not None and file is not None:
        raise OptionError("--name and --index were given; a library is found by one of the two")
    target = file or registry.file_of(name or _name_of(folder))
    with stoppable(True) as cancelled, progress_bar(folder.name) as progress:
        report = update(
            folder, target, progress=lambda path, done: progress(short(path, 40), done), cancelled=cancelled
        )
    for path, reason in report.skipped.items():
        warn(f"{short(path)} is left out: {reason}")
    for note in report.notes:
        warn(note)
    if as_json:
        say_json({"library": target.stem, "index": str(target), **report.as_json()})
        return
    _tell(target, report)


@library_app.command("list")
def list_libraries(
    library: Annotated[
        str | None, typer.Argument(help="A library, to list its recordings; without one, all libraries.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Which libraries there are; or which recordings one holds."""
    from synth.voices.library.index_file import Index

    if library is not None:
        with Index(registry.find(library)) as opened:
            recordings = list(opened.recordings())
        _show(recordings, as_json=as_json)
        return
    known = []
    for name in registry.names():
        with Index(registry.file_of(name)) as opened:
            about = opened.about()
            count = sum(1 for _ in opened.recordings())
        known.append({"library": name, "folder": about["root"], "recordings": count, **about})
    if as_json:
        say_json(known)
        return
    for one in known:
        say(f"{one['library']}: {one['recordings']} recordings in {one['folder']}")
    if not known:
        say("there is no library yet; `sonorize library index DIR` makes one")


@library_app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(help="What the recordings are of.")],
    library: Which = None,
    most: Annotated[int, typer.Option(min=1, help="Show so many at most.")] = SHOWN,
    as_json: Json = False,
) -> None:
    """Find recordings by the words of their names, folders and tags; those that most words speak for come first."""
    from synth.voices.library.index_file import load
    from synth.voices.library.matching import spoken
    from synth.voices.library.vocabulary import words_of

    stems = words_of(*words)
    if not stems:
        raise OptionError(f"there is no word to search for in {' '.join(words)!r}")
    opened = load(registry.find(library))
    scores = sum(spoken(opened, {stem: 1.0}) for stem in stems)
    order = sorted(range(len(opened.entries)), key=lambda place: -scores[place])  # type: ignore[index]
    found = [opened.entries[place].recording for place in order if scores[place] > 0][:most]  # type: ignore[index]
    _show(found, as_json=as_json)


@library_app.command("forget")
def forget(
    library: Annotated[str, typer.Argument(help="Its name, or its index file.")],
    as_json: Json = False,
) -> None:
    """Take the index of a library away; its recordings are left alone."""
    from synth.voices.library.index_file import Index

    file = registry.find(library)
    with Index(file):
        pass  # nothing but an index is taken away
    try:
        file.unlink()
    except OSError as error:
        raise OptionError(f"the index {str(file)!r} cannot be taken away: {error.strerror}") from error
    if as_json:
        say_json({"forgotten": str(file)})
    else:
        say(f"{file}: forgotten; the recordings are where they were")


def _name_of(folder: Path) -> str:
    """A library's name out of its folder's."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")[:64]
    if not re.fullmatch(LIBRARY_NAME, plain):
        raise OptionError(f"the folder's name {folder.name!r} makes no name for a library; give one with --name")
    return plain


def _tell(target: Path, report: Report) -> None:
    total = sum(report.kinds.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.kinds.most_common())
    say(f"{target}: {total} recordings ({kinds or 'none'})")
    left_out = len(report.skipped)
    say(f"  {report.heard} heard, {report.unchanged} unchanged, {report.removed} removed, {left_out} left out")
    for licence, count in report.licences.most_common():
        say(f"  {licence}: {count}")


def _show(recordings: list[Recording], *, as_json: bool) -> None:
    if as_json:
        say_json([_told(one) for one in recordings])
        return
    for one in recordings:
        by = f" by {one.author}" if one.author else ""
        say(f"{one.path}: {one.kind.value}, {one.duration_s:.1f} s{by}, {one.licence}")


def _told(one: Recording) -> dict[str, Any]:
    return {**one.as_json(), "loudness_lufs": None if one.loudness_lufs is None else round(one.loudness_lufs, 2)}
