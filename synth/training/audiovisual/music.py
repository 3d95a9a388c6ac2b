"""The recipe of the match of music and picture (Hong, Im and Yang, ICMR 2018, arXiv 1704.06761).

Trained on our own scenes (:mod:`synth.data.music_scenes.scenes`), or with ``--data`` on any folder of videos with
music. Recall is measured on pairs that were held out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from synth import weights
from synth.errors import OptionError
from synth.files import write_whole
from synth.metrics.music_recall import canonical, recalls
from synth.models import music_match
from synth.models.music_match import MusicMatch, Tower, ranking_loss, structure_loss
from synth.training.audiovisual.music_data import (
    HELD_OUT_FROM,
    HELD_OUT_PAIRS,
    SEED,
    TRAIN_PAIRS,
    Pairs,
    of_videos,
    simulated,
    split,
)
from synth.training.loop import Schedule, train
from synth.weights import DataSource, Figure

STEPS: Final = 400
BATCH: Final = 256
STRUCTURED: Final = 48
"""How many pairs of a batch the structure term looks at."""
FEWEST: Final = 20
"""Pairs that a training needs at the least."""
SCENES: Final = DataSource("Own music and drawn videos (synth/data/music_scenes/scenes.py)", "MIT", "training")


@dataclass(frozen=True)
class Terms:
    """Weights of the parts of the loss.

    Attributes:
        to_video, to_music: of the ranking, either way.
        structure: of the soft structure term of either side.
    """

    to_video: float = music_match.MUSIC_TO_VIDEO
    to_music: float = music_match.VIDEO_TO_MUSIC
    structure: float = music_match.STRUCTURE


VARIANTS: Final[Mapping[str, Terms]] = {
    "as published": Terms(),
    "without structure": Terms(structure=0.0),
    "both ways alike": Terms(to_video=2.0, to_music=2.0),
}
"""What is compared; the sum of the ranking's weights stays."""


@dataclass
class MusicTask:
    """Batches and loss."""

    model: MusicMatch
    pairs: Pairs
    seed: int
    terms: Terms

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Music and pictures of pairs drawn without putting back."""
        rng = np.random.default_rng((self.seed, index))
        rows = rng.permutation(len(self.pairs))[:BATCH]
        return torch.from_numpy(self.pairs.music[rows]), torch.from_numpy(self.pairs.picture[rows])

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Ranking and structure."""
        heard, seen = batch
        music, picture = self.model.music(heard), self.model.picture(seen)
        terms = self.terms
        ranking = ranking_loss(music, picture, to_video=terms.to_video, to_music=terms.to_music)
        if not terms.structure:
            return ranking, {"ranking": float(ranking.detach())}
        structure = sum(
            (
                structure_loss(tower.standard(numbers[:STRUCTURED]), vectors[:STRUCTURED])
                for tower, numbers, vectors in ((self.model.music, heard, music), (self.model.picture, seen, picture))
            ),
            torch.zeros(()),
        )
        figures = {"ranking": float(ranking.detach()), "structure": float(structure.detach())}
        return ranking + terms.structure * structure, figures


def train_music(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """The towers that ship."""
    seen, held_out, source, left_out = pairs_of(data, folder)
    model = fit(seen, folder, steps=steps or STEPS, seed=seed, resume=resume)
    tensors, about = music_match.pack(model)
    # Judged as it will be loaded: in half precision.
    found = recalls(likenesses(music_match.unpack(tensors, about), held_out))
    floor = recalls(canonical(seen, held_out))
    count = len(held_out)
    figures = [
        Figure(
            f"recall at 10 among {count} pairs, {way.replace('_', ' ')}",
            round(row["recall_at_10"], 4),
            round(floor[way]["recall_at_10"], 4),
            "canonical correlation of the same numbers",
        )
        for way, row in found.items()
    ]
    weights.register(
        music_match.NAME,
        tensors,
        licence="MIT",
        summary="Video and music in one space (Hong et al., ICMR 2018), which the suggestions of music go by.",
        recipe="music",
        data=(source,),
        figures=tuple(figures),
        metadata=about,
        folder=folder,
    )
    return {"trained_on": len(seen), "held_out": count, "left_out": left_out, **found}


def train_variants(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """The loss with a part left out or changed at a time, all trained alike; writes ``variants.json``."""
    seen, held_out, _, _ = pairs_of(data, folder)
    rows: dict[str, Any] = {}
    for name, terms in VARIANTS.items():
        own = folder / name.replace(" ", "-")
        model = fit(seen, own, steps=steps or STEPS, seed=seed, resume=resume, terms=terms)
        rows[name] = recalls(likenesses(model, held_out))
    write_whole(folder / "variants.json", (json.dumps(rows, indent=2) + "\n").encode())
    return rows


def pairs_of(data: Path | None, folder: Path) -> tuple[Pairs, Pairs, DataSource, dict[str, str]]:
    """Pairs to train on, those held out, what they are, and which videos were left out and why.

    Raises:
        OptionError: the folder has too few videos that can be used.
    """
    cache = folder.resolve().parent / "cache"
    if data is None:
        held_out = simulated(HELD_OUT_FROM, HELD_OUT_PAIRS, cache)
        return simulated(0, TRAIN_PAIRS, cache), held_out, SCENES, {}
    found, left_out = of_videos(data, cache)
    parts = split(found) if found else None
    if parts is None or len(parts[0]) < FEWEST or not len(parts[1]):
        have = len(found) if found else 0
        why = f"; {len(left_out)} were left out: {next(iter(left_out.values()))}" if left_out else ""
        raise OptionError(f"{data} has {have} videos with music that can be used; about {FEWEST} are needed{why}")
    return *parts, DataSource(f"videos of {data.name}", "the user's own", "training"), left_out


def fit(pairs: Pairs, folder: Path, *, steps: int, seed: int, resume: bool, terms: Terms | None = None) -> MusicMatch:
    """Train on these pairs."""
    terms = terms or Terms()
    torch.manual_seed(seed)
    model = MusicMatch()
    standardise(model, pairs)
    task = MusicTask(model, pairs, seed, terms)
    schedule = Schedule(steps, learning_rate=1e-3, warm_up=min(100, steps // 4), weight_decay=1e-2, save_every=100)
    settings = {
        "config": model.config.as_dict(),
        "terms": asdict(terms),
        "pairs": [len(pairs), pairs.names[0], SEED],
        "steps": steps,
    }
    train(task, schedule, folder, settings=settings, seed=seed, resume=resume)
    return model.eval()


def standardise(model: MusicMatch, pairs: Pairs) -> None:
    """Let both towers expect numbers like these."""
    sides: tuple[tuple[Tower, Any], ...] = ((model.music, pairs.music), (model.picture, pairs.picture))
    for tower, numbers in sides:
        tower.fit(numbers)


def likenesses(model: MusicMatch, pairs: Pairs) -> Any:
    """Cosines float32 [P, P] of every music with every picture."""
    return model.of_music(pairs.music) @ model.of_picture(pairs.picture).T
