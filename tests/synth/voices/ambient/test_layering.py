"""What is heard together: only what may be, never the same thing twice, three at most."""

from __future__ import annotations

import itertools

import pytest

from synth.models.vocabulary.sound_selector import Ranked, SoundSelection
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.layering import BEDS, MOST, layers_of, together


def selection(**evidence: float) -> SoundSelection:
    """What is seen, most first."""
    best = next(iter(evidence))
    further = {name: value for name, value in evidence.items() if name != best}
    return SoundSelection(Ranked(best, evidence[best], ""), True, (), evidence, further, 0.0, ())


def heard(selected: SoundSelection, *, onsets: bool = False) -> list[str]:
    return [layer.sound for layer in layers_of(selected, onsets=onsets)]


def test_a_dog_in_the_rain() -> None:
    layers = layers_of(selection(dog=0.6, rain=0.2), onsets=False)
    assert [layer.sound for layer in layers] == ["dog", "rain"]
    assert layers[0].level_db == 0
    assert layers[1].level_db < -6


def test_three_layers_are_a_foreground_something_else_and_a_bed() -> None:
    found = heard(selection(dog=0.5, horse=0.3, rain=0.2, wind=0.15, cow=0.12))
    assert found == ["dog", "horse", "rain"]
    assert len(found) == MOST


def test_what_is_hardly_seen_is_not_heard() -> None:
    assert heard(selection(dog=0.6, horse=0.05, rain=0.03)) == ["dog"]


def test_what_may_not_sound_together_does_not() -> None:
    sounds = all_sounds()
    assert not together(sounds["cello"], sounds["chainsaw"])
    assert heard(selection(cello=0.6, chainsaw=0.3)) == ["cello"]


def test_two_sounds_for_the_same_words_are_one() -> None:
    assert heard(selection(gunshot=0.8, machine_gun=0.6)) == ["gunshot"]
    assert heard(selection(drum_kit=0.6, snare_drum=0.5, cymbal=0.4)) == ["drum_kit"]


def test_onsets_prefer_what_strikes() -> None:
    seen = selection(dog=0.6, cow=0.25, hammer=0.2)
    assert heard(seen, onsets=False)[1] == "cow"
    assert heard(seen, onsets=True)[1] == "hammer"
    seen = selection(applause=0.6, guitar=0.25, drum_kit=0.2)
    assert heard(seen, onsets=True)[1] == "guitar"  # whoever plays it moves suddenly too


def test_a_bed_alone_is_the_foreground() -> None:
    assert heard(selection(sea_waves=0.7, wind=0.2)) == ["sea_waves"]


@pytest.mark.parametrize("bed", sorted(BEDS))
def test_beds_are_in_the_catalogue_and_lie_under_something(bed: str) -> None:
    sounds = all_sounds()
    assert bed in sounds
    assert any(together(sounds[bed], other) for other in sounds.values() if other.name not in BEDS)


def test_together_holds_either_way() -> None:
    sounds = list(all_sounds().values())[::11]
    for one, other in itertools.combinations(sounds, 2):
        assert together(one, other) == together(other, one)


def test_what_somebody_does_is_not_heard_before_anything_moves() -> None:
    layers = layers_of(selection(pouring=0.6, frying=0.3), onsets=False, moves_s=2.0)
    assert [(layer.sound, layer.start_s) for layer in layers] == [("pouring", 2.0), ("frying", None)]
    assert layers_of(selection(pouring=0.6), onsets=False)[0].start_s is None
