"""The router's evaluation, on real clips where they are, and its figures on answers made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synth.errors import OptionError
from synth.evaluation import router as evaluation
from synth.evaluation.hits.report import EVALUATIONS
from synth.options import Mode
from synth.result import Range
from synth.routing.router import Route
from tests.support.paths import SHARED_DATA

DATA = SHARED_DATA

real_data = pytest.mark.skipif(not (DATA / "wild").is_dir(), reason=f"no real clips in {DATA}")


def judged(label: str, mode: Mode, share: float, *, half: int = 0, corpus: str = "wild") -> evaluation.Judged:
    rest = (1 - share) / 2
    odds = {one: share if one is mode else rest for one in (Mode.HITS, Mode.AMBIENT, Mode.SPEECH)}
    route = Route(mode, odds, "because", (Range(0.0, 2.0, mode, share, "because"),))
    return evaluation.Judged(evaluation.Item(Path(f"{label}-{mode.value}.mkv"), corpus, label, half), route, 0.2, 2.0)


def test_it_is_listed() -> None:
    assert EVALUATIONS["router"] is evaluation.evaluate_router


def test_figures_of_answers_by_hand() -> None:
    answers = [
        judged("hits", Mode.HITS, 0.9),
        judged("hits", Mode.AMBIENT, 0.5),
        judged("speech", Mode.SPEECH, 0.95, half=1, corpus="grid"),
        judged("neither", Mode.HITS, 0.7, half=1),
    ]
    told = evaluation.report(answers)
    assert told["confusion"] == {"hits": {"hits": 1, "ambient": 1}, "neither": {"hits": 1}, "speech": {"speech": 1}}
    assert told["confusion_wild"] == {"hits": {"hits": 1, "ambient": 1}, "neither": {"hits": 1}}
    assert (told["halves"]["tuned on"]["right"], told["halves"]["tuned on"]["n"]) == (1, 2)
    assert told["halves"]["held out"]["accuracy"] == 1.0
    assert list(told["wrong"]) == ["hits-ambient"]
    assert told["calibration"] == [
        {"n": 1, "probability": 0.5, "right": 0.0},
        {"n": 2, "probability": pytest.approx(0.925), "right": 1.0},
    ]
    assert told["seconds_per_10_s_of_clip"] == pytest.approx(1.0)


def test_a_folder_without_clips(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="holds no clip in greatest_hits, grid or wild"):
        evaluation.evaluate_router(tmp_path, None)


def test_every_wild_clip_has_one_label() -> None:
    names = [name for names in evaluation.WILD.values() for name in names]
    assert len(names) == len(set(names))
    assert set(evaluation.WILD) == {"hits", "ambient", "speech", "neither"}


@pytest.mark.real_data
@real_data
def test_the_halves_share_no_source() -> None:
    items = evaluation.find(DATA)
    assert {item.corpus for item in items} == {"greatest_hits", "grid", "wild"}
    assert {item.file.stem for item in items if item.corpus == "wild"} == {
        file.stem for file in (DATA / "wild").glob("*.mkv")
    }
    from synth.data.corpora import greatest_hits

    groups = {clip.video: clip.group for clip in greatest_hits.load(DATA / "greatest_hits")}
    halves = [{groups[item.file] for item in items if item.file in groups and item.half == half} for half in (0, 1)]
    assert not halves[0] & halves[1]
    assert min(map(len, halves)) > 5


@pytest.mark.real_data
@real_data
@pytest.mark.slow
def test_most_clips_get_the_voice_that_is_wanted(tmp_path: Path) -> None:
    told = evaluation.evaluate_router(DATA, tmp_path)
    assert told["halves"]["held out"]["accuracy"] > 0.75 > told["always_the_most_frequent"]
    assert told["confusion"]["speech"]["speech"] >= 20
    assert len(json.loads((tmp_path / evaluation.REPORT).read_text())["clips_one_by_one"]) == sum(
        told["clips"].values()
    )
