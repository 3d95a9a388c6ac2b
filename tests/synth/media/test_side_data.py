"""What a file says of its picture is said by the result too: Dolby Vision, 360 degrees, light, turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.errors import MediaError
from synth.media import packets, video
from synth.media.metadata import movie_box, side_data
from synth.media.metadata.losses import losses
from synth.media.remuxing import Remuxed
from synth.options import LIMITS, ExistingSound
from tests.support.clips import SOUND_HZ, Zoo, knocks, refused_or_read
from tests.support.mp4_made import (
    ENTRY,
    ambient_light,
    dolby_vision,
    hlg_clip,
    light_levels,
    put_into,
    sphere,
    sphere_of_version_1,
)


@pytest.fixture(scope="session")
def hlg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip in HLG."""
    return hlg_clip(tmp_path_factory.mktemp("hlg") / "hlg.mp4")


def said(path: Path) -> dict[str, str]:
    return side_data.of_picture(packets.listing(path, LIMITS).description)


def remuxed(source: Path, target: Path) -> Remuxed:
    return video.remux(source, knocks(), SOUND_HZ, target, existing=ExistingSound.REPLACE)


def with_boxes(source: Path, target: Path, inserted: bytes, within: tuple[bytes, ...] = (*ENTRY, b"hvc1")) -> Path:
    put_into(source, target, within, inserted)
    return target


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(("profile", "compatibility"), [(8, 4), (5, 0), (7, 6)])
def test_dolby_vision_is_kept(hlg: Path, tmp_path: Path, profile: int, compatibility: int, suffix: str) -> None:
    source = with_boxes(hlg, tmp_path / "source.mp4", dolby_vision(profile, compatibility))
    assert f"profile: {profile}," in said(source)[side_data.DOLBY_VISION]
    target = tmp_path / f"result{suffix}"
    assert remuxed(source, target).warnings == ()
    assert said(target) == said(source)
    again = tmp_path / ("again.mov" if suffix == ".mkv" else "again.mkv")
    assert remuxed(target, again).warnings == ()
    assert said(again) == said(source)


def test_profile_5_keeps_the_name_that_players_look_for(hlg: Path, tmp_path: Path) -> None:
    """Under the plain name a player without a Dolby Vision decoder would show it in green and purple."""
    source = with_boxes(hlg, tmp_path / "plain.mp4", dolby_vision(5, 0))
    named = tmp_path / "source.mp4"
    named.write_bytes(source.read_bytes().replace(b"hvc1", b"dvh1"))
    for suffix in (".mp4", ".mov"):
        remuxed(named, tmp_path / f"result{suffix}")
        assert "(dvh1 / " in packets.listing(tmp_path / f"result{suffix}", LIMITS).description
    remuxed(named, tmp_path / "result.mkv")
    remuxed(tmp_path / "result.mkv", tmp_path / "back.mp4")
    assert "(dvh1 / " in packets.listing(tmp_path / "back.mp4", LIMITS).description


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("layout", [None, 1, 2])
def test_a_sphere_is_kept(zoo: Zoo, tmp_path: Path, layout: int | None, suffix: str) -> None:
    source = with_boxes(zoo["plain.mp4"], tmp_path / "source.mp4", sphere(layout), (*ENTRY, b"avc1"))
    assert "equirectangular" in said(source)[side_data.SPHERICAL]
    assert (side_data.STEREO_3D in said(source)) == (layout is not None)
    target = tmp_path / f"result{suffix}"
    assert remuxed(source, target).warnings == ()
    assert said(target) == said(source)
    again = tmp_path / ("again.mp4" if suffix == ".mkv" else "again.mkv")
    assert remuxed(target, again).warnings == ()
    assert said(again) == said(source)


def test_the_older_way_to_say_that_a_picture_is_a_sphere(zoo: Zoo, tmp_path: Path) -> None:
    source = with_boxes(zoo["plain.mp4"], tmp_path / "source.mp4", sphere_of_version_1(), (b"moov", b"trak"))
    assert "equirectangular" in said(source)[side_data.SPHERICAL]
    for suffix in (".mp4", ".mov", ".mkv"):
        assert remuxed(source, tmp_path / f"result{suffix}").warnings == ()
        assert "equirectangular" in said(tmp_path / f"result{suffix}")[side_data.SPHERICAL]


def test_the_light_of_a_film_is_kept(hlg: Path, tmp_path: Path) -> None:
    source = with_boxes(hlg, tmp_path / "source.mp4", light_levels())
    assert {"Mastering display metadata", "Content light level metadata"} <= set(said(source))
    for suffix in (".mp4", ".mov", ".mkv"):
        assert remuxed(source, tmp_path / f"result{suffix}").warnings == ()
        assert said(tmp_path / f"result{suffix}") == said(source)


def test_a_loss_is_named(hlg: Path, tmp_path: Path) -> None:
    """ffmpeg's writer of Matroska has no place for the light of the room that a film is meant for."""
    source = with_boxes(hlg, tmp_path / "source.mp4", ambient_light())
    assert "Ambient viewing environment" in said(source)
    assert remuxed(source, tmp_path / "result.mp4").warnings == ()
    assert said(tmp_path / "result.mp4") == said(source)
    (warning,) = remuxed(source, tmp_path / "result.mkv").warnings
    assert warning.startswith("the mkv file does not hold the light of the room that it is meant for")


def test_every_kind_that_is_lost_is_named_once() -> None:
    before = {side_data.SPHERICAL: "equirectangular", "Something New": "7", "Frame Cropping": "0/0/8/0"}
    sentences = side_data.losses(before, {"Frame Cropping": "0/0/8/0"}, "webm")
    assert len(sentences) == 2
    assert "360-degree" in sentences[0]
    assert "Something New" in sentences[1]
    assert side_data.losses(before, {**before, side_data.SPHERICAL: "cubemap"}, "webm")


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ({side_data.TURNED: "rotation of -90.00 degrees"}, "turned wrongly"),
        ({side_data.DOLBY_VISION: "version: 1.0, profile: 5, level: 1"}, "wrong colours; .mp4 and .mov can"),
    ],
)
def test_what_would_be_shown_wrongly_is_refused(before: dict[str, str], says: str) -> None:
    with pytest.raises(MediaError, match=says):
        side_data.losses(before, {}, "webm")


def test_a_turned_picture_stays_turned(zoo: Zoo, tmp_path: Path) -> None:
    for suffix in (".mp4", ".mov", ".mkv"):
        assert remuxed(zoo["turned.mp4"], tmp_path / f"result{suffix}").warnings == ()
        assert said(tmp_path / f"result{suffix}")[side_data.TURNED] == said(zoo["turned.mp4"])[side_data.TURNED]


def test_descriptions_of_several_pictures_are_kept_apart() -> None:
    description = (
        "Input #0, mov,mp4, from 'x':\n  Duration: 00:00:01.00, start: 0.0\n"
        "  Stream #0:0[0x1]: Video: mjpeg, 64x48 (attached pic)\n    Side data:\n"
        "      Display Matrix: rotation of 90.00 degrees\n"
        "  Stream #0:1[0x7](und): Video: h264, 64x48\n    Metadata:\n      handler_name : x\n"
        "    Side data:\n      Spherical Mapping: cubemap\n      CPB properties: none\n"
        "  Stream #0:2[0x9]: Video: h264, 64x48\n    Side data:\n      ICC Profile\n"
    )
    assert side_data.of_picture(description) == {side_data.SPHERICAL: "cubemap"}
    assert side_data.of_picture(description, 2) == {"ICC Profile": ""}
    assert side_data.track_id(description) == 7
    assert losses(description, "", "mkv", stream=2) == (
        "the mkv file does not hold its colour profile (present in the source)",
    )


# -- boxes ---------------------------------------------------------------------------------------------------------


def test_a_movie_that_grows_moves_its_chunks(zoo: Zoo, tmp_path: Path) -> None:
    """The list of frames stands before the frames; what is put into it moves them."""
    path = tmp_path / "fast.mp4"
    path.write_bytes(zoo["fast.mp4"].read_bytes())
    digest = packets.packet_digest(path)
    movie_box.rewrite(path, lambda movie: movie.boxes.append(movie_box.Box(b"free", bytes(12_345))))
    assert packets.packet_digest(path) == digest
    assert video.probe(path) == video.probe(path)
    assert path.stat().st_size == zoo["fast.mp4"].stat().st_size + 12_345 + 8


@pytest.mark.parametrize("made", [b"", b"\0\0\0\1moov" + bytes(8), b"\0\0\0\x10moov\0\0\0\x07trak", b"\xff" * 64])
def test_what_is_no_movie_is_left_alone(tmp_path: Path, made: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(made)
    assert movie_box.movie(path) is None
    with pytest.raises(MediaError):
        movie_box.rewrite(path, lambda _: None)
    assert path.read_bytes() == made


def test_broken_boxes_of_a_source_break_nothing(hlg: Path, tmp_path: Path) -> None:
    """Lengths that lie, in every box of the way to the sample entry."""
    whole = with_boxes(hlg, tmp_path / "whole.mp4", dolby_vision(8, 4)).read_bytes()
    for kind in (b"trak", b"stsd", b"hvc1", b"dvvC", b"udta"):
        at = whole.rfind(kind) - 4
        damaged = tmp_path / f"{kind.decode()}.mp4"
        damaged.write_bytes(whole[:at] + b"\xff\xff\xff\xf0" + whole[at + 4 :])
        assert movie_box.movie(damaged) is None or movie_box.picture_track(movie_box.Box(b"moov")) is None
        with refused_or_read():
            remuxed(damaged, tmp_path / f"{kind.decode()}.result.mp4")
