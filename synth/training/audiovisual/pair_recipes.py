"""What the recipes of L3-Net, AVE-Net and AVOL-Net share: their data, their loop, and how weights are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from synth import weights
from synth.models.avenet import AVENet, AVOLNet
from synth.models.half_precision import halved
from synth.models.l3net import L3Net, TowersConfig, Vision
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual.data import AVData, PairBatch
from synth.training.loop import Schedule, train
from synth.weights import DataSource, Figure

SCENES: Final = 1200
LOTS: Final = 2
"""So many times so many scenes: a lot is one folder of the cache."""
TEST_SCENES: Final = 240
BATCH: Final = 64
STEPS: Final = 900
LEARNING_RATE: Final = 1e-3
EVALUATION_CACHE: Final = Path("runs/cache/av")
"""Where a recipe that runs in ``runs/`` keeps its own too."""

Net = L3Net | AVENet | AVOLNet


@dataclass(frozen=True)
class Corpus:
    """What a net is trained and judged on.

    Attributes:
        train: clips to learn from.
        test: scenes with recordings of the fold that is held out.
        films: real clips that are held out; ``None`` where there are none.
        sources: for the manifest.
    """

    train: AVData
    test: AVData
    films: AVData | None
    sources: tuple[DataSource, ...]


def corpus(folder: Path, data: Path | None, steps: int | None) -> Corpus:
    """Our own scenes, and what lies in ``data``: ``esc10`` to sound in them, ``grid``, ``greatest_hits`` or videos.

    Args:
        folder: of the run; the cache lies beside it.
        steps: of a very short run, which is a trial and has few scenes.
    """
    cache = folder.resolve().parent / "cache" / "av"
    trial = steps is not None and steps < 50
    esc10 = esc10_in(data)
    lots = [av_data.scenes(cache, 24, esc10=esc10)] if trial else training_lots(cache, esc10)
    test = av_data.scenes(cache, 12 if trial else TEST_SCENES, test=True, esc10=esc10, mixes=1)
    filmed, held_out = filmed_in(cache, data)
    sources = [av_data.OWN_SCENES, *([av_data.ESC10] if esc10 else []), *([av_data.FILMED] if filmed else [])]
    return Corpus(av_data.joined(*lots, filmed), test, held_out, tuple(sources))


def to_judge(data: Path) -> tuple[AVData, AVData | None]:
    """The scenes and the real clips that no training sees; what is made for it is kept below ``runs/cache``."""
    test = av_data.scenes(EVALUATION_CACHE, TEST_SCENES, test=True, esc10=esc10_in(data), mixes=1)
    return test, filmed_in(EVALUATION_CACHE, data)[1]


def training_lots(cache: Path, esc10: Path | None, lots: int = LOTS) -> list[AVData]:
    """The scenes of training."""
    return [av_data.scenes(cache, SCENES, esc10=esc10, seed=lot) for lot in range(lots)]


def esc10_in(data: Path | None) -> Path | None:
    """The folder ``esc10`` of a data folder, if it has one."""
    return data / "esc10" if data is not None and (data / "esc10").is_dir() else None


def filmed_in(cache: Path, data: Path | None) -> tuple[AVData | None, AVData | None]:
    """Real clips to train on and to measure on; none where a data folder has sounds only."""
    if data is None:
        return None, None
    if esc10_in(data) and not any((data / name).is_dir() for name in ("grid", "greatest_hits")):
        return None, None
    return av_data.films(cache, data)


class PairTask:
    """Pairs through a net, for the loop of :mod:`synth.training.loop`."""

    def __init__(
        self,
        model: Net,
        data: AVData,
        seed: int,
        descend: Callable[[Any, PairBatch], tuple[Tensor, dict[str, float]]],
        *,
        quiet: float = 0.0,
    ) -> None:
        self._model, self._data, self._seed, self._descend, self._quiet = model, data, seed, descend, quiet

    @property
    def model(self) -> nn.Module:
        """The net."""
        return self._model

    def batch(self, index: int) -> PairBatch:
        """Drawn from ``(seed, index)`` alone."""
        rng = np.random.default_rng([self._seed, index])
        return av_data.batch(self._data, BATCH, self._model.config.vision, rng, quiet=self._quiet)

    def loss(self, batch: PairBatch) -> tuple[Tensor, dict[str, float]]:
        """What the recipe descends."""
        return self._descend(self._model, batch)


def fit(task: PairTask, folder: Path, *, name: str, steps: int | None, seed: int, resume: bool) -> dict[str, float]:
    """Train a net by the loop; its figures are the last means of the loop."""
    wanted = steps or STEPS
    schedule = Schedule(wanted, LEARNING_RATE, warm_up=min(50, max(1, wanted // 5)), weight_decay=1e-3)
    settings = {"recipe": name, "steps": wanted, "clips": len(task._data.clips)}
    return train(task, schedule, folder, settings=settings, seed=seed, resume=resume)


def contrast(scores: Tensor, batch: PairBatch) -> Tensor:
    """Each picture must prefer its own sound to the others of the batch, and each sound its picture.

    Args:
        scores: [P, P] of positive pairs: row = picture, column = sound. Pairs of one recording are no wrong answers.
    """
    groups = [pair.clip for pair in batch.pairs if pair.positive]
    same = torch.tensor([[one == other for other in groups] for one in groups])
    scores = scores.masked_fill(same & ~torch.eye(len(groups), dtype=torch.bool), -1e4)
    own = torch.arange(len(groups))
    return (nn.functional.cross_entropy(scores, own) + nn.functional.cross_entropy(scores.T, own)) / 2


def keep(
    name: str,
    model: Net,
    made_from: Corpus,
    folder: Path,
    *,
    recipe: str,
    summary: str,
    correspondence: float,
    metadata: Mapping[str, str] | None = None,
) -> weights.Entry:
    """Write a net into the folder of its run, in half precision.

    Args:
        correspondence: share of held-out pairs that it judges rightly.
    """
    filmed = any(source == av_data.FILMED for source in made_from.sources)
    return weights.register(
        name,
        halved(model.state_dict()),
        licence="MIT for the weights; trained on research data, see data" if filmed else "MIT",
        summary=summary,
        recipe=recipe,
        data=made_from.sources,
        split={"test scenes": (f"seeds from {av_data.TEST_SEED}",), "test recordings": ("ESC-10 fold 4",)},
        figures=(Figure("correspondence accuracy on held-out scenes", correspondence, floor=0.5, floor_name="chance"),),
        metadata={"vision": model.config.vision, "width": str(model.config.width), **(metadata or {})},
        folder=folder,
    )


def new(kind: type[Net], vision: Vision, seed: int) -> Net:
    """A net in its initial state."""
    torch.manual_seed(seed)
    return kind(TowersConfig(vision))
