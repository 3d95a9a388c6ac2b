"""Tags inside files of every kind, written by ffmpeg; ID3's WCOP, which it does not write, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.licences.embedded_tags import Tags, tags_of
from synth.licences.restrictions import ALL_RIGHTS_RESERVED, UNKNOWN_LICENCE
from synth.media import ffmpeg
from synth.music.folder import described
from synth.voices.library.licences import Origins

NC = "https://creativecommons.org/licenses/by-nc/4.0/"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A second of a tone without a tag."""
    tone = 0.3 * np.sin(np.arange(16_000) / 5)
    soundfile.write(tmp_path / "plain.wav", tone, 16_000)
    return tmp_path / "plain.wav"


def tagged(plain: Path, name: str, *coding: str, **tags: str) -> Path:
    """The tone as another file with these tags."""
    target = plain.with_name(name)
    words = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
    fence = ffmpeg.Fence(file_bytes=10**7)
    ffmpeg.run(["-v", "error", "-i", f"file:{plain}", *words, *coding, f"file:{target}"], fence=fence)
    return target


def with_id3(path: Path, frames: dict[str, str]) -> Path:
    """ID3v2.3 in front of a file: text frames with their encoding, address frames (W...) without one."""
    body = b""
    for name, text in frames.items():
        data = text.encode("latin-1") if name.startswith("W") else b"\0" + text.encode("latin-1")
        body += name.encode() + len(data).to_bytes(4, "big") + b"\0\0" + data
    size = bytes((len(body) >> shift) & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\3\0\0" + size + body + path.read_bytes())
    return path


def test_riff_info(plain: Path) -> None:
    file = tagged(plain, "a.wav", artist="Anna", copyright="CC BY-NC 4.0", title="Rain")
    assert b"ICOP" in file.read_bytes()
    assert b"IART" in file.read_bytes()
    assert tags_of(file) == Tags("Rain", "Anna", "CC-BY-NC-4.0")


@pytest.mark.parametrize(("name", "coding"), [("a.flac", ()), ("a.ogg", ("-c:a", "libvorbis")), ("a.opus", ())])
def test_vorbis_comments(plain: Path, name: str, coding: tuple[str, ...]) -> None:
    file = tagged(plain, name, *coding, LICENSE=NC, ARTIST="Anna", COPYRIGHT="2019 Anna")
    assert tags_of(file) == Tags(None, "Anna", "CC-BY-NC-4.0")


def test_id3(plain: Path) -> None:
    bare = tagged(plain, "a.mp3", "-id3v2_version", "0", "-write_id3v1", "0")
    file = with_id3(bare, {"TPE1": "Anna", "TIT2": "Rain", "WCOP": NC, "TCOP": "2019 Anna"})
    assert tags_of(file) == Tags("Rain", "Anna", "CC-BY-NC-4.0")
    other = with_id3(tagged(plain, "b.mp3", "-id3v2_version", "0"), {"TCOP": "2019 Anna. All rights reserved."})
    assert tags_of(other).licence == ALL_RIGHTS_RESERVED


def test_mp4(plain: Path) -> None:
    file = tagged(plain, "a.m4a", artist="Anna", copyright="CC BY-SA 3.0")
    assert tags_of(file) == Tags(None, "Anna", "CC-BY-SA-3.0")


@pytest.mark.parametrize("name", ["a.aiff", "a.wma", "a.caf", "a.wv"])
def test_other_kinds(plain: Path, name: str) -> None:
    written = {"a.wma": {"author": "Anna"}, "a.caf": {"copyright": "CC BY 4.0"}}.get(name, {"copyright": "CC BY 4.0"})
    more = ("-write_id3v2", "1") if name == "a.aiff" else ()
    found = tags_of(tagged(plain, name, *more, **{"copyright": "CC BY 4.0", **written}))
    assert found.licence == "CC-BY-4.0"


def test_a_copyright_notice_names_no_licence_and_a_remark_is_no_field(plain: Path) -> None:
    assert tags_of(tagged(plain, "a.wav", copyright="\N{COPYRIGHT SIGN} 2019 Anna")).licence is None
    assert tags_of(tagged(plain, "b.wav", comment="my licensed microphone")).licence is None
    assert tags_of(tagged(plain, "c.wav", comment="CC BY-NC 4.0")).licence == "CC-BY-NC-4.0"
    assert tags_of(tagged(plain, "d.flac", LICENSE="see my homepage")).licence == UNKNOWN_LICENCE


def test_a_file_without_tags_and_one_that_is_none(plain: Path, tmp_path: Path) -> None:
    assert tags_of(plain) == Tags()
    (tmp_path / "none.mp3").write_bytes(b"no sound at all" * 99)
    assert tags_of(tmp_path / "none.mp3") == Tags()
    assert tags_of(tmp_path / "gone.wav") == Tags()


def test_inside_and_beside_the_stricter_holds(plain: Path, tmp_path: Path) -> None:
    file = tagged(plain, "a.flac", LICENSE="CC BY-NC 4.0", ARTIST="Anna")
    (tmp_path / "LICENSE").write_text("CC0 1.0 Universal")
    found = Origins(tmp_path).of(file)
    assert (found.author, found.licence, found.said_by) == ("Anna", "CC-BY-NC-4.0", "a.flac")
    (tmp_path / "a.txt").write_text("License: CC BY 4.0\nAuthor: Ben\n")
    found = Origins(tmp_path).of(file)
    assert (found.author, found.licence, found.said_by) == ("Ben", "CC-BY-NC-4.0", "a.flac")
    (tmp_path / "a.txt").write_text("License: CC BY-NC-SA 4.0\n")
    found = Origins(tmp_path).of(file)
    assert (found.author, found.licence, found.said_by) == ("Anna", "CC-BY-NC-SA-4.0", "a.txt")


def test_music_is_read_the_same_way(plain: Path, tmp_path: Path) -> None:
    bare = tagged(plain, "song.mp3", "-id3v2_version", "0", "-write_id3v1", "0")
    with_id3(bare, {"TIT2": "Rain", "TPE1": "Anna", "WCOP": NC})
    track = described(tmp_path, "song.mp3")
    assert (track.title, track.author, track.licence) == ("Rain", "Anna", "CC-BY-NC-4.0")
