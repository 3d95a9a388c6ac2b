"""SampleRNN: what it may look at, what it carries, its levels, and that it learns."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dsp.companding import mu_law_decode, mu_law_encode
from synth.models.samplernn import PAPER_2_TIER, PAPER_3_TIER, PAPER_16_4, SampleRNN, SampleRNNConfig, select

CONFIGS = [
    SampleRNNConfig((8, 4), 12, embedding=6, conditioning=3),
    SampleRNNConfig((4,), 12, layers=2, embedding=6),
    SampleRNNConfig((16, 8, 2), 12, "lstm", layers=2, embedding=6, conditioning=2),
]
BATCH = 3


def _net(config: SampleRNNConfig) -> SampleRNN:
    torch.manual_seed(0)
    net = SampleRNN(config)
    for parameter in net.parameters():  # also what begins at zero
        parameter.data += 0.1 * torch.randn_like(parameter)
    return net.eval()


def _sound(config: SampleRNNConfig, frames: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    levels = torch.randint(0, 256, (BATCH, frames * config.top_frame))
    return levels, torch.randn(BATCH, frames, config.conditioning) if config.conditioning else None


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.rnn} {config.frames}")
def test_a_sample_depends_on_earlier_ones_only(config: SampleRNNConfig) -> None:
    net = _net(config)
    levels, conditioning = _sound(config, 6)
    at = 2 * config.top_frame + 3
    changed = levels.clone()
    changed[:, at] = (changed[:, at] + 100) % 256
    with torch.inference_mode():
        start = net.start(BATCH)
        before, _ = net(net.silence(BATCH), levels, conditioning, start)
        after, _ = net(net.silence(BATCH), changed, conditioning, start)
    assert before.shape == (BATCH, levels.shape[1], 256)
    assert torch.equal(before[:, : at + 1], after[:, : at + 1])
    assert not torch.allclose(before[:, at + 1], after[:, at + 1])
    assert not torch.allclose(before[:, -1], after[:, -1])  # the tiers remember it


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.rnn} {config.frames}")
def test_pieces_with_carried_state_say_what_the_whole_says(config: SampleRNNConfig) -> None:
    net, top = _net(config), config.top_frame
    levels, conditioning = _sound(config, 6)
    with torch.inference_mode():
        whole, end = net(net.silence(BATCH), levels, conditioning, net.start(BATCH))
        state, before, pieces = net.start(BATCH), net.silence(BATCH), []
        for first, last in ((0, 1), (1, 4), (4, 6)):
            piece = levels[:, first * top : last * top]
            fed = None if conditioning is None else conditioning[:, first:last]
            logits, state = net(before, piece, fed, state)
            before = torch.cat((before, piece), 1)[:, -top:]
            pieces.append(logits)
    assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-5)
    for one, other in zip(state, end, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.rnn} {config.frames}")
def test_multiplying_weight_norm_out_changes_nothing(config: SampleRNNConfig) -> None:
    net = _net(config)
    levels, conditioning = _sound(config, 2)
    plain = net.without_weight_norm()
    assert not any("parametrizations" in name for name in plain.state_dict())
    with torch.inference_mode():
        one, _ = net(net.silence(BATCH), levels, conditioning, net.start(BATCH))
        other, _ = plain(plain.silence(BATCH), levels, conditioning, plain.start(BATCH))
    assert torch.allclose(one, other, atol=1e-5)


def test_streams_of_a_batch_do_not_touch_each_other() -> None:
    net = _net(CONFIGS[0])
    levels, conditioning = _sound(CONFIGS[0], 3)
    assert conditioning is not None
    with torch.inference_mode():
        together, state = net(net.silence(BATCH), levels, conditioning, net.start(BATCH))
        alone, own = net(net.silence(1), levels[1:2], conditioning[1:2], net.start(1))
    assert torch.allclose(together[1:2], alone, atol=1e-5)
    for one, other in zip(select(state, [1]), own, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_bits_are_the_mean_negative_log_likelihood_to_base_two() -> None:
    net = _net(CONFIGS[0])
    levels, conditioning = _sound(CONFIGS[0], 2)
    with torch.inference_mode():
        bits, _ = net.nll_bits(net.silence(BATCH), levels, conditioning, net.start(BATCH))
        logits, _ = net(net.silence(BATCH), levels, conditioning, net.start(BATCH))
    chosen = logits.log_softmax(2).gather(2, levels[..., None])[..., 0]
    assert torch.allclose(bits, -chosen.mean(1) / math.log(2), atol=1e-5)


def test_it_learns_a_wave() -> None:
    torch.manual_seed(0)
    config = SampleRNNConfig((8, 4), 24, embedding=8)
    net = SampleRNN(config)
    wave = config.encode(0.5 * np.sin(np.arange(2048) * 0.2))
    levels = torch.from_numpy(wave.astype(np.int64)).view(8, 256)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    first = last = 0.0
    for step in range(60):
        bits, _ = net.nll_bits(net.silence(8), levels, None, net.start(8))
        last = float(bits.detach().mean())
        first = first or last
        optimiser.zero_grad()
        bits.mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        assert step < 100
    assert first > 7
    assert last < 4


def test_the_forget_gate_of_an_lstm_begins_open() -> None:
    torch.manual_seed(0)
    net = SampleRNN(SampleRNNConfig((4,), 8, "lstm"))
    bias = dict(net.named_parameters())["tiers.0.rnn.bias_ih_l0"]
    assert torch.equal(bias[8:16], torch.full((8,), 3.0))


@pytest.mark.parametrize("quantiser", ["linear", "mu-law"])
@settings(max_examples=50, deadline=None)
@given(value=st.floats(-1.5, 1.5), peak=st.floats(0.1, 2.0))
def test_levels_have_a_fixed_range(quantiser: str, value: float, peak: float) -> None:
    config = SampleRNNConfig(quantiser=quantiser, peak=peak)
    back = float(config.decode(config.encode(np.array([value * peak])))[0])
    step = 2 / 255 if quantiser == "linear" else 0.05
    assert abs(back - np.clip(value, -1, 1) * peak) <= step * peak


def test_mu_law_levels_are_those_of_the_signal_functions() -> None:
    sound = np.linspace(-1.2, 1.2, 1001)
    config = SampleRNNConfig()
    assert np.array_equal(config.encode(sound), mu_law_encode(sound))
    levels = np.arange(256)
    assert np.allclose(config.decode(levels), mu_law_decode(levels), atol=1e-6)


def test_the_papers_sizes() -> None:
    assert PAPER_2_TIER.frames == (16,)
    assert PAPER_2_TIER.layers == 3
    assert PAPER_3_TIER.slots == (4, 2)
    assert PAPER_16_4.slots == (4, 16)
    for config in (PAPER_2_TIER, PAPER_3_TIER, PAPER_16_4):
        assert (config.width, config.quantiser, config.embedding) == (1024, "linear", 256)
        assert SampleRNNConfig.from_dict(config.as_dict()) == config


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"frames": (8, 3)}, "multiple of the next"),
        ({"frames": ()}, "multiple of the next"),
        ({"rnn": "elman"}, "rnn is 'elman'"),
        ({"quantiser": "alaw"}, "quantiser is 'alaw'"),
        ({"peak": 0.0}, "peak is 0.0"),
    ],
)
def test_impossible_configurations_are_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        dataclasses.replace(SampleRNNConfig(), **change)  # type: ignore[arg-type]
