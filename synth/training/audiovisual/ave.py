"""``sonorize train ave``: AVE-Net (Arandjelovic and Zisserman, ECCV 2018) learns one space for pictures and sounds.

Pairs as in the paper, both sides on the frame grid, positive ones up to a second apart. Beside the paper's loss, the
other clips of a batch are wrong answers (weight 1/2): our batches are small, and it takes a quarter of the steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from synth.models.avenet import AVENet
from synth.training.audiovisual import pair_recipes
from synth.training.audiovisual.correspondence import right_share
from synth.training.audiovisual.data import PairBatch

NETWORK: Final = "ave-small"
_SHARPNESS: Final = 10.0


def train_ave(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train it on our own scenes, and on the real clips that ``data`` holds."""
    found = pair_recipes.corpus(folder, data, steps)
    model = pair_recipes.new(AVENet, "imagenet", seed)
    assert isinstance(model, AVENet)
    task = pair_recipes.PairTask(model, found.train, seed, _descend)
    figures: dict[str, Any] = dict(pair_recipes.fit(task, folder, name="ave", steps=steps, seed=seed, resume=resume))
    figures["held_out_correspondence"] = right_share(model.eval(), found.test)
    if found.films is not None and len(found.films.clips) > 1:
        figures["held_out_films_correspondence"] = right_share(model, found.films)
    pair_recipes.keep(
        NETWORK,
        model,
        found,
        folder,
        recipe="ave",
        summary="AVE-Net: one space for pictures and sounds; search, and the ranking of takes",
        correspondence=figures["held_out_correspondence"],
    )
    return figures


def _descend(model: AVENet, batch: PairBatch) -> tuple[Tensor, dict[str, float]]:
    seen, heard = model.embed_pictures(batch.seen), model.embed_sounds(batch.mel)
    logits = model(seen, heard)
    loss = binary_cross_entropy_with_logits(logits, batch.together)
    own = batch.together > 0.5
    loss = loss + 0.5 * pair_recipes.contrast(_SHARPNESS * seen[own] @ heard[own].T, batch)
    right = ((logits > 0) == own).float().mean()
    return loss, {"right": float(right.detach()), "slope": float(torch.abs(model.slope.detach()))}
