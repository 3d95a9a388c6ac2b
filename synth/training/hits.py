"""The recipe of the hits voice: pretrain on scenes of our own, then fine-tune on real Greatest Hits clips.

Windows of two seconds at 15 frames a second; AdamW; every window a new view, light and noise. Real clips are few, so while
fine-tuning a part of each batch stays simulated, which keeps what the simulation taught about contacts that no
real clip shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor

from synth.models.two_stream import TwoStream, losses
from synth.training.hits_data import Batch, Example, draw_batch

WINDOW_FRAMES: Final = 30


@dataclass
class HitsTask:
    """Batches and loss of one stage of the recipe.

    Attributes:
        model: trained in place.
        pools: examples to draw from, each with the number of windows a batch that come from it.
        seed: of the batches.
        strengths: augmentation of each pool, 0..1.
    """

    model: TwoStream
    pools: Sequence[tuple[Sequence[Example], int]]
    seed: int
    strengths: Sequence[float]
    weights: tuple[float, float, float] = (0.1, 3.0, 0.3)
    _chances: list[np.ndarray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Longer clips hold more windows; none shall be seen more often for being short.
        self._chances = []
        for examples, _ in self.pools:
            lengths = np.array([example.duration_s for example in examples])
            self._chances.append(lengths / lengths.sum())

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        parts = []
        for (examples, count), chances, strength in zip(self.pools, self._chances, self.strengths, strict=True):
            chosen = [examples[i] for i in rng.choice(len(examples), count, p=chances)]
            parts.append(draw_batch(chosen, self.model.config, rng, frames=WINDOW_FRAMES, strength=strength))
        return Batch(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Weighted sum of the three terms."""
        prediction = self.model(batch.grey, batch.picture)
        terms = losses(prediction, self.model.to_pca(batch.cochleagram), batch.onset, batch.material)
        total = sum((weight * term for weight, term in zip(self.weights, terms, strict=True)), torch.zeros(()))
        return total, {name: float(term.detach()) for name, term in zip(terms._fields, terms, strict=True)}
