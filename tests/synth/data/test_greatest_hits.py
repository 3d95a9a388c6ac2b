"""The Greatest Hits loader in both layouts, and the report on a corpus that we render ourselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from synth.data.corpora import greatest_hits
from synth.data.strike_scenes.simulate import Scene, draw_scene, render_frames, render_sound, write_clip
from synth.errors import MediaError, OptionError
from synth.evaluation.hits.report import evaluate_hits
from synth.media import audio, video
from synth.models.imagenet import OUTPUTS
from synth.models.two_stream import SMALL
from synth.training.hits.data import SOUND_RATE_HZ, from_clip
from tests.support.paths import SHARED_DATA

REAL = SHARED_DATA / "greatest_hits"
SCENES = {"2015-01-01-00-00-01": 900_000_101, "2015-01-01-00-00-02": 900_000_102}


def _scene(seed: int) -> Scene:
    return draw_scene(seed, duration_s=3.0, rate_fps=15.0, demo=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rendered videos in the published layout: picture, denoised sound, times."""
    folder = tmp_path_factory.mktemp("greatest-hits") / "vis-data"
    folder.mkdir()
    for name, seed in SCENES.items():
        scene = _scene(seed)
        video.write_frames(render_frames(scene, width=160, height=120), folder / f"{name}_denoised.mp4", rate_fps=15.0)
        audio.write(folder / f"{name}_denoised.wav", render_sound(scene, SOUND_RATE_HZ), SOUND_RATE_HZ)
        lines = [f"{hit.time_s:.4f} {hit.material} {hit.action} rigid-motion" for hit in scene.hits]
        (folder / f"{name}_times.txt").write_text("\n".join(lines) + "\n")
    return folder.parent


def test_the_published_layout_is_read(published: Path) -> None:
    clips = greatest_hits.load(published)
    assert [clip.name for clip in clips] == sorted(SCENES)
    for clip in clips:
        expected = _scene(SCENES[clip.name]).hits
        assert clip.sound_path.name.endswith("_denoised.wav")
        assert clip.hits is not None
        assert [hit.material for hit in clip.hits] == [hit.material for hit in expected]
        assert np.allclose([hit.time_s for hit in clip.hits], [hit.time_s for hit in expected], atol=1e-4)


def test_cut_clips_are_read_and_grouped_by_source(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    write_clip(_scene(1), tmp_path / "clips" / "a.mkv", width=160, height=120, with_sound=True)
    labels = {
        "a": {"gh_video": "source", "start": 1.0, "hits": [[2.0, "None None"], [0.5, "plastic-bag hit"]]},
        "pair_cond": {"gh_video": None, "detected_onsets": [0.1]},
        "pair_target": {"gh_video": None, "detected_onsets": []},
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    first, second, third = greatest_hits.load(tmp_path)
    assert first.group == "source"
    assert first.hits is not None
    assert [(hit.time_s, hit.material, hit.action) for hit in first.hits] == [
        (0.5, "plastic-bag", "hit"),
        (2.0, None, None),
    ]
    assert second.group == third.group == "pair"
    assert second.hits is None


def test_a_folder_without_the_corpus_or_with_a_broken_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no Greatest Hits data"):
        greatest_hits.load(tmp_path)
    (tmp_path / "x_mic.mp4").write_bytes(b"")
    (tmp_path / "x_times.txt").write_text("0.5 wood hit static\nsoon wood hit static\n")
    with pytest.raises(MediaError, match=r"line 2 of .* begins with 'soon'"):
        greatest_hits.load(tmp_path)


def test_a_clip_becomes_an_example_with_times_that_are_heard(published: Path) -> None:
    clip = greatest_hits.load(published)[0]
    example = from_clip(clip, SMALL, lambda pictures: np.zeros((len(pictures), OUTPUTS), np.float32))
    assert example.grey.shape == (45, 120, 160)
    assert example.cochleagram.shape[1] == 42
    assert len(example.hits_s) == len(clip.hits or ())
    assert np.abs(example.hits_s - example.labels_s).max() < 0.1


def test_the_report_has_floors_and_ceilings_beside_every_figure(published: Path, tmp_path: Path) -> None:
    report = evaluate_hits(published, tmp_path / "pictures")
    onsets = report["onsets"]
    ceiling = onsets["ceiling: onsets of the real sound"]["f1_100ms"]
    assert ceiling > 0.9
    assert onsets["untrained"]["f1_100ms"] <= onsets["cross-validated"]["f1_100ms"] <= 1
    assert onsets["cross-validated"]["f1_100ms"] > onsets["floor: uniform rhythm"]["f1_100ms"] - 0.1
    assert {"predicted", "floor"} <= {name.split(",")[-1].split(":")[0].strip() for name in report["loudness"]}
    assert report["materials"]["chance"]["one_of_17"] == pytest.approx(1 / 17)
    assert sum(1 for _ in _pictures(tmp_path / "pictures")) == len(SCENES) + 2
    json.dumps(report)


def _pictures(folder: Path) -> Iterator[Path]:
    return folder.glob("*.png")


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips of ../shared/data are not here")
def test_the_real_clips_are_read() -> None:
    clips = greatest_hits.load(REAL)
    assert len(clips) == 36
    assert sum(len(clip.hits or ()) for clip in clips) == 149
    groups = {clip.name: clip.group for clip in clips}
    assert groups["sonic_8_cond"] == groups["sv2a_gh_0076"]
    assert all(video.probe(clip.video).frames > 20 for clip in clips[:3])
