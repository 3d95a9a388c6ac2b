"""The verb doctor, with the server's parts beside the library's."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli import upkeep
from synth.cli.console import say
from workers.errors import WorkError

if TYPE_CHECKING:
    from workers.settings import Settings


def doctor(
    data: Annotated[Path | None, typer.Option(help="The data folder of the server to look at.", metavar="DIR")] = None,
    worker: Annotated[bool, typer.Option("--worker", help="Only whether a worker is alive here; quick.")] = False,
    server: Annotated[
        str | None,
        typer.Option(
            help="Look at this server from outside, with SONORIZE_API_KEY; exit code 1 on faults.", metavar="URL"
        ),
    ] = None,
    clip: Annotated[bool, typer.Option("--clip", help="With --server: also send it a tiny clip to look at.")] = False,
    as_json: upkeep.Json = False,
) -> None:
    """Check what Sonorize needs on this machine, and say what is missing; or look at a server from outside."""
    from synth.sampler.native import use_at_most
    from workers.settings import from_environment

    if server is not None:
        from web.commands import server_checks
        from workers.settings import ClientSettings

        found = server_checks.checks(server, ClientSettings().api_key, clip=clip)
        upkeep.examine(found, as_json=as_json, refusals=(WorkError,), exit_code=1)
        return
    settings = from_environment(data_dir=data)
    if worker:
        _only_the_worker(settings)
        return
    use_at_most(settings.sampler_instructions)
    upkeep.examine({**upkeep.CHECKS, **_of_the_server(settings)}, as_json=as_json, refusals=(WorkError,))


def _only_the_worker(settings: Settings) -> None:
    """What a container's health check asks."""
    from workers.embedded.supervisor import healthy

    if not healthy(settings):
        raise WorkError(f"no worker of {str(settings.data_dir)!r} has shown lately that it lives")
    say("a worker is alive")


def _of_the_server(settings: Settings) -> Mapping[str, upkeep.Check]:
    checks = {"broker": _broker, "database": _database, "storage": _storage, "worker": _worker}
    return {name: functools.partial(check, settings) for name, check in checks.items()}


def _broker(settings: Settings) -> str:
    from workers.broker.notifications import QueueNotifier
    from workers.embedded.services import broker_program
    from workers.settings import broker_socket, broker_socket_url

    inside = broker_socket(settings.data_dir)
    if settings.broker_url != broker_socket_url(settings.data_dir):
        QueueNotifier(settings).check()
        return "answers at the address of the settings"
    program = broker_program()
    if not inside.exists():
        return f"{program}; starts with the server"
    QueueNotifier(settings).check()
    return f"{program}; answers"


def _database(settings: Settings) -> str:
    from workers.jobs import jobs_of
    from workers.settings import sqlite_url

    if settings.database_url == sqlite_url(settings.data_dir / "sonorize.db") and not settings.data_dir.exists():
        return f"will be made in {settings.data_dir}"
    jobs = jobs_of(settings)
    try:
        counts = jobs.counts()
    finally:
        jobs.close()
    return f"answers; {sum(counts.values())} jobs, {counts['queued']} waiting, {counts['running']} running"


def _storage(settings: Settings) -> str:
    from workers.files.storage import storage_of

    if settings.storage_url == (settings.data_dir / "files").as_uri() and not settings.data_dir.exists():
        return f"will be made in {settings.data_dir}"
    storage_of(settings).check()
    return "files can be stored and fetched"


def _worker(settings: Settings) -> str:
    from workers.embedded.supervisor import healthy

    return "alive on this data folder" if healthy(settings) else "none runs on this data folder now"
