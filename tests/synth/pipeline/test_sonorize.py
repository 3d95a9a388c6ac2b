"""One job from clip to clip, with a voice that needs no weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synth.errors import Cancelled, MediaError, OptionError
from synth.files import file_sha256
from synth.media import audio, video
from synth.options import ExistingSound, Mode, Options
from synth.pipeline import write
from synth.pipeline.job import Request
from synth.pipeline.modes import MODES
from synth.pipeline.sonorize import render_hits, sonorize, sonorize_all
from synth.voices.base import NO_HITS
from tests.conftest import FLASH_CLIP_S, FLASHES_S
from tests.support.voices import FlashVoice, HissVoice

KEYS = [
    "source",
    "target",
    "mode",
    "seed",
    "take",
    "duration_s",
    "sample_rate_hz",
    "channels",
    "hits",
    "loudness_lufs",
    "true_peak_dbtp",
    "stages_s",
    "provenance",
    "warnings",
    "sound_class",
    "made_s",
    "mode_reason",
    "ranges",
    "library",
    "layers",
    "words",
    "picture",
    "digests",
    "delivered",
]


def test_picture_is_untouched_and_hits_are_on_time(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    result = sonorize(flash_clip, target, Options(seed=7))
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
    raw = sonorize(flash_clip, tmp_path / "out.mp4", Options(seed=3)).as_json()
    assert list(raw) == ["outputs"]
    (output,) = json.loads(json.dumps(raw, allow_nan=False))["outputs"]
    assert list(output) == KEYS
    assert (output["mode"], output["seed"], output["take"]) == ("hits", 3, 0)
    assert set(output["stages_s"]) == {"probe", "route", "load", "decode", "controls", "render", "loudness", "remux"}
    for hit in output["hits"]:
        assert list(hit) == [
            "time_s",
            "strength",
            "material",
            "confidence",
            "exemplar",
            "pan",
            "gain_db",
            "probabilities",
        ]
    assert output["loudness_lufs"] == pytest.approx(-20, abs=9)
    assert output["true_peak_dbtp"] <= -0.9


def test_provenance_names_input_weights_options_and_versions(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path
) -> None:
    (output,) = sonorize(flash_clip, tmp_path / "out.mkv", Options(seed=5)).outputs
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
        sonorize(flash_clip, file, Options(seed=seed))
    first, again, other = (file.read_bytes() for file in files)
    assert first == again
    assert not np.array_equal(audio.read(files[0])[0], audio.read(files[2])[0])
    assert first != other


def test_takes_share_one_look_at_the_picture(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    result = sonorize(flash_clip, tmp_path / "out.mkv", Options(seed=4, takes=3))
    assert (flash_voice.looked, flash_voice.rendered) == (1, 3)
    assert [(output.take, output.seed) for output in result.outputs] == [(0, 4), (1, 5), (2, 6)]
    assert [output.target.name for output in result.outputs] == ["out.take1.mkv", "out.take2.mkv", "out.take3.mkv"]
    alone = tmp_path / "alone.mkv"
    sonorize(flash_clip, alone, Options(seed=6))
    assert np.array_equal(audio.read(alone)[0], audio.read(result.outputs[2].target)[0])


def test_no_hit_gives_silence_and_says_so(flash_voice: FlashVoice, dark_clip: Path, tmp_path: Path) -> None:
    (output,) = sonorize(dark_clip, tmp_path / "out.mp4", Options()).outputs
    assert output.hits == ()
    assert output.warnings == (NO_HITS,)
    assert (output.loudness_lufs, output.true_peak_dbtp) == (None, None)
    assert not audio.read(output.target)[0].any()
    assert flash_voice.rendered == 0


def test_cancelling_leaves_nothing(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    polls = iter(range(100))
    with pytest.raises(Cancelled):
        sonorize(flash_clip, tmp_path / "out.mp4", Options(), cancelled=lambda: next(polls) > 20)
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_one(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    sonorize(flash_clip, tmp_path / "out.mp4", Options(), progress=lambda *step: seen.append(step))
    assert seen[-1] == ("write", 1.0)
    assert all(0 <= fraction <= 1 for _, fraction in seen)


def test_an_older_file_is_replaced_only_when_asked(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("mine")
    with pytest.raises(OptionError, match="exists already"):
        sonorize(flash_clip, target, Options())
    assert target.read_text() == "mine"
    sonorize(flash_clip, target, Options(), overwrite=True)
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
        sonorize(flash_clip, tmp_path / name, Options())
    assert flash_voice.looked == 0
    assert list(tmp_path.iterdir()) == []


def test_the_source_is_never_the_target(flash_voice: FlashVoice, flash_clip: Path) -> None:
    before = flash_clip.read_bytes()
    with pytest.raises(OptionError, match="source itself"):
        sonorize(flash_clip, flash_clip, Options(), overwrite=True)
    assert flash_clip.read_bytes() == before


def test_a_mode_without_a_voice_says_which_have_one(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(MODES, Mode.SPEECH)
    with pytest.raises(OptionError, match="available are auto, hits, ambient"):
        sonorize(flash_clip, tmp_path / "out.mp4", Options(mode=Mode.SPEECH))


def test_sound_that_was_there_is_kept_as_a_second_track(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    sonorize(flash_clip, first, Options(seed=1))
    sonorize(first, second, Options(seed=2, existing_sound=ExistingSound.KEEP))
    assert second.stat().st_size > first.stat().st_size
    assert video.packet_digest(second) == video.packet_digest(flash_clip)


def test_an_edited_list_is_sounded_without_looking(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps({"hits": [{"time_s": 1.5, "strength": 1.0, "material": "metal"}]}))
    (output,) = render_hits(edited, flash_clip, tmp_path / "out.mkv", Options()).outputs
    assert flash_voice.looked == 0
    assert [(hit.time_s, hit.material, hit.exemplar) for hit in output.hits] == [(1.5, "metal", "noise")]
    assert output.provenance["hits_from"] == "edited list"
    sound, rate_hz = audio.read(output.target)
    assert np.abs(sound[: round(1.45 * rate_hz)]).max() < 1e-3 < np.abs(sound).max()


def test_an_unedited_list_gives_the_same_sound_again(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    result = sonorize(flash_clip, tmp_path / "run.mkv", Options(seed=9))
    listed = tmp_path / "hits.json"
    listed.write_text(json.dumps(result.as_json()))
    render_hits(listed, flash_clip, tmp_path / "again.mkv", Options(seed=9))
    once, again = (audio.read(tmp_path / name)[0] for name in ("run.mkv", "again.mkv"))
    assert np.allclose(once, again, atol=1e-3)


def test_an_empty_list_is_silence(flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path) -> None:
    listed = tmp_path / "hits.json"
    listed.write_text('{"hits": []}')
    (output,) = render_hits(listed, flash_clip, tmp_path / "out.mp4", Options()).outputs
    assert output.warnings == (NO_HITS,)


def test_ranges_have_voices_of_their_own(
    flash_voice: FlashVoice, hiss_voice: HissVoice, changing_clip: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.mp4"
    (output,) = sonorize(changing_clip, target, Options(seed=3)).outputs
    assert [one.mode for one in output.ranges] == [Mode.HITS, Mode.AMBIENT, Mode.HITS]
    assert [one.start_s for one in output.ranges] == pytest.approx([0.0, 1.0, 2.0])
    assert [one.end_s for one in output.ranges] == pytest.approx([1.0, 2.0, 3.1])
    assert [one["mode"] for one in output.provenance["ranges"]] == ["hits", "ambient", "hits"]
    assert {one["name"] for one in output.provenance["weights"]} == {"flash", "hiss"}
    assert output.mode is Mode.HITS
    # The flash at the beginning of the bright range is not the flash voice's to see.
    assert [hit.time_s for hit in output.hits] == pytest.approx([0.5, 2.5], abs=1 / 30)
    sound, rate_hz = audio.read(target)
    loudness = [float(np.abs(sound[round(at_s * rate_hz) : round((at_s + 0.1) * rate_hz)]).mean()) for at_s in _HEARD_S]
    assert loudness[0] < 1e-3
    assert loudness[3] < 1e-3
    assert min(loudness[1], loudness[2], loudness[4], loudness[5]) > 0.01
    assert len(sound) / rate_hz == pytest.approx(3.1, abs=1 / 30)


_HEARD_S = (0.2, 0.52, 1.2, 2.2, 2.52, 1.8)


def test_ranges_sound_the_same_in_company(
    flash_voice: FlashVoice, hiss_voice: HissVoice, changing_clip: Path, flash_clip: Path, tmp_path: Path
) -> None:
    alone = sonorize(changing_clip, tmp_path / "alone.mkv", Options(seed=3))
    others = [(flash_clip, Options(seed=9)), (changing_clip, Options(seed=3)), (flash_clip, Options(mode=Mode.AMBIENT))]
    requests = [Request(clip, tmp_path / f"{number}.mkv", options) for number, (clip, options) in enumerate(others)]
    outcomes = sonorize_all(requests)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    ours, _ = audio.read(tmp_path / "1.mkv")
    expected, _ = audio.read(alone.outputs[0].target)
    np.testing.assert_array_equal(ours, expected)


def test_options_that_fit_one_voice_need_no_router(
    flash_voice: FlashVoice, hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path
) -> None:
    (output,) = sonorize(flash_clip, tmp_path / "out.mp4", Options(sound_class="rain")).outputs
    assert output.mode is Mode.AMBIENT
    assert output.mode_reason == "auto: an option was given that goes with ambient only"
    assert "route" not in output.stages_s


def test_a_voice_pack_without_the_voice_is_refused(
    flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(MODES, Mode.SPEECH, raising=False)
    with pytest.raises(OptionError, match="mode is 'speech', which has no voice"):
        sonorize(flash_clip, tmp_path / "out.mp4", Options(voice="grid-s1"))


def test_a_loudness_that_nobody_asked_for_may_be_missed_a_little() -> None:
    quiet = audio.Loudness(-25.0, -1.0, 12.0, True, "the sound is quieter")
    assert write._of_loudness(Options(), quiet) is None
    assert write._of_loudness(Options(loudness_lufs=-18.0), quiet) == quiet.warning
    for more in (replace(quiet, lufs=-35.0), replace(quiet, gain_db=audio.MAX_GAIN_DB), replace(quiet, lufs=None)):
        assert write._of_loudness(Options(), more) == quiet.warning
