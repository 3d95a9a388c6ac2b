"""Two-stream CNN + LSTM that hears a silent picture: Owens et al., "Visually Indicated Sounds".

CVPR 2016, arXiv 1512.08512. Taken from the paper: the RGB stream sees the first frame, the space-time stream sees
previous, current and next frame in grey as three channels; their features are repeated to the rate of the sound, an
LSTM and an affine layer turn them into the first ten principal components of a 42-band cochleagram at 90 Hz; the loss
is the robust sum of log(eps + squared error), eps = 1/25^2.

Ours: the space-time stream is given as (current, change before, change after), a linear change of basis that spares the
first layer from learning differences; a temporal convolution before the LSTM looks a few frames ahead, so that a
rebound can confirm a contact while the LSTM still runs forward only; a *phase* input tells the LSTM which of the
repeated steps it is on, so that contacts are placed between frames; two more heads say where contacts begin and which
of the 17 materials is touched.

Shapes: B clips, T video frames, S = T * steps_per_frame sound steps, H x W pixels, D features.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from synth.materials import MATERIALS

BANDS: Final = 42
LOG_LOSS_EPSILON: Final = 1 / 25**2

_NEAR_STEPS: Final = 14  # 0.16 s to either side of a contact

State = tuple[Tensor, Tensor]
"""An LSTM's hidden and cell state."""


@dataclass(frozen=True)
class TwoStreamConfig:
    """Everything that decides the network's shape.

    Attributes:
        width, height: pixels of the space-time stream's frames.
        video_rate_hz: frames a second that the streams see.
        steps_per_frame: sound steps a video frame; times ``video_rate_hz`` it is the cochleagram's 90 Hz.
        channels: output channels of the space-time stream's convolutions.
        stem_kernel, stem_stride: the first convolution.
        motion_features: numbers a frame that leave the space-time stream.
        appearance: ``"features"`` when the RGB stream is a packaged backbone outside (its pooled features come in),
            ``"tower"`` when it is a tower of its own, of the same shape as the other.
        appearance_inputs: numbers that come in for ``"features"``.
        material_evidence: whether 17 more numbers follow them, evidence for each material that the backbone knows
            already. Then it is the material head: above its mean over the training clips, plus how frequent each
            material is. A learned head needs more than a few dozen places to learn from: on 18 of them it was right
            on .22 of the classes held out, the evidence with nothing learned on .46.
        appearance_features: numbers that the RGB stream hands to the LSTM.
        look_ahead: radius in frames of each of the two temporal convolutions (dilations 1 and 2).
        hidden, layers: the LSTM.
        coefficients: principal components of the cochleagram.
    """

    width: int = 128
    height: int = 96
    video_rate_hz: float = 15.0
    steps_per_frame: int = 6
    channels: tuple[int, ...] = (24, 48, 48, 96)
    stem_kernel: int = 7
    stem_stride: int = 4
    motion_features: int = 128
    appearance: str = "features"
    appearance_inputs: int = 1280
    material_evidence: bool = True
    appearance_features: int = 32
    look_ahead: int = 2
    hidden: int = 128
    layers: int = 1
    coefficients: int = 10
    dropout: float = 0.3

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> TwoStreamConfig:
        """The configuration that :meth:`as_dict` wrote."""
        return cls(**{**raw, "channels": tuple(raw["channels"])})


SMALL: Final = TwoStreamConfig()
"""What ships: about half a million weights of its own, the RGB stream on a packaged ImageNet backbone."""

PAPER: Final = TwoStreamConfig(
    width=224,
    height=224,
    video_rate_hz=30.0,
    steps_per_frame=3,
    channels=(96, 256, 384, 384, 256),
    stem_kernel=11,
    stem_stride=4,
    motion_features=4096,
    appearance="tower",
    material_evidence=False,
    appearance_features=4096,
    look_ahead=0,
    hidden=256,
    dropout=0.5,
)
"""The paper's rates and streams at AlexNet's size. The LSTM's width is not confirmed by our sources."""


class Prediction(NamedTuple):
    """What the network says about a batch, one entry a sound step.

    Attributes:
        coefficients: [B, S, C] standardised principal components.
        onset_logits: [B, S] log-odds that a contact begins at this step.
        material_logits: [B, S, 17] in the order of ``MATERIALS``.
    """

    coefficients: Tensor
    onset_logits: Tensor
    material_logits: Tensor


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Tower(nn.Module):
    """Convolutions, then mean and maximum over the picture, then one affine layer: [N, 3, H, W] -> [N, D]."""

    def __init__(self, config: TwoStreamConfig, outputs: int) -> None:
        super().__init__()
        widths = config.channels
        layers = [_conv(3, widths[0], config.stem_kernel, config.stem_stride)]
        layers += [
            # A stride wherever the width grows: resolution is traded for channels.
            _conv(before, after, 3, 2 if after > before else 1)
            for before, after in itertools.pairwise(widths)
        ]
        self.convolutions = nn.Sequential(*layers)
        self.project = nn.Linear(2 * widths[-1], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Features [N, D] of images [N, 3, H, W]."""
        maps = self.convolutions(images.contiguous(memory_format=torch.channels_last))
        return functional.relu(self.project(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)))


class LookAhead(nn.Module):
    """Two residual temporal convolutions, [B, T, D] -> [B, T, D]; they see ``3 * radius`` frames to either side."""

    def __init__(self, features: int, radius: int) -> None:
        super().__init__()
        self.near = nn.Conv1d(features, features, 2 * radius + 1, padding=radius)
        self.far = nn.Conv1d(features, features, 2 * radius + 1, padding=2 * radius, dilation=2)

    def forward(self, features: Tensor) -> Tensor:
        """Features of each frame with what its neighbours know, same shape."""
        lines = features.transpose(1, 2)
        lines = lines + functional.relu(self.near(lines))
        lines = lines + functional.relu(self.far(lines))
        return lines.transpose(1, 2)


class TwoStream(nn.Module):
    """The network. Pictures in, cochleagram coefficients, contact onsets and materials out."""

    pca_mean: Tensor
    pca_basis: Tensor
    pca_scale: Tensor
    evidence_mean: Tensor
    material_prior: Tensor

    def __init__(self, config: TwoStreamConfig = SMALL) -> None:
        super().__init__()
        self.config = config
        self.motion = Tower(config, config.motion_features)
        self.appearance: nn.Module = (
            Tower(config, config.appearance_features)
            if config.appearance == "tower"
            else nn.Sequential(nn.Linear(config.appearance_inputs, config.appearance_features), nn.ReLU())
        )
        self.dropout = nn.Dropout(config.dropout)
        width = config.motion_features + config.appearance_features
        self.look_ahead = LookAhead(width, config.look_ahead)
        self.lstm = nn.LSTM(width + config.steps_per_frame, config.hidden, config.layers, batch_first=True)
        self.to_coefficients = nn.Linear(config.hidden, config.coefficients)
        self.to_onset = nn.Linear(config.hidden, 1)
        if not config.material_evidence:
            self.to_material = nn.Linear(config.hidden + config.appearance_features, len(MATERIALS))
        self.register_buffer("evidence_mean", torch.zeros(len(MATERIALS)))
        self.register_buffer("material_prior", torch.zeros(len(MATERIALS)))
        self.register_buffer("pca_mean", torch.zeros(BANDS))
        self.register_buffer("pca_basis", torch.eye(config.coefficients, BANDS))
        self.register_buffer("pca_scale", torch.ones(config.coefficients))

    @property
    def _evidence(self) -> int:
        return len(MATERIALS) if self.config.material_evidence else 0

    def encode_motion(self, grey: Tensor) -> Tensor:
        """Features of consecutive frames that have a neighbour on either side.

        Args:
            grey: [N + 2, H, W] in 0..255, the frames to encode and one more before and after.

        Returns:
            [N, D] features.
        """
        features: Tensor = self.motion(space_time(grey))
        return features

    def encode_appearance(self, picture: Tensor) -> Tensor:
        """What the RGB stream hands on, [B, D] followed by the material evidence [B, 17] where there is any.

        Args:
            picture: [B, 3, H, W] in 0..1 for a tower, or a backbone's numbers [B, appearance_inputs (+ 17)].
        """
        if picture.ndim == 4:
            looked: Tensor = self.appearance((picture - 0.5) / 0.25)
            return looked
        known = self.config.appearance_inputs
        return torch.cat([self.appearance(picture[:, :known]), picture[:, known : known + self._evidence]], dim=1)

    def temporal(self, motion: Tensor, appearance: Tensor) -> Prediction:
        """Features over time to predictions.

        Args:
            motion: [B, T, D] from :meth:`encode_motion`.
            appearance: [B, D] from :meth:`encode_appearance`.
        """
        scene, evidence = self._part(appearance)
        scene = self.dropout(scene)
        mixed = self.look_ahead(self._beside(self.dropout(motion), scene))
        return self._recur(mixed, scene, evidence, None)[0]

    def temporal_in_chunks(self, motion: Tensor, appearance: Tensor, frames: int = 512) -> Iterator[Prediction]:
        """As :meth:`temporal` of one clip, ``frames`` at a time with the LSTM's state carried; not for training.

        Args:
            motion: [T, D].
            appearance: [D].
            frames: of a chunk; it changes no result.
        """
        state: State | None = None
        margin = 3 * self.config.look_ahead
        scene, evidence = self._part(appearance[None])
        for start in range(0, motion.shape[0], frames):
            first, last = max(0, start - margin), min(motion.shape[0], start + frames + margin)
            mixed = self.look_ahead(self._beside(motion[None, first:last], scene))
            prediction, state = self._recur(mixed[:, start - first : start - first + frames], scene, evidence, state)
            yield prediction

    def _beside(self, motion: Tensor, scene: Tensor) -> Tensor:
        return torch.cat([motion, scene[:, None].expand(-1, motion.shape[1], -1)], dim=2)

    def _part(self, appearance: Tensor) -> tuple[Tensor, Tensor]:
        scene = self.config.appearance_features
        return appearance[:, :scene], appearance[:, scene:]

    def _recur(self, mixed: Tensor, scene: Tensor, evidence: Tensor, state: State | None) -> tuple[Prediction, State]:
        frames, steps = mixed.shape[1], self.config.steps_per_frame
        repeated = mixed.repeat_interleave(steps, dim=1)
        phase = torch.eye(steps, dtype=mixed.dtype, device=mixed.device).repeat(frames, 1)
        hidden, state = self.lstm(torch.cat([repeated, phase.expand(mixed.shape[0], -1, -1)], dim=2), state)
        hidden = self.dropout(hidden)
        if self._evidence:
            known = evidence - self.evidence_mean + self.material_prior
            materials = known[:, None].expand(-1, hidden.shape[1], -1)
        else:
            materials = self.to_material(self._beside(hidden, scene))
        return Prediction(self.to_coefficients(hidden), self.to_onset(hidden)[..., 0], materials), state

    def forward(self, grey: Tensor, picture: Tensor) -> Prediction:
        """A batch of whole clips.

        Args:
            grey: [B, T + 2, H, W] in 0..255.
            picture: as :meth:`encode_appearance` takes it.
        """
        batch, frames = grey.shape[0], grey.shape[1] - 2
        stacked = torch.cat([space_time(clip) for clip in grey])
        return self.temporal(self.motion(stacked).view(batch, frames, -1), self.encode_appearance(picture))

    def fit_coefficients(self, cochleagram: Tensor) -> None:
        """Set the principal components from training sound, [..., 42] compressed envelopes."""
        rows = cochleagram.reshape(-1, BANDS).double()
        mean = rows.mean(0)
        _, values, basis = torch.linalg.svd(rows - mean, full_matrices=False)
        keep = self.config.coefficients
        self.pca_mean.copy_(mean)
        self.pca_basis.copy_(basis[:keep])
        self.pca_scale.copy_(values[:keep] / max(1, len(rows) - 1) ** 0.5)

    def fit_materials(self, evidence: Tensor, shares: Tensor) -> None:
        """Set what the evidence is compared with: its training values [..., 17], and each material's share [17]."""
        self.evidence_mean.copy_(evidence.reshape(-1, len(MATERIALS)).mean(0))
        self.material_prior.copy_(shares.log())

    def to_pca(self, cochleagram: Tensor) -> Tensor:
        """[..., 42] -> [..., C] standardised coefficients."""
        return ((cochleagram - self.pca_mean) @ self.pca_basis.T) / self.pca_scale

    def from_pca(self, coefficients: Tensor) -> Tensor:
        """[..., C] -> [..., 42] compressed envelopes, never negative."""
        return (self.pca_mean + (coefficients * self.pca_scale) @ self.pca_basis).clamp(min=0)


def space_time(grey: Tensor) -> Tensor:
    """[N + 2, H, W] grey frames in 0..255 -> [N, 3, H, W]: current, change before, change after.

    The same three frames as the paper's space-time image in another basis; changes are small numbers, hence the factor.
    """
    light = (grey.float() - 127.5) / 64.0
    before, now, after = light[:-2], light[1:-1], light[2:]
    return torch.stack([now, 4 * (now - before), 4 * (after - now)], dim=1)


class Losses(NamedTuple):
    """The three terms, each a mean over what it is defined on."""

    coefficients: Tensor
    onset: Tensor
    material: Tensor


def losses(prediction: Prediction, target: Tensor, onset: Tensor, material: Tensor, *, focus: float = 0.0) -> Losses:
    """The training loss, term by term.

    Args:
        prediction: of a batch.
        target: [B, S, C] standardised coefficients of the real sound.
        onset: [B, S] in 0..1, near 1 where a contact begins.
        material: [B, S] index into ``MATERIALS``, or -1 where it is unknown or nothing is touched.
        focus: how much more a step near a contact counts in the first term. The robust loss forgives large errors, so
            that where most of a clip is quiet, silence is its cheapest answer for the hits as well.
    """
    error = ((prediction.coefficients - target) ** 2).mean(-1)
    near = functional.max_pool1d(onset[:, None], 2 * _NEAR_STEPS + 1, stride=1, padding=_NEAR_STEPS)[:, 0]
    share = 1 + focus * near
    robust = (share * torch.log(LOG_LOSS_EPSILON + error)).sum() / share.sum()
    # Contacts are rare: without weight the cheapest answer is "never".
    weight = 1 + 4 * onset
    contact = functional.binary_cross_entropy_with_logits(prediction.onset_logits, onset, weight=weight)
    known = material >= 0
    touched = (
        functional.cross_entropy(prediction.material_logits[known], material[known], label_smoothing=0.05)
        if bool(known.any())
        else prediction.onset_logits.sum() * 0
    )
    return Losses(robust, contact, touched)
