"""The guard that stays: children that it forks are ours, and without it they are started as ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from synth.errors import MediaError
from synth.media import ffmpeg, guard, launcher, video
from tests.support.clips import Zoo
from tests.support.paths import ROOT

VERSION = ["-version"]
FENCE = ffmpeg.Fence().argument(attached=True)


def guards() -> list[int]:
    """The guards of this process that run."""
    found = []
    for thread in Path("/proc/self/task").iterdir():
        for pid in (thread / "children").read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if guard.SERVE.encode() in words:
                found.append(int(pid))
    return found


def children() -> set[int]:
    """Numbers of this process's children, those included whose end nobody took from the kernel."""
    return {int(pid) for one in Path("/proc/self/task").iterdir() for pid in (one / "children").read_text().split()}


def needs_guard() -> None:
    ffmpeg.run(VERSION)
    if not guards():
        pytest.skip("this machine's kernel lets no guard fork children of its parent")


def test_one_guard_starts_all_children_and_they_are_ours(zoo: Zoo) -> None:
    needs_guard()
    before = guards()
    with ffmpeg.Child(["-v", "error", "-re", "-i", f"file:{zoo['plain.mp4']}", "-f", "rawvideo", "pipe:1"]) as child:
        assert child.read(64)
        assert isinstance(child._process, launcher.Started)
        status = Path(f"/proc/{child.pid}/status").read_text()
        assert f"PPid:\t{os.getpid()}\n" in status
        assert os.getsid(child.pid) == child.pid
        opened = {os.readlink(entry) for entry in Path(f"/proc/{child.pid}/fd").iterdir()}
        assert not any(name.startswith("socket:") for name in opened)  # the way to the guard is not handed on
    assert guards() == before
    assert len(before) == 1


def test_a_guard_that_is_lost_is_started_anew() -> None:
    needs_guard()
    (lost,) = guards()
    os.kill(lost, signal.SIGKILL)
    assert ffmpeg.run(VERSION).stdout.startswith(b"ffmpeg")
    (found,) = guards()
    assert found != lost


def test_where_nobody_may_fork_so_children_are_started_plainly(monkeypatch: pytest.MonkeyPatch, zoo: Zoo) -> None:
    plain = launcher._Guard()
    plain._usable = False
    monkeypatch.setattr(launcher, "_GUARD", plain)
    with ffmpeg.Child(VERSION, attached=True) as child:
        assert isinstance(child._process, subprocess.Popen)
        child.finish()
    assert video.probe(zoo["plain.mp4"]).frames == 48


def test_a_message_that_is_too_long_is_started_plainly() -> None:
    long = ["-metadata", "comment=" + "x" * guard.MESSAGE_BYTES]
    process = launcher.start([*VERSION, *long], FENCE, ffmpeg.binary(), feed=False)
    assert isinstance(process, subprocess.Popen)
    with process:
        assert process.stdout is not None
        assert process.stdout.read().startswith(b"ffmpeg")


def test_a_program_that_is_not_there_says_so_and_ends() -> None:
    needs_guard()
    process = launcher.start(VERSION, FENCE, "/nowhere/ffmpeg", feed=False)
    assert process.stderr is not None
    assert process.stdout is not None
    with process.stderr, process.stdout:
        assert b"cannot be started" in process.stderr.read()
    assert process.wait(10) == 1


def test_how_a_child_ended_is_known_however_often_it_is_asked() -> None:
    needs_guard()
    process = launcher.start(["-f", "lavfi", "-i", "x"], FENCE, ffmpeg.binary(), feed=False)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        code = process.wait(20)
    assert code != 0
    assert (process.poll(), process.wait(), process.returncode) == (code, code, code)
    process.kill()  # of a process that is gone: nobody is hit
    with pytest.raises(MediaError):
        ffmpeg.run(["-f", "lavfi", "-i", "x"])


def test_a_forked_process_has_a_guard_of_its_own() -> None:
    """Two that ask through one socket would get each other's answers."""
    program = """
import os, sys
from synth.media import ffmpeg, launcher
ffmpeg.run(["-version"])
pid = os.fork()
if pid == 0:
    ok = ffmpeg.run(["-version"]).stdout.startswith(b"ffmpeg")
    os._exit(0 if ok else 1)
assert os.waitpid(pid, 0)[1] == 0
assert ffmpeg.run(["-version"]).stdout.startswith(b"ffmpeg")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_child_holds_no_descriptor_but_its_own(zoo: Zoo) -> None:
    needs_guard()
    with ffmpeg.Child(["-v", "info", "-re", "-i", f"file:{zoo['plain.mp4']}", "-f", "null", "-"]) as child:
        deadline_s = time.monotonic() + 20
        while not child.stderr and time.monotonic() < deadline_s:
            child._step(memoryview(bytearray(64)))
        opened = [os.readlink(entry) for entry in Path(f"/proc/{child.pid}/fd").iterdir()]
    assert sum(name.startswith("pipe:") for name in opened) == 2


DYING = """
import os, signal, sys
sys.path.insert(0, {folder!r})
import guard
fork = guard.fork_beside
def fork_and_die():
    pid = fork()
    if pid > 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return pid
guard.fork_beside = fork_and_die
guard.main(sys.argv[1:])
"""


def test_a_child_of_a_guard_that_is_killed_at_once_is_not_started_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second would write into the first one's pipes, and nobody would wait for the first."""
    needs_guard()
    script = tmp_path / "dying.py"
    script.write_text(DYING.format(folder=str(Path(guard.__file__).parent)))
    monkeypatch.setattr(guard, "__file__", str(script))
    before, mine = children(), launcher._Guard()
    for _ in range(2):
        process = mine.start([FENCE, ffmpeg.binary(), *VERSION], feed=False)
        assert process is not None
        with process.stdout, process.stderr:
            assert process.stdout.read().count(b"ffmpeg version") == 1
        assert process.wait(20) == 0
    mine.close()
    assert children() == before


def test_a_guard_that_never_answers_is_tried_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    mine = launcher._Guard()
    assert mine.start([FENCE, ffmpeg.binary(), *VERSION], feed=False) is None
    assert not mine._usable
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    threads, other = threading.active_count(), launcher._Guard()
    assert other.start([FENCE, ffmpeg.binary(), *VERSION], feed=False) is None
    assert threading.active_count() == threads


def test_who_is_interrupted_leaves_no_answer_to_the_next() -> None:
    """Ctrl-C between question and answer: the next child would be waited for by another one's number."""
    needs_guard()
    program = """
import os, signal
from pathlib import Path
from synth.media import ffmpeg, launcher
ffmpeg.run(["-version"])
os.kill(launcher._GUARD._process.pid, signal.SIGSTOP)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
fence = ffmpeg.Fence().argument(attached=True)
try:
    launcher.start(["-version"], fence, ffmpeg.binary(), feed=False)
except KeyboardInterrupt:
    os.kill(launcher._GUARD._process.pid, signal.SIGCONT) if launcher._GUARD._process else None
else:
    raise SystemExit("it was not interrupted")
assert ffmpeg.run(["-version"]).stdout.startswith(b"ffmpeg")
left = [pid for one in Path("/proc/self/task").iterdir() for pid in (one / "children").read_text().split()]
assert left == [str(launcher._GUARD._process.pid)], left
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
