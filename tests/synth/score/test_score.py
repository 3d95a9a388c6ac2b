"""Scores: what is read, what is refused, and with which sentence."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from synth.errors import OptionError
from synth.score.score import MAX_HITS, ORIGINAL, Score, parse

HIT: dict[str, Any] = {"id": "h1", "time_s": 1.0, "material": "wood"}
LAYER: dict[str, Any] = {"id": "l1", "sound": "rain"}


def test_a_score_is_read_back_as_it_was_written() -> None:
    raw = {
        "hits": [{**HIT, "strength": 0.25, "pan": -0.5, "gain_db": 3.0, "nearest": ["a", "b"], "exemplar": "a"}],
        "layers": [{**LAYER, "knobs": {}, "start_s": 0.5, "end_s": 1.5, "level_db": -6.0, "pan": 0.25}],
        "words": [{"id": "w1", "text": "now", "start_s": 0.25, "end_s": 0.5}],
        "stems": [{"name": "hits", "gain_db": -3.0, "solo": True}],
        "loudness_lufs": -16.0,
        "limiter": True,
        "true_peak_dbtp": -2.0,
    }
    score = parse(raw, duration_s=2.0, parts=[ORIGINAL])
    assert [stem.name for stem in score.stems] == ["hits", "layer-l1", ORIGINAL]
    assert score.stem("hits").gain_db == -3.0
    told = json.loads(json.dumps(score.as_json(), allow_nan=False))
    assert parse(told, duration_s=2.0, parts=[ORIGINAL]) == score


def test_hits_come_in_order_of_time() -> None:
    score = parse({"hits": [{**HIT, "id": "b", "time_s": 1.5}, {**HIT, "id": "a"}]}, duration_s=2.0)
    assert [hit.id for hit in score.hits] == ["a", "b"]


def test_stems_follow_hits_and_layers() -> None:
    before = parse({"hits": [HIT], "layers": [LAYER]}, duration_s=2.0)
    told = before.as_json()
    after = parse({**told, "layers": [{**LAYER, "id": "x"}], "hits": []}, duration_s=2.0)
    assert [stem.name for stem in after.stems] == ["layer-x"]


def test_the_clips_own_sound_is_muted_unless_somebody_wants_it() -> None:
    score = parse({}, duration_s=2.0, parts=["speech", ORIGINAL])
    assert score.is_heard("speech")
    assert not score.is_heard(ORIGINAL)


def test_solo_leaves_the_others_out() -> None:
    stems = [{"name": "layer-l1", "solo": True}]
    score = parse({"hits": [HIT], "layers": [LAYER], "stems": stems}, duration_s=2.0)
    assert (score.is_heard("layer-l1"), score.is_heard("hits")) == (True, False)
    muted = parse({"hits": [HIT], "layers": [LAYER], "stems": [{**stems[0], "muted": True}]}, duration_s=2.0)
    assert (muted.is_heard("layer-l1"), muted.is_heard("hits")) == (False, False)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"hits": [{**HIT, "material": "gold"}]}, "hit 1 has material 'gold'; allowed are "),
        ({"hits": [HIT, {**HIT, "id": "h2", "time_s": 2.0}]}, "hit 2 has time_s 2; the clip ends at 2"),
        ({"hits": [{**HIT, "time_s": math.nan}]}, "hit 1 has time_s nan; allowed is 0 or more"),
        ({"hits": [{**HIT, "time_s": True}]}, "hit 1 has time_s True; allowed is 0 or more"),
        ({"hits": [{"id": "h1", "material": "wood"}]}, "hit 1 has no time_s"),
        ({"hits": [HIT, HIT]}, "two hits have the id 'h1'; allowed is one"),
        ({"hits": [HIT] * (MAX_HITS + 1)}, "there are 10001 hits; allowed are 10000"),
        ({"hits": [{**HIT, "strength": 1.5}]}, "hit 1 has strength 1.5; allowed is 0 to 1"),
        ({"hits": [{**HIT, "colour": 1}]}, "hit 1 has the unknown member 'colour'; known are "),
        ({"hits": {"a": 1}}, "hits is {'a': 1}; it must be a list"),
        ({"layers": [{**LAYER, "sound": "raim"}]}, "layer 1 has sound 'raim'; the nearest are "),
        ({"layers": [{**LAYER, "knobs": {"wetness": 1.0}}]}, "layer 1: rain has no knob 'wetness'"),
        ({"layers": [{**LAYER, "start_s": 1.0, "end_s": 0.5}]}, "layer 1 has end_s 0.5; it must be after its start, 1"),
        ({"words": [{"id": "w", "text": "a\u0000", "start_s": 0, "end_s": 1}]}, "word 1 has text 'a\\x00'"),
        ({"stems": [{"name": "drums"}]}, "stem 'drums' is not known here; known are none"),
        ({"stems": [{"name": "hits", "muted": 1}]}, "stem 1 has muted 1; allowed are true and false"),
        ({"loudness_lufs": -3.0}, "loudness_lufs is -3.0; allowed is -40 to -8"),
        ({"tempo": 3}, "the score has the unknown member 'tempo'; known are "),
    ],
)
def test_what_is_not_allowed_is_said_in_one_sentence(raw: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse(raw, duration_s=2.0)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_an_empty_score_is_one() -> None:
    assert parse({}, duration_s=1.0) == Score()
