"""The computed ambient voice: layers in stereo, alike alone and beside others, cancelled, chosen by the picture."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.dsp.stereo import mono_loss_db
from synth.errors import Cancelled
from synth.media.video import VideoInfo
from synth.models.vocabulary.imagenet import NAMES
from synth.options import Mode, Options
from synth.randomness import uniforms
from synth.voices.ambient import scene
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.computed_voice import BLOCK_S, ComputedVoice
from synth.voices.ambient.layering import BEDS
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.mixing import LEVEL, RATE_HZ
from synth.voices.ambient.optical_flow import MOTION
from synth.voices.base import BatchVoice, CancelPoll, Controls, Rendering, Take, ignore_progress, never_cancelled

VOICE = ComputedVoice()
DOG_IN_THE_RAIN = (Layer("dog"), Layer("rain", level_db=-12.0))


def controls(layers: tuple[Layer, ...], duration_s: float = 2.0, position: float | None = None) -> Controls:
    """Of a clip in which what moves is at one place."""
    if position is None:
        return Controls(duration_s, layers=layers)
    steps = round(duration_s * scene.RATE_HZ)
    return Controls(
        duration_s,
        track=np.full((steps, 1), 0.35, np.float32),
        track_rate_hz=scene.RATE_HZ,
        features={
            "motion": np.zeros((steps, len(MOTION)), np.float32),
            "position": np.full((steps, 1), position, np.float32),
        },
        layers=layers,
    )


def take(wanted: Controls, seed: int = 0, cancelled: CancelPoll = never_cancelled) -> Take:
    return Take(wanted, Options(seed=seed), functools.partial(uniforms, seed), ignore_progress, cancelled)


def render(wanted: Controls, seed: int = 0) -> Rendering:
    return VOICE.render_all([take(wanted, seed)])[0]


def test_it_is_a_voice_for_batches_and_makes_48_khz_stereo() -> None:
    assert isinstance(VOICE, BatchVoice)
    sound = render(controls(DOG_IN_THE_RAIN)).sound
    assert sound.shape == (2 * RATE_HZ, 2)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() > 0.01


def test_the_same_seed_gives_the_same_bytes_alone_and_beside_others() -> None:
    wanted = [controls(DOG_IN_THE_RAIN), controls((Layer("cello"),), 3.1), controls((Layer("sea_waves"),), 0.4)]
    alone = [render(one, seed).sound for seed, one in enumerate(wanted)]
    together = VOICE.render_all([take(one, seed) for seed, one in enumerate(wanted)])
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other.sound)
    assert not np.array_equal(render(wanted[0], 5).sound, alone[0])


def test_a_layer_sounds_the_same_whatever_lies_under_it() -> None:
    both, dog, rain = (
        render(controls(layers)).sound for layers in (DOG_IN_THE_RAIN, DOG_IN_THE_RAIN[:1], (Layer("rain"),))
    )
    under = both - dog
    assert 0.5 < np.sqrt(np.square(under).mean() / np.square(rain).mean()) * 10 ** (12 / 20) < 2


def test_what_is_one_thing_is_heard_where_it_is_seen() -> None:
    def balance(position: float) -> float:
        left, right = np.square(render(controls((Layer("dog"),), position=position)).sound, dtype=float).mean(0)
        return float(10 * np.log10(right / left))

    assert balance(0.0) < -6
    assert abs(balance(0.5)) < 0.1
    assert balance(1.0) > 6
    fixed = render(controls((Layer("dog", pan=-1.0),), position=1.0)).sound
    assert np.square(fixed[:, 0]).mean() > np.square(fixed[:, 1]).mean()


def test_a_source_keeps_its_power_wherever_it_is() -> None:
    powers = [np.square(render(controls((Layer("cello"),), position=at)).sound).mean() for at in (0.0, 0.5, 1.0)]
    assert max(powers) / min(powers) < 1.02


@pytest.mark.parametrize("bed", sorted(BEDS))
def test_beds_are_wide_and_lose_less_than_a_decibel_in_mono(bed: str) -> None:
    sound = render(controls((Layer(bed),), 2.5)).sound
    assert 0.05 < mono_loss_db(sound) < 1.0


@pytest.mark.parametrize("name", ["dog", "cello", "chainsaw", "rain", "hammer", "crackling_fire", "piano"])
def test_sounds_are_brought_to_one_level(name: str) -> None:
    sound = render(controls((Layer(name),), 6.0)).sound
    block = RATE_HZ * 2 // 5
    power = np.square(sound[: len(sound) // block * block], dtype=float).mean(1).reshape(-1, block).mean(1)
    loud = power[power >= power.max() / 16]
    assert LEVEL / 2 < np.sqrt(loud.mean()) < LEVEL * 2


def test_layers_begin_and_end_when_they_are_to() -> None:
    sound = render(controls((Layer("rain", start_s=1.0, end_s=2.0),), 3.0)).sound
    loud = np.square(sound).mean(1).reshape(30, -1).mean(1)
    assert loud[:10].max() == 0
    assert loud[11:19].min() > 0
    assert loud[20:].max() == 0


def test_it_says_what_is_heard() -> None:
    found = render(controls((Layer("dog", {"size": 0.8}), Layer("rain", level_db=-12.0)), position=0.25))
    dog, rain = (layer.as_json() for layer in found.layers)
    assert dog["knobs"]["size"] == 0.8
    assert set(dog["knobs"]) == {"size", "barks_per_s", "harshness"}
    assert dog["pan"] == -0.5
    assert (rain["sound"], rain["level_db"], rain["pan"]) == ("rain", -12.0, None)


def test_a_cancelled_take_keeps_what_was_made_and_leaves_the_others_alone() -> None:
    asked = iter([False, False, True])
    told: list[float] = []
    cut = Take(
        controls(DOG_IN_THE_RAIN, 5.0),
        Options(),
        functools.partial(uniforms, 0),
        lambda _stage, fraction: told.append(fraction),
        lambda: next(asked, True),
    )
    found, whole = VOICE.render_all([cut, take(controls(DOG_IN_THE_RAIN, 5.0))])
    assert found.made_s == 2 * BLOCK_S
    assert whole.made_s is None
    np.testing.assert_array_equal(found.sound[: 2 * RATE_HZ], whole.sound[: 2 * RATE_HZ])
    assert not found.sound[2 * RATE_HZ :].any()
    assert told == [0.2, 0.4]


def test_a_cancelled_job_raises() -> None:
    with pytest.raises(Cancelled):
        VOICE.render(controls(DOG_IN_THE_RAIN), Options(), functools.partial(uniforms, 0), lambda: True)


def test_each_is_handed_over_once_and_as_soon_as_it_is_there() -> None:
    told: list[int] = []
    takes = [
        Take(
            controls((Layer("wind"),), length_s),
            Options(),
            functools.partial(uniforms, 0),
            ignore_progress,
            never_cancelled,
            lambda _rendering, number=number: told.append(number),  # type: ignore[misc]
        )
        for number, length_s in enumerate((4.0, 1.0, 2.0))
    ]
    VOICE.render_all(takes)
    assert told == [1, 2, 0]


class _Eye:
    """Sees one word in every picture."""

    def __init__(self, word: str) -> None:
        self._number = NAMES.index(word)

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        classes = np.zeros((len(pictures), 1000), np.float32)
        classes[:, self._number] = 20
        return np.zeros((len(pictures), 1280), np.float32), classes


def _frames(count: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.integers(0, 255, (224, 224, 3), np.uint8)


INFO = VideoInfo.__new__(VideoInfo)
object.__setattr__(INFO, "duration_s", 2.0)


def look(monkeypatch: pytest.MonkeyPatch, word: str, options: Options) -> Controls:
    monkeypatch.setattr(scene, "word_eye", lambda: _Eye(word))
    return VOICE.controls(_frames(31), INFO, options, ignore_progress, never_cancelled)


def test_the_picture_chooses_and_offers_four_more(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, "trombone", Options(mode=Mode.AMBIENT))
    assert found.choice is not None
    assert found.choice.name == "trombone"
    assert len(found.choice.candidates) == 4
    assert found.layers[0].sound == "trombone"
    assert found.warnings == ()
    told = found.choice.as_json()["candidates"]
    assert [set(one) for one in told] == [{"name", "evidence", "reason"}] * 4


def test_a_picture_that_fits_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, "obelisk", Options(mode=Mode.AMBIENT))
    assert found.choice is not None
    assert not found.choice.fits
    assert found.warnings == (found.choice.reason,)
    assert len(found.choice.candidates) == 4


def test_a_person_may_choose_any_sound_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, "trombone", Options(mode=Mode.AMBIENT, sound_class="bowling"))
    assert found.choice is not None
    assert (found.choice.name, found.choice.probability, found.choice.fits) == ("bowling", 1.0, True)
    assert [layer.sound for layer in found.layers] == ["bowling"]
    assert found.choice.candidates[0].name == "trombone"


def test_words_say_what_is_heard_and_when(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, "trombone", Options(prompt="0-1 s: a dog; 1- : heavy rain; 5-6 s: door"))
    assert [(one.sound, one.start_s, one.end_s) for one in found.layers] == [("dog", None, 1), ("rain", 1, None)]
    assert found.choice is not None
    assert found.choice.name == "dog"
    assert "asked for in words: 0-1 s: dog; 1- : rain, drops_per_s" in found.choice.reason
    assert found.warnings == ("of the prompt was ignored: door (begins at 5 s; the clip has 2 s)",)


def test_a_range_is_silent_outside_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, "trombone", Options(prompt="1- : heavy rain"))
    sound = render(found).sound
    assert not sound[: round(0.9 * RATE_HZ)].any()
    assert np.abs(sound[round(1.2 * RATE_HZ) :]).max() > 0.01


def test_nothing_that_is_ruled_out_is_chosen_or_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    free = look(monkeypatch, "trombone", Options(mode=Mode.AMBIENT))
    assert free.choice is not None
    shown = {free.choice.name, *(one.name for one in free.choice.candidates)}
    held = look(monkeypatch, "trombone", Options(mode=Mode.AMBIENT, without=f"music, {', '.join(sorted(shown))}"))
    assert held.choice is not None
    told = {held.choice.name, *held.choice.probabilities, *(one.name for one in held.choice.candidates)}
    told |= {layer.sound for layer in held.layers}
    assert not told & shown
    assert not told & {sound.name for sound in all_sounds().values() if sound.family == "music"}
