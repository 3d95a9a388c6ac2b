"""The evaluations of SoundNet and of textures: what they count, on what, and that they run from folder to figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.description import soundnets
from synth.evaluation.audiovisual import soundnet, soundnet_pictures, texture, texture_pictures
from synth.evaluation.audiovisual.soundnet import Corpus
from synth.media import audio
from synth.metrics import retrieval

RATE_HZ = 22050


def noise(duration_s: float, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))).astype(np.float32)


def tone(duration_s: float, hz: float) -> NDArray[np.float32]:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(duration_s * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def test_soundnet_is_evaluated_from_folder_to_figures(tmp_path: Path) -> None:
    for fold in (1, 2, 3, 4):
        for number in range(3):
            for label, sound in (("hiss", noise(1.2, 10 * fold + number)), ("beep", tone(1.2, 300 + 40 * number))):
                target = tmp_path / "esc10" / label / f"{fold}-{number}-A.wav"
                target.parent.mkdir(parents=True, exist_ok=True)
                audio.write(target, sound, RATE_HZ)
    table = soundnet.evaluate_soundnet(tmp_path, None)
    rows = table["ESC-10"]
    assert rows["judged folds"] == [soundnets.held_out()]
    for name in ("ours, pool3 and conv4", "untrained, pool3 and conv4", "MFCC statistics"):
        assert rows[name]["accuracy"] == 1
        assert rows[name]["clips"] == 6
    assert rows["floor: chance"] == 0.5
    assert all(0 <= value < 100 for value in table["Frechet distance on SoundNet's features"].values())
    assert "UrbanSound8K" not in table


def test_a_net_is_asked_once_for_all_groups() -> None:
    known = Corpus((noise(1), noise(1, 1)), ("a", "b"), (1, 2))
    net = soundnets.load()
    asked: list[int] = []

    def listen(_: object, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        asked.append(len(sound))
        return np.zeros((1, 1), np.float32)

    assert set(soundnet.of_nets({1: net, 2: net}, known, listen)) == {1, 2}
    assert len(asked) == 2


def test_recordings_are_split_by_their_source() -> None:
    assert soundnet.fold_or_source("4-182395-A", 4) == 4
    assert soundnet.fold_or_source("100032-3-0-0", 2) == 100032
    groups = soundnet.by_source(Corpus((), ("a",) * 6, (100032, 100032, 7, 8, 9, 7))).folds
    assert groups[0] == groups[1]
    assert groups[2] == groups[5]
    assert set(groups) <= {1, 2, 3, 4, 5}


def test_mfcc_statistics_tell_pitch_and_not_level() -> None:
    low, high = (soundnet.mfcc_statistics(tone(2, hz)) for hz in (200, 4000))
    assert low.shape == (2, 80)
    assert np.abs(low - high).max() > 10
    loud, soft = (soundnet.mfcc_statistics(noise(2) * np.float32(gain)) for gain in (1.0, 0.5))
    np.testing.assert_allclose(soft[:, 1:], loud[:, 1:], atol=0.01)
    assert soft[0, 0] < loud[0, 0] - 10  # the first is the level


def test_the_untrained_net_is_in_its_working_range() -> None:
    net = soundnet.untrained([noise(3, seed) for seed in range(4)])
    heard = net.hear(noise(3, 9), ("conv4",))["conv4"]
    assert 0.1 < heard.std() < 10


def test_units_that_tell_classes_apart_come_first() -> None:
    highest = np.random.default_rng(0).random((20, 6))
    labels = ["cat"] * 10 + ["dog"] * 10
    highest[:10, 4] += 9
    highest[10:, 2] += 9
    assert set(soundnet_pictures.telling_units(highest, labels, 3)[:2]) == {2, 4}


def test_filters_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    soundnet_pictures.filters(soundnets.load(), tmp_path / "conv1.png")
    assert (tmp_path / "conv1.png").read_bytes()[:4] == b"\x89PNG"


def test_top_answers_are_counted() -> None:
    answers = np.eye(8)[[0, 1, 2]] + np.linspace(0.5, 0, 8)
    assert retrieval.top(answers, np.array([0, 1, 7])) == {"top1": pytest.approx(2 / 3), "top5": pytest.approx(2 / 3)}
    assert retrieval.top(answers, np.array([1, 0, 3])) == {"top1": 0, "top5": 1}


def test_purity_and_mutual_information() -> None:
    labels = ["rain", "rain", "bell", "bell"]
    assert texture.agreement(np.array([3, 3, 5, 5]), labels) == {"purity": 1, "nmi": pytest.approx(1)}
    found = texture.agreement(np.zeros(4, int), labels)
    assert found["purity"] == 0.5
    assert found["nmi"] == pytest.approx(0)


def test_a_patch_is_cut_where_the_unit_is_excited() -> None:
    picture = np.zeros((112, 112, 3), np.uint8)
    picture[96:, :16] = 255
    heat = np.zeros((7, 7))
    heat[6, 0] = 1
    found = texture_pictures.patch(picture, heat)
    assert found.shape == (48, 48, 3)
    assert found[-16:, :16].min() == 255
