"""``sonorize train l3``: L3-Net (Arandjelovic and Zisserman, ICCV 2017) learns whether picture and sound go together.

Adam and pairs as in the paper, sizes as :mod:`synth.models.l3net` says. Ours: beside the pairs that were drawn, every
picture of a batch is judged with every sound, which costs next to nothing and stands in for the paper's 60 million
pairs. ``l3-scratch`` learns its eye too.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from synth.models.l3net import L3Net, Vision, pool
from synth.training.audiovisual import pair_recipes
from synth.training.audiovisual.correspondence import right_share
from synth.training.audiovisual.data import AVData, PairBatch

NETWORK: Final = "l3-small"
_AT_ONCE: Final = 64


def train_l3(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train it on the packaged backbone's maps."""
    return _train("imagenet", folder, data, steps, seed, resume)


def train_l3_scratch(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train it from pixels."""
    return _train("scratch", folder, data, steps, seed, resume)


def _train(
    vision: Vision, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool
) -> dict[str, Any]:
    found = pair_recipes.corpus(folder, data, steps)
    model = pair_recipes.new(L3Net, vision, seed)
    assert isinstance(model, L3Net)
    untrained = right_share(model.eval(), found.test)
    task = pair_recipes.PairTask(model, found.train, seed, _descend)
    name = "l3" if vision == "imagenet" else "l3-scratch"
    figures: dict[str, Any] = dict(pair_recipes.fit(task, folder, name=name, steps=steps, seed=seed, resume=resume))
    figures["held_out_correspondence"] = right_share(model.eval(), found.test)
    figures["held_out_correspondence_untrained"] = untrained
    if found.films is not None and len(found.films.clips) > 1:
        figures["held_out_films_correspondence"] = right_share(model, found.films)
    likes = name_units(model, found.train)
    pair_recipes.keep(
        NETWORK if vision == "imagenet" else f"{NETWORK}-scratch",
        model,
        found,
        folder,
        recipe=name,
        summary="L3-Net: whether a picture and a sound belong together; its features serve the explain page",
        correspondence=figures["held_out_correspondence"],
        metadata={"likes": json.dumps(likes)},
    )
    return figures


def name_units(model: L3Net, data: AVData) -> list[str]:
    """Measure how high each unit of the picture's tower usually peaks, and say what sounds where it peaks most.

    The name is the most frequent main label of the twenty pictures that excite the unit most; the net never saw it.
    """
    peaks = []
    with torch.inference_mode():
        for first in range(0, len(data.pictures), _AT_ONCE):
            seen = data.seen(list(range(first, min(len(data.pictures), first + _AT_ONCE))), model.config.vision)
            peaks.append(model.picture(seen).amax((2, 3)))
    every = torch.cat(peaks)
    model.usual.copy_(every.mean(0))
    model.spread.copy_(every.std(0) + 1e-3)
    names = []
    for unit in range(every.shape[1]):
        best = every[:, unit].argsort(descending=True)[:20].tolist()
        labels = [data.clips[data.clip_of[number]].labels for number in best]
        counts = Counter(label[0] for label in labels if label)
        names.append(counts.most_common(1)[0][0] if counts else "")
    return names


def _descend(model: L3Net, batch: PairBatch) -> tuple[Tensor, dict[str, float]]:
    seen, heard = pool(model.picture(batch.seen)), pool(model.sound(batch.mel))
    logits = model.judge(seen, heard)
    right = (logits.argmax(1) == batch.together.long()).float().mean()
    loss = nn.functional.cross_entropy(logits, batch.together.long())
    return loss + _across(model, seen, heard, batch), {"right": float(right.detach())}


def _across(model: L3Net, seen: Tensor, heard: Tensor, batch: PairBatch) -> Tensor:
    """Every picture with every sound of the positive pairs; the few that belong together weigh as much as the rest."""
    own = batch.together > 0.5
    count = int(own.sum())
    logits = model.judge(seen[own].repeat_interleave(count, 0), heard[own].repeat(count, 1))
    clips = torch.tensor([pair.clip for pair in batch.pairs if pair.positive])
    same = (clips[:, None] == clips[None]).flatten()
    losses = nn.functional.cross_entropy(logits, same.long(), reduction="none")
    return (losses[same].mean() + losses[~same].mean()) / 2
