"""How late each clip's sound is: drawn mouths whose sound is moved by known amounts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.training.speech import clip_offsets
from synth.training.speech.clip_offsets import FEWEST_CLIPS, in_time, measure, put_in_time
from synth.training.speech.data import Talking
from synth.training.speech.lip_offset import shifted

RATE_HZ = 16_000
CLIPS, PICTURES, STEPS = 30, 75, 20


def _talking(seed: int, *, deaf: bool = False) -> Talking:
    """A mouth that opens and closes, and hiss as loud as it is open; ``deaf``: as another mouth is."""
    rng = np.random.default_rng(seed)

    def gape(rng: np.random.Generator) -> NDArray[np.float64]:
        fine = np.convolve(rng.normal(size=PICTURES * 40 + 400), np.hanning(200), "same")[200:-200]
        return np.asarray(np.clip(0.5 + fine / (2.5 * fine.std()), 0, 1), np.float64)  # at 1000 a second

    seen = gape(rng)
    heard = gape(np.random.default_rng(seed + 1000)) if deaf else seen
    level = np.interp(np.arange(PICTURES * 640) / 16, np.arange(len(heard)), heard)
    sound = np.asarray(level * rng.normal(0, 0.1, len(level)), np.float32)
    rows = np.abs(np.arange(64) - 32)
    open_rows = rows[None] < 2 + 10 * seen[::40, None]  # [T, 64]
    crops = np.where(open_rows[:, :, None], 40, 150) + rng.normal(0, 3, (PICTURES, 64, 64))
    mouth = crops.clip(0, 255).astype(np.uint8)
    return Talking(f"clip{seed}", mouth, mouth, sound, ((0.4, 0.8, "bin"),))


def _moved(clips: Sequence[Talking], late_s: Sequence[float]) -> list[Talking]:
    return [
        dataclasses.replace(one, sound=shifted(one.sound, late, RATE_HZ))
        for one, late in zip(clips, late_s, strict=True)
    ]


@pytest.fixture(scope="module")
def clips() -> list[Talking]:
    return [_talking(seed) for seed in range(CLIPS)]


@pytest.fixture(scope="module")
def late_s() -> NDArray[np.float64]:
    late = np.random.default_rng(7).uniform(-0.04, 0.04, CLIPS)
    return late - np.median(late)


def test_each_clips_offset_is_found(clips: list[Talking], late_s: NDArray[np.float64]) -> None:
    found = measure(_moved(clips, late_s.tolist()), STEPS, 0)
    assert np.corrcoef(found.late_s, late_s)[0, 1] > 0.95
    assert np.std(np.asarray(found.late_s) - late_s) < 0.008
    assert found.reliability > 0.8
    assert found.deviation_s == pytest.approx(late_s.std(), rel=0.2)


def test_what_is_on_time_stays(clips: list[Talking]) -> None:
    found = measure(clips, STEPS, 0)
    assert np.abs(found.late_s).max() < 0.01


def test_where_mouth_and_sound_have_nothing_in_common_little_is_moved() -> None:
    found = measure([_talking(seed, deaf=True) for seed in range(CLIPS)], STEPS, 0)
    assert found.reliability < 0.6
    assert found.deviation_s < 0.03


def test_the_same_seed_gives_the_same(clips: list[Talking], late_s: NDArray[np.float64]) -> None:
    moved = _moved(clips, late_s.tolist())
    assert measure(moved, 5, 3) == measure(moved, 5, 3)


def test_few_clips_stay_as_they_are(clips: list[Talking]) -> None:
    found = measure(clips[: FEWEST_CLIPS - 1], STEPS, 0)
    assert set(found.late_s) == {0.0}
    assert found.reliability == 0.0
    assert clip_offsets.ClipOffsets([], 0.0).deviation_s == 0.0


def test_in_time_moves_sound_and_words(clips: list[Talking]) -> None:
    late = dataclasses.replace(clips[0], sound=shifted(clips[0].sound, 0.03, RATE_HZ), words=((0.43, 0.83, "bin"),))
    put_right = in_time(late, 0.03)
    np.testing.assert_array_equal(put_right.sound[:-480], clips[0].sound[:-480])
    assert put_right.words is not None
    start_s, end_s, text = put_right.words[0]
    assert [start_s, end_s] == pytest.approx([0.4, 0.8])
    assert text == "bin"
    assert in_time(dataclasses.replace(late, words=None), 0.03).words is None


def test_a_run_that_goes_on_takes_what_was_measured(
    tmp_path: Path, clips: list[Talking], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = _moved(clips, [0.02 if number % 2 else -0.02 for number in range(CLIPS)])
    moved, figures = put_in_time(late, tmp_path, STEPS, 0, resume=True)
    assert 10 < figures["offsets_ms_deviation"] < 25
    monkeypatch.setattr(clip_offsets, "measure", lambda *_: pytest.fail("measured again"))
    again, same = put_in_time(late, tmp_path, STEPS, 0, resume=True)
    assert same == figures
    for one, other in zip(moved, again, strict=True):
        np.testing.assert_array_equal(one.sound, other.sound)
    monkeypatch.setattr(clip_offsets, "measure", lambda clips, *_: clip_offsets.ClipOffsets([0.0] * len(clips), 0.5))
    assert put_in_time(late[1:], tmp_path, STEPS, 0, resume=True)[1]["offsets_reliability"] == 0.5  # other clips
    assert put_in_time(late, tmp_path, STEPS, 0, resume=False)[1]["offsets_reliability"] == 0.5
