"""The two-stream network: shapes, chunking, the loss, and that it can learn at all."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from synth.materials import MATERIALS
from synth.models.two_stream import BANDS, PAPER, SMALL, TwoStream, TwoStreamConfig, losses, space_time

TINY = TwoStreamConfig(
    width=32, height=24, channels=(8, 16), motion_features=16, appearance_inputs=5, appearance_features=4, hidden=16
)


def _net(config: TwoStreamConfig = TINY) -> TwoStream:
    torch.manual_seed(0)
    return TwoStream(config).eval()


def test_space_time_holds_the_frame_and_its_two_changes() -> None:
    grey = torch.tensor([10.0, 30.0, 20.0])[:, None, None].expand(3, 2, 2)
    image = space_time(grey)
    assert image.shape == (1, 3, 2, 2)
    now, before, after = image[0, :, 0, 0]
    assert now == pytest.approx((30 - 127.5) / 64)
    assert before == pytest.approx(4 * 20 / 64)
    assert after == pytest.approx(-4 * 10 / 64)


def test_a_prediction_has_six_steps_a_frame_and_17_materials() -> None:
    said = _net()(torch.rand(2, 7, 24, 32) * 255, torch.rand(2, 5 + len(MATERIALS)))
    assert said.coefficients.shape == (2, 30, 10)
    assert said.onset_logits.shape == (2, 30)
    assert said.material_logits.shape == (2, 30, len(MATERIALS))


@pytest.mark.parametrize("frames", [1, 5, 16, 64])
def test_chunks_of_any_length_say_what_the_whole_says(frames: int) -> None:
    net, motion, scene = _net(), torch.randn(50, 16), torch.randn(4 + len(MATERIALS))
    with torch.inference_mode():
        whole = net.temporal(motion[None], scene[None])
        parts = [torch.cat(column, 1) for column in zip(*net.temporal_in_chunks(motion, scene, frames), strict=True)]
    for all_at_once, piecewise in zip(whole, parts, strict=True):
        assert torch.allclose(all_at_once, piecewise, atol=1e-5)


def test_the_network_looks_only_as_far_ahead_as_it_says() -> None:
    net, motion, scene = _net(), torch.randn(1, 40, 16), torch.randn(1, 4 + len(MATERIALS))
    changed = motion.clone()
    changed[:, 30:] += 1
    with torch.inference_mode():
        before, after = net.temporal(motion, scene).onset_logits, net.temporal(changed, scene).onset_logits
    seen = 3 * TINY.look_ahead
    first = (30 - seen) * TINY.steps_per_frame
    assert torch.equal(before[:, :first], after[:, :first])
    assert not torch.equal(before[:, first:], after[:, first:])


def test_material_evidence_moves_the_material_head_alone() -> None:
    net, motion, scene = _net(), torch.randn(1, 6, 16), torch.zeros(1, 4 + len(MATERIALS))
    told = scene.clone()
    told[0, 4 + MATERIALS.index("metal")] = 9.0
    plain, informed = net.temporal(motion, scene), net.temporal(motion, told)
    assert torch.equal(plain.onset_logits, informed.onset_logits)
    assert bool((informed.material_logits.argmax(-1) == MATERIALS.index("metal")).all())


def test_evidence_counts_above_its_mean_and_beside_how_frequent_a_material_is() -> None:
    net, motion = _net(), torch.randn(1, 6, 16)
    wood, metal = MATERIALS.index("wood"), MATERIALS.index("metal")
    usual = torch.zeros(3, len(MATERIALS))
    usual[:, wood] = 5.0  # every training clip looked like wood: that it does says nothing
    shares = torch.full((len(MATERIALS),), 0.05)
    shares[metal] = 0.2
    net.fit_materials(usual, shares)
    scene = torch.zeros(1, 4 + len(MATERIALS))
    scene[0, 4 + wood] = 5.0
    assert bool((net.temporal(motion, scene).material_logits.argmax(-1) == metal).all())


def test_principal_components_come_back() -> None:
    net = _net()
    basis = torch.rand(TINY.coefficients, BANDS)
    sound = torch.rand(500, TINY.coefficients) @ basis  # lies in the span of ten components
    net.fit_coefficients(sound)
    assert torch.allclose(net.from_pca(net.to_pca(sound)), sound, atol=1e-3)


def test_a_few_steps_on_one_batch_lower_every_term() -> None:
    net = _net(dataclasses.replace(TINY, dropout=0.0, material_evidence=False)).train()
    grey, picture = torch.rand(2, 12, 24, 32) * 255, torch.rand(2, 5)
    target, onset = torch.randn(2, 60, 10), (torch.rand(2, 60) > 0.9).float()
    material = torch.randint(-1, len(MATERIALS), (2, 60))
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    history = []
    for _ in range(40):
        terms = losses(net(grey, picture), target, onset, material)
        history.append([float(term.detach()) for term in terms])
        optimiser.zero_grad()
        sum(terms, torch.zeros(())).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert all(last < first for first, last in zip(history[0], history[-1], strict=True))


def test_unknown_materials_teach_nothing() -> None:
    net = _net().train()
    said = net(torch.rand(1, 5, 24, 32) * 255, torch.rand(1, 5 + len(MATERIALS)))
    nothing = torch.full((1, 18), -1)
    terms = losses(said, torch.zeros(1, 18, 10), torch.zeros(1, 18), nothing)
    assert float(terms.material.detach()) == 0.0


def test_the_shipped_configuration_is_small_and_survives_json() -> None:
    assert TwoStreamConfig.from_dict(SMALL.as_dict()) == SMALL
    assert sum(weight.numel() for weight in TwoStream(SMALL).parameters()) < 1_000_000


def test_the_paper_configuration_runs_at_the_paper_rates() -> None:
    assert PAPER.video_rate_hz * PAPER.steps_per_frame == 90
    net = _net(dataclasses.replace(PAPER, motion_features=32, appearance_features=32, channels=(8, 16, 16, 16, 8)))
    with torch.inference_mode():
        said = net(torch.rand(1, 4, 224, 224) * 255, torch.rand(1, 3, 224, 224))
    assert said.coefficients.shape == (1, 6, 10)
