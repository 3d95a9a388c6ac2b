"""``sonorize eval avol``: whether AVOL-Net points at what sounds, and keeps still where nothing does.

Pointing as in Arandjelovic and Zisserman (ECCV 2018, section 5.2): the highest position of the map lies inside the box
of what sounds, beside the middle of the picture. Scenes have exact boxes. Controls: silence, noise, the sound of
another scene, and the sound of the *silent* thing in the picture, to which the map should move.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch

from synth.description import nets
from synth.evaluation.audiovisual.pointing import Maps, _pointing, cases, judge
from synth.models.avenet import AVOLNet
from synth.models.l3net import TowersConfig
from synth.training.audiovisual import pair_recipes

PAPER: Final = {"data": "AudioSet-Instruments, 263 thousand clips", "pointing": 0.817, "picture_centre": 0.572}


def evaluate_avol(data: Path, out: Path | None) -> dict[str, Any]:
    """All figures, on scenes with recordings that no training heard, and on real frames where ``data`` has them.

    Raises:
        WeightsError: the weights are missing.
    """
    test, _ = pair_recipes.to_judge(data)
    told = judge(avol_maps(nets.avol()), test, pair_recipes.esc10_in(data))
    told["untrained_pointing"] = _pointing(avol_maps(_untrained()), test, cases(test))["pointing"]
    from synth.evaluation.audiovisual.localizer import marked, real  # only now: it judges its maps with what is here

    if frames := marked(data):
        told["real_frames"] = real({"ours": avol_maps(nets.avol()), "untrained": avol_maps(_untrained())}, frames)
    told["paper"] = PAPER
    if out is not None:
        from synth.evaluation.audiovisual import pictures

        pictures.heat_maps(avol_maps(nets.avol()), test, out / "avol.png")
    return told


def avol_maps(net: AVOLNet) -> Maps:
    """The maps of a net, the mean over the windows of a sound of the probabilities at each position."""
    from synth.description.describer import avol_maps as of_net

    return lambda maps, mel: of_net(net, maps, mel)


def _untrained() -> AVOLNet:
    torch.manual_seed(1)
    return AVOLNet(TowersConfig()).eval()
