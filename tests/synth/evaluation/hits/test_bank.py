"""The evaluation of the bank of hits: its figures by hand, what it is registered as, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synth.data.corpora.impacts import impact_files
from synth.errors import OptionError
from synth.evaluation.hits import bank as evaluation
from synth.evaluation.hits.bank import Heard
from synth.evaluation.hits.report import EVALUATIONS
from synth.materials import MATERIALS
from tests.support.paths import SHARED_DATA

KEPT = Path(__file__).parents[4] / "bench" / "results" / "eval-hit-bank-2026-11-30.json"


class _Ear:
    """Hears the first two samples of a sound as its embedding."""

    def embed(self, sound: np.ndarray) -> np.ndarray:
        return np.asarray(sound[:2] / np.linalg.norm(sound[:2]), np.float32)


def _heard(material: str, x: float, y: float, group: str = "", fold: int = 0) -> Heard:
    sound = np.array([x, y], np.float32)
    return Heard(sound, 44_100, material, _Ear(), group, fold)  # type: ignore[arg-type]


REAL = [
    _heard("wood", 1, 0, "a", 0),
    _heard("wood", 1, 0.1, "a", 1),
    _heard("glass", 0, 1, "b", 0),
    _heard("glass", 0.1, 1, "c", 1),
]


def test_the_share_is_a_mean_over_materials() -> None:
    hits = [_heard("wood", 1, 0.2), _heard("wood", 0.2, 1), _heard("wood", 0.1, 1), _heard("glass", 0.2, 1)]
    found = evaluation._share([*hits, _heard("water", 1, 1)], REAL)
    assert found["materials"] == {"glass": 1.0, "wood": pytest.approx(1 / 3)}
    assert found["mean_over_materials"] == pytest.approx(2 / 3)


def test_reality_is_judged_without_its_own_group() -> None:
    found = evaluation._share(REAL, REAL, apart=True)
    assert found["materials"] == {"glass": 1.0, "wood": 0.0}  # all wood is of one group


def test_folds_are_judged_against_each_other() -> None:
    folds = [[one for one in REAL if one.fold == fold] for fold in (0, 1)]
    assert evaluation._both(folds, folds)["mean_over_materials"] == 1.0
    swapped = [[_heard("wood", 0, 1)], [_heard("wood", 1, 0)]]
    assert evaluation._both(swapped, folds)["folds"] == [0.0, 1.0]


def test_it_can_be_asked_for_and_says_what_is_missing(tmp_path: Path) -> None:
    assert EVALUATIONS["hit-bank"] is evaluation.evaluate_hit_bank
    with pytest.raises(OptionError, match="holds no folder effects"):
        evaluation.evaluate_hit_bank(tmp_path, None)


def test_the_kept_figures_reach_what_was_aimed_at() -> None:
    """Half of the computed hits are nearest to a real one of their material, in recordings they were not made from."""
    kept = json.loads(KEPT.read_text())
    crossed = kept["effects, cross-fitted"]
    assert crossed["measured bodies"]["mean_over_materials"] >= 0.5
    assert crossed["measured bodies"]["mean_over_materials"] > crossed["before"]["mean_over_materials"] + 0.1
    assert kept["effects, shipped"]["bank"]["mean_over_materials"] >= 0.5


@pytest.mark.real_data
@pytest.mark.skipif(not (SHARED_DATA / "effects").is_dir(), reason="shared/data/effects is not here")
def test_takes_of_one_session_are_dealt_out_to_both_folds() -> None:
    files = impact_files(SHARED_DATA / "effects")
    by_name = {file.name.rsplit("/", 1)[1]: file for file in files if "Tree" in file.name}
    assert [by_name[f"Chop{number}"].fold for number in range(1, 6)] == [0, 1, 0, 1, 0]
    assert {file.kind for file in files} & set(MATERIALS) == {
        *("cloth", "dirt", "glass", "metal", "rock", "water", "wood")
    }
