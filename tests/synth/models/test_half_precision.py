"""Weights in half precision and back."""

from __future__ import annotations

import torch

from synth.models.half_precision import halved, restored


def test_floats_are_halved_but_those_that_are_to_stay_exact() -> None:
    state = {
        "weight": torch.randn(3, 4).t(),
        "norm.running_mean": torch.randn(4),
        "norm.count": torch.tensor(7),
    }
    stored = halved(state, exact=("running",))
    assert [one.dtype for one in stored.values()] == [torch.float16, torch.float32, torch.int64]
    assert all(one.is_contiguous() for one in stored.values())
    assert torch.equal(stored["norm.running_mean"], state["norm.running_mean"])
    back = restored(stored)
    assert [one.dtype for one in back.values()] == [torch.float32, torch.float32, torch.int64]
    assert torch.equal(back["weight"], state["weight"].half().float())
    assert halved(state)["norm.running_mean"].dtype == torch.float16
