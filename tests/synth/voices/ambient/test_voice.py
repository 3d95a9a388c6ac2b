"""The ambient voice on a tiny untrained decoder: alone or in company, in chunks, cancelled, louder where more moves."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth import weights
from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import Cancelled, OptionError, WeightsError
from synth.media.video import VideoInfo
from synth.models.samplernn import SampleRNNConfig
from synth.models.visual_to_sound import SMALL, VARIANTS, VisualToSound
from synth.options import Mode, Options
from synth.randomness import uniforms
from synth.voices.ambient import band_envelopes, scene
from synth.voices.ambient import voice as ambient
from synth.voices.ambient.envelope_bank import EnvelopeBank
from synth.voices.ambient.sounding import Decoder
from synth.voices.ambient.voice import AmbientVoice
from synth.voices.base import BatchVoice, Controls, SoundChoice, Take, ignore_progress, never_cancelled

TINY = SampleRNNConfig((64, 16), 16, embedding=8)


@functools.cache
def _decoder(variant: str = "guided") -> Decoder:
    torch.manual_seed(0)
    network = VisualToSound(
        dataclasses.replace(SMALL, decoder=TINY, variant=variant, classes=AMBIENT_CLASSES, hidden=8)
    )
    bank = None
    if variant == "guided":
        rng = np.random.default_rng(0)
        tracks = [rng.random((200, band_envelopes.BANDS)).astype(np.float32) for _ in AMBIENT_CLASSES]
        bank = EnvelopeBank.of(AMBIENT_CLASSES, tracks)
    return ambient.unpack(*ambient.pack(network, bank, "int8"))


def _controls(duration_s: float, sound_class: str = "rain", activity: NDArray[np.float32] | None = None) -> Controls:
    if activity is None:
        activity = np.linspace(0, 1, round(duration_s * scene.RATE_HZ), dtype=np.float32)
    probabilities = dict.fromkeys(AMBIENT_CLASSES, 0.05) | {sound_class: 0.5}
    choice = SoundChoice(sound_class, 0.5, probabilities, fits=True, reason="it rains")
    return Controls(duration_s, track=activity[:, None], track_rate_hz=scene.RATE_HZ, choice=choice)


def _take(
    seed: int, duration_s: float = 0.6, cancelled: Callable[[], bool] = never_cancelled, sound_class: str = "rain"
) -> Take:
    draw = functools.partial(uniforms, seed)
    return Take(_controls(duration_s, sound_class), Options(seed=seed), draw, ignore_progress, cancelled)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_sounds_the_whole_clip(variant: str) -> None:
    (rendering,) = ambient.render_all(_decoder(variant), [_take(1, 0.333)])
    assert rendering.sound.shape == (round(0.333 * 16_000),)
    assert rendering.sound.dtype == np.float32
    assert rendering.made_s is None
    assert 0.001 < np.sqrt((rendering.sound**2).mean()) < 1


@pytest.mark.parametrize("variant", ["guided", "flow"])
def test_company_and_chunks_change_nothing(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = _decoder(variant)
    takes = [_take(1), _take(2, 0.3, sound_class="dog"), _take(3, 0.9)]
    together = ambient.render_all(decoder, takes)
    alone = [ambient.render_all(decoder, [take])[0] for take in takes]
    monkeypatch.setattr(ambient, "CHUNK_S", 0.05)
    in_crumbs = ambient.render_all(decoder, list(reversed(takes)))[::-1]
    for one, two, three in zip(together, alone, in_crumbs, strict=True):
        assert np.array_equal(one.sound, two.sound)
        assert np.array_equal(one.sound, three.sound)


def test_seeds_and_classes_differ() -> None:
    sounds = [
        rendering.sound
        for rendering in ambient.render_all(_decoder(), [_take(1), _take(2), _take(1, sound_class="dog"), _take(1)])
    ]
    assert not np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(sounds[0], sounds[2])
    assert np.array_equal(sounds[0], sounds[3])


def test_one_cancelled_take_leaves_the_others_and_keeps_what_was_made() -> None:
    polls = iter(range(100))
    takes = [_take(1), _take(2, cancelled=lambda: next(polls) >= 2), _take(3)]
    first, cut, last = ambient.render_all(_decoder(), takes)
    whole = ambient.render_all(_decoder(), [_take(1), _take(2), _take(3)])
    assert np.array_equal(first.sound, whole[0].sound)
    assert np.array_equal(last.sound, whole[2].sound)
    assert cut.made_s == pytest.approx(2 * ambient.CHUNK_S)
    made = round(2 * ambient.CHUNK_S * 16_000)
    # Up to the last window of the spectra through which levels are imposed, which the cut reaches into.
    assert np.allclose(cut.sound[: made - 1024], whole[1].sound[: made - 1024], atol=1e-6)
    assert not cut.sound[made:].any()


def test_who_is_done_is_handed_over_at_once() -> None:
    told: list[tuple[int, bool]] = []
    long = dataclasses.replace(_take(1, 1.2), progress=lambda _stage, fraction: told.append((1, fraction == 1)))
    short = dataclasses.replace(_take(2, 0.3), finished=lambda _: told.append((2, True)))
    renderings = ambient.render_all(_decoder(), [long, short])
    assert told.count((2, True)) == 1
    assert told.index((2, True)) < told.index((1, True))
    assert renderings[1].made_s is None


def test_who_is_cancelled_before_the_first_sample_made_nothing() -> None:
    (cut,) = ambient.render_all(_decoder(), [_take(1, cancelled=lambda: True)])
    assert cut.made_s == 0


def test_progress_rises_to_one() -> None:
    seen: list[tuple[str, float]] = []
    take = dataclasses.replace(_take(1), progress=lambda stage, fraction: seen.append((stage, fraction)))
    ambient.render_all(_decoder(), [take])
    fractions = [fraction for stage, fraction in seen if stage == "render"]
    assert fractions == sorted(fractions)
    assert len(fractions) >= 3
    assert fractions[-1] == 1


@pytest.mark.parametrize("variant", ["guided", "seq"])
def test_it_is_louder_where_more_moves(variant: str) -> None:
    activity = np.repeat([0.05, 0.9], 16).astype(np.float32)
    decoder = _decoder(variant)
    if variant == "guided":  # an untrained decoder heeds no levels, but the levels it is fed must rise
        assert decoder.bank is not None
        steps = band_envelopes.at_frames(activity[:, None], 0, 128, 256, 1024)[:, 0]
        guide = decoder.bank.choose("rain", steps, 128, functools.partial(uniforms, 1))
        loud = band_envelopes.loudness(guide.levels)
        assert loud[70:].mean() > loud[:58].mean() + 0.05
        return
    controls = _controls(2.048, activity=activity)
    take = dataclasses.replace(_take(1), controls=controls)
    (moved,) = ambient.render_all(decoder, [take])
    still = dataclasses.replace(controls, track=np.full((32, 1), 0.5, np.float32))
    (even,) = ambient.render_all(decoder, [dataclasses.replace(take, controls=still)])
    half = len(moved.sound) // 2

    def change(sound: NDArray[np.float32]) -> float:
        return float((sound[half:] ** 2).mean() / (sound[:half] ** 2).mean())

    assert change(moved.sound) > 4 * change(even.sound)


def test_a_clip_without_frames_still_sounds() -> None:
    empty = _controls(0.2, activity=np.zeros(0, np.float32))
    (rendering,) = ambient.render_all(_decoder(), [dataclasses.replace(_take(1), controls=empty)])
    assert len(rendering.sound) == 3200


# --- the voice ----------------------------------------------------------------------------------------------------


class _Eye:
    """Sees what it is told to, by ImageNet number."""

    def __init__(self, answer: int) -> None:
        self._answer = answer

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        classes = np.zeros((len(pictures), 1000), np.float32)
        classes[:, self._answer] = 20
        return np.zeros((len(pictures), 1280), np.float32), classes


def _voice(monkeypatch: pytest.MonkeyPatch, answer: int) -> AmbientVoice:
    voice = AmbientVoice()
    voice.__dict__["_decoder"] = _decoder()
    monkeypatch.setattr(scene, "packaged_eye", lambda: _Eye(answer))
    return voice


def _frames(count: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.integers(0, 255, (224, 224, 3), np.uint8)


def _look(voice: AmbientVoice, info: VideoInfo, options: Options) -> Controls:
    return voice.controls(_frames(10), info, options, ignore_progress, never_cancelled)


@pytest.fixture
def info(flash_clip: object) -> VideoInfo:
    from pathlib import Path

    from synth.media import video

    assert isinstance(flash_clip, Path)
    return video.probe(flash_clip)


BEAGLE, TENNIS_BALL = 162, 852


def test_the_picture_chooses_and_says_why(monkeypatch: pytest.MonkeyPatch, info: VideoInfo) -> None:
    controls = _look(_voice(monkeypatch, BEAGLE), info, Options(mode=Mode.AMBIENT))
    assert controls.choice is not None
    assert controls.choice.name == "dog"
    assert "beagle" in controls.choice.reason
    assert controls.warnings == ()
    assert controls.track is not None
    assert controls.track.shape == (10, 1)


def test_a_picture_that_fits_none_says_so_and_gets_the_nearest(
    monkeypatch: pytest.MonkeyPatch, info: VideoInfo
) -> None:
    controls = _look(_voice(monkeypatch, TENNIS_BALL), info, Options(mode=Mode.AMBIENT))
    assert controls.choice is not None
    assert not controls.choice.fits
    assert controls.choice.name in AMBIENT_CLASSES
    assert controls.warnings == (controls.choice.reason,)
    assert "none of the ten" in controls.choice.reason


def test_a_person_may_choose_instead(monkeypatch: pytest.MonkeyPatch, info: VideoInfo) -> None:
    options = Options(mode=Mode.AMBIENT, sound_class="helicopter")
    controls = _look(_voice(monkeypatch, TENNIS_BALL), info, options)
    assert controls.choice is not None
    assert (controls.choice.name, controls.choice.probability, controls.choice.fits) == ("helicopter", 1.0, True)
    assert "asked for" in controls.choice.reason
    assert controls.warnings == ()


def test_a_decoder_of_other_classes_gets_the_nearest_that_it_has(
    monkeypatch: pytest.MonkeyPatch, info: VideoInfo
) -> None:
    voice = _voice(monkeypatch, BEAGLE)
    network = VisualToSound(dataclasses.replace(SMALL, decoder=TINY, variant="none", classes=("drum", "rain")))
    voice.__dict__["_decoder"] = ambient.unpack(*ambient.pack(network, None, "fp32"))
    choice = _look(voice, info, Options(mode=Mode.AMBIENT)).choice
    assert choice is not None
    assert (choice.name, choice.fits) == ("rain", False)
    assert "trained on other classes" in choice.reason


def test_it_is_a_batch_voice_and_rendering_alone_raises_when_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = _voice(monkeypatch, BEAGLE)
    assert isinstance(voice, BatchVoice)
    take = _take(5)
    alone = voice.render(take.controls, take.options, take.uniforms, never_cancelled)
    assert np.array_equal(alone.sound, voice.render_all([take])[0].sound)
    with pytest.raises(Cancelled):
        voice.render(take.controls, take.options, take.uniforms, lambda: True)


def test_what_cannot_be_sounded_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="sound class is 'whale'"):
        ambient.generate("whale", 1.0, [1], decoder=_decoder())
    with pytest.raises(OptionError, match="sound_class is 'whale'"):
        Options(mode=Mode.AMBIENT, sound_class="whale")
    with pytest.raises(OptionError, match="goes with mode ambient"):
        Options(mode=Mode.HITS, sound_class="dog")
    loaded = weights.Loaded({}, {"config": "{}", "precision": "fp32"}, weights.Entry("x", "x", "", 0, "", ""))
    monkeypatch.setattr(weights, "load", lambda name: loaded)
    with pytest.raises(WeightsError, match="not those of an ambient decoder"):
        ambient.load("x")
