"""``sonorize eval texture``: whether pictures tell what their sound is like, and what kinds of texture are kinds of.

Owens et al. (ECCV 2016, arXiv 1608.07017). The net is judged on scenes and recordings that it never met: how often the
cluster of the sound is its first answer, or among its first five. Clusters are judged against the classes of what
sounds: purity (share of sounds that are of their cluster's commonest class) and normalised mutual information.

Shapes: n sounds, K clusters, P pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.data.corpora.av_clip import RATE_HZ
from synth.description import textures
from synth.errors import OptionError
from synth.evaluation.audiovisual.soundnet import Corpus, corpus, mfcc_statistics
from synth.models import sound_texture
from synth.models.sound_texture import TEXTURE, Clusters
from synth.training.audiovisual.texture import SCENES, TEST_SCENES, accuracies, hear_scenes

PAPER: Final = {
    "data": "Flickr, 1.8 million frames; judged as features for PASCAL VOC, not by clusters",
    "re-implementation on 55 thousand frames: cluster accuracy": "0.45 to 0.55",
}
HELD_OUT_FOLD: Final = 4


def evaluate_texture(data: Path, out: Path | None) -> dict[str, Any]:
    """All figures of what ships.

    Args:
        data: a folder with ``esc10`` in it.
        out: a folder for pictures; scenes that were looked at are cached in it.

    Raises:
        OptionError: there is no ESC-10, or scikit-learn is missing.
        WeightsError: the weights are missing.
    """
    if not (data / "esc10").is_dir():
        raise OptionError(f"there is no folder esc10 in {data}")
    cache = ((out or Path("runs")) / "cache" / "av").resolve()
    reader = textures.load()
    heard = hear_scenes(cache, data, SCENES)
    test = hear_scenes(cache, data, TEST_SCENES, test=True, variants=1)
    known = corpus(data / "esc10")
    result: dict[str, Any] = {
        "picture to cluster": accuracies(reader.net, reader.clusters, test, heard),
        "clusters of ESC-10's held-out fold": kinds(reader.clusters, known),
        "paper": PAPER,
    }
    if out is not None:
        from synth.evaluation.audiovisual import texture_pictures

        texture_pictures.draw(reader, test, known, out)
    return result


def kinds(clusters: Clusters, known: Corpus) -> dict[str, Any]:
    """Purity and mutual information with the classes, on the fold that no cluster was made of; floors beside.

    Raises:
        OptionError: scikit-learn is not installed, or the fold has no clips.
    """
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise OptionError("scikit-learn is not installed; pip install 'sonorize[eval]' brings it") from error
    own = [index for index, fold in enumerate(known.folds) if fold == HELD_OUT_FOLD]
    rest = [index for index, fold in enumerate(known.folds) if fold != HELD_OUT_FOLD]
    if not own or not rest:
        raise OptionError(f"the recordings need fold {HELD_OUT_FOLD} and others")
    labels = [known.labels[index] for index in own]
    found = np.stack([sound_texture.textures(known.sounds[index], RATE_HZ).mean(0) for index in own])
    mfcc = np.stack([mfcc_statistics(sound).mean(0) for sound in known.sounds])
    mfcc = (mfcc - mfcc[rest].mean(0)) / (mfcc[rest].std(0) + 1e-6)
    count = len(clusters.names)
    by_mfcc = KMeans(count, n_init=3, random_state=0).fit(mfcc[rest]).predict(mfcc[own])
    chance = np.random.default_rng(0).integers(count, size=len(own))
    return {
        "sounds": len(own),
        "ours": agreement(clusters.distances(found.reshape(-1, TEXTURE)).argmin(1), labels),
        "MFCC clusters": agreement(by_mfcc, labels),
        "floor: random clusters": agreement(chance, labels),
    }


def agreement(clusters: NDArray[Any], labels: Sequence[str]) -> dict[str, float]:
    """Purity and normalised mutual information of clusters [n] with n classes.

    Raises:
        OptionError: scikit-learn is not installed.
    """
    try:
        from sklearn.metrics import normalized_mutual_info_score
    except ImportError as error:
        raise OptionError("scikit-learn is not installed; pip install 'sonorize[eval]' brings it") from error
    members: dict[int, Counter[str]] = {}
    for cluster, label in zip(clusters, labels, strict=True):
        members.setdefault(int(cluster), Counter())[label] += 1
    pure = sum(some.most_common(1)[0][1] for some in members.values())
    return {"purity": pure / len(labels), "nmi": float(normalized_mutual_info_score(labels, clusters))}
