"""A whole server in one process and its children: the web on waitress, and beside it broker and workers.

``serve`` runs one until it is told to stop, the demo and the bench run one for a while.
"""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from flask import Flask

from synth.errors import OptionError
from web.app import create_app
from web.context import parts_of
from web.server.http_server import CONNECTIONS, listen, make_server, stop
from web.server.samples import Samples
from workers.broker.notifications import QueueNotifier
from workers.embedded.supervisor import READY_S, Embedded
from workers.errors import DatabaseError, ServiceError
from workers.files.storage import storage_of
from workers.jobs import jobs_of
from workers.owners.keys import KeyStore
from workers.reconciler import Reconciler
from workers.settings import Settings
from workers.webhooks.sender import WebhookSender

FILES_BESIDE: Final = 256  # open files of the server beside its connections and their spooled bodies
CLOSING_S: Final = 5.0
LOOK_EVERY_S: Final = 0.1


class Server:
    """Everything that ``sonorize serve`` is. Use as a context manager; inside it the web answers.

    Args:
        settings: where the data, the database, the broker and the storage are.
        workers: how many workers run beside the web; 0 where they run elsewhere.
        with_samples: whether a new server makes some results to hear.
        searchers: see :class:`workers.embedded.supervisor.Embedded`.

    Raises:
        OptionError: strangers could reach it without a key, or its address cannot be listened on.
        WorkError: the data folder belongs to a running server, or a part of it cannot be reached.
    """

    def __init__(self, settings: Settings, *, workers: int = 1, searchers: int = 0, with_samples: bool = False) -> None:
        refuse_an_open_door(settings)
        self.settings = settings
        self.services = Embedded(settings, workers=workers, searchers=searchers, logs=settings.data_dir / "logs")
        self._with_samples = with_samples
        self.address = ""
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self.services.begin()
            undo.callback(self.services.stop)
            # Before anything is sent or tidied up: a port in use is to be said at once, and alone.
            listening = undo.enter_context(closing(_listening(self.settings)))
            jobs, storage = jobs_of(self.settings), storage_of(self.settings)
            undo.callback(jobs.close)
            notifier = QueueNotifier(self.settings)
            undo.callback(notifier.close)
            reconciler = Reconciler(self.settings, jobs, storage, notifier.notify)
            reconciler.start()
            undo.callback(reconciler.stop)
            sender = WebhookSender(self.settings, jobs)
            sender.start()
            undo.callback(sender.stop)
            app = create_app(
                self.settings,
                jobs=jobs,
                storage=storage,
                notify=notifier.notify,
                broker_check=notifier.check,
                faults=(notifier.faults, reconciler.faults, sender.faults),
            )
            cleanup = parts_of(app).cleanup
            cleanup.start()
            undo.callback(cleanup.stop)
            deposits = parts_of(app).deposits
            deposits.start()
            undo.callback(deposits.stop)
            undo.callback(parts_of(app).submitter.posters.close)
            gc.collect()
            gc.freeze()  # what stays is not to be looked through again and again
            undo.callback(gc.unfreeze)
            self.address = undo.enter_context(_answering(self.settings, app, listening))
            if self._with_samples:
                samples = Samples(parts_of(app), lambda: self.services.ready)
                samples.start()
                undo.callback(samples.stop)
            self._closing = undo.pop_all()
        return self

    def until_ready(self, patience_s: float = READY_S) -> None:
        """Wait for broker and workers; the web answers meanwhile.

        Raises:
            ServiceError: one of them does not start.
        """
        deadline = time.monotonic() + patience_s
        while not self.services.ready:
            if self.services.error is not None or time.monotonic() > deadline:
                raise self.services.error or ServiceError(f"the workers are not ready after {patience_s:g} s")
            time.sleep(LOOK_EVERY_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()


def _listening(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        # Not strerror: create_server puts the address into it a second time.
        why = os.strerror(error.errno) if error.errno else str(error)
        raise OptionError(f"{settings.host} port {settings.port} cannot be listened on: {why}") from error


@contextmanager
def _answering(settings: Settings, app: Flask, listening: socket.socket) -> Iterator[str]:
    """Answer in a thread until the block ends; gives the address."""
    _allow_connections()
    with _bodies_in(settings.spool_dir):
        web = make_server(app, listening)
        thread = threading.Thread(target=web.run, name="web", daemon=True)
        thread.start()
        name = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            yield settings.public_url.rstrip("/") or f"http://{name}:{web.effective_port}"
        finally:
            stop(web)
            thread.join(CLOSING_S)


@contextmanager
def _bodies_in(spool: Path) -> Iterator[None]:
    """Let waitress keep bodies on their way on the disk of the data: /tmp may be small, or memory."""
    spool.mkdir(parents=True, exist_ok=True)
    before, tempfile.tempdir = tempfile.tempdir, str(spool)
    try:
        yield
    finally:
        tempfile.tempdir = before


def refuse_an_open_door(settings: Settings) -> None:
    """Hold that a server without keys is reached from its own machine only.

    Raises:
        OptionError: it would not be so.
    """
    if settings.api_keys or _loopback(settings.host):
        return
    try:
        there = "no API keys are set" if not _has_keys(settings) else ""
    except DatabaseError:
        there = "no API keys are set, nor can the database be asked for some"
    if there:
        raise OptionError(
            f"the address {settings.host} can be reached from other machines, and {there}; "
            "make one with `sonorize keys create NAME` or `sonorize keys add NAME`, or serve on 127.0.0.1"
        )


def _has_keys(settings: Settings) -> bool:
    """Whether keys were made in the database. Raises DatabaseError."""
    jobs = jobs_of(settings)
    try:
        return KeyStore(jobs.database).any()
    finally:
        jobs.close()


def _loopback(host: str) -> bool:
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as error:
        raise OptionError(f"the address {host!r} is not known here") from error
    return all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in found)


def _allow_connections() -> None:
    """Raise the limit of open files so far that every connection may have a socket and a file."""
    wanted = 2 * CONNECTIONS + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        logging.getLogger(__name__).warning("only %d files may be open here; with many clients it gets tight", hard)
        wanted = hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
