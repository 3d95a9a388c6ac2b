"""SampleRNN: sound made sample by sample through recurrent tiers of several rates (Mehri et al., ICLR 2017).

arXiv 1612.07837. Taken from the paper: frame tiers of different rates, the slower conditioning the faster through one
learned linear map a slot; dequantised samples scaled to -2..2 as their input; a sample tier that looks the last samples
up in an embedding, joins them in a convolution without bias and adds the lowest frame tier's word; 256 levels and a
softmax; weight norm on the linear layers; learned initial states; the LSTM's forget gate starts at 3; truncated
back-propagation with the state carried on. Conditioning comes in at the top tier, one vector a top frame, as Zhou et
al. (arXiv 1712.01393) feed their pictures in.

Ours: the range of the levels is a number of the configuration, never a clip's own peak, which would make noise of
silence; embedding and convolution are multiplied out into one table a position before they are used, in training too,
since a sum of rows costs less than a convolution; the recurrent matrices carry no weight norm.

Shapes: B streams, L samples, F top frames (L = F * top frame size), C conditioning numbers, D width, Q levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

from synth.dsp.companding import mu_law_decode, mu_law_encode

_INPUT_SPAN: Final = 2.0  # dequantised samples reach the frame tiers in -2..2
_FORGET_BIAS: Final = 3.0

State = tuple[Tensor, ...]
"""One tensor a frame tier, top first: [states, layers, B, D], states = 1 for a GRU, 2 (hidden, cell) for an LSTM."""


@dataclass(frozen=True)
class SampleRNNConfig:
    """Everything that decides the network's shape and what its levels mean.

    Attributes:
        frames: samples a frame of each frame tier, top first; each a multiple of the next. The last one is also how
            many samples the sample tier looks back. The paper's "8, 2" is ``(8, 2)``; the ratios "16, 4" of public
            ports are ``(64, 16)``; a 2-tier model has one entry.
        width: of every layer, D.
        rnn: ``"gru"`` or ``"lstm"``.
        layers: recurrent layers a frame tier.
        embedding: numbers a level in the sample tier.
        levels: Q.
        quantiser: ``"mu-law"`` (mu = levels - 1) or ``"linear"``.
        peak: the amplitude that the outermost level stands for; the same for every clip.
        sample_rate_hz: of the sound that the weights were trained on.
        conditioning: numbers a top frame, C; 0 for a model without.
        weight_norm: whether linear layers are trained as direction and length.
    """

    frames: tuple[int, ...] = (64, 16)
    width: int = 256
    rnn: str = "gru"
    layers: int = 1
    embedding: int = 64
    levels: int = 256
    quantiser: str = "mu-law"
    peak: float = 1.0
    sample_rate_hz: int = 16_000
    conditioning: int = 0
    weight_norm: bool = True

    def __post_init__(self) -> None:
        if not self.frames or any(
            high % low or high == low for high, low in zip(self.frames, self.frames[1:], strict=False)
        ):
            raise ValueError(f"frames is {self.frames}; each must be a multiple of the next, the top one first")
        if self.rnn not in ("gru", "lstm"):
            raise ValueError(f"rnn is {self.rnn!r}; allowed are 'gru' and 'lstm'")
        if self.quantiser not in ("mu-law", "linear"):
            raise ValueError(f"quantiser is {self.quantiser!r}; allowed are 'mu-law' and 'linear'")
        if self.peak <= 0:
            raise ValueError(f"peak is {self.peak}; it must be above 0")

    @property
    def top_frame(self) -> int:
        """Samples between two states of the slowest tier."""
        return self.frames[0]

    @property
    def slots(self) -> tuple[int, ...]:
        """How many of the next tier's steps one step of each frame tier conditions; the last: samples."""
        return tuple(high // low for high, low in zip(self.frames, (*self.frames[1:], 1), strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> SampleRNNConfig:
        """The configuration that :meth:`as_dict` wrote."""
        return cls(**{**raw, "frames": tuple(raw["frames"])})

    def encode(self, sound: NDArray[Any]) -> NDArray[np.uint8]:
        """Levels [N] of sound [N]; what lies beyond the fixed range is clipped to it."""
        scaled = np.asarray(sound, np.float64) / self.peak
        if self.quantiser == "mu-law":
            return mu_law_encode(scaled, self.levels).astype(np.uint8)
        top = self.levels - 1
        return np.clip(np.floor((scaled + 1) / 2 * top + 0.5), 0, top).astype(np.uint8)

    def decode(self, levels: NDArray[Any]) -> NDArray[np.float32]:
        """Sound [N] of levels [N]."""
        if self.quantiser == "mu-law":
            return mu_law_decode(levels, self.levels) * np.float32(self.peak)
        scaled = 2 * np.asarray(levels, np.float64) / (self.levels - 1) - 1
        return np.asarray(scaled * self.peak, np.float32)


PAPER_2_TIER: Final = SampleRNNConfig((16,), 1024, layers=3, embedding=256, quantiser="linear")
"""The paper's 2-tier model: frames of 16 samples under three recurrent layers."""
PAPER_3_TIER: Final = SampleRNNConfig((8, 2), 1024, embedding=256, quantiser="linear")
"""The paper's 3-tier model: frames of 8 and 2 samples."""
PAPER_16_4: Final = SampleRNNConfig((64, 16), 1024, embedding=256, quantiser="linear")
"""The ratios 16 and 4 of the public PyTorch port, at the paper's width: what the sampler's benchmark runs."""


def _linear(inputs: int, outputs: int, *, bias: bool = True, norm: bool, gain: float = 1.0) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.uniform_(layer.weight, -gain * math.sqrt(3 / inputs), gain * math.sqrt(3 / inputs))
    if bias:
        nn.init.zeros_(layer.bias)
    return parametrizations.weight_norm(layer) if norm else layer


class FrameTier(nn.Module):
    """One recurrent tier: the last frame's samples and what the tier above said, to a word for each slot below."""

    def __init__(self, config: SampleRNNConfig, tier: int) -> None:
        super().__init__()
        width, norm = config.width, config.weight_norm
        self.frame = config.frames[tier]
        self.slots = config.slots[tier]
        self.samples = _linear(self.frame, width, norm=norm)
        conditioned = tier == 0 and config.conditioning > 0
        self.conditioning = _linear(config.conditioning, width, bias=False, norm=norm) if conditioned else None
        kind = nn.GRU if config.rnn == "gru" else nn.LSTM
        self.rnn = kind(width, width, config.layers, batch_first=True)
        for name, value in self.rnn.named_parameters():
            if "weight_hh" in name:
                for gate in value.data.chunk(value.shape[0] // width):
                    nn.init.orthogonal_(gate)
            elif "weight_ih" in name:
                nn.init.uniform_(value, -math.sqrt(3 / width), math.sqrt(3 / width))
            else:
                nn.init.zeros_(value)
                if config.rnn == "lstm" and "bias_ih" in name:
                    value.data[width : 2 * width] = _FORGET_BIAS
        states = 1 if config.rnn == "gru" else 2
        self.initial = nn.Parameter(torch.zeros(states, config.layers, width))
        self.upsampling = _linear(width, width * self.slots, norm=norm)

    def start(self, batch: int) -> Tensor:
        """The learned initial state for ``batch`` streams, [states, layers, B, D]."""
        return self.initial[:, :, None].expand(-1, -1, batch, -1).contiguous()

    def forward(
        self, samples: Tensor, above: Tensor | None, conditioning: Tensor | None, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Samples [B, steps, frame] in -2..2 and the words from above [B, steps, D] -> [B, steps * slots, D], state."""
        inputs = self.samples(samples)
        if above is not None:
            inputs = inputs + above
        if self.conditioning is not None:
            inputs = inputs + self.conditioning(conditioning)
        if state.shape[0] == 1:
            outputs, hidden = self.rnn(inputs, state[0])
            after = hidden[None]
        else:
            outputs, (hidden, cell) = self.rnn(inputs, (state[0], state[1]))
            after = torch.stack((hidden, cell))
        batch, steps, width = outputs.shape
        return self.upsampling(outputs).reshape(batch, steps * self.slots, width), after


class SampleTier(nn.Module):
    """The feed-forward tier: the last samples as rows of tables, plus the word from above, to logits."""

    def __init__(self, config: SampleRNNConfig) -> None:
        super().__init__()
        width, norm = config.width, config.weight_norm
        self.look_back = config.frames[-1]
        self.levels = config.levels
        self.embedding = nn.Parameter(torch.randn(config.levels, config.embedding))
        self.convolution = _linear(config.embedding * self.look_back, width, bias=False, norm=norm)
        self.hidden = _linear(width, width, norm=norm, gain=math.sqrt(2))
        self.output = _linear(width, config.levels, norm=norm)

    def tables(self) -> Tensor:
        """Embedding times convolution, [look back, Q, D]; entry 0 belongs to the oldest sample."""
        weight = self.convolution.weight.view(-1, self.look_back, self.embedding.shape[1])
        return torch.einsum("dke,qe->kqd", weight, self.embedding)

    def forward(self, levels: Tensor, above: Tensor) -> Tensor:
        """Levels [B, L + look back - 1] before and at each place, words [B, L, D] -> logits [B, L, Q]."""
        windows = levels.unfold(1, self.look_back, 1)
        rows = windows + torch.arange(self.look_back, device=levels.device) * self.levels
        table = self.tables().flatten(0, 1)
        width = table.shape[1]
        looked_up = functional.embedding_bag(rows.reshape(-1, self.look_back), table, mode="sum")
        first = torch.relu(looked_up.view(*above.shape[:2], width) + above)
        logits: Tensor = self.output(torch.relu(self.hidden(first)))
        return logits


class SampleRNN(nn.Module):
    """The whole hierarchy, for training and for scoring sound that is known; :mod:`synth.sampler` generates with it."""

    def __init__(self, config: SampleRNNConfig) -> None:
        super().__init__()
        self.config = config
        self.tiers = nn.ModuleList(FrameTier(config, tier) for tier in range(len(config.frames)))
        self.sample_tier = SampleTier(config)

    def start(self, batch: int) -> State:
        """The learned initial states."""
        return tuple(tier.start(batch) for tier in self.tiers)  # type: ignore[operator]

    def silence(self, batch: int) -> Tensor:
        """The levels before the first sample, [B, top frame]: all in the middle."""
        return torch.full((batch, self.config.top_frame), self.config.levels // 2, dtype=torch.long)

    def forward(
        self, before: Tensor, levels: Tensor, conditioning: Tensor | None, state: State
    ) -> tuple[Tensor, State]:
        """Log-odds of every level at every place of sound that is known (teacher forcing).

        Args:
            before: the top frame's worth of levels before ``levels``, int64 [B, top frame].
            levels: int64 [B, L], L a multiple of the top frame.
            conditioning: float [B, F, C], one vector a top frame; ``None`` for a model without.
            state: of all frame tiers, as :meth:`start` or the last call gave it.

        Returns:
            Logits [B, L, Q] and the state after the last sample.
        """
        known = torch.cat((before, levels[:, :-1]), 1)  # what may be looked at; place i predicts level i
        scaled = (known.float() / (self.config.levels - 1) * 2 - 1) * _INPUT_SPAN
        batch, length = levels.shape
        top = self.config.top_frame
        word: Tensor | None = None
        after: list[Tensor] = []
        for tier, carried in zip(self.tiers, state, strict=True):
            assert isinstance(tier, FrameTier)
            frames = scaled[:, top - tier.frame : top - tier.frame + length]
            word, last = tier(frames.reshape(batch, -1, tier.frame), word, conditioning, carried)
            after.append(last)
        assert word is not None
        logits = self.sample_tier(known[:, top - self.sample_tier.look_back :], word)
        return logits, tuple(after)

    def nll_bits(
        self, before: Tensor, levels: Tensor, conditioning: Tensor | None, state: State
    ) -> tuple[Tensor, State]:
        """Mean negative log-likelihood in bits a sample, a stream [B], and the state; arguments as :meth:`forward`."""
        logits, after = self(before, levels, conditioning, state)
        nll = functional.cross_entropy(logits.flatten(0, 1), levels.flatten(), reduction="none")
        return nll.view(levels.shape).mean(1) / math.log(2), after

    def without_weight_norm(self) -> SampleRNN:
        """The same network with every weight multiplied out: what is stored and sampled from."""
        plain = SampleRNN(SampleRNNConfig.from_dict({**self.config.as_dict(), "weight_norm": False}))
        state = {name: value for name, value in self.state_dict().items() if "parametrizations" not in name}
        for name, module in self.named_modules():
            if parametrize.is_parametrized(module, "weight"):
                state[f"{name}.weight"] = module.weight.detach()
                if getattr(module, "bias", None) is not None:
                    state[f"{name}.bias"] = module.bias.detach()
        plain.load_state_dict(state)
        return plain.eval()


def detached(state: State) -> State:
    """The state with its history forgotten: where truncated back-propagation stops."""
    return tuple(part.detach() for part in state)


def select(state: State, streams: Sequence[int]) -> State:
    """The state of some streams of a batch."""
    index = torch.as_tensor(list(streams))
    return tuple(part.index_select(2, index) for part in state)
