"""What a clip looks like in 2615 numbers: the picture side of the match with music.

Hong, Im and Yang (ICMR 2018, arXiv 1704.06761) take YouTube-8M's mean of a frame network's features. Here it is mean
and deviation of the packaged ImageNet net's over six pictures; and because tempo shows in motion, what moves at these
places, what the colours are, and how often there is a cut. Importable without torch.

Shapes: K pictures of H x W pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.media import video
from synth.voices.ambient.image_cues import CUES, Cues
from synth.voices.ambient.optical_flow import MOTION, RATE_HZ, Motion, coarse, is_cut

if TYPE_CHECKING:
    from synth.media.ffmpeg import Cancel
    from synth.models.imagenet import ImageNetEye

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

SEEN: Final = 1280  # numbers of the ImageNet net
COLOURS: Final = ("brightness", "contrast", "saturation", *(f"hue {k} of 8" for k in range(8)))
MEASURES: Final = (
    *(f"{name}, mean" for name in MOTION),
    *(f"{name}, deviation" for name in MOTION),
    *CUES,
    *COLOURS,
    "cuts a second",
)
"""The plain measures, which come after twice 1280 numbers of the ImageNet net."""
FEATURES: Final = 2 * SEEN + len(MEASURES)

LONGEST_S: Final = 60.0
"""Of a longer clip the first minute is looked at."""
SIDE_PX: Final = 160

_PLACES: Final = 6
BURST: Final = 3
"""Frames in a row that are looked at in each place."""
_CUT_STEP: Final = 4  # cuts are looked for in every fourth frame


def wanted(frames: int) -> tuple[list[int], list[int]]:
    """Which of the frames of a clip at 15.625 Hz are looked at: first frames of the bursts, and those for cuts."""
    last = max(0, frames - BURST)
    starts = sorted({round(last * (place + 0.5) / _PLACES) for place in range(_PLACES)})
    return starts, list(range(0, frames, _CUT_STEP))


def picture_features(frames: Iterable[tuple[int, Picture]], count: int, eye: ImageNetEye) -> Floats:
    """The 2615 numbers of a clip.

    Args:
        frames: the numbered frames that :func:`wanted` names and those that follow each burst's first, or all, in
            order; at 15.625 Hz.
        count: how many there are in the whole clip.
    """
    starts, cutting = wanted(count)
    bursts: dict[int, list[Picture]] = {start: [] for start in starts}
    cuts, before = 0, None
    for number, frame in frames:
        for start in starts:
            if start <= number < start + BURST:
                bursts[start].append(frame)
        if number % _CUT_STEP == 0:
            now = coarse(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8))
            cuts += before is not None and is_cut(before, now)
            before = now
    seen, _ = eye.features_and_classes(np.stack([burst[len(burst) // 2] for burst in bursts.values()]))
    plain = [_moving(list(bursts.values())), _coloured(bursts.values())]
    elapsed_s = max(1, len(cutting) - 1) * _CUT_STEP / RATE_HZ
    return np.concatenate([seen.mean(0), seen.std(0), *plain, [cuts / elapsed_s]]).astype(np.float32)


def look(path: Path, eye: ImageNetEye, *, cancelled: Cancel | None = None) -> Floats:
    """The 2615 numbers of a video file.

    Raises:
        MediaError: it cannot be read.
        Cancelled: ``cancelled`` said so.
    """
    info = video.probe(path, salvage=True, recut=True)
    count = max(1, round(min(info.duration_s, LONGEST_S) * RATE_HZ))
    frames = video.read_frames(path, rate_hz=RATE_HZ, width=SIDE_PX, height=SIDE_PX, lenient=True, cancelled=cancelled)
    return picture_features(_some(frames, count), count, eye)


def _some(frames: Iterator[Picture], count: int) -> Iterator[tuple[int, Picture]]:
    yield from itertools.islice(enumerate(frames), count)


def _moving(bursts: list[list[Picture]]) -> Floats:
    """Mean and deviation of the motion, and the cues, over all bursts."""
    rows, cues = [], []
    for burst in bursts:
        motion, cue = Motion(), Cues()
        for number, frame in enumerate(burst):
            row = motion.step(frame)
            cue.add(frame, row, motion.difference)
            if number or len(burst) == 1:
                rows.append(row)
        cues.append(list(cue.means().values()))
    table = np.array(rows, np.float32)
    return np.concatenate([table.mean(0), table.std(0), np.mean(cues, axis=0)]).astype(np.float32)


def _coloured(bursts: Iterable[list[Picture]]) -> Floats:
    rows = []
    for burst in bursts:
        small = cv2.resize(burst[0], (40, 40), interpolation=cv2.INTER_AREA)
        hue, saturation, value = (
            np.asarray(plane, np.float32) for plane in cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))
        )
        weight = saturation * value
        shares = np.bincount((hue.ravel() * 8 / 180).astype(int) % 8, weight.ravel(), 8) / max(1.0, float(weight.sum()))
        rows.append([value.mean() / 255, value.std() / 255, saturation.mean() / 255, *shares])
    return np.asarray(np.mean(rows, axis=0), np.float32)
