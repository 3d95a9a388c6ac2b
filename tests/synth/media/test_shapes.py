"""Shapes of files that cameras, editors, browsers and recorders make: what is shown stays, or it is said why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synth.errors import MediaError
from synth.media import ffmpeg, video
from synth.media.remuxing import Remuxed, remux
from synth.media.shown import shown
from synth.options import LIMITS, ExistingSound, Limits
from tests.support import odd_clips as odd
from tests.support.clips import KNOCK_S, SOUND_HZ, knock_at_s, knocks

REPLACE, KEEP, MIX = ExistingSound.REPLACE, ExistingSound.KEEP, ExistingSound.MIX


def sounded(
    source: Path, target: Path, existing: ExistingSound = REPLACE, *, salvage: bool = False, recut: bool = False
) -> Remuxed:
    """The result of one job, whose file was held against what is promised of any."""
    done = remux(source, knocks(9.0), SOUND_HZ, target, existing=existing, salvage=salvage, recut=recut)
    before, after = video.probe(source, salvage=True, recut=True), video.probe(target)
    assert after.frames == before.frames == done.digests.frames_shown == len(shown(target).times_s)
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.002)
    if done.picture == "copied":
        assert done.digests.shown_source == done.digests.shown_result
    at_s, lasts_s = knock_at_s(target)
    if existing is not MIX:
        assert at_s == pytest.approx(after.start_s + KNOCK_S, abs=0.003)
    # Where the sound begins late in an mp4, its last AAC frame is not trimmed: 2 x 1024 samples at the most.
    assert lasts_s == pytest.approx(before.duration_s, abs=max(1 / before.rate_fps, 2048 / SOUND_HZ))
    return done


def same_pixels(one: Path, other: Path) -> bool:
    return shown(one).checksums == shown(other).checksums


# -- many tracks (1, 15) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_64_tracks_are_read_to_the_end(tmp_path: Path, suffix: str) -> None:
    source = odd.many_tracks(tmp_path / f"tracks{suffix}", 64)
    assert video.probe(source).frames == 90
    done = sounded(source, tmp_path / f"result{suffix}")
    assert done.digests.packets_source == done.digests.packets_result


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_more_tracks_are_refused_in_every_container(tmp_path: Path, suffix: str) -> None:
    source = odd.many_tracks(tmp_path / f"tracks{suffix}", 65)
    with pytest.raises(MediaError, match="the file has more than 64 streams; allowed are 64"):
        video.probe(source)


def test_no_limit_of_tracks_makes_a_demuxer_stumble_unheard(tmp_path: Path) -> None:
    """Matroska's demuxer ends well when there are too many tracks, having given out a few packets of the picture."""
    source = odd.many_tracks(tmp_path / "tracks.mkv", 10)
    with pytest.raises(MediaError, match="more than 8 streams"):
        video.probe(source, Limits(max_streams=8))


# -- edit lists (2) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("end_s", [2.0, 1.5, 0.7])
def test_what_an_editor_cut_off_the_end_stays_hidden(tmp_path: Path, suffix: str, end_s: float) -> None:
    source = odd.edited(odd.plain(tmp_path / "whole.mp4", 4.0), tmp_path / "cut.mp4", [(0, end_s)])
    assert video.probe(source).frames == len(shown(source).times_s) == round(end_s * odd.RATE_FPS)
    done = sounded(source, tmp_path / f"result{suffix}")
    assert done.picture == "copied"
    assert done.digests.packets_source == done.digests.packets_result
    assert same_pixels(source, tmp_path / f"result{suffix}")


def test_what_an_editor_cut_off_both_ends_stays_hidden(tmp_path: Path) -> None:
    source = odd.edited(odd.plain(tmp_path / "whole.mp4", 4.0), tmp_path / "cut.mp4", [(1.2, 2.9)])
    done = sounded(source, tmp_path / "result.mp4")
    assert (done.picture, done.digests.frames_shown) == ("copied", 51)
    assert same_pixels(source, tmp_path / "result.mp4")


def test_a_container_that_hides_nothing_is_refused_unless_recut(tmp_path: Path) -> None:
    source = odd.edited(odd.plain(tmp_path / "whole.mp4", 4.0), tmp_path / "cut.mp4", [(0, 2)])
    with pytest.raises(MediaError, match=r"hides frames after its end, which a mkv file cannot do.*option recut"):
        sounded(source, tmp_path / "result.mkv")
    assert not (tmp_path / "result.mkv").exists()
    assert sounded(source, tmp_path / "result.mkv", recut=True).picture == "encoded"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_joined_parts_are_refused_or_coded_again(tmp_path: Path, suffix: str) -> None:
    source = odd.edited(odd.plain(tmp_path / "whole.mp4", 4.0), tmp_path / "joined.mp4", [(0, 1), (3, 4)])
    for refused in (lambda: video.probe(source), lambda: sounded(source, tmp_path / f"result{suffix}")):
        with pytest.raises(MediaError, match=r"joins parts that do not follow each other.*with the option recut"):
            refused()
    done = sounded(source, tmp_path / f"result{suffix}", recut=True)
    assert (done.picture, done.digests.frames_shown) == ("encoded", 60)
    assert any("joins parts" in warning for warning in done.warnings)
    wanted = list(video.read_frames(source, rate_hz=30, width=64, height=48, lenient=True))
    got = list(video.read_frames(tmp_path / f"result{suffix}", rate_hz=30, width=64, height=48))
    assert len(wanted) == len(got) == 60
    whole = shown(tmp_path / "whole.mp4").checksums
    assert shown(source).checksums == whole[:30] + whole[90:]
    for mine, theirs in zip(got, wanted, strict=True):
        assert np.abs(mine.astype(int) - theirs).mean() < 3


def test_a_file_that_needs_no_recut_is_copied_all_the_same(tmp_path: Path) -> None:
    done = sounded(odd.plain(tmp_path / "whole.mp4"), tmp_path / "result.mp4", recut=True, salvage=True)
    assert (done.picture, done.warnings) == ("copied", ())


# -- clocks (3, 9) -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two.vob", "two.mpg", "two.ts"])
@pytest.mark.parametrize("existing", list(ExistingSound))
def test_a_clock_that_begins_again_is_one_clock(tmp_path: Path, name: str, existing: ExistingSound) -> None:
    once = odd.broadcast(tmp_path / f"one{Path(name).suffix}")
    source = odd.joined(once, tmp_path / name)
    info = video.probe(source)
    assert info.frames == 150
    assert info.duration_s == pytest.approx(6.0, abs=0.001)
    done = sounded(source, tmp_path / "result.mkv", existing)
    assert any("clock of the recording begins again" in warning for warning in done.warnings)
    assert len(list(video.read_frames(source, rate_hz=25, width=32, height=24))) == 150


@pytest.mark.parametrize("make", [odd.plain, odd.browser_recording])
def test_a_clock_that_begins_again_elsewhere_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    source = odd.joined(make(tmp_path / "one.mkv"), tmp_path / "two.mkv")
    with pytest.raises(MediaError, match="clock of the video begins again"):
        video.probe(source)


def test_the_sound_of_a_broadcast_that_begins_before_its_picture_moves_nothing(tmp_path: Path) -> None:
    """Where nothing else is read of it, its clock starts with the picture; frames and sound of ours start there."""
    early = ("-itsoffset", "0.5", *odd.film(3, 25), *odd.tone(3), "-map", "0", "-map", "1")
    odd.ff(*early, "-c:v", "mpeg2video", "-c:a", "mp2", "-y", tmp_path / "early.ts")
    plain = odd.broadcast(tmp_path / "plain.ts", sound=False)
    assert video.probe(tmp_path / "early.ts").start_s == video.probe(plain).start_s == 0
    frames = list(video.read_frames(tmp_path / "early.ts", rate_hz=25, width=64, height=48))
    odd.ff("-i", tmp_path / "early.ts", "-map", "0:v", "-c", "copy", "-y", tmp_path / "alone.mkv")
    alone = list(video.read_frames(tmp_path / "alone.mkv", rate_hz=25, width=64, height=48))
    assert [frame.tobytes() for frame in frames] == [frame.tobytes() for frame in alone]
    sounded(tmp_path / "early.ts", tmp_path / "result.mkv")
    sounded(tmp_path / "early.ts", tmp_path / "kept.mkv", KEEP)
    assert video.probe(tmp_path / "kept.mkv").start_s == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("existing", list(ExistingSound))
@pytest.mark.parametrize(("name", "target"), [("live.mp4", "r.mp4"), ("live.mp4", "r.mkv"), ("live.webm", "r.webm")])
def test_a_live_clock_starts_near_0(tmp_path: Path, name: str, target: str, existing: ExistingSound) -> None:
    make = odd.fragmented if name.endswith(".mp4") else odd.browser_recording
    source, ordinary = make(tmp_path / name, begins_s=5000), make(tmp_path / f"ordinary{Path(name).suffix}")
    assert video.probe(source).start_s == pytest.approx(video.probe(ordinary).start_s, abs=0.001)
    done = sounded(source, tmp_path / target, existing)
    assert any("starts at 5000.0 s" in warning for warning in done.warnings)
    assert video.probe(tmp_path / target).start_s < 0.1
    assert len(list(video.read_frames(source, rate_hz=30, width=32, height=24))) == 90


def test_an_edit_that_lets_the_picture_wait_stays(tmp_path: Path) -> None:
    odd.ff("-itsoffset", "2.5", "-i", odd.plain(tmp_path / "a.mp4"), "-c", "copy", "-copyts", "-y", tmp_path / "b.mp4")
    sounded(tmp_path / "b.mp4", tmp_path / "result.mp4")
    assert video.probe(tmp_path / "result.mp4").start_s == pytest.approx(2.5, abs=0.001)


# -- which picture is the film (11) --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "default"), [("still.mkv", 1), ("still.mkv", 0), ("still.mp4", 1), ("still.mp4", 0)])
def test_the_film_is_found_beside_a_still(tmp_path: Path, name: str, default: int) -> None:
    source = odd.with_a_still(tmp_path / name, default)
    info = video.probe(source)
    assert (info.video_codec, info.frames, info.width) == ("h264", 90, 64)
    assert any("track 1" in warning and "mjpeg, track 0" in warning for warning in info.warnings)
    done = sounded(source, tmp_path / f"result{source.suffix}")
    assert "mjpeg, track 0" in " ".join(done.warnings)
    assert video.packet_digest(source, "0:1") == video.packet_digest(tmp_path / f"result{source.suffix}")
    assert len(list(video.read_frames(source, rate_hz=30, width=64, height=48))) == 90
    video.thumbnail(source, tmp_path / "film.png", 1.5, width=64)
    from PIL import Image

    frames = list(video.read_frames(tmp_path / f"result{source.suffix}", rate_hz=30, width=64, height=48))
    with Image.open(tmp_path / "film.png") as image:
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - frames[45]).mean() < 3


def test_of_two_films_the_marked_one_is_taken_then_the_longer(tmp_path: Path) -> None:
    for name, marks, frames in (("marked.mkv", ("default", "0"), 30), ("unmarked.mkv", ("0", "0"), 60)):
        inputs = (*odd.film(1), *odd.film(2), "-map", "0", "-map", "1", *odd.X264)
        dispositions = ("-disposition:v:0", marks[0], "-disposition:v:1", marks[1])
        odd.ff(*inputs, *dispositions, "-default_mode", "passthrough", "-y", tmp_path / name)
        assert video.probe(tmp_path / name).frames == frames


# -- nominal limits (14) -------------------------------------------------------------------------------------------


def test_nominal_limits_have_a_margin(tmp_path: Path) -> None:
    def made(rate_fps: str) -> Path:
        path = tmp_path / f"{rate_fps.replace('/', '_')}.mp4"
        odd.ff(*odd.film(1, 30), "-vf", f"fps={rate_fps}", *odd.X264, "-video_track_timescale", "90000", "-y", path)
        return path

    assert video.probe(made("2401/10")).rate_fps == pytest.approx(240.1, abs=0.1)
    with pytest.raises(MediaError, match="allowed are 240"):
        video.probe(made("250"))
    assert video.probe(made("30"), Limits(max_duration_s=0.99, max_frames=30)).frames == 30
    with pytest.raises(MediaError, match=r"lasts 1\.0 s"):
        video.probe(made("30"), Limits(max_duration_s=0.9))
    assert LIMITS.max_rate_fps == 240


# -- damage (16, 17) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("coding", "target"), [("mpeg2video", "r.mkv"), ("libx264", "r.mkv"), ("libx264", "r.mp4")])
def test_a_broadcast_with_a_lost_packet_is_taken_and_told(tmp_path: Path, coding: str, target: str) -> None:
    whole = odd.broadcast(tmp_path / "whole.ts", coding, 4.0, sound=False)
    source = odd.without_packets(whole, tmp_path / "lost.ts", 2)
    (warning,) = video.probe(source).warnings
    assert "the recording lost data at" in warning
    at_s = float(warning.split(" at ")[1].split(" s")[0])
    frames = zip(shown(whole).checksums, shown(source).checksums, strict=True)
    assert next(n for n, (before, after) in enumerate(frames) if before != after) / 25 == pytest.approx(at_s, abs=0.2)
    done = sounded(source, tmp_path / target)
    assert warning in done.warnings
    assert not video.probe(whole).warnings
    assert len(list(video.read_frames(source, rate_hz=25, width=32, height=24))) == 100


@pytest.mark.parametrize("share", [0.35, 0.6, 0.93])
@pytest.mark.parametrize("name", ["live.mp4", "live.webm"])
def test_a_crashed_recording_is_salvaged_if_asked(tmp_path: Path, name: str, share: float) -> None:
    make = odd.fragmented if name.endswith(".mp4") else odd.browser_recording
    source = odd.broken_off(make(tmp_path / name, 5.0), tmp_path / f"crashed{Path(name).suffix}", share)
    target = tmp_path / f"result{source.suffix}"
    for refused in (lambda: video.probe(source), lambda: sounded(source, target)):
        with pytest.raises(MediaError, match=r"cut short or damaged.*with the option salvage"):
            refused()
    info = video.probe(source, salvage=True)
    assert 0.2 < info.duration_s <= 5.0
    done = sounded(source, target, salvage=True)
    assert f"{info.duration_s:.1f} s" in next(one for one in done.warnings if "breaks off" in one)
    whole = shown(tmp_path / name).checksums
    assert shown(target).checksums == whole[: info.frames]
    assert len(list(video.read_frames(source, rate_hz=30, width=32, height=24, lenient=True))) > 0


def test_what_holds_nothing_is_not_salvaged(tmp_path: Path) -> None:
    """An ordinary mp4 says at its end where everything is."""
    source = odd.broken_off(odd.plain(tmp_path / "plain.mp4"), tmp_path / "half.mp4", 0.6)
    with pytest.raises(MediaError, match="cut short"):
        video.probe(source, salvage=True)


def test_many_large_pictures_do_not_outgrow_the_fence(tmp_path: Path) -> None:
    """64 tracks of 4096 x 2304 in one file of a few kilobytes: read or refused, in the memory of any other file."""
    odd.ff(*odd.film(0.1, size="4096x2304"), "-c:v", "mjpeg", "-q:v", "31", "-y", tmp_path / "one.mkv")
    maps = [part for _ in range(64) for part in ("-map", "0")]
    odd.ff("-i", tmp_path / "one.mkv", *maps, "-c", "copy", "-y", tmp_path / "many.mkv")
    try:
        assert video.probe(tmp_path / "many.mkv").frames == 3
    except MediaError as error:
        assert "memory" in str(error) or "work" in str(error)  # noqa: PT017 - either way is right
    assert ffmpeg.Fence().max_streams == 64
