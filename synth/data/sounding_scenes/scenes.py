"""Scenes of sounding and silent things at known places: pictures, their sound, and exact boxes, from one integer.

What the localisation papers had to draw by hand on Flickr-SoundNet (Senocak et al., CVPR 2018, arXiv 1803.03849) and
AudioSet-Instruments (Arandjelovic and Zisserman, ECCV 2018, arXiv 1712.06651) is known here by construction. A thing
looks the same whether it sounds or not, so that only the sound can tell which of two things is heard.

The same names and the same seed give the same scene; the clip that :func:`scene` gives remembers both, so that
:func:`write` can show it in motion. Importable without torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.boxes import Box
from synth.data.corpora.av_clip import RATE_HZ, AVClip
from synth.data.sounding_scenes import backgrounds
from synth.data.sounding_scenes.drawings import Look, draw_look, patch_of
from synth.data.sounding_scenes.sound_recipes import RECIPES
from synth.data.sounding_scenes.sounds import Sound, peaked, recordings_of, sound_of
from synth.data.sounding_scenes.tree import TREE, tree_distance
from synth.errors import OptionError
from synth.media import video

__all__ = [
    "CLASSES", "FRAME_S", "TREE", "Plan", "Thing", "frames", "picture_of", "plan", "recordings_of", "scene",
    "sound_of", "tree_distance", "write",
]  # fmt: skip

CLASSES: Final[tuple[str, ...]] = tuple(RECIPES)
"""The ten of ESC-10 by its folders' names, then eight more."""
FRAME_S: Final = 0.04
MOST_THINGS: Final = 3
_SIZES: Final = (0.22, 0.6)
_COVERED: Final = 0.2  # of the smaller box, as they are placed; the rest of a third is left to their motion
_SWAY: Final = 0.04  # of a thing's own size
_ROUGH_PX: Final = 56  # at which a thing's width and height are measured before it is placed
_NAMES, _PLACES, _BEHIND, _HEARD, _LIGHT = range(5)


@dataclass(frozen=True)
class Thing:
    """One object of a scene.

    Attributes:
        look: how it looks.
        sounding: whether it is heard.
        x, y: of its middle, as shares of the picture's side.
        extent: width and height at time 0, in shares of the picture's side.
        sway: how far it moves to the right and down, in shares of the picture's side.
        sway_hz: how often it does.
    """

    look: Look
    sounding: bool
    x: float
    y: float
    extent: tuple[float, float]
    sway: tuple[float, float]
    sway_hz: float


@dataclass(frozen=True)
class Plan:
    """All of a scene but its sound.

    Attributes:
        seed: of the background and the light.
        things: back to front.
        sounding: classes, the loudest first.
    """

    seed: int
    things: tuple[Thing, ...]
    sounding: tuple[str, ...]


def scene(
    seed: int, *, sounding: Sequence[str] | None = None, silent: Sequence[str] | None = None, duration_s: float = 4.0,
    pictures: int = 2, size_px: int = 224, recordings: Mapping[str, Sequence[Sound]] | None = None,
) -> AVClip:  # fmt: skip
    """A scene as a clip: one to three things, boxes around each, and the mix of those that sound.

    Args:
        seed: 0 or more; everything follows from it and the names.
        sounding: classes that are heard, the loudest first, at most two; None: one or two at random. Empty: silence.
        silent: classes that are seen only; None: at random, up to three things in all.
        duration_s: of the sound; above 0.
        pictures: K, spread evenly over the duration; at least 1.
        size_px: of the square pictures; 32 or more.
        recordings: see :func:`synth.data.sounding_scenes.sounds.sound_of`.

    Raises:
        OptionError: a class is unknown or named twice, there are too many, or a number is out of its range.
    """
    if pictures < 1 or size_px < 32 or not duration_s > 0:
        raise OptionError(
            f"pictures, size and duration are {pictures}, {size_px} px and {duration_s:g} s;"
            " allowed are 1, 32 px, more than 0 s and up"
        )
    planned = plan(seed, sounding=sounding, silent=silent)
    steps = [round((k + 0.5) * duration_s / pictures / FRAME_S) for k in range(pictures)]
    times = tuple(float(min(step * FRAME_S, duration_s)) for step in steps)
    behind = _behind(planned, size_px)
    shown = [picture_of(planned, time_s, size_px, behind) for time_s in times]
    return AVClip(
        name=f"scene-{seed}",
        group=f"scene-{seed}",
        pictures=np.stack([picture for picture, _ in shown]),
        times_s=times,
        sound=_mix(planned, duration_s, recordings),
        frame_s=FRAME_S,
        labels=planned.sounding,
        boxes=tuple(boxes for _, boxes in shown),
    )


def plan(seed: int, *, sounding: Sequence[str] | None = None, silent: Sequence[str] | None = None) -> Plan:
    """What stands where; arguments and errors as of :func:`scene`."""
    if seed < 0:
        raise OptionError(f"the seed is {seed}; allowed are 0 and up")
    heard, seen = _names(np.random.default_rng([seed, _NAMES]), sounding, silent)
    rng = np.random.default_rng([seed, _PLACES])
    things: list[Thing] = []
    order = [(name, name in heard) for name in sorted((*heard, *seen))]
    for index in rng.permutation(len(order)):
        label, heard_too = order[int(index)]
        things.append(_placed(label, heard_too, things, rng))
    return Plan(seed, tuple(things), heard)


def picture_of(
    planned: Plan, time_s: float, size_px: int = 224, behind: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.uint8], tuple[Box, ...]]:
    """The scene at a time, uint8 [size_px, size_px, 3], and what stands where, back to front.

    Args:
        behind: the background, where it is at hand from another time.
    """
    picture = (_behind(planned, size_px) if behind is None else behind).copy()
    boxes = []
    for thing in planned.things:
        colour, alpha = patch_of(thing.look, time_s, size_px)
        height, width = alpha.shape
        turn = np.sin(2 * np.pi * thing.sway_hz * time_s)
        left = int(np.clip(round((thing.x + thing.sway[0] * turn) * size_px - width / 2), 0, size_px - width))
        top = int(np.clip(round((thing.y + thing.sway[1] * turn) * size_px - height / 2), 0, size_px - height))
        under = picture[top : top + height, left : left + width]
        under += (colour - under) * alpha[..., None]
        edges = (left / size_px, top / size_px, (left + width) / size_px, (top + height) / size_px)
        boxes.append(Box(thing.look.label, thing.sounding, *edges))
    return _lit(picture, planned.seed), tuple(boxes)


def frames(
    seed: int, *, sounding: Sequence[str] | None = None, silent: Sequence[str] | None = None, duration_s: float = 4.0,
    size_px: int = 224, rate_fps: float = 12.5,
) -> Iterator[NDArray[np.uint8]]:  # fmt: skip
    """The scene in motion; frame k shows ``k / rate_fps`` seconds. Arguments and errors as of :func:`scene`."""
    planned = plan(seed, sounding=sounding, silent=silent)
    behind = _behind(planned, size_px)
    for frame in range(max(1, round(duration_s * rate_fps))):
        yield picture_of(planned, frame / rate_fps, size_px, behind)[0]


def write(clip: AVClip, target: Path) -> None:
    """Render a clip of :func:`scene` in motion, 12.5 frames a second, with its sound (mp4, mov or mkv by suffix).

    Raises:
        OptionError: the clip is not a scene, or its side is odd.
        MediaError: ``target`` cannot be written.
    """
    kind, _, seed = clip.name.rpartition("-")
    size_px = clip.pictures.shape[1]
    if kind != "scene" or not seed.isdecimal() or not clip.boxes:
        raise OptionError(f"{clip.name!r} is not a scene; its name would be scene-<seed>")
    if size_px % 2:
        raise OptionError(f"the scene's side is {size_px} px; a video needs an even one")
    seen = [box.label for box in clip.boxes[0] if not box.sounding]
    shown = frames(int(seed), sounding=clip.labels, silent=seen, duration_s=clip.duration_s, size_px=size_px)
    video.write_frames(shown, target, rate_fps=12.5, sound=clip.sound, sound_rate_hz=RATE_HZ)


def _names(
    rng: np.random.Generator, sounding: Sequence[str] | None, silent: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    named = [*(sounding or ()), *(silent or ())]
    unknown = [name for name in named if name not in RECIPES]
    if unknown:
        raise OptionError(f"the class {unknown[0]!r} is unknown; allowed are {', '.join(CLASSES)}")
    if len(set(named)) < len(named) or len(named) > MOST_THINGS or len(sounding or ()) > 2:
        raise OptionError(f"the things are {', '.join(named)}; allowed are three different ones, two of them sounding")
    others = [str(name) for name in rng.permutation([name for name in CLASSES if name not in named])]
    total, pair = 1 + int(rng.choice(3, p=[0.3, 0.4, 0.3])), rng.random() < 0.3
    if sounding is None:
        room = max(1, min(2 if pair else 1, total, MOST_THINGS - len(silent or ())))
        if room > MOST_THINGS - len(silent or ()):
            raise OptionError("three silent things leave no room for one that sounds; pass sounding=() for none")
        sounding, others = others[:room], others[room:]
    if silent is None:
        silent = others[: max(0, total - len(sounding))]
    return tuple(sounding), tuple(silent)


def _placed(label: str, sounding: bool, others: Sequence[Thing], rng: np.random.Generator) -> Thing:
    """A thing where it covers little of the others; smaller where there is no room."""
    look = draw_look(label, _ROUGH_PX / 224, rng)
    tall, wide = (float(side) / _ROUGH_PX for side in patch_of(look, 0.0, 224)[1].shape)
    low, high = _SIZES
    for attempt in range(200):
        size = float(rng.uniform(low, max(low, high - 0.02 * max(0, attempt - 10))))
        x, y = rng.uniform(wide * size / 2, 1 - wide * size / 2), rng.uniform(tall * size / 2, 1 - tall * size / 2)
        mine = (float(x), float(y), wide * size, tall * size)
        if all(_overlap(mine, (other.x, other.y, *other.extent)) <= _COVERED for other in others):
            break
    sway = rng.uniform(-1, 1, 2) * _SWAY * np.array(mine[2:])
    look, sway_hz = replace(look, size=size), float(rng.uniform(0.3, 1.2))
    return Thing(look, sounding, mine[0], mine[1], mine[2:], (float(sway[0]), float(sway[1])), sway_hz)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """How much of the smaller of two boxes (middle x, y, width, height) lies in both."""
    wide = min(one[0] + one[2] / 2, other[0] + other[2] / 2) - max(one[0] - one[2] / 2, other[0] - other[2] / 2)
    tall = min(one[1] + one[3] / 2, other[1] + other[3] / 2) - max(one[1] - one[3] / 2, other[1] - other[3] / 2)
    return max(wide, 0.0) * max(tall, 0.0) / min(one[2] * one[3], other[2] * other[3])


def _behind(planned: Plan, size_px: int) -> NDArray[np.float32]:
    return backgrounds.background(np.random.default_rng([planned.seed, _BEHIND]), size_px)


def _lit(picture: NDArray[np.float32], seed: int) -> NDArray[np.uint8]:
    """Brightness, colour, blur and noise of a camera, the same for all pictures of a scene."""
    rng = np.random.default_rng([seed, _LIGHT])
    side_px = len(picture)
    blur, noise = float(rng.choice([0.0, 0.0, 0.5, 0.9])) * side_px / 224, rng.uniform(0.5, 6)
    gains, lift = rng.uniform(0.75, 1.15) * rng.uniform(0.92, 1.08, 3), rng.uniform(-12, 14)
    if blur > 0.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
    grains = rng.standard_normal((side_px, side_px, 1), np.float32) * noise
    lit: NDArray[np.uint8] = np.clip(picture * gains.astype(np.float32) + lift + grains, 0, 255).astype(np.uint8)
    return lit


def _mix(planned: Plan, duration_s: float, recordings: Mapping[str, Sequence[Sound]] | None) -> Sound:
    """The sounding things, each next one weaker, with a weak background noise at times; else a faint floor."""
    rng = np.random.default_rng([planned.seed, _HEARD])
    count = round(duration_s * RATE_HZ)
    floor = np.cumsum(rng.standard_normal(count + 1).astype(np.float32))
    floor = peaked(floor[1:] - 0.98 * floor[:-1] - np.float32(0.02 * floor.mean()), 1.0)
    if not planned.sounding:
        return floor * np.float32(10 ** (rng.uniform(-66, -56) / 20))
    mix, louder = np.zeros(count, np.float32), 0.0
    for label in planned.sounding:
        one = sound_of(label, duration_s, rng, recordings)
        strength = float(np.sqrt(np.mean(one**2)))
        if louder:  # the first one named stays the main one
            one = one * np.float32(min(3.0, louder / max(strength, 1e-6)) * 10 ** (rng.uniform(-8, -2) / 20))
        louder = louder or strength
        mix += one
    if rng.random() < 0.5:
        mix += floor * np.float32(10 ** (rng.uniform(-46, -30) / 20))
    peak = float(np.abs(mix).max(initial=0.0))
    return mix if peak <= 0.9 else peaked(mix, 0.9)
