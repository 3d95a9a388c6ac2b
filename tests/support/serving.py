"""A real ``sonorize serve`` in a process of its own, as a person starts it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support import services
from tests.support.paths import ROOT
from tests.support.servers import wait_until

KEY = "anna's"
KEY_ENTRY = f"anna:{hashlib.sha256(KEY.encode()).hexdigest()}"


def environment(**settings: str) -> dict[str, str]:
    """That of a person who has set nothing but these: the voice that needs no weights, no description, no samples."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SONORIZE_")}
    return {
        **own,
        "PYTHONPATH": str(ROOT),
        "SONORIZE_PRELOAD": "tests.support.preload",
        "SONORIZE_DESCRIBE": "0",
        "SONORIZE_SAMPLES": "0",
        **settings,
    }


def sonorize(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    command = [sys.executable, "-m", "web.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**settings), capture_output=True, text=True, timeout=120, check=False
    )


class Serving:
    """One ``sonorize serve``. ``said`` and ``complained`` are what it wrote so far."""

    def __init__(self, data: Path, *arguments: str, **settings: str) -> None:
        self.data = data
        self._out, self._err = data.with_suffix(".out"), data.with_suffix(".err")
        command = [sys.executable, "-m", "web.cli", "serve", "--port", "0", "--data", str(data), *arguments]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            told = environment(**{**services.environment_of(data), **settings})
            self.process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=out, stderr=err, start_new_session=True)
        try:
            self.address = str(wait_until(self._find_address, what="the server's address"))
        except BaseException:  # nobody has it yet who could end it
            self.process.kill()
            self.process.wait()
            raise

    @property
    def said(self) -> str:
        return self._out.read_text()

    @property
    def complained(self) -> str:
        return self._err.read_text()

    def children(self) -> list[int]:
        """Every process below this one."""
        found, left = [], [self.process.pid]
        while left:
            pid = left.pop()
            with contextlib.suppress(OSError):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    own = [int(child) for child in (thread / "children").read_text().split()]
                    found += own
                    left += own
        return found

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)

    def _find_address(self) -> str | None:
        assert self.process.poll() is None, self.complained
        found = re.search(r"Sonorize is at (\S+)", self.said)
        return found[1] if found else None


@contextlib.contextmanager
def serving(*arguments: str, data: Path | None = None, **settings: str) -> Iterator[Serving]:
    with contextlib.ExitStack() as undo:
        # A short path: the broker's socket lies in it.
        folder = data or Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="sonorize-"))) / "data"
        server = Serving(folder, *arguments, **settings)
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()


def alive(pids: Sequence[int]) -> list[int]:
    """Those that run still; the dead that nobody has asked for do not count."""

    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    return [pid for pid in pids if runs(pid)]
