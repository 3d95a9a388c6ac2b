"""The verbs that keep running: serve, and worker."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from synth.cli.console import say
from synth.options import Mode

if TYPE_CHECKING:
    from workers.embedded.supervisor import Embedded

LOOK_EVERY_S: Final = 0.2

Data = Annotated[
    Path | None,
    typer.Option(help="The folder that holds everything.", metavar="DIR", show_default="the platform's data folder"),
]

Searchers = Annotated[
    int,
    typer.Option(min=0, help="Workers that only answer searches; beside one worker, one is a thread of it."),
]


def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.", show_default="8080")] = None,
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Workers beside the web; 0 where they run elsewhere.")] = 1,
    search_workers: Searchers = 1,
) -> None:
    """Serve the pages and the API, with a worker beside them; Ctrl-C stops it, the next start goes on from there."""
    from web.server.run import Server, refuse_an_open_door
    from workers.settings import of_this_machine
    from workers.telemetry import tracing

    _log_to_stderr()
    settings = of_this_machine(data, host=host, port=port)
    _log_to_stderr(settings.log_format)
    tracing.set_up(settings.traces, "sonorize-web")
    refuse_an_open_door(settings)
    searchers = search_workers if workers else 0
    with (
        _asked_to_stop() as stop,
        Server(settings, workers=workers, searchers=searchers, with_samples=settings.samples) as server,
    ):
        say(f"Sonorize is at {server.address}")
        say(f"Data is in {settings.data_dir}; Ctrl-C stops the server, and the next start goes on from there.")
        _stay(server.services, stop)
        say("Stopping; a running job may take up to half a minute to end.")


def worker(
    data: Data = None,
    workers: Annotated[int, typer.Option("-n", "--workers", min=1, help="How many; one does one job at a time.")] = 1,
    mode: Annotated[list[Mode] | None, typer.Option(help="Work for this mode only; may be repeated.")] = None,
    search_workers: Searchers = 1,
) -> None:
    """Work for a server: the one of this data folder, or the one whose addresses the settings hold."""
    from workers.embedded.supervisor import Embedded
    from workers.settings import of_this_machine

    _log_to_stderr()
    settings = of_this_machine(data)
    _log_to_stderr(settings.log_format)
    modes = [one.value for one in mode or ()]
    with _asked_to_stop() as stop:
        # Who works for some modes only leaves the questions to others.
        searchers = 0 if modes else search_workers
        services = Embedded(settings, workers=workers, modes=modes, searchers=searchers, join=True)
        services.begin()
        try:
            _stay(services, stop)
        finally:
            services.stop()


def _stay(services: Embedded, stop: threading.Event) -> None:
    """Until somebody asks to stop.

    Raises:
        ServiceError: a part cannot be started at all.
    """
    told = False
    while not stop.wait(LOOK_EVERY_S):
        if services.error is not None:
            raise services.error
        if services.workers and services.ready and not told:
            say("The worker is ready." if len(services.workers) == 1 else "The workers are ready.")
            told = True


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C or SIGTERM; a second one does what it always does, and leaves at once."""
    asked = threading.Event()
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for kind, handler in before.items():
            signal.signal(kind, handler)

    def ask(*_: object) -> None:
        asked.set()
        restore()

    for kind in before:
        signal.signal(kind, ask)
    try:
        yield asked
    finally:
        restore()


def _log_to_stderr(log_format: str = "text") -> None:
    from workers.telemetry import logs

    # Who reads JSON looks for lines by request and job; a person at a terminal wants to see what is wrong.
    logs.set_up(
        log_format, logging.INFO if log_format == "json" else logging.WARNING, "%(levelname)s %(name)s: %(message)s"
    )
