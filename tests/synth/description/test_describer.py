"""What the shipped nets say of simulated scenes: their own sound is nearer, louder in its place, and quiet is quiet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth.data.corpora.av_clip import RATE_HZ
from synth.data.sounding_scenes import scenes
from synth.description.describer import Describer, describer, heard, pictures_of
from synth.description.description import MAP_SIDE, SPACES, Description, Side
from synth.errors import Cancelled

NAMES = ("dog", "siren", "rain", "engine", "bell", "rooster")
SEED = 3_000_000


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A scene of each class, with that thing alone in it, as videos with sound."""
    folder = tmp_path_factory.mktemp("scenes")
    made = []
    for number, name in enumerate(NAMES):
        target = folder / f"{name}.mp4"
        scenes.write(scenes.scene(SEED + number, sounding=[name], silent=[], duration_s=3.0), target)
        made.append(target)
    return made


@pytest.fixture(scope="module")
def described(clips: list[Path]) -> list[Description]:
    """Each clip, with the sounds of all six as its takes."""
    sounds = [
        (scenes.scene(SEED + n, sounding=[name], silent=[], duration_s=3.0).sound, RATE_HZ)
        for n, name in enumerate(NAMES)
    ]
    return [describer().describe(clip, sounds) for clip in clips]


def test_every_part_has_its_shape_and_range(described: list[Description]) -> None:
    found = described[0]
    assert len(found.times_s) == 6
    assert list(found.times_s) == sorted(found.times_s)
    assert {vector.space for vector in found.vectors} == set(SPACES)
    for take in found.takes:
        assert {vector.space for vector in take.vectors} == set(SPACES)
        for vector in (*found.vectors, *take.vectors):
            assert vector.values.shape == (SPACES[vector.space],)
            assert np.linalg.norm(vector.values) == pytest.approx(1, abs=1e-4)
        assert {vector.side for vector in take.vectors} == {Side.SOUND}
        assert set(take.maps) == set(take.firmness) == {"avol", "attention"}
        for maps in take.maps.values():
            assert maps.shape == (6, MAP_SIDE, MAP_SIDE)
            assert 0 <= maps.min() <= maps.max() <= 1
        assert 0 <= take.correspondence <= 1
        assert take.texture is not None
        assert take.tags


def test_a_clips_own_sound_is_among_the_nearest_of_its_takes(described: list[Description]) -> None:
    places = [found.ranking().index(number) for number, found in enumerate(described)]
    # By chance the mean place is 2.5.
    assert np.mean(places) <= 1.0


def test_own_sounds_correspond_more_than_others(described: list[Description]) -> None:
    own = [found.takes[number].correspondence for number, found in enumerate(described)]
    others = [take.correspondence for n, found in enumerate(described) for m, take in enumerate(found.takes) if m != n]
    assert np.mean(own) > np.mean(others) + 0.2


def test_silence_points_nowhere(clips: list[Path], described: list[Description]) -> None:
    quiet = [describer().describe(clip, [(np.zeros(3 * RATE_HZ, np.float32), RATE_HZ)]).takes[0] for clip in clips]
    for method in ("avol", "attention"):
        own = [found.takes[number].firmness[method] for number, found in enumerate(described)]
        assert np.mean([take.firmness[method] for take in quiet]) < 0.5 * np.mean(own)


def test_a_sound_is_taken_at_any_rate_and_length() -> None:
    long = np.sin(np.arange(48_000 * 70) * 0.05).astype(np.float32)
    assert len(heard(long, 48_000)) == pytest.approx(60 * RATE_HZ, abs=10)
    found = {vector.space: vector for vector in describer().of_sound(long[:4000], 8000)}
    assert set(found) == set(SPACES)


def test_pictures_are_spread_over_the_clip_and_a_cancel_is_heard(clips: list[Path]) -> None:
    pictures, times_s = pictures_of(clips[0], 6)
    assert pictures.shape == (6, 224, 224, 3)
    assert np.allclose(np.diff(times_s), 0.5, atol=0.05)
    with pytest.raises(Cancelled):
        Describer().describe(clips[0], [], lambda: True)


def test_a_clip_that_was_looked_at_before_is_described_the_same(
    clips: list[Path], described: list[Description]
) -> None:
    eye = describer()
    seen = eye.see(clips[0])
    again = eye.describe(clips[0], [], seen=seen)
    first = described[0]
    assert [one.values.tobytes() for one in again.vectors] == [one.values.tobytes() for one in first.vectors]
    assert (again.times_s, [unit.number for unit in again.units]) == (
        first.times_s,
        [unit.number for unit in first.units],
    )
    assert again.stages_s["pictures"] == seen.spent_s
