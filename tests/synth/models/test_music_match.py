"""The towers, their loss, the scenes that they learn from, and the figures."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from synth import weights
from synth.data.music_scenes import moods, scenes
from synth.data.music_scenes.notes import play
from synth.data.music_scenes.pictures import draw
from synth.evaluation.audiovisual.music import evaluate_music
from synth.evaluation.audiovisual.music_rule import by_hand
from synth.metrics.music_recall import canonical, chance, recalls
from synth.models import music_match
from synth.models.imagenet import ImageNetEye
from synth.models.music_match import MusicMatch, MusicMatchConfig, ranking_loss, structure_loss
from synth.music import features, picture_features
from synth.training.audiovisual import music
from synth.training.audiovisual.music_data import Pairs, scene_frames, simulated, simulated_if_cached
from synth.voices.ambient.optical_flow import RATE_HZ

TINY = MusicMatchConfig(music=(32,), picture=(32,), embedding=16, dropout=0.0, noise=0.0)


def _pairs(count: int, seed: int = 0) -> Pairs:
    """Numbers in which both sides of a pair hide the same four, under noise."""
    common = np.random.default_rng(7)
    hidden = np.random.default_rng(seed).standard_normal((count, 4))
    to_music, to_picture = (common.standard_normal((4, size)) for size in (music_match.MUSIC, music_match.PICTURE))
    noise = np.random.default_rng(seed + 1)
    heard = hidden @ to_music + 0.5 * noise.standard_normal((count, music_match.MUSIC))
    shown = hidden @ to_picture + 0.5 * noise.standard_normal((count, music_match.PICTURE))
    names = tuple(str(number) for number in range(count))
    return Pairs(heard.astype(np.float32), shown.astype(np.float32), np.full(count, 100, np.float32), names)


def test_sizes_are_those_of_the_features() -> None:
    assert music_match.MUSIC == features.FEATURES
    assert music_match.PICTURE == picture_features.FEATURES
    assert sum(weight.numel() for weight in MusicMatch().parameters()) * 2 < 3_000_000


def test_vectors_have_length_one_and_survive_packing() -> None:
    torch.manual_seed(0)
    model, pairs = MusicMatch(TINY), _pairs(8)
    music.standardise(model, pairs)
    again = music_match.unpack(*music_match.pack(model))
    for before, after in (
        (model.of_music(pairs.music), again.of_music(pairs.music)),
        (model.of_picture(pairs.picture), again.of_picture(pairs.picture)),
    ):
        assert np.allclose(np.linalg.norm(before, axis=1), 1, atol=1e-5)
        assert np.allclose(before, after, atol=5e-3)


def test_a_number_that_never_changes_says_nothing() -> None:
    tower = MusicMatch(TINY).music
    numbers = np.random.default_rng(0).standard_normal((5, music_match.MUSIC)).astype(np.float32)
    numbers[:, 3] = -100.0
    tower.fit(numbers)
    strange = torch.from_numpy(numbers + 1e6 * np.eye(music_match.MUSIC, dtype=np.float32)[3])
    assert torch.equal(tower.standard(strange)[:, 3], torch.zeros(5))


def test_ranking_asks_for_the_margin_either_way() -> None:
    apart = torch.eye(3)
    assert ranking_loss(apart, apart, to_video=3, to_music=1) == 0
    # Of six negatives the three hardest count; one of them comes nearer than it should, the others do not.
    music_ = torch.tensor([[1.0, 0, 0], [0.6, 0.8, 0], [0, 0, 1]])
    video = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    by_music = max(0.0, 0.1 + 0.6 - 0.8) / 3
    by_video = max(0.0, 0.1 + 0.6 - 1.0) / 3
    assert ranking_loss(music_, video, to_video=3, to_music=1).item() == pytest.approx(3 * by_music + by_video)
    closer = torch.tensor([[1.0, 0, 0], [0.8, 0.6, 0], [0, 0, 1]])
    assert ranking_loss(closer, video, to_video=1, to_music=0).item() == pytest.approx((0.1 + 0.8 - 0.6) / 3, abs=1e-6)
    assert ranking_loss(closer, video, to_video=0, to_music=1).item() == pytest.approx(0, abs=1e-6)


def test_structure_is_the_order_of_distances() -> None:
    before = torch.tensor([[0.0], [1.0], [3.0]])

    def circle(*turns: float) -> torch.Tensor:
        angles = torch.tensor(turns)
        return torch.stack([torch.cos(angles), torch.sin(angles)], 1)

    assert structure_loss(before, circle(0, 0.2, 0.6)).item() == 0
    assert structure_loss(before, circle(0, 0.6, 0.2)).item() > 0.001


def test_recall_counts_ties_against() -> None:
    assert recalls(np.eye(60))["music_to_video"]["recall_at_1"] == 1
    same = recalls(np.zeros((60, 60)))["video_to_music"]
    assert same == {"recall_at_1": 0, "recall_at_10": 0, "recall_at_25": 0, "recall_at_50": 0, "median_rank": 60}
    assert chance(60)["music_to_video"]["recall_at_25"] == pytest.approx(25 / 60)


def test_a_pair_is_found_that_was_never_seen(tmp_path: Path) -> None:
    seen, held_out = _pairs(150), _pairs(60, seed=50)
    found = recalls(music.likenesses(music.fit(seen, tmp_path, steps=60, seed=0, resume=False), held_out))
    untrained = MusicMatch()
    music.standardise(untrained, seen)
    floor = recalls(music.likenesses(untrained.eval(), held_out))
    assert found["music_to_video"]["recall_at_10"] > 0.6 > floor["music_to_video"]["recall_at_10"] + 0.2
    assert recalls(canonical(seen, held_out))["music_to_video"]["recall_at_10"] > 0.6


def test_training_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    pairs = _pairs(40)
    whole = music.fit(pairs, tmp_path / "whole", steps=6, seed=0, resume=True)
    again = music.fit(pairs, tmp_path / "whole", steps=6, seed=0, resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_scenes_are_the_same_every_time_and_differ_by_seed() -> None:
    mood = scenes.draw_mood(5, 0)
    assert np.array_equal(play(mood, 12_000, 4.0), play(mood, 12_000, 4.0))
    assert not np.array_equal(play(mood, 12_000, 4.0), play(scenes.draw_mood(5, 1), 12_000, 4.0))
    look = scenes.look_of(mood)
    assert look == scenes.look_of(mood) != scenes.look_of(mood, take=1)
    assert np.array_equal(draw(look, 1.5, 64, 36), draw(look, 1.5, 64, 36))


@pytest.mark.parametrize("drawing", scenes.DRAWINGS)
def test_every_drawing_moves_and_fast_ones_more(drawing: str) -> None:
    def change(pace: float) -> float:
        look = moods.Look(pace, 0.8, 0.6, True, drawing, 60 + 116 * pace, 11)
        frames = [draw(look, 0.3 + k / 15, 96, 96).astype(float) for k in range(4)]
        return float(np.mean([np.abs(after - before).mean() for before, after in itertools.pairwise(frames)]))

    assert change(1.0) > change(0.0) > 0


def test_who_knows_what_was_drawn_finds_it() -> None:
    moods = [scenes.draw_mood(3, number) for number in range(40)]
    looks = [scenes.look_of(mood) for mood in moods]
    alike = np.array([[scenes.likeness(look, mood) for look in looks] for mood in moods])
    found = recalls(alike)["music_to_video"]
    assert 0.3 < found["recall_at_1"] < 1  # well, but not always: the relation is blurred


def test_pictures_of_scenes_tell_their_pace(tmp_path: Path) -> None:
    eye = ImageNetEye(weights.load_imagenet())
    speed = 2 * picture_features.SEEN + picture_features.MEASURES.index("speed, mean")
    rows = []
    for pace in (0.0, 1.0):
        look = moods.Look(pace, 0.8, 0.6, True, "rain", 60 + 116 * pace, 11)
        rows.append(picture_features.picture_features(scene_frames(look, 60), 60, eye))
    assert rows[0].shape == (picture_features.FEATURES,)
    assert rows[1][speed] > 1.5 * rows[0][speed]
    assert rows[1][-1] > rows[0][-1]  # cuts


def test_a_file_is_looked_at_as_its_frames_are(tmp_path: Path) -> None:
    look = moods.Look(0.5, 0.7, 0.5, True, "discs", 118, 11)
    scenes.write_video(tmp_path / "clip.mp4", look, 4.0)
    eye = ImageNetEye(weights.load_imagenet())
    of_file = picture_features.look(tmp_path / "clip.mp4", eye)
    count = round(4 * RATE_HZ)
    of_frames = picture_features.picture_features(scene_frames(look, count), count, eye)
    bright = 2 * picture_features.SEEN + picture_features.MEASURES.index("brightness")
    assert of_file[bright] == pytest.approx(of_frames[bright], abs=0.05)
    assert np.corrcoef(of_file[: picture_features.SEEN], of_frames[: picture_features.SEEN])[0, 1] > 0.7


def test_pairs_are_computed_once(tmp_path: Path) -> None:
    assert simulated_if_cached(0, 2, tmp_path) is None
    pairs = simulated(0, 2, tmp_path, quiet=True)
    kept = list(tmp_path.iterdir())
    stamps = [file.stat().st_mtime_ns for file in kept]
    again = simulated_if_cached(0, 2, tmp_path)
    assert again is not None
    assert np.array_equal(again.music, pairs.music)
    assert [file.stat().st_mtime_ns for file in kept] == stamps
    assert by_hand(pairs).shape == (2, 2)


def test_a_folder_with_few_videos_is_refused(tmp_path: Path) -> None:
    from synth.errors import OptionError

    look = moods.Look(0.5, 0.7, 0.5, True, "discs", 118, 11)
    scenes.write_video(tmp_path / "silent.mp4", look, 2.0)
    with pytest.raises(OptionError, match="0 usable videos with music; 10 are needed"):
        evaluate_music(tmp_path, None)


def test_what_ships_finds_music_for_scenes_it_never_saw(tmp_path: Path) -> None:
    loaded = weights.load(music_match.NAME)
    model = music_match.unpack(loaded.tensors, loaded.metadata)
    pairs = simulated(500_000, 24, tmp_path, quiet=True)
    found = recalls(music.likenesses(model, pairs))
    assert min(row["recall_at_10"] for row in found.values()) > 0.65 > 10 / 24


def test_the_recipe_registers_what_it_trained_beside_its_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Numbers of the right sizes in place of those of 656 scenes, which take minutes to draw, play and look at.
    monkeypatch.setattr(music, "simulated", lambda first, count, cache: _pairs(60, seed=first))
    told = music.train_music(folder=tmp_path / "run", data=None, steps=30, seed=0, resume=True)
    entry = weights.entries(tmp_path / "run")[music_match.NAME]
    assert entry.bytes_ < 3_000_000
    assert [figure.floor_name for figure in entry.figures] == ["canonical correlation of the same numbers"] * 2
    assert entry.figures[0].value == pytest.approx(told["music_to_video"]["recall_at_10"], abs=1e-4)
    rows = music.train_variants(folder=tmp_path / "variants", data=None, steps=5, seed=0, resume=True)
    assert set(rows) == set(music.VARIANTS)
    assert (tmp_path / "variants" / "variants.json").is_file()
