"""`sonorize inspect`: what is in a file, what a result keeps of it, what it loses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synth.cli import app
from tests.support.animated import animated
from tests.support.clips import Zoo
from tests.support.mp4_made import ENTRY, dolby_vision, hlg_clip, put_into, quicktime_keys, sphere


def inspected(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert app.main(["inspect", *arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_phones_hdr_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_into(hlg_clip(tmp_path / "hlg.mp4"), tmp_path / "one.mp4", (*ENTRY, b"hvc1"), dolby_vision(8, 4))
    put_into(tmp_path / "one.mp4", tmp_path / "phone.mp4", (b"moov",), quicktime_keys({"com.example.make": "Maker"}))
    found = inspected(capsys, str(tmp_path / "phone.mp4"))
    picture, result = found["picture"], found["result"]
    assert isinstance(picture, dict)
    assert isinstance(result, dict)
    assert (picture["coding"], picture["transfer"], picture["tone_mapped"]) == ("hevc", "arib-std-b67", True)
    assert "profile: 8" in str(found["side_data"])
    assert (result["suffix"], result["picture"], result["refused"], result["lost"]) == (".mp4", "copied", None, [])
    assert any("Dolby Vision" in one for one in result["kept"])
    assert any("com.example.make" in one for one in result["kept"])
    assert [path.name for path in tmp_path.iterdir() if "result" in path.name] == []


def test_an_animated_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, str(animated(tmp_path / "clip.gif")))
    result = found["result"]
    assert isinstance(result, dict)
    assert (result["suffix"], result["picture"]) == (".mp4", "encoded")
    assert any("coded anew" in one for one in result["lost"])


def test_edits_and_what_a_container_refuses(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, str(zoo["edited.mp4"]), "--into", "mkv")
    edits, result = found["edits"], found["result"]
    assert isinstance(edits, dict)
    assert isinstance(result, dict)
    assert edits["hidden_before"] > 0
    assert "hides frames" in result["refused"]
    assert result["picture"] is None


def test_tracks_and_a_sound_that_is_kept(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, str(zoo["voiced.mp4"]), "--existing-sound", "keep")
    tracks, result = found["tracks"], found["result"]
    assert isinstance(tracks, list)
    assert isinstance(result, dict)
    assert [(one["kind"], one["coding"]) for one in tracks] == [("picture", "h264"), ("sound", "aac")]
    assert any(one.startswith("sound (aac") for one in result["kept"])


def test_in_words(zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_into(zoo["plain.mp4"], tmp_path / "sphere.mp4", (*ENTRY, b"avc1"), sphere(1))
    assert app.main(["inspect", str(tmp_path / "sphere.mp4")]) == 0
    told = capsys.readouterr().out
    for part in (
        "picture: track 0, h264, 64 x 48, 48 frames, 24 frames a second",
        "side data: mapping of the 360",
        "top and bottom",
        "clock: starts at 0.000 s",
        "a .mp4 keeps picture (h264), 48 frames, copied",
    ):
        assert part in told
    assert app.main(["inspect", str(tmp_path / "sphere.mp4"), "--no-trial"]) == 0
    assert "keeps" not in capsys.readouterr().out


def test_a_recording_that_breaks_off(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, str(zoo["cut.mkv"]))
    assert "cut short" in str(found["refused"])
    assert found["result"] is not None


@pytest.mark.parametrize(
    ("name", "more", "says"), [("text.mp4", [], "not a video"), ("plain.mp4", ["--into", "avi"], "allowed are .mp4")]
)
def test_what_cannot_be_inspected(
    zoo: Zoo, capsys: pytest.CaptureFixture[str], name: str, more: list[str], says: str
) -> None:
    assert app.main(["inspect", str(zoo[name]), *more]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert says in said.err
    assert said.err.count("\n") == 1
