"""The definition of sampling against what it must equal: PyTorch's network, exact arithmetic, the softmax."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from synth.errors import OptionError
from synth.models.samplernn import SampleRNN, SampleRNNConfig
from synth.sampler import folding, packing, reference
from synth.sampler.base import Shape, Stream, stream_number
from synth.sampler.reference import ReferenceSampler

NETWORKS: dict[str, dict[str, Any]] = {
    "3 tiers": {"frames": (8, 4), "width": 20, "conditioning": 5},
    "2 tiers": {"frames": (4,), "width": 16, "layers": 3},
    "5 tiers": {"frames": (16, 8, 4, 2), "width": 18, "layers": 2},
    "lstm": {"frames": (8, 2), "width": 19, "rnn": "lstm", "layers": 2, "conditioning": 2},
}


def network(name: str) -> SampleRNN:
    """A network whose biases and initial states are not zero."""
    torch.manual_seed(0)
    model = SampleRNN(SampleRNNConfig(**NETWORKS[name], embedding=12)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def sound(shape: Shape, frames: int) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    """Levels and conditioning that mean nothing."""
    generator = np.random.default_rng(1)
    levels = generator.integers(0, 256, frames * shape.top_frame).astype(np.uint8)
    if not shape.conditioning:
        return levels, None
    return levels, generator.standard_normal((frames, shape.conditioning), np.float32)


def of_torch(model: SampleRNN, levels: NDArray[np.uint8], conditioning: NDArray[np.float32] | None) -> NDArray[Any]:
    given = None if conditioning is None else torch.from_numpy(conditioning)[None]
    with torch.no_grad():
        logits, _ = model(model.silence(1), torch.from_numpy(levels.astype(np.int64))[None], given, model.start(1))
    return np.asarray(torch.log_softmax(logits[0].double(), -1).numpy())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("two_steps", [False, True])
def test_log_probabilities_are_those_of_the_network(
    name: str, two_steps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if two_steps:
        monkeypatch.setattr(folding, "_FOLD_LIMIT", 0)
    model = network(name)
    folded = folding.fold(model)
    sampler = ReferenceSampler(packing.pack(folded, "fp32"))
    levels, conditioning = sound(folded.shape, 2)
    right = of_torch(model, levels, conditioning)
    assert np.abs(sampler.log_probabilities(levels, conditioning, sampler.start(0)) - right).max() < 1e-4


def test_a_network_with_weight_norm_folds_like_its_plain_form() -> None:
    model = network("3 tiers")
    one, other = folding.fold(model), folding.fold(model.without_weight_norm())
    assert np.array_equal(one.words, other.words)
    assert np.array_equal(one.tables, other.tables)


def test_folding_refuses_other_levels() -> None:
    with pytest.raises(OptionError, match="128 levels"):
        folding.fold(SampleRNN(SampleRNNConfig((4,), 8, levels=128)))


def test_whether_upsampling_is_folded_depends_on_the_shape_alone() -> None:
    assert folding.folds_upsampling(Shape((64, 16), 384), 1)
    assert not folding.folds_upsampling(Shape((64, 16), 1024), 1)
    assert not folding.folds_upsampling(Shape((64, 16), 384), 0)


def test_fma_rounds_once() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal((2, 300)).astype(np.float32)
    c = (generator.standard_normal(300) * np.exp2(generator.integers(-40, 8, 300))).astype(np.float32)
    c[::3] = -(a * b)[::3]  # what is left is the product's own rounding error
    for x, y, z, got in zip(a, b, c, reference.fma(a, b, c), strict=True):
        exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
        near = np.array([np.nextafter(got, np.float32(side)) for side in (-np.inf, np.inf)], np.float32)
        distance = abs(Fraction(float(got)) - exact)
        assert all(distance <= abs(Fraction(float(other)) - exact) for other in near)


def test_exp_and_its_children_are_exact_to_a_rounding_or_two() -> None:
    x = np.linspace(-86.9, 87.9, 20_001).astype(np.float32)
    assert np.abs(reference.exp(x) / np.exp(x.astype(np.float64)) - 1).max() < 1.2e-7
    x = np.linspace(-30, 30, 20_001).astype(np.float32)
    assert np.abs(reference.tanh(x) - np.tanh(x.astype(np.float64))).max() < 2.5e-7
    assert np.abs(reference.sigmoid(x) - 1 / (1 + np.exp(-x.astype(np.float64)))).max() < 1.5e-7


def test_philox_gives_its_authors_vectors() -> None:
    assert reference.philox(0, 0, 0) == 0x6627E8D5
    assert reference.philox(2**64 - 1, 2**64 - 1, 2**64 - 1) == 0x408F276D
    assert reference.philox(0x299F31D0A4093822, 0x0370734413198A2E, 0x85A308D3243F6A88) == 0xD16CFE09


def test_draws_follow_the_softmax() -> None:
    logits = (2 * np.random.default_rng(3).standard_normal(256)).astype(np.float32)
    count = 2500
    drawn = [reference.draw(logits, 11, stream_number("histogram"), position) for position in range(count)]
    wanted = np.exp(logits.astype(np.float64))
    wanted *= count / wanted.sum()
    often = wanted > 8
    found = np.bincount(drawn, minlength=256)
    kept = np.append(found[often], found[~often].sum()), np.append(wanted[often], wanted[~often].sum())
    assert stats.chisquare(*kept).pvalue > 1e-3


def test_a_draw_takes_the_only_possible_level() -> None:
    logits = np.full(256, -200, np.float32)
    for level in (0, 15, 16, 200, 255):
        logits[level] = 0
        assert all(reference.draw(logits, 1, 2, position) == level for position in range(20))
        logits[level] = -200


@pytest.mark.parametrize(("precision", "bound"), [("bf16", 0.05), ("int8", 0.2)])
def test_rounded_weights_change_probabilities_little(precision: str, bound: float) -> None:
    model = network("3 tiers")
    folded = folding.fold(model)
    sampler = ReferenceSampler(packing.pack(folded, precision))
    levels, conditioning = sound(folded.shape, 6)
    got = sampler.log_probabilities(levels, conditioning, sampler.start(0)).astype(np.float64)
    right = of_torch(model, levels, conditioning)
    assert np.abs(got - right).max() < bound
    divergence_nats = (np.exp(right) * (right - got)).sum(axis=1).mean()
    assert 0 <= divergence_nats < bound / 100


def test_bfloat16_rounds_to_nearest_even() -> None:
    values = np.array([1.0, 1.00390625, 1.01171875, -1.00390625, 3.0e38, 1e-40], np.float32)
    wanted = torch.from_numpy(values).to(torch.bfloat16).float().numpy()
    assert np.array_equal(packing.from_bfloat16(packing.to_bfloat16(values)), wanted)


def test_packed_integers_stay_in_their_ranges() -> None:
    folded = folding.random_folded(Shape((8, 4), 12))
    packed = packing.pack(folded, "int8")
    assert np.abs(packed.hidden.values).max() == 127
    assert packed.tables.values.dtype == np.int16
    assert np.abs(packed.tables.values).max() == 32_767 // 4
    empty = packing.matrix(np.zeros((2, 4), np.float32), "int8")
    assert not empty.values.any()


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(OptionError, match="'fp8'"):
        packing.pack(folding.random_folded(Shape((4,), 8)), "fp8")


def test_a_stream_survives_its_arrays() -> None:
    sampler = ReferenceSampler(packing.pack(folding.random_folded(Shape((4,), 8)), "fp32"))
    stream = sampler.start(2**64 - 1, 5, temperature=0.7)
    sampler.run([stream], top_frames=2)
    again = Stream.from_arrays(stream.arrays())
    assert np.array_equal(sampler.run([again], top_frames=2)[0], sampler.run([stream], top_frames=2)[0])
    assert (again.seed, again.stream, again.position, again.temperature) == (2**64 - 1, 5, 16, 0.7)


def test_the_initial_state_may_be_given() -> None:
    shape = Shape((8, 4), 8, "lstm", 2)
    sampler = ReferenceSampler(packing.pack(folding.random_folded(shape), "fp32"))
    ones = np.ones(shape.hidden, np.float32)
    assert np.array_equal(sampler.start(0, initial=ones).hidden, ones)
    top = sampler.start(0, initial=ones[0]).hidden
    assert np.array_equal(top[0], ones[0])
    assert not np.array_equal(top[1], ones[1])
    hidden = sampler.start(0, initial=ones[0, 0]).hidden
    assert np.array_equal(hidden[0, 0], ones[0, 0])
    assert not np.array_equal(hidden[0, 1], ones[0, 1])
    with pytest.raises(OptionError, match="initial state has shape"):
        sampler.start(0, initial=ones[0, 0, 0])


@pytest.mark.parametrize("bad", [{"seed": -1}, {"seed": 2**64}, {"stream": -1}, {"temperature": 0.0}])
def test_a_stream_refuses_what_is_out_of_range(bad: dict[str, Any]) -> None:
    sampler = ReferenceSampler(packing.pack(folding.random_folded(Shape((4,), 8)), "fp32"))
    with pytest.raises(OptionError):
        sampler.start(**{"seed": 0, **bad})
