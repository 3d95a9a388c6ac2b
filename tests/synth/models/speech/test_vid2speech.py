"""The lip-reading network: its shapes, its switches, and what its parts promise."""

from __future__ import annotations

import json

import pytest
import torch

from synth.models.speech.vid2speech import Tower, Vid2Speech, Vid2SpeechConfig

SMALL = Vid2SpeechConfig(
    channels=(4, 4, 8, 8),
    flow_channels=(4, 4, 8),
    features=16,
    flow_features=8,
    hidden=8,
    decoder_channels=8,
    bank=3,
    bank_channels=4,
    post_hidden=8,
    units=5,
    words=3,
)


def _inputs(config: Vid2SpeechConfig, pictures: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    half = config.side // 2
    return (
        torch.randn(2, pictures, config.side, config.side, generator=generator),
        torch.randn(2, pictures, 2, half, half, generator=generator),
    )


def test_four_spectra_and_the_labels_come_out_of_every_picture() -> None:
    grey, flow = _inputs(SMALL)
    said = Vid2Speech(SMALL)(grey, flow)
    assert said.mel.shape == (2, 24, 80)
    assert said.linear is not None
    assert said.linear.shape == (2, 24, 321)
    assert said.units is not None
    assert said.units.shape == (2, 6, 5)
    assert said.words is not None
    assert said.words.shape == (2, 6, 3)


@pytest.mark.parametrize("changes", [{"flow": False}, {"post_net": False}, {"units": 0, "words": 0}])
def test_each_part_can_be_left_out(changes: dict[str, int | bool]) -> None:
    config = Vid2SpeechConfig.from_dict({**SMALL.as_dict(), **changes})
    grey, flow = _inputs(config)
    network = Vid2Speech(config)
    said = network(grey, flow if config.flow else None)
    assert said.mel.shape == (2, 24, 80)
    assert (said.linear is None) == (not config.post_net)
    assert (said.units is None) == (not config.units)
    assert sum(p.numel() for p in network.parameters()) < sum(p.numel() for p in Vid2Speech(SMALL).parameters())


def test_a_network_that_looks_at_the_flow_says_so_when_there_is_none() -> None:
    grey, _ = _inputs(SMALL)
    with pytest.raises(ValueError, match="flow"):
        Vid2Speech(SMALL)(grey, None)


def test_the_configuration_survives_json() -> None:
    assert Vid2SpeechConfig.from_dict(json.loads(json.dumps(SMALL.as_dict()))) == SMALL


def test_the_stem_sees_two_pictures_to_either_side_and_no_more() -> None:
    tower = Tower(1, (4, 4), 16, 8, reach=2).eval()
    pictures = torch.randn(1, 9, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    changed = pictures.clone()
    changed[:, 4] += 1
    apart = (tower(changed) - tower(pictures)).abs().amax(-1)[0] > 1e-6
    assert apart.tolist() == [2 <= index <= 6 for index in range(9)]


def test_before_training_the_post_net_only_spreads_the_bands() -> None:
    network = Vid2Speech(SMALL).eval()
    spread = torch.rand(80, 321, generator=torch.Generator().manual_seed(2))
    mel = torch.randn(1, 12, 80, generator=torch.Generator().manual_seed(3))
    logs = torch.randn(50, 80), torch.randn(50, 321)
    network.fit(*logs, spread)
    torch.testing.assert_close(
        network.log_linear(network.linear_of(mel)), network.log_mel(mel) @ spread, atol=1e-4, rtol=1e-4
    )


def test_standardising_undoes_itself() -> None:
    network = Vid2Speech(SMALL)
    mel = 3 + 2 * torch.randn(200, 80, generator=torch.Generator().manual_seed(4))
    network.fit(mel, torch.randn(200, 321), torch.zeros(80, 321))
    standard = (mel - network.mel_mean) / network.mel_scale
    assert abs(float(standard.mean())) < 1e-3
    assert abs(float(standard.std()) - 1) < 0.05
    torch.testing.assert_close(network.log_mel(standard), mel)
