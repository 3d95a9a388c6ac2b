"""Hit lists that people edit: what is read, what is refused and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.score.score import Score, ScoreHit
from synth.voices.base import Hit
from synth.voices.hits import hit_list

ONE: dict[str, Any] = {"time_s": 1.0, "strength": 0.5, "material": "wood"}

HITS = st.builds(
    Hit,
    time_s=st.floats(0, 9.99),
    strength=st.floats(0, 1),
    material=st.sampled_from(MATERIALS),
    confidence=st.floats(0, 1),
    probabilities=st.dictionaries(st.sampled_from(MATERIALS), st.floats(0, 1), max_size=3),
    exemplar=st.none() | st.text(max_size=20),
)


@given(st.lists(HITS, max_size=5))
def test_what_is_written_is_read_back_sorted(hits: list[Hit]) -> None:
    read = hit_list.parse({"hits": [hit.as_json() for hit in hits]}, duration_s=10.0)
    assert [hit.as_json() for hit in read] == [
        hit.as_json() for hit in sorted(hits, key=lambda hit: round(hit.time_s, 6))
    ]


def test_the_output_of_run_is_read_by_take(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"outputs": [{"hits": []}, {"hits": [ONE], "target": "x"}]}))
    assert hit_list.read(file, duration_s=2.0) == ()
    assert hit_list.read(file, duration_s=2.0, take=1) == (Hit(1.0, 0.5, "wood"),)
    with pytest.raises(OptionError, match="takes 0 to 1"):
        hit_list.read(file, duration_s=2.0, take=2)


def test_material_overrules_and_drops_the_old_exemplar() -> None:
    raw = {"hits": [{**ONE, "exemplar": "wood-3"}, {**ONE, "exemplar": "metal-1", "material": "metal"}, {"time_s": 0}]}
    hits = hit_list.parse(raw, duration_s=2.0, material="metal")
    assert [(hit.time_s, hit.material, hit.exemplar) for hit in hits] == [
        (0.0, "metal", None),
        (1.0, "metal", None),
        (1.0, "metal", "metal-1"),
    ]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (7, "hit 1 is 7; it must be an object"),
        ({}, "hit 1 has no time_s"),
        ({**ONE, "time_s": -0.1}, "hit 1 has time_s -0.1; allowed is 0 to 2"),
        ({**ONE, "time_s": 2.0}, "hit 1 has time_s 2; the clip ends at 2"),
        ({**ONE, "time_s": 2.5}, "hit 1 has time_s 2.5; allowed is 0 to 2"),
        ({**ONE, "time_s": "soon"}, "hit 1 has time_s 'soon'"),
        ({**ONE, "time_s": True}, "hit 1 has time_s True"),
        ({**ONE, "time_s": float("nan")}, "hit 1 has time_s nan"),
        ({**ONE, "time_s": 10**400}, "hit 1 has time_s 1000"),
        ({**ONE, "strength": 1.01}, "hit 1 has strength 1.01; allowed is 0 to 1"),
        ({**ONE, "strength": None}, "hit 1 has strength None"),
        ({**ONE, "material": "cheese"}, "hit 1 has material 'cheese'; allowed are carpet"),
        ({**ONE, "material": ["wood"]}, "hit 1 has material ['wood']"),
        ({"time_s": 1}, "hit 1 has material None"),
        ({**ONE, "exemplar": 3}, "hit 1 has exemplar 3"),
        ({**ONE, "confidence": 2}, "hit 1 has confidence 2; allowed is 0 to 1"),
        ({**ONE, "probabilities": [1]}, "hit 1 has probabilities [1]"),
        ({**ONE, "probabilities": {"cheese": 1}}, "hit 1 has a probability for 'cheese'"),
        ({**ONE, "probabilities": {"wood": 3}}, "hit 1 has probability of wood 3"),
        ({**ONE, "loud": 1}, "hit 1 has the unknown key 'loud'"),
    ],
)
def test_entries_that_are_not_allowed(entry: Any, sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        hit_list.parse({"hits": [entry]}, duration_s=2.0)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("raw", [None, 3, [], {}, {"hits": 3}, {"outputs": [3]}, {"outputs": []}])
def test_other_shapes_are_refused(raw: Any) -> None:
    with pytest.raises(OptionError):
        hit_list.parse(raw, duration_s=2.0)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"hits": [{"time_s": ' + b"1" * 5000 + b"}]}"]
)
def test_files_that_are_not_json(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "hits.json"
    file.write_bytes(content)
    with pytest.raises(OptionError, match="is not JSON"):
        hit_list.read(file, duration_s=2.0)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        hit_list.read(tmp_path / "none.json", duration_s=2.0)


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(OptionError, match="allowed are 100000"):
        hit_list.parse({"hits": [ONE] * 100_001}, duration_s=2.0)


def test_a_score_is_a_hit_list_too() -> None:
    score = Score((ScoreHit("mine", 0.5, "wood", 0.75, "gong", ("gong",), -0.5, 3.0),))
    (hit,) = hit_list.parse(score.as_json(), duration_s=1.0)
    assert (hit.time_s, hit.strength, hit.material, hit.exemplar) == (0.5, 0.75, "wood", "gong")
    assert (hit.pan, hit.gain_db) == (-0.5, 3.0)
