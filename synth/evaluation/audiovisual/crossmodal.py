"""``sonorize eval crossmodal``: does a sound find its clip among many, and a clip its sound.

Recall at 1, 5 and 10 both ways among 256 candidates that no training saw, as in Suris et al. (arXiv 1801.02200). What
is sought is the very clip, not one of its kind: a net that knew every label and nothing else would reach the row "all
labels known". Beside it how many of the first ten share a label with what was asked: what a searcher meets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora.tagged_videos import is_tagged
from synth.description.embedding import WEIGHTS, CrossmodalReader
from synth.errors import WeightsError
from synth.evaluation.audiovisual import real_pictures
from synth.metrics import retrieval
from synth.metrics.cca import canonical
from synth.metrics.label_recall import Scores, recall_by_chance, recall_by_labels, recall_row
from synth.models.crossmodal import CrossmodalConfig, CrossmodalNet, unpack
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual import pair_recipes
from synth.training.audiovisual.crossmodal import Known, candidates_of, known_of, more_scenes, scores_of, tagged_in
from synth.training.audiovisual.data import AVData

PAPER: Final = {
    "data": "YouTube-8M, 256 candidates",
    "sound to picture": {"recall_at_1": 0.215, "recall_at_5": 0.520, "recall_at_10": 0.631},
    "picture to sound": {"recall_at_1": 0.223, "recall_at_5": 0.517, "recall_at_10": 0.644},
}
_ALIGNED: Final = 32  # dimensions of the canonical correlation


def evaluate_crossmodal(data: Path, out: Path | None, beside: Path | None = None) -> dict[str, Any]:
    """The table, one row a way to embed.

    Args:
        data: as for the recipe: what it trains on is left out.
        out: there is nothing to draw; ignored.
        beside: folder of a run whose nets are measured too, such as the one without the class term.

    Raises:
        WeightsError: the weights are missing.
    """
    training, test = clips_of(data)
    loaded = weights.load(WEIGHTS)
    net = unpack(loaded.tensors, loaded.metadata)
    labels = [clip.labels for clip in test.clips]
    known = known_of(test, net.config.labels, varied=1)
    rows: dict[str, Scores] = {"crossmodal": scores_of(net, known)}
    if beside is not None:
        rows |= {name: scores_of(other, known) for name, other in _nets_in(beside).items()}
    rows |= _ave(test)
    rows["hand-made: canonical correlation of the same features"] = _aligned(known_of(training, (), varied=1), known)
    torch.manual_seed(1)
    rows["untrained"] = scores_of(CrossmodalNet(CrossmodalConfig(net.config.labels)).eval(), known)
    told: dict[str, Any] = {
        "candidates": len(labels),
        "rows": {name: recall_row(scores, labels) for name, scores in rows.items()}
        | {"ceiling: all labels known": recall_by_labels(labels), "floor: chance": recall_by_chance(labels)},
        "paper": PAPER,
    }
    if real := real_pictures.load(data):
        told["real_pictures_find_sounds"] = _real(CrossmodalReader(net), real)
    return told


def _real(reader: CrossmodalReader, real: real_pictures.Real) -> dict[str, Any]:
    def of_sound(mel: NDArray[np.float32]) -> NDArray[np.float32]:
        return reader.of_mel(mel).values

    return real_pictures.judge(real, lambda sight: reader.of_picture(sight.pooled).values, of_sound)


def clips_of(data: Path) -> tuple[AVData, AVData]:
    """Clips that the baseline may learn from, and the candidates; kept below ``runs/cache``."""
    cache = pair_recipes.EVALUATION_CACHE
    lots = pair_recipes.training_lots(cache, pair_recipes.esc10_in(data), 1)
    if is_tagged(data):
        training, held_out = tagged_in(cache, data)
        scenes = av_data.scenes(cache, pair_recipes.TEST_SCENES, test=True, mixes=1)
        # Those with tags of people's own come first.
        return av_data.joined(*lots, training), candidates_of(av_data.joined(held_out, scenes))
    scenes, films = pair_recipes.to_judge(data)
    test = candidates_of(av_data.joined(scenes, films, more_scenes(cache, data)))
    return av_data.joined(*lots, pair_recipes.filmed_in(cache, data)[0]), test


def _aligned(train: Known, test: Known) -> Scores:
    centre, spread = _standards(train.sounds[:, 0])
    pictures, sounds = canonical(train.pictures.mean(1), (train.sounds[:, 0] - centre) / spread, _ALIGNED)
    one, other = pictures(test.pictures.mean(1)), sounds((test.sounds[:, 0] - centre) / spread)
    return np.asarray(_unit(one) @ _unit(other).T, np.float64)


def _standards(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    spread = values.std(0)
    return values.mean(0), np.where(spread > 1e-6, spread, 1.0).astype(np.float32)


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(values / np.maximum(1e-9, np.linalg.norm(values, axis=1, keepdims=True)), np.float32)


def _nets_in(folder: Path) -> dict[str, CrossmodalNet]:
    """The nets of this kind in the folder of a run, and in those just below it."""
    found = {}
    for place in sorted({folder, *(inner for inner in folder.iterdir() if inner.is_dir())}):
        for name in weights.entries(place):
            loaded = weights.load(name, place)
            if loaded.metadata.get("arch") == "crossmodal" and name != WEIGHTS:
                found[name] = unpack(loaded.tensors, loaded.metadata)
    return found


def _ave(test: AVData) -> dict[str, Scores]:
    """AVE-Net's space, where its weights are."""
    from synth.description import nets
    from synth.training.audiovisual import correspondence

    try:
        found = correspondence.features(nets.ave(), test)
    except WeightsError:
        return {}
    return {"AVE-Net's space": retrieval.closeness(found.pictures, found.sounds)}
