"""A clip made again with other options: what was touched wins, what was not gives way."""

from __future__ import annotations

from typing import Any

import pytest

from synth.errors import OptionError
from synth.options import Options
from web.uploads.variants import options_with, touched, whole_form


def again(given: dict[str, Any], libraries: tuple[str, ...] = (), **old: Any) -> dict[str, Any]:
    return options_with(given, Options.parse(old).as_dict(), libraries)


def test_nothing_touched_changes_nothing() -> None:
    old = Options.parse({"mode": "hits", "material": "wood", "takes": 3, "loudness_lufs": -16}).as_dict()
    form = whole_form({"mode": "hits", "material": "wood", "takes": "3", "loudness_lufs": "-16", "prompt": ""})
    assert touched(form, old) == {}
    assert options_with({}, old, ()) == old
    assert touched({**form, "material": "metal", "prompt": "rain"}, old) == {"material": "metal", "prompt": "rain"}


@pytest.mark.parametrize(
    ("old", "given", "expected"),
    [
        ({"mode": "hits", "material": "wood"}, {"sound_class": "rain"}, {"mode": "ambient", "material": None}),
        ({"prompt": "heavy rain"}, {"sound_class": "wind"}, {"mode": "ambient", "prompt": None}),
        ({"mode": "ambient", "sound_class": "wind"}, {"prompt": "heavy rain"}, {"sound_class": None}),
        ({"mode": "ambient", "sound_class": "wind"}, {"mode": "hits"}, {"sound_class": None, "mode": "hits"}),
        ({"mode": "ambient", "sound_class": "wind"}, {"mode": "auto"}, {"sound_class": "wind", "mode": "auto"}),
        ({"mode": "ambient", "synthesis": "learnt"}, {"mode": "hits"}, {"synthesis": "example"}),
        (
            {"mode": "ambient", "synthesis": "learnt", "sound_class": "rain"},
            {"sound_class": "wind"},
            {"synthesis": "example"},
        ),
        ({"synthesis": "library", "library": "mine"}, {"mode": "speech"}, {"synthesis": "example", "library": None}),
        ({"synthesis": "library", "library": "mine"}, {"prompt": "rain"}, {"synthesis": "example", "library": None}),
        ({"prompt": "heavy rain"}, {"library": "mine"}, {"synthesis": "library", "prompt": None}),
        ({"mode": "hits", "salvage": True}, {"salvage": "false"}, {"salvage": False}),
    ],
)
def test_what_was_not_touched_gives_way(old: dict[str, Any], given: dict[str, Any], expected: dict[str, Any]) -> None:
    made = again(given, ("mine",), **old)
    assert {name: made[name] for name in expected} == expected


@pytest.mark.parametrize(
    "given",
    [
        {"material": "wood", "sound_class": "rain"},
        {"mode": "hits", "prompt": "rain"},
        {"mode": "auto", "library": "mine", "prompt": "rain"},
        {"mode": "nothing"},
        {"library": "theirs"},
        {"bank": "/etc/passwd"},
        {"colour": "red"},
    ],
)
def test_what_was_touched_and_contradicts_itself_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        again(given, ("mine",))


def test_a_switch_that_is_off_is_not_sent() -> None:
    old = Options.parse({"salvage": True}).as_dict()
    assert touched(whole_form({}), old) == {"salvage": "false"}
