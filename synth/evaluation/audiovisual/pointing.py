"""Whether maps point at what sounds: on drawn scenes with boxes, with silence, and when the sound changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.boxes import Box
from synth.data.sounding_scenes import scenes
from synth.metrics import localization
from synth.metrics.hits import wilson_interval
from synth.models.l3net import log_mel
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual.data import AVData

FIRM: Final = 0.5
"""A peak of at least so much says: this sounds."""


Maps = Callable[[NDArray[np.float16], NDArray[np.float32]], NDArray[np.float32]]
"""``maps(picture maps [K, 432, 14, 14], spectrogram [64, T]) -> [K, 14, 14]`` in 0..1."""


@dataclass(frozen=True)
class Case:
    """A picture and what stands in it."""

    picture: int
    clip: int
    sounding: tuple[Box, ...]
    silent: tuple[Box, ...]


def cases(data: AVData) -> list[Case]:
    """The first picture of every scene in which something sounds."""
    found = []
    for number, clip in enumerate(data.clips):
        boxes = clip.boxes[0]
        sounding = tuple(box for box in boxes if box.sounding)
        if sounding:
            found.append(Case(clip.first, number, sounding, tuple(box for box in boxes if not box.sounding)))
    return found


def judge(maps_of: Maps, data: AVData, esc10: Path | None) -> dict[str, Any]:
    """Pointing with floors and ceiling, and the controls."""
    some = cases(data)
    mixed = [case for case in some if case.silent]
    silence = log_mel(np.zeros(4 * 22050, np.float32))
    noise = log_mel(np.random.default_rng(0).standard_normal(4 * 22050).astype(np.float32) * 0.03)
    own, quiet, noisy, other = (_Firm([], FIRM) for _ in range(4))
    for number, case in enumerate(some):
        seen = data.maps[case.picture][None]
        own.add(maps_of(seen, _mel(data, case.clip)))
        quiet.add(maps_of(seen, silence))
        noisy.add(maps_of(seen, noise))
        wrong = some[(number + len(some) // 2) % len(some)].clip
        if not set(data.clips[wrong].labels) & {box.label for box in (*case.sounding, *case.silent)}:
            other.add(maps_of(seen, _mel(data, wrong)))
    return {
        "scenes": len(some),
        "all_scenes": _pointing(maps_of, data, some),
        "with_a_silent_thing_too": _pointing(maps_of, data, mixed),
        "two_sounding": _pointing(maps_of, data, [case for case in some if len(case.sounding) > 1]),
        "moves_to_what_sounds": _moves(maps_of, data, mixed, esc10),
        "firmness": {
            "own_sound": own.as_json(),
            "silence": quiet.as_json(),
            "noise": noisy.as_json(),
            "sound_of_nothing_in_the_picture": other.as_json(),
            "firm_from": FIRM,
        },
    }


@dataclass
class _Firm:
    """Peaks of maps."""

    peaks: list[float]
    least: float

    def add(self, maps: NDArray[np.float32]) -> None:
        self.peaks.append(float(maps.max()))

    def as_json(self) -> Mapping[str, float]:
        """Mean peak, and the share of firm ones."""
        peaks = np.array(self.peaks or [0.0])
        return {"mean_peak": float(peaks.mean()), "firm_share": float((peaks >= self.least).mean())}


def _mel(data: AVData, clip: int) -> NDArray[np.float32]:
    steps = max(100, round(data.clips[clip].duration_s * 50))
    return np.asarray(data.mels[clip, 0, :, :steps], np.float32)


def _pointing(maps_of: Maps, data: AVData, some: Sequence[Case]) -> dict[str, Any]:
    """Share of pictures whose highest position lies in a box of what sounds, with floors and consensus IoU."""
    if not some:
        return {"pictures": 0, "pointing": None}
    hits, overlaps, masses = [], [], []
    for case in some:
        found = maps_of(data.maps[case.picture][None], _mel(data, case.clip))[0]
        hits.append(localization.pointing_hit(found, case.sounding))
        masses.append(localization.mass_inside(found, case.sounding))
        fine = localization.enlarged(localization.stretched(found))
        overlaps.append(localization.ciou(fine, [case.sounding]))
    right = wilson_interval(round(sum(hits)), len(hits))
    return {
        "pictures": len(some),
        "pointing": float(np.mean(hits)),
        "pointing_95": [right.low, right.high] if right else None,
        "floor_picture_centre": float(np.mean([localization.centre_hit(case.sounding) for case in some])),
        "floor_anywhere": float(np.mean([localization.chance_hit(case.sounding) for case in some])),
        "ceiling": 1.0,
        "share_of_the_map_inside": float(np.mean(masses)),
        "ciou_at_half": localization.success(overlaps),
        "ciou_auc": localization.auc(overlaps),
    }


def _moves(maps_of: Maps, data: AVData, some: Sequence[Case], esc10: Path | None) -> dict[str, Any]:
    """With the sound of the silent thing instead: how often the peak lies in its box, how often still in the other."""
    recordings = scenes.recordings_of(esc10, av_data.TEST_FOLDS) if esc10 else None
    there, still = [], []
    for number, case in enumerate(some):
        rng = np.random.default_rng([number, 7])
        mel = log_mel(scenes.sound_of(case.silent[0].label, 4.0, rng, recordings))
        found = maps_of(data.maps[case.picture][None], mel)[0]
        there.append(localization.pointing_hit(found, case.silent[:1]))
        still.append(localization.pointing_hit(found, case.sounding))
    mean = float(np.mean(there)) if there else None
    return {"pictures": len(some), "in_its_box": mean, "still_in_the_first": float(np.mean(still)) if still else None}
