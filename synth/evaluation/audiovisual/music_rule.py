"""What finds music for a picture without any training: a rule of thumb."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.metrics.music_recall import Numbers, standardised
from synth.music import features, picture_features


def by_hand(pairs: Numbers) -> NDArray[np.float64]:
    """Likenesses of a rule: tempo goes with motion and cuts, drums with light, timbre with colours."""
    heard = {name: place for place, name in enumerate(features.NAMES)}
    seen = {name: place + 2 * picture_features.SEEN for place, name in enumerate(picture_features.MEASURES)}
    music = np.stack(
        [
            pairs.tempo,
            pairs.music[:, heard["percussive level, mean"]],
            pairs.music[:, heard["harmonic centroid, mean"]],
        ],
        axis=1,
    )
    motion = np.log(pairs.picture[:, seen["speed, mean"]] + 0.01) + pairs.picture[:, seen["cuts a second"]]
    bright, strong = (pairs.picture[:, seen[name]] for name in ("brightness", "saturation"))
    picture = np.stack([motion, bright, strong], axis=1)
    music, picture = standardised(music, music), standardised(picture, picture)
    return np.asarray(-np.square(music[:, None] - picture[None]).sum(2))
