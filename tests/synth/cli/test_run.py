"""The command line, as a person and as a script meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synth.cli import app
from synth.media import audio, video
from synth.voices.base import Take
from tests.conftest import FLASHES_S, flashing
from tests.support.paths import ROOT
from tests.support.patience import shared_by, within
from tests.support.servers import wait_until
from tests.support.voices import FlashVoice, HissVoice

WITH_FLASH_VOICE = """
import sys
from synth.cli import app
from synth.options import Mode
from synth.pipeline.modes import MODES
from tests.support.voices import FlashVoice
MODES[Mode.HITS] = FlashVoice
sys.exit(app.main())
"""


def _json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert app.main([str(argument) for argument in arguments]) == 0
    printed = capsys.readouterr()
    value: dict[str, Any] = json.loads(printed.out)
    return value


def _refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one sentence of a refusal; stdout must be clean."""
    assert app.main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("error: ").strip()


def test_one_clip_to_one_file(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mp4"
    assert app.main(["run", str(flash_clip), "-o", str(target)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{target}: 2 hits, ")
    assert printed.err == ""
    assert video.packet_digest(target) == video.packet_digest(flash_clip)


def test_json_is_all_that_stands_on_stdout(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mp4"
    result = _json(capsys, "run", flash_clip, "-o", target, "--seed", 5, "--material", "glass", "--json")
    (output,) = result["outputs"]
    assert (output["source"], output["target"]) == (str(flash_clip), str(target))
    assert output["seed"] == output["provenance"]["seed"] == 5
    assert {hit["material"] for hit in output["hits"]} == {"glass"}


def test_options_reach_the_job(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--mode",
        "hits",
        "--synthesis",
        "parametric",
        "--existing-sound",
        "mix",
        "--loudness",
        "-30",
        "--bank",
        "mine.safetensors",
    ]
    result = _json(
        capsys,
        "run",
        flash_clip,
        "-o",
        tmp_path / "a.mkv",
        *arguments,
        "--true-peak",
        "-3",
        "--channels",
        "mono",
        "--rate",
        "44100",
        "--json",
    )
    assert result["outputs"][0]["provenance"]["options"] == {
        "mode": "hits",
        "seed": 0,
        "takes": 1,
        "synthesis": "parametric",
        "material": None,
        "bank": "mine.safetensors",
        "library": None,
        "sound_class": None,
        "keep_partial": False,
        "salvage": False,
        "recut": False,
        "channels": "mono",
        "rate_hz": 44_100,
        "prompt": None,
        "without": None,
        "voice": None,
        "face": None,
        "text": None,
        "consent": None,
        "limiter": False,
        "existing_sound": "mix",
        "loudness_lufs": -30.0,
        "true_peak_dbtp": -3.0,
    }


def test_several_clips_and_takes_go_into_a_folder(
    flash_voice: FlashVoice, flash_clip: Path, dark_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    arguments = ["run", str(flash_clip), str(dark_clip), "-o", str(folder), "--takes", "2", "--save-hits"]
    assert app.main(arguments) == 0
    names = sorted(path.name for path in folder.iterdir())
    media = ["dark.take1.mp4", "dark.take2.mp4", "flash.take1.mp4", "flash.take2.mp4"]
    assert names == sorted(media + [name.replace(".mp4", ".hits.json") for name in media])
    assert "warning: dark.mp4: no hit was found" in capsys.readouterr().err
    hits = json.loads((folder / "flash.take1.hits.json").read_text())["hits"]
    assert [hit["time_s"] for hit in hits] == pytest.approx(FLASHES_S, abs=1 / 30)


def test_takes_beside_a_named_file(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    assert app.main(["run", str(flash_clip), "-o", str(tmp_path / "x.mkv"), "--takes", "2"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.take1.mkv", "x.take2.mkv"]


def test_one_bad_clip_does_not_stop_the_others(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video")
    folder = tmp_path / "out"
    assert app.main(["run", str(bad), str(flash_clip), "-o", str(folder), "--json"]) == 2
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)["outputs"]) == 1
    assert printed.err.startswith("error: bad.mp4: ")
    assert printed.err.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["flash.mp4"]


def test_an_ambient_sound_says_what_it_is_of(
    hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mp4"
    told = ("--mode", "ambient", "--sound-class", "crying-baby", "--save-hits")
    assert app.main(["run", str(flash_clip), "-o", str(target), *told]) == 0
    assert f"{target}: crying baby, " in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [target]  # there is no list of hits
    said = _refused(capsys, "run", flash_clip, "-o", tmp_path / "no.mp4", "--sound-class", "opera")
    assert "sound_class is 'opera'; the nearest are " in said


def test_what_is_asked_for_in_words_is_said_back(
    hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--prompt", "heavy rain, purple thunder", "--without", "speech, music")
    assert app.main(["run", str(flash_clip), "-o", str(tmp_path / "one.mp4"), *words]) == 0
    printed = capsys.readouterr()
    assert "understood: rain, drops_per_s " in printed.out
    assert printed.err.count("of the prompt was ignored: purple (not understood)") == 1
    told = _json(capsys, "run", flash_clip, "-o", tmp_path / "two.mp4", *words, "--json")
    assert [layer["sound"] for layer in told["prompt"]["layers"]] == ["rain", "thunder"]
    assert told["outputs"][0]["mode"] == "ambient"
    for bad, said in (
        (("--prompt", "zxqv"), "the nearest are "),
        (("--prompt", "guitar", "--without", "music"), "which without (music) leaves out"),
        (("--without", "musik"), "the nearest are music"),
        (("--mode", "speech", "--without", "speech"), "the mode asked for is speech"),
        (("--prompt", "rain", "--mode", "hits"), "prompt goes with mode ambient"),
    ):
        assert said in _refused(capsys, "run", flash_clip, "-o", tmp_path / "no.mp4", *bad)
    assert not (tmp_path / "no.mp4").exists()


@pytest.mark.parametrize("times", [1, 2])
def test_a_first_interruption_keeps_what_was_made(
    hiss_voice: HissVoice,
    flash_clip: Path,
    dark_clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    times: int,
) -> None:
    def interrupt(take: Take, chunk: int) -> None:
        if chunk == 3:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    hiss_voice.before_chunk = interrupt
    clips = ["run", str(flash_clip), str(dark_clip), "-o", f"{tmp_path / 'made'}", "--mode", "ambient"]
    assert app.main([*clips, "--keep-partial", "--json"]) == 130
    printed = capsys.readouterr()
    if times == 2:
        assert (printed.out, printed.err) == ("", "error: stopped\n")
        assert list(tmp_path.iterdir()) == []
        return
    (output,) = json.loads(printed.out)["outputs"]
    assert output["made_s"] == 0.75
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["flash.mp4"]
    assert printed.err.splitlines()[-1] == "error: stopped; what was made is kept"


def test_an_output_that_exists_is_kept_unless_forced(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("mine")
    assert "--force" in _refused(capsys, "run", flash_clip, "-o", target)
    assert target.read_text() == "mine"
    assert flash_voice.looked == 0
    assert app.main(["run", str(flash_clip), "-o", str(target), "--force"]) == 0
    assert video.probe(target).frames == 60


def test_edit_the_hits_and_render_again(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["run", str(flash_clip), "-o", str(tmp_path / "first.mkv"), "--save-hits"]) == 0
    capsys.readouterr()
    saved = tmp_path / "first.hits.json"
    listed = json.loads(saved.read_text())
    del listed["hits"][0]
    saved.write_text(json.dumps(listed))
    result = _json(capsys, "render", saved, flash_clip, "-o", tmp_path / "second.mkv", "--json")
    assert flash_voice.looked == 1
    assert [hit["time_s"] for hit in result["outputs"][0]["hits"]] == pytest.approx([1.2], abs=1 / 30)
    sound, rate_hz = audio.read(tmp_path / "second.mkv")
    assert abs(sound[:rate_hz]).max() < 1e-3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run"], "Missing argument"),
        (["run", "a.mp4"], "Missing option"),
        (["dance"], "No such command 'dance'."),
        (["run", "a.mp4", "-o", "b.mp4", "--seed", "x"], "Invalid value for '--seed'"),
        (["run", "a.mp4", "-o", "b.mp4", "--seed", "-1"], "seed is -1; allowed is 0 to"),
        (["run", "a.mp4", "-o", "b.mp4", "--takes", "9"], "takes is 9; allowed is 1 to 8"),
        (["run", "a.mp4", "-o", "b.mp4", "--mode", "music"], "'music' is not one of 'auto', 'hits'"),
        (["run", "a.mp4", "-o", "b.mp4", "--material", "cheese"], "material is 'cheese'; allowed are carpet"),
        (["run", "a.mp4", "-o", "b.mp4", "--loudness", "0"], "loudness_lufs is 0.0; allowed is -40.0 to -8.0"),
        (["run", "a.mp4", "b.mp4", "-o", "c.mp4"], "2 clips cannot go into the one file 'c.mp4'; name a folder"),
        (["run", "x/a.mp4", "y/a.mp4", "-o", "folder"], "would both be written to folder/a.mp4"),
        (["run", "missing.mp4", "-o", "b.mp4"], "missing.mp4: the file does not exist"),
        (["render", "missing.json", "missing.mp4", "-o", "b.mp4"], "the file does not exist"),
        (["bench", "nothing"], "bench is 'nothing'; allowed are job"),
        (["bank", "build", "-o", "bank.wav"], "the bank ends in '.wav'; allowed is .safetensors"),
        (["bank", "build", "missing", "-o", "bank.safetensors"], "the folder 'missing' does not exist"),
    ],
)
def test_what_is_not_allowed_is_one_sentence(
    flash_voice: FlashVoice, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in _refused(capsys, *arguments)


def test_a_voice_that_is_not_there_and_a_clip_without_a_face_are_refused(
    flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("run", flash_clip, "-o", tmp_path / "out.mp4", "--mode", "speech")
    assert "voice is 'nobody'; there are grid-s1" in _refused(capsys, *asked, "--voice", "nobody")
    assert "no face was found in frames 0 to 49" in _refused(capsys, *asked)


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sonorize ")
    assert app.main(["--help"]) == 0
    assert "run" in capsys.readouterr().out
    assert app.main([]) == 2


def test_weights_verbs_agree_with_the_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    listed = _json(capsys, "weights", "list", "--json")
    verified = _json(capsys, "weights", "verify", "--json")
    assert list(listed) == list(verified)
    assert set(verified.values()) <= {"ok"}


def test_the_card_is_written_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["weights", "card", "--write", "--docs", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LICENCES.md", "MODEL_CARD.md"]


def test_doctor_reports_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    code = app.main(["doctor", "--json"])
    checks = {row["check"]: row for row in json.loads(capsys.readouterr().out)["checks"]}
    expected = {"python", "packages", "ffmpeg", "sandbox", "weights", "device", "sampler", "temporary folder"}
    assert set(checks) == expected
    assert all(row["detail"] for row in checks.values())
    assert (code == 0) == all(row["ok"] for row in checks.values())


def test_a_bank_is_computed_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bank.safetensors"
    made = _json(capsys, "bank", "build", "-o", file, "--per-material", 1, "--json")
    assert set(made["sounds"].values()) == {1, 4}  # one hit of each material, and three steps on floors
    assert "exists; --force" in _refused(capsys, "bank", "build", "-o", file)
    assert app.main(["bank", "list", str(file)]) == 0
    assert "wood-00: wood, hit" in capsys.readouterr().out


def _start(*arguments: str, program: str = WITH_FLASH_VOICE) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_help_is_quick_and_loads_no_torch() -> None:
    program = (
        "import sys; from synth.cli import app; assert not app.main(['--help']); assert 'torch' not in sys.modules"
    )
    with within(5):
        process = _start(program=program)
        out, err = process.communicate(timeout=20 * shared_by())
    assert process.returncode == 0, err
    assert "sonorize" in out or "Usage" in out


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes, so that there is time to stop a job in the middle of it."""
    target = tmp_path_factory.mktemp("clips") / "long.mp4"
    video.write_frames(flashing(FLASHES_S, 120.0), target, rate_fps=30)
    return target


@pytest.mark.parametrize(("signal_", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("delay_s", [0.3, 1.0])
def test_a_stopped_job_leaves_no_output_and_no_child(
    long_clip: Path, tmp_path: Path, signal_: signal.Signals, code: int, delay_s: float
) -> None:
    process = _start("run", str(long_clip), "-o", str(tmp_path / "out.mp4"))
    _wait_for_child(process.pid)
    time.sleep(delay_s)
    process.send_signal(signal_)
    out, err = process.communicate(timeout=20 * shared_by())
    assert (process.returncode, out) == (code, ""), err
    assert err.splitlines() == ["error: stopped"]
    assert list(tmp_path.iterdir()) == []
    assert not _children_of_session(process.pid)


def _wait_for_child(pid: int) -> None:
    """Until the job has started its first ffmpeg."""
    threads = Path(f"/proc/{pid}/task")
    wait_until(
        lambda: any((one / "children").read_text().strip() for one in threads.iterdir()), what="the job's first child"
    )


@pytest.mark.parametrize(("signal_", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("error", [ImportError("initialization failed"), SystemError("returned NULL"), OSError("x")])
def test_a_stop_is_a_stop_whatever_a_module_makes_of_it(
    signal_: signal.Signals, code: int, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """As compiled modules do whose import is interrupted: pybind11 raises an ImportError of its own."""

    def loads() -> None:
        try:
            signal.raise_signal(signal_)
        except BaseException:
            raise error from None

    assert app.main(["loads"], app.program({"loads": loads, "other": lambda: None}, {})) == code
    assert capsys.readouterr().err == "error: stopped\n"


def _children_of_session(pid: int) -> list[str]:
    """Command lines of processes that name the launcher and whose parent was ``pid`` or is gone."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if "ffmpeg" in command and parent in (pid, 1) and "long.mp4" in command:
            found.append(command)
    return found
