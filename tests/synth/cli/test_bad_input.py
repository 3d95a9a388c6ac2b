"""Whatever comes in or cannot go out: exit 2, one plain sentence, quickly, in little memory, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.cli import app
from synth.media import video
from tests.support.clips import Zoo
from tests.support.paths import ROOT
from tests.support.patience import within
from tests.support.voices import FlashVoice

REFUSED_WITHIN_S = 2.0
MEMORY_MB = 512

BAD_CLIPS = [
    "empty.mp4",
    "random.mp4",
    "text.mp4",
    "cut.mp4",
    "cut_late.mp4",
    "cut.mkv",
    "image.png",
    "image.mp4",
    "sound.mp4",
    "zero.mp4",
    "one.mp4",
    "huge.mp4",
    "streams.mp4",
    "hours.mp4",
    "thousand.mp4",
    "playlist.mp4",
    "concat.mp4",
    "magic.avi",
]

ODD_NAMES = [
    "-leading dash.mp4",
    "-i",
    'it\'s "quoted".mp4',
    "knock 🥁 на дверь.mp4",
    "percent %03d.mp4",
    "colon: file:x.mp4",
    "pipe|semi;amp&$(touch x)`.mp4",
    "two\nlines.mp4",
    "not text \udcff.mp4",
    "x" * 251 + ".mp4",
]


def _one_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert len(printed.err) < 600
    assert "Traceback" not in printed.err
    return printed.err


@pytest.mark.parametrize("name", BAD_CLIPS)
def test_a_bad_clip(
    flash_voice: FlashVoice,
    zoo: Zoo,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = zoo[name]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))  # nobody else's
    before = set(Path(tempfile.gettempdir()).iterdir()), set(source.parent.iterdir())
    with within(REFUSED_WITHIN_S):
        assert app.main(["run", str(source), "-o", str(tmp_path / "out.mp4")]) == 2
    assert _one_sentence(capsys).startswith(f"error: {name}: ")
    assert list(tmp_path.iterdir()) == []
    assert (set(Path(tempfile.gettempdir()).iterdir()), set(source.parent.iterdir())) == before
    assert flash_voice.looked == 0


MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize("name", ["random.mp4", "huge.mp4", "streams.mp4", "hours.mp4"])
def test_a_whole_process_refuses_in_little_memory(zoo: Zoo, tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "synth.cli.app", "run", str(zoo[name]), "-o", str(tmp_path / "out.mp4")]
    # A child counts the memory of who starts it until it is another program: a small one starts it, not the tests.
    starter = [sys.executable, "-c", MEASURED, *command]
    done = subprocess.run(starter, cwd=ROOT, capture_output=True, text=True, check=True)
    code, largest_kb = (int(word) for word in done.stdout.split())
    assert code == 2
    assert largest_kb / 1024 < MEMORY_MB
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["missing/out.mp4", "x" * 300 + ".mp4", "out.txt", "out", "zero\0byte.mp4"])
def test_an_output_that_cannot_be(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["run", str(flash_clip), "-o", f"{tmp_path}/sub/{target}"]) == 2
    _one_sentence(capsys)
    assert list(tmp_path.iterdir()) == []
    assert flash_voice.looked == 0


def test_an_output_that_exists(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mp4"
    target.symlink_to("nowhere")
    assert app.main(["run", str(flash_clip), "-o", str(target)]) == 2
    assert "--force" in _one_sentence(capsys)
    assert target.is_symlink()


def test_an_output_in_a_folder_that_may_not_be_written(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = Path("/proc") if os.geteuid() == 0 else tmp_path
    tmp_path.chmod(0o500)
    try:
        assert app.main(["run", str(flash_clip), "-o", str(closed / "out.mp4")]) == 2
    finally:
        tmp_path.chmod(0o700)
    _one_sentence(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with 8 KiB left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        (disk / "filling").write_bytes(bytes(56 * 1024))
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk(
    flash_voice: FlashVoice, flash_clip: Path, full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["run", str(flash_clip), "-o", str(full_disk / "out.mkv")]) == 2
    assert "disk is full" in _one_sentence(capsys)
    assert [path.name for path in full_disk.iterdir()] == ["filling"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_only_names(
    flash_voice: FlashVoice,
    flash_clip: Path,
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / name).write_bytes(flash_clip.read_bytes())
    monkeypatch.chdir(inside)
    target = f"out{Path(name).suffix}" if Path(name).suffix else "out.mp4"
    assert app.main(["run", "-o", f"../{target}", "--", name]) == 0
    assert video.packet_digest(tmp_path / target) == video.packet_digest(flash_clip)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", target]
    assert [path.name for path in inside.iterdir()] == [name]
    assert app.main(["run", "-o", "../folder/", "--force", "--", name]) == 0
    assert len(list((tmp_path / "folder").iterdir())) == 1
    capsys.readouterr()


def test_names_that_climb_or_are_too_long(
    flash_voice: FlashVoice, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("../../../etc/passwd", "x" * 300 + ".mp4", "/dev/zero", "/proc/self/mem", str(tmp_path)):
        assert app.main(["run", name, "-o", str(tmp_path / "out.mp4")]) == 2
        _one_sentence(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{}", '{"hits": [{"time_s": 99, "material": "wood"}]}', '{"hits": [{}]}'])
def test_a_bad_hit_list(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "hits.json"
    listed.write_text(content)
    assert app.main(["render", str(listed), str(flash_clip), "-o", str(tmp_path / "out.mp4")]) == 2
    _one_sentence(capsys)
    assert list(tmp_path.iterdir()) == [listed]
