"""Pictures that nobody took: what the packaged ImageNet net would see if a real picture showed a dog, or a drum.

Our scenes are drawn, and what a net learns of drawn dogs says little of photographed ones; photographs with sound and
a free licence are not at hand. But the packaged net has seen a million photographs, and its last layer knows which
features mean "dog". So real frames, of whatever clips there are, are changed: within a region, the features are pushed
along the gradient (for pooled features: along the class's own direction) until the net would say that class. The region
is then paired with a sound of the class; a second region may show something that is silent. Which ImageNet classes
belong to which sound stands in a table by hand; words that came into :mod:`synth.models.scene_words` in view of the
clips that are measured on are left out.

Shapes: K frames, maps [K, 432, 14, 14] of which the last 320 channels are pushed, pooled features [K, 1280].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from synth import weights
from synth.data import av_scenes
from synth.data.av_clip import Box
from synth.models.imagenet import MAP_SIDE, ImageNetEye
from synth.models.l3net import log_mel
from synth.models.scene_words import DOGS, SEEN_IN_EVALUATION, WORDS
from synth.training.av_data import AVData, Kept

Floats = NDArray[np.float32]

_FURTHER: Final[Mapping[str, Sequence[int]]] = {
    "dog": DOGS,
    "bell": (442, 494),
    "drum": (541, 822),
    "siren": (407, 555, 734),
    "engine": (468, 511, 609, 665, 670, 717, 817, 867),
    "whistle": (902,),
    "bird": (*range(8, 25), *range(80, 100), *range(127, 147)),
    "hammer": (587,),
    "speech": (457, 617, 650, 834, 903, 906),  # what people wear who are looked at: ImageNet has no person
}
SIGHTS: Final[Mapping[str, Sequence[int]]] = {
    **{
        name: [index for word, (index, weight) in words.items() if weight >= 0.5 and word not in SEEN_IN_EVALUATION]
        for name, words in WORDS.items()
    },
    **_FURTHER,
}
"""Label of a sound -> ImageNet classes that show it."""

_FINE: Final = 112  # channels before the coarse ones
_STEPS: Final = 8
_STRIDE: Final = 0.35  # of the norm of a region's features, a step
_AT_ONCE: Final = 32
_SECONDS: Final = 4.0
_MARGIN: Final = (2.0, 8.0)  # by which the pushed class is to lead, in logits


@dataclass(frozen=True)
class _Region:
    label: str
    sounding: bool
    target: int
    box: tuple[int, int, int, int]  # left, top, right, bottom, in positions


def imagined(
    films: AVData, count: int, recordings: Mapping[str, Sequence[Floats]] | None, seed: int, mixes: int = 3
) -> AVData:
    """Real frames, each with a thing that it does not show, and that thing's sound.

    Args:
        films: whose frames are changed.
        recordings: of :func:`synth.data.av_scenes.recordings_of`; without them sounds are computed.
        mixes: so many sounds of each.
    """
    eye = ImageNetEye(weights.load_imagenet())
    rng = np.random.default_rng([seed, 11])
    frames = rng.integers(len(films.maps), size=count)
    regions = [_regions(rng) for _ in range(count)]
    maps, pooled = [], []
    for some in tqdm(list(_lots(count)), desc="imagined pictures", unit="lot", disable=None):
        pushed = push(eye, np.asarray(films.maps[frames[some]], np.float32), [regions[n] for n in some], rng)
        with torch.inference_mode():
            pooled.append(eye.head(torch.from_numpy(pushed[:, _FINE:])).mean((2, 3)).numpy())
        maps.append(pushed.astype(np.float16))
    kept, mels = [], []
    for number, found in enumerate(regions):
        label = found[0].label
        sounds = [av_scenes.sound_of(label, _SECONDS, rng, recordings) for _ in range(mixes)]
        mels.append(np.stack([log_mel(sound).astype(np.float16) for sound in sounds]))
        boxes = tuple(Box(one.label, one.sounding, *(float(edge) / MAP_SIDE for edge in one.box)) for one in found)
        name = f"imagined-{seed}-{number}"
        kept.append(Kept(name, name, (label,), (_SECONDS / 2,), av_scenes.FRAME_S, _SECONDS, number, (boxes,)))
    together = np.concatenate(pooled)
    with torch.inference_mode():
        classes = eye.answers(torch.from_numpy(together)).numpy()
    return AVData(
        tuple(kept), np.concatenate(maps), together, classes, np.asarray(films.pictures[frames]), np.stack(mels)
    )


def _lots(count: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, count, _AT_ONCE):
        yield np.arange(first, min(count, first + _AT_ONCE))


def _regions(rng: np.random.Generator) -> tuple[_Region, ...]:
    """One that sounds and, half of the time, one that does not; they do not touch."""
    first = _region(rng, True, set())
    if rng.random() < 0.5:
        return (first,)
    for _ in range(20):
        second = _region(rng, False, {first.label})
        if _apart(first.box, second.box):
            return first, second
    return (first,)


def _region(rng: np.random.Generator, sounding: bool, without: set[str]) -> _Region:
    label = str(rng.choice([name for name in av_scenes.CLASSES if name not in without and SIGHTS.get(name)]))
    width, height = (int(side) for side in rng.integers(4, 10, 2))
    left, top = int(rng.integers(MAP_SIDE - width + 1)), int(rng.integers(MAP_SIDE - height + 1))
    return _Region(label, sounding, int(rng.choice(list(SIGHTS[label]))), (left, top, left + width, top + height))


def _apart(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def push(eye: ImageNetEye, maps: Floats, regions: Sequence[Sequence[_Region]], rng: np.random.Generator) -> Floats:
    """Maps [B, 432, 14, 14] whose regions the net would take for their target classes."""
    coarse = torch.from_numpy(maps[:, _FINE:].copy())
    for place in range(max(len(found) for found in regions)):
        rows = [row for row, found in enumerate(regions) if place < len(found)]
        masks = torch.zeros(len(rows), 1, MAP_SIDE, MAP_SIDE)
        for index, row in enumerate(rows):
            left, top, right, bottom = regions[row][place].box
            masks[index, 0, top:bottom, left:right] = 1
        targets = torch.tensor([regions[row][place].target for row in rows])
        margins = torch.from_numpy(rng.uniform(*_MARGIN, len(rows)).astype(np.float32))
        coarse[rows] = _pushed(eye, coarse[rows], masks, targets, margins)
    return np.concatenate([maps[:, :_FINE], coarse.numpy()], axis=1)


def _pushed(
    eye: ImageNetEye, coarse: torch.Tensor, masks: torch.Tensor, targets: torch.Tensor, margins: torch.Tensor
) -> torch.Tensor:
    area = masks.sum((2, 3))
    usual = (coarse * masks).square().sum((1, 2, 3), keepdim=True).sqrt()
    for _ in range(_STEPS):
        moving = coarse.clone().requires_grad_(True)
        logits = eye.answers((eye.head(moving) * masks).sum((2, 3)) / area)
        own = logits.gather(1, targets[:, None])[:, 0]
        others = logits.scatter(1, targets[:, None], -1e4).amax(1)
        lacking = (margins - (own - others)).clamp_min(0)
        (slope,) = torch.autograd.grad(lacking.sum(), moving)
        slope = slope * masks
        length = slope.square().sum((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-9)
        coarse = coarse - _STRIDE / _STEPS * 2 * usual * slope / length
    return coarse.detach()


def pooled_like(
    label: str, features: Floats, directions: tuple[Floats, Floats], rng: np.random.Generator
) -> Floats | None:
    """Pooled features [1280] of a real picture, pushed until the net would say one to three sights of a label.

    ``None`` where ImageNet has no sight of it.
    """
    sights = list(SIGHTS.get(label, ()))
    if not sights:
        return None
    weight, level = directions
    chosen = rng.choice(sights, size=min(len(sights), int(rng.integers(1, 4))), replace=False)
    found = features * np.float32(rng.uniform(0.3, 1.0))
    # Away from what all classes share: only what tells this one from the rest.
    towards = weight[chosen].mean(0) - weight.mean(0)
    logits = weight @ found + level
    lacking = logits.max() - logits[chosen].mean() + rng.uniform(*_MARGIN)
    found = found + towards * np.float32(lacking / max(1e-6, float(towards @ towards)))
    # The features' last step is a swish, which never goes below this.
    return np.maximum(found, -0.28).astype(np.float32)
