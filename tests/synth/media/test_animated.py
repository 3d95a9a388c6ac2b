"""GIF, animated WebP and APNG are silent clips: taken, their picture coded so that nobody sees a difference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth.cli.clips import found, plan
from synth.errors import MediaError
from synth.media import video
from synth.options import ExistingSound, Mode, Options
from synth.pipeline.sonorize import sonorize
from tests.support.animated import DELAYS_MS, HEIGHT, KINDS, WIDTH, animated, drawn
from tests.support.clips import SOUND_HZ, Zoo, knock_at_s, knocks, refused_or_read
from tests.support.voices import FlashVoice


@pytest.mark.parametrize("suffix", list(KINDS))
def test_an_animated_picture_is_looked_at(tmp_path: Path, suffix: str) -> None:
    info = video.probe(animated(tmp_path / f"clip{suffix}"))
    assert (info.video_codec, info.container) == (KINDS[suffix], KINDS[suffix])
    assert (info.frames, info.width, info.height, info.audio_codec) == (len(DELAYS_MS), WIDTH, HEIGHT, None)
    assert info.duration_s == pytest.approx(sum(DELAYS_MS) / 1000, abs=0.011)
    assert info.variable_rate


@pytest.mark.parametrize("suffix", list(KINDS))
def test_its_frames_are_read_when_they_are_shown(tmp_path: Path, suffix: str) -> None:
    frames = list(video.read_frames(animated(tmp_path / f"clip{suffix}"), rate_hz=50, width=WIDTH, height=HEIGHT))
    ends_ms = np.cumsum(DELAYS_MS)
    assert len(frames) == ends_ms[-1] // 20
    for slot in range(2, len(frames), 7):
        number = int(np.searchsorted(ends_ms, slot * 20, side="right"))
        assert np.abs(frames[slot].astype(int) - drawn(number)[..., :3]).mean() < 4, slot


@pytest.mark.parametrize("target_suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("suffix", list(KINDS))
def test_its_picture_is_coded_near_lossless(tmp_path: Path, suffix: str, target_suffix: str) -> None:
    source, target = animated(tmp_path / f"clip{suffix}"), tmp_path / f"result{target_suffix}"
    done = video.remux(source, knocks(5.0), SOUND_HZ, target, existing=ExistingSound.REPLACE)
    assert done.picture == "encoded"
    assert len([one for one in done.warnings if "coded anew" in one]) == 1
    before, after = video.probe(source), video.probe(target)
    assert after.video_codec == ("ffv1" if target_suffix == ".mkv" else "h264")
    assert (after.frames, after.start_s) == (before.frames, 0.0)
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.0011)
    assert knock_at_s(target)[1] == pytest.approx(before.duration_s, abs=0.03)
    frames = [list(video.read_frames(path, rate_hz=25, width=WIDTH, height=HEIGHT)) for path in (source, target)]
    one, other = (np.stack(some).astype(float) for some in frames)
    weights = np.array([0.2126, 0.7152, 0.0722])
    error = np.sqrt((((one - other) @ weights) ** 2).mean())
    assert 20 * np.log10(255 / max(error, 1e-9)) > (60 if target_suffix == ".mkv" else 42)


@pytest.mark.parametrize("suffix", list(KINDS))
def test_what_is_transparent_is_shown_on_white(tmp_path: Path, suffix: str) -> None:
    source = animated(tmp_path / f"clip{suffix}", transparent=True)
    video.remux(source, knocks(5.0), SOUND_HZ, tmp_path / "result.mp4", existing=ExistingSound.REPLACE)
    for path in (source, tmp_path / "result.mp4"):
        (first, *_) = video.read_frames(path, rate_hz=10, width=WIDTH, height=HEIGHT)
        assert first[4:16].min() > 245
        assert first[30:].min() < 100


def test_an_odd_size_gains_the_last_line_again(tmp_path: Path) -> None:
    source = animated(tmp_path / "clip.gif", width=WIDTH - 1)
    video.remux(source, knocks(5.0), SOUND_HZ, tmp_path / "result.mp4", existing=ExistingSound.REPLACE)
    info = video.probe(tmp_path / "result.mp4")
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    (first, *_) = video.read_frames(tmp_path / "result.mp4", rate_hz=10, width=WIDTH, height=HEIGHT)
    assert np.abs(first[:, -1].astype(int) - first[:, -2]).mean() < 6


@pytest.mark.parametrize("suffix", list(KINDS))
def test_a_still_is_made_of_it(tmp_path: Path, suffix: str) -> None:
    video.thumbnail(animated(tmp_path / f"clip{suffix}"), tmp_path / "still.png", 0.72, width=WIDTH)
    still = np.asarray(Image.open(tmp_path / "still.png").convert("RGB")).astype(int)
    assert np.abs(still - drawn(6)[..., :3]).mean() < 4


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_one_frame_is_no_film(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(MediaError, match=r"one frame|not of a kind that is read"):
        video.probe(animated(tmp_path / f"clip{suffix}", count=1))


def test_webm_does_not_take_it(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"\.mp4, \.m4v, \.mov, \.mkv can"):
        video.remux(
            animated(tmp_path / "clip.gif"), knocks(), SOUND_HZ, tmp_path / "r.webm", existing=ExistingSound.REPLACE
        )


def test_the_result_says_that_it_was_coded(tmp_path: Path, flash_voice: FlashVoice, zoo: Zoo) -> None:
    source = animated(tmp_path / "clip.gif")
    (output,) = sonorize(source, tmp_path / "result.mp4", Options(mode=Mode.HITS)).outputs
    assert output.as_json()["picture"] == "encoded"
    assert output.as_json()["delivered"]["coding"] == "aac"
    (copied,) = sonorize(zoo["plain.mp4"], tmp_path / "copied.mp4", Options(mode=Mode.HITS)).outputs
    assert copied.as_json()["picture"] == "copied"


# -- hostile files -------------------------------------------------------------------------------------------------


def _claims(suffix: str, place: Callable[[bytes], int], width: int = 4) -> Callable[[Path], bytes]:
    """A picture whose header claims to be as large as can be said."""

    def make(path: Path) -> bytes:
        whole = bytearray(animated(path.with_suffix(suffix)).read_bytes())
        at = place(bytes(whole))
        whole[at : at + width] = b"\xff" * width
        return bytes(whole)

    return make


HUGE = {
    "huge.gif": _claims(".gif", lambda _: 6),
    "huge.png": _claims(".png", lambda whole: whole.find(b"IHDR") + 5, 2),
    "huge.webp": _claims(".webp", lambda whole: whole.find(b"VP8X") + 12, 6),
}


@pytest.mark.parametrize("name", list(HUGE))
def test_a_size_that_is_a_lie_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HUGE[name](tmp_path / "made"))
    with pytest.raises(MediaError) as refused:
        list(video.read_frames(tmp_path / name, rate_hz=10, width=32, height=32))
    assert "signal" not in str(refused.value)


@pytest.mark.parametrize("suffix", list(KINDS))
def test_damage_is_refused_or_read_but_breaks_nothing(tmp_path: Path, suffix: str) -> None:
    whole = animated(tmp_path / f"whole{suffix}").read_bytes()
    draw = np.random.default_rng(5)
    for number in range(12):
        damaged = bytearray(whole[: len(whole) // 2] if number == 0 else whole)
        for at in draw.integers(8, len(damaged), 1 + number):
            damaged[at] = draw.integers(0, 256)
        path = tmp_path / f"damaged{number}{suffix}"
        path.write_bytes(bytes(damaged))
        with refused_or_read():
            list(video.read_frames(path, rate_hz=5, width=32, height=32))


def test_in_a_folder_its_result_is_an_mp4(tmp_path: Path) -> None:
    clips = [tmp_path / "a.gif", tmp_path / "b.webp", tmp_path / "c.png", tmp_path / "d.mov", tmp_path / "e.mxf"]
    targets = [target.name for _, target in plan(found(clips), f"{tmp_path}/out/", 1)]
    assert targets == ["a.mp4", "b.mp4", "c.mp4", "d.mov", "e.mkv"]
