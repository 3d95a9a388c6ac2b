"""Starting guarded ffmpeg children quickly: a launcher that stays, and a plain start where there is none.

Every child first becomes :mod:`synth.media.guard`, which limits it. As a program of its own that is a Python
interpreter that starts and an empty network that the kernel makes, for each child anew: 16 ms of a processor, about as
much as ffmpeg itself takes to list a short clip, a dozen times a job. So one guard a process is kept: asked through a
socket, it forks itself, and the fork limits itself and becomes ffmpeg. It is a *fork server*, as OpenSSH's and
Android's zygote are; the network that it left stays left for all that it forks.

What it forks are children of this process and not of the guard (``CLONE_PARENT``), so that they are waited for, killed
and counted like any other. The guard itself ends when its socket closes, which the kernel sees to.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO, Final

from synth.media import guard

ANSWER_S: Final = 10.0  # much more than a fork takes on the busiest machine
_SLEEP_S: Final = 0.0005
_SLEEP_MOST_S: Final = 0.02


class Started:
    """A child that a guard forked: what of :class:`subprocess.Popen` a caller needs.

    Attributes:
        pid: which leads a session and a group of its own.
        stdin, stdout, stderr: our ends of its pipes, unbuffered; ``stdin`` is ``None`` where it has none.
        returncode: as :class:`subprocess.Popen` gives it; ``None`` until its end was taken from the kernel.
    """

    def __init__(self, pid: int, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self.pid, self.stdin, self.stdout, self.stderr = pid, stdin, stdout, stderr
        self.returncode: int | None = None
        self._taking = threading.Lock()

    def poll(self) -> int | None:
        """How it ended, if it has."""
        with self._taking:
            if self.returncode is None:
                self._take(os.WNOHANG)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended.

        Raises:
            subprocess.TimeoutExpired: it has not after ``timeout`` seconds.
        """
        deadline_s = None if timeout is None else time.monotonic() + timeout
        sleep_s = _SLEEP_S
        while (code := self.poll()) is None:
            if deadline_s is not None and time.monotonic() >= deadline_s:
                raise subprocess.TimeoutExpired("ffmpeg", timeout or 0.0)
            time.sleep(sleep_s)
            sleep_s = min(_SLEEP_MOST_S, 2 * sleep_s)
        return code

    def kill(self) -> None:
        """End it at once, unless its end is known."""
        with self._taking:
            if self.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)

    def _take(self, how: int) -> None:
        try:
            pid, status = os.waitpid(self.pid, how)
        except ChildProcessError:  # somebody else of this process took it
            self.returncode = 0
            return
        if pid == self.pid:
            self.returncode = os.waitstatus_to_exitcode(status)


Process = Started | subprocess.Popen[bytes]


def start(arguments: Sequence[str], fence: str, binary: str, *, feed: bool) -> Process:
    """Start ffmpeg inside a fence, its output and complaints on pipes.

    Args:
        arguments: ffmpeg's, without the program.
        fence: as :mod:`synth.media.guard` reads it.
        feed: whether its standard input is a pipe too; else it is empty.

    Raises:
        OSError, ValueError: it cannot be started; a zero byte in an argument is a ValueError.
    """
    if any("\0" in argument for argument in arguments):
        raise ValueError("embedded null byte")
    started = _GUARD.start([fence, binary, *arguments], feed=feed)
    if started is not None:
        return started
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    command = [*guard_command(fence, binary), *arguments]
    # A session of its own: Ctrl-C reaches the parent only, and the whole group can be killed at once.
    return subprocess.Popen(
        command,
        stdin=pipe if feed else nothing,
        stdout=pipe,
        stderr=pipe,
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )


def guard_command(fence: str, binary: str) -> list[str]:
    """The guard as a program of its own, to which ffmpeg's arguments are added."""
    return [sys.executable, "-I", "-S", guard.__file__, fence, binary]


class _Guard:
    """The guard of this process, started with the first child, and started anew should it be lost."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._wire: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._usable = guard.can_fork_beside()

    def start(self, words: Sequence[str], *, feed: bool) -> Started | None:
        """A child with these words for its guard; nothing where a plain start has to do it."""
        message = b"\0".join(os.fsencode(word) for word in words)
        if not self._usable or len(message) > guard.MESSAGE_BYTES:
            return None
        ours: list[int] = []
        theirs: list[int] = []
        try:
            for way in (True, False, False) if feed else (None, False, False):
                if way is None:
                    theirs.append(os.open(os.devnull, os.O_RDONLY))
                    continue
                read_end, write_end = os.pipe()
                ours.append(write_end if way else read_end)
                theirs.append(read_end if way else write_end)
            pid = self._ask(message, theirs)
            if pid is None:
                return None
            files: list[IO[bytes] | None] = [] if feed else [None]
            while ours:
                files.append(os.fdopen(ours[0], "wb" if feed and not files else "rb", buffering=0))
                ours.pop(0)
            assert files[1] is not None
            assert files[2] is not None
            return Started(pid, files[0], files[1], files[2])
        finally:
            for descriptor in (*ours, *theirs):
                os.close(descriptor)

    def _ask(self, message: bytes, descriptors: list[int]) -> int | None:
        with self._asking:
            for _ in range(2):  # a second time where the guard was lost
                wire = self._wire or self._begin()
                if wire is None:
                    return None
                try:
                    socket.send_fds(wire, [message], descriptors)
                    pid = int(wire.recv(64) or 0)
                except OSError:
                    pid = 0
                except BaseException:  # Ctrl-C: the next who asks must not take this answer for its own
                    _take_back(self._end())
                    raise
                pid = pid or self._end()
                if pid > 0:
                    return pid
                if pid < 0:  # this kernel, or whoever stands before it, lets nobody fork so
                    break
            self._end()
            self._usable = False  # nor is one of use that is lost as soon as it is begun
        return None

    def _begin(self) -> socket.socket | None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        started = threading.Event()

        def live() -> None:
            # The kernel ends children with the thread that started them, and what a guard forks are children of the
            # thread that started the guard: so that one stays as long as the process.
            try:
                with theirs, contextlib.suppress(OSError):
                    self._process = subprocess.Popen(
                        [sys.executable, "-I", "-S", guard.__file__, guard.SERVE, str(theirs.fileno())],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        cwd="/",
                        start_new_session=True,
                        pass_fds=(theirs.fileno(),),
                    )
            finally:
                begun = self._process is not None
                started.set()
            if begun:
                threading.Event().wait()

        try:
            threading.Thread(target=live, name="ffmpeg-guard", daemon=True).start()
        except RuntimeError:  # no thread can be started now
            theirs.close()
            ours.close()
            return None
        started.wait()
        if self._process is None:
            ours.close()
            return None
        ours.settimeout(ANSWER_S)
        self._wire = ours
        return ours

    def _end(self) -> int:
        """End the guard; the child that nobody was told of yet, should it have forked one, or 0."""
        wire, self._wire = self._wire, None
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if wire is None:
            return 0
        with wire:
            for _ in range(2):  # that a message was not read any more is an error, once
                with contextlib.suppress(OSError):
                    return max(0, int(wire.recv(64) or 0))
        return 0

    def close(self) -> None:
        """End it with the process, in order."""
        with self._asking:
            self._end()
            self._usable = False

    def forget(self) -> None:
        """After a fork: the guard is the parent's."""
        if self._wire is not None:
            self._wire.close()
        if self._process is not None:
            self._process.returncode = 0  # not this process's to wait for
        self.__init__()  # type: ignore[misc]


def _take_back(pid: int) -> None:
    """End a child that nobody will use."""
    if pid:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


_GUARD: Final = _Guard()
os.register_at_fork(after_in_child=_GUARD.forget)
atexit.register(_GUARD.close)
