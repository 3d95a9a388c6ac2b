"""How late the sound is: drawn lips that part at bursts, and the real corpus, shifted by known amounts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.data.corpora import grid
from synth.errors import OptionError
from synth.media import audio, video
from synth.training.speech import lip_offset
from synth.training.speech.lip_offset import Offset, labial_starts_s, measure, onsets_s, shifted
from synth.voices.speech.face_tracking import follow
from tests.support.paths import SHARED_DATA

RATE_HZ, SOUND_RATE_HZ = 25.0, 16_000
REAL = SHARED_DATA / "grid"
Clip = tuple[NDArray[np.uint8], NDArray[np.float32], list[float]]


def _talk(seed: int, duration_s: float = 3.0) -> Clip:
    """Lips that part at six bursts, in the picture that is taken at k / rate, and others' bursts that they ignore."""
    rng = np.random.default_rng(seed)
    bursts_s = 0.3 + 0.45 * np.arange(6) + rng.uniform(-0.06, 0.06, 6)
    others_s = bursts_s + rng.uniform(0.15, 0.25, 6)
    sound = rng.normal(0, 1e-4, round(duration_s * SOUND_RATE_HZ))
    for start_s in (*bursts_s, *others_s):
        start = round(start_s * SOUND_RATE_HZ)
        sound[start : start + 960] += rng.normal(0, 0.1, 960) * np.exp(-np.arange(960) / 320)
    frames_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    since = (frames_s[:, None] - bursts_s[None]) % duration_s
    gape = np.where(since < 0.14, 1.0, 0.0).max(1)
    crops = np.full((len(frames_s), 64, 64), 150.0) + rng.normal(0, 2, (len(frames_s), 64, 64))
    crops[:, 30:36, 20:44] -= 90 * gape[:, None, None]
    return crops.clip(0, 255).astype(np.uint8), sound.astype(np.float32), bursts_s.tolist()


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return [_talk(seed) for seed in range(30)]


def _measured(clips: list[Clip], late_s: float = 0.0, *, near: bool = False) -> Offset:
    sounds = [shifted(sound, late_s, SOUND_RATE_HZ) for _, sound, _ in clips]
    near_s = [[time_s + late_s for time_s in bursts_s] for _, _, bursts_s in clips] if near else None
    return measure([crops for crops, _, _ in clips], sounds, RATE_HZ, SOUND_RATE_HZ, near_s=near_s)


def test_a_sound_on_time_is_on_time(clips: list[Clip]) -> None:
    found = _measured(clips)
    assert abs(found.offset_s) < 0.01
    assert found.low_s - 1e-9 <= found.offset_s <= found.high_s + 1e-9
    assert found.high_s - found.low_s < 0.03
    assert found.clips == 30
    assert 250 <= found.onsets <= 400
    assert found.contrast > 1.3


@pytest.mark.parametrize("late_s", [-0.15, -0.04, 0.013, 0.1])
def test_the_estimate_moves_with_the_sound(clips: list[Clip], late_s: float) -> None:
    moved = _measured(clips, late_s).offset_s - _measured(clips).offset_s
    assert moved == pytest.approx(late_s, abs=0.005)  # an eighth of a frame


def test_onsets_that_the_words_point_at_stand_out_more(clips: list[Clip]) -> None:
    assert _measured(clips, near=True).contrast > _measured(clips).contrast
    assert _measured(clips, 0.06, near=True).offset_s == pytest.approx(0.06, abs=0.01)


def test_lips_of_others_have_a_low_contrast(clips: list[Clip]) -> None:
    strangers = [(clips[number - 1][0], sound, near) for number, (_, sound, near) in enumerate(clips)]
    assert _measured(strangers).contrast < 0.8 * _measured(clips).contrast


def test_onsets_are_heard_to_a_few_milliseconds() -> None:
    _, sound, bursts_s = _talk(0)
    heard = onsets_s(sound, SOUND_RATE_HZ)
    assert all(np.abs(heard - time_s).min() < 0.003 for time_s in bursts_s)
    assert len(onsets_s(np.zeros(8000, np.float32), SOUND_RATE_HZ)) == 0


def test_shifting_keeps_the_length_and_comes_back() -> None:
    sound = np.arange(1, 11, dtype=np.float32)
    assert shifted(sound, 0.3, 10).tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert shifted(sound, -0.3, 10).tolist() == [4, 5, 6, 7, 8, 9, 10, 0, 0, 0]
    assert shifted(sound, 0.0, 10).tolist() == sound.tolist()
    for late_s in (5.0, -5.0):
        assert not shifted(sound, late_s, 10).any()


def test_closed_lips_begin_b_and_p() -> None:
    assert labial_starts_s([(0.9, "bin"), (1.2, "red"), (1.5, "P"), (2.0, "please"), (2.5, "")]) == [0.9, 1.5, 2.0]


def test_what_cannot_be_measured_is_refused(clips: list[Clip]) -> None:
    crops, sound, _ = clips[0]
    with pytest.raises(OptionError, match=r"1[0-9] sudden onsets were heard in 1 clips; at least 20"):
        measure([crops], [sound], RATE_HZ, SOUND_RATE_HZ)
    with pytest.raises(OptionError, match="must be pairs"):
        measure([crops], [sound, sound], RATE_HZ, SOUND_RATE_HZ)
    with pytest.raises(OptionError, match="4000 samples a second"):
        measure([crops], [sound], RATE_HZ, 4000)


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the clips of ../shared/data are not here")
def test_the_real_corpus_is_on_time_within_a_frame() -> None:
    sentences = grid.load(REAL)[::45]
    crops, sounds, near_s = [], [], []
    for sentence in sentences:
        frames = video.read_frames(sentence.video, rate_hz=RATE_HZ, width=360, height=288)
        crops.append(np.stack([sightings[0].mouth for sightings in follow(frames, RATE_HZ)]))
        sounds.append(audio.read(sentence.sound_path, SOUND_RATE_HZ)[0])
        near_s.append(labial_starts_s((word.start_s, word.text) for word in sentence.words or ()))
    late_s = 0.05
    found = measure(crops, sounds, RATE_HZ, SOUND_RATE_HZ, near_s=near_s)
    late = measure(crops, [shifted(one, late_s, SOUND_RATE_HZ) for one in sounds], RATE_HZ, SOUND_RATE_HZ)
    assert abs(found.offset_s) < 1 / RATE_HZ
    assert late.offset_s - late_s == pytest.approx(found.offset_s, abs=0.5 / RATE_HZ)
    assert found.onsets >= lip_offset.FEWEST_ONSETS
