"""One frozen request that command line, form and API all parse into."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.options import MAX_SEED, MAX_TAKES, ExistingSound, Mode, Options, Synthesis

ANY_OPTIONS = st.builds(
    Options,
    mode=st.sampled_from([Mode.AUTO, Mode.HITS]),
    seed=st.integers(0, MAX_SEED),
    takes=st.integers(1, MAX_TAKES),
    synthesis=st.sampled_from([one for one in Synthesis if one is not Synthesis.LEARNT]),  # which hits know not
    material=st.none() | st.sampled_from(MATERIALS),
    existing_sound=st.sampled_from(ExistingSound),
    loudness_lufs=st.floats(-40, -8),
    true_peak_dbtp=st.floats(-12, 0),
)


@given(ANY_OPTIONS)
def test_options_survive_json(options: Options) -> None:
    assert Options.parse(json.loads(json.dumps(options.as_dict()))) == options


@given(ANY_OPTIONS)
def test_options_survive_a_form_of_text(options: Options) -> None:
    form = {name: None if value is None else str(value) for name, value in options.as_dict().items()}
    assert Options.parse(form) == options


def test_absent_means_default() -> None:
    assert Options.parse({}) == Options() == Options.parse(dict.fromkeys(Options().as_dict()))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"mode": "music"}, "mode is 'music'; allowed are auto, hits, ambient, speech"),
        ({"seed": "x"}, "seed is 'x'; it must be a whole number"),
        ({"seed": "1.5"}, "seed is '1.5'; it must be a whole number"),
        ({"seed": -1}, "seed is -1; allowed is 0 to"),
        ({"seed": MAX_SEED + 1}, "allowed is 0 to"),
        ({"seed": 10**400}, "allowed is 0 to"),
        ({"takes": 0}, "takes is 0; allowed is 1 to 8"),
        ({"takes": 9}, "takes is 9; allowed is 1 to 8"),
        ({"synthesis": "magic"}, "allowed are example, parametric"),
        ({"existing_sound": ""}, "allowed are replace, keep, mix"),
        ({"material": "cheese"}, "material is 'cheese'; allowed are carpet, ceramic"),
        ({"material": "wood", "mode": "speech"}, "material goes with mode hits; the mode asked for is speech"),
        ({"face": 1, "mode": "hits"}, "face goes with mode speech; the mode asked for is hits"),
        ({"voice": "me", "mode": "ambient"}, "voice goes with mode speech; the mode asked for is ambient"),
        ({"voice": "../me"}, "voice is '../me'; allowed is the name of a voice pack"),
        ({"face": 0}, "face is 0; allowed is 1 to"),
        ({"face": "left"}, "face is 'left'; it must be a whole number"),
        ({"mode": "hits", "synthesis": "learnt"}, "goes with mode ambient; the mode asked for is hits"),
        ({"sound_class": "footstep"}, "sound_class is 'footstep'; the nearest are footsteps_"),
        ({"sound_class": "cello", "synthesis": "learnt"}, "nobody learnt; with synthesis learnt are chainsaw"),
        ({"material": "wood", "sound_class": "rain"}, "material goes with mode hits and sound_class with mode ambient"),
        ({"sound_class": "rain", "face": 1}, "sound_class goes with mode ambient and face with mode speech"),
        ({"loudness_lufs": "loud"}, "loudness_lufs is 'loud'; it must be a number"),
        ({"loudness_lufs": "nan"}, "loudness_lufs is nan; allowed is -40.0 to -8.0"),
        ({"loudness_lufs": -41}, "allowed is -40.0 to -8.0"),
        ({"true_peak_dbtp": "inf"}, "true_peak_dbtp is inf; allowed is -12.0 to 0.0"),
        ({"volume": 1}, "unknown option 'volume'; known are mode, seed"),
    ],
)
def test_what_is_not_allowed_is_said_in_one_sentence(raw: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        Options.parse(raw)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_constructor_checks_too() -> None:
    with pytest.raises(OptionError):
        Options(takes=0)
    with pytest.raises(OptionError):
        dataclasses.replace(Options(mode=Mode.SPEECH), material="wood")


@pytest.mark.parametrize(
    ("raw", "mode"),
    [
        ({}, Mode.AUTO),
        ({"material": "wood"}, Mode.HITS),
        ({"bank": "bank-modal"}, Mode.HITS),
        ({"sound_class": "rain", "bank": "bank-modal"}, Mode.AMBIENT),
        ({"voice": "grid-s1"}, Mode.SPEECH),
        ({"face": 2}, Mode.SPEECH),
        ({"mode": "speech"}, Mode.SPEECH),
    ],
)
def test_options_that_fit_one_voice_only_choose_it(raw: dict[str, Any], mode: Mode) -> None:
    assert Options.parse(raw).settled_mode is mode


def test_speech_keeps_its_options_through_json() -> None:
    asked = Options(mode=Mode.SPEECH, voice="grid-s1", face=3)
    assert Options.parse(json.loads(json.dumps(asked.as_dict()))) == asked


def test_takes_count_seeds_up_and_around() -> None:
    assert [Options(seed=5, takes=3).with_take(take).seed for take in range(3)] == [5, 6, 7]
    assert Options(seed=MAX_SEED, takes=2).with_take(1) == Options(seed=0, takes=1)


def test_options_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().seed = 1  # type: ignore[misc]
