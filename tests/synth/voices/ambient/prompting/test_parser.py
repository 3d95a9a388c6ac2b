"""Prompts and what they are understood as: words, knobs, times, what is ignored and what is refused."""

from __future__ import annotations

import pytest

from synth.errors import OptionError
from synth.voices.ambient.catalogue.registry import all_sounds, sound_class
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.prompting import embedding
from synth.voices.ambient.prompting.parser import MAX_PROMPT_LAYERS, parse_prompt
from synth.voices.ambient.prompting.synonyms import SURFACES, SYNONYMS

# A prompt, and its parse: sounds, and which way words turned which of their knobs ("+" above the default, "-" below).
UNDERSTOOD = [
    ("heavy rain on a tin roof, thunder far away", "rain_on_roof drops_per_s+; thunder distance_m+ level_db-"),
    ("light rain on leaves and birds singing", "rain_on_leaves drops_per_s-; songbird"),
    ("rain, surface metal, intensity .9; thunder, distance 2 km", "rain_on_roof drops_per_s+; thunder distance_m=2000"),
    ("drizzle on the window", "rain_on_roof"),
    ("torrential rain in the forest", "rain_on_leaves drops_per_s+"),
    ("Rain.", "rain"),
    ("very heavy rain", "rain drops_per_s=6000"),
    ("a big dog barks slowly in the distance", "dog size+ barks_per_s- level_db-"),
    ("a small dog barking excitedly", "dog size- harshness+"),
    ("dogs barking", "dog"),
    ("a pup yapping", "dog"),
    ("a cat and a dog", "cat; dog"),
    ("a big cat", "lion"),
    ("a deep-voiced cow far off", "cow pitch_hz- level_db-"),
    ("thunder 2 km away", "thunder distance_m=2000"),
    ("thunder at 500 meters", "thunder distance_m=500"),
    ("nearby thunder", "thunder distance_m- level_db+"),
    ("footsteps in dry leaves", "footsteps_leaves dry_ratio+"),
    ("gravel footsteps", "footsteps_gravel"),
    ("someone walking slowly on a wooden floor", "footsteps_wood steps_per_s-"),
    ("fast footsteps on concrete", "footsteps_concrete steps_per_s+"),
    ("walking in the snow", "footsteps_snow"),
    ("footsteps on metal stairs", "footsteps_metal"),
    ("running water", "stream"),
    ("a roaring waterfall", "waterfall spray_ratio+"),
    ("howling wind", "wind speed_m_s+"),
    ("a gentle breeze with rustling leaves", "wind speed_m_s-; rustling_leaves"),
    ("howling wind and wolves howling", "wind speed_m_s+; wolf level_db+"),
    ("three crickets", "cricket crickets=3"),
    ("many frogs croaking", "frog frogs+"),
    ("pots and pans", "dishes"),
    ("plates and cutlery and clinking glasses", "dishes; glass_clink"),
    ("heavy breathing", "breathing effort+"),
    ("church bells ring far away", "church_bell distance_m+ level_db-"),
    ("a deep church bell", "church_bell strike_hz-"),
    ("a car passing by quickly", "car_passing speed_kmh+"),
    ("car engine", "car_idle"),
    ("loud applause in a hall", "applause level_db+ hall_s+"),
    ("quiet applause", "applause level_db-"),
    ("dripping water in a cave", "dripping room_s+"),
    ("phone ringing on the left", "telephone pan-"),
    ("waves crashing on the beach with seagulls", "sea_waves; gull"),
    ("crackling campfire with crickets in the background", "crackling_fire; cricket level_db-"),
    ("two people talking in a restaurant", "babble people-"),
    ("glass breaks", "glass_breaking"),
    ("a door creaks slowly", "door_creak creaks_per_s-"),
    ("a slamming door", "door_slam"),
    ("a knock at the door", "door_knock"),
    ("chopping vegetables then frying", "chopping_food; frying"),
    ("city traffic with a distant ambulance", "traffic_noise; ambulance level_db-"),
    ("high-pitched whistle", "whistling pitch_hz+"),
    ("in the distance, a dog barks", "dog level_db-"),
    ("rain, heavy", "rain drops_per_s+"),
    ("loud and heavy rain", "rain level_db+ drops_per_s+"),
    ("rain_on_roof, drops_per_s 1500", "rain_on_roof drops_per_s=1500"),
    ("rain_on_roof drops_per_s=1500; dog level_db -6 pan .5", "rain_on_roof drops_per_s=1500; dog level_db=-6 pan=.5"),
    ("frog, frogs 4", "frog frogs=4"),
    ("typewriter, bell 1.2", "typewriter bell=1.2"),
    ("rain but no thunder", "rain"),
    ("a violin playing slowly", "violin notes_per_s-"),
    ("a grand piano and a cello", "piano; cello"),
    ("heavy rainn on a tin roof", "rain_on_roof drops_per_s+"),
    ("thuner and ligtning", "thunder"),
    ("police siren", "police_siren"),
]


def _reached(layer: Layer, name: str) -> tuple[float, float]:
    """A setting's value and its default."""
    if name in ("level_db", "pan"):
        value = getattr(layer, name)
        assert value is not None
        return value, 0.0
    assert name in layer.knobs, f"{name} of {layer.sound} was not turned: {dict(layer.knobs)}"
    return layer.knobs[name], sound_class(layer.sound).knob(name).default


@pytest.mark.parametrize(("prompt", "wanted"), UNDERSTOOD)
def test_a_prompt_is_understood(prompt: str, wanted: str) -> None:
    parsed = parse_prompt(prompt)
    asked = [part.split() for part in wanted.split("; ")]
    assert [layer.sound for layer in parsed.layers] == [name for name, *_ in asked]
    for layer, (_, *settings) in zip(parsed.layers, asked, strict=True):
        turned = set(layer.knobs) | ({"level_db"} if layer.level_db else set()) | ({"pan"} if layer.pan else set())
        assert turned == {setting.split("=")[0].rstrip("+-") for setting in settings}
        for setting in settings:
            name, equals, exact = setting.partition("=")
            value, default = _reached(layer, name.rstrip("+-"))
            if equals:
                assert value == pytest.approx(float(exact), rel=1e-3)
            else:
                assert value > default if name.endswith("+") else value < default


@pytest.mark.parametrize("prompt", [prompt for prompt, _ in UNDERSTOOD])
def test_what_is_told_parses_to_the_same(prompt: str) -> None:
    parsed = parse_prompt(prompt)
    again = parse_prompt(parsed.told)
    assert again.layers == parsed.layers
    assert again.told == parsed.told
    assert not again.ignored


@pytest.mark.parametrize("name", sorted(all_sounds()))
def test_every_sound_and_knob_can_be_written_exactly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "model_folder", lambda: None)  # by the words alone
    sound = sound_class(name)
    settings = [f"{knob.name} {knob.high:.6g}" for knob in sound.knobs]
    (layer,) = parse_prompt(", ".join([name, *settings])).layers
    assert layer.sound == name
    assert dict(layer.knobs) == {knob.name: knob.high for knob in sound.knobs}


@pytest.mark.parametrize("name", sorted(all_sounds()))
def test_every_sound_is_found_by_its_own_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "model_folder", lambda: None)  # by the words alone
    sound = sound_class(name)
    assert [layer.sound for layer in parse_prompt(sound.singular).layers] == [name]
    assert [layer.sound for layer in parse_prompt(name.replace("_", " ")).layers] == [name]


def test_the_lists_name_sounds_that_there_are() -> None:
    grounds = {name for words in SURFACES.values() for name in words.values()}
    assert set(SYNONYMS) | grounds <= set(all_sounds())


def test_the_same_words_always_mean_the_same() -> None:
    assert parse_prompt("heavy rain, a dog far away") == parse_prompt("heavy rain, a dog far away")


@pytest.mark.parametrize(
    ("prompt", "ranges"),
    [
        ("0-3 s: footsteps on gravel; 3- : door", [("footsteps_gravel", None, 3), ("door_slam", 3, None)]),
        ("0-2 s: dog, 2-5 s: cat", [("dog", None, 2), ("cat", 2, 5)]),
        ("from 0 to 2.5 seconds: a train; 2.5 - 6 s: train horn", [("train", None, 2.5), ("train_horn", 2.5, 6)]),
        ("until 3 s: rain", [("rain", None, 3)]),
        ("at 4 s: gunshot", [("gunshot", 4, None)]),
        ("0:05-0:10: rain\nwind", [("rain", 5, 10), ("wind", None, None)]),
        ("1-2 s: a dog and a cat", [("dog", 1, 2), ("cat", 1, 2)]),
    ],
)
def test_time_ranges(prompt: str, ranges: list[tuple[str, float | None, float | None]]) -> None:
    parsed = parse_prompt(prompt)
    assert [(layer.sound, layer.start_s, layer.end_s) for layer in parsed.layers] == ranges
    assert parse_prompt(parsed.told).layers == parsed.layers


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(OptionError, match="'3-1 s' ends before it begins"):
        parse_prompt("3-1 s: rain")


def test_what_begins_after_the_clip_is_ignored_and_said() -> None:
    parsed = parse_prompt("rain; 8-12 s: door", duration_s=5)
    assert [layer.sound for layer in parsed.layers] == ["rain"]
    assert parsed.ignored == ("door (begins at 8 s; the clip has 5 s)",)
    with pytest.raises(OptionError, match="before the end of the clip"):
        parse_prompt("8-12 s: door", duration_s=5)


@pytest.mark.parametrize(
    ("prompt", "ignored"),
    [
        ("no rain, heavy rain", "no rain (contradicts rain)"),
        ("heavy light rain", "heavy (contradicts light)"),
        ("near thunder far away", "near (contradicts far away)"),
        ("a purple dog", "purple (not understood)"),
        ("rain on the moon", "moon (not understood)"),
        ("two typewriters", "two (typewriter has no knob for how many)"),
    ],
)
def test_what_counts_for_nothing_is_said(prompt: str, ignored: str) -> None:
    assert ignored in parse_prompt(prompt).ignored


def test_what_is_negated_is_ruled_out() -> None:
    parsed = parse_prompt("rain but no thunder and no dogs")
    assert [layer.sound for layer in parsed.layers] == ["rain"]
    assert {"thunder", "dog"} <= set(parsed.excluded)
    assert not set(parse_prompt("no rain, heavy rain").excluded) & {"rain", "rain_on_roof"}


def test_a_correction_and_a_held_value_are_noted() -> None:
    assert parse_prompt("thuner").notes == ("'thuner' was read as 'thunder'",)
    parsed = parse_prompt("thunder 20 km away")
    assert dict(parsed.layers[0].knobs) == {"distance_m": 4000}
    assert "was held to 4000 m" in parsed.notes[0]


def test_too_many_sounds_are_ignored() -> None:
    names = list(all_sounds())[: MAX_PROMPT_LAYERS + 2]
    parsed = parse_prompt("; ".join(names))
    assert [layer.sound for layer in parsed.layers] == names[:MAX_PROMPT_LAYERS]
    assert len(parsed.ignored) == 2


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("rain_on_rof", "there is no sound 'rain_on_rof'; the nearest are rain_on_roof, "),
        ("thunder, distence_m 200", "thunder has no knob 'distence_m'; the nearest are distance_m, "),
        ("thunder, colour 3", "thunder has no knob 'colour'; the nearest are "),
        ("thunder, distance_m 20000", "distance_m of thunder is 20000; allowed is 150 to 4000 m"),
        ("dog, level_db 90", "level_db is 90; allowed is -30 to 12"),
        ("thunder, distance_m 3 s", "distance_m of thunder is given in s; its unit is m"),
        ("zxqv blorp", "names a sound in English; the nearest are "),
        ("大雨和雷声", "names a sound in English; the nearest are "),
        ("starker Regen auf einem Blechdach", "names a sound in English; the nearest are "),
        ("1234", "names a sound in English; the nearest are "),
        ("!!! ???", "names a sound in English; the nearest are "),
        ("no music", "only says what is not to be heard"),
    ],
)
def test_a_prompt_is_refused_in_one_sentence(prompt: str, sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_prompt(prompt)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    if "nearest are" in sentence and "knob" not in sentence:
        near = str(caught.value).rpartition("the nearest are ")[2].split(", ")
        assert len(near) == 3
        assert set(near) <= set(all_sounds())
