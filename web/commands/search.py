"""The verb that searches on a server: search."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Annotated, Final

import typer

from synth.cli.console import one_line, say, say_json, short
from synth.errors import OptionError
from web.commands.submit import Server

KINDS: Final = ("image/", "audio/", "video/")


def search(
    what: Annotated[
        list[str] | None, typer.Argument(help="A picture, a sound or a clip; or words.", metavar="FILE|WORDS")
    ] = None,
    server: Server = None,
    job: Annotated[str | None, typer.Option(help="Search like this job instead.", metavar="ID")] = None,
    take: Annotated[int | None, typer.Option(min=0, help="Which of its takes.", show_default="the first")] = None,
    by: Annotated[str, typer.Option(help="What of it counts: picture, sound or any.")] = "any",
    find: Annotated[str, typer.Option(help="What is compared with it: picture, sound or any.")] = "any",
    space: Annotated[str | None, typer.Option(help="Which embedding.", show_default="crossmodal")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Results at most.")] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Find results on a server by words, or that look or sound like a picture, a sound, a clip or a job."""
    from web.client.sync import Client
    from workers.settings import ClientSettings

    words = " ".join(what or ())
    if bool(words) == (job is not None):
        raise OptionError("name a file, words, or with --job a job, and one of them only")
    how = {"by": by, "find": find, "space": space, "limit": limit}
    asked = ClientSettings() if server is None else ClientSettings(server=server)
    with Client(asked.server, asked.api_key) as client:
        if job is not None:
            told = client.search(job=job, take=take, **how)
        elif (file := _file(what or [])) is not None:
            told = client.search_like(file, **how)
        else:
            told = client.search(q=words, limit=limit)
    if as_json:
        say_json(told)
        return
    for one in told["results"]:
        matched = ", ".join(one["words"]) if one["matched"] == "words" else one["matched"]
        page = asked.server.rstrip("/") + one["links"]["page"]
        say(f"{one['score']:6.3f}  {one_line(short(one['title'], 40)):40}  {matched:12}  {page}")
    if not told["results"]:
        say("Nothing is like that.")


def _file(what: list[str]) -> Path | None:
    """The file that is meant, if one is.

    Raises:
        OptionError: it looks like one and is not there.
    """
    if len(what) != 1:
        return None
    path = Path(what[0])
    if path.is_file():
        return path
    if (mimetypes.guess_type(path.name)[0] or "").startswith(KINDS):
        raise OptionError(f"there is no file {short(what[0])!r}")
    return None
