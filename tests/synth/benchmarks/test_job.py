"""The bench of whole jobs, on a clip of a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.benchmarks import job
from synth.media import video
from tests.support.voices import FlashVoice

SMALL = (160, 120)


def test_stages_add_up_to_the_job(flash_voice: FlashVoice, tmp_path: Path) -> None:
    clip = job.write_clip(tmp_path / "clip.mp4", 1.0, SMALL)
    totals, needed, stages = job._timed(clip, tmp_path, repeats=2)
    assert len(totals) == len(needed) == 2
    assert set(stages) == {"probe", "load", "decode", "controls", "render", "loudness", "remux"}
    assert flash_voice.looked == 6
    for number, total_s in enumerate(totals):
        counted_s = sum(seconds[number] for seconds in stages.values())
        assert 0.5 * total_s < counted_s <= total_s
    assert [path.name for path in tmp_path.iterdir() if path.name != "out.mp4"] == ["clip.mp4"]


def test_a_looped_clip_lasts_as_long_as_it_says(tmp_path: Path) -> None:
    clip = job.write_clip(tmp_path / "clip.mp4", 1.0, SMALL)
    info = video.probe(job._loop_clip(clip, tmp_path / "long.mp4", times=5))
    assert info.duration_s == pytest.approx(5.0, abs=0.1)
    assert info.frames == 150


def test_the_peak_is_this_programs_own() -> None:
    before_kb = job._peak_kb()
    block = bytearray(64 * 1024**2)
    assert job._peak_kb() >= before_kb
    assert job._peak_kb() * 1024 > len(block)


def test_spread() -> None:
    assert job.spread([3.0, 1.0, 2.0]) == {"median": 2.0, "least": 1.0, "greatest": 3.0}
