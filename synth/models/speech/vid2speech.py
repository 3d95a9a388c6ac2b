"""Two towers that read speech off a silent face: Ephrat, Halperin, Peleg, "Improved Speech Reconstruction ...".

ICCV workshops 2017, arXiv 1708.01204. Taken from the paper: one residual tower looks at the frames of the face, one at
the dense optical flow between them; what both see becomes a mel spectrogram of the whole clip; a post-net of the CBHG
kind (Wang et al., "Tacotron", arXiv 1703.10135: a bank of convolutions, highway layers, a recurrent net both ways)
turns several predicted mel spectra into a linear spectrogram. The paper's widths and depths are not in our sources;
these are small enough for two processor cores.

Ours: a space-time stem before the grey tower; recurrent nets both ways over the clip, as a spoken sentence explains
its parts from both sides; an auxiliary head that names one of some acoustic units a picture (clusters of the speaker's
own spectra; and, where a corpus is transcribed, one that names the word), because a classifier is not tempted
to answer in the middle as a regression is; a skip around the post-net that spreads mel bands over bins, which leaves it
the fine structure to learn.

Shapes: B clips, T pictures, S = T * spectra_a_picture spectra, H x W pixels, M bands, F bins, U units.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

FLOW_REDUCTION: Final = 2
"""Flow comes at half of the crop's resolution: it is smooth, and is there for time rather than for shape."""


@dataclass(frozen=True)
class Vid2SpeechConfig:
    """Everything that decides the network's shape, and what it is shown.

    Attributes:
        window: ``"mouth"`` or ``"face"``, the crop that both towers see.
        side: pixels of that crop's side, after its margin was cut.
        flow, post_net: whether there is a flow tower, and a net from mel to linear spectra.
        channels: of the grey tower's stem and stages; every stage halves the picture.
        flow_channels: of the flow tower's, which begins at half resolution.
        features, flow_features: numbers a picture that leave each tower.
        hidden, layers: of the recurrent nets over pictures, each way.
        decoder_channels: of the convolutions over spectra.
        bank, bank_channels, post_hidden: of the post-net.
        spectra_a_picture, bands, bins: of the spectrograms.
        units, words: classes of the auxiliary heads; 0 leaves one out.
    """

    window: str = "mouth"
    side: int = 56
    flow: bool = True
    post_net: bool = True
    channels: tuple[int, ...] = (32, 64, 128, 256)
    flow_channels: tuple[int, ...] = (24, 48, 96)
    features: int = 320
    flow_features: int = 64
    hidden: int = 320
    layers: int = 2
    decoder_channels: int = 192
    bank: int = 8
    bank_channels: int = 48
    post_hidden: int = 96
    spectra_a_picture: int = 4
    bands: int = 80
    bins: int = 321
    units: int = 128
    words: int = 0
    dropout: float = 0.2

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Vid2SpeechConfig:
        """The configuration that :meth:`as_dict` wrote."""
        return cls(**{**raw, "channels": tuple(raw["channels"]), "flow_channels": tuple(raw["flow_channels"])})


class Prediction(NamedTuple):
    """What the network says about a batch, in standardised units unless stated.

    Attributes:
        mel: [B, S, M].
        linear: [B, S, F], or ``None`` without a post-net.
        units: [B, T, U] logits, or ``None``.
        words: [B, T, W] logits, or ``None``.
    """

    mel: Tensor
    linear: Tensor | None
    units: Tensor | None
    words: Tensor | None

    def exact(self) -> Prediction:
        """The same in float32, where the network computed in less."""
        linear, units, words = (None if one is None else one.float() for one in (self.linear, self.units, self.words))
        return Prediction(self.mel.float(), linear, units, words)


class Look(NamedTuple):
    """What the network sees in a batch.

    Attributes:
        seen: [B, T, features], off the towers.
        read: [B, T, 2 * hidden], after the recurrent nets.
        mel: [B, S, M], standardised.
    """

    seen: Tensor
    read: Tensor
    mel: Tensor


class _Residual(nn.Module):
    """A basic residual block (He et al. 2016) that halves the picture."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.short = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.short_norm = nn.BatchNorm2d(outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """[K, C, H, W] -> [K, C', H / 2, W / 2]."""
        inside = functional.relu(self.first_norm(self.first(pictures)), inplace=True)
        inside = self.second_norm(self.second(inside))
        # Every second pixel, taken before and not by a stride: oneDNN's strided 1 x 1 backward pass (torch 2.13, AVX2)
        # crashes or never ends where there are few channels.
        passed = self.short(pictures[:, :, ::2, ::2].contiguous(memory_format=torch.channels_last))
        return functional.relu(inside + self.short_norm(passed), inplace=True)


class Tower(nn.Module):
    """Pictures to features, each with a glance at its neighbours.

    Args:
        inputs: channels of a picture.
        channels: of the stem and of the residual stages.
        side: of a picture, in pixels.
        features: that leave.
        reach: pictures to either side that the stem sees.
    """

    def __init__(self, inputs: int, channels: tuple[int, ...], side: int, features: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.stem = nn.Conv2d(inputs * (2 * reach + 1), channels[0], 5, stride=2, padding=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(channels[0])
        self.stages = nn.Sequential(*(_Residual(before, after) for before, after in itertools.pairwise(channels)))
        for _ in channels:
            side = -(-side // 2)
        self.out = nn.Linear(channels[-1] * side * side, features)

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, T, C, H, W] -> [B, T, features]."""
        count, times, _, height, width = pictures.shape
        if self.reach:
            # Neighbours as channels: the same sums as a space-time convolution's, in one plain convolution.
            held = torch.cat([pictures[:, :1]] * self.reach + [pictures] + [pictures[:, -1:]] * self.reach, 1)
            pictures = torch.cat([held[:, shift : shift + times] for shift in range(2 * self.reach + 1)], 2)
        flat = pictures.reshape(count * times, -1, height, width)
        flat = flat.contiguous(memory_format=torch.channels_last)
        seen = self.stages(functional.relu(self.stem_norm(self.stem(flat)), inplace=True))
        out: Tensor = self.out(seen.flatten(1))
        return out.view(count, times, -1)


class _Refine(nn.Module):
    """A residual convolution over time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.conv = nn.Conv1d(channels, channels, 5, padding=2)

    def forward(self, spectra: Tensor) -> Tensor:
        """[B, C, S] -> [B, C, S]."""
        refined: Tensor = spectra + self.conv(functional.relu(self.norm(spectra)))
        return refined


class PostNet(nn.Module):
    """Mel spectra to linear ones, CBHG."""

    def __init__(self, config: Vid2SpeechConfig) -> None:
        super().__init__()
        bands, width, hidden = config.bands, config.bank_channels, config.post_hidden
        self.bank = nn.ModuleList(
            nn.Conv1d(bands, width, size, padding=size // 2, bias=False) for size in range(1, config.bank + 1)
        )
        self.bank_norm = nn.BatchNorm1d(width * config.bank)
        self.first = nn.Conv1d(width * config.bank, hidden, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm1d(hidden)
        self.second = nn.Conv1d(hidden, bands, 3, padding=1)
        self.into = nn.Linear(bands, hidden)
        self.highways = nn.ModuleList(nn.Linear(hidden, 2 * hidden) for _ in range(4))
        for highway in self.highways:
            nn.init.constant_(highway.bias[hidden:], -1.0)  # type: ignore[index]  # at first all passes by
        self.recurrent = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, config.bins)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, mel: Tensor) -> Tensor:
        """[B, S, M] -> what is to be added to the spread bands, [B, S, F]."""
        across = mel.transpose(1, 2)
        length = across.shape[2]
        banks = functional.relu(self.bank_norm(torch.cat([conv(across)[..., :length] for conv in self.bank], 1)))
        pooled = functional.max_pool1d(functional.pad(banks, (1, 0)), 2, 1)
        inside = functional.relu(self.first_norm(self.first(pooled)))
        flow = self.into((self.second(inside) + across).transpose(1, 2))
        for highway in self.highways:
            change, gate = highway(flow).chunk(2, -1)
            gate = torch.sigmoid(gate)
            flow = gate * functional.relu(change) + (1 - gate) * flow
        out: Tensor = self.out(self.recurrent(flow)[0])
        return out


class Vid2Speech(nn.Module):
    """Grey crops and their flow to spectra.

    The means and scales of the speaker's spectra are buffers that training sets (:meth:`fit`), as is the matrix that
    spreads bands over bins.
    """

    def __init__(self, config: Vid2SpeechConfig) -> None:
        super().__init__()
        self.config = config
        self.grey_tower = Tower(1, config.channels, config.side, config.features, reach=2)
        joined = config.features
        if config.flow:
            side = config.side // FLOW_REDUCTION
            self.flow_tower = Tower(2, config.flow_channels, side, config.flow_features, reach=0)
            joined += config.flow_features
        self.join_norm = nn.BatchNorm1d(joined)
        self.drop = nn.Dropout(config.dropout)
        self.recurrent = nn.GRU(
            joined, config.hidden, config.layers, batch_first=True, bidirectional=True, dropout=config.dropout
        )
        self.into_spectra = nn.Linear(2 * config.hidden, config.spectra_a_picture * config.decoder_channels)
        self.decoder = nn.Sequential(_Refine(config.decoder_channels), _Refine(config.decoder_channels))
        self.to_mel = nn.Linear(config.decoder_channels, config.bands)
        if config.post_net:
            self.post_net = PostNet(config)
        if config.units:
            self.to_units = nn.Linear(2 * config.hidden, config.units)
        if config.words:
            self.to_words = nn.Linear(2 * config.hidden, config.words)
        for name, size in (("mel", config.bands), ("linear", config.bins)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_scale", torch.ones(size))
        self.register_buffer("spread", torch.zeros(config.bands, config.bins))

    mel_mean: Tensor
    mel_scale: Tensor
    linear_mean: Tensor
    linear_scale: Tensor
    spread: Tensor

    def fit(self, mel: Tensor, linear: Tensor, spread: Tensor) -> None:
        """Take means and scales off the log spectra of a speaker.

        Args:
            mel, linear: [K, M] and [K, F].
            spread: [M, F]; log bands times it is a first guess at the log bins.
        """
        self.mel_mean.copy_(mel.mean(0))
        self.mel_scale.copy_(mel.std(0).clamp_min(0.1))
        self.linear_mean.copy_(linear.mean(0))
        self.linear_scale.copy_(linear.std(0).clamp_min(0.1))
        self.spread.copy_(spread)

    def forward(self, grey: Tensor, flow: Tensor | None) -> Prediction:
        """Predict the spectra of clips; see :meth:`look` for the arguments."""
        _, read, mel = self.look(grey, flow)
        return Prediction(
            mel=mel,
            linear=self.linear_of(mel) if self.config.post_net else None,
            units=self.to_units(read) if self.config.units else None,
            words=self.to_words(read) if self.config.words else None,
        )

    def look(self, grey: Tensor, flow: Tensor | None) -> Look:
        """Features of clips, and their mel spectra.

        Args:
            grey: [B, T, H, W], standardised a clip.
            flow: [B, T, 2, H / 2, W / 2] in pixels of the crop a picture; ``None`` without a flow tower.
        """
        seen = self.grey_tower(grey[:, :, None])
        if self.config.flow:
            if flow is None:
                raise ValueError("this network looks at the flow; none was given")
            seen = torch.cat([seen, self.flow_tower(flow)], -1)
        seen = self.drop(functional.relu(self.join_norm(seen.transpose(1, 2)).transpose(1, 2)))
        read, _ = self.recurrent(seen)
        read = self.drop(read)
        count, times, _ = read.shape
        spectra = self.into_spectra(read).view(count, times * self.config.spectra_a_picture, -1)
        mel = self.to_mel(functional.relu(self.decoder(spectra.transpose(1, 2)).transpose(1, 2)))
        return Look(seen, read, mel)

    def linear_of(self, mel: Tensor) -> Tensor:
        """Standardised mel [B, S, M] -> standardised linear spectra [B, S, F]."""
        guess = (mel * self.mel_scale + self.mel_mean) @ self.spread
        linear: Tensor = (guess - self.linear_mean) / self.linear_scale + self.post_net(mel)
        return linear

    def log_mel(self, mel: Tensor) -> Tensor:
        """Standardised mel [..., M] -> natural logarithms."""
        return mel * self.mel_scale + self.mel_mean

    def log_linear(self, linear: Tensor) -> Tensor:
        """Standardised linear spectra [..., F] -> natural logarithms."""
        return linear * self.linear_scale + self.linear_mean
