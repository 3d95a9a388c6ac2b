"""Looking at videos, refusing what is none, and reading their frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from synth.errors import Cancelled, MediaError
from synth.media import ffmpeg, looking, packets, video
from synth.options import Limits
from tests.support.clips import FRAMES, HEIGHT, RATE_FPS, WIDTH, Zoo, edges, numbers

NTSC_FPS = 60000 / 1001


@pytest.mark.parametrize(
    ("name", "codec", "sound", "container", "rate_fps", "duration_s", "start_s"),
    [
        ("plain.mp4", "h264", None, "mp4", 24.0, 2.0, 0.0),
        ("plain.mov", "h264", None, "mp4", 24.0, 2.0, 0.0),
        ("plain.mkv", "h264", None, "matroska", 24.0, 2.0, 0.0),
        ("plain.ts", "h264", None, "mpegts", 24.0, 2.0, 0.0),
        ("plain.webm", "vp8", None, "matroska", 24.0, 2.0, 0.0),
        ("mpeg4.avi", "mpeg4", None, "avi", 24.0, 2.0, 0.0),
        ("program.mpg", "mpeg1video", None, "mpeg", 24.0, 2.0, 0.0),
        ("hevc.mkv", "hevc", None, "matroska", 24.0, 2.0, 0.0),
        ("prores.mov", "prores", None, "mp4", 24.0, 2.0, 0.0),
        ("ntsc.mp4", "h264", None, "mp4", NTSC_FPS, 48 / NTSC_FPS, 0.0),
        ("late.mp4", "h264", None, "mp4", 24.0, 2.0, 0.7),
        ("late.mkv", "h264", None, "matroska", 24.0, 2.0, 0.7),
        ("voiced.mp4", "h264", "aac", "mp4", 24.0, 2.0, 0.0),
        ("voiced.mkv", "h264", "flac", "matroska", 24.0, 2.0, 0.0),
        ("voiced.webm", "vp8", "opus", "matroska", 24.0, 2.0, 0.0),
    ],
)
def test_probe_counts(
    zoo: Zoo,
    name: str,
    codec: str,
    sound: str | None,
    container: str,
    rate_fps: float,
    duration_s: float,
    start_s: float,
) -> None:
    info = video.probe(zoo[name])
    assert (info.video_codec, info.audio_codec, info.container) == (codec, sound, container)
    assert (info.frames, info.width, info.height, info.rotation_deg) == (FRAMES, WIDTH, HEIGHT, 0)
    assert info.rate_fps == pytest.approx(rate_fps)
    assert info.duration_s == pytest.approx(duration_s, abs=0.002)
    assert info.start_s == pytest.approx(start_s, abs=0.001)
    assert not info.variable_rate
    assert info.bytes_ == zoo[name].stat().st_size


def test_probe_tells_a_variable_rate(zoo: Zoo) -> None:
    info = video.probe(zoo["variable.mp4"])
    assert info.variable_rate
    assert info.duration_s == pytest.approx(4.0)


def test_probe_gives_the_size_of_the_upright_picture(zoo: Zoo) -> None:
    info = video.probe(zoo["turned.mp4"])
    assert (info.width, info.height, info.rotation_deg) == (HEIGHT, WIDTH, 270)
    assert (video.probe(zoo["odd.mp4"]).width, video.probe(zoo["odd.mp4"]).height) == (65, 49)


def test_probe_leaves_out_what_an_edit_list_hides(zoo: Zoo) -> None:
    info = video.probe(zoo["edited.mp4"])
    assert info.frames == 31
    assert info.start_s == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty.mp4", "empty"),
        ("random.mp4", "not a video"),
        ("text.mp4", "not a video"),
        ("cut.mp4", "cut short|no picture"),
        ("cut_late.mp4", "cut short"),
        ("cut.mkv", "cut short"),
        ("image.mp4", "kind that is read"),
        ("sound.mp4", "no picture"),
        ("zero.mp4", "no picture|no frames"),
        ("one.mp4", "one frame"),
        ("huge.mp4", "16384 x 8192; allowed are 8192"),
        ("streams.mp4", "more than 64 streams"),
        ("hours.mp4", "lasts .* s; allowed are 3600 s"),
        ("thousand.mp4", "1000 frames a second; allowed are 240"),
        ("playlist.mp4", "not a video|kind that is read"),
        ("concat.mp4", "kind that is read"),
        ("magic.avi", "magicyuv"),
        ("reordered.avi", "when its frames are shown"),
    ],
)
def test_what_is_refused(zoo: Zoo, name: str, says: str) -> None:
    with pytest.raises(MediaError, match=says) as refusal:
        video.probe(zoo[name])
    assert "\n" not in str(refusal.value)
    assert str(zoo.folder) not in str(refusal.value)


def test_no_file_folder_pipe_or_impossible_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "none.mp4", tmp_path, tmp_path / "pipe.mp4", Path("a\0b.mp4"), Path("/dev/zero")):
        with pytest.raises(MediaError):
            video.probe(path)


def test_the_caller_sets_the_limits(zoo: Zoo) -> None:
    for limits in (
        Limits(max_duration_s=1.5),
        Limits(max_rate_fps=20),
        Limits(max_frames=40),
        Limits(max_pixels=64 * 47),
        Limits(max_side_px=63),
        Limits(max_bytes=500),
    ):
        with pytest.raises(MediaError, match="allowed"):
            video.probe(zoo["plain.mp4"], limits)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_survived(zoo: Zoo, tmp_path: Path, data: st.DataObject) -> None:
    """Bytes changed anywhere: the video is still read or refused with a sentence, and nothing else happens."""
    content = bytearray(zoo["fast.mp4"].read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    try:
        list(video.read_frames(path, rate_hz=5, width=16, height=12))
    except MediaError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either way is right


# -- frames --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "plain.mp4",
        "plain.mkv",
        "plain.ts",
        "plain.webm",
        "mpeg4.avi",
        "hevc.mkv",
        "late.mp4",
        "late.mkv",
        "late_voiced.mp4",
    ],
)
def test_at_its_own_rate_every_frame_comes_once(zoo: Zoo, name: str) -> None:
    frames = list(video.read_frames(zoo[name], rate_hz=RATE_FPS, width=WIDTH, height=HEIGHT))
    assert numbers(frames) == list(range(FRAMES))
    assert all(frame.shape == (HEIGHT, WIDTH, 3) and frame.dtype == np.uint8 for frame in frames)


@pytest.mark.parametrize("rate_hz", [7.5, 12.0, 30.0, 60.0, 90.0])
def test_another_rate_shows_what_is_on_the_screen(zoo: Zoo, rate_hz: float) -> None:
    frames = numbers(video.read_frames(zoo["plain.mp4"], rate_hz=rate_hz, width=WIDTH, height=HEIGHT))
    assert frames == [int(index / rate_hz * RATE_FPS + 1e-6) for index in range(round(2 * rate_hz))]


@pytest.mark.parametrize("name", ["variable.mp4", "variable.mkv"])
def test_a_variable_rate_is_read_by_its_times(zoo: Zoo, name: str) -> None:
    frames = numbers(video.read_frames(zoo[name], rate_hz=24, width=WIDTH, height=HEIGHT))
    wanted = [*range(24), *(24 + index // 3 for index in range(72))]
    assert len(frames) in (94, 95, 96)  # Matroska does not keep the length of the last frame
    assert frames == wanted[: len(frames)]


def test_turned_and_edited_videos_come_as_players_show_them(zoo: Zoo) -> None:
    turned = list(video.read_frames(zoo["turned.mp4"], rate_hz=24, width=HEIGHT, height=WIDTH))
    # Turned against the clock, the white right side comes to lie above.
    assert [int((frame[:, HEIGHT // 2, 0] < 128).sum()) for frame in turned] == list(range(FRAMES))
    assert turned[10][0].mean() > 200
    edited = numbers(video.read_frames(zoo["edited.mp4"], rate_hz=24, width=WIDTH, height=HEIGHT))
    assert edited == list(range(17, FRAMES))


def test_scaling_averages_areas(zoo: Zoo) -> None:
    frames = list(video.read_frames(zoo["plain.mp4"], rate_hz=24, width=8, height=6))
    assert len(frames) == FRAMES
    assert frames[4][3, 0, 0] == pytest.approx(128, abs=16)  # half of the first eight columns is white


@pytest.mark.parametrize(
    ("name", "rate_hz"), [("odd.mp4", 90.0), ("ntsc.mp4", 29.97), ("voiced.webm", 15.0), ("prores.mov", 90.0)]
)
def test_as_many_frames_as_the_picture_lasts(zoo: Zoo, name: str, rate_hz: float) -> None:
    frames = list(video.read_frames(zoo[name], rate_hz=rate_hz, width=16, height=12))
    assert len(frames) == round(video.probe(zoo[name]).duration_s * rate_hz)


def test_cancelling_stops_reading(zoo: Zoo) -> None:
    asked = iter([False] * 5)
    with pytest.raises(Cancelled):
        for _ in video.read_frames(
            zoo["plain.mp4"], rate_hz=24, width=8, height=6, cancelled=lambda: next(asked, True)
        ):
            pass


def test_a_reader_that_is_dropped_leaves_no_child(zoo: Zoo) -> None:
    frames = video.read_frames(zoo["plain.mp4"], rate_hz=240, width=512, height=512)
    next(frames)
    before = _children()
    frames.close()  # type: ignore[attr-defined]
    assert before
    assert not _children()


def _children() -> list[str]:
    """The ffmpeg children of this process, whichever thread they count as children of."""
    found = (pid for one in Path("/proc/self/task").iterdir() for pid in (one / "children").read_text().split())
    return [pid for pid in found if b"--serve" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


@pytest.mark.parametrize(
    "name",
    [
        "-i.mp4",
        'it\'s "quoted" $(x) `y`.mp4',
        "drum 🥁 caf\u0301e.mp4",
        "%d %03d [0-9] *.mp4",
        "file:http:pipe:0,b|c.mp4",
        "two\nlines.mp4",
        "no suffix",
        "x" * 251 + ".mp4",
        "sub/../up.mp4",
    ],
)
def test_any_name_works(zoo: Zoo, tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    path = Path(f"{tmp_path}/{name}")
    path.write_bytes(zoo["plain.mp4"].read_bytes())
    assert video.probe(path).frames == FRAMES
    assert len(list(video.read_frames(path, rate_hz=4, width=8, height=8))) == 8
    if name.startswith(("-", "%")):  # those that moviepy could trip over
        video.thumbnail(path, tmp_path / "thumbnail.jpg", 0.5)


def test_a_name_of_broken_bytes_works(zoo: Zoo, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    path.write_bytes(zoo["plain.mp4"].read_bytes())
    assert video.probe(path).frames == FRAMES


def test_a_relative_name_works(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zoo["plain.mp4"]
    monkeypatch.chdir(path.parent)
    assert video.probe(Path(path.name)).frames == FRAMES


# -- thumbnails ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("plain.mp4", ".jpg"), ("plain.webm", ".webp"), ("late.mp4", ".png"), ("variable.mkv", ".jpeg")],
)
def test_thumbnail(zoo: Zoo, tmp_path: Path, name: str, suffix: str) -> None:
    target = tmp_path / f"thumbnail{suffix}"
    video.thumbnail(zoo[name], target, 0.5, width=WIDTH)
    with Image.open(target) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert numbers([np.asarray(image.convert("RGB"))])[0] == pytest.approx(12, abs=1)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("at_s", [-1.0, 99.0])
def test_thumbnail_beyond_the_ends(zoo: Zoo, tmp_path: Path, at_s: float) -> None:
    video.thumbnail(zoo["turned.mp4"], tmp_path / "thumbnail.png", at_s, width=48)
    with Image.open(tmp_path / "thumbnail.png") as image:
        assert image.size == (48, 64)


def test_thumbnail_of_an_unknown_kind_or_place(zoo: Zoo, tmp_path: Path) -> None:
    for target in (tmp_path / "thumbnail.xyz", tmp_path / "none" / "thumbnail.png"):
        with pytest.raises(MediaError):
            video.thumbnail(zoo["plain.mp4"], target, 0.5)
    assert not list(tmp_path.iterdir())


# -- writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_frames_written_come_back(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"made{suffix}"
    video.write_frames(edges(), target, rate_fps=29.97, sound=np.zeros(48_000, np.float32))
    info = video.probe(target)
    assert (info.frames, info.width, info.height, info.audio_codec is None) == (FRAMES, WIDTH, HEIGHT, False)
    assert info.rate_fps == pytest.approx(29.97, rel=1e-4)
    frames = list(video.read_frames(target, rate_hz=29.97, width=WIDTH, height=HEIGHT))
    assert numbers(frames) == list(range(FRAMES))
    assert frames[0][20, 40, 0] > 245
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_frames_keep_their_colours(tmp_path: Path) -> None:
    colour = np.broadcast_to(np.array([200, 60, 30], np.uint8), (48, 64, 3))
    video.write_frames(iter([colour] * 3), tmp_path / "red.mp4", rate_fps=25)
    for frame in video.read_frames(tmp_path / "red.mp4", rate_hz=25, width=64, height=48):
        assert np.abs(frame.astype(int) - colour).max() <= 4


def test_the_same_frames_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        video.write_frames(edges(), tmp_path / name, rate_fps=24)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_frames_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    uneven = iter([np.zeros((48, 64, 3), np.uint8), np.zeros((48, 62, 3), np.uint8)])
    for frames, name in ((iter(()), "a.mp4"), (uneven, "b.mp4"), (edges(), "c.webm"), (edges(), "c.xyz")):
        with pytest.raises(MediaError):
            video.write_frames(frames, tmp_path / name, rate_fps=24)
    with pytest.raises(ZeroDivisionError):
        video.write_frames((np.full((48, 64, 3), 1 // 0, np.uint8) for _ in range(2)), tmp_path / "d.mp4", rate_fps=24)
    assert not list(tmp_path.iterdir())


def test_odd_frames_gain_a_line(tmp_path: Path) -> None:
    video.write_frames(edges(4, 65, 49), tmp_path / "odd.mp4", rate_fps=24)
    info = video.probe(tmp_path / "odd.mp4")
    assert (info.width, info.height) == (66, 50)


# -- digests -------------------------------------------------------------------------------------------------------


def test_a_digest_is_of_the_picture_and_not_of_the_container(zoo: Zoo) -> None:
    names = ("plain.mp4", "plain.mov", "plain.mkv", "late.mp4", "voiced.mp4", "turned.mp4")
    assert len({video.packet_digest(zoo[name]) for name in names}) == 1
    assert video.packet_digest(zoo["ntsc.mp4"]) != video.packet_digest(zoo["variable.mp4"])
    with pytest.raises(MediaError):
        video.packet_digest(zoo["sound.mp4"])


def test_version_names_a_release() -> None:
    assert any(sign.isdigit() for sign in ffmpeg.version())


def test_a_file_is_read_again_only_when_it_has_changed(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    listing = packets.listing

    def counted(path: Path, *rest: Any, **more: Any) -> packets.Listing:
        read.append(path)
        return listing(path, *rest, **more)

    monkeypatch.setattr(packets, "listing", counted)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(zoo["plain.mp4"].read_bytes())
    assert looking.look(clip) is looking.look(clip)
    assert len(read) == 1
    assert looking.look(clip, salvage=True) is looking.look(clip)  # nothing of it needs leniency
    assert len(read) == 1
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaError):
        looking.look(clip)
    clip.unlink()
    with pytest.raises(MediaError):
        looking.look(clip)
