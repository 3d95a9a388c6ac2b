"""``sonorize eval l3``: what L3-Net learnt without labels: correspondence, and sounds by a linear classifier.

Sounds as in Arandjelovic and Zisserman (ICCV 2017, section 4.2): features of the sound's tower, standardised, a linear
support vector machine. The net heard ESC-10's folds 1 to 3 in its scenes, so its figure is fold 4's; UrbanSound8K it
never heard. Pictures likewise: a linear classifier of what stands in a scene with one object, against the towers'
untrained features.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from synth.data.corpora import class_sounds
from synth.data.corpora.av_clip import RATE_HZ
from synth.description import nets
from synth.errors import MediaError
from synth.media import audio
from synth.metrics.linear_probe import most_frequent, probe
from synth.models.l3net import L3Net, TowersConfig, log_mel, pool, windows
from synth.training.audiovisual import correspondence, pair_recipes
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual.data import AVData

PAPER: Final = {
    "data": "Flickr-SoundNet, 400 thousand videos",
    "correspondence_accuracy": 0.78,
    "esc50_accuracy": 0.793,
    "esc50_untrained": 0.625,
}
HEARD_FOLDS: Final = av_data.TRAIN_FOLDS
_GROUPS: Final = 5


def evaluate_l3(data: Path, out: Path | None) -> dict[str, Any]:
    """All figures.

    Args:
        data: with ``esc10`` in it, and ``urbansound8k``, ``grid``, ``greatest_hits`` where they are.
        out: a folder for pictures of the deck.

    Raises:
        OptionError: scikit-learn is not installed.
        WeightsError: the weights are missing.
    """
    test, filmed = pair_recipes.to_judge(data)
    net, raw = nets.l3(), untrained()
    told: dict[str, Any] = {
        "correspondence_accuracy": {
            "ours": correspondence.right_share(net, test),
            "ours_real_clips": correspondence.right_share(net, filmed) if filmed else None,
            "ours_ranked": correspondence.ranked_share(net, test),
            "untrained": correspondence.right_share(raw, test),
            "chance": 0.5,
            "ceiling": "not 1: one in ten negative pairs has a thing of the sound's class in the picture",
        },
        "pictures_linear": _pictures(net, raw, test),
    }
    for name, folder in (("esc10", data / "esc10"), ("urbansound8k", data / "urbansound8k")):
        if folder.is_dir():
            told[name] = sounds_by_class(net, raw, folder, judged=(4,) if name == "esc10" else ())
    told["paper"] = PAPER
    if out is not None:
        from synth.evaluation.audiovisual import pictures

        pictures.units(net, test, out)
    return told


def untrained(seed: int = 1) -> L3Net:
    """The same net before it learnt anything: a floor."""
    torch.manual_seed(seed)
    return L3Net(TowersConfig()).eval()


def sounds_by_class(net: L3Net, raw: L3Net, folder: Path, judged: Sequence[int] = ()) -> dict[str, Any]:
    """Accuracy of a linear classifier on frozen features of recordings by class, with floors.

    Args:
        judged: folds to judge; all where none is named. ESC's folds are those of its names; of UrbanSound8K, clips are
            dealt to five by the recording they were cut from.
    """
    sounds = class_sounds.load(folder)
    folds = [one.fold if judged else _group(one.name) for one in sounds]
    labels = [one.label for one in sounds]
    heard = []
    for one in tqdm(sounds, desc="sounds", unit="clip", disable=None):
        try:
            sound, _ = audio.read(one.path, RATE_HZ)
        except MediaError as error:
            raise MediaError(f"{one.path}: {error}") from error
        heard.append(sound)
    mels = [log_mel(sound) for sound in heard]
    rows: dict[str, Callable[[int], NDArray[np.float32]]] = {
        "ours": lambda n: window_features(net, mels[n]),
        "untrained": lambda n: window_features(raw, mels[n]),
        "mfcc": lambda n: mfcc(mels[n]),
    }
    told: dict[str, Any] = {
        name: probe([make(n) for n in range(len(sounds))], labels, folds, judged=judged).as_json()
        for name, make in rows.items()
    }
    told["floor_most_frequent"] = most_frequent(labels, folds)
    told["chance"] = 1 / len(set(labels))
    return told


def window_features(net: L3Net, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features [W, 8 * width] of windows: the numbers that the net itself judges by."""
    with torch.inference_mode():
        return np.asarray(pool(net.sound(torch.from_numpy(windows(mel)))).numpy(), np.float32)


def mfcc(mel: NDArray[np.float32], count: int = 20) -> NDArray[np.float32]:
    """Mel-frequency cepstra of each window, [W, 80]: mean and deviation of 20 and of their changes."""
    rows = []
    for one in windows(mel):
        cepstra = scipy.fft.dct(one, axis=0, norm="ortho")[:count]
        change = np.diff(cepstra, axis=1)
        rows.append(np.concatenate([cepstra.mean(1), cepstra.std(1), change.mean(1), change.std(1)]))
    return np.asarray(rows, np.float32)


def _group(name: str) -> int:
    return zlib.crc32(name.partition("-")[0].encode()) % _GROUPS + 1


def _pictures(net: L3Net, raw: L3Net, data: AVData) -> dict[str, Any]:
    """What is seen, where one thing is: a linear classifier on the picture's tower, in five parts."""
    alone = [n for n, clip in enumerate(data.clips) if clip.boxes and len(clip.boxes[0]) == 1]
    labels = [data.clips[n].boxes[0][0].label for n in alone]
    folds = [position % _GROUPS + 1 for position in range(len(alone))]
    told: dict[str, Any] = {"scenes": len(alone), "chance": 1 / max(1, len(set(labels)))}
    for name, one in (("ours", net), ("untrained", raw)):
        with torch.inference_mode():
            seen = pool(one.picture(data.seen([data.clips[n].first for n in alone], one.config.vision)))
        told[name] = probe(list(seen.numpy()[:, None]), labels, folds).accuracy
    packaged = [data.pooled[data.clips[n].first][None] for n in alone]
    told["packaged_imagenet_features"] = probe(packaged, labels, folds).accuracy
    return told
