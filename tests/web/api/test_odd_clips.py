"""Odd files all the way: what the server takes, refuses before it says 202, and says of the result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.cli import app as cli
from synth.media import video
from synth.media.shown import shown
from tests.support import odd_clips as odd
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from tests.web.api.test_jobs import fits


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.mark.parametrize(
    ("name", "existing"), [("film.vob", "replace"), ("film.mpg", "keep"), ("film.ts", "mix"), ("phone.mp4", "keep")]
)
def test_what_a_browser_cannot_play_is_sounded_in_a_container_that_holds_it(
    here: Place, tmp_path: Path, name: str, existing: str
) -> None:
    phone = name == "phone.mp4"
    clip = odd.with_unknown_sound(tmp_path / name) if phone else odd.broadcast(tmp_path / name)
    job = here.sent(clip, mode="hits", existing_sound=existing)
    fits(job, "Job")
    here.work()
    done = here.client.get(job["links"]["self"]).get_json()
    fits(done, "Job")
    assert (done["status"], done["error"]) == ("succeeded", None), done["error"]
    (take,) = done["outputs"]
    assert take["container"] == ("mp4" if phone else "mkv")
    assert take["picture"] == "copied"
    assert take["digests"]["shown"]["source"] == take["digests"]["shown"]["result"]
    assert take["digests"]["shown"]["frames"] == video.probe(clip).frames
    assert any("apac" in warning for warning in take["warnings"]) == phone
    (tmp_path / "result").write_bytes(here.client.get(take["links"]["video"]).data)
    assert shown(tmp_path / "result").checksums == shown(clip).checksums
    assert video.packet_digest(tmp_path / "result") == take["digests"]["packets"]["result"]


def test_transparency_comes_back_from_a_server(here: Place, tmp_path: Path) -> None:
    job = here.sent(odd.transparent(tmp_path / "see.webm"), mode="hits")
    assert job["clip"]["transparent"] is True
    here.work()
    (take,) = here.client.get(job["links"]["self"]).get_json()["outputs"]
    (tmp_path / "result.webm").write_bytes(here.client.get(take["links"]["video"]).data)
    assert take["container"] == "webm"
    assert video.probe(tmp_path / "result.webm").transparent


def test_a_crashed_recording_is_refused_or_salvaged(here: Place, tmp_path: Path) -> None:
    clip = odd.broken_off(odd.browser_recording(tmp_path / "live.webm"), tmp_path / "crashed.webm", 0.6)
    problem(here.send(clip, mode="hits"), 422, "media")
    assert here.left() == []
    job = here.sent(clip, mode="hits", salvage="true")
    assert job["options"]["salvage"] is True
    here.work()
    done = here.client.get(job["links"]["self"]).get_json()
    assert done["status"] == "succeeded", done["error"]
    assert any("breaks off" in warning for warning in done["outputs"][0]["warnings"])
    assert any("breaks off" in warning for warning in done["clip"]["warnings"])


def test_joined_parts_are_refused_or_coded_again(here: Place, tmp_path: Path) -> None:
    clip = odd.edited(odd.plain(tmp_path / "whole.mp4", 4.0), tmp_path / "joined.mp4", [(0, 1), (3, 4)])
    refused = problem(here.send(clip, mode="hits"), 422, "media")
    assert "with the option recut" in refused["detail"]
    job = here.sent(clip, mode="hits", recut="true")
    here.work()
    (take,) = here.client.get(job["links"]["self"]).get_json()["outputs"]
    assert (take["picture"], take["digests"]["shown"]["frames"]) == ("encoded", 60)


def test_a_probe_says_what_is_odd(here: Place, tmp_path: Path) -> None:
    told = here.send(odd.with_a_still(tmp_path / "still.mkv"), to="/v1/probe").get_json()
    fits(told, "Probe")
    assert any("track 0" in warning for warning in told["warnings"])


def test_the_command_line_salvages_and_recuts(
    flash_voice: FlashVoice, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joined = odd.edited(odd.plain(tmp_path / "whole.mp4", 4.0), tmp_path / "joined.mp4", [(0, 1), (3, 4)])
    crashed = odd.broken_off(odd.fragmented(tmp_path / "live.mp4"), tmp_path / "crashed.mp4", 0.6)
    for clip, option, picture in ((joined, "recut", "encoded"), (crashed, "salvage", "copied")):
        out = tmp_path / f"{clip.stem}.result.mp4"
        assert cli.main(["run", str(clip), "-o", str(out)]) == 2
        assert option in capsys.readouterr().err
        assert not out.exists()
        assert cli.main(["run", str(clip), "-o", str(out), f"--{option}", "--json"]) == 0
        printed = capsys.readouterr()
        (output,) = json.loads(printed.out)["outputs"]
        assert output["picture"] == picture
        assert len(output["digests"]["shown"]["result"]) == 64
        assert output["digests"]["shown"]["frames"] == len(shown(out).times_s)
        assert len(output["warnings"]) >= 1
        assert output["warnings"][0] in printed.err
