"""One job from clip to clip, with a voice that needs no weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synth import pipeline
from synth.errors import Cancelled, MediaError, OptionError
from synth.files import file_sha256
from synth.media import audio, video
from synth.options import ExistingSound, Mode, Options
from synth.synthesis.base import NO_HITS
from tests.conftest import FLASH_CLIP_S, FLASHES_S
from tests.voices import FlashVoice

KEYS = [
    "source",
    "target",
    "mode",
    "seed",
    "take",
    "duration_s",
    "sample_rate_hz",
    "hits",
    "loudness_lufs",
    "true_peak_dbtp",
    "stages_s",
    "provenance",
    "warnings",
    "sound_class",
    "made_s",
]


def test_picture_is_untouched_and_hits_are_on_time(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    result = pipeline.sonorize(flash_clip, target, Options(seed=7))
    (output,) = result.outputs
    assert video.packet_digest(target) == video.packet_digest(flash_clip)
    assert [hit.time_s for hit in output.hits] == pytest.approx(FLASHES_S, abs=1 / 30)
    sound, rate_hz = audio.read(target)
    assert len(sound) / rate_hz == pytest.approx(FLASH_CLIP_S, abs=1 / 30)
    for time_s in FLASHES_S:
        around = slice(round((time_s - 0.02) * rate_hz), round((time_s + 0.05) * rate_hz))
        assert np.abs(sound[around]).max() > 0.05
    assert np.abs(sound[: round(0.4 * rate_hz)]).max() < 0.01


def test_json_has_the_published_shape(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    raw = pipeline.sonorize(flash_clip, tmp_path / "out.mp4", Options(seed=3)).as_json()
    assert list(raw) == ["outputs"]
    (output,) = json.loads(json.dumps(raw, allow_nan=False))["outputs"]
    assert list(output) == KEYS
    assert (output["mode"], output["seed"], output["take"]) == ("hits", 3, 0)
    assert set(output["stages_s"]) == {"probe", "load", "decode", "controls", "render", "loudness", "remux"}
    for hit in output["hits"]:
        assert list(hit) == ["time_s", "strength", "material", "confidence", "exemplar", "probabilities"]
    assert output["loudness_lufs"] == pytest.approx(-20, abs=9)
    assert output["true_peak_dbtp"] <= -0.9


def test_provenance_names_input_weights_options_and_versions(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path
) -> None:
    (output,) = pipeline.sonorize(flash_clip, tmp_path / "out.mkv", Options(seed=5)).outputs
    origin = output.provenance
    assert origin["input_sha256"] == file_sha256(flash_clip)
    assert origin["weights"] == [{"name": "flash", "sha256": "0" * 64}]
    assert Options.parse(origin["options"]) == Options(seed=5)
    assert origin["seed"] == 5
    assert origin["mode_reason"].startswith("auto")
    assert {"sonorize", "python", "torch", "numpy", "ffmpeg"} <= set(origin["versions"])
    assert all(origin["versions"].values())


def test_same_seed_same_bytes_other_seed_other_sound(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.mkv", "b.mkv", "c.mkv")]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        pipeline.sonorize(flash_clip, file, Options(seed=seed))
    first, again, other = (file.read_bytes() for file in files)
    assert first == again
    assert not np.array_equal(audio.read(files[0])[0], audio.read(files[2])[0])
    assert first != other


def test_takes_share_one_look_at_the_picture(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    result = pipeline.sonorize(flash_clip, tmp_path / "out.mkv", Options(seed=4, takes=3))
    assert (flash_voice.looked, flash_voice.rendered) == (1, 3)
    assert [(output.take, output.seed) for output in result.outputs] == [(0, 4), (1, 5), (2, 6)]
    assert [output.target.name for output in result.outputs] == ["out.take0.mkv", "out.take1.mkv", "out.take2.mkv"]
    alone = tmp_path / "alone.mkv"
    pipeline.sonorize(flash_clip, alone, Options(seed=6))
    assert np.array_equal(audio.read(alone)[0], audio.read(result.outputs[2].target)[0])


def test_no_hit_gives_silence_and_says_so(flash_voice: FlashVoice, dark_clip: Path, tmp_path: Path) -> None:
    (output,) = pipeline.sonorize(dark_clip, tmp_path / "out.mp4", Options()).outputs
    assert output.hits == ()
    assert output.warnings == (NO_HITS,)
    assert (output.loudness_lufs, output.true_peak_dbtp) == (None, None)
    assert not audio.read(output.target)[0].any()
    assert flash_voice.rendered == 0


def test_cancelling_leaves_nothing(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    polls = iter(range(100))
    with pytest.raises(Cancelled):
        pipeline.sonorize(flash_clip, tmp_path / "out.mp4", Options(), cancelled=lambda: next(polls) > 20)
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_one(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    pipeline.sonorize(flash_clip, tmp_path / "out.mp4", Options(), progress=lambda *step: seen.append(step))
    assert seen[-1] == ("write", 1.0)
    assert all(0 <= fraction <= 1 for _, fraction in seen)


def test_an_older_file_is_replaced_only_when_asked(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("mine")
    with pytest.raises(OptionError, match="exists already"):
        pipeline.sonorize(flash_clip, target, Options())
    assert target.read_text() == "mine"
    pipeline.sonorize(flash_clip, target, Options(), replace=True)
    assert video.probe(target).audio_codec == "aac"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", OptionError),
        ("missing/out.mp4", OptionError),
        ("x" * 300 + ".mp4", OptionError),
        ("out.txt", MediaError),
        ("out", MediaError),
        ("out.webm", MediaError),
    ],
)
def test_targets_that_cannot_be_are_refused_first(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        pipeline.sonorize(flash_clip, tmp_path / name, Options())
    assert flash_voice.looked == 0
    assert list(tmp_path.iterdir()) == []


def test_the_source_is_never_the_target(flash_voice: FlashVoice, flash_clip: Path) -> None:
    before = flash_clip.read_bytes()
    with pytest.raises(OptionError, match="source itself"):
        pipeline.sonorize(flash_clip, flash_clip, Options(), replace=True)
    assert flash_clip.read_bytes() == before


def test_a_mode_without_a_voice_says_which_have_one(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="available are auto, hits, ambient"):
        pipeline.sonorize(flash_clip, tmp_path / "out.mp4", Options(mode=Mode.SPEECH))


def test_sound_that_was_there_is_kept_as_a_second_track(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    pipeline.sonorize(flash_clip, first, Options(seed=1))
    pipeline.sonorize(first, second, Options(seed=2, existing_sound=ExistingSound.KEEP))
    assert second.stat().st_size > first.stat().st_size
    assert video.packet_digest(second) == video.packet_digest(flash_clip)


def test_an_edited_list_is_sounded_without_looking(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps({"hits": [{"time_s": 1.5, "strength": 1.0, "material": "metal"}]}))
    (output,) = pipeline.render_hits(edited, flash_clip, tmp_path / "out.mkv", Options()).outputs
    assert flash_voice.looked == 0
    assert [(hit.time_s, hit.material, hit.exemplar) for hit in output.hits] == [(1.5, "metal", "noise")]
    assert output.provenance["hits_from"] == "edited list"
    sound, rate_hz = audio.read(output.target)
    assert np.abs(sound[: round(1.45 * rate_hz)]).max() < 1e-3 < np.abs(sound).max()


def test_an_unedited_list_gives_the_same_sound_again(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    result = pipeline.sonorize(flash_clip, tmp_path / "run.mkv", Options(seed=9))
    listed = tmp_path / "hits.json"
    listed.write_text(json.dumps(result.as_json()))
    pipeline.render_hits(listed, flash_clip, tmp_path / "again.mkv", Options(seed=9))
    once, again = (audio.read(tmp_path / name)[0] for name in ("run.mkv", "again.mkv"))
    assert np.allclose(once, again, atol=1e-3)


def test_an_empty_list_is_silence(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    listed = tmp_path / "hits.json"
    listed.write_text('{"hits": []}')
    (output,) = pipeline.render_hits(listed, flash_clip, tmp_path / "out.mp4", Options()).outputs
    assert output.warnings == (NO_HITS,)
