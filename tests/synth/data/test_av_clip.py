"""Pairs of picture and sound: the shortcuts that would spoil what is learnt from them are shut."""

from __future__ import annotations

import numpy as np
import pytest

from synth.boxes import Box
from synth.data.corpora.av_clip import RATE_HZ, AVClip, draw_pairs, part_of, window
from synth.errors import OptionError


def clip(name: str, group: str, duration_s: float = 4.0, frame_s: float = 0.04) -> AVClip:
    times = tuple(round(share * duration_s / frame_s) * frame_s for share in (0.02, 0.5, 0.97))
    sound = np.arange(round(duration_s * RATE_HZ), dtype=np.float32)
    return AVClip(name, group, np.zeros((3, 8, 8, 3), np.uint8), times, sound, frame_s)


CLIPS = [clip("a1", "a"), clip("a2", "a", frame_s=1 / 30), clip("b", "b", 3.1), clip("c", "c", 0.5, 0.05)]


def test_sounds_begin_on_the_frames_of_their_own_clip_in_both_kinds_of_pairs() -> None:
    pairs = draw_pairs(CLIPS, 400, 1.0, np.random.default_rng(0))
    assert [pair.positive for pair in pairs] == [True, False] * 200
    for pair in pairs:
        heard = CLIPS[pair.heard]
        steps = pair.start_s / heard.frame_s
        assert steps == pytest.approx(round(steps), abs=1e-6)
        assert 0 <= pair.start_s <= max(0.0, heard.duration_s - 1.0) + 1e-9
    for positive in (True, False):  # neither kind keeps to a few places
        starts = {round(p.start_s, 3) for p in pairs if p.positive is positive and p.heard == 0}
        assert len(starts) > 15


def test_the_picture_of_a_positive_pair_lies_inside_its_sound() -> None:
    for pair in draw_pairs(CLIPS, 400, 1.0, np.random.default_rng(1)):
        if pair.positive:
            assert pair.heard == pair.clip
            time_s = CLIPS[pair.clip].times_s[pair.picture]
            grid_s = CLIPS[pair.clip].frame_s  # at the end of a clip the last window may end up to a frame early
            assert pair.start_s - 1e-9 <= time_s <= pair.start_s + 1.0 + grid_s


def test_slack_lets_the_picture_lie_outside_by_that_much_and_no_more() -> None:
    outside = 0
    for pair in draw_pairs(CLIPS[:3], 600, 0.5, np.random.default_rng(2), slack_s=0.5):
        if pair.positive:
            time_s = CLIPS[pair.clip].times_s[pair.picture]
            assert pair.start_s - 0.5 - 1e-9 <= time_s <= pair.start_s + 1.0 + CLIPS[pair.clip].frame_s
            outside += not pair.start_s <= time_s <= pair.start_s + 0.5
    assert outside > 20


def test_the_sound_of_a_negative_pair_is_of_another_recording() -> None:
    negatives = [pair for pair in draw_pairs(CLIPS, 400, 1.0, np.random.default_rng(3)) if not pair.positive]
    assert all(CLIPS[pair.clip].group != CLIPS[pair.heard].group for pair in negatives)
    assert {pair.heard for pair in negatives} == {0, 1, 2, 3}


def test_pairs_follow_from_the_generator() -> None:
    drawn = [draw_pairs(CLIPS, 50, 1.0, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_one_recording_is_too_few() -> None:
    with pytest.raises(OptionError, match="at least two recordings"):
        draw_pairs(CLIPS[:2], 4, 1.0, np.random.default_rng(0))


def test_a_window_is_cut_where_it_is_asked_for() -> None:
    part = window(CLIPS[0], 1.2, 1.0)
    assert part.dtype == np.float32
    assert len(part) == RATE_HZ
    assert np.array_equal(part, CLIPS[0].sound[round(1.2 * RATE_HZ) :][:RATE_HZ])


def test_a_short_sound_is_repeated_from_its_start() -> None:
    short = CLIPS[3]
    whole = window(short, 0.0, 1.2)
    assert len(whole) == round(1.2 * RATE_HZ)
    count = len(short.sound)
    assert np.array_equal(whole[:count], short.sound)
    assert np.array_equal(whole[count : 2 * count], short.sound)
    late = window(short, 0.3, 0.5)
    rest = short.sound[round(0.3 * RATE_HZ) :]
    assert np.array_equal(late[: len(rest)], rest)
    assert np.array_equal(late[len(rest) :], short.sound[: len(late) - len(rest)])


def test_a_clip_without_sound_gives_silence() -> None:
    empty = AVClip("e", "e", np.zeros((1, 8, 8, 3), np.uint8), (0.0,), np.zeros(0, np.float32), 0.04)
    assert np.array_equal(window(empty, 0.0, 0.5), np.zeros(round(0.5 * RATE_HZ), np.float32))


def test_the_split_is_stable_and_of_the_size_asked_for() -> None:
    names = [f"recording-{number}" for number in range(2000)]
    parts = [part_of(name) for name in names]
    assert parts == [part_of(name) for name in names]
    assert 0.12 < parts.count("test") / 2000 < 0.18
    assert [part_of(f"scene-{seed}") for seed in (26, 27, 28)] == ["train", "test", "train"]
    # A larger share only adds to the test side.
    more = [part_of(name, 0.4) for name in names]
    assert all(after == "test" for before, after in zip(parts, more, strict=True) if before == "test")


def test_a_box_holds_its_edges_and_its_inside() -> None:
    box = Box("dog", True, 0.2, 0.3, 0.6, 0.5)
    assert box.holds(0.2, 0.5)
    assert box.holds(0.4, 0.4)
    assert not box.holds(0.61, 0.4)
    assert not box.holds(0.4, 0.29)
