"""L3-Net, AVE-Net and AVOL-Net: shapes, what their losses teach, and their recipes from end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from synth.data.corpora.av_clip import draw_pairs
from synth.description import nets
from synth.errors import WeightsError
from synth.models.avenet import AVENet, AVOLNet, distances
from synth.models.imagenet import MAP_CHANNELS
from synth.models.l3net import RATE_HZ, STEPS, L3Net, TowersConfig, log_mel, windows
from synth.training.audiovisual import data, pair_recipes
from synth.training.recipes import RECIPES

SMALL = TowersConfig(width=4)


def _maps(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((count, MAP_CHANNELS, 14, 14), np.float32))


def _mels(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((count, 64, STEPS), np.float32))


def test_silence_is_the_lowest_spectrogram_and_ten_decibels_more_is_the_same_step_everywhere() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32) * 0.1
    silent, quiet, loud = log_mel(np.zeros(RATE_HZ, np.float32)), log_mel(noise), log_mel(noise * np.sqrt(10))
    assert silent.shape == quiet.shape == (64, 51)
    assert np.ptp(silent) == 0
    assert (quiet > silent).all()
    step = loud - quiet
    assert step.mean() == pytest.approx(np.log(10) / 3.5, abs=0.01)


def test_windows_cover_a_spectrogram_to_its_end_and_repeat_a_short_one() -> None:
    mel = np.arange(260, dtype=np.float32)[None].repeat(64, 0)
    cut = windows(mel)
    assert [int(part[0, 0]) for part in cut] == [0, 50, 100, 150, 160]
    assert windows(mel[:, :30]).shape == (1, 64, STEPS)
    assert windows(mel[:, :30])[0, 0, 30] == 0


@pytest.mark.parametrize("vision", ["imagenet", "scratch"])
def test_a_few_steps_teach_l3_which_sound_goes_with_which_picture(vision: str) -> None:
    torch.manual_seed(0)
    config = TowersConfig("scratch" if vision == "scratch" else "imagenet", 4)
    net = L3Net(config)
    kinds = torch.arange(32) % 2
    heard = torch.cat([kinds[:16], 1 - kinds[16:]])
    seen = _maps(32) if vision == "imagenet" else torch.rand(32, 3, 112, 112)
    seen[:, : 3 if vision == "scratch" else 40] += 2.0 * kinds.view(-1, 1, 1, 1)
    mel = _mels(32)
    mel[:, :32] += 2.0 * heard.view(-1, 1, 1)
    together = (kinds == heard).long()
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        loss = cross_entropy(net(seen, mel), together)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert (net(seen, mel).argmax(1) == together).float().mean() > 0.9


def test_points_have_length_one_and_only_their_distance_is_judged() -> None:
    net = AVENet(SMALL).eval()
    with torch.inference_mode():
        seen, heard = net.embed_pictures(_maps(5)), net.embed_sounds(_mels(5))
        assert torch.allclose(seen.norm(dim=1), torch.ones(5), atol=1e-5)
        assert torch.allclose(distances(seen, heard), (seen - heard).norm(dim=1), atol=1e-4)
        turn = torch.linalg.qr(torch.randn(128, 128))[0]
        assert torch.allclose(net(seen @ turn, heard @ turn), net(seen, heard), atol=1e-4)
        assert (net(seen, seen) > net(seen, -seen)).all()


def test_a_map_is_high_where_the_picture_agrees_with_the_sound() -> None:
    net = AVOLNet(SMALL).eval()
    heard = torch.randn(1, 128)
    seen = torch.zeros(1, 128, 14, 14)
    seen[0, :, 3, 11] = heard[0]
    found = net.maps(seen, heard)[0]
    assert found.argmax() == 3 * 14 + 11


def test_other_pairs_of_one_clip_are_no_wrong_answers() -> None:
    pairs = draw_pairs(
        [data.Kept(f"c{n}", f"c{n}", (), (1.0,), 0.04, 4.0, n, ((),)) for n in range(2)],
        8,
        2.0,
        np.random.default_rng(0),
    )
    batch = data.PairBatch(torch.zeros(8), torch.zeros(8), torch.tensor([1.0, 0.0] * 4), tuple(pairs))
    groups = torch.tensor([pair.clip for pair in pairs if pair.positive])
    scores = (groups[:, None] == groups[None]).float() * 50
    assert len(set(groups.tolist())) == 2
    assert pair_recipes.contrast(scores, batch) < 1e-3


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs: what one looks at, the next finds in the cache."""
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("name", ["l3", "ave", "avol"])
def test_a_recipe_runs_from_scenes_to_weights_that_load(name: str, runs: Path) -> None:
    figures = RECIPES[name].run(folder=runs / name, data=None, steps=2, seed=0, resume=True)
    assert 0 <= figures["held_out_correspondence"] <= 1
    net: L3Net | AVENet | AVOLNet
    if name == "l3":
        net = nets.load(L3Net, "l3-small", runs / name)
    elif name == "ave":
        net = nets.load(AVENet, "ave-small", runs / name)
    else:
        net = nets.load(AVOLNet, "avol-small", runs / name)
    assert not net.training
    other: type[L3Net] | type[AVOLNet] = L3Net if name == "avol" else AVOLNet
    with pytest.raises(WeightsError, match="do not fit"):
        nets.load(other, f"{name}-small", runs / name)


def test_scenes_come_out_of_the_cache_as_they_went_in(tmp_path: Path) -> None:
    made = data.scenes(tmp_path, 3, mixes=2)
    again = data.scenes(tmp_path, 3, mixes=2)
    assert again.clips == made.clips
    assert np.array_equal(again.maps, made.maps)
    assert made.mels.shape[:3] == (3, 2, 64)
    assert made.maps.shape == (6, MAP_CHANNELS, 14, 14)
    both = data.joined(made, again)
    assert both.clips[3].first == 6
    assert np.array_equal(data.part(both, [4]).pooled, made.pooled[2:4])
