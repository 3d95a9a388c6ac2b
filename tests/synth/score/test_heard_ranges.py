"""Which ranges are heard under a score, and what is told of them."""

from __future__ import annotations

import pytest

from synth.options import Mode
from synth.routing.ranges import Range
from synth.score.heard_ranges import RangeContents, heard, heard_modes, told
from synth.score.score import Score, ScoreStem
from synth.voices.ambient.layers import Layer
from synth.voices.base import Hit

RANGES = (
    Range(0.0, 3.0004, Mode.SPEECH, 0.9, "a face"),
    Range(3.0004, 9.0, Mode.HITS, 0.9, "impacts"),
    Range(9.0, 12.0, Mode.AMBIENT, 0.9, "the scene"),
)
HITS = (Hit(3.1, 0.5, "wood"), Hit(8.9, 0.5, "wood"))
RAIN = Layer("rain", start_s=9.0, end_s=12.0)
EDGE = Layer("wind", start_s=3.0, end_s=9.0)  # its start was rounded into the range before
CONTENTS = RangeContents(HITS, (EDGE, RAIN))


def score(*names: str, muted: tuple[str, ...] = (), solo: tuple[str, ...] = ()) -> Score:
    return Score(stems=tuple(ScoreStem(name, muted=name in muted, solo=name in solo) for name in names))


PARTS = ("range-1", "range-2", "range-3")


@pytest.mark.parametrize(
    ("taken", "which", "hits", "layers"),
    [
        (score(*PARTS), [True, True, True], HITS, (EDGE, RAIN)),
        (score(*PARTS, muted=("range-2",)), [True, False, True], (), (RAIN,)),
        (score(*PARTS, muted=("range-1", "range-3")), [False, True, False], HITS, (EDGE,)),
        (score("hits", *PARTS, solo=("hits",)), [False, False, False], (), ()),
        (score("sound"), [True, True, True], HITS, (EDGE, RAIN)),
        (score("hits", "sound", muted=("sound",)), [False, False, False], (), ()),
    ],
)
def test_what_is_heard_is_told(
    taken: Score, which: list[bool], hits: tuple[Hit, ...], layers: tuple[Layer, ...]
) -> None:
    assert heard(taken, RANGES) == which
    assert told(CONTENTS, taken, RANGES) == RangeContents(hits, layers)
    assert heard_modes(taken, RANGES) == [one.mode for one, is_heard in zip(RANGES, which, strict=True) if is_heard]


def test_without_ranges_nothing_is_told_of_them() -> None:
    assert told(CONTENTS, score("hits"), ()) == RangeContents()
