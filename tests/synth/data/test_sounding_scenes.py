"""Simulated things that sound and things that do not: places, names and sounds agree, and all follows from the seed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from synth.boxes import Box
from synth.data.corpora.av_clip import RATE_HZ
from synth.data.sounding_scenes import scenes
from synth.data.sounding_scenes.scenes import CLASSES, TREE, scene, sound_of, tree_distance
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.media import audio, video

ESC10 = (
    "chainsaw", "clock_tick", "crackling_fire", "crying_baby", "dog", "helicopter", "rain", "rooster", "sea_waves",
    "sneezing",
)  # fmt: skip


def loudness(sound: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def common_share(one: Box, other: Box) -> float:
    """Of the smaller box."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    tall = min(one.bottom, other.bottom) - max(one.top, other.top)
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    return max(wide, 0.0) * max(tall, 0.0) / min(areas)


def test_the_classes_are_those_of_esc10_and_eight_more() -> None:
    assert CLASSES[:10] == ESC10
    assert len(set(CLASSES)) == 18


def test_everything_follows_from_the_seed() -> None:
    one, again, other = scene(7, size_px=96), scene(7, size_px=96), scene(8, size_px=96)
    assert np.array_equal(one.pictures, again.pictures)
    assert np.array_equal(one.sound, again.sound)
    assert (one.labels, one.boxes, one.times_s) == (again.labels, again.boxes, again.times_s)
    assert not np.array_equal(one.pictures, other.pictures)
    assert not np.array_equal(one.sound, other.sound)


def test_a_clip_is_what_the_samplers_expect() -> None:
    clip = scene(3, pictures=3, size_px=64, duration_s=3.0)
    assert (clip.name, clip.group, clip.frame_s) == ("scene-3", "scene-3", 0.04)
    assert clip.pictures.shape == (3, 64, 64, 3)
    assert clip.pictures.dtype == np.uint8
    assert clip.sound.shape == (3 * RATE_HZ,)
    assert clip.sound.dtype == np.float32
    assert np.allclose(clip.times_s, [0.5, 1.5, 2.5], atol=0.02)
    assert np.allclose(np.array(clip.times_s) / 0.04, np.round(np.array(clip.times_s) / 0.04))


def test_names_agree_with_what_is_seen_and_heard() -> None:
    totals, heard, seen = set(), set(), set()
    for seed in range(60):
        planned = scenes.plan(seed)
        names = [thing.look.label for thing in planned.things]
        assert len(set(names)) == len(names)
        assert {thing.look.label for thing in planned.things if thing.sounding} == set(planned.sounding)
        totals.add(len(names))
        heard.add(len(planned.sounding))
        seen.update(names)
    assert totals == {1, 2, 3}
    assert heard == {1, 2}
    assert seen == set(CLASSES)
    clip = scene(5, sounding=["siren", "dog"], silent=["rain"], size_px=64)
    assert clip.labels == ("siren", "dog")
    for boxes in clip.boxes:
        assert {(box.label, box.sounding) for box in boxes} == {("siren", True), ("dog", True), ("rain", False)}


def test_a_plan_does_not_depend_on_how_its_names_came() -> None:
    for seed in range(20):
        drawn = scenes.plan(seed)
        silent = [thing.look.label for thing in drawn.things if not thing.sounding]
        assert scenes.plan(seed, sounding=drawn.sounding, silent=silent) == drawn


def test_boxes_lie_inside_and_cover_each_other_by_a_third_at_most() -> None:
    for seed in range(40):
        planned = scenes.plan(seed)
        flat = np.zeros((96, 96, 3), np.float32)
        for time_s in (0.0, 1.3):
            _, boxes = scenes.picture_of(planned, time_s, 96, flat)
            for number, box in enumerate(boxes):
                assert 0 <= box.left < box.right <= 1
                assert 0 <= box.top < box.bottom <= 1
                assert 0.17 <= max(box.right - box.left, box.bottom - box.top) <= 0.75
                assert all(common_share(box, other) <= 1 / 3 + 0.02 for other in boxes[:number])


@pytest.mark.parametrize("label", CLASSES)
def test_a_box_is_around_what_changes_when_the_thing_is_taken_away(label: str) -> None:
    for seed in (11, 12):
        planned = scenes.plan(seed, sounding=[label], silent=[])
        shown, (box,) = scenes.picture_of(planned, 0.5, 160)
        without, nothing = scenes.picture_of(replace(planned, things=()), 0.5, 160)
        assert nothing == ()
        changed = np.abs(shown.astype(int) - without).max(2) > 12
        rows, columns = np.nonzero(changed)
        edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 160
        assert np.abs(edges - [box.left, box.top, box.right, box.bottom]).max() < 0.06
        inside = changed[int(box.top * 160) : int(box.bottom * 160), int(box.left * 160) : int(box.right * 160)]
        assert inside.mean() > 0.15


def test_instances_of_a_class_differ_and_move() -> None:
    def shapes(label: str, seed: int) -> list[NDArray[np.uint8]]:
        planned = scenes.plan(seed, sounding=[label], silent=[])
        white = np.full((96, 96, 3), 255, np.float32)
        still = [
            replace(thing, x=0.5, y=0.5, sway=(0.0, 0.0), look=replace(thing.look, size=0.8))
            for thing in planned.things
        ]
        return [
            scenes.picture_of(replace(planned, seed=0, things=tuple(still)), time_s, 96, white)[0]
            for time_s in (0.1, 0.33, 0.5)  # a rate may come round at one of them
        ]

    for label in CLASSES:
        one, *moved = shapes(label, 1)
        other = shapes(label, 2)[0]
        assert max((np.abs(one.astype(int) - later).max(2) > 20).sum() for later in moved) > 8, label
        assert (np.abs(one.astype(int) - other).max(2) > 20).mean() > 0.02, label


def test_no_sounding_thing_means_almost_silence() -> None:
    loud = loudness(scene(4, sounding=["engine"], size_px=32, pictures=1).sound)
    for seed in range(5):
        clip = scene(seed, sounding=[], silent=["dog", "bell"], size_px=32, pictures=1)
        assert clip.labels == ()
        assert not any(box.sounding for box in clip.boxes[0])
        assert 0 < loudness(clip.sound) < 0.02 * loud


def test_the_first_label_is_the_loudest() -> None:
    for seed in range(8):
        planned = scenes.plan(seed, sounding=["rain", "engine"], silent=[])
        assert planned.sounding[0] == "rain"
        rain_first = scene(seed, sounding=["rain", "engine"], silent=[], size_px=32, pictures=1).sound
        engine_first = scene(seed, sounding=["engine", "rain"], silent=[], size_px=32, pictures=1).sound
        sos = signal.butter(4, 3000, "highpass", fs=RATE_HZ, output="sos")
        bright = [loudness(signal.sosfilt(sos, s).astype(np.float32)) / loudness(s) for s in (rain_first, engine_first)]
        assert bright[0] > bright[1]


def bands(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean and deviation over time of the log power in 24 bands, evenly spaced on a log scale."""
    _, _, power = signal.stft(sound, RATE_HZ, nperseg=512, noverlap=256)
    edges = np.unique(np.round(np.geomspace(1, 256, 25)).astype(int))
    log = np.log(np.stack([np.abs(power[a:b]).mean(0) + 1e-5 for a, b in itertools.pairwise(edges)]))
    return np.concatenate([log.mean(1), log.std(1)])


def test_every_class_is_heard_and_sounds_its_own_way() -> None:
    rng = np.random.default_rng(0)
    seen = np.array([[bands(sound_of(label, 2.0, rng)) for _ in range(8)] for label in CLASSES])
    assert all(0.2 < np.abs(sound_of(label, 1.0, rng)).max() <= 0.501 for label in CLASSES)
    means = seen[:, :4].mean(1)
    scale = seen[:, :4].std((0, 1)) + 1e-6
    gaps = np.linalg.norm((seen[:, 4:, None] - means[None, None]) / scale, axis=-1)
    right = (gaps.argmin(-1) == np.arange(len(CLASSES))[:, None]).mean()
    assert right > 0.6  # chance is 0.06


def test_recordings_are_used_where_there_are_some() -> None:
    recorded = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32) * np.float32(0.5)
    rng = np.random.default_rng(1)
    taken = 0
    for _ in range(60):
        sound = sound_of("rain", 1.5, rng, {"rain": [recorded]})
        assert len(sound) == round(1.5 * RATE_HZ)
        spectrum = np.abs(np.fft.rfft(sound))
        peak_hz = spectrum.argmax() * RATE_HZ / len(sound)
        if spectrum.max() ** 2 > 0.3 * (spectrum**2).sum():
            taken += 1
            assert 930 < peak_hz < 1070
            assert 0.5 * 10 ** (-10.1 / 20) < np.abs(sound).max() <= 0.501
    assert 38 <= taken <= 58


def test_recordings_come_from_a_folder_by_class_and_fold(tmp_path: Path) -> None:
    for label, name in (("dog", "1-10-A"), ("dog", "4-11-A"), ("violin", "1-12-A")):
        (tmp_path / label).mkdir(exist_ok=True)
        tone = np.zeros(8000, np.float32)
        tone[:4000] = 0.1 * np.sin(np.arange(4000))
        audio.write(tmp_path / label / f"{name}.wav", tone, 8000)
    found = scenes.recordings_of(tmp_path)
    assert set(found) == {"dog"}
    assert len(found["dog"]) == 1
    assert np.abs(found["dog"][0]).max() == pytest.approx(0.5, abs=1e-3)
    assert len(found["dog"][0]) == pytest.approx(RATE_HZ / 2, rel=0.02)  # the silence at the end is gone


def test_distances_in_the_tree() -> None:
    assert set(CLASSES) | set(MATERIALS) == set(TREE)
    assert TREE["dog"] == ("animal", "mammal", "dog")
    assert TREE["wood"][0] == "impact"
    assert tree_distance("dog", "dog") == 0
    assert tree_distance("rooster", "bird") == 2
    assert tree_distance("dog", "bird") == tree_distance("bird", "dog") == 4
    assert tree_distance("dog", "wood") == 6
    with pytest.raises(OptionError, match="'cat' is not in the tree"):
        tree_distance("dog", "cat")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"sounding": ["cat"]}, "'cat' is unknown"),
        ({"sounding": ["dog"], "silent": ["dog"]}, "three different ones"),
        ({"sounding": ["dog", "bell", "drum"]}, "two of them sounding"),
        ({"silent": ["dog", "bell", "drum"]}, "no room"),
        ({"pictures": 0}, "pictures, size and duration are 0"),
        ({"duration_s": 0.0}, "and 0 s"),
    ],
)
def test_what_is_refused(names: dict[str, list[str]], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        scene(0, **names)  # type: ignore[arg-type]


def test_a_written_scene_is_read_back_with_picture_and_sound(tmp_path: Path) -> None:
    clip = scene(21, sounding=["siren"], size_px=128, duration_s=2.0, pictures=2)
    target = tmp_path / "scene.mp4"
    scenes.write(clip, target)
    info = video.probe(target)
    assert (info.width, info.height) == (128, 128)
    assert info.duration_s == pytest.approx(2.0, abs=0.09)
    shown = list(video.read_frames(target, rate_hz=12.5, width=128, height=128))
    planned = scenes.plan(21, sounding=["siren"], silent=[b.label for b in clip.boxes[0] if not b.sounding])
    drawn, _ = scenes.picture_of(planned, 0.0, 128)
    blurred = [cv2.GaussianBlur(picture, (0, 0), 2).astype(int) for picture in (shown[0], drawn)]
    assert np.abs(blurred[0] - blurred[1]).mean() < 8
    sound, _ = audio.read(target, RATE_HZ)
    count = min(len(sound), len(clip.sound))
    power = [np.abs(np.fft.rfft(s[:count])) for s in (sound, clip.sound)]
    assert np.corrcoef(np.stack(power))[0, 1] > 0.9
    with pytest.raises(OptionError, match="not a scene"):
        scenes.write(replace(clip, name="street"), target)
