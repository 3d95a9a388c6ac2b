"""What recorders and editors write: FFV1, DNxHR, QuickTime Animation, DV, MXF. Copied into mkv or mov, bit for bit."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from synth.errors import MediaError
from synth.media import containers, ffmpeg, guard, packets, video
from synth.options import LIMITS, ExistingSound
from tests.support.clips import FENCE, SOUND_HZ, encode, knocks, refused_or_read

DNXHR = ("-c:v", "dnxhd", "-profile:v", "dnxhr_lb", "-pix_fmt", "yuv422p", "-vf", "scale=256:144")
DV = ("-c:v", "dvvideo", "-vf", "scale=720:576", "-pix_fmt", "yuv420p", "-r", "25")
MADE = {
    "ffv1.mkv": ("-c:v", "ffv1"),
    "dnxhr.mov": DNXHR,
    "dnxhr.mxf": DNXHR,
    "mpeg2.mxf": ("-c:v", "mpeg2video", "-r", "25"),
    "qtrle.mov": ("-c:v", "qtrle"),
    "dv.avi": DV,
    "dv.dv": (*DV, "-f", "dv"),
}
HELD = {
    "ffv1.mkv": (".mkv",),
    "dnxhr.mov": (".mov", ".mkv"),
    "dnxhr.mxf": (".mov", ".mkv"),
    "mpeg2.mxf": (".mkv",),
    "qtrle.mov": (".mov",),
    "dv.avi": (".mov", ".mkv"),
    "dv.dv": (".mov", ".mkv"),
}
CODINGS = {"ffv1": "ffv1", "dnxhr": "dnxhd", "mpeg2": "mpeg2video", "qtrle": "qtrle", "dv": "dvvideo"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("studio")
    for name, options in MADE.items():
        encode(folder / name, *options, "-strict", "unofficial", count=25, rate="25")
    return {name: folder / name for name in MADE}


@pytest.mark.parametrize(("name", "suffix"), [(name, suffix) for name in HELD for suffix in HELD[name]])
def test_it_is_copied_bit_for_bit(made: dict[str, Path], tmp_path: Path, name: str, suffix: str) -> None:
    source, target = made[name], tmp_path / f"result{suffix}"
    before = video.probe(source)
    assert before.video_codec == CODINGS[name.partition(".")[0]]
    assert (before.frames, before.rate_fps) == (25, 25.0)
    assert before.duration_s == pytest.approx(1.0)
    done = video.remux(source, knocks(1.0), SOUND_HZ, target, existing=ExistingSound.REPLACE)
    assert done.picture == "copied"
    assert done.digests.packets_source == done.digests.packets_result == packets.packet_digest(target)
    after = video.probe(target)
    assert (after.frames, after.rate_fps) == (25, 25.0)
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.002)
    one, other = (np.stack(list(video.read_frames(path, rate_hz=25, width=64, height=48))) for path in (source, target))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("name", list(HELD))
def test_a_container_that_cannot_hold_it_is_refused(made: dict[str, Path], tmp_path: Path, name: str) -> None:
    for suffix in {".mp4", ".mov", ".mkv", ".webm"} - set(HELD[name]):
        with pytest.raises(MediaError, match=r"cannot hold a picture coded as .* can"):
            video.remux(made[name], knocks(), SOUND_HZ, tmp_path / f"r{suffix}", existing=ExistingSound.REPLACE)
    assert not list(tmp_path.iterdir())
    assert containers.suffix_for(video.probe(made[name]).video_codec) in HELD[name]


def test_the_sound_of_a_camcorder_is_kept(tmp_path: Path) -> None:
    encode(tmp_path / "mute.avi", *DV, count=25, rate="25")
    sound = ("-f", "f32le", "-ar", "48000", "-ac", "1", "-i", "pipe:0", "-map", "0:v", "-map", "1:a", "-c:v", "copy")
    how = ("-c:a", "pcm_s16le", "-ac", "2", "-f", "dv", "-y", f"file:{tmp_path / 'voiced.dv'}")
    arguments = ["-v", "error", "-i", f"file:{tmp_path / 'mute.avi'}", *sound, *how]
    ffmpeg.run(arguments, fence=FENCE, feed=[knocks(1.0).data])
    assert video.probe(tmp_path / "voiced.dv").audio_codec == "pcm_s16le"
    for suffix in (".mov", ".mkv"):
        target = tmp_path / f"result{suffix}"
        video.remux(tmp_path / "voiced.dv", 0.1 * knocks(1.0), SOUND_HZ, target, existing=ExistingSound.KEEP)
        assert [one.coding for one in packets.listing(target, LIMITS).sounds][1] == "pcm_s16le"


# -- hostile files -------------------------------------------------------------------------------------------------

NEW_FORMATS = ("mxf", "dv", "gif", "apng", "webp_anim")
NEW_DECODERS = ("ffv1", "dnxhd", "qtrle", "dvvideo", "gif", "apng", "webp_anim")


def test_the_lists_say_each_by_name() -> None:
    assert set(NEW_FORMATS) <= set(guard.FORMATS.split(","))
    assert set(NEW_DECODERS) <= set(guard.VIDEO_DECODERS.split(","))
    # Their neighbours, which open other files or decode still pictures, stay out.
    assert not {"gif_pipe", "png_pipe", "webp_pipe", "image2", "dvdvideo"} & set(guard.FORMATS.split(","))
    assert not {"png", "webp", "magicyuv", "hap"} & set(guard.VIDEO_DECODERS.split(","))


@pytest.mark.parametrize("name", list(MADE))
def test_damage_is_refused_or_read_but_breaks_nothing(made: dict[str, Path], tmp_path: Path, name: str) -> None:
    whole = made[name].read_bytes()
    draw = np.random.default_rng(11)
    for number in range(8):
        damaged = bytearray(whole[: len(whole) // 3] if number == 0 else whole)
        places = draw.integers(0, min(len(damaged), 4096 if number % 2 else len(damaged)), 4 * (1 + number))
        for at in places:
            damaged[at] = draw.integers(0, 256)
        path = tmp_path / f"{number}{Path(name).suffix}"
        path.write_bytes(bytes(damaged))
        started_s = time.monotonic()
        with refused_or_read():
            list(video.read_frames(path, rate_hz=5, width=32, height=32))
        assert time.monotonic() - started_s < 20


def test_a_size_that_is_a_lie_is_refused(made: dict[str, Path], tmp_path: Path) -> None:
    """The sample entry of QuickTime Animation claims 65535 x 65535."""
    whole = bytearray(made["qtrle.mov"].read_bytes())
    at = whole.rfind(b"rle ") + 28
    assert whole[at : at + 4] == b"\0\x40\0\x30"
    whole[at : at + 4] = b"\xff" * 4
    (tmp_path / "huge.mov").write_bytes(bytes(whole))
    with pytest.raises(MediaError, match=r"the picture is 65535 x 65535|larger than is allowed"):
        video.probe(tmp_path / "huge.mov")


@pytest.mark.parametrize("suffix", [".mxf", ".dv"])
def test_noise_of_the_kind_is_refused(tmp_path: Path, suffix: str) -> None:
    begins = {".mxf": bytes.fromhex("060e2b34020501010d0102010102"), ".dv": bytes.fromhex("1f07003f")}[suffix]
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(begins + np.random.default_rng(3).bytes(300_000))
    with pytest.raises(MediaError) as refused:
        list(video.read_frames(path, rate_hz=5, width=32, height=32))
    assert "signal" not in str(refused.value)
