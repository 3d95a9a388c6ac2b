"""Folders on the command line, the one list of flags, and how errors stand on a terminal."""

from __future__ import annotations

import dataclasses
import inspect
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from synth.cli import app, clips, flags, sound
from synth.errors import OptionError
from synth.options import Mode, Options
from tests.support.paths import ROOT
from tests.support.voices import FlashVoice
from web.commands import submit


@pytest.fixture
def folder(tmp_path: Path, flash_clip: Path) -> Path:
    made = tmp_path / "shots"
    (made / "monday").mkdir(parents=True)
    (made / ".cache").mkdir()
    for name in ("b.mp4", "monday/b.mp4", ".cache/hidden.mp4", ".hidden.mp4"):
        (made / name).write_bytes(flash_clip.read_bytes())
    (made / "notes.txt").write_text("shot on Monday")
    return made


def test_a_folder_is_all_videos_in_it(
    flash_voice: FlashVoice, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert app.main(["run", str(folder), "-o", str(out)]) == 0
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == ["b.mp4", "monday/b.mp4"]
    printed = capsys.readouterr()
    assert printed.err == "warning: skipped, as no videos by their names: notes.txt\n"
    assert printed.out.count(": 2 hits, ") == 2


def test_results_in_the_folder_itself_are_not_sounded_again(
    flash_voice: FlashVoice, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert app.main(["run", str(folder), "-o", str(folder / "sounded"), "--force"]) == 0
    assert len(list((folder / "sounded").rglob("*.mp4"))) == 2
    assert flash_voice.looked == 4


def test_a_folder_without_videos_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert app.main(["run", str(tmp_path), "-o", "out"]) == 2
    assert "holds no video; taken are .3gp, .apng, .avi" in capsys.readouterr().err


def test_a_folder_does_not_go_into_a_file(folder: Path) -> None:
    with pytest.raises(OptionError, match=r"2 clips cannot go into the one file 'one\.mp4'; name a folder"):
        clips.plan(clips.found([folder]), "one.mp4", 1)
    (folder / "monday" / "b.mp4").unlink()
    with pytest.raises(OptionError, match="the clips of a folder cannot go into the one file"):
        clips.plan(clips.found([folder]), "one.mp4", 1)


def test_a_folder_that_got_nothing_is_taken_away(tmp_path: Path) -> None:
    with clips.made_folder(tmp_path / "out" / "deep", tmp_path / "out"):
        assert (tmp_path / "out" / "deep").is_dir()
    assert not (tmp_path / "out").exists()


def test_every_option_has_one_flag_and_every_verb_takes_it_from_there() -> None:
    fields = {field.name for field in dataclasses.fields(Options)}
    assert set(flags.FLAGS) == fields
    for verb in (sound.run, submit.submit):
        parameters = inspect.signature(verb).parameters
        assert fields <= set(parameters)
        assert "options" not in parameters
        assert {name: parameters[name].default for name in fields} == {
            name: getattr(Options(), name) for name in fields
        }
    assert set(sound.OF_A_HIT_LIST) == fields & set(inspect.signature(sound.render).parameters)


def test_the_help_names_every_voice(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split()).partition(" Options ")[0]
    assert [mode.value for mode in Mode if mode is not Mode.AUTO and mode.value not in told] == []


@pytest.mark.parametrize(("name", "value", "advice"), [("loudness", "-50", "-20 is a good"), ("true-peak", "3", "-1")])
def test_loudness_is_explained(name: str, value: str, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["run", "a.mp4", "-o", "b.mp4", f"--{name}", value]) == 2
    assert advice in capsys.readouterr().err


AT_A_TERMINAL = """
import fcntl, sys, termios, time
from synth.cli import app
from tqdm import tqdm

fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C comes from the terminal, which writes ^C

def bar() -> None:
    shown = tqdm(total=10_000, desc="at work")
    while shown.update() or True:
        time.sleep(0.02)

def bare() -> None:
    print("at work " * 3, file=sys.stderr)
    time.sleep(600)

sys.exit(app.main(sys.argv[1:], app.program({"bar": bar, "bare": bare}, {})))
"""


@pytest.mark.parametrize("verb", ["bar", "bare"])
def test_an_error_stands_on_a_line_of_its_own(verb: str) -> None:
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (24, 80))
    child = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, verb],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
    )
    os.close(there)
    seen = b""
    while seen.count(b"at work") < 3:
        seen += os.read(here, 4096)
    os.write(here, b"\x03")
    while True:
        try:
            more = os.read(here, 4096)
        except OSError:  # the terminal is gone with its last user
            break
        if not more:
            break
        seen += more
    os.close(here)
    assert child.wait(30) == 130
    assert last_screen(seen.decode())[-1] == "error: stopped"


def last_screen(written: str) -> list[str]:
    """What a terminal shows in the end: carriage returns go back, erasures erase."""
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            part = part.replace("\x1b[A", "")
            shown = "" if part.startswith("\x1b[K") else part + shown[len(part) :]
            shown = shown if not part.startswith("\x1b[K") else part.removeprefix("\x1b[K")
        lines.append(shown.strip())
    return [line for line in lines if line]
