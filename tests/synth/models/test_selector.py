"""The choice among the ten ambient classes: by words, by cues, and that none fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.ambient_classes import AMBIENT_CLASSES, DISPLAY_NAMES
from synth.errors import OptionError
from synth.evaluation.ambient import selector as evaluation
from synth.media import video
from synth.models.selector import cue_evidence, openness, select
from synth.models.vocabulary import materials, scenes
from synth.models.vocabulary.imagenet import NAMES
from synth.voices.ambient.image_cues import CUES
from tests.support.paths import SHARED_DATA
from tests.synth.voices.ambient.test_scene import CountingEye

REAL = SHARED_DATA / "wild"
NO_CUES = dict.fromkeys(CUES, 0.0)


@dataclass(frozen=True)
class Sight:
    """Class answers and cues without a clip."""

    logits_mean: NDArray[np.float32]
    cues: Mapping[str, float] = field(default_factory=lambda: NO_CUES)


def _answer(**probabilities: float) -> NDArray[np.float32]:
    """Class answers of a network that gives these names these probabilities, and the rest evenly to all others."""
    left = (1 - sum(probabilities.values())) / (len(NAMES) - len(probabilities))
    shares = np.full(len(NAMES), left)
    for name, value in probabilities.items():
        shares[NAMES.index(name.replace("_", " "))] = value
    return np.asarray(np.log(shares), np.float32)


def test_names_and_numbers_agree() -> None:
    assert len(set(NAMES)) == len(NAMES) == 1000
    assert list(scenes.WORDS) == list(AMBIENT_CLASSES) == sorted(AMBIENT_CLASSES) == list(DISPLAY_NAMES)
    for words in scenes.WORDS.values():
        for word, (number, weight) in words.items():
            assert NAMES[number] == word
            assert 0 < weight <= 1
    known = {word for words in scenes.WORDS.values() for word in words}
    assert set(scenes.SEEN_IN_EVALUATION) <= known
    # Two tables, written apart, say the same numbers.
    for numbers in materials.WORDS.values():
        for word, number in numbers.items():
            assert NAMES[number].lower() == word.lower()


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("chain_saw", "chainsaw"),
        ("analog_clock", "clock_tick"),
        ("torch", "crackling_fire"),
        ("cradle", "crying_baby"),
        ("beagle", "dog"),
        ("warplane", "helicopter"),
        ("umbrella", "rain"),
        ("cock", "rooster"),
        ("seashore", "sea_waves"),
        ("handkerchief", "sneezing"),
    ],
)
def test_a_sure_word_decides(word: str, name: str) -> None:
    selection = select(Sight(_answer(**{word: 0.6})))
    assert selection.name == name
    assert selection.fits
    assert selection.probability == max(selection.probabilities.values())
    assert sum(selection.probabilities.values()) + selection.none == pytest.approx(1)
    assert word.replace("_", " ") in selection.reason
    assert json.loads(json.dumps(selection.as_json()))["name"] == name


def test_none_fits_and_the_nearest_is_named() -> None:
    selection = select(Sight(_answer(grand_piano=0.9, seashore=0.03)))
    assert not selection.fits
    assert selection.name == "sea_waves"
    assert selection.none > selection.probability
    assert selection.words[0][0] == "grand piano"
    assert "grand piano" in selection.reason
    assert "none of the ten" in selection.reason
    assert "sea waves" in selection.reason


def test_a_network_that_knows_nothing_fits_nothing() -> None:
    selection = select(Sight(np.zeros(1000, np.float32)))
    assert not selection.fits
    assert selection.none > 0.5
    assert scenes.evidence(np.zeros(1000, np.float32)).max() < 1e-9  # though 118 classes are dogs


def test_logits_may_be_shifted_and_extreme() -> None:
    answers = _answer(beagle=0.4)
    assert select(Sight(answers + 50)).probability == pytest.approx(select(Sight(answers)).probability, abs=1e-5)
    sure = np.full(1000, -1e4, np.float32)
    sure[NAMES.index("cello")] = 1e4
    selection = select(Sight(sure))
    assert np.isfinite(list(selection.probabilities.values())).all()
    assert not selection.fits


BURNING = {**NO_CUES, "flame": 0.3, "flame_flicker": 0.03, "dark": 0.6}
RAINING = {**NO_CUES, "grey": 0.9, "fine": 0.7, "everywhere": 0.9, "moving": 0.1}
BLUE = {**NO_CUES, "blue": 0.9, "level": 0.4, "moving": 0.3, "speed": 0.05}
SKY = {**NO_CUES, "sky": 0.95, "moving": 0.02}


@pytest.mark.parametrize(
    ("cues", "name", "alone"),
    [
        (BURNING, "crackling_fire", True),
        (RAINING, "rain", True),
        (BLUE, "sea_waves", False),
        (SKY, "helicopter", False),
    ],
)
def test_cues_speak_where_the_network_is_unsure(cues: Mapping[str, float], name: str, alone: bool) -> None:
    unsure, sure = Sight(np.zeros(1000, np.float32), cues), Sight(_answer(revolver=0.8), cues)
    assert cue_evidence(unsure.cues).argmax() == AMBIENT_CLASSES.index(name)
    assert select(unsure).name == name
    assert select(unsure).fits is alone
    assert not select(sure).fits
    assert openness(sure.logits_mean) == 0


def test_cues_strengthen_words_that_agree() -> None:
    answers = _answer(seashore=0.1)
    with_cues, without = select(Sight(answers, BLUE)), select(Sight(answers))
    assert with_cues.evidence["sea_waves"] > without.evidence["sea_waves"]
    assert with_cues.fits


def test_a_shaking_camera_is_no_rain_and_no_fire() -> None:
    for cues in (BURNING, RAINING):
        assert cue_evidence({**cues, "camera": 0.5}).max() == 0


def test_figures_of_the_evaluation() -> None:
    assert evaluation.auc([3, 2], [1, 2]) == pytest.approx(0.875)
    assert evaluation.auc([], [1]) is None
    assert evaluation.rank({"a": 0.5, "b": 0.3, "c": 0.2}, "b") == 2
    assert evaluation.rank({"a": 0.5, "b": 0.1, "c": 0.1}, "b") == 2.5
    unseen = Sight(_answer(barometer=0.6))
    assert select(unseen).fits
    assert scenes.evidence(unseen.logits_mean, unseen_only=True).max() == 0
    assert not set(evaluation.SOUNDING) & set(evaluation.SHOWING)
    assert {*evaluation.SOUNDING.values(), *evaluation.SHOWING.values()} <= set(AMBIENT_CLASSES)


def test_the_report_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    monkeypatch.setattr(evaluation, "packaged_eye", CountingEye)
    with pytest.raises(OptionError, match="no video"):
        evaluation.evaluate_selector(clips, None)
    grey = np.full((48, 48, 3), 90, np.uint8)
    video.write_frames(iter([grey] * 10), clips / "another.mkv", rate_fps=10)
    with pytest.raises(OptionError, match="table"):
        evaluation.evaluate_selector(clips, None)
    video.write_frames(iter([grey] * 10), clips / "fc_avsync_0.mkv", rate_fps=10)
    report = evaluation.evaluate_selector(clips, tmp_path / "out")
    assert report["clips"] == 2
    assert report["rows"]["words"]["others"] == {"n": 1, "fits_is_false": 1, "taken_for": {}}
    assert report["rows"]["words"]["confusion"] == {"dog": {"none fits": 1}, "other": {"none fits": 1}}
    written = json.loads((tmp_path / "out" / evaluation.REPORT).read_text())
    assert written["clips_one_by_one"]["another"]["label"] == "other"


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips of ../shared/data are not here")
def test_real_clips_are_told_apart() -> None:
    report = evaluation.evaluate_selector(REAL, None)
    row = report["rows"]["words and cues"]
    assert row["of the ten, seen"]["n"] == 11
    assert row["of the ten, seen"]["accuracy"] >= 0.8
    assert row["others"]["fits_is_false"] >= 0.9 * row["others"]["n"]
    assert row["auc_fits"] > 0.9
