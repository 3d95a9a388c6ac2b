"""The hits voice with the weights and the bank that ship."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synth import weights
from synth.data.strike_scenes.simulate import draw_scene, render_frames
from synth.dsp.onsets import onsets
from synth.dsp.stereo import to_channels
from synth.errors import Cancelled, OptionError, WeightsError
from synth.media.video import VideoInfo
from synth.options import Options, Synthesis
from synth.randomness import uniforms
from synth.voices.base import Controls, Hit, ignore_progress, never_cancelled
from synth.voices.hits.sound_bank import Bank
from synth.voices.hits.voice import BANK, FRAME_SIZE, NETWORK, VIDEO_RATE_HZ, HitsVoice

VOICE = HitsVoice()
DURATION_S = 4.0


def _info(duration_s: float) -> VideoInfo:
    return VideoInfo(
        duration_s=duration_s,
        start_s=0.0,
        rate_fps=VIDEO_RATE_HZ,
        frames=round(duration_s * VIDEO_RATE_HZ),
        width=FRAME_SIZE[0],
        height=FRAME_SIZE[1],
        rotation_deg=0,
        video_codec="h264",
        audio_codec=None,
        container="mp4",
        variable_rate=False,
        bytes_=1,
    )


def _look(seed: int, options: Options, *, demo: bool) -> Controls:
    scene = draw_scene(seed, duration_s=DURATION_S, rate_fps=VIDEO_RATE_HZ, demo=demo)
    frames = render_frames(scene, width=FRAME_SIZE[0], height=FRAME_SIZE[1])
    return VOICE.controls(frames, _info(DURATION_S), options, ignore_progress, never_cancelled)


@pytest.fixture(scope="module")
def controls() -> Controls:
    """What the voice heard in a clear scene that it was not trained on."""
    return _look(900_000_011, Options(), demo=True)


def _sound(controls: Controls, options: Options) -> np.ndarray:
    draw = functools.partial(uniforms, options.seed)
    return VOICE.render(controls, options, draw, never_cancelled).sound


WRITTEN = Controls(2.0, (Hit(0.5, 1.0, "metal"), Hit(1.2, 0.3, "wood")))


def test_contacts_of_clear_scenes_are_found() -> None:
    found = expected = matched = 0
    for seed in range(900_000_020, 900_000_026):
        scene = draw_scene(seed, duration_s=DURATION_S, rate_fps=VIDEO_RATE_HZ, demo=True)
        claimed = [hit.time_s for hit in _look(seed, Options(), demo=True).hits]
        true = [hit.time_s for hit in scene.hits]
        found, expected = found + len(claimed), expected + len(true)
        matched += sum(any(abs(time_s - other) < 0.1 for other in claimed) for time_s in true)
    assert matched >= 0.6 * expected
    assert found <= 2 * expected


def test_every_hit_is_complete(controls: Controls) -> None:
    assert controls.hits
    for hit in controls.hits:
        assert 0 <= hit.time_s < DURATION_S
        assert 0 < hit.strength <= 1
        assert sum(hit.probabilities.values()) == pytest.approx(1, abs=1e-6)
        assert hit.material == max(hit.probabilities, key=lambda name: hit.probabilities[name])


def test_a_picture_without_motion_is_silent() -> None:
    still = (np.full((FRAME_SIZE[1], FRAME_SIZE[0], 3), 90, np.uint8) for _ in range(45))
    heard = VOICE.controls(still, _info(3.0), Options(), ignore_progress, never_cancelled)
    assert heard.hits == ()
    assert heard.silence is not None


def test_same_seed_same_samples_another_seed_another_sound(controls: Controls) -> None:
    first = _sound(controls, Options(seed=1))
    assert np.array_equal(first, _sound(controls, Options(seed=1)))
    assert any(not np.array_equal(first, _sound(controls, Options(seed=seed))) for seed in (2, 3, 4))


@pytest.mark.parametrize("synthesis", list(Synthesis))
def test_both_ways_sound_when_the_hits_are(synthesis: Synthesis) -> None:
    sound = _sound(WRITTEN, Options(synthesis=synthesis))
    assert len(sound) == 2 * VOICE.sample_rate_hz
    heard_s = onsets(to_channels(sound, 1), VOICE.sample_rate_hz)
    for hit in WRITTEN.hits:
        assert np.abs(heard_s - hit.time_s).min() < 0.04
    assert np.abs(sound[: int(0.4 * VOICE.sample_rate_hz)]).max() < 0.01


def test_stronger_hits_are_louder() -> None:
    hard, soft = (
        _sound(Controls(1.0, (Hit(0.3, strength, "wood", exemplar="wood-00"),)), Options()) for strength in (1.0, 0.2)
    )
    assert np.abs(hard).max() > 2 * np.abs(soft).max()


def test_editing_one_hit_leaves_the_others_as_they_were() -> None:
    moved = replace(WRITTEN, hits=(WRITTEN.hits[0], replace(WRITTEN.hits[1], time_s=1.6)))
    until = int(1.1 * VOICE.sample_rate_hz)
    assert np.array_equal(_sound(WRITTEN, Options())[:until], _sound(moved, Options())[:until])


def test_the_material_can_be_overruled() -> None:
    hits = _look(900_000_011, Options(material="glass"), demo=True).hits
    assert {hit.material for hit in hits} == {"glass"}


def test_an_unknown_exemplar_or_bank_is_refused() -> None:
    with pytest.raises(OptionError, match="not in the sound bank"):
        _sound(Controls(1.0, (Hit(0.3, 1.0, "wood", exemplar="gong"),)), Options())
    with pytest.raises(WeightsError, match="bank is 'nowhere'"):
        _sound(WRITTEN, Options(bank="nowhere"))


def test_a_bank_at_another_rate_sounds_at_its_own_pitch(tmp_path: Path) -> None:
    slow = Bank.load(weights.path(BANK)).at_rate(22_050)
    slow.save(tmp_path / "slow.safetensors")
    one = Controls(1.0, (Hit(0.3, 1.0, "metal", exemplar="metal-00"),))
    own, shipped = (
        to_channels(_sound(one, Options(bank=bank)), 1) for bank in (str(tmp_path / "slow.safetensors"), None)
    )
    assert own.shape == shipped.shape
    power_own, power_shipped = (np.abs(np.fft.rfft(sound)[:9000]) ** 2 for sound in (own, shipped))  # to 9 kHz
    assert np.corrcoef(power_own, power_shipped)[0, 1] > 0.99


def test_a_step_can_be_asked_for_by_its_name() -> None:
    stepped, struck = (
        _sound(Controls(1.0, (Hit(0.3, 1.0, "wood", exemplar=name),)), Options()) for name in ("wood-step-00", None)
    )
    assert np.abs(stepped).max() > 0.05
    assert not np.array_equal(stepped, struck)


def test_a_cancelled_look_ends() -> None:
    scene = draw_scene(5, duration_s=DURATION_S, rate_fps=VIDEO_RATE_HZ)
    frames = render_frames(scene, width=FRAME_SIZE[0], height=FRAME_SIZE[1])
    with pytest.raises(Cancelled):
        VOICE.controls(frames, _info(DURATION_S), Options(), ignore_progress, lambda: True)


def test_the_record_names_what_was_used() -> None:
    used = VOICE.weights(Options())
    assert set(used) == {NETWORK, BANK, weights.IMAGENET_FILE}
    assert all(len(digest) == 64 for digest in used.values())
