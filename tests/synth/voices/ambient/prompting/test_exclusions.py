"""``without`` is a guarantee: what it names is chosen, offered or asked for nowhere."""

from __future__ import annotations

import numpy as np
import pytest

from synth.errors import OptionError
from synth.models.vocabulary.imagenet import NAMES
from synth.models.vocabulary.sound_selector import select_sounds
from synth.options import MAX_PROMPT_CHARS, Mode, Options, Synthesis
from synth.pipeline.modes import allowed_modes
from synth.voices.ambient.catalogue.entry import FAMILIES
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.layering import layers_of
from synth.voices.ambient.prompting.asked import asked_of
from synth.voices.ambient.prompting.exclusions import GROUPS, parse_without

MUSIC = {sound.name for sound in all_sounds().values() if sound.family == "music"}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_left_out_whole(family: str) -> None:
    members = {sound.name for sound in all_sounds().values() if sound.family == family}
    assert members <= parse_without(family).sounds


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_groups_name_sounds_that_there_are(group: str) -> None:
    assert parse_without(group).sounds
    assert parse_without(group).sounds <= set(all_sounds())


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("speech, music", {"babble", "piano", "drum_kit", "guitar"}, {"rain", "dog"}),
        ("Speech and Music.", {"babble", "piano"}, {"rain"}),
        ("dogs", {"dog"}, {"cat"}),
        ("rain", {"rain", "rain_on_roof", "rain_on_leaves"}, {"train", "hail"}),
        ("birds; sirens", {"owl", "crow", "ambulance", "police_siren"}, {"dog"}),
        ("footsteps", {"footsteps_snow", "footsteps_wood"}, {"horse_gallop"}),
        ("door_slam", {"door_slam"}, {"door_knock"}),
        ("guitars", {"guitar"}, {"violin"}),
    ],
)
def test_words_for_what_is_left_out(text: str, inside: set[str], outside: set[str]) -> None:
    ruled_out = parse_without(text)
    assert inside <= ruled_out.sounds
    assert not outside & ruled_out.sounds


def test_an_unknown_word_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"'musik', which is no sound .* the nearest are music, "):
        parse_without("rain, musik")


def test_whatever_the_picture_shows_the_selector_leaves_them_out() -> None:
    """Each of the thousand words alone, as sure as can be, and a hundred mixtures of them."""
    ruled_out = asked_of(Options(without="speech, music, animals")).exclusions.sounds
    rng = np.random.default_rng(4)
    sights = [*np.eye(len(NAMES))[::7], *rng.dirichlet(np.full(len(NAMES), 0.01), 100)]
    shown = 0
    for words in sights:
        free, held = select_sounds(words), select_sounds(words, without=ruled_out)
        shown += free.best.name in ruled_out
        named = {held.best.name, *(one.name for one in held.candidates), *held.evidence, *held.further}
        assert not named & ruled_out
        assert not {layer.sound for layer in layers_of(held, onsets=True)} & ruled_out
    assert shown > 20  # else nothing was held back here


@pytest.mark.parametrize("without", ["speech", "speech, music", "people", "voices", "talking"])
def test_auto_has_no_way_to_speech(without: str) -> None:
    assert Mode.SPEECH in allowed_modes(Options())
    assert Mode.SPEECH not in allowed_modes(Options(without=without))
    assert Mode.SPEECH in allowed_modes(Options(without="music"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"mode": Mode.SPEECH, "without": "speech"}, "the mode asked for is speech"),
        ({"voice": "neutral", "without": "speech, music"}, "the mode asked for is speech"),
        ({"sound_class": "piano", "without": "music"}, "which without (music) leaves out"),
        ({"prompt": "a guitar", "without": "music"}, "asks for guitar only, which without (music) leaves out"),
        ({"without": ", ".join(FAMILIES)}, "leaves no sound to make"),
    ],
)
def test_what_contradicts_it_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        asked_of(Options(**given))  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_of_a_prompt_it_takes_out_what_it_names() -> None:
    asked = asked_of(Options(prompt="a guitar, heavy rain, no dogs", without="music"))
    assert asked.parsed is not None
    assert [layer.sound for layer in asked.parsed.layers] == ["rain"]
    assert asked.parsed.told.startswith("rain, drops_per_s ")
    assert "guitar (left out by without: music)" in asked.parsed.ignored
    assert asked.exclusions.sounds >= MUSIC | {"dog"}


@pytest.mark.parametrize("name", ["prompt", "without"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        (" \n ", "is empty"),
        ("rain " * 2000, f"has 10000 letters; allowed are {MAX_PROMPT_CHARS}"),
        ("rain\x00", "cannot be printed"),
    ],
)
def test_what_options_refuse(name: str, text: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        Options.parse({name: text})


def test_a_prompt_goes_with_computed_ambient_sound_only() -> None:
    assert Options(prompt="rain").settled_mode is Mode.AMBIENT
    for given in (
        {"prompt": "rain", "mode": Mode.HITS},
        {"prompt": "rain", "sound_class": "dog"},
        {"prompt": "rain", "synthesis": Synthesis.LIBRARY},
        {"without": "rain", "synthesis": Synthesis.LEARNT},
    ):
        with pytest.raises(OptionError):
            Options(**given)  # type: ignore[arg-type]
    assert Options.parse(Options(prompt="rain", without="dogs").as_dict()) == Options(prompt="rain", without="dogs")
