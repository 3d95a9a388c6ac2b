"""A plain mp4 is looked at without ffmpeg, and what is said of it is what its packets say; all else is for ffmpeg."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from synth.errors import MediaError
from synth.media import ffmpeg, looking
from synth.media.plain_mp4.plain_look import plain_look
from synth.options import LIMITS

_X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "veryfast")
_FILM = "testsrc=duration=1.4:size=176x96:rate=25"


def film(target: Path, *options: str, sound: bool = False, source: str = _FILM) -> Path:
    """A film of ffmpeg's own pattern, with a tone where that is asked for."""
    arguments = ["-f", "lavfi", "-i", source]
    if sound:
        arguments += ["-f", "lavfi", "-i", "sine=duration=1.4", "-c:a", "aac"]
    ffmpeg_without_fence([*arguments, *_X264, *options, "-y", str(target)])
    return target


def ffmpeg_without_fence(arguments: list[str]) -> None:
    import subprocess

    subprocess.run([ffmpeg.binary(), "-v", "error", *arguments], check=True)


PLAIN = {
    "b-frames": ("-bf", "2"),
    "none": ("-bf", "0"),
    "at the front": ("-movflags", "+faststart"),
    "baseline": ("-profile:v", "baseline"),
    "slices": ("-x264-params", "slices=3"),
    "many keys": ("-g", "5"),
    "29.97": ("-r", "30000/1001"),
    "variable": ("-vf", "select='not(mod(n,3))+not(mod(n,7))'", "-fps_mode", "vfr"),
}
ODD = {
    "fragments": ("-movflags", "frag_keyframe+empty_moov"),
    "turned": ("-metadata:s:v", "rotate=90", "-vf", "transpose"),
    "fields": ("-flags", "+ilme+ildct", "-x264-params", "tff=1"),
    "chroma": ("-pix_fmt", "yuv444p"),
    "open groups": ("-x264-params", "open-gop=1:keyint=6:bframes=2"),
    "late": ("-output_ts_offset", "0.5"),
}


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("sound", [False, True])
def test_of_plain_films_the_same_is_said(kind: str, sound: bool, tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", *PLAIN[kind], sound=sound)
    found = plain_look(clip, LIMITS)
    assert found is not None
    assert found == looking.probe(clip)


@pytest.mark.parametrize("kind", ODD)
def test_of_odd_films_nothing_is_said_or_the_same(kind: str, tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", *ODD[kind])
    assert plain_look(clip, LIMITS) in (None, looking.probe(clip))


def test_other_kinds_are_for_ffmpeg(tmp_path: Path) -> None:
    for name in ("clip.mkv", "clip.mov", "clip.ts"):
        assert plain_look(film(tmp_path / name), LIMITS) is None
    two = tmp_path / "two.mp4"
    ffmpeg_without_fence(["-i", str(film(tmp_path / "a.mp4")), "-map", "0:v", "-map", "0:v", "-c", "copy", str(two)])
    assert plain_look(two, LIMITS) is None
    (tmp_path / "text.mp4").write_bytes(b"no film")
    (tmp_path / "empty.mp4").write_bytes(b"")
    for name in ("text.mp4", "empty.mp4", "missing.mp4"):
        assert plain_look(tmp_path / name, LIMITS) is None


def test_what_breaks_a_limit_is_for_ffmpeg_to_refuse(tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4")
    for broken in (
        {"max_duration_s": 1.0},
        {"max_frames": 10},
        {"max_rate_fps": 20.0},
        {"max_side_px": 100},
        {"max_pixels": 1000},
        {"max_bytes": 1000},
    ):
        limits = replace(LIMITS, **broken)  # type: ignore[arg-type]
        assert plain_look(clip, limits) is None
        with pytest.raises(MediaError):
            looking.probe(clip, limits)


def test_no_damage_is_taken_for_plain_that_ffmpeg_refuses(tmp_path: Path) -> None:
    """Bits of headers and tables, turned at random; what is taken all the same is what ffmpeg takes."""
    whole = film(tmp_path / "clip.mp4", "-movflags", "+faststart", sound=True).read_bytes()
    draw, damaged, taken = random.Random(5), tmp_path / "damaged.mp4", 0
    movie = whole.index(b"moov") - 4
    tables = int.from_bytes(whole[movie : movie + 4], "big")
    for number in range(400):
        data = bytearray(whole)
        place = movie + draw.randrange(tables) if number % 8 else draw.randrange(len(data))
        data[place] ^= 1 << draw.randrange(8)
        damaged.write_bytes(data)
        found = plain_look(damaged, LIMITS)
        if found is not None and data[place] != whole[place] and (taken := taken + 1) <= 60:
            # Damaged pixels, of which ffmpeg may complain when it decodes some, are the job's to tell of.
            assert found == replace(looking.probe(damaged), warnings=())
    assert taken


def test_what_ends_early_is_not_plain(tmp_path: Path) -> None:
    whole = film(tmp_path / "clip.mp4").read_bytes()
    short = tmp_path / "short.mp4"
    for end in range(0, len(whole), 97):
        short.write_bytes(whole[:end])
        assert plain_look(short, LIMITS) is None


def test_it_starts_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = film(tmp_path / "clip.mp4", sound=True)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr(ffmpeg.launcher, "start", refuse)
    assert plain_look(clip, LIMITS) is not None
