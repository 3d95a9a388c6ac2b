"""The learnt voice: the decoder's sound at 48 kHz in two channels, placed as computed layers are."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from synth.dsp.stereo import mono_loss_db
from synth.options import Mode, Options, Synthesis
from synth.pipeline import modes
from synth.pipeline.modes import voice_of
from synth.randomness import uniforms
from synth.voices.ambient.computed_voice import ComputedVoice
from synth.voices.ambient.learnt_voice import LearntVoice
from synth.voices.ambient.voice import AmbientVoice
from synth.voices.base import Controls, Rendering, SoundChoice, Take, ignore_progress, never_cancelled

LENGTH_S = 0.5


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """What the decoder makes of every take, instead of half a minute of sampling; each take is told at once."""
    sound = (np.random.default_rng(0).standard_normal(round(LENGTH_S * 16_000)) * 0.1).astype(np.float32)

    def render_all(_self: AmbientVoice, takes: list[Take]) -> list[Rendering]:
        made = [Rendering(sound) for _ in takes]
        for take, rendering in zip(takes, made, strict=True):
            take.finished(rendering)
        return made

    monkeypatch.setattr(AmbientVoice, "render_all", render_all)
    return sound


def take(name: str, told: list[Rendering] | None = None) -> Take:
    choice = SoundChoice(name, 1.0, {}, fits=True, reason="asked for")
    options = Options(synthesis=Synthesis.LEARNT)
    finished = (told if told is not None else []).append
    wanted = Controls(LENGTH_S, choice=choice)
    return Take(wanted, options, functools.partial(uniforms, 0), ignore_progress, never_cancelled, finished)


def test_what_is_one_thing_stands_in_the_middle_and_what_is_all_around_is_wide(plain: np.ndarray) -> None:
    dog, rain = LearntVoice().render_all([take("dog"), take("rain")])
    assert dog.sound.shape == rain.sound.shape == (3 * len(plain), 2)
    assert mono_loss_db(dog.sound) == pytest.approx(0, abs=1e-3)
    assert 0.1 < mono_loss_db(rain.sound) < 1
    assert [layer.sound for layer in (*dog.layers, *rain.layers)] == ["dog", "rain"]


def test_who_waits_is_told_once_and_of_the_finished_sound(plain: np.ndarray) -> None:
    told: list[Rendering] = []
    made = LearntVoice().render_all([take("dog", told)])
    assert len(told) == 1
    assert told[0] is made[0]
    assert told[0].sound.ndim == 2


def test_synthesis_learnt_is_this_voice_and_the_default_the_computed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test of this process may have brought the voices of the tests instead.
    monkeypatch.setitem(modes.MODES, Mode.AMBIENT, modes._ambient)
    assert isinstance(voice_of(Mode.AMBIENT), ComputedVoice)
    ambient = Options(mode=Mode.AMBIENT, synthesis=Synthesis.LEARNT)
    assert isinstance(voice_of(ambient.mode, ambient), LearntVoice)
