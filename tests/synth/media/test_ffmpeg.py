"""The fence around ffmpeg: what a child may do, and that none is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from synth.errors import Cancelled, MediaError, TimeLimitError
from synth.media import ffmpeg, guard, video
from synth.media.complaints import explain
from tests.support.clips import FENCE, Zoo
from tests.support.paths import ROOT
from tests.support.patience import shared_by, within

ENDLESS = ["-v", "error", "-re", "-stream_loop", "-1"]  # at its natural rate, again and again


def endless(path: Path) -> list[str]:
    return [*ENDLESS, "-i", f"file:{path}", "-f", "rawvideo", "pipe:1"]


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def gone(pid: int, within_s: float = 5.0) -> bool:
    deadline_s = time.monotonic() + within_s * shared_by()
    while running(pid) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return not running(pid)


def test_whitelists_stand_before_every_input() -> None:
    hardened = guard.harden(["-i", "file:a", "-f", "f32le", "-i", "pipe:0", "file:b"], 8, 99)
    first, second = (position for position, argument in enumerate(hardened) if argument == "-i")
    for start, stop, protocol in ((0, first, "file"), (first, second, "pipe")):
        options = hardened[start:stop]
        assert options[options.index("-protocol_whitelist") + 1] == protocol
        assert {"-format_whitelist", "-codec_whitelist", "-max_streams", "-max_pixels"} <= set(options)
    assert "-nostdin" in hardened[:first]
    assert not {"hls", "concat", "image2", "lavfi", "sdp"} & set(guard.FORMATS.split(","))


def test_a_child_runs_inside_the_fence(zoo: Zoo) -> None:
    fence = ffmpeg.Fence(memory_bytes=2**31, cpu_s=33)
    with ffmpeg.Child(endless(zoo["plain.mp4"]), fence=fence) as child:
        assert child.read(64 * 48)
        pid = child.pid
        process = Path(f"/proc/{pid}")
        limits = {line[:25].strip(): line[25:].split()[:2] for line in (process / "limits").read_text().splitlines()}
        assert limits["Max address space"] == [str(2**31)] * 2
        assert limits["Max cpu time"] == ["33"] * 2
        assert limits["Max file size"] == ["0", "0"]
        assert limits["Max core file size"] == ["0", "0"]
        assert (process / "environ").read_bytes() == b""
        assert os.getsid(pid) == pid
        assert os.readlink(process / "cwd") == "/"
        assert {os.readlink(entry) for entry in (process / "fd").iterdir()} & {"/dev/null"}
        if ffmpeg.network_blocked():
            assert os.readlink(process / "ns/net") != os.readlink("/proc/self/ns/net")
    assert gone(pid)


def test_the_network_is_out_of_reach() -> None:
    if not ffmpeg.network_blocked():
        pytest.skip("this kernel lets no unprivileged process give up the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        program = (
            "import socket, sys; from synth.media import guard; assert guard.leave_network()\n"
            f"try: socket.create_connection({address!r}, 2)\nexcept OSError: sys.exit(0)\nsys.exit(1)"
        )
        assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_a_playlist_opens_nothing(tmp_path: Path, zoo: Zoo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        for name, entry in (("host.mp4", f"http://127.0.0.1:{port}/a.ts"), ("host.m3u8", f"tcp://127.0.0.1:{port}")):
            (tmp_path / name).write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{entry}\n#EXT-X-ENDLIST\n")
            with pytest.raises(MediaError):
                video.probe(tmp_path / name)
            with pytest.raises(OSError):  # noqa: PT011 - moviepy says it in its own words
                ffmpeg.moviepy_reader().ffmpeg_parse_infos(str(tmp_path / name))
        with pytest.raises(TimeoutError):
            server.accept()
    with pytest.raises(OSError):  # noqa: PT011
        ffmpeg.moviepy_reader().ffmpeg_parse_infos(str(zoo["playlist.mp4"]))


def test_moviepy_reads_through_the_launcher(zoo: Zoo) -> None:
    reader = ffmpeg.moviepy_reader()
    infos = reader.ffmpeg_parse_infos(str(zoo["plain.mp4"]))
    assert infos["video_size"] == [64, 48]
    assert Path(reader.FFMPEG_BINARY).read_text().count(guard.__file__) == 1
    clip = reader.FFMPEG_VideoReader(str(zoo["plain.mp4"]), decode_file=False)
    pid = clip.proc.pid
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/environ").read_bytes() == b"" or not running(pid)
    clip.close()
    assert gone(pid)


def test_the_wall_clock_counts_waiting_only(zoo: Zoo) -> None:
    wall_s = 2 * shared_by()  # for the child's start, which is waited for too
    with ffmpeg.Child(endless(zoo["plain.mp4"]), fence=ffmpeg.Fence(wall_s=wall_s)) as child:
        child.read(64)
        time.sleep(1.2 * wall_s)  # a slow consumer
        child.read(64)
    with ffmpeg.Child(endless(zoo["plain.mp4"]), fence=ffmpeg.Fence(wall_s=0.2)) as child:
        with pytest.raises(TimeLimitError, match=r"took more than the 0\.2 s that are allowed"):
            child.finish()
        pid = child.pid
    assert gone(pid)


def test_too_little_memory_or_file_is_said(zoo: Zoo, tmp_path: Path) -> None:
    source = ["-v", "error", "-i", f"file:{zoo['plain.mp4']}"]
    with pytest.raises(MediaError):
        ffmpeg.run([*source, "-f", "null", "-"], fence=ffmpeg.Fence(memory_bytes=2**26))
    with pytest.raises(MediaError, match="larger than a file may be"):
        ffmpeg.run([*source, "-f", "rawvideo", "-y", f"file:{tmp_path}/raw"], fence=ffmpeg.Fence(file_bytes=10_000))
    assert (tmp_path / "raw").stat().st_size <= 10_000


def test_complaints_are_bounded(zoo: Zoo) -> None:
    with ffmpeg.Child(["-v", "trace", "-i", f"file:{zoo['plain.mp4']}", "-f", "null", "-"]) as child:
        child.finish()
        assert len(child.stderr) <= ffmpeg.STDERR_HEAD_BYTES + ffmpeg.STDERR_TAIL_BYTES
        assert child.stderr.startswith(("ffmpeg", "Splitting", "["))


def test_cancelling_is_heard_while_waiting(zoo: Zoo) -> None:
    started_s = time.monotonic()
    with within(2.5), pytest.raises(Cancelled):
        ffmpeg.run(endless(zoo["plain.mp4"]), cancelled=lambda: time.monotonic() > started_s + 0.5)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("verb", ["run", "stream"])
def test_the_end_of_the_parent_is_the_end_of_the_child(zoo: Zoo, how: signal.Signals, verb: str) -> None:
    """Ctrl-C, a polite end and kill -9: ffmpeg does not outlive us."""
    program = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests in the background ignores it
from synth.media import ffmpeg
arguments = {endless(zoo["plain.mp4"])!r}
if {verb!r} == "run":
    ffmpeg.run(arguments)
with ffmpeg.Child(arguments) as child:
    while child.read(4608):
        pass
"""
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
    pids: list[int] = []
    try:
        threads = Path(f"/proc/{parent.pid}/task")
        deadline_s = time.monotonic() + 10 * shared_by()
        while time.monotonic() < deadline_s:
            # A child or a thread may be gone before it is looked at.
            with contextlib.suppress(FileNotFoundError, PermissionError, ProcessLookupError):
                pids = [int(pid) for one in threads.iterdir() for pid in (one / "children").read_text().split()]
                if any(os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("ffmpeg") for pid in pids):
                    break
            time.sleep(0.02)
        time.sleep(0.1)
        parent.send_signal(how)
        parent.wait(10 * shared_by())
    finally:
        parent.kill()
        parent.wait()
    assert pids
    assert all(gone(pid) for pid in pids)


def test_many_threads_may_look_at_once(zoo: Zoo) -> None:
    path = zoo["plain.mp4"]
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(video.probe(path).frames)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [48] * 8


def test_no_handle_is_left_open(zoo: Zoo) -> None:
    video.probe(zoo["plain.mp4"])
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        video.probe(zoo["plain.mp4"])
        with pytest.raises(MediaError):
            video.probe(zoo["text.mp4"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_arguments_that_no_child_takes() -> None:
    with pytest.raises(MediaError):
        ffmpeg.run(["-i", "a\0b"])
    with pytest.raises(MediaError, match="ffmpeg could not do it"):
        ffmpeg.run(["-no_such_option", "1"], fence=FENCE)


@pytest.mark.parametrize(
    ("stderr", "code", "says"),
    [
        ("av_interleaved_write_frame(): No space left on device", 1, "disk is full"),
        ("/a: Permission denied", 1, "may not be read or written"),
        ("[in#0] Error opening input: Invalid data found when processing input", 1, "damaged"),
        ("", -signal.SIGXCPU, "more work than is allowed"),
        ("", -signal.SIGSEGV, "signal 11"),
        ("", 1, "ended with 1"),
        ("something new\nwent wrong\n", 1, "went wrong"),
    ],
)
def test_complaints_become_a_sentence(stderr: str, code: int, says: str) -> None:
    assert says in explain(stderr, code)


@pytest.mark.parametrize("ended", [True, False])
def test_moviepys_reader_leaves_no_pipe_open(zoo: Zoo, ended: bool) -> None:
    """An open pipe is a warning whenever the garbage collector comes by, in whatever test that may be."""
    reader = ffmpeg.moviepy_reader().FFMPEG_VideoReader(f"file:{zoo['plain.mp4']}", check_duration=False)
    reader.get_frame(0)
    child = reader.proc
    if ended:
        child.stdout.read()
        child.wait()
    reader.close()
    assert child.poll() is not None
    assert [stream.closed for stream in (child.stdin, child.stdout, child.stderr) if stream is not None] == [True, True]
