"""The server's programs on one machine: a broker out of its wheel and workers, started, watched over and stopped.

Whatever dies is started again; everything dies with this process, even when that is killed. With a broker elsewhere
only workers are started: that is ``sonorize worker``.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from synth.errors import OptionError
from synth.options import Mode
from workers.embedded.services import Broker, Service, Worker
from workers.errors import ServiceError
from workers.jobs import jobs_of
from workers.records import AND_SEARCH, QUICK, SEARCHER
from workers.settings import Settings, broker_socket_url

READY_S: Final = 120.0  # a worker imports torch, perhaps on a busy machine
GRACE_S: Final = 30.0  # for the running job when asked to stop
BROKER_GRACE_S: Final = 2.0
WATCH_S: Final = 0.1

_log = logging.getLogger(__name__)


class Embedded:
    """All programs of one machine. Use as a context manager, or :meth:`start` and :meth:`stop`.

    Args:
        workers: how many; each is one process that does one job at a time.
        modes: what they work for; all modes by default.
        searchers: how many further ones answer nothing but what somebody searches with, so that nobody waits behind a
            job for that; without any the workers do it, unless they work for some modes only. One beside one worker is
            a thread of that one's process.
        join: whether the broker of ``data_dir`` is another process's, which these workers join.
        logs: folder for what the programs say; ``None``: where this process says it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        workers: int = 1,
        modes: Sequence[str] = (),
        searchers: int = 0,
        join: bool = False,
        logs: Path | None = None,
    ) -> None:
        unknown = sorted(set(modes) - set(Mode))
        if unknown:
            raise OptionError(f"mode is {unknown[0]!r}; allowed are {', '.join(Mode)}")
        self.settings = settings
        self._jobs = jobs_of(settings)
        own = settings.broker_url == broker_socket_url(settings.data_dir)
        self.broker = Broker(settings, logs) if own and not join else None
        asked = modes or [*(mode.value for mode in Mode), *(() if searchers else QUICK)]
        both = (workers, searchers) == (1, 1) and not modes  # one process, so that the nets are loaded once
        self.workers = (
            [Worker(settings, logs, f"worker-1{AND_SEARCH}", asked, self._jobs, QUICK)]
            if both
            else [Worker(settings, logs, f"worker-{one}", asked, self._jobs) for one in range(1, workers + 1)]
        )
        self.searchers = [
            Worker(settings, logs, f"{SEARCHER}-{one}", QUICK, self._jobs)
            for one in range(1, 1 if both else searchers + 1)
        ]
        self._over = threading.Event()
        self._grace_s = GRACE_S
        self.error: ServiceError | None = None  # why something cannot be started at all
        self._lock: int | None = None
        self._thread = threading.Thread(target=self._watch, name="services", daemon=True)

    def __enter__(self) -> Embedded:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def ready(self) -> bool:
        """Whether broker and workers all run and answer at this moment."""
        return all(service.ready and service.pid is not None for service in self._services())

    def start(self, ready_s: float = READY_S) -> None:
        """Start everything and wait until it is ready.

        Raises:
            ServiceError: a program is missing, does not get ready in time, or the folder is another server's.
        """
        self.begin()
        deadline = time.monotonic() + ready_s
        while not self.ready:
            time.sleep(WATCH_S)
            if self.error is not None or time.monotonic() > deadline:
                self.stop(grace_s=0.0)
                raise self.error or ServiceError(f"broker and workers are not ready after {ready_s:g} s")

    def begin(self) -> None:
        """Start everything and wait for nothing: :attr:`ready` and :attr:`error` tell what becomes of it.

        Raises:
            ServiceError: the folder is another server's.
        """
        self._own_folder()
        self._thread.start()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End everything: running jobs get ``grace_s`` seconds, then they are left to the next server."""
        self._grace_s = grace_s
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._jobs.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def wait(self) -> None:
        """Block until SIGTERM or SIGINT, in the main thread; then stop."""
        asked = threading.Event()
        before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            asked.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.stop()

    def _services(self) -> list[Service]:
        return [*([self.broker] if self.broker else []), *self.workers, *self.searchers]

    def _watch(self) -> None:
        """Start, watch and end, all in one thread: the kernel ends children with the thread that started them."""
        while not self._over.is_set():
            try:
                for service in self._services():
                    service.watch()
            except ServiceError as error:
                self.error = error
                _log.error("%s", error)
            self._over.wait(WATCH_S)
        workers = [*self.workers, *self.searchers]
        for worker in workers:
            worker.ask_to_end()
        deadline = time.monotonic() + self._grace_s
        for worker in workers:
            worker.end(deadline)
        if self.broker is not None:
            self.broker.ask_to_end()
            self.broker.end(time.monotonic() + BROKER_GRACE_S)

    def _own_folder(self) -> None:
        """One server a folder: two would take each other's broker away."""
        if self.broker is None:
            return
        self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self.settings.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            self._lock = None
            raise ServiceError(f"another server runs on the data folder {str(self.settings.data_dir)!r}") from error


def healthy(settings: Settings, within_s: float = 30.0) -> bool:
    """Whether a worker on this machine's ``data_dir`` has shown lately that it lives; for container health checks."""
    beats = [path.stat().st_mtime for path in settings.work_dir.glob("worker-*.alive")]
    return any(abs(time.time() - beat) < within_s for beat in beats)  # one in the future is older than a clock's step
