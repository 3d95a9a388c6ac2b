"""The verbs about the retrieval index: what can be found, and making findable what cannot."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated, Final

import typer

from synth.cli.console import say, say_json, warn
from web.commands.serve import Data

INTERRUPTED: Final = 130
SHOWN_FAILURES: Final = 10

index_app: Final = typer.Typer(no_args_is_help=True, help="What the search of a server finds.")
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]


@index_app.command("status")
def status(data: Data = None, as_json: Json = False) -> None:
    """Say how many finished jobs can be found by words, and by picture and sound."""
    from workers.jobs import jobs_of
    from workers.settings import of_this_machine
    from workers.tasks import indexing

    settings = of_this_machine(data)
    jobs = jobs_of(settings)
    try:
        report = indexing.status(jobs)
    finally:
        jobs.close()
    if as_json:
        say_json({"data": str(settings.data_dir), **report})
        return
    finished = report["finished"]
    say(f"{finished} finished jobs in {settings.data_dir}")
    say(f"  found by words: {report['found_by_words']}; by picture and sound: {report['found_by_vectors']}")
    for space, sides in report["vectors"].items():
        say(f"  space {space}: " + ", ".join(f"{count} of {side}s" for side, count in sorted(sides.items())))
    if report["found_by_vectors"] < finished:
        say("`sonorize index rebuild` looks at the others.")


@index_app.command("rebuild")
def rebuild(
    data: Data = None,
    everything: Annotated[bool, typer.Option("--all", help="Look again at those that are in the index, too.")] = False,
    as_json: Json = False,
) -> None:
    """Look at finished jobs that are not in the index, from their stored files; may be stopped and goes on then."""
    from tqdm import tqdm

    from workers.files.storage import storage_of
    from workers.jobs import jobs_of
    from workers.settings import of_this_machine
    from workers.tasks import indexing

    settings = of_this_machine(data)
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())  # the job that is looked at is finished or left
    jobs = jobs_of(settings)
    try:
        with tqdm(desc="index", unit="job", disable=None, leave=False) as bar:

            def show(tally: indexing.Tally) -> None:
                bar.total = tally.wanted
                bar.update(tally.described + len(tally.failed) - bar.n)

            tally = indexing.rebuild(
                jobs,
                storage_of(settings),
                Path(settings.data_dir),
                everything=everything,
                on_progress=show,
                cancelled=stop.is_set,
            )
    finally:
        signal.signal(signal.SIGINT, before)
        jobs.close()
    _tell(tally, as_json=as_json)
    if stop.is_set():
        raise typer.Exit(INTERRUPTED)
    if tally.failed:
        raise typer.Exit(2)


def _tell(tally: object, *, as_json: bool) -> None:
    from workers.tasks import indexing

    assert isinstance(tally, indexing.Tally)
    if as_json:
        say_json(tally.as_json())
        return
    for number, (job_id, why) in enumerate(tally.failed.items()):
        if number == SHOWN_FAILURES:
            warn(f"and {len(tally.failed) - SHOWN_FAILURES} more")
            break
        warn(f"job {job_id}: {why}")
    say(f"{tally.described} of {tally.wanted} jobs were looked at; {len(tally.failed)} could not be")
