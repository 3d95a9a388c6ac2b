"""The ambient decoder on real videos: layouts and splits, what is kept of a video, the recipes, VGG-19."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch.nn import functional

from synth import weights
from synth.data.corpora import vegas, video_folder
from synth.data.corpora.video_folder import HELD_OUT, LabelledVideo, group_of
from synth.errors import MediaError, OptionError, WeightsError
from synth.media import video
from synth.models import vgg
from synth.models.samplernn import SampleRNNConfig
from synth.models.visual_to_sound import SMALL
from synth.training.ambient import recipes, stretches, video_data, video_recipes
from synth.training.ambient.video_data import ChosenEye, Filmed, Scale, look_and_listen, prepare
from synth.training.recipes import RECIPES
from synth.voices.ambient import scene, voice
from tests.support.clips import KNOCK_S, Zoo

TINY = dataclasses.replace(SMALL, decoder=SampleRNNConfig((64, 16), 16, embedding=8), hidden=8)
RATE = 16_000
SEEN = 6


class _Eye:
    """Sees six numbers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.asked += 1
        colour = pictures.mean((1, 2)) / 255
        seen = np.concatenate((colour, 3 * colour**2), 1).astype(np.float32)
        return seen, np.zeros((len(pictures), 1000), np.float32)


def _write(target: Path, seed: int, duration_s: float = 2.2, loud: float = 0.3) -> Path:
    rng = np.random.default_rng(seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    colour = rng.integers(40, 200, 3)

    def frames() -> Iterator[NDArray[np.uint8]]:
        for index in range(round(duration_s * 15)):
            frame = np.full((48, 64, 3), colour, np.uint8)
            frame[:, (3 * index) % 56 :][:, :8] = 255
            yield frame

    sound = (loud * rng.standard_normal(round(duration_s * RATE))).astype(np.float32)
    video.write_frames(frames(), target, rate_fps=15, sound=sound, sound_rate_hz=RATE)
    return target


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of three recordings each, one of them in two pieces."""
    folder = tmp_path_factory.mktemp("videos")
    for at, name in enumerate(("dog/park_1", "dog/park_2", "dog/yard", "dog/lane", "rain/roof", "rain/road")):
        _write(folder / f"{name}.mp4", at, 2.2 + 0.2 * (at % 3))
    return folder


@pytest.fixture
def eye(monkeypatch: pytest.MonkeyPatch) -> _Eye:
    eye = _Eye()
    monkeypatch.setattr(scene, "packaged_eye", lambda: eye)
    return eye


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "cache"


@pytest.fixture
def filmed(corpus: Path, cache: Path, eye: _Eye) -> list[Filmed]:
    return prepare(video_folder.load(corpus), cache, ChosenEye())[0]


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def _parts(found: list[LabelledVideo]) -> dict[str, str]:
    return {one.name: one.part for one in found}


# --- folders of videos --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "group"),
    [
        ("water_K87g4RvO-9k_254.0_259.0", "K87g4RvO-9k"),
        ("-HAoExLVs6Q_380000", "-HAoExLVs6Q"),
        ("sonic_2d41lt8R79k_0071_0081_target", "2d41lt8R79k"),
        ("beach", "beach"),
        ("beach_03", "beach"),
        ("beach_take-4", "beach"),
        ("MyHoliday-2", "MyHoliday"),
        ("park_10_20", "park"),
        ("dog_7", "dog/dog_7"),
        ("IMG_0123", "dog/IMG_0123"),
        ("clip12", "dog/clip12"),
        ("video_00042", "dog/video_00042"),
    ],
)
def test_the_recording_is_read_off_the_name(stem: str, group: str) -> None:
    assert group_of(stem, "dog") == group


def test_a_folder_of_classes_is_split_by_recording(tmp_path: Path) -> None:
    _touch(tmp_path, *(f"dog/walk{letter}_{piece}.mp4" for letter in "abcdefghij" for piece in (1, 2, 3)))
    _touch(tmp_path, *(f"rain/roof{letter}.WEBM" for letter in "abcde"), "rain/notes.txt")
    found = video_folder.load(tmp_path)
    assert found == video_folder.load(tmp_path)
    assert {one.label for one in found} == {"dog", "rain"}
    by_group: dict[str, set[str]] = {}
    for one in found:
        by_group.setdefault(one.group, set()).add(one.part)
    assert len(by_group) == 15
    assert all(len(parts) == 1 for parts in by_group.values())
    assert sum(one.part == HELD_OUT for one in found) == 2 * 3 + 1


def test_videos_in_the_folder_itself_are_one_class(tmp_path: Path) -> None:
    _touch(tmp_path, "one.mp4", "two.mkv", "three.mov")
    assert {one.label for one in video_folder.load(tmp_path)} == {"sound"}


def test_a_folder_without_videos_or_of_one_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="one folder of videos a class"):
        video_folder.load(tmp_path)
    _touch(tmp_path, "beach_1.mp4", "beach_2.mp4")
    with pytest.raises(OptionError, match=r"1 recording.*'beach'"):
        video_folder.load(tmp_path)


# --- VEGAS --------------------------------------------------------------------------------------------------------


def _vegas(folder: Path, count: int = 6) -> Path:
    for label in ("baby_cry", "dog"):
        _touch(folder, *(f"{label}/videos/video_{at:05d}.mp4" for at in range(count)))
    return folder


def test_vegas_without_lists_takes_each_video_for_a_recording(tmp_path: Path) -> None:
    found = vegas.load(_vegas(tmp_path / "data").parent)
    assert vegas.is_here(tmp_path)
    assert {one.label for one in found} == {"crying_baby", "dog"}
    assert len({one.group for one in found}) == 12
    assert sum(one.part == HELD_OUT for one in found) == 2


@pytest.mark.parametrize("form", ["csv", "by name", "objects", "by class"])
def test_vegas_lists_tell_which_recording_a_video_was_cut_from(tmp_path: Path, form: str) -> None:
    _vegas(tmp_path)
    ids = ["AAAAAAAAAA0", "AAAAAAAAAA0", "BbBBBBBBBB0", "CcCCCCCCCC0", "DdDDDDDDDD0", "AAAAAAAAAA0"]
    names = [f"video_{at:05d}.mp4" for at in range(6)]
    for label in ("baby_cry", "dog"):
        if form == "csv":
            rows = [f"{one},{at},{at + 5}" for at, one in enumerate(ids)]
            (tmp_path / label / "video_info.csv").write_text("\n".join(["YTID,start_second,end_second", *rows]))
        elif form == "by name":
            (tmp_path / label / "info.json").write_text(json.dumps(dict(zip(names, ids, strict=True))))
        elif form == "objects":
            urls = [f"https://www.youtube.com/watch?v={one}&t=3" for one in ids]
            objects = [{"file": name, "url": url} for name, url in zip(names, urls, strict=True)]
            (tmp_path / label / "info.json").write_text(json.dumps(objects))
    if form == "by class":
        whole = {label: {name: {"ytid": one} for name, one in zip(names, ids, strict=True)} for label in ("dog",)}
        whole["baby_cry"] = whole["dog"]
        (tmp_path / "vegas.json").write_text(json.dumps(whole))
    found = vegas.load(tmp_path)
    assert [one.group for one in found] == 2 * ids
    for group in set(ids):
        assert len({one.part for one in found if one.group == group}) == 1


def test_vegas_keeps_to_a_published_split_but_for_recordings_on_both_sides(tmp_path: Path) -> None:
    _vegas(tmp_path)
    (tmp_path / "test.txt").write_text("dog/videos/video_00001.mp4\nbaby_cry/videos/video_00003.mp4\n")
    (tmp_path / "dog" / "info.json").write_text(
        json.dumps({"video_00001": "AbCdEfGhI01", "video_00004": "AbCdEfGhI01"})
    )
    (tmp_path / "baby_cry" / "captions.json").write_text(json.dumps({"video_00002": "a baby cries in a room"}))
    parts = _parts(vegas.load(tmp_path))
    assert sorted(name for name, part in parts.items() if part == HELD_OUT) == [
        "crying_baby/video_00003",
        "dog/video_00001",
        "dog/video_00004",
    ]


def test_vegas_says_what_it_expected(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"expected <class>/videos/\*\.mp4"):
        vegas.load(tmp_path)
    (_vegas(tmp_path) / "dog" / "info.json").write_text("{")
    with pytest.raises(MediaError, match=r"info\.json is not a readable list"):
        vegas.load(tmp_path)


# --- what is kept of a video --------------------------------------------------------------------------------------


def test_a_video_is_kept_as_the_voice_would_see_it(corpus: Path) -> None:
    kept = look_and_listen(corpus / "dog" / "park_1.mp4", scene.packaged_eye())
    pictures = len(kept["motion"])
    assert pictures == 34
    assert kept["sound"].shape == (1024 * pictures,)
    assert kept["sound"].dtype == np.int16
    assert kept["appearance"].shape == (5, scene.FEATURES)
    assert kept["appearance"].dtype == np.float16
    assert kept["motion"].shape == (pictures, len(scene.MOTION))
    assert kept["index"].tolist() == [at // scene.EVERY for at in range(pictures)]


def test_sound_keeps_its_place_beside_the_picture(zoo: Zoo) -> None:
    def knock_s(name: str) -> float:
        sound = video_data._sound_beside_picture(zoo[name])
        return float(np.flatnonzero(np.abs(sound) > 0.15)[0]) / RATE

    assert knock_s("voiced.mkv") == pytest.approx(KNOCK_S, abs=0.01)
    # The picture begins 0.7 s after the sound: the second knock, at 0.75 s, is the first beside it.
    assert knock_s("late_voiced.mp4") == pytest.approx(KNOCK_S + 0.5 - 0.7, abs=0.03)


def test_features_are_made_once_and_useless_videos_named(corpus: Path, tmp_path: Path, eye: _Eye) -> None:
    videos = video_folder.load(corpus)[:2]
    videos = [dataclasses.replace(one, part=part) for one, part in zip(videos, ("train", HELD_OUT), strict=True)]
    bad = {
        "short": _write(tmp_path / "short.mp4", 1, duration_s=1.0),
        "silent": _write(tmp_path / "silent.mp4", 1, loud=0.0),
        "broken": tmp_path / "broken.mp4",
    }
    bad["broken"].write_bytes(b"no video")
    more = [LabelledVideo(name, "dog", name, path) for name, path in bad.items()]
    filmed, left_out = prepare([*videos, *more], tmp_path / "cache", ChosenEye())
    assert len(filmed) == 2
    assert set(left_out) == set(bad)
    assert "2 s or more" in left_out["short"]
    assert "silent" in left_out["silent"]
    asked = eye.asked
    again, _ = prepare(videos, tmp_path / "cache", ChosenEye())
    assert eye.asked == asked
    assert np.array_equal(again[0].sound, filmed[0].sound)
    assert not list((tmp_path / "cache").glob("*.tmp"))
    with pytest.raises(OptionError, match=r"part 'train'.*3 were left out"):
        prepare(more, tmp_path / "cache", ChosenEye())


def test_long_videos_are_cut_into_pieces(
    filmed: list[Filmed], corpus: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_data, "LONGEST", 15)
    pieces, _ = prepare(video_folder.load(corpus), cache, ChosenEye())
    whole = filmed[0]
    own = [piece for piece in pieces if piece.name.split("@")[0] == whole.name]
    assert len(own) == 3
    assert max(piece.count for piece in own) <= 15
    assert {piece.part for piece in own} == {whole.part}
    assert np.array_equal(np.concatenate([piece.sound for piece in own]), whole.sound)
    assert np.array_equal(np.concatenate([p.appearance(SEEN, 1) for p in own]), whole.appearance(SEEN, 1))
    assert np.array_equal(np.concatenate([piece.motion for piece in own]), whole.motion)


def test_another_picture_leaves_sound_and_class(filmed: list[Filmed]) -> None:
    seen = [one for one in filmed if one.part != HELD_OUT]
    for same_class in (False, True):
        for one, other in zip(filmed, video_recipes.swaps(filmed, seen, same_class=same_class), strict=True):
            assert other is not None
            assert other.picture_of is not None
            assert other.picture_of.group != one.group
            assert other.label == one.label
            assert not same_class or other.picture_of.label == one.label
            assert np.array_equal(other.sound, one.sound)
            assert len(other.motion) == len(other.activity) == one.count
            shown = other.appearance(SEEN, 1)
            assert np.array_equal(shown[0], other.picture_of.appearance(SEEN, 1)[0])
            assert not np.array_equal(shown, one.appearance(SEEN, 1))


def test_appearance_of_another_size_is_refused(filmed: list[Filmed]) -> None:
    with pytest.raises(ValueError, match="are 6 numbers each; asked for were 10"):
        filmed[0].appearance(10, 1.0)


# --- the recipes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["frame", "seq", "flow"])
def test_one_step_of_each_recipe_is_ready_to_be_adopted(
    variant: str, corpus: Path, cache: Path, eye: _Eye, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_recipes, "SMALL", TINY)
    monkeypatch.setattr(video_recipes, "LANES", 4)
    monkeypatch.setattr(video_recipes, "precision_costs", partial(recipes.precision_costs, seconds=0.05))
    folder = cache.parent / variant
    run = RECIPES[f"ambient-videos-{variant}"].run
    figures = run(folder=folder, data=corpus, steps=1, seed=0, resume=True)
    assert figures["bits_per_sample"] > 0
    assert figures["unigram_bits_per_sample"] > 0
    assert set(figures["bits_by_class"]) == {"dog", "rain"}
    worth = figures["another_picture"]
    assert worth["bits_per_sample"] > 0
    assert abs(worth["worth_bits"]) < 1
    assert worth["error_bits"] is not None
    assert abs(worth["worth_bits_at_start"]) < 1
    assert figures["another_of_the_class"]["bits_per_sample"] > 0
    assert figures["left_out"] == 0
    json.dumps(figures)
    (entry,) = weights.adopt(folder, folder=tmp_path)
    assert entry.name == voice.NETWORK
    loaded = weights.load(entry.name, tmp_path)
    decoder = voice.unpack(loaded.tensors, loaded.metadata)
    config = decoder.network.config
    assert (config.variant, config.appearance, config.motion) == (variant, SEEN, len(scene.MOTION))
    assert config.classes == ("dog", "rain")
    assert loaded.metadata["eye"] == "efficientnet-lite0"


@pytest.mark.parametrize("variant", ["frame", "seq", "flow"])
def test_the_network_that_is_kept_takes_features_as_they_come(
    variant: str, filmed: list[Filmed], tmp_path: Path
) -> None:
    network, scale = video_recipes.train_decoder(filmed, variant, TINY.decoder, tmp_path, steps=3, lanes=3)
    scaled = [dataclasses.replace(one, scale=scale) for one in filmed]
    expected = stretches.stretch_bits(network, scaled)
    measured = stretches.stretch_bits(video_recipes.unscaled(network, scale), filmed)
    for one, other in zip(measured, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_scaled_features_are_of_one_size(filmed: list[Filmed]) -> None:
    scale = Scale.of(filmed)
    seen = np.concatenate([dataclasses.replace(one, scale=scale).appearance(SEEN, 1) for one in filmed])
    assert np.abs(seen.mean(0)).max() < 1e-3
    assert seen.std(0).max() < 1.01


def test_a_run_that_is_cut_off_ends_where_one_piece_ends(
    filmed: list[Filmed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(folder: Path) -> dict[str, torch.Tensor]:
        network, _ = video_recipes.train_decoder(filmed, "flow", TINY.decoder, folder, steps=6, lanes=3)
        return network.state_dict()

    whole = run(tmp_path / "whole")
    make = stretches.AmbientTask.batch

    def interrupted(task: stretches.AmbientTask, index: int) -> stretches.Stretch:
        if index == 4:
            raise KeyboardInterrupt
        return make(task, index)

    with monkeypatch.context() as patch:
        patch.setattr(stretches.AmbientTask, "batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "cut")
    resumed = run(tmp_path / "cut")
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


def test_a_recipe_without_data_says_what_it_wants(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="VEGAS, or with one folder of videos a class"):
        video_recipes.train_flow(folder=tmp_path, data=None, steps=1, seed=0, resume=True)


# --- VGG-19 -------------------------------------------------------------------------------------------------------


def test_vgg_has_torchvisions_names_and_shapes() -> None:
    with torch.device("meta"):
        state = vgg.VGG().state_dict()
    places = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    kinds = ("weight", "bias")
    assert list(state) == [f"features.{at}.{kind}" for at in places for kind in kinds] + [
        f"classifier.0.{kind}" for kind in kinds
    ]
    assert state["features.34.weight"].shape == (512, 512, 3, 3)
    assert state["classifier.0.weight"].shape == (4096, 25088)


def test_vgg_is_convolutions_poolings_and_one_layer() -> None:
    torch.manual_seed(0)
    net = vgg.VGG(((4, 1), (5, 2)), outputs=7, side_px=8)
    pictures = vgg.prepared(np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3)).astype(np.uint8), 8)
    state = net.state_dict()
    x = pictures
    for block in ((0,), (3, 5)):
        for at in block:
            x = functional.relu(
                functional.conv2d(x, state[f"features.{at}.weight"], state[f"features.{at}.bias"], 1, 1)
            )
        x = functional.max_pool2d(x, 2)
    expected = functional.relu(x.flatten(1) @ state["classifier.0.weight"].T + state["classifier.0.bias"])
    assert torch.allclose(net(pictures), expected, atol=1e-6)
    assert net(pictures).shape == (2, 7)


def test_pictures_for_vgg_have_imagenets_statistics() -> None:
    grey = vgg.prepared(np.full((1, 10, 10, 3), 255, np.uint8))
    assert grey.shape == (1, 3, 224, 224)
    np.testing.assert_allclose(grey[0, :, 0, 0], [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], 1e-5)


def test_weights_that_are_not_vggs_are_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"features\.0\.weight \[64, 3, 3, 3\] is missing; expected are torchvision's"):
        vgg.VGG19Eye({"conv1_1": torch.zeros(1)})
    save_file({"features.0.weight": torch.zeros(64, 1, 3, 3)}, tmp_path / "vgg19.safetensors")
    chosen = ChosenEye(tmp_path / "nowhere", tmp_path)
    assert (chosen.name, chosen.outputs) == ("vgg19-fc6", 4096)
    with pytest.raises(
        WeightsError, match=r"vgg19\.safetensors: .*has shape \[64, 1, 3, 3\]; expected is \[64, 3, 3, 3\]"
    ):
        _ = chosen.eye


def test_brought_weights_run_no_code(tmp_path: Path) -> None:
    good = {"a": torch.ones(2)}
    torch.save(good, tmp_path / "good.pth")
    torch.save({"state_dict": good, "epoch": 3}, tmp_path / "wrapped.pt")
    for name in ("good.pth", "wrapped.pt"):
        assert torch.equal(weights.load_brought(tmp_path / name)["a"], good["a"])
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (marker,)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil(), protocol=2))
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"\x00")
    for name in ("evil.pth", "list.pth", "cut.safetensors", "net.onnx", "missing.pth"):
        with pytest.raises(WeightsError):
            weights.load_brought(tmp_path / name)
    assert not marker.exists()
