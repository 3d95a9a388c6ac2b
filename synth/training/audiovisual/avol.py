"""``sonorize train avol``: AVOL-Net (Arandjelovic and Zisserman, ECCV 2018) learns where a sound comes from.

The highest position answers for the picture, as in the paper; no box is ever shown. Ours: a third of the wrong sounds
is silence or noise, for which no position may speak, and the other clips of a batch are wrong answers too (weight 1/2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from synth.models.avenet import AVOLNet
from synth.training.audiovisual import pair_recipes
from synth.training.audiovisual.correspondence import right_share
from synth.training.audiovisual.data import PairBatch

NETWORK: Final = "avol-small"
QUIET: Final = 0.33


def train_avol(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train it on our own scenes, and on the real clips that ``data`` holds."""
    found = pair_recipes.corpus(folder, data, steps)
    model = pair_recipes.new(AVOLNet, "imagenet", seed)
    assert isinstance(model, AVOLNet)
    task = pair_recipes.PairTask(model, found.train, seed, _descend, quiet=QUIET)
    figures: dict[str, Any] = dict(pair_recipes.fit(task, folder, name="avol", steps=steps, seed=seed, resume=resume))
    figures["held_out_correspondence"] = right_share(model.eval(), found.test)
    pair_recipes.keep(
        NETWORK,
        model,
        found,
        folder,
        recipe="avol",
        summary="AVOL-Net: where in a picture the sound comes from, learnt without boxes",
        correspondence=figures["held_out_correspondence"],
    )
    return figures


def _descend(model: AVOLNet, batch: PairBatch) -> tuple[Tensor, dict[str, float]]:
    seen, heard = model.see(batch.seen), model.hear(batch.mel)
    logits = model.maps(seen, heard).amax((1, 2))
    own = batch.together > 0.5
    loss = binary_cross_entropy_with_logits(logits, batch.together)
    # Every picture with every sound of the positive pairs: [P, P, Y, X] of scalar products.
    across = torch.einsum("peyx,qe->pqyx", seen[own], heard[own]).amax((2, 3))
    loss = loss + 0.5 * pair_recipes.contrast(model.slope * across, batch)
    right = ((logits > 0) == own).float().mean()
    return loss, {"right": float(right.detach())}
