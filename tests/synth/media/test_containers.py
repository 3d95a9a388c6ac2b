"""The one table of which container holds what, as remuxing, command line, API and worker use it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest

from synth.errors import MediaError
from synth.media import complaints, containers, ffmpeg, looking, streams, video
from synth.media.picture import animated_pictures
from synth.media.remuxing import remux
from synth.media.streams import Stream
from synth.options import ExistingSound
from tests.support import odd_clips as odd
from tests.support.clips import SOUND_HZ, knocks

REPLACE, KEEP, MIX = ExistingSound.REPLACE, ExistingSound.KEEP, ExistingSound.MIX
_SAMPLES = {
    "h264": ("-c:v", "libx264", "-pix_fmt", "yuv420p"),
    "hevc": ("-c:v", "libx265", "-x265-params", "log-level=none:pools=1", "-pix_fmt", "yuv420p"),
    "mpeg1video": ("-c:v", "mpeg1video"),
    "mpeg2video": ("-c:v", "mpeg2video"),
    "mpeg4": ("-c:v", "mpeg4"),
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "av1": ("-c:v", "libsvtav1", "-preset", "12", "-pix_fmt", "yuv420p"),
    "mjpeg": ("-c:v", "mjpeg"),
    "prores": ("-c:v", "prores"),
    "ffv1": ("-c:v", "ffv1"),
    "dnxhd": ("-c:v", "dnxhd", "-profile:v", "dnxhr_lb", "-pix_fmt", "yuv422p", "-vf", "scale=256:144"),
    "qtrle": ("-c:v", "qtrle"),
    "dvvideo": ("-c:v", "dvvideo", "-vf", "scale=720:576", "-pix_fmt", "yuv420p"),
}
_SOUNDS = ("aac", "ac3", "alac", "eac3", "mp3", "flac", "mp2", "opus", "vorbis", "pcm_s16le", "pcm_s24le")
_CODERS = {"mp3": "libmp3lame", "opus": "libopus", "vorbis": "libvorbis"}


def tracks(path: Path) -> list[Stream]:
    """The tracks of a file as ffmpeg describes them."""
    with ffmpeg.Child(["-v", "level+info", "-i", f"file:{path}", "-f", "null", "pipe:1"]) as child:
        with contextlib.suppress(MediaError):  # it is decoded for the description's sake, and data cannot be
            child.finish()
        return list(streams.streams_of(streams.described(child.stderr)))


def kinds(path: Path) -> list[str]:
    return [
        f"{'cover' if one.cover else one.kind} {one.tag if one.kind == 'data' else one.coding}" for one in tracks(path)
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("coding", list(_SAMPLES))
def test_the_table_says_of_each_picture_whether_it_fits(tmp_path: Path, coding: str, suffix: str) -> None:
    assert set(_SAMPLES) == set(containers.VIDEO_CODECS) - set(animated_pictures.CODINGS)
    source = tmp_path / ("source.mov" if coding == "qtrle" else "source.mkv")
    target = tmp_path / f"result{suffix}"
    odd.ff(*odd.film(0.4, 25, "96x64"), *_SAMPLES[coding], "-y", source)
    if coding not in containers.for_target(target, coding, recut=True).video_codecs:
        with pytest.raises(MediaError, match=f"cannot hold a picture coded as {coding}"):
            remux(source, knocks(), SOUND_HZ, target, existing=REPLACE)
        return
    done = remux(source, knocks(), SOUND_HZ, target, existing=REPLACE)
    assert done.digests.packets_source == done.digests.packets_result
    assert done.digests.shown_source == done.digests.shown_result


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("coding", _SOUNDS)
def test_the_table_says_of_each_sound_whether_it_fits(tmp_path: Path, coding: str, suffix: str) -> None:
    picture = "vp9" if suffix == ".webm" else "h264"
    source, target = tmp_path / "source.mkv", tmp_path / f"result{suffix}"
    coder = ("-c:a", _CODERS.get(coding, coding))
    odd.ff(*odd.film(0.4, 25), *odd.tone(0.4), *_SAMPLES[picture], *coder, "-y", source)
    if not containers.holds_sound(containers.for_target(target, picture), coding):
        with pytest.raises(MediaError, match=rf"cannot hold sound coded as {coding}, as \.\w+ can"):
            remux(source, knocks(), SOUND_HZ, target, existing=KEEP)
        assert not target.exists()
        return
    done = remux(source, knocks(), SOUND_HZ, target, existing=KEEP)
    assert not done.warnings
    assert [one.coding for one in tracks(target) if one.kind == "sound"][1] == coding
    assert [one.default for one in tracks(target) if one.kind == "sound"] == [True, False]


@pytest.mark.parametrize(
    ("coding", "sounds", "how", "suffix"),
    [
        ("h264", (), {}, ".mp4"),
        ("hevc", ("aac",), {"existing": KEEP}, ".mp4"),
        ("h264", ("pcm_s16le",), {"existing": KEEP}, ".mov"),
        ("h264", ("pcm_s16le",), {"existing": MIX}, ".mp4"),
        ("h264", ("vorbis",), {"existing": KEEP}, ".mkv"),
        ("h264", ("aac", "none"), {"existing": KEEP}, ".mp4"),
        ("mpeg2video", ("mp2",), {"existing": KEEP}, ".mkv"),
        ("mpeg1video", (), {}, ".mkv"),
        ("prores", (), {}, ".mov"),
        ("vp8", (), {}, ".webm"),
        ("vp9", ("opus",), {"existing": KEEP, "transparent": True}, ".webm"),
        ("vp9", ("aac",), {"existing": KEEP, "transparent": True}, ".mkv"),
        ("vp9", ("aac",), {"existing": KEEP}, ".mp4"),
        ("h264", ("vorbis",), {"existing": KEEP, "hides_frames": True}, ".mp4"),
    ],
)
def test_a_server_chooses_by_the_table(coding: str, sounds: tuple[str, ...], how: dict[str, bool], suffix: str) -> None:
    tracks = [Stream(number, "sound", sound) for number, sound in enumerate(sounds, 1)]
    assert containers.suffix_for(coding, tracks, **how) == suffix  # type: ignore[arg-type]
    container = containers.for_target(Path(f"x{suffix}"), coding, transparent=bool(how.get("transparent")))
    assert coding in container.video_codecs


@pytest.mark.parametrize("name", ["a.vob", "a.mpg", "a.ts"])
def test_mpeg_2_goes_where_it_fits(tmp_path: Path, name: str) -> None:
    source = odd.broadcast(tmp_path / name)
    suffix = looking.look(source).result_suffix(KEEP)
    assert suffix == ".mkv"
    done = remux(source, knocks(), SOUND_HZ, tmp_path / f"r{suffix}", existing=KEEP)
    assert done.digests.shown_source == done.digests.shown_result
    assert kinds(tmp_path / f"r{suffix}") == ["picture mpeg2video", "sound flac", "sound mp2"]
    with pytest.raises(MediaError, match=r"a mp4 file cannot hold a picture coded as mpeg2video; \.mkv can"):
        remux(source, knocks(), SOUND_HZ, tmp_path / "r.mp4", existing=REPLACE)
    assert remux(source, knocks(), SOUND_HZ, tmp_path / "r.mp4", existing=REPLACE, recut=True).picture == "encoded"


# -- sound of unknown coding (5) -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["apac", "zzzz"])
@pytest.mark.parametrize("existing", list(ExistingSound))
def test_sound_of_unknown_coding_is_named_and_the_rest_kept(tmp_path: Path, tag: str, existing: ExistingSound) -> None:
    source = odd.with_unknown_sound(tmp_path / "phone.mp4", tag.encode())
    assert looking.look(source).result_suffix(existing) == ".mp4"
    done = remux(source, knocks(), SOUND_HZ, tmp_path / "r.mp4", existing=existing)
    (warning,) = done.warnings
    assert re.search(rf"leaves out sound \(\w*{tag}, track 2\)", warning)
    wanted = ["picture h264", "sound aac", *(["sound aac"] if existing is KEEP else [])]
    assert kinds(tmp_path / "r.mp4") == wanted


# -- transparency (10) ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coder", ["libvpx", "libvpx-vp9"])
def test_transparency_is_kept_or_the_container_refused(tmp_path: Path, coder: str) -> None:
    source = odd.transparent(tmp_path / "see.webm", coder)
    assert video.probe(source).transparent
    for suffix in (".mp4", ".mov"):
        target = tmp_path / f"r{suffix}"
        fits = suffix == ".mp4" and coder == "libvpx-vp9"
        with pytest.raises(MediaError, match="webm and mkv keep the transparency" if fits else "cannot hold a picture"):
            remux(source, knocks(), SOUND_HZ, target, existing=REPLACE)
        with pytest.raises(MediaError, match="webm and mkv keep the transparency"):
            remux(source, knocks(), SOUND_HZ, target, existing=REPLACE, recut=True)
        assert not target.exists()
    before = _opacity(source, coder, tmp_path)
    assert before.min() < 20
    assert before.max() > 230
    for suffix in (".webm", ".mkv"):
        remux(source, knocks(), SOUND_HZ, tmp_path / f"r{suffix}", existing=REPLACE)
        assert video.probe(tmp_path / f"r{suffix}").transparent
        assert np.array_equal(_opacity(tmp_path / f"r{suffix}", coder, tmp_path), before)
    assert looking.look(source).result_suffix(REPLACE) == ".webm"


def _opacity(path: Path, coder: str, folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    odd.ff("-c:v", coder, "-i", path, "-vf", "alphaextract", "-f", "rawvideo", "-y", folder / "alpha.raw")
    return np.fromfile(folder / "alpha.raw", np.uint8)


# -- what lies beside the picture (13) -----------------------------------------------------------------------------

MP4_ALL = ["picture h264", "sound aac", "sound aac", "sound aac", "subtitles mov_text", "cover mjpeg"]
MKV_ALL = ["picture h264", "sound flac", "sound aac", "sound aac", "subtitles subrip", "attachment none"]


@pytest.mark.parametrize(
    ("source", "target", "existing", "there", "left_out"),
    [
        ("all.mp4", "r.mp4", KEEP, MP4_ALL, ()),
        ("all.mp4", "r.mp4", REPLACE, [MP4_ALL[0], *MP4_ALL[3:]], ("sound (aac, track 2)",)),
        ("all.mp4", "r.mp4", MIX, [MP4_ALL[0], *MP4_ALL[3:]], ("sound (aac, track 2)",)),
        ("all.mp4", "r.mov", KEEP, MP4_ALL[:-1], ("cover (mjpeg, track 4)",)),
        ("all.mp4", "r.mkv", KEEP, MKV_ALL[:4], ("subtitles (mov_text, track 3)", "cover (mjpeg, track 4)")),
        ("all.mkv", "r.mkv", KEEP, MKV_ALL, ("cover (mjpeg, track 4)",)),
        (
            "all.mkv",
            "r.mp4",
            REPLACE,
            ["picture h264", "sound aac", "cover mjpeg"],
            ("sound (aac, track 2)", "subtitles (subrip, track 3)", "attachment (subtitles.srt, track 5)"),
        ),
        ("go.mp4", "r.mp4", REPLACE, ["picture h264", "sound aac", "data gpmd"], ()),
        ("go.mp4", "r.mov", REPLACE, ["picture h264", "sound aac", "data gpmd"], ()),
        ("go.mp4", "r.mkv", REPLACE, ["picture h264", "sound flac"], ("data (gpmd, track 1)",)),
    ],
)
def test_what_lies_beside_is_kept_or_named(
    tmp_path: Path, source: str, target: str, existing: ExistingSound, there: list[str], left_out: tuple[str, ...]
) -> None:
    made = odd.with_telemetry if source == "go.mp4" else odd.with_everything
    clip = made(tmp_path / source, tmp_path)
    done = remux(clip, knocks(), SOUND_HZ, tmp_path / target, existing=existing)
    assert kinds(tmp_path / target) == there
    assert done.digests.shown_source == done.digests.shown_result
    if not left_out:
        assert done.warnings == ()
        return
    (warning,) = done.warnings
    assert warning == f"the {target[2:]} file leaves out {', '.join(left_out)} of the source"


def test_telemetry_arrives_byte_for_byte(tmp_path: Path) -> None:
    source = odd.with_telemetry(tmp_path / "go.mp4", tmp_path)
    remux(source, knocks(), SOUND_HZ, tmp_path / "r.mp4", existing=REPLACE)
    for path in (source, tmp_path / "r.mp4"):
        odd.ff("-i", path, "-map", "0:d:0", "-c", "copy", "-f", "data", "-y", path.with_suffix(".raw"))
    assert source.with_suffix(".raw").read_bytes() == (tmp_path / "r.raw").read_bytes() != b""


def test_a_track_that_does_not_fit_after_all_costs_the_track_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the table were wrong: ffmpeg's refusal is heard, and the result is made without the track."""
    monkeypatch.setattr(containers, "_is_held", lambda one, *_: one.kind == "subtitles")
    source = odd.with_everything(tmp_path / "all.mkv", tmp_path)
    done = remux(source, knocks(), SOUND_HZ, tmp_path / "r.mp4", existing=REPLACE)
    assert "subtitles (subrip, track 3)" in done.warnings[0]
    assert kinds(tmp_path / "r.mp4") == ["picture h264", "sound aac"]


# -- what ffmpeg complains of --------------------------------------------------------------------------------------


def test_complaints_are_heard_once_each() -> None:
    said = "\n".join(
        [
            "[in#0 @ 0x55] [warning] stream 0, timescale not set",
            "[mov @ 0x1] [mov,mp4 @ 0x2] [warning] Something 12 nobody foresaw",
            "[mov @ 0x1] [mov,mp4 @ 0x3] [warning] Something 13 nobody foresaw",
            "[h264 @ 0x5] [error] error while decoding MB 3 4, bytestream 5",
            "[h264 @ 0x5] [error] concealing 4 DC, 4 AC, 4 MV errors in P frame",
            "[in#0 @ 0x55] [info] nothing",
            *(f"[x @ 0x1] [error] strange {letter * 3}" for letter in "ghijk"),
        ]
    )
    assert complaints.heard(said) == (
        "ffmpeg found something odd: Something 12 nobody foresaw",
        "parts of the picture are damaged and do not decode as they were recorded",
        "ffmpeg found something odd: strange ggg",
        "ffmpeg found something odd: strange hhh",
    )


def test_what_a_demuxer_complains_of_reaches_the_person(tmp_path: Path) -> None:
    odd.ff(*odd.film(2), *odd.X264, "-y", tmp_path / "one.mkv")
    (tmp_path / "more.mkv").write_bytes((tmp_path / "one.mkv").read_bytes() + b"\x00" * 5000)
    warnings = video.probe(tmp_path / "more.mkv").warnings
    assert any("odd" in warning for warning in warnings), warnings
    assert video.probe(tmp_path / "one.mkv").warnings == ()
