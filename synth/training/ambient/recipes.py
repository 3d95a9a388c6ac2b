"""The recipes of the ambient voice: SampleRNN alone, and with a picture in each variant (Zhou et al., CVPR 2018).

Many lanes run side by side, each through one recording after another; the state is carried from one stretch to the
next of the same recording (truncated back-propagation, Mehri et al.) and started anew with each recording. Classes are
drawn equally often. One fold of the recordings is never trained on: negative log-likelihoods are measured there.
"""

from __future__ import annotations

import dataclasses
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synth import weights
from synth.data.corpora import class_sounds
from synth.errors import OptionError
from synth.models.samplernn import SampleRNNConfig, State, detached
from synth.models.visual_to_sound import SMALL, Picture, VisualToSound, VisualToSoundConfig
from synth.training.ambient.data import Example, Recording, prepare
from synth.training.loop import Schedule, train
from synth.voices.ambient import band_envelopes, voice
from synth.voices.ambient.band_envelopes import EnvelopeBank
from synth.voices.ambient.voice import NETWORK
from synth.weights import DataSource, Figure

LANES: Final = 48
STRETCH: Final = 1024  # samples of one truncated back-propagation, as the public ports; the paper's best was 512
HELD_OUT_FOLD: Final = 4
STEPS: Final = 3500
TRIAL_STEPS: Final = 400  # of the variants that are compared, all alike
TRIAL_LANES: Final = 32
COMPARED: Final = dataclasses.replace(SMALL, decoder=dataclasses.replace(SMALL.decoder, width=128))
"""The size at which variants are compared: half of what ships, so that eight trainings take a quarter of an hour."""

FASTEST_FIRST: Final = ("int8", "bf16")
EQUAL_BITS: Final = 0.01  # a precision that costs less than this, in bits a sample, is as good as fp32
_GAIN_DB: Final = 6.0  # each visit of a recording is up to this much louder or quieter

ESC10: Final = DataSource(
    "ESC-10, folds 1 to 3 (Piczak 2015; every recording's author in ESC-10-CREDITS.txt)", "CC BY 3.0", "training"
)


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


def fit(
    config: VisualToSoundConfig,
    recordings: Sequence[Example],
    folder: Path,
    *,
    steps: int,
    seed: int = 0,
    resume: bool = True,
    lanes: int | None = None,
) -> VisualToSound:
    """Train one network on recordings."""
    lanes = lanes or LANES
    torch.manual_seed(seed)
    model = Carrying(VisualToSound(config), lanes)
    task = AmbientTask(model, recordings, seed, lanes)
    schedule = Schedule(steps, learning_rate=2e-3, warm_up=min(100, steps // 4), weight_decay=0.0, save_every=200)
    settings = {"config": config.as_dict(), "recordings": [r.name for r in recordings], "steps": steps, "lanes": lanes}
    train(task, schedule, folder, settings=settings, seed=seed, resume=resume)
    return model.network.eval()


def split(recordings: Sequence[Recording]) -> tuple[list[Recording], list[Recording]]:
    """What is trained on, and the fold that is not.

    Raises:
        OptionError: one of the two is empty.
    """
    seen = [recording for recording in recordings if recording.fold != HELD_OUT_FOLD]
    held_out = [recording for recording in recordings if recording.fold == HELD_OUT_FOLD]
    if not seen or not held_out:
        raise OptionError(f"the sounds must lie in fold {HELD_OUT_FOLD} and in others; theirs leave one side empty")
    return seen, held_out


def recordings_of(data: Path | None, folder: Path) -> list[Recording]:
    """The recordings of a folder, ready.

    Raises:
        OptionError: there is no such data.
    """
    if data is None:
        raise OptionError("--data is missing: a folder with ESC-10, or with one folder of sounds a class")
    return prepare(class_sounds.load(data), folder.resolve().parent / "cache")


def train_ambient(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """The decoder that ships: guided, one for all classes."""
    recordings = recordings_of(data, folder)
    seen, held_out = split(recordings)
    config = dataclasses.replace(SMALL, variant="guided", classes=labels_of(recordings))
    network = fit(config, seen, folder, steps=steps or STEPS, seed=seed, resume=resume)
    return keep(NETWORK, network, seen, held_out, folder, "ten classes of sound, guided by band levels")


def keep(
    name: str,
    network: VisualToSound,
    seen: Sequence[Recording],
    held_out: Sequence[Recording],
    folder: Path,
    what: str,
    recipe: str = "ambient",
) -> dict[str, Any]:
    """Measure a network on recordings that it has not seen, and register it in the manifest of its run."""
    bits = held_out_bits(network, held_out)
    floor = unigram_bits(seen, held_out, network.config.decoder)
    guided = network.config.variant == "guided"
    bank = EnvelopeBank.of([r.label for r in seen], [r.levels for r in seen]) if guided else None
    costs = precision_costs(network, bank, held_out)
    precision = next((name for name in FASTEST_FIRST if costs[name] <= EQUAL_BITS), "fp32")
    tensors, about = voice.pack(network, bank, precision)
    figures = [Figure("held-out bits a sample (less is better)", round(bits["all"], 3), round(floor, 3), "unigram")]
    figures += [
        Figure(f"bits a sample more in {name} than in fp32", round(cost, 5), EQUAL_BITS, "what still counts as equal")
        for name, cost in costs.items()
    ]
    weights.register(
        name,
        tensors,
        licence="MIT for the weights; trained on CC BY 3.0 recordings, credited in ESC-10-CREDITS.txt",
        summary=f"SampleRNN of the ambient voice: {what}.",
        recipe=recipe,
        data=(ESC10,),
        split={"validation": tuple(sorted(recording.name for recording in held_out))},
        figures=tuple(figures),
        metadata=about,
        folder=folder,
    )
    return {"bits_per_sample": bits["all"], "unigram_bits_per_sample": floor, "precision": precision} | {
        "bits_more_than_fp32": costs,
        "bits_by_class": {name: value for name, value in bits.items() if name != "all"},
    }


def precision_costs(
    network: VisualToSound, bank: EnvelopeBank | None, held_out: Sequence[Example], seconds: float = 1.0
) -> dict[str, float]:
    """Bits a sample that each smaller precision costs against fp32, through the sampler that will run.

    Args:
        seconds: of each recording, from its beginning; one recording a class.
    """
    first = list({recording.label: recording for recording in held_out}.values())
    bits: dict[str, float] = {}
    for precision in ("fp32", *FASTEST_FIRST):
        decoder = voice.unpack(*voice.pack(network, bank, precision))
        bits[precision] = float(np.mean([_sampler_bits(decoder, recording, seconds) for recording in first]))
    return {precision: bits[precision] - bits["fp32"] for precision in FASTEST_FIRST}


def _sampler_bits(decoder: voice.Decoder, recording: Example, seconds: float) -> float:
    config, top = decoder.network.config, decoder.sampler.shape.top_frame
    frames = min(len(recording.sound), round(seconds * band_envelopes.RATE_HZ)) // top
    levels = config.decoder.encode(recording.sound[: frames * top])
    picture = _whole(config, [recording])
    if config.variant == "guided":
        picture = picture._replace(levels=torch.from_numpy(band_frames(config, recording, 0, frames))[None])
    with torch.inference_mode():
        fed = decoder.network.conditioning(picture, 0, frames)
        begun = decoder.network.start(picture, 1)[0][:, :, 0].numpy()
    stream = decoder.sampler.start(0, initial=begun)
    known = decoder.sampler.log_probabilities(levels, None if fed is None else fed[0].numpy(), stream)
    return float(-known[np.arange(len(levels)), levels].mean() / np.log(2))


def train_variants(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """All variants side by side at one size and for the same number of steps, to say which is better at what.

    Writes ``variants.json`` with held-out bits a sample; every network stays in its own folder of the run.
    """
    recordings = recordings_of(data, folder)
    seen, held_out = split(recordings)
    steps = steps or TRIAL_STEPS
    labels = labels_of(recordings)
    none = VisualToSoundConfig(COMPARED.decoder, "none")
    coded = dataclasses.replace(COMPARED, classes=labels)
    configs = {
        "2-tier": dataclasses.replace(none, decoder=dataclasses.replace(COMPARED.decoder, frames=(16,))),
        "3-tier": none,
        "class code": dataclasses.replace(coded, variant="none"),
        **{variant: dataclasses.replace(coded, variant=variant) for variant in ("frame", "seq", "flow", "guided")},
    }
    table: dict[str, dict[str, float]] = {}
    for name, config in configs.items():
        network = fit(
            config, seen, folder / name.replace(" ", "-"), steps=steps, seed=seed, resume=resume, lanes=TRIAL_LANES
        )
        table[name] = held_out_bits(network, held_out)
    table["one decoder a class"] = _one_a_class(none, labels, seen, held_out, folder, steps, seed, resume)
    outcome = {
        "steps": steps,
        "bits_per_sample": {
            "uniform": float(np.log2(COMPARED.decoder.levels)),
            "unigram": unigram_bits(seen, held_out, COMPARED.decoder),
            **{name: bits["all"] for name, bits in table.items()},
        },
        "by_class": table,
    }
    (folder / "variants.json").write_text(json.dumps(outcome, indent=1))
    return outcome


def _one_a_class(
    config: VisualToSoundConfig,
    labels: Sequence[str],
    seen: Sequence[Recording],
    held_out: Sequence[Recording],
    folder: Path,
    steps: int,
    seed: int,
    resume: bool,
) -> dict[str, float]:
    """Zhou's way, a decoder a class, with the same number of steps in all; each judged on its own class."""
    bits: dict[str, float] = {}
    for label in labels:
        own = [recording for recording in seen if recording.label == label]
        place = folder / "per-class" / label
        network = fit(
            config, own, place, steps=max(1, steps // len(labels)), seed=seed, resume=resume, lanes=TRIAL_LANES
        )
        bits[label] = held_out_bits(network, [r for r in held_out if r.label == label])["all"]
    samples = {label: sum(len(r.sound) for r in held_out if r.label == label) for label in labels}
    bits["all"] = sum(bits[label] * samples[label] for label in labels) / sum(samples.values())
    return bits
