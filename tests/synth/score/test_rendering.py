"""A score becomes sound: the same bytes where nothing changed, and nothing but what changed where something did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from synth.errors import Cancelled, MediaError, OptionError
from synth.media import audio, muxing, shown, video
from synth.media.sound import lossless, original
from synth.options import ExistingSound, Mode, Options
from synth.pipeline.job import Request, accept
from synth.pipeline.look import Observed
from synth.pipeline.render import render
from synth.pipeline.write import write
from synth.result import Output, Result
from synth.routing.ranges import Range
from synth.score import drawings, kept
from synth.score.recipe import Recipe
from synth.score.rendering import Before, changed, render_score
from synth.score.score import ORIGINAL, Score, ScoreHit, ScoreLayer, ScoreStem
from synth.stopwatch import Stopwatch
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.optical_flow import MOTION
from synth.voices.base import Controls, Hit
from tests.conftest import FLASH_CLIP_S, flashing

RATE_HZ = 48_000


@dataclass
class Taken:
    """A take that was made, and what is needed to change it."""

    source: Path
    target: Path
    output: Output
    before: Before

    @property
    def score(self) -> Score:
        return self.before.score

    def again(self, score: Score, name: str, before: Before | None = None) -> Output:
        folder = self.target.parent / name
        folder.mkdir()
        return render_score(self.source, folder / "take.mp4", before or self.before, score, folder=folder)


def controls_of_hits() -> Controls:
    track = np.abs(np.random.default_rng(3).normal(size=(180, 42))).astype(np.float32)
    hits = (Hit(0.4, 0.5, "wood", pan=-0.25), Hit(0.9, 0.875, "glass"), Hit(1.5, 0.25, "metal", pan=0.5))
    return Controls(FLASH_CLIP_S, hits, track)


def controls_of_layers() -> Controls:
    frames = round(FLASH_CLIP_S * 15.625)
    lively = np.linspace(0, 1, frames, dtype=np.float32)
    motion = np.repeat(lively[:, None], len(MOTION), 1)
    layers = (Layer("rain"), Layer("wind", level_db=-6.0))
    features = {"motion": motion, "position": lively[:, None]}
    return Controls(FLASH_CLIP_S, track=lively[:, None], track_rate_hz=15.625, features=features, layers=layers)


def take(folder: Path, source: Path, controls: Controls, mode: Mode, **options: Any) -> Taken:
    """Made as the pipeline makes it, but for the nets: what was seen is given."""
    request = Request(source, folder / "take.mp4", Options(mode=mode, seed=7, **options), keep=kept.keeper(folder))
    observed = Observed(accept(request, Stopwatch()), controls, {})
    made: list[Result] = []
    render({0: observed}, lambda _, takes: made.append(write(observed, takes)))
    (output,) = made[0].outputs
    assert output.kept is not None
    assert output.kept.recipe is not None
    recipe = Recipe.load(output.kept.recipe)
    before = Before(
        recipe,
        recipe.options.with_take(0),
        output.kept.score,
        {part.name: part.path for part in output.kept.parts},
        {},
        (),
        output.kept.verified,
        output.kept.drawings,
    )
    return Taken(source, folder / "take.mp4", output, before)


@pytest.fixture
def struck(flash_clip: Path, tmp_path: Path) -> Taken:
    return take(tmp_path, flash_clip, controls_of_hits(), Mode.HITS)


@pytest.fixture
def rained(flash_clip: Path, tmp_path: Path) -> Taken:
    return take(tmp_path, flash_clip, controls_of_layers(), Mode.AMBIENT)


def part(output: Output, name: str) -> NDArray[np.float32]:
    assert output.kept is not None
    (path,) = [one.path for one in output.kept.parts if one.name == name]
    return lossless.audio_of(path)[0]


def moved(score: Score, number: int, by_s: float) -> Score:
    hits = list(score.hits)
    hits[number] = replace(hits[number], time_s=round(hits[number].time_s + by_s, 6))
    return replace(score, hits=tuple(hits))


def names(output: Output) -> list[str]:
    assert output.kept is not None
    return [one.name for one in output.kept.parts]


@pytest.mark.parametrize("made", ["struck", "rained"])
@pytest.mark.parametrize("cached", [True, False], ids=["of kept parts", "of the recipe alone"])
def test_an_unchanged_score_gives_the_same_bytes(made: str, cached: bool, request: pytest.FixtureRequest) -> None:
    taken: Taken = request.getfixturevalue(made)
    before = taken.before if cached else replace(taken.before, parts={})
    output = taken.again(taken.score, "again", before)
    assert output.target.read_bytes() == taken.target.read_bytes()
    assert output.kept is not None
    assert taken.output.kept is not None
    for mine, theirs in ((output.kept.wav, taken.output.kept.wav), (output.kept.flac, taken.output.kept.flac)):
        assert mine.read_bytes() == theirs.read_bytes()
    assert output.kept.score == taken.score
    assert output.provenance == taken.output.provenance
    assert names(output) == ([] if cached else names(taken.output))


def test_the_score_says_what_was_made(struck: Taken) -> None:
    assert [(hit.id, hit.time_s, hit.material, hit.pan) for hit in struck.score.hits] == [
        ("h1", 0.4, "wood", -0.25),
        ("h2", 0.9, "glass", 0.0),
        ("h3", 1.5, "metal", 0.5),
    ]
    for hit in struck.score.hits:
        assert len(hit.nearest) == kept.NEAREST
        assert hit.exemplar in hit.nearest[:3]  # one of the nearest three is pasted


def test_a_moved_hit_changes_only_what_is_near_it(struck: Taken) -> None:
    output = struck.again(moved(struck.score, 1, 0.05), "moved")
    assert names(output) == ["hits"]
    old, new = part(struck.output, "hits"), part(output, "hits")
    different = np.flatnonzero(np.any(old != new, axis=1)) / RATE_HZ
    # From the lead of the earlier contact, over the end of the hit before, which gives way later, to the hit after it.
    assert different.min() > 0.8
    assert different.max() < 1.5 + 0.06
    shift = round(0.05 * RATE_HZ)
    at = round(0.91 * RATE_HZ)
    assert np.array_equal(old[at : at + 2000], new[at + shift : at + shift + 2000])
    assert output.provenance["edited"] == ["hits"]
    assert output.provenance["hits_from"] == "edited list"


def test_a_hit_may_be_added_deleted_and_made_of_something_else(struck: Taken) -> None:
    first, second, third = struck.score.hits
    added = ScoreHit("mine", 0.1, "ceramic", 0.5)
    changed_hit = replace(third, material="plastic", exemplar=None, gain_db=-6.0)
    output = struck.again(replace(struck.score, hits=(added, first, changed_hit)), "changed")
    assert [(hit.time_s, hit.material) for hit in output.hits] == [(0.1, "ceramic"), (0.4, "wood"), (1.5, "plastic")]
    assert all(hit.exemplar for hit in output.hits)
    assert output.kept is not None
    assert [hit.exemplar for hit in output.kept.score.hits] == [hit.exemplar for hit in output.hits]
    assert second.exemplar not in [hit.exemplar for hit in output.hits]


def test_what_was_changed_stays_marked(struck: Taken) -> None:
    first = struck.again(moved(struck.score, 1, 0.05), "first")
    assert first.kept is not None
    parts = {one.name: one.path for one in first.kept.parts}
    before = replace(struck.before, score=first.kept.score, parts=parts, edited=tuple(first.provenance["edited"]))
    same = struck.again(first.kept.score, "same", before)
    assert same.target.read_bytes() == first.target.read_bytes()
    back = struck.again(struck.score, "back", before)
    assert np.array_equal(part(back, "hits"), part(struck.output, "hits"))


def test_a_layer_is_made_anew_by_itself(rained: Taken) -> None:
    rain, wind = rained.score.layers
    score = replace(rained.score, layers=(rain, replace(wind, pan=-0.5, level_db=-3.0)))
    output = rained.again(score, "panned")
    assert names(output) == ["layer-l2"]
    assert not np.array_equal(part(output, "layer-l2"), part(rained.output, "layer-l2"))
    assert output.layers[1].pan == -0.5


def test_a_level_is_only_mixed(rained: Taken) -> None:
    rain, wind = rained.score.layers
    quieter = replace(rained.score, layers=(rain, replace(wind, level_db=-60.0)))
    output = rained.again(quieter, "quieter")
    assert names(output) == []
    muted = rained.again(with_stems(rained.score, ScoreStem("layer-l2", muted=True)), "muted")
    assert len(muted.layers) == 1
    alone = rained.again(with_stems(rained.score, ScoreStem("layer-l1", solo=True)), "alone")
    assert alone.kept is not None
    assert muted.kept is not None
    assert alone.kept.wav.read_bytes() == muted.kept.wav.read_bytes()


def with_stems(score: Score, *stems: ScoreStem) -> Score:
    given = {stem.name: stem for stem in stems}
    return replace(score, stems=tuple(given.get(stem.name, stem) for stem in score.stems))


def test_a_layer_keeps_its_sound_while_others_go(rained: Taken) -> None:
    score = replace(rained.score, layers=rained.score.layers[1:], stems=rained.score.stems[1:])
    output = rained.again(score, "one", replace(rained.before, parts={}))
    assert np.array_equal(part(output, "layer-l2"), part(rained.output, "layer-l2"))


def test_any_take_may_be_given_hits_and_layers(struck: Taken) -> None:
    layers = (ScoreLayer("mine", "rain", start_s=0.5, end_s=1.25),)
    score = replace(struck.score, layers=layers, stems=(*struck.score.stems, ScoreStem("layer-mine")))
    output = struck.again(score, "rain")
    assert names(output) == ["layer-mine"]
    rain = part(output, "layer-mine")
    assert not rain[: round(0.5 * RATE_HZ)].any()
    assert rain[round(0.6 * RATE_HZ) : round(1.2 * RATE_HZ)].any()
    assert not rain[round(1.25 * RATE_HZ) :].any()


def test_silence_may_be_given_hits(dark_clip: Path, tmp_path: Path) -> None:
    taken = take(tmp_path, dark_clip, Controls(1.0, silence="no hit was found"), Mode.HITS)
    assert taken.output.loudness_lufs is None
    score = replace(taken.score, hits=(ScoreHit("a", 0.5, "wood"),), stems=(ScoreStem("hits"),))
    output = taken.again(score, "hit")
    assert output.loudness_lufs is not None
    assert "no hit was found" not in output.warnings


def test_a_limiter_reaches_the_loudness(struck: Taken) -> None:
    loud = replace(struck.score, loudness_lufs=-14.0)
    plain = struck.again(loud, "plain")
    assert any("quieter than asked for" in warning for warning in plain.warnings)
    limited = struck.again(replace(loud, limiter=True), "limited")
    assert not any("quieter than asked for" in warning for warning in limited.warnings)
    assert limited.loudness_lufs == pytest.approx(-14.0, abs=1.0)
    assert limited.kept is not None
    sound, rate_hz = lossless.audio_of(limited.kept.wav)
    from synth.media.sound import limiter

    assert limiter.true_peak_dbtp(sound) <= -1.0 + 0.01
    assert soundfile.info(limited.kept.wav).subtype == soundfile.info(limited.kept.flac).subtype == "PCM_24"
    assert rate_hz == RATE_HZ


def test_the_clips_own_sound_is_a_stem(tmp_path: Path) -> None:
    source = tmp_path / "talk.mp4"
    tone = (0.25 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    silent = tmp_path / "silent.mp4"
    video.write_frames(flashing((0.5,), FLASH_CLIP_S), silent, rate_fps=30)
    video.remux(silent, tone, RATE_HZ, source, existing=ExistingSound.REPLACE)
    taken = take(tmp_path, source, controls_of_hits(), Mode.HITS)
    assert taken.score.stem(ORIGINAL).muted
    assert taken.output.kept is not None
    assert taken.output.kept.original is not None
    own = lossless.audio_of(taken.output.kept.original)[0]
    assert own.shape == (round(FLASH_CLIP_S * original.RATE_HZ), 2)
    each = 0.25 / np.sqrt(2)  # one channel as two, of the same power together
    assert tone_of(own) == pytest.approx(each, rel=0.05)
    mixed = taken.again(with_stems(taken.score, ScoreStem(ORIGINAL, gain_db=-6.0)), "mixed")
    assert mixed.kept is not None
    heard = lossless.audio_of(mixed.kept.wav)[0]
    assert tone_of(heard) == pytest.approx(each / 2, rel=0.1)
    plain = lossless.audio_of(taken.output.kept.wav)[0]
    assert tone_of(plain) < 0.02
    again = taken.again(with_stems(mixed.kept.score, ScoreStem(ORIGINAL, muted=True)), "replaced")
    assert again.target.read_bytes() == taken.target.read_bytes()


def test_speech_that_is_not_heard_is_not_said_to_be_synthetic(struck: Taken) -> None:
    ranges = (Range(0.0, 1.0, Mode.SPEECH, 0.9, "a face"), Range(1.0, FLASH_CLIP_S, Mode.HITS, 0.9, "impacts"))
    both = Score(stems=(ScoreStem("range-1"), ScoreStem("range-2")))
    parts = {stem.name: struck.before.parts["hits"] for stem in both.stems}
    before = replace(struck.before, recipe=replace(struck.before.recipe, ranges=ranges), score=both, parts=parts)
    assert struck.again(both, "both", before).provenance["synthetic_speech"] is True
    silent = with_stems(both, ScoreStem("range-1", muted=True))
    assert "synthetic_speech" not in struck.again(silent, "silent", before).provenance
    assert struck.again(with_stems(both, ScoreStem("range-2", muted=True)), "said", before).provenance[
        "synthetic_speech"
    ]


def tone_of(sound: NDArray[np.float32]) -> float:
    """Amplitude of 440 Hz in the last quarter second, where no hit is heard any more."""
    piece = sound[-RATE_HZ // 4 :].mean(1)
    wave = np.exp(-2j * np.pi * 440 * np.arange(len(piece)) / RATE_HZ)
    return float(2 * np.abs(np.mean(piece * wave)))


def test_the_picture_is_not_decoded_again(struck: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    from synth.media import remuxing, writing

    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr(remuxing, "shown", decoded)
    monkeypatch.setattr(writing, "decoding", decoded)
    output = struck.again(moved(struck.score, 0, 0.1), "moved")
    assert output.digests == struck.output.digests


def test_a_copy_that_is_not_like_the_earlier_one_is_decoded(struck: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    from synth.media import remuxing

    assert struck.before.verified is not None
    other = replace(struck.before, verified=replace(struck.before.verified, signature="0" * 64))
    calls: list[object] = []

    def counted(*given: Any, **named: Any) -> shown.Shown:
        calls.append(given)
        return shown.shown(*given, **named)

    monkeypatch.setattr(remuxing, "shown", counted)
    output = struck.again(struck.score, "again", other)
    assert len(calls) >= 1
    assert output.digests == struck.output.digests


def test_a_picture_that_came_out_otherwise_is_refused(struck: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., list[str]] = muxing.muxing
    monkeypatch.setattr(muxing, "muxing", lambda *given: [*real(*given), "-frames:v", "30"])
    with pytest.raises(MediaError, match="picture"):
        struck.again(struck.score, "cut")


def test_drawings_of_parts_that_did_not_change_are_taken_over(rained: Taken) -> None:
    rain, wind = rained.score.layers
    output = rained.again(replace(rained.score, layers=(rain, replace(wind, pan=1.0))), "panned")
    assert output.kept is not None
    assert rained.output.kept is not None

    def drawn(path: Path, name: str) -> tuple[bytes | None, bytes | None]:
        with path.open("rb") as file:
            return drawings.peaks(file, name, 256), drawings.picture(file, name)

    new, old = output.kept.drawings, rained.output.kept.drawings
    assert drawn(new, "layer-l1") == drawn(old, "layer-l1") != (None, None)
    assert drawn(new, "layer-l2") != drawn(old, "layer-l2")
    assert drawn(new, drawings.MIX) != drawn(old, drawings.MIX)


def test_a_cancelled_rendering_leaves_nothing(rained: Taken, tmp_path: Path) -> None:
    target = tmp_path / "other.mp4"
    before = replace(rained.before, parts={})
    with pytest.raises(Cancelled):
        render_score(rained.source, target, before, rained.score, cancelled=lambda: True)
    assert not target.exists()


def test_an_exemplar_that_no_bank_holds_is_named(struck: Taken) -> None:
    hits = (replace(struck.score.hits[0], exemplar="gong"), *struck.score.hits[1:])
    with pytest.raises(OptionError, match="exemplar 'gong' is not in the sound bank"):
        struck.again(replace(struck.score, hits=hits), "gong")


def test_what_changed_is_named(rained: Taken) -> None:
    score = rained.score
    assert changed(score, score) == []
    assert changed(score, replace(score, limiter=True, loudness_lufs=-16.0)) == ["loudness_lufs", "limiter"]
    assert changed(score, with_stems(score, ScoreStem("layer-l1", delivered=False))) == []


def test_levels_are_those_of_layer_and_stem() -> None:
    score = Score(layers=(ScoreLayer("a", "rain", level_db=-6.0),), stems=(ScoreStem("layer-a", gain_db=2.0),))
    assert kept.levels(score) == {"layer-a": -4.0}


def test_peaks_and_levels_of_the_original(flash_clip: Path, tmp_path: Path) -> None:
    taken = take(tmp_path, flash_clip, controls_of_hits(), Mode.HITS)
    assert taken.output.kept is not None
    assert taken.output.kept.original is None  # this clip has none
    assert audio.read(taken.target)[0].size > 0
