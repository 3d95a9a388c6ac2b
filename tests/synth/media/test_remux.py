"""Another sound under the same picture: bit for bit, in time, whole or not at all."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from synth.errors import Cancelled, MediaError
from synth.media import audio, ffmpeg, video
from synth.options import ExistingSound
from tests.support.clips import KNOCK_S, RATE_FPS, SOUND_HZ, Zoo, knock_at_s, knocks, shown

FRAME_S = 1 / RATE_FPS
REPLACE, KEEP, MIX = ExistingSound.REPLACE, ExistingSound.KEEP, ExistingSound.MIX

looked_at = functools.cache(video.probe)  # the sources serve several tests
digest = functools.cache(video.packet_digest)
shows = functools.cache(shown)


def streams(path: Path) -> str:
    """ffmpeg's description of a file."""
    with ffmpeg.Child(["-i", f"file:{path}", "-map", "0", "-c", "copy", "-f", "null", "-"]) as child:
        child.finish()
        return child.stderr.split("Stream mapping")[0]


@pytest.mark.parametrize(
    ("name", "suffix", "codec"),
    [
        ("plain.mp4", ".mp4", "aac"),
        ("plain.mp4", ".mkv", "flac"),
        ("plain.mkv", ".mp4", "aac"),
        ("plain.webm", ".webm", "opus"),
        ("hevc.mkv", ".mp4", "aac"),
        ("prores.mov", ".mov", "aac"),
        ("mpeg4.avi", ".mp4", "aac"),
        ("ntsc.mp4", ".mov", "aac"),
        ("odd.mp4", ".mp4", "aac"),
        ("late.mp4", ".mp4", "aac"),
        ("late.mp4", ".mkv", "flac"),
        ("late.mkv", ".mp4", "aac"),
        ("edited.mp4", ".mp4", "aac"),
        ("turned.mp4", ".mp4", "aac"),
        ("turned.mp4", ".mkv", "flac"),
        ("variable.mp4", ".mp4", "aac"),
        ("variable.mkv", ".mkv", "flac"),
        ("voiced.mp4", ".mp4", "aac"),
        ("late_voiced.mp4", ".mp4", "aac"),
    ],
)
def test_the_picture_stays_and_the_sound_is_ours(zoo: Zoo, tmp_path: Path, name: str, suffix: str, codec: str) -> None:
    source, target = zoo[name], tmp_path / f"result{suffix}"
    video.remux(source, knocks(5.0), SOUND_HZ, target, existing=REPLACE)
    before, after = looked_at(source), video.probe(target)
    assert video.packet_digest(target) == digest(source)
    assert after.audio_codec == codec
    assert (after.frames, after.rotation_deg, after.width) == (before.frames, before.rotation_deg, before.width)
    assert after.start_s == pytest.approx(before.start_s, abs=0.001)
    (times_before, pixels_before), (times_after, pixels_after) = shows(source), shown(target)
    assert pixels_after == pixels_before
    assert times_after == pytest.approx(times_before, abs=0.0005 if suffix == ".mkv" else 1e-9)
    at_s, duration_s = knock_at_s(target)
    assert at_s == pytest.approx(before.start_s + KNOCK_S, abs=0.002)
    assert duration_s == pytest.approx(before.duration_s, abs=FRAME_S)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_transport_stream_keeps_its_frames(zoo: Zoo, tmp_path: Path) -> None:
    """Its packets are written otherwise (start codes), and its clock starts anywhere; what is shown is the same."""
    video.remux(zoo["plain.ts"], knocks(), SOUND_HZ, tmp_path / "result.mp4", existing=REPLACE)
    times, pixels = shown(tmp_path / "result.mp4")
    assert pixels == shown(zoo["plain.ts"])[1]
    assert times[0] == 0
    assert knock_at_s(tmp_path / "result.mp4")[0] == pytest.approx(KNOCK_S, abs=0.002)


@pytest.mark.parametrize("name", ["program.mpg", "voiced.mpg"])
def test_a_program_stream_keeps_its_picture_bit_for_bit(zoo: Zoo, tmp_path: Path, name: str) -> None:
    """It states the times of some frames only, and its clock starts anywhere."""
    info = video.probe(zoo[name])
    assert (info.container, info.video_codec, info.frames) == ("mpeg", "mpeg1video", 48)
    assert not info.variable_rate
    target = tmp_path / "result.mkv"
    video.remux(zoo[name], knocks(), SOUND_HZ, target, existing=REPLACE)
    assert video.packet_digest(target) == video.packet_digest(zoo[name])
    assert shown(target)[1] == shown(zoo[name])[1]
    assert video.probe(target).duration_s == pytest.approx(info.duration_s, abs=0.001)
    assert knock_at_s(target)[0] == pytest.approx(info.start_s + KNOCK_S, abs=0.02)


def test_a_short_sound_is_filled_with_silence(zoo: Zoo, tmp_path: Path) -> None:
    video.remux(zoo["plain.mp4"], knocks(0.5), SOUND_HZ, tmp_path / "result.mkv", existing=REPLACE)
    sound, rate_hz = audio.read(tmp_path / "result.mkv")
    assert len(sound) == 2 * rate_hz
    assert not sound[rate_hz:].any()


def test_flac_in_matroska_loses_nothing(zoo: Zoo, tmp_path: Path) -> None:
    video.remux(zoo["plain.mp4"], knocks(), SOUND_HZ, tmp_path / "result.mkv", existing=REPLACE)
    sound, _ = audio.read(tmp_path / "result.mkv")
    assert np.abs(sound - knocks()).max() < 2**-22


@pytest.mark.parametrize(("name", "suffix"), [("plain.mp4", ".mp4"), ("plain.mp4", ".mkv"), ("plain.webm", ".webm")])
def test_the_same_input_gives_the_same_file(zoo: Zoo, tmp_path: Path, name: str, suffix: str) -> None:
    files = [tmp_path / f"{letter}{suffix}" for letter in "ab"]
    for file in files:
        video.remux(zoo[name], knocks(), SOUND_HZ, file, existing=REPLACE)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "suffix", "rate_hz"),
    [
        ("plain.mp4", ".mp4", 20_000),
        ("plain.mp4", ".mp4", 44_100),
        ("plain.mp4", ".mkv", 20_000),
        ("plain.webm", ".webm", 16_000),
        ("plain.webm", ".webm", 44_100),
    ],
)
def test_any_rate_of_sound_fits(zoo: Zoo, tmp_path: Path, name: str, suffix: str, rate_hz: int) -> None:
    target = tmp_path / f"result{suffix}"
    video.remux(zoo[name], knocks(rate_hz=rate_hz), rate_hz, target, existing=REPLACE)
    at_s, duration_s = knock_at_s(target)
    assert at_s == pytest.approx(KNOCK_S, abs=0.002)
    assert duration_s == pytest.approx(2.0, abs=FRAME_S)


# -- sound that is there already -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("voiced.mp4", ".mp4"), ("voiced.mkv", ".mkv"), ("voiced.webm", ".webm"), ("late_voiced.mp4", ".mov")],
)
def test_kept_sound_is_the_second_track_bit_for_bit(zoo: Zoo, tmp_path: Path, name: str, suffix: str) -> None:
    target = tmp_path / f"result{suffix}"
    video.remux(zoo[name], 0.1 * knocks(), SOUND_HZ, target, existing=KEEP)
    described = [line for line in streams(target).splitlines() if "Audio:" in line]
    assert ["(default)" in line for line in described] == [True, False]
    assert _sound_packets(target, 1) == _sound_packets(zoo[name], 0)
    assert np.abs(audio.read(target)[0]).max() < 0.1


def _sound_packets(path: Path, track: int) -> bytes:
    how = ("-map", f"0:a:{track}", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "pipe:1")
    return ffmpeg.run(["-v", "error", "-i", f"file:{path}", *how]).stdout


@pytest.mark.parametrize(
    ("name", "suffix"), [("voiced.mp4", ".mkv"), ("voiced.mkv", ".mp4"), ("late_voiced.mp4", ".mkv")]
)
def test_mixed_sound_is_the_sum(zoo: Zoo, tmp_path: Path, name: str, suffix: str) -> None:
    target = tmp_path / f"result{suffix}"
    ours = (0.1 * np.sin(2 * np.pi * 3000 * np.arange(2 * SOUND_HZ) / SOUND_HZ)).astype(np.float32)
    video.remux(zoo[name], ours, SOUND_HZ, target, existing=MIX)
    sound, rate_hz = audio.read(target)
    assert rate_hz == SOUND_HZ
    assert len(sound) / rate_hz == pytest.approx(2.0, abs=FRAME_S)
    assert streams(target).count("Audio:") == 1
    spectrum = np.abs(np.fft.rfft(sound[SOUND_HZ // 2 : SOUND_HZ]))
    bin_hz = 2.0
    assert spectrum[int(3000 / bin_hz)] / (SOUND_HZ / 4) == pytest.approx(0.1, rel=0.05)
    assert spectrum[int(440 / bin_hz)] > 100
    # The old sound still lies where it lay; of the late video's it loses the first knock, which precedes the picture.
    began_s = KNOCK_S + 0.5 if name.startswith("late") else KNOCK_S
    alone = tmp_path / "alone.mkv"
    video.remux(zoo[name], np.zeros(9, np.float32), SOUND_HZ, alone, existing=MIX)
    assert knock_at_s(alone)[0] == pytest.approx(began_s, abs=0.003)


def test_mixed_sound_stays_in_range(zoo: Zoo, tmp_path: Path) -> None:
    video.remux(zoo["voiced.mkv"], np.full(96_000, 0.9, np.float32), SOUND_HZ, tmp_path / "loud.mkv", existing=MIX)
    assert np.abs(audio.read(tmp_path / "loud.mkv")[0]).max() < 0.95


@pytest.mark.parametrize("existing", list(ExistingSound))
def test_a_silent_source_takes_any_choice(zoo: Zoo, tmp_path: Path, existing: ExistingSound) -> None:
    video.remux(zoo["plain.mp4"], knocks(), SOUND_HZ, tmp_path / "result.mp4", existing=existing)
    assert streams(tmp_path / "result.mp4").count("Audio:") == 1


@pytest.mark.parametrize(
    ("suffix", "metadata"),
    [
        (".mp4", {"title": "Drum; \"quoted\" = 'yes'\nsecond 🥁", "comment": "-i"}),
        (".mp4", {"title": "Drum", "sonorize_seed": "7"}),
        (".mkv", {"title": "Drum", "sonorize_seed": "7"}),
    ],
)
def test_tags_arrive(zoo: Zoo, tmp_path: Path, suffix: str, metadata: dict[str, str]) -> None:
    target = tmp_path / f"result{suffix}"
    video.remux(zoo["plain.mp4"], knocks(), SOUND_HZ, target, existing=REPLACE, metadata=metadata)
    tags = ffmpeg.run(["-v", "error", "-i", f"file:{target}", "-f", "ffmetadata", "pipe:1"]).stdout.decode()
    plain = tags.replace("\\", "").lower()
    for name, value in metadata.items():
        assert f"{name}={value}".lower() in plain


def test_tags_that_cannot_be_written(zoo: Zoo, tmp_path: Path) -> None:
    for metadata in ({"a=b": "c"}, {"": "c"}, {"a": "\0"}):
        with pytest.raises(MediaError, match="tag"):
            video.remux(zoo["plain.mp4"], knocks(), SOUND_HZ, tmp_path / "r.mp4", existing=REPLACE, metadata=metadata)


# -- what cannot be done leaves nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target", "existing", "says"),
    [
        ("plain.mp4", "result.webm", REPLACE, "cannot hold a picture coded as h264"),
        ("plain.webm", "result.mov", REPLACE, "cannot hold a picture coded as vp8"),
        ("plain.mp4", "result.gif", REPLACE, "allowed are .mp4"),
        ("plain.mp4", "results", REPLACE, "has no ending; allowed are .mp4.*; for a folder .* write 'results/'"),
        ("edited.mp4", "result.mkv", REPLACE, "hides frames"),
        ("voiced.mkv", "result.mov", KEEP, "cannot hold"),
        ("plain.mp4", "none/result.mp4", REPLACE, "folder does not exist"),
        ("plain.mp4", "x" * 252 + ".mp4", REPLACE, "name is too long"),
        ("text.mp4", "result.mp4", REPLACE, "not a video"),
    ],
)
def test_what_cannot_be_done(
    zoo: Zoo, tmp_path: Path, name: str, target: str, existing: ExistingSound, says: str
) -> None:
    with pytest.raises(MediaError, match=says):
        video.remux(zoo[name], knocks(), SOUND_HZ, tmp_path / target, existing=existing)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(zoo: Zoo, tmp_path: Path) -> None:
    target = tmp_path / "result.mp4"
    target.write_text("mine")
    with pytest.raises(MediaError, match="exists already"):
        video.remux(zoo["plain.mp4"], knocks(), SOUND_HZ, target, existing=REPLACE)
    assert target.read_text() == "mine"
    source = tmp_path / "source.mp4"
    shutil.copy(zoo["plain.mp4"], source)
    with pytest.raises(MediaError, match="exists already"):
        video.remux(source, knocks(), SOUND_HZ, source, existing=REPLACE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.mp4", "source.mp4"]


@pytest.mark.parametrize("when", [0, 1])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, None])
def test_stopping_leaves_nothing(zoo: Zoo, tmp_path: Path, when: int, stop: type[BaseException] | None) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        if asked > when and stop is not None:
            raise stop
        return asked > when

    with pytest.raises(stop or Cancelled):
        video.remux(
            zoo["plain.mp4"], knocks(), SOUND_HZ, tmp_path / "result.mp4", existing=REPLACE, cancelled=cancelled
        )
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB, where this machine allows mounting one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("a full disk needs the right to mount a small one")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing(zoo: Zoo, small_disk: Path) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 96_000).astype(np.float32)
    with pytest.raises(MediaError, match="disk is full"):
        video.remux(zoo["plain.mp4"], noise, SOUND_HZ, small_disk / "result.mkv", existing=REPLACE)
    with pytest.raises(MediaError, match="disk is full"):
        audio.write(small_disk / "noise.wav", noise, SOUND_HZ)
    frames = (np.random.default_rng(i).integers(0, 255, (96, 128, 3)).astype(np.uint8) for i in range(48))
    with pytest.raises(MediaError, match="disk is full"):
        video.write_frames(frames, small_disk / "noise.mp4", rate_fps=24)
    assert not list(small_disk.iterdir())
