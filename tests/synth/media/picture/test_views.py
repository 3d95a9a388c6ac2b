"""What the first reader of a picture leaves behind is what later readers would have decoded themselves."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth.errors import MediaError
from synth.media import video
from synth.media.ffmpeg import binary
from synth.media.looking import look
from synth.media.picture import views
from synth.media.picture.views import View, Views
from synth.media.shown import shown
from synth.options import ExistingSound, Mode, Options
from synth.pipeline.job import Request
from synth.pipeline.sonorize import sonorize, sonorize_all
from tests.support.voices import FlashVoice

PATIENCE_S = 60.0  # much more than it takes on a busy machine
SMALL, LARGE = View.of(7.5, 20, 16), View.of(30, 64, 48)


def read(clip: Path, view: View, kept: Views | None = None) -> list[Any]:
    reader = video.read_frames(clip, rate_hz=float(view.rate), width=view.width, height=view.height, views=kept)
    return [frame.copy() for frame in reader]


@pytest.fixture
def kept(tmp_path: Path) -> Views:
    folder = tmp_path / "views"
    folder.mkdir()
    kept = Views(folder)
    kept.want(lambda _: [SMALL, LARGE])
    return kept


def test_views_are_those_that_would_be_decoded(flash_clip: Path, kept: Views) -> None:
    first = read(flash_clip, View.of(10, 32, 24), kept)
    assert np.array_equal(first, read(flash_clip, View.of(10, 32, 24)))
    assert set(kept.names) == {SMALL, LARGE}
    for view in (SMALL, LARGE):
        assert np.array_equal(read(flash_clip, view, kept), read(flash_clip, view))
    assert kept.shown is not None
    assert kept.shown.digest == shown(flash_clip, clock=look(flash_clip).found.clock).digest


def test_what_is_kept_is_not_decoded_again(flash_clip: Path, kept: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    read(flash_clip, View.of(10, 32, 24), kept)
    monkeypatch.setattr(video, "_decoded", lambda *_: pytest.fail("it was decoded again"))
    assert len(read(flash_clip, SMALL, kept)) == 15


def test_a_reader_that_stops_early_leaves_nothing(flash_clip: Path, kept: Views) -> None:
    reader = video.read_frames(flash_clip, rate_hz=10, width=32, height=24, views=kept)
    next(reader)
    del reader
    assert kept.names == {}
    assert kept.shown is None
    assert np.array_equal(read(flash_clip, SMALL, kept), read(flash_clip, SMALL))


def test_no_more_is_kept_than_there_is_room_for(flash_clip: Path, kept: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_BYTES", 20 * SMALL.frame_bytes)
    read(flash_clip, View.of(10, 32, 24), kept)
    assert set(kept.names) == {SMALL}
    assert np.array_equal(read(flash_clip, LARGE, kept), read(flash_clip, LARGE))


def test_a_picture_that_does_not_decode_is_refused_as_ever(tmp_path: Path, flash_clip: Path, kept: Views) -> None:
    data = flash_clip.read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError):
        read(broken, SMALL, kept)
    assert kept.names == {}


def test_a_job_with_views_is_the_job_without(
    flash_clip: Path, tmp_path: Path, kept: Views, flash_voice: FlashVoice
) -> None:
    options = Options(mode=Mode.HITS)
    alone = sonorize(flash_clip, tmp_path / "alone.mp4", options).outputs[0]
    outcome = sonorize_all([Request(flash_clip, tmp_path / "beside.mp4", options, views=kept)])[0]
    assert not isinstance(outcome, Exception)
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "beside.mp4").read_bytes()
    assert outcome.outputs[0].digests == alone.digests
    assert set(kept.names) == {SMALL, LARGE}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_result_with_the_same_packets_is_not_decoded(
    flash_clip: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is said of it is what decoding it would have said."""
    from synth.media import remuxing

    monkeypatch.setattr(remuxing, "shown", lambda *_, **__: pytest.fail("the result was decoded"))
    target = tmp_path / f"result{suffix}"
    silence = np.zeros(48_000, np.float32)
    done = video.remux(flash_clip, silence, 48_000, target, existing=ExistingSound.REPLACE)
    assert done.digests.shown_source == done.digests.shown_result == shown(target).digest


def test_a_result_with_other_packets_is_decoded(
    flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synth.media import packets, remuxing

    asked: list[Path] = []

    def counted(path: Path, **options: Any) -> Any:
        asked.append(path)
        return shown(path, **options)

    monkeypatch.setattr(remuxing, "shown", counted)
    monkeypatch.setattr(packets.Packets, "same_as", lambda *_: False)
    silence = np.zeros(48_000, np.float32)
    done = video.remux(flash_clip, silence, 48_000, tmp_path / "result.mp4", existing=ExistingSound.REPLACE)
    assert len(asked) == 1
    assert done.digests.shown_source == done.digests.shown_result


def test_views_of_fewer_and_of_more_frames_than_a_clip_has_come_together(tmp_path: Path) -> None:
    """Those of an automatic job; the child once waited for itself until its time was over."""
    clip, folder = tmp_path / "clip.mp4", tmp_path / "views"
    folder.mkdir()
    picture = "testsrc2=size=320x240:rate=15:duration=6"
    subprocess.run([binary(), "-v", "error", "-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", clip], check=True)
    wanted = [View.of(2, 224, 224), View.of(2, 256, 256), View.of(15, 192, 144), View.of(15.625, 224, 224)]
    wanted.append(View.of(25, 256, 256))
    kept, until_s = Views(folder), time.monotonic() + PATIENCE_S
    kept.want(lambda _: wanted)
    first = View.of(15, 240, 240)
    read_together = video.read_frames(
        clip,
        rate_hz=float(first.rate),
        width=first.width,
        height=first.height,
        views=kept,
        cancelled=lambda: time.monotonic() > until_s,
    )
    assert np.array_equal(list(read_together), read(clip, first))
    assert set(kept.names) == set(wanted)
    for view in wanted:
        assert np.array_equal(read(clip, view, kept), read(clip, view))
