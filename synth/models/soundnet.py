"""SoundNet: what is seen, heard (Aytar, Vondrick and Torralba, NIPS 2016, arXiv 1610.09001).

One-dimensional convolutions over the raw sound, each followed by batch normalisation and ReLU, learn to give the
answers that a vision network gives to the frames of the same video. Sound is mono at 22,050 Hz, scaled to +-256, its
mean left in, as the authors do. Both of their nets are here, with their layers' names:

* 5 layers: conv1 pool1 conv2 pool2 conv3 pool3 conv4, then the heads;
* 8 layers: conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5 conv6 conv7, then the heads.

Ours: ``width`` scales the numbers of channels, or ``channels`` names them (the first layers cost most); and filters are
as many times larger at the start as their input is smaller (He et al., arXiv 1502.01852), where the authors draw all
from N(0, 0.01): with a few hundred steps that is the difference between learning and not. ``public_state`` takes over
the weights that the authors published (8 layers, 1000 ImageNet classes and 401 places).

Shapes: B sounds of N samples, D channels, T steps of a layer, C answers of a head.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.models.half_precision import halved, restored
from synth.models.reproducible import reproducible_inference

RATE_HZ: Final = 22050
SCALE: Final = 256.0
OBJECTS, PLACES = "objects", "places"
PUBLIC_HEADS: Final = ((OBJECTS, 1000), (PLACES, 401))


@dataclass(frozen=True)
class Layer:
    """A convolution, and the pooling behind it (1: none)."""

    channels: int
    kernel: int
    padding: int
    pool: int = 1
    stride: int = 2


PLANS: Final[Mapping[int, tuple[Layer, ...]]] = {
    5: (Layer(32, 64, 32, 8), Layer(64, 32, 16, 8), Layer(128, 16, 8, 8), Layer(256, 8, 4)),
    8: (
        Layer(16, 64, 32, 8),
        Layer(32, 32, 16, 8),
        Layer(64, 16, 8),
        Layer(128, 8, 4),
        Layer(256, 4, 2, 4),
        Layer(512, 4, 2),
        Layer(1024, 4, 2),
    ),
}
HEADS: Final[Mapping[int, Layer]] = {5: Layer(0, 16, 4, stride=12), 8: Layer(0, 8, 0, stride=2)}


@dataclass(frozen=True)
class SoundNetConfig:
    """Everything that decides the net's shape.

    Attributes:
        layers: 5 or 8, the heads counted.
        width: of the published numbers of channels, above 0.
        heads: name and number of answers of each.
        channels: of each convolution, in the place of the published ones times ``width``.
    """

    layers: int = 8
    width: float = 1.0
    heads: tuple[tuple[str, int], ...] = PUBLIC_HEADS
    channels: tuple[int, ...] = ()

    def plan(self) -> tuple[Layer, ...]:
        """The convolutions before the heads, with their channels at this width."""
        if self.layers not in PLANS or not self.width > 0 or not self.heads:
            raise ValueError(
                f"a SoundNet has 5 or 8 layers, a width above 0 and a head; it is {self.layers}, {self.width}, "
                f"{len(self.heads)}"
            )
        published = PLANS[self.layers]
        channels = self.channels or tuple(max(1, round(one.channels * self.width)) for one in published)
        if len(channels) != len(published):
            raise ValueError(f"{self.layers} layers have {len(published)} numbers of channels; {len(channels)} came")
        return tuple(replace(one, channels=count) for one, count in zip(published, channels, strict=True))


class SoundNet(nn.Module):
    """Sound [B, N] in +-1 at 22,050 Hz -> the answers of each head, logits [B, C, T]."""

    def __init__(self, config: SoundNetConfig) -> None:
        super().__init__()
        self.config = config
        convolutions: dict[str, nn.Module] = {}
        norms: dict[str, nn.Module] = {}
        channels = 1
        for number, one in enumerate(config.plan(), start=1):
            convolutions[f"conv{number}"] = nn.Conv1d(channels, one.channels, one.kernel, one.stride, one.padding)
            norms[f"conv{number}"] = nn.BatchNorm1d(one.channels)
            channels = one.channels
        self.convolutions = nn.ModuleDict(convolutions)
        self.norms = nn.ModuleDict(norms)
        head = HEADS[config.layers]
        self.heads = nn.ModuleDict(
            {name: nn.Conv1d(channels, count, head.kernel, head.stride, head.padding) for name, count in config.heads}
        )
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """All layers before the heads, in order."""
        names: list[str] = []
        for number, one in enumerate(self.config.plan(), start=1):
            names += [f"conv{number}"] + ([f"pool{number}"] if one.pool > 1 else [])
        return tuple(names)

    @property
    def shortest(self) -> int:
        """Samples below which the heads have no answer."""
        return self.samples_of(HEADS[self.config.layers])

    def samples_of(self, last: Layer) -> int:
        """Samples that make one step of a layer behind all convolutions."""
        steps = max(1, last.kernel - 2 * last.padding)
        for one in reversed(self.config.plan()):
            steps = (steps * one.pool - 1) * one.stride + one.kernel - 2 * one.padding
        return steps

    def forward(self, sound: Tensor) -> dict[str, Tensor]:
        """The answers by head."""
        last = self.layers(sound, ())[self.layer_names[-1]]
        return {name: head(last) for name, head in self.heads.items()}

    def layers(self, sound: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """What layers say, [B, D, T] by name; those asked for, or the last one.

        A ``conv`` is taken behind its ReLU, a ``pool`` behind its maximum.

        Raises:
            KeyError: there is no layer of that name; the sentence lists them.
        """
        known = self.layer_names
        for name in names:
            if name not in known:
                raise KeyError(f"SoundNet has no layer {name!r}; it has {', '.join(known)}")
        wanted = set(names) or {known[-1]}
        found: dict[str, Tensor] = {}
        x = sound[:, None] * SCALE
        for number, one in enumerate(self.config.plan(), start=1):
            name = f"conv{number}"
            x = torch.relu(self.norms[name](self.convolutions[name](x)))
            found[name] = x
            if one.pool > 1:
                x = nn.functional.max_pool1d(x, one.pool)
                found[f"pool{number}"] = x
            if wanted <= set(found):
                break
        return {name: found[name] for name in known if name in wanted}

    def hear(self, sound: NDArray[Any], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """What layers say of one sound [N], float32 [T, D] by name; short sounds are repeated, as the authors do."""
        with reproducible_inference():
            heard = self.layers(torch.from_numpy(filled(sound, self.shortest))[None], names)
        return {name: value[0].T.contiguous().numpy() for name, value in heard.items()}


def filled(sound: NDArray[Any], samples: int) -> NDArray[np.float32]:
    """The sound [N], repeated to at least so many samples; nothing becomes silence."""
    heard = np.asarray(sound, np.float32)
    if len(heard) >= samples:
        return heard
    return np.resize(heard, samples) if len(heard) else np.zeros(samples, np.float32)


def windows(
    steps: NDArray[np.float32], duration_s: float, *, window_s: float = 1.0, spread: bool = False
) -> NDArray[np.float32]:
    """Means of a layer's steps [T, D] over windows that follow one another, [W, D], W = max(1, floor(duration)).

    Args:
        duration_s: of the sound; where it was repeated, of all of it.
        window_s: seconds of a window.
        spread: each window's deviations as well, [W, 2 D].
    """
    count = max(1, int(duration_s / window_s))
    edges = np.linspace(0, len(steps), count + 1).round().astype(int)
    parts = [steps[first : max(last, first + 1)] for first, last in itertools.pairwise(edges)]
    parts = [part if len(part) else steps[-1:] for part in parts]
    rows = [np.concatenate([part.mean(0), part.std(0)]) if spread else part.mean(0) for part in parts]
    return np.stack(rows).astype(np.float32)


def pack(net: SoundNet) -> tuple[dict[str, Tensor], dict[str, str]]:
    """What is stored: weights in half precision, and the configuration as text."""
    return halved(net.state_dict(), exact=("running",)), {"config": json.dumps(asdict(net.config))}


def unpack(tensors: Mapping[str, Tensor], about: Mapping[str, str], *, headless: bool = False) -> SoundNet:
    """The net that :func:`pack` stored, in evaluation mode.

    Args:
        headless: the heads were left out; they are as untrained then as anything.

    Raises:
        ValueError: tensors and text do not fit one another.
    """
    try:
        raw = json.loads(about["config"])
        answers = tuple((str(name), int(count)) for name, count in raw["heads"])
        channels = tuple(int(count) for count in raw["channels"])
        net = SoundNet(SoundNetConfig(int(raw["layers"]), float(raw["width"]), answers, channels))
        heads = {name: v for name, v in net.state_dict().items() if name.startswith("heads.")} if headless else {}
        net.load_state_dict(restored(tensors) | heads)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"these are not the weights of a SoundNet: {error}") from error
    return net.eval()


def public_state(layers: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, Tensor]:
    """Tensors of an 8-layer SoundNet out of the published weights, as a table of layers' numpy arrays.

    Args:
        layers: ``conv1`` to ``conv7`` with ``weights`` [kernel, 1, in, out], ``biases``, ``gamma``, ``beta``, ``mean``
            and ``var``; ``conv8`` (objects) and ``conv8_2`` (places) with the first two.

    Raises:
        ValueError: a layer is missing or has another shape.
    """
    net = SoundNet(SoundNetConfig())
    try:
        state: dict[str, Tensor] = {}
        for number in range(1, 8):
            raw = layers[f"conv{number}"]
            norm = f"norms.conv{number}"
            state |= _convolution(f"convolutions.conv{number}", raw)
            for ours, theirs in (
                ("weight", "gamma"),
                ("bias", "beta"),
                ("running_mean", "mean"),
                ("running_var", "var"),
            ):
                state[f"{norm}.{ours}"] = torch.from_numpy(np.array(raw[theirs], np.float32))
            state[f"{norm}.num_batches_tracked"] = torch.tensor(0)
        state |= _convolution(f"heads.{OBJECTS}", layers["conv8"]) | _convolution(f"heads.{PLACES}", layers["conv8_2"])
        net.load_state_dict(state)
    except (KeyError, IndexError, TypeError, RuntimeError) as error:
        raise ValueError(f"these are not the published weights of SoundNet-8: {error}") from error
    return state


def _convolution(name: str, raw: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    kernel = np.array(raw["weights"], np.float32)[:, 0].transpose(2, 1, 0)
    return {
        f"{name}.weight": torch.from_numpy(np.ascontiguousarray(kernel)),
        f"{name}.bias": torch.from_numpy(np.array(raw["biases"], np.float32)),
    }
