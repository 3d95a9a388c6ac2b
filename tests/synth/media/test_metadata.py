"""Who filmed, with what, when and where is kept, beside our own comment."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.media import ffmpeg, packets, video
from synth.media.metadata import quicktime_keys
from synth.media.metadata import tags as metadata
from synth.media.metadata.movie_box import Box, movie
from synth.media.remuxing import Remuxed
from synth.options import LIMITS, ExistingSound
from tests.support.clips import FENCE, SOUND_HZ, Zoo, knocks
from tests.support.mp4_made import box, put_into, user_text
from tests.support.mp4_made import quicktime_keys as made_keys

PHONE = {
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.model": "iPhone 15 Pro",
    "com.apple.quicktime.software": "17.5.1",
    "com.apple.quicktime.creationdate": "2024-05-01T12:00:00+0200",
    "com.apple.quicktime.location.ISO6709": "+52.5163+013.3777+035.000/",
}
OURS = {"comment": '{"seed": 7}'}


def tags(path: Path) -> dict[str, str]:
    return metadata.of_file(packets.listing(path, LIMITS).description)


def remuxed(source: Path, target: Path) -> Remuxed:
    return video.remux(source, knocks(), SOUND_HZ, target, existing=ExistingSound.REPLACE, metadata=OURS)


def tagged(source: Path, target: Path, **values: str) -> Path:
    arguments = [part for name, value in values.items() for part in ("-metadata", f"{name}={value}")]
    how = ["-map", "0", "-c", "copy", *arguments, "-y", f"file:{target}"]
    ffmpeg.run(["-v", "error", "-i", f"file:{source}", *how], fence=FENCE)
    return target


@pytest.fixture
def phone(zoo: Zoo, tmp_path: Path) -> Path:
    """A clip as a phone writes it: named values in the movie box, a local date with its zone among them."""
    dated = tagged(zoo["plain.mp4"], tmp_path / "dated.mov", creation_time="2024-05-01T10:00:00Z")
    put_into(dated, tmp_path / "phone.mov", (b"moov",), made_keys(PHONE))
    return tmp_path / "phone.mov"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_what_a_phone_says_is_kept(phone: Path, tmp_path: Path, suffix: str) -> None:
    assert {name: tags(phone).get(name.lower()) for name in PHONE} == PHONE
    target = tmp_path / f"result{suffix}"
    assert remuxed(phone, target).warnings == ()
    found = tags(target)
    assert {name: found.get(name.lower()) for name in PHONE} == PHONE
    assert found["comment"] == OURS["comment"]
    assert found["creation_time"].startswith("2024-05-01T10:00:00")
    again = tmp_path / ("again.mp4" if suffix == ".mkv" else "again.mkv")
    assert remuxed(target, again).warnings == ()
    assert {name: tags(again).get(name.lower()) for name in PHONE} == PHONE


def test_values_that_are_no_text_keep_their_kind(zoo: Zoo, tmp_path: Path) -> None:
    """Android states the rate of a slow motion clip as a number."""
    rate = quicktime_keys.Key("com.android.capture.fps", box(b"data", b"\0\0\0\x17", bytes(4), b"\x42\xf0\0\0"))
    put_into(zoo["plain.mp4"], tmp_path / "source.mp4", (b"moov",), quicktime_keys.keys_box([rate]).packed())
    remuxed(tmp_path / "source.mp4", tmp_path / "result.mp4")
    found = movie(tmp_path / "result.mp4")
    assert found is not None
    assert rate in quicktime_keys.read_keys(found.find(b"meta") or Box(b"meta"))


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_what_a_camera_says_in_user_data_is_kept(zoo: Zoo, tmp_path: Path, suffix: str) -> None:
    said = (
        user_text(b"\xa9mak", "GoPro") + user_text(b"\xa9mod", "HERO12") + user_text(b"\xa9xyz", "+52.5163+013.3777/")
    )
    said += box(b"FIRM", b"H23.01.02.32.00") + box(b"LENS", b"LPM1230300101")
    put_into(zoo["plain.mp4"], tmp_path / "source.mp4", (b"moov",), box(b"udta", said))
    assert remuxed(tmp_path / "source.mp4", tmp_path / f"result{suffix}").warnings == ()
    found = movie(tmp_path / f"result{suffix}")
    assert found is not None
    user_data = found.find(b"udta")
    assert user_data is not None
    kinds = [one.kind for one in user_data.boxes]
    assert {b"\xa9mak", b"\xa9mod", b"\xa9xyz", b"FIRM", b"LENS"} <= set(kinds)
    assert len(kinds) == len(set(kinds))
    assert tags(tmp_path / f"result{suffix}")["comment"] == OURS["comment"]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_comment_of_the_source_stays_beside_ours(zoo: Zoo, tmp_path: Path, suffix: str) -> None:
    source = tagged(zoo["plain.mp4"], tmp_path / "source.mp4", comment="take 3; slate 12", title="Drum")
    assert remuxed(source, tmp_path / f"result{suffix}").warnings == ()
    found = tags(tmp_path / f"result{suffix}")
    assert (found["comment"], found[metadata.ORIGINAL_COMMENT]) == (OURS["comment"], "take 3; slate 12")
    assert found["title"] == "Drum"
    remuxed(tmp_path / f"result{suffix}", tmp_path / "again.mkv")  # whose comment is ours already
    assert tags(tmp_path / "again.mkv")[metadata.ORIGINAL_COMMENT] == "take 3; slate 12"


def test_a_date_that_is_said_twice_is_a_date(zoo: Zoo, tmp_path: Path) -> None:
    """Some programs write it among the named values too; ffmpeg joins both and then understands neither."""
    dated = tagged(zoo["plain.mp4"], tmp_path / "dated.mov", creation_time="2024-05-01T10:00:00Z")
    put_into(dated, tmp_path / "twice.mov", (b"moov",), made_keys({"creation_time": "2024-05-01T10:00:00Z"}))
    for suffix in (".mp4", ".mov", ".mkv"):
        assert remuxed(tmp_path / "twice.mov", tmp_path / f"result{suffix}").warnings == ()
        assert tags(tmp_path / f"result{suffix}")["creation_time"].startswith("2024-05-01T10:00:00")


def test_a_loss_is_named() -> None:
    before = {"make": "A", "model": "B", "comment": "C", "encoder": "Lavf", "location": "+52.5163+013.3777/"}
    kept = {"make": "A", "original_comment": "C", "location": "+52.51630+013.37770/"}
    assert metadata.losses(before, {**kept, "model": "B"}, "mkv") == []
    (sentence,) = metadata.losses(before, kept, "mkv")
    assert sentence == "the mkv file does not hold these tags of the source: model"
    assert "location" in metadata.losses(before, {**kept, "model": "B", "location": "+1.0+2.0/"}, "mkv")[0]


def test_tags_are_read_off_a_description() -> None:
    description = (
        "Input #0, mov, from 'x':\n  Metadata:\n    major_brand     : qt  \n    title-eng       : First\n"
        "    title           : Second\n    comment         : one\n                    : two: three\n"
        "  Duration: 00:00:01.00\n  Stream #0:0: Video: h264\n    Metadata:\n      timecode        : 01:00:00:00\n"
        "      handler_name    : x\n"
    )
    assert metadata.of_file(description) == {"major_brand": "qt  ", "title": "First", "comment": "one\ntwo: three"}
    assert metadata.of_picture(description) == {"timecode": "01:00:00:00"}


@pytest.mark.parametrize("damage", [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x09"])
def test_damaged_values_are_passed_over(damage: bytes) -> None:
    whole = made_keys(PHONE)
    for kind in (b"keys", b"ilst", b"data", b"mdta", b"hdlr"):
        at = whole.find(kind) - 4
        keys = quicktime_keys.read_keys(Box(b"meta", (whole[:at] + damage + whole[at + 4 :])[8:]))
        assert len(keys) <= len(PHONE)
