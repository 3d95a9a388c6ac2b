"""The verbs backup and restore: a server's table and files as one folder, and back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.console import say, say_json
from web.commands.index import Json
from web.commands.serve import Data

if TYPE_CHECKING:
    from workers.files.backup import Report


def backup(
    target: Annotated[Path, typer.Argument(help="A folder that is not there yet.", show_default=False)],
    data: Data = None,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="Leave the table out, which PostgreSQL's pg_dump copies.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Copy a server's jobs and files into a folder, while it runs; exit code 2 when files were found damaged."""
    from tqdm import tqdm

    from workers.files.backup import back_up
    from workers.files.storage import storage_of
    from workers.jobs import jobs_of
    from workers.settings import of_this_machine

    settings = of_this_machine(data)
    jobs = jobs_of(settings)
    try:
        with tqdm(desc="backup", unit="file", disable=None, leave=False) as bar:
            report = back_up(
                jobs,
                storage_of(settings),
                settings.data_dir,
                target.absolute(),
                table=not files_only,
                told=lambda _: bar.update(),
            )
    finally:
        jobs.close()
    _tell(report, f"in {target}", as_json=as_json)
    if report.damaged:
        raise typer.Exit(2)


def restore(
    source: Annotated[Path, typer.Argument(help="What `sonorize backup` made.", show_default=False)],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a server of a copy: into a data folder that has no jobs, and the storage of the settings."""
    from tqdm import tqdm

    from workers.files.backup import put_back
    from workers.files.storage import storage_of
    from workers.settings import from_environment

    settings = from_environment(data_dir=data)
    with tqdm(desc="restore", unit="file", disable=None, leave=False) as bar:
        report = put_back(source.absolute(), storage_of(settings), settings.data_dir, told=lambda _: bar.update())
    _tell(report, f"in {settings.data_dir}; `sonorize verify` looks at every file", as_json=as_json)


def _tell(report: Report, where: str, *, as_json: bool) -> None:
    if as_json:
        say_json(dataclasses.asdict(report))
        return
    jobs = "" if report.jobs is None else f"{report.jobs} jobs and "
    say(f"{jobs}{report.files} files, {report.bytes / 1e6:.1f} MB, {where}")
    if report.missing:
        say(f"{report.missing} files were deleted meanwhile.")
    if report.damaged:
        say(f"{report.damaged} files are not what was stored; `sonorize verify --repair` mends what can be mended.")
