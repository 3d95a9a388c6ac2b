"""Stretches of recordings with state carried from one to the next, and the bits that a network needs for them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synth.models.samplernn import SampleRNNConfig, State, detached
from synth.models.visual_to_sound import Picture, VisualToSound, VisualToSoundConfig
from synth.training.ambient.data import Example
from synth.voices.ambient import band_envelopes

LANES: Final = 48
STRETCH: Final = 1024  # samples of one truncated back-propagation, as the public ports; the paper's best was 512
_GAIN_DB: Final = 6.0  # each visit of a recording is up to this much louder or quieter


@dataclass(frozen=True)
class Stretch:
    """One step of all lanes.

    ``fresh`` [B] marks lanes that begin a recording; ``picture`` holds what all lanes show in this stretch,
    and ``reading`` what the fresh ones show in all of their recording.
    """

    before: Tensor
    levels: Tensor
    picture: Picture
    fresh: Tensor
    reading: Picture


class Carrying(nn.Module):
    """A network and the state that its lanes carry: a checkpoint keeps both, so that a run goes on as if never cut."""

    def __init__(self, network: VisualToSound, lanes: int) -> None:
        super().__init__()
        self.network = network
        for tier, state in enumerate(network.decoder.start(lanes)):
            self.register_buffer(f"carried{tier}", state.detach().clone())

    @property
    def carried(self) -> State:
        """The state after the last stretch, as a copy, since :meth:`carry` overwrites what is kept."""
        return tuple(
            self.get_buffer(f"carried{tier}").clone() for tier in range(len(self.network.config.decoder.frames))
        )

    def carry(self, state: State) -> None:
        """Keep the state, without its history, for the next stretch."""
        for tier, part in enumerate(detached(state)):
            self.get_buffer(f"carried{tier}").copy_(part)


@dataclass
class AmbientTask:
    """Batches and loss: ``lanes`` recordings side by side, a stretch a step."""

    model: Carrying
    recordings: Sequence[Example]
    seed: int
    lanes: int = LANES
    _visits: list[list[int]] = field(init=False, repr=False)
    _ends: list[list[int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._visits = [[] for _ in range(self.lanes)]
        self._ends = [[0] for _ in range(self.lanes)]
        self._by_label: dict[str, list[int]] = {}
        for index, recording in enumerate(self.recordings):
            self._by_label.setdefault(recording.label, []).append(index)

    def batch(self, index: int) -> Stretch:
        """Stretch ``index`` of every lane."""
        views = [_View(*self._visit(lane, index), self.seed, lane) for lane in range(self.lanes)]
        return stretch(self.model.network.config, views)

    def _visit(self, lane: int, index: int) -> tuple[Example, int, int]:
        """What a lane plays at a step: the recording, which visit of the lane it is, and how far into it."""
        visits, ends = self._visits[lane], self._ends[lane]
        while ends[-1] <= index:
            rng = np.random.default_rng((self.seed, lane, len(visits)))
            label = sorted(self._by_label)[rng.integers(len(self._by_label))]
            visits.append(int(rng.choice(self._by_label[label])))
            length = len(self.recordings[visits[-1]].sound) // STRETCH
            # Lanes begin at different places, so that they do not all change recordings at once.
            ends.append(ends[-1] + max(1, length if len(visits) > 1 else int(rng.integers(1, length + 1))))
        visit = bisect_right(ends, index) - 1
        return self.recordings[visits[visit]], visit, index - ends[visit]

    def loss(self, batch: Stretch) -> tuple[Tensor, dict[str, float]]:
        """Bits a sample."""
        network = self.model.network
        state = self.model.carried
        if batch.fresh.any():
            begun = network.start(batch.reading, int(batch.fresh.sum()))
            where = torch.nonzero(batch.fresh)[:, 0]
            state = tuple(part.index_copy(2, where, new) for part, new in zip(state, begun, strict=True))
        conditioning = network.conditioning(batch.picture, 0, batch.levels.shape[1] // network.config.decoder.top_frame)
        bits, after = network.decoder.nll_bits(batch.before, batch.levels, conditioning, state)
        self.model.carry(after)
        return bits.mean(), {"bits": float(bits.detach().mean())}


@dataclass(frozen=True)
class _View:
    """A recording as one visit of a lane hears it."""

    recording: Example
    visit: int
    at: int
    seed: int
    lane: int

    @property
    def gain_db(self) -> float:
        rng = np.random.default_rng((self.seed, self.lane, self.visit, 1))
        return float(rng.uniform(-_GAIN_DB, _GAIN_DB))

    @property
    def share(self) -> float:
        """How sure the stand-in for a selector is of the class."""
        return float(np.random.default_rng((self.seed, self.lane, self.visit, 2)).uniform(0.3, 1.0))

    @property
    def told(self) -> bool:
        """Whether the decoder is told the class."""
        return float(np.random.default_rng((self.seed, self.lane, self.visit, 3)).uniform()) >= self.recording.untold


def stretch(config: VisualToSoundConfig, views: Sequence[_View]) -> Stretch:
    """Stretches of recordings as tensors; of the pictures only what the variant uses."""
    decoder = config.decoder
    befores, levels, bands, codes, seen = [], [], [], [], []
    for view in views:
        recording, first = view.recording, view.at * STRETCH
        gain = 10 ** (view.gain_db / 20)
        sound = recording.sound[max(0, first - decoder.top_frame) : first + STRETCH] * np.float32(gain)
        if first == 0:
            sound = np.pad(sound, (decoder.top_frame, 0))
        encoded = decoder.encode(sound).astype(np.int64)
        befores.append(encoded[: decoder.top_frame])
        levels.append(encoded[decoder.top_frame :])
        codes.append(code_of(config, recording.label) * np.float32(view.told))
        if config.variant == "guided":
            track = band_frames(config, recording, first // decoder.top_frame, STRETCH // decoder.top_frame)
            bands.append(np.where(track > 0, track + view.gain_db / band_envelopes.RANGE_DB, 0).clip(0))
        if config.variant == "frame":
            rows = recording.appearance(config.appearance, view.share)
            seen.append(rows[min(view.at, len(rows) - 1)][None])
    now = Picture(
        torch.from_numpy(np.stack(codes)),
        torch.from_numpy(np.stack(seen)) if seen else None,
        levels=torch.from_numpy(np.stack(bands)).float() if bands else None,
    )
    fresh = torch.tensor([view.at == 0 for view in views])
    begun = [view for view in views if view.at == 0]
    reading = _whole(config, [view.recording for view in begun], [view.share for view in begun])
    return Stretch(torch.from_numpy(np.stack(befores)), torch.from_numpy(np.stack(levels)), now, fresh, reading)


def band_frames(config: VisualToSoundConfig, recording: Example, first: int, count: int) -> NDArray[np.float32]:
    """Band levels of a recording at the middles of top frames, [count, K]."""
    return band_envelopes.at_frames(recording.levels, first, count, config.decoder.top_frame)


def code_of(config: VisualToSoundConfig, label: str) -> NDArray[np.float32]:
    """The one-hot code of a class; zeros for one that the decoder does not know."""
    return np.array([name == label for name in config.classes], np.float32)


def _padded(arrays: Sequence[NDArray[np.float32]]) -> Tensor:
    return nn.utils.rnn.pad_sequence([torch.from_numpy(np.ascontiguousarray(a)) for a in arrays], batch_first=True)


def held_out_bits(network: VisualToSound, recordings: Sequence[Example], at_once: int = 40) -> dict[str, float]:
    """Bits a sample of recordings that were not trained on, by class and as the mean of all samples (``"all"``)."""
    network.eval()
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    ordered = sorted(recordings, key=lambda recording: len(recording.sound))
    for first in range(0, len(ordered), at_once):
        batch = ordered[first : first + at_once]
        for recording, bits in zip(batch, stretch_bits(network, batch), strict=True):
            for name in (recording.label, "all"):
                sums[name] = sums.get(name, 0.0) + float(bits.sum()) * STRETCH
                counts[name] = counts.get(name, 0) + len(bits) * STRETCH
    return {name: sums[name] / counts[name] for name in sums}


def stretch_bits(
    network: VisualToSound, sounds: Sequence[Example], shown: Sequence[Example] | None = None
) -> list[NDArray[np.float32]]:
    """Bits a sample of each stretch of recordings, the state carried; ``shown``: whose picture each is told."""
    shown = shown or sounds
    config = network.config
    longest = max(len(sound.sound) // STRETCH for sound in sounds)
    reading = _whole(config, shown)
    rows: list[list[float]] = [[] for _ in sounds]
    top = config.decoder.top_frame
    levels = np.full((len(sounds), top + longest * STRETCH), config.decoder.levels // 2, np.int64)
    for row, recording in zip(levels, sounds, strict=True):
        row[top : top + len(recording.sound)] = config.decoder.encode(recording.sound)
    known = torch.from_numpy(levels)
    with torch.inference_mode():
        state = network.start(reading, len(sounds))
        for at in range(longest):
            frames = STRETCH // top
            picture = reading
            if config.variant == "guided":
                bands = [band_frames(config, recording, at * frames, frames) for recording in shown]
                picture = reading._replace(levels=torch.from_numpy(np.stack(bands)))
            conditioning = network.conditioning(picture, at * frames, frames)
            here = known[:, at * STRETCH : at * STRETCH + top + STRETCH]
            bits, state = network.decoder.nll_bits(here[:, :top], here[:, top:], conditioning, state)
            for row_bits, recording, value in zip(rows, sounds, bits.tolist(), strict=True):
                if at < len(recording.sound) // STRETCH:
                    row_bits.append(value)
    return [np.array(row, np.float32) for row in rows]


def _whole(config: VisualToSoundConfig, shown: Sequence[Example], shares: Sequence[float] | None = None) -> Picture:
    """What whole recordings show, of which a selector is so sure; nothing where there are none."""
    if not shown:
        return Picture()
    code = torch.from_numpy(np.stack([code_of(config, recording.label) for recording in shown]))
    if config.variant not in ("frame", "seq", "flow"):
        return Picture(code)
    rows = [
        one.appearance(config.appearance, share) for one, share in zip(shown, shares or [0.8] * len(shown), strict=True)
    ]
    motion = [recording.motion for recording in shown]
    return Picture(code, _padded(rows), _padded(motion), torch.tensor([len(row) for row in rows]))


def labels_of(recordings: Sequence[Example]) -> tuple[str, ...]:
    """The classes that occur, in order."""
    return tuple(sorted({recording.label for recording in recordings}))


def unigram_bits(train_on: Sequence[Example], judge: Sequence[Example], config: SampleRNNConfig) -> float:
    """Bits a sample of knowing how frequent each level is, and nothing else: the floor above 8 bits for no skill."""
    counts = np.ones(config.levels)
    for recording in train_on:
        counts += np.bincount(config.encode(recording.sound), minlength=config.levels)
    bits = -np.log2(counts / counts.sum())
    judged = sum(np.bincount(config.encode(recording.sound), minlength=config.levels) for recording in judge)
    return float((judged * bits).sum() / np.sum(judged))
