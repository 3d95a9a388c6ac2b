"""Whether a net tells pictures with their own sound from pictures with another's, and its features of clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth.data.corpora.av_clip import draw_pairs
from synth.models.avenet import AVENet, AVOLNet
from synth.models.l3net import WINDOW_S, L3Net, pool, windows
from synth.training.audiovisual.data import AVData

_AT_ONCE: Final = 64

Net = L3Net | AVENet | AVOLNet


def probabilities(
    net: Net, data: AVData, count: int = 1000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of ``count`` pairs, half of them positive: the net's probability of belonging together, and the truth."""
    pairs = draw_pairs(data.clips, count, WINDOW_S, np.random.default_rng(seed))
    told = []
    with torch.inference_mode():
        for first in range(0, count, _AT_ONCE):
            some = pairs[first : first + _AT_ONCE]
            seen = data.seen([data.clips[pair.clip].first + pair.picture for pair in some], net.config.vision)
            mel = torch.from_numpy(np.stack([data.window(pair.heard, pair.start_s) for pair in some]))
            told.append(judge(net, seen, mel))
    return np.concatenate(told), np.array([pair.positive for pair in pairs])


def judge(net: Net, seen: torch.Tensor, mel: torch.Tensor) -> NDArray[np.float64]:
    """Probabilities [B] that pictures and spectrograms belong together."""
    if isinstance(net, L3Net):
        found = net(seen, mel).softmax(1)[:, 1]
    elif isinstance(net, AVENet):
        found = net(net.embed_pictures(seen), net.embed_sounds(mel)).sigmoid()
    else:
        found = net(seen, mel).amax((1, 2)).sigmoid()
    return np.asarray(found.double().numpy())


def right_share(net: Net, data: AVData, count: int = 1000) -> float:
    """Share of pairs that the net judges rightly at even odds; chance is a half."""
    told, truth = probabilities(net, data, count)
    return float(((told > 0.5) == truth).mean())


def ranked_share(net: Net, data: AVData, count: int = 1000) -> float:
    """Area under the ROC curve: how often a positive pair is held likelier than a negative one."""
    told, truth = probabilities(net, data, count)
    ranks = np.argsort(np.argsort(told)) + 1.0
    positive = truth.sum()
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))


@dataclass(frozen=True)
class Features:
    """What a net makes of clips: one picture (the first) and the whole sound of each, float32 [C, D]."""

    pictures: NDArray[np.float32]
    sounds: NDArray[np.float32]


def features(net: L3Net | AVENet, data: AVData, mix: int = 0) -> Features:
    """The pooled towers of L3-Net, or the points of AVE-Net; of a sound the mean over its windows."""
    firsts = [clip.first for clip in data.clips]
    pictures, sounds = [], []
    with torch.inference_mode():
        for first in range(0, len(firsts), _AT_ONCE):
            seen = data.seen(firsts[first : first + _AT_ONCE], net.config.vision)
            pictures.append(pool(net.picture(seen)) if isinstance(net, L3Net) else net.embed_pictures(seen))
        for number, clip in enumerate(data.clips):
            steps = max(100, round(clip.duration_s * 50))
            mel = np.asarray(data.mels[number, mix % data.mels.shape[1], :, :steps], np.float32)
            sounds.append(sound_features(net, mel))
    return Features(torch.cat(pictures).numpy(), np.stack(sounds))


def sound_features(net: L3Net | AVENet, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """[D] of a whole sound, from its spectrogram [64, T]; points are of length one again."""
    with torch.inference_mode():
        parts = torch.from_numpy(windows(mel))
        heard = pool(net.sound(parts)) if isinstance(net, L3Net) else net.embed_sounds(parts)
    mean = np.asarray(heard.mean(0).numpy(), np.float32)
    return mean if isinstance(net, L3Net) else np.asarray(mean / max(1e-9, float(np.linalg.norm(mean))), np.float32)
