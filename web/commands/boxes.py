"""The verbs about the boxes that people draw around what sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from synth.cli.console import say
from synth.errors import OptionError
from synth.files import write_whole

boxes_app: Final = typer.Typer(no_args_is_help=True, help="Boxes that people drew around what sounds.")


@boxes_app.command("export")
def export(
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="The file to write: .jsonl, or .csv.", metavar="FILE", show_default=False),
    ],
    data: Annotated[
        Path | None, typer.Option(help="The server's data folder; without it, as the settings say.", show_default=False)
    ] = None,
) -> None:
    """Write all boxes of a server as `train localizer` reads them, with the paths of the videos where they are here."""
    from urllib.parse import unquote, urlsplit

    from workers.boxes import Boxes, exported, lines, table
    from workers.jobs import jobs_of
    from workers.settings import from_environment

    settings = from_environment(data_dir=data)
    database = urlsplit(settings.database_url)
    if database.scheme == "sqlite" and not Path(unquote(database.path[1:])).is_file():
        raise OptionError(f"the folder {str(settings.data_dir)!r} holds no server's data")
    storage = urlsplit(settings.storage_url)
    folder = unquote(storage.path) if storage.scheme == "file" else None
    jobs = jobs_of(settings)
    try:
        rows = list(exported(Boxes(jobs).every(None), folder))
    finally:
        jobs.close()
    write_whole(out, (table if out.suffix.lower() == ".csv" else lines)(rows).encode())
    say(f"{out}: {len(rows)} boxes")


@boxes_app.callback()
def _boxes() -> None:
    """Keep ``boxes export`` a verb of a group, though it is the only one."""
