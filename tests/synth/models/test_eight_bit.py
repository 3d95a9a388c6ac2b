"""Weights in eight bits and back."""

from __future__ import annotations

import torch

from synth.models.eight_bit import STEPS, restored, rounded
from synth.models.half_precision import halved


def _state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        "linear.weight": torch.randn(5, 7) * torch.tensor([1e-4, 0.01, 1.0, 10.0, 0.0])[:, None],
        "conv.weight": torch.randn(4, 3, 3, 3),
        "conv.bias": torch.randn(4),
        "spread": torch.rand(3, 3),
        "norm.count": torch.tensor(7),
    }


def test_matrices_are_rounded_and_the_rest_is_halved() -> None:
    stored = rounded(_state(), in_halves=("spread",))
    kinds = {name: value.dtype for name, value in stored.items()}
    assert kinds["linear.weight"] == kinds["conv.weight"] == torch.int8
    assert kinds["conv.bias"] == kinds["spread"] == torch.float16
    assert kinds["norm.count"] == torch.int64
    assert stored["conv.weight"].shape == (4, 3, 3, 3)
    assert int(stored["conv.weight"].abs().max()) == STEPS


def test_each_weight_comes_back_within_half_a_step_of_its_row() -> None:
    state = _state()
    back = restored(rounded(state))
    assert back.keys() == state.keys()
    for name in ("linear.weight", "conv.weight"):
        step = state[name].flatten(1).abs().amax(1) / STEPS
        off = (back[name] - state[name]).flatten(1).abs().amax(1)
        assert bool((off <= 0.502 * step + 1e-7).all()), name
    assert back["norm.count"] == 7
    assert bool((back["linear.weight"][4] == 0).all())


def test_what_was_rounded_once_is_rounded_to_the_same() -> None:
    once = restored(rounded(_state()))
    again = restored(rounded(once))
    for name, value in once.items():
        assert torch.allclose(again[name].float(), value.float(), rtol=2e-3), name


def test_older_packs_in_half_precision_are_read_too() -> None:
    state = _state()
    back = restored(halved(state))
    assert torch.equal(back["conv.weight"], state["conv.weight"].half().float())


def test_rounding_takes_half_of_the_bytes_of_halves() -> None:
    value = torch.randn(64, 256)
    stored = rounded({"weight": value})
    assert sum(one.numel() * one.element_size() for one in stored.values()) < 0.52 * 2 * value.numel()
