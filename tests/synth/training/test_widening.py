"""A wider lip reader that goes on where a narrower one stopped."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from synth.models.speech.vid2speech import Vid2Speech, Vid2SpeechConfig
from synth.training.speech.widening import may_grow, widened
from tests.synth.voices.speech.test_voice import TINY

WIDE = dataclasses.replace(
    TINY,
    channels=tuple(2 * one for one in TINY.channels),
    flow_channels=tuple(one + 3 for one in TINY.flow_channels),
    features=TINY.features + 5,
    flow_features=TINY.flow_features + 2,
    hidden=TINY.hidden + 6,
    decoder_channels=TINY.decoder_channels + 4,
    words=3,
)


def _narrow(config: Vid2SpeechConfig = TINY) -> Vid2Speech:
    torch.manual_seed(0)
    network = Vid2Speech(config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean = torch.randn_like(module.running_mean)  # type: ignore[arg-type]
            module.running_var = torch.rand_like(module.running_var) + 0.5  # type: ignore[arg-type]
    network.fit(torch.randn(50, 80), torch.randn(50, 321), torch.rand(80, 321) / 80)
    return network.eval()


def _seen(config: Vid2SpeechConfig) -> tuple[torch.Tensor, torch.Tensor | None]:
    torch.manual_seed(1)
    small = config.side // 2
    return torch.randn(2, 9, config.side, config.side), torch.randn(2, 9, 2, small, small) if config.flow else None


@pytest.mark.parametrize("flow", [True, False])
def test_where_new_parts_send_nothing_to_old_ones_the_answer_is_the_same(flow: bool) -> None:
    narrow = _narrow(dataclasses.replace(TINY, flow=flow))
    wide = widened(narrow, dataclasses.replace(WIDE, flow=flow), from_new=0.0).eval()
    with torch.inference_mode():
        ours, theirs = wide(*_seen(wide.config)), narrow(*_seen(narrow.config))
    torch.testing.assert_close(ours.mel, theirs.mel, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.linear, theirs.linear, rtol=1e-4, atol=1e-4)
    assert ours.words is not None
    assert ours.words.shape[-1] == 3


def test_new_parts_are_alive() -> None:
    narrow = _narrow()
    wide = widened(narrow, WIDE).eval()
    with torch.inference_mode():
        assert not torch.equal(wide(*_seen(WIDE)).mel, narrow(*_seen(TINY)).mel)
    wide.train()
    wide(*_seen(WIDE)).mel.square().mean().backward()
    stem = wide.grey_tower.stem.weight.grad
    assert stem is not None
    assert bool((stem[TINY.channels[0] :].abs().amax((1, 2, 3)) > 0).all())


def test_the_same_width_is_the_same_network() -> None:
    narrow = _narrow()
    same = widened(narrow, TINY)
    for name, value in narrow.state_dict().items():
        torch.testing.assert_close(same.state_dict()[name], value)


@pytest.mark.parametrize(
    "change", [{"hidden": 1}, {"window": "face"}, {"flow_channels": (64,)}, {"post_net": not TINY.post_net}]
)
def test_nothing_else_can_be_changed(change: dict[str, object]) -> None:
    other = dataclasses.replace(TINY, **change)  # type: ignore[arg-type]
    assert not may_grow(TINY, other)
    with pytest.raises(ValueError, match="cannot become"):
        widened(_narrow(), other)
