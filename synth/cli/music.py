"""The verbs about music: make a folder's index, suggest tracks for a clip, lay one under its sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from synth.cli.console import complain, one_line, progress_bar, say, say_json, short, warn
from synth.errors import MediaError, OptionError

Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
music_app: Final = typer.Typer(no_args_is_help=True, help="Music from your own folder: index, suggest, lay.")


@music_app.command("index")
def index(
    folder: Annotated[Path, typer.Argument(help="The folder of music.", show_default=False)],
    file: Annotated[Path | None, typer.Option("--index", help="The index file.", show_default="in the folder")] = None,
    as_json: Json = False,
) -> None:
    """Listen to every track of a folder once; later, to what is new or changed."""
    from tqdm import tqdm

    from synth.music.index import INDEX_NAME, MusicIndex

    if not folder.is_dir():
        raise OptionError(f"the folder of music {str(folder)!r} does not exist")
    with (
        MusicIndex(file or folder / INDEX_NAME, folder) as opened,
        tqdm(total=1.0, disable=None, leave=False, bar_format="{l_bar}{bar}| {elapsed} {postfix}") as bar,
    ):

        def progress(name: str, fraction: float) -> None:
            bar.set_postfix_str(one_line(short(name, 40)), refresh=False)
            bar.update(fraction - bar.n)

        result = opened.update(progress=progress)
        tracks, _ = opened.tracks()
    if as_json:
        told: dict[str, Any] = {"index": str(opened.file), "tracks": [track.as_json() for track in tracks]}
        say_json({**told, **result.as_json()})
        return
    for name, reason in result.skipped.items():
        warn(f"{short(name)}: {reason}")
    say(f"{len(tracks)} tracks: {result.heard} heard, {result.known} known, {result.gone} gone")


@music_app.command("suggest")
def suggest(
    clip: Annotated[Path, typer.Argument(help="The clip that wants music.", show_default=False)],
    place: Annotated[Path, typer.Option("--index", help="The folder of music, or its index file.", show_default=False)],
    top: Annotated[int, typer.Option(min=1, help="How many tracks.")] = 5,
    as_json: Json = False,
) -> None:
    """The tracks that fit a clip best."""
    from synth.music.index import MusicIndex, index_file
    from synth.music.suggestion import matcher

    with MusicIndex(index_file(place)) as opened, progress_bar(clip.name):
        found = matcher().suggest(clip, opened, top=top)
    if as_json:
        say_json({"clip": str(clip), "suggestions": [one.as_json() for one in found]})
        return
    if not found:
        complain("the index holds no track that can be suggested")
        raise typer.Exit(2)
    for one in found:
        by = f" by {one.track.author}" if one.track.author else ""
        say(one_line(f"{one.score:+.3f}  {one.track.path}: {one.track.title}{by} ({one.track.licence})"))


@music_app.command("lay")
def lay(
    clip: Annotated[Path, typer.Argument(help="The clip; its picture and the level of its sound stay.")],
    track: Annotated[Path, typer.Option(help="The music.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.", metavar="FILE", show_default=False)],
    level: Annotated[float, typer.Option("--level-lufs", help="Loudness of the music, -60 to -10.")] = -26.0,
    duck: Annotated[
        float, typer.Option("--duck-db", help="By how much it gives way where the clip is heard, 0 to 24.")
    ] = 6.0,
    start: Annotated[float, typer.Option("--start-s", help="Where in the track it begins.")] = 0.0,
    licence: Annotated[
        str | None, typer.Option(help="The track's licence.", show_default="as its tags or sidecar file say")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output that exists.")] = False,
    as_json: Json = False,
) -> None:
    """Lay a track under a clip's sound; the picture is copied, bit for bit."""
    from synth.media.sound.bed import Bed
    from synth.music import suggestion
    from synth.music.folder import described

    how = Bed(level, duck, start)
    how.check()
    if not track.is_file():
        raise OptionError(f"the track {str(track)!r} does not exist")
    if out.exists() and not force:
        raise MediaError(f"{out} exists; --force replaces it")
    if out.exists() and out.samefile(clip):
        raise MediaError("the output is the clip itself; choose another name")
    known = suggestion.named(described(track.parent, track.name), licence)
    part = out.with_name(f".{out.stem}.part{out.suffix}")
    part.unlink(missing_ok=True)
    try:
        with progress_bar(clip.name):
            laid = suggestion.lay(clip, track, known, part, how=how)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    if as_json:
        say_json({"target": str(out), **laid.as_json()})
        return
    for text in laid.warnings:
        warn(text)
    say(one_line(f"{out}: {suggestion.credit(known)}"))


@music_app.command("make")
def make(
    folder: Annotated[Path, typer.Argument(help="Where to write.", show_default=False)],
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many tracks of half a minute.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other music.")] = 0,
) -> None:
    """Play some simple music of our own into a folder, free for any use, to try things out with."""
    from synth.data.music_scenes.scenes import write_tracks

    for path in write_tracks(folder, count, seed=seed):
        say(one_line(str(path)))
