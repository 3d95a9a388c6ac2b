"""How firmly the localizer may say that something in the picture sounds: two numbers fitted on held-back scenes."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth.models.attention_localizer import AttentionLocalizer
from synth.models.l3net import WINDOW_S
from synth.training.audiovisual.data import AVData, nothing_heard

_NEWTON_STEPS: Final = 50
_RIDGE: Final = 1e-3


def calibrate(net: AttentionLocalizer, data: AVData, seed: int = 0) -> dict[str, float]:
    """Set the net's slope and level so that the best cosine tells a picture's own sound from silence and others.

    Half of the weight lies on pictures with their own sound, a quarter on silence and noise, a quarter on sounds of
    things that the picture does not show.

    Args:
        data: scenes that were not trained on; ``net`` is changed in place.

    Returns:
        Mean firmness of the three kinds, 0..1.
    """
    best = best_cosines(net, data, np.random.default_rng((seed, 7)))
    kinds = list(best)
    values = np.concatenate([best[kind] for kind in kinds])
    wanted = np.concatenate([np.full(len(best[kind]), float(kind == "own")) for kind in kinds])
    share = {"own": 0.5, "nothing": 0.25, "other": 0.25}
    weight = np.concatenate([np.full(len(best[kind]), share[kind] / max(1, len(best[kind]))) for kind in kinds])
    slope, level = logistic(values, wanted, weight)
    with torch.no_grad():
        net.slope.fill_(slope)
        net.level.fill_(level)
    return {f"firmness, {kind}": float(np.mean(1 / (1 + np.exp(-(slope * best[kind] + level))))) for kind in kinds}


def best_cosines(net: AttentionLocalizer, data: AVData, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """The highest cosine in each picture with its own sound, with nothing, and with a thing that is not there."""
    net.eval()
    found: dict[str, list[float]] = {"own": [], "nothing": [], "other": []}
    for number, clip in enumerate(data.clips):
        shown = {box.label for boxes in clip.boxes for box in boxes}
        audible = any(box.sounding for boxes in clip.boxes for box in boxes)
        others = [k for k, other in enumerate(data.clips) if other.labels and not shown & set(other.labels)]
        for picture, time_s in enumerate(clip.times_s):
            mels = {"nothing": nothing_heard(rng)}
            if audible:
                mels["own"] = data.window(number, time_s - WINDOW_S / 2)
            if others:
                mels["other"] = data.window(int(rng.choice(others)), time_s - WINDOW_S / 2)
            with torch.inference_mode():
                seen = net.see(torch.from_numpy(np.asarray(data.maps[clip.first + picture][None], np.float32)))[0]
                heard = net.hear(torch.from_numpy(np.stack(list(mels.values()))))
                best = (heard @ seen).amax(1).clamp_min(0).tolist()
            for kind, value in zip(mels, best, strict=True):
                found[kind].append(value)
    return {kind: np.array(values) for kind, values in found.items() if values}


def logistic(
    values: NDArray[np.float64], wanted: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and level of ``sigmoid(slope * value + level)`` that make ``wanted`` (0 or 1) likeliest, by Newton's steps.

    The slope is kept at 1 or more: a map must not be turned upside down by a net that has learnt nothing.
    """
    inputs = np.stack([values, np.ones_like(values)], axis=1)
    parameters = np.array([10.0, -10.0 * float(values.mean())])
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ parameters, -30, 30)))
        slope_of_loss = inputs.T @ (weight * (chance - wanted)) + _RIDGE * parameters * [1e-3, 0]
        curvature = (inputs * (weight * chance * (1 - chance))[:, None]).T @ inputs + _RIDGE * 1e-2 * np.eye(2)
        step = np.linalg.solve(curvature, slope_of_loss)
        parameters = parameters - step * min(1.0, 20.0 / max(1e-9, float(np.abs(step).max())))
    return max(1.0, float(parameters[0])), float(parameters[1])
