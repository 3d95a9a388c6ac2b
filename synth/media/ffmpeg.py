"""The only place that starts an ffmpeg child, by :mod:`synth.media.launcher`, moviepy's included.

Every child goes through :mod:`synth.media.guard`: whitelists for protocol, container and decoder, limits on memory,
CPU time and written bytes, no network where the kernel allows it, an empty environment and its own session. This
module adds the wall clock, cancelling, bounded error text, and the translation of ffmpeg's complaints into one
sentence.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import imageio_ffmpeg

from synth.errors import Cancelled, MediaError, TimeLimitError
from synth.media import launcher
from synth.media.complaints import cause_of, explain
from synth.options import LIMITS

POLL_S: Final = 0.1  # how often a waiting parent looks at its cancel callable
STDERR_HEAD_BYTES: Final = 64 * 1024  # the description of the input stands at the head
STDERR_TAIL_BYTES: Final = 16 * 1024  # what went wrong stands at the tail
CHUNK_BYTES: Final = 1 << 18
PIPE_BYTES: Final = 1 << 20  # by which a child may be ahead of its reader; the usual 64 KB are less than a frame

Buffer = bytes | bytearray | memoryview
Cancel = Callable[[], bool]


@dataclass(frozen=True)
class Fence:
    """What one child may use.

    ``wall_s`` counts the seconds that the parent spends waiting for the child, so that a slow consumer of frames
    does not run the clock down. ``file_bytes`` is the largest file that the child may write; 0 forbids writing.
    """

    memory_bytes: int = 4 * 1024**3
    cpu_s: int = 600
    wall_s: float = 300.0
    file_bytes: int = 0
    max_streams: int = LIMITS.max_streams
    max_pixels: int = LIMITS.max_pixels

    def argument(self, *, attached: bool) -> str:
        """This fence as the launcher reads it; ``attached`` children die with the thread that started them."""
        fields = (self.memory_bytes, self.cpu_s, self.file_bytes, self.max_streams, self.max_pixels, int(attached))
        return ",".join(str(field) for field in fields)


@functools.cache
def binary() -> str:
    """Path of the ffmpeg program that moviepy's packaging brings along.

    Raises:
        MediaError: there is none for this machine.
    """
    try:
        found = shutil.which(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MediaError("no ffmpeg program was found; the package imageio-ffmpeg brings one") from error
    if found is None:
        raise MediaError("the ffmpeg program of the package imageio-ffmpeg cannot be started")
    return str(Path(found).resolve())


@functools.cache
def version() -> str:
    """ffmpeg's own name for its version, for provenance and for the doctor: e.g. ``n9.0.2``."""
    first = run(["-version"]).stdout.decode("utf-8", "replace").split("\n", 1)[0]
    return first.removeprefix("ffmpeg version ").split(" ", 1)[0]


@functools.cache
def network_blocked() -> bool:
    """Whether this kernel lets a child give up the network; where not, the protocol whitelist stands alone."""
    command = [*_launcher(Fence()), "--isolated"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


@dataclass(frozen=True)
class Output:
    """What a finished child said: all of its standard output, and the head and tail of its complaints."""

    stdout: bytes
    stderr: str


def run(
    arguments: Sequence[str],
    *,
    fence: Fence | None = None,
    feed: Iterable[Buffer] = (),
    cancelled: Cancel | None = None,
) -> Output:
    """Run one child to its end and return what it said.

    Args:
        arguments: ffmpeg's, without the program; inputs as ``file:<absolute path>`` or ``pipe:0``.
        feed: bytes for the child's standard input, taken as fast as the child reads them.
        cancelled: polled while waiting; True kills the child.

    Raises:
        MediaError: the child failed, was stopped by its fence, or took too long (TimeLimitError).
        Cancelled: ``cancelled`` said so.
    """
    with Child(arguments, fence=fence, feed=feed, cancelled=cancelled, attached=True) as child:
        chunks = bytearray()
        while piece := child.read(CHUNK_BYTES):
            chunks += piece
        child.finish()
    return Output(bytes(chunks), child.stderr)


class Child:
    """One running ffmpeg whose standard output is read as it comes; a slow reader makes the child wait.

    Use as a context manager: leaving the block, by whatever way, leaves no process behind.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        fence: Fence | None = None,
        feed: Iterable[Buffer] = (),
        cancelled: Cancel | None = None,
        attached: bool = False,
    ) -> None:
        self._fence = fence or Fence()
        self._cancelled = cancelled
        self._feed: Iterator[Buffer] = iter(feed)
        self._pending = memoryview(b"")
        self._waited_s = 0.0
        self._head, self._tail = bytearray(), bytearray()
        fenced = self._fence.argument(attached=attached)
        try:
            self._process = launcher.start(arguments, fenced, binary(), feed="pipe:0" in arguments)
        except (OSError, ValueError) as error:
            raise MediaError(f"ffmpeg cannot be started: {error}") from error
        _widen(self._process.stdout)
        self._selector = selectors.DefaultSelector()
        for stream, event in (
            (self._process.stdin, selectors.EVENT_WRITE),
            (self._process.stdout, selectors.EVENT_READ),
            (self._process.stderr, selectors.EVENT_READ),
        ):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream, event)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The child's process number, which is that of its group and session too."""
        return self._process.pid

    @property
    def stderr(self) -> str:
        """What the child has complained about so far: the head and the tail of it."""
        return (bytes(self._head) + bytes(self._tail)).decode("utf-8", "replace")

    def read(self, count: int) -> bytearray:
        """Up to ``count`` bytes of standard output; fewer only at its end.

        Raises:
            TimeLimitError: the wall clock ran out.
            Cancelled: the caller asked to stop.
        """
        buffer = bytearray(count)
        filled = 0
        self._check()
        while filled < count and self._open(self._process.stdout):
            filled += self._step(memoryview(buffer)[filled:])
        del buffer[filled:]
        return buffer

    def finish(self) -> None:
        """Wait for the end of the child, throwing away the rest of its output.

        Raises:
            MediaError: the child did not end well; the text says why.
        """
        while self._open(self._process.stdout) or self._open(self._process.stderr):
            self._step(memoryview(bytearray(CHUNK_BYTES)))
        while True:
            started_s = time.monotonic()
            try:
                code = self._process.wait(POLL_S)
                break
            except subprocess.TimeoutExpired:
                self._waited(time.monotonic() - started_s)
        if code != 0:
            raise MediaError(explain(self.stderr, code)) from cause_of(self.stderr)

    def close(self) -> None:
        """Kill the child's whole group if it still runs, and take its end from the kernel."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # not yet a group of its own, or gone this moment
                self._process.kill()
            self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _open(self, stream: Any) -> bool:
        return stream is not None and not stream.closed and stream in self._selector.get_map()

    def _step(self, room: memoryview) -> int:
        """Wait for one of the pipes, serve those that are ready, and say how many bytes went into ``room``."""
        started_s = time.monotonic()
        ready = self._selector.select(POLL_S)
        self._waited(time.monotonic() - started_s)
        filled = 0
        for key, _ in ready:
            if key.fileobj is self._process.stdin:
                self._write()
            elif key.fileobj is self._process.stderr:
                self._complain()
            else:
                filled = os.readv(key.fd, [room])
                if filled == 0:
                    self._drop(self._process.stdout)
        return filled

    def _waited(self, seconds: float) -> None:
        self._waited_s += seconds
        if self._waited_s > self._fence.wall_s:
            raise TimeLimitError(
                f"ffmpeg took more than the {self._fence.wall_s:g} s that are allowed for the file: the machine has "
                "too much else to do, or the file is too large for it"
            )
        self._check()

    def _check(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("the caller asked to stop")

    def _write(self) -> None:
        try:
            if not self._pending:
                self._pending = memoryview(next(self._feed)).cast("B")
            self._pending = self._pending[os.write(self._process.stdin.fileno(), self._pending[:CHUNK_BYTES]) :]  # type: ignore[union-attr]
        except (StopIteration, BrokenPipeError):  # all is written, or the child ended early and says why itself
            self._drop(self._process.stdin)

    def _complain(self) -> None:
        piece = os.read(self._process.stderr.fileno(), CHUNK_BYTES)  # type: ignore[union-attr]
        if not piece:
            self._drop(self._process.stderr)
        room = STDERR_HEAD_BYTES - len(self._head)
        self._head += piece[:room]
        self._tail = (self._tail + piece[room:])[-STDERR_TAIL_BYTES:] if len(piece) > room else self._tail

    def _drop(self, stream: Any) -> None:
        self._selector.unregister(stream)
        stream.close()


def _widen(pipe: Any) -> None:
    """Let a pipe hold :data:`PIPE_BYTES`, where the system can and this user may have so much."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _launcher(fence: Fence) -> list[str]:
    return launcher.guard_command(fence.argument(attached=False), binary())


@functools.cache
def moviepy_reader() -> Any:
    """moviepy's module for reading videos, with the guarded launcher as its ffmpeg.

    moviepy starts the program that its constant ``FFMPEG_BINARY`` names, with arguments of its own; a two-line
    script stands there, which hands them to the launcher. Each of its modules keeps its own copy of the constant.
    """
    import moviepy.video.io.ffmpeg_reader as reader  # half a second: only who needs it pays

    folder = Path(tempfile.mkdtemp(prefix="sonorize-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    script = folder / "ffmpeg"
    command = shlex.join(_launcher(Fence(cpu_s=60)))
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    for name, module in list(sys.modules.items()):
        if name.startswith("moviepy") and hasattr(module, "FFMPEG_BINARY"):
            vars(module)["FFMPEG_BINARY"] = str(script)
    _close_pipes_with(reader.FFMPEG_VideoReader)
    return reader


def _close_pipes_with(reader: Any) -> None:
    """Make ``close()`` of moviepy's reader close its child's pipes.

    Of a child that has ended by itself it only drops the reference: the pipes stay open until the garbage collector
    comes by, which warns about them in the middle of something else.
    """
    close = reader.close

    @functools.wraps(close)
    def close_with_pipes(self: Any, delete_lastread: bool = True) -> None:
        child = getattr(self, "proc", None)
        close(self, delete_lastread)
        for stream in (child.stdin, child.stdout, child.stderr) if child is not None else ():
            if stream is not None:
                stream.close()

    reader.close = close_with_pipes
