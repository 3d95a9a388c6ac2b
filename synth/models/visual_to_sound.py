"""Ambient sound for a silent picture: Zhou et al., "Visual to Sound: Generating Natural Sound for Videos in the Wild".

CVPR 2018, arXiv 1712.01393. Taken from the paper: a SampleRNN as decoder and three ways for the picture to reach it.

* **frame**: each frame's features go into the top tier beside the samples, repeated to its rate;
* **seq**: an LSTM reads the features of all frames; its last state starts the top tier;
* **flow**: as seq, with what moves joined to what is seen.

Ours: a code of the sound class in every top frame, so that one decoder serves all classes (the paper trains one a
class; ``classes=()`` does that here too); and a fourth way, **guided**: the levels of a few bands over time go into the
top tier, measured on the sound in training, chosen from a bank by the picture's activity when it is silent (see
:mod:`synth.voices.ambient.band_envelopes`).

Shapes: B clips, T picture frames (15.625 a second: one for 1024 samples at 16 kHz), A numbers that say what is seen,
M numbers that say what moves, S steps of K band levels, F top frames, D decoder width.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from synth.models.samplernn import SampleRNN, SampleRNNConfig, State

VARIANTS: Final = ("none", "frame", "seq", "flow", "guided")


@dataclass(frozen=True)
class VisualToSoundConfig:
    """Everything that decides the network's shape.

    Attributes:
        decoder: the SampleRNN; its ``conditioning`` is set by what the variant feeds it.
        variant: one of :data:`VARIANTS`; ``"none"`` is the decoder without a picture, the paper's floor.
        classes: names of the sound classes, in the order of their codes; empty for a decoder without a code.
        appearance: A. 10 when a selector's class probabilities stand for the picture, 1280 for a backbone's features.
        motion: M.
        bands: K, of the guided variant.
        hidden: width of the LSTM that reads the frames, and of the projection of A.
    """

    decoder: SampleRNNConfig = field(default_factory=SampleRNNConfig)
    variant: str = "guided"
    classes: tuple[str, ...] = ()
    appearance: int = 10
    motion: int = 1
    bands: int = 16
    hidden: int = 64

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant is {self.variant!r}; allowed are {', '.join(VARIANTS)}")
        extra = {"frame": self.hidden, "guided": self.bands}.get(self.variant, 0)
        object.__setattr__(self, "decoder", replace(self.decoder, conditioning=len(self.classes) + extra))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> VisualToSoundConfig:
        """The configuration that :meth:`as_dict` wrote."""
        decoder = SampleRNNConfig.from_dict(raw["decoder"])
        return cls(**{**raw, "decoder": decoder, "classes": tuple(raw["classes"])})


SMALL: Final = VisualToSoundConfig(SampleRNNConfig((64, 16), 256))
"""What ships: two frame tiers of 256 units."""
PAPER: Final = VisualToSoundConfig(
    SampleRNNConfig((16, 4), 1024, embedding=256), "flow", appearance=4096, motion=4096, hidden=1024
)
"""The paper's size: VGG-19's fc6 for what is seen and the same of a flow network, both brought by the user."""


class Picture(NamedTuple):
    """What a clip shows, as the decoder is told. What a variant does not use may be ``None``.

    Attributes:
        code: float [B, classes], one-hot or shares.
        appearance: float [B, T, A].
        motion: float [B, T, M].
        frames: int64 [B], how many of the T frames are the clip's; the rest is padding.
        levels: float [B, F, K], band levels at the middle of each top frame.
    """

    code: Tensor | None = None
    appearance: Tensor | None = None
    motion: Tensor | None = None
    frames: Tensor | None = None
    levels: Tensor | None = None


class VisualToSound(nn.Module):
    """Pictures to the decoder's conditioning and first state; the decoder itself is :attr:`decoder`."""

    def __init__(self, config: VisualToSoundConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = SampleRNN(config.decoder)
        variant = config.variant
        self.look = nn.Linear(config.appearance, config.hidden) if variant == "frame" else None
        self.reader: nn.LSTM | None = None
        if variant in ("seq", "flow"):
            inputs = config.appearance + (config.motion if variant == "flow" else 0)
            self.reader = nn.LSTM(inputs, config.hidden, batch_first=True)
            self.to_start = nn.Linear(config.hidden, config.decoder.width * config.decoder.layers)
            nn.init.normal_(self.to_start.weight, std=1 / math.sqrt(config.hidden))
            nn.init.zeros_(self.to_start.bias)

    def conditioning(self, picture: Picture, first: int, count: int) -> Tensor | None:
        """Top frames ``first`` to ``first + count - 1`` of what the top tier is fed, [B, count, C].

        ``picture.levels`` hold just these frames; ``picture.appearance`` all frames of the clip.
        """
        parts: list[Tensor] = []
        config = self.config
        if config.classes:
            assert picture.code is not None
            parts.append(picture.code[:, None].expand(-1, count, -1))
        if self.look is not None:
            assert picture.appearance is not None
            step = (first + torch.arange(count)) * config.decoder.top_frame // SAMPLES_PER_PICTURE
            seen = picture.appearance[:, step.clamp(max=picture.appearance.shape[1] - 1)]
            parts.append(torch.tanh(self.look(seen)))
        if config.variant == "guided":
            assert picture.levels is not None
            parts.append(picture.levels)
        return torch.cat(parts, 2) if parts else None

    def start(self, picture: Picture, batch: int) -> State:
        """The states of the decoder before the first sample: the learned ones, the top tier's moved by the reader."""
        states = list(self.decoder.start(batch))
        if self.reader is not None:
            assert picture.appearance is not None
            seen = picture.appearance
            if self.config.variant == "flow":
                assert picture.motion is not None
                seen = torch.cat((seen, picture.motion), 2)
            outputs, _ = self.reader(seen)
            lengths = picture.frames if picture.frames is not None else torch.full((batch,), seen.shape[1])
            last = outputs[torch.arange(batch), lengths - 1]
            moved = self.to_start(last).view(batch, self.config.decoder.layers, -1).transpose(0, 1)
            states[0] = torch.cat((states[0][:1] + moved[None], states[0][1:]))
        return tuple(states)

    def without_weight_norm(self) -> VisualToSound:
        """The same network with the decoder's weights multiplied out, for storing."""
        decoder = self.decoder.without_weight_norm()
        plain = VisualToSound(replace(self.config, decoder=decoder.config))
        state = {name: value for name, value in self.state_dict().items() if not name.startswith("decoder.")}
        plain.load_state_dict({**state, **{f"decoder.{k}": v for k, v in decoder.state_dict().items()}})
        return plain.eval()


SAMPLES_PER_PICTURE: Final = 1024
"""Samples at 16 kHz that share one picture: 15.625 pictures a second, the paper's rate."""
