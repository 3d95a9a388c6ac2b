"""``sonorize eval ave``: retrieval within and across modalities by AVE-Net, beside L3-Net's features and floors.

As in Arandjelovic and Zisserman (ECCV 2018, table 1): average nDCG at 30 of image to image, image to sound, sound to
image and sound to sound, on scenes and, where there are any, real clips that no net was trained on. L3-Net's towers
are of the same size, on the same data; it aligns nothing, so its features are also aligned by a canonical correlation
analysis on training scenes, as in the paper. Hand-made features are colours and mel statistics, aligned likewise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth.data.sounding_scenes.scenes import tree_distance
from synth.description import nets
from synth.description.describer import unit
from synth.evaluation.audiovisual import real_pictures
from synth.metrics import retrieval
from synth.models.avenet import AVENet
from synth.models.imagenet import Sight
from synth.models.l3net import L3Net
from synth.training.audiovisual import correspondence, pair_recipes
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual.correspondence import Features
from synth.training.audiovisual.data import AVData

AT: Final = 30
DIRECTIONS: Final = ("im-im", "im-aud", "aud-im", "aud-aud")
PAPER: Final = {
    "data": "AudioSet-Instruments, 263 thousand clips",
    "random": [0.407, 0.407, 0.407, 0.407],
    "l3": [0.567, 0.418, 0.385, 0.653],
    "l3 + cca": [0.578, 0.531, 0.560, 0.649],
    "ave": [0.604, 0.561, 0.587, 0.665],
}
_ALIGNED: Final = 16  # dimensions of the canonical correlation


def evaluate_ave(data: Path, out: Path | None) -> dict[str, Any]:
    """The table, for scenes and for real clips.

    Args:
        data: with ``esc10`` in it; ``grid`` and ``greatest_hits`` are taken where they are.
        out: a folder for a picture of nearest neighbours across modalities.

    Raises:
        OptionError: scikit-learn is not installed.
        WeightsError: the weights are missing.
    """
    test, filmed = pair_recipes.to_judge(data)
    train = pair_recipes.training_lots(pair_recipes.EVALUATION_CACHE, pair_recipes.esc10_in(data), 1)[0]
    ave, l3 = nets.ave(), nets.l3()
    rows = {"scenes": table(ave, l3, train, test)}
    if filmed is not None:
        rows["scenes and real clips"] = table(ave, l3, train, av_data.joined(test, filmed))
    told: dict[str, Any] = {"metric": f"average nDCG at {AT}", "directions": list(DIRECTIONS), **rows}
    told["correspondence_accuracy"] = {
        "ave": correspondence.right_share(ave, test),
        "l3": correspondence.right_share(l3, test),
        "untrained": correspondence.right_share(_untrained(AVENet), test),
        "chance": 0.5,
        "paper": {"ave": 0.819, "l3": 0.808},
    }
    if real := real_pictures.load(data):
        told["real_pictures_find_sounds"] = {
            "ave": _real(ave, real),
            "untrained": _real(_untrained(AVENet), real),
        }
    told["paper"] = PAPER
    if out is not None:
        from synth.evaluation.audiovisual import pictures as av_pictures

        av_pictures.neighbours(correspondence.features(ave, test), test, out / "neighbours.png")
    return told


def _real(net: AVENet, real: real_pictures.Real) -> dict[str, Any]:
    def of_picture(sight: Sight) -> NDArray[np.float32]:
        with torch.inference_mode():
            return unit(net.embed_pictures(torch.from_numpy(sight.maps).float()).mean(0).numpy())

    return real_pictures.judge(real, of_picture, lambda mel: correspondence.sound_features(net, mel))


def table(ave: AVENet, l3: L3Net, train: AVData, test: AVData) -> dict[str, Any]:
    """Rows of four figures, one a direction."""
    labelled = [number for number, clip in enumerate(test.clips) if clip.labels]
    test = av_data.part(test, labelled)
    some = av_data.part(train, [n for n, clip in enumerate(train.clips) if clip.labels][:800])
    labels = [clip.labels for clip in test.clips]
    worth = retrieval.gains(labels, labels, tree_distance)
    random = np.random.default_rng(0)
    noise = Features(
        random.standard_normal((len(labels), 128)).astype(np.float32),
        random.standard_normal((len(labels), 128)).astype(np.float32),
    )
    found = {
        "ave": correspondence.features(ave, test),
        "l3": _scaled(correspondence.features(l3, test)),
        "l3 + cca": _aligned(correspondence.features(l3, some), correspondence.features(l3, test)),
        "hand-made + cca": _aligned(hand_made(some), hand_made(test)),
        "untrained ave": correspondence.features(_untrained(AVENet), test),
        "floor: random": noise,
    }
    rows: dict[str, Any] = {name: _row(one, worth) for name, one in found.items()}
    rows["ceiling: by the labels"] = [1.0] * len(DIRECTIONS)
    rows["ave_above_l3_in_all_directions"] = all(
        ours > theirs for ours, theirs in zip(rows["ave"], rows["l3"], strict=True)
    )
    rows["clips"] = len(labels)
    return rows


def _untrained(kind: type[AVENet]) -> AVENet:
    net = pair_recipes.new(kind, "imagenet", 1)
    assert isinstance(net, AVENet)
    net.eval()
    return net


def _row(found: Features, worth: NDArray[np.float64]) -> list[float]:
    pairs = (
        (found.pictures, found.pictures, True),
        (found.pictures, found.sounds, False),
        (found.sounds, found.pictures, False),
        (found.sounds, found.sounds, True),
    )
    # Across modalities the query's own clip may be found; within one it would find itself.
    return [
        float(retrieval.ndcg(retrieval.closeness(one, other), worth, AT, itself=itself).mean())
        for one, other, itself in pairs
    ]


def _scaled(found: Features) -> Features:
    """Each number of deviation one, so that none outweighs the others in a distance."""
    return Features(*(_standard(values, values) for values in (found.pictures, found.sounds)))


def _standard(values: NDArray[np.float32], by: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = by.std(0)
    return np.asarray((values - by.mean(0)) / np.where(spread > 1e-6, spread, 1.0), np.float32)


def _aligned(train: Features, test: Features) -> Features:
    """Both modalities in the directions in which those of training scenes agree most."""
    from synth.metrics.cca import canonical

    pictures, sounds = canonical(train.pictures, train.sounds, _ALIGNED)
    return Features(_unit(pictures(test.pictures)), _unit(sounds(test.sounds)))


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(values / np.maximum(1e-9, np.linalg.norm(values, axis=1, keepdims=True)), np.float32)


def hand_made(data: AVData) -> Features:
    """Colour histograms and edges of the pictures, mel statistics of the sounds."""
    firsts = [clip.first for clip in data.clips]
    pictures = np.stack([_colours(data.pictures[first]) for first in firsts])
    sounds = []
    for number in range(len(data.clips)):
        mel = np.asarray(data.mels[number, 0], np.float32)
        sounds.append(np.concatenate([mel.mean(1), mel.std(1), np.abs(np.diff(mel, axis=1)).mean(1)]))
    return Features(pictures, np.stack(sounds))


def _colours(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = picture.astype(np.float32) / 255
    histogram, _ = np.histogramdd(values.reshape(-1, 3), bins=4, range=[(0, 1)] * 3)
    grey = values.mean(2)
    down, right = np.gradient(grey)
    angle = np.arctan2(down, right) % np.pi
    edges, _ = np.histogram(angle, bins=9, range=(0, np.pi), weights=np.hypot(down, right))
    share = histogram.reshape(-1) / histogram.sum()
    return np.concatenate([np.sqrt(share), edges / max(1e-6, edges.sum())]).astype(np.float32)
