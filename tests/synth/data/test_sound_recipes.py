"""SoundNet, textures and tags from end to end: the recipes on a few scenes, what they store, and what reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth import weights
from synth.data.sounding_scenes import scenes
from synth.description import soundnets, tags, textures
from synth.description.tags import SILENCE, WORDS, Linear, Tagger
from synth.errors import OptionError, WeightsError
from synth.models import soundnet as models
from synth.models.sound_texture import TEXTURE
from synth.training.audiovisual import soundnet, soundnet_data, texture
from synth.training.audiovisual import tags as recipe
from synth.training.audiovisual.soundnet_data import Lessons, Teacher

RATE_HZ = 22050


def noise(duration_s: float, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))).astype(np.float32)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs: SoundNet's two steps."""
    folder = tmp_path_factory.mktemp("runs")
    torch.set_num_threads(1)
    soundnet.train_soundnet(folder=folder / "soundnet", data=None, steps=2, seed=0, resume=True)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run of the recipe texture, and its figures."""
    folder = tmp_path_factory.mktemp("texture") / "texture"
    return folder, texture.train_texture(folder=folder, data=None, steps=2, seed=0, resume=True)


# --- the teacher and its lessons ----------------------------------------------------------------------------------


def test_the_teacher_speaks_of_what_differs() -> None:
    rng = np.random.default_rng(0)
    logits = np.tile(rng.standard_normal(1000), (40, 1)).astype(np.float32)
    varying = [3, 500, 999]
    logits[:, varying] += 3 * rng.standard_normal((40, 3)).astype(np.float32)
    teacher = Teacher.of(logits, answers=3)
    assert teacher.classes.tolist() == varying
    answers = teacher(logits)
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-5)
    assert answers.argmax(1).tolist() == (logits[:, varying] - logits[:, varying].mean(0)).argmax(1).tolist()


def test_lessons_depend_on_the_seed_alone_and_mix_answers() -> None:
    answers = np.eye(2, dtype=np.float32)
    lessons = Lessons((("rain",), ("bell",)), answers, {"rain": [noise(4)], "bell": [noise(4, 1)]})
    first, again = (lessons.batch(12, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first.sounds, again.sounds)
    assert first.sounds.shape == (12, round(soundnet_data.CROP_S * RATE_HZ))
    np.testing.assert_allclose(first.answers.sum(1), 1, atol=1e-5)
    assert 0 < float((first.answers.max(1).values < 1).float().mean()) < 1  # some are of two scenes, some of one


def test_pictures_show_one_sounding_thing_and_are_looked_at_once(tmp_path: Path) -> None:
    first = soundnet_data.pictures(tmp_path, 3)
    assert first.logits.shape == (3, 1000)
    assert first.labels == tuple((name,) for name in scenes.CLASSES[:3])
    assert not np.array_equal(first.logits, soundnet_data.pictures(tmp_path, 3, test=True).logits)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert np.array_equal(soundnet_data.pictures(tmp_path, 3).logits, first.logits)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == kept


def test_played_faster_a_sound_is_higher() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    faster = soundnet_data.played(tone, round(RATE_HZ / 1.25))
    assert len(faster) == round(RATE_HZ / 1.25)
    highest = np.abs(np.fft.rfft(faster)).argmax() * RATE_HZ / len(faster)
    assert highest == pytest.approx(1250, abs=3)


def test_a_fold_that_is_held_out_is_never_heard() -> None:
    quiet = {"rain": [np.zeros(80_000, np.float32)]}
    school = soundnet.School(
        Lessons((("rain",),), np.ones((1, 1), np.float32), {}),
        {1: quiet, 2: {"rain": [noise(4)]}},
        Teacher(np.array([0]), np.zeros(1, np.float32), 1.0),
        (np.ones((1, 1), np.float32), (("rain",),)),
        1,
        (),
    )
    heard = school.without(2).recordings["rain"]
    assert len(heard) == 1
    assert not heard[0].any()
    assert set(school.without(2).recordings) == {"rain", *scenes.CLASSES}


# --- SoundNet -----------------------------------------------------------------------------------------------------


def test_the_recipe_stores_a_net_that_can_be_asked(runs: Path) -> None:
    entry = weights.entries(runs / "soundnet")[soundnets.NETWORK]
    assert entry.figures[0].floor is not None
    assert [source.licence for source in entry.data] == ["MIT", "Apache-2.0"]
    net = soundnets.load(runs / "soundnet")
    heard = net.hear(noise(5), ("pool3", "conv4"))
    assert heard["conv4"].shape == (14, 192)
    assert soundnets.held_out(runs / "soundnet") == soundnet.HELD_OUT


def test_nets_of_all_folds_lie_in_one_file(runs: Path, tmp_path: Path) -> None:
    loaded = weights.load(soundnets.NETWORK, runs / "soundnet")
    tensors = {
        f"fold-{fold}.{name}": value * (fold == 1 or "convolutions.conv1" not in name)
        for fold in (1, 2)
        for name, value in loaded.tensors.items()
        if not name.startswith("heads.")
    }
    weights.register(
        soundnets.FOLDS_NETWORK, tensors, licence="MIT", summary=".", metadata=loaded.metadata, folder=tmp_path
    )
    nets = soundnets.load_folds(tmp_path)
    assert sorted(nets) == [1, 2]
    one, two = (net.hear(noise(3), ("conv1",))["conv1"] for net in nets.values())
    np.testing.assert_array_equal(one, soundnets.load(runs / "soundnet").hear(noise(3), ("conv1",))["conv1"])
    assert np.ptp(two, axis=0).max() == 0  # its filters are all zero


def test_weights_that_a_person_brings(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = models.SoundNet(models.SoundNetConfig()).eval()
    file = tmp_path / "soundnet8.pth"
    torch.save(net.state_dict(), file)
    sound = noise(1)
    np.testing.assert_allclose(
        soundnets.load_public(file).hear(sound, ("pool5",))["pool5"], net.hear(sound, ("pool5",))["pool5"], rtol=1e-4
    )
    other = tmp_path / "sound8.npy"
    np.save(other, np.zeros(3))
    with pytest.raises(WeightsError, match="it must be 7bef691761d0"):
        soundnets.load_public(other)
    torch.save({"weight": torch.zeros(1)}, file)
    with pytest.raises(WeightsError, match="is not a SoundNet-8"):
        soundnets.load_public(file)


# --- textures -----------------------------------------------------------------------------------------------------


def test_the_texture_recipe_stores_a_reader(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, figures = trained
    held_out = figures["held_out"]
    assert held_out["floor: chance"]["top1"] == pytest.approx(1 / held_out["clusters"])
    assert 0 <= held_out["ours"]["top1"] <= held_out["ours"]["top5"] <= 1
    reader = textures.load(folder)
    maps = np.random.default_rng(0).random((2, 432, 14, 14)).astype(np.float16)
    read = reader.read(noise(5), RATE_HZ, maps)
    assert 0 <= read.cluster < len(reader.names)
    assert 0 <= read.typicality <= 1
    assert read.expected is not None
    assert read.expected_probability is not None
    assert read.expected_probability >= 1 / len(reader.names)
    assert reader.read(noise(5), RATE_HZ).expected is None


def test_a_sound_of_the_training_is_more_typical_than_a_shriek(trained: tuple[Path, dict[str, Any]]) -> None:
    reader = textures.load(trained[0])
    time_s = np.arange(5 * RATE_HZ) / RATE_HZ
    shriek = np.sign(np.sin(2 * np.pi * 9000 * time_s) * np.sin(2 * np.pi * 187 * time_s)).astype(np.float32)
    assert reader.read(shriek, RATE_HZ).typicality < reader.read(noise(5), RATE_HZ).typicality + 1e-6
    assert reader.read(shriek, RATE_HZ).distance > 0.5


def test_clusters_gather_what_is_alike() -> None:
    rng = np.random.default_rng(0)
    places = rng.standard_normal((3, TEXTURE))
    points = np.concatenate([place + 0.1 * rng.standard_normal((20, TEXTURE)) for place in places])
    labels = ["sea_waves"] * 20 + ["bell"] * 20 + ["dog"] * 20
    found = texture.cluster(points.astype(np.float32), labels, 3)
    assert sorted(found.names) == ["bell", "dog", "sea waves"]
    assert [found.names[k] for k in texture.assigned(found, points.astype(np.float32))] == [
        label.replace("_", " ") for label in labels
    ]
    with pytest.raises(OptionError, match="5 clusters need as many sounds; there are 2"):
        texture.cluster(points[:2].astype(np.float32), labels[:2], 5)


# --- tags ---------------------------------------------------------------------------------------------------------


def test_the_tag_recipe_stores_a_tagger_that_tells_bells_from_rain(runs: Path) -> None:
    figures = recipe.train_tags(folder=runs / "tags", data=None, steps=40, seed=0, resume=True)
    mine, floor = figures[figures["chosen"]], figures["floor: how often each word is true"]
    assert mine["mean_average_precision"] > 2 * floor["mean_average_precision"]
    # The tagger finds its SoundNet beside itself.
    weights.adopt(runs / "soundnet", (), runs / "tags")
    tagger = tags.load(runs / "tags")
    assert SILENCE in tagger.words
    rng = np.random.default_rng(5)
    bell, rain = (recipe._one(word, rng, {}) for word in ("bell", "rain"))
    places = {word: list(WORDS).index(word) for word in ("bell", "rain")}
    one, other = (tagger.probabilities(sound, RATE_HZ) for sound in (bell, rain))
    assert one is not None
    assert other is not None
    assert one[places["bell"]] > other[places["bell"]]
    assert other[places["rain"]] > one[places["rain"]]


def always(chances: dict[str, float]) -> Tagger:
    """A tagger that says the same of every sound."""
    odds = np.array([np.log(p / (1 - p)) for p in chances.values()], np.float32)
    size = TEXTURE
    zeros = np.zeros((size, len(chances)), np.float32)
    linear = Linear(tuple(chances), ("texture",), np.zeros(size, np.float32), np.ones(size, np.float32), zeros, odds)
    return Tagger(None, linear)


def test_words_are_plain_sorted_and_never_unlikely() -> None:
    tagger = always({"rain": 0.3, "clock_tick": 0.9, "bell": 0.05})
    found = tagger.tags(noise(4), RATE_HZ)
    assert [tag.name for tag in found] == ["ticking clock", "rain"]
    assert [tag.probability for tag in found] == pytest.approx([0.9, 0.3])


def test_silence_is_silence_without_any_net() -> None:
    tagger = always({"rain": 0.9})
    for quiet in (np.zeros(40_000, np.float32), noise(3) * np.float32(1e-4), np.zeros(0, np.float32)):
        assert [(tag.name, tag.probability) for tag in tagger.tags(quiet, 44_100)] == [(SILENCE, 1.0)]


def test_every_class_of_the_scenes_and_every_struck_thing_has_a_word() -> None:

    assert set(WORDS) == {*scenes.CLASSES, *recipe.STRUCK}
    assert all("_" not in word for word in WORDS.values())


@pytest.mark.parametrize("word", list(recipe.STRUCK))
def test_what_is_struck_is_heard(word: str) -> None:
    sound = recipe.struck(word, np.random.default_rng(0))
    assert sound.shape == (3 * RATE_HZ,)
    assert np.abs(sound).max() > 0.01


def test_scores_of_known_answers() -> None:
    truth = np.array([[1, 0], [0, 1]], np.float32)
    assert recipe.scores(truth.copy(), truth) == {
        "mean_average_precision": 1, "likeliest_is_true": 1, "calibration_error": 0,
    }  # fmt: skip
    assert recipe.scores(1 - truth, truth)["calibration_error"] == 1
    assert recipe.average_precision(np.array([0.9, 0.8, 0.1]), np.array([0, 1, 1])) == pytest.approx(
        (1 / 2 + 2 / 3) / 2
    )
