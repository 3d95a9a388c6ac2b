"""Pictures with their sound, as the systems that learn from both see them: one clip, and pairs drawn from many.

Two shortcuts would spoil what is learnt (Arandjelovic and Zisserman, ECCV 2018, arXiv 1712.06651, section 3.3), and
are shut here: a sound that starts on the grid of the frames in positive pairs and anywhere in negative ones gives the
answer away by its compression and its timing alone, so both are drawn on that grid; and clips cut from one recording
share its noise, so a split is by recording, and negatives come from another one.

Importable without torch. Shapes: K pictures of H x W pixels, N samples.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.boxes import Box
from synth.errors import OptionError

RATE_HZ: Final = 22050
"""Of every sound that these systems hear."""


@dataclass(frozen=True)
class AVClip:
    """A stretch of video with its sound, decoded.

    Attributes:
        name: unique within its corpus.
        group: the recording that it was cut from; a split never parts a group.
        pictures: uint8 [K, H, W, 3].
        times_s: [K] of the pictures, from the start of the sound.
        sound: float32 [N] at :data:`RATE_HZ`.
        frame_s: the period of the video's frames.
        labels: what sounds, where it is known; the first is the main one.
        boxes: per picture, what stands where; empty where nobody knows.
    """

    name: str
    group: str
    pictures: NDArray[np.uint8]
    times_s: tuple[float, ...]
    sound: NDArray[np.float32]
    frame_s: float
    labels: tuple[str, ...] = ()
    boxes: tuple[tuple[Box, ...], ...] = ()

    @property
    def duration_s(self) -> float:
        """Of the sound."""
        return len(self.sound) / RATE_HZ


class Filmed(Protocol):
    """What pairs are drawn from: an :class:`AVClip`, or what a cache keeps of one."""

    @property
    def group(self) -> str:
        """The recording that it was cut from."""

    @property
    def times_s(self) -> tuple[float, ...]:
        """Of its pictures."""

    @property
    def frame_s(self) -> float:
        """The period of its frames."""

    @property
    def duration_s(self) -> float:
        """Of its sound."""


@dataclass(frozen=True)
class Pair:
    """A picture and a stretch of sound, by number and time.

    Attributes:
        clip, picture: numbers of the clip and of the picture within it.
        heard: number of the clip that the sound is of; ``clip`` itself in a positive pair.
        start_s: where the sound begins, a whole multiple of that clip's frame period.
        positive: whether they belong together.
    """

    clip: int
    picture: int
    heard: int
    start_s: float
    positive: bool


def draw_pairs(
    clips: Sequence[Filmed], count: int, window_s: float, rng: np.random.Generator, *, slack_s: float = 0.0
) -> list[Pair]:
    """Pairs, positive and negative in turn.

    Args:
        clips: of at least two groups.
        window_s: seconds of sound.
        slack_s: how far outside the window the picture of a positive pair may lie.

    Raises:
        OptionError: all clips are of one group.
    """
    if len({clip.group for clip in clips}) < 2:
        raise OptionError("pairs need clips of at least two recordings; there is one")
    pairs = []
    for number in range(count):
        mine = int(rng.integers(len(clips)))
        picture = int(rng.integers(len(clips[mine].times_s)))
        if number % 2 == 0:
            start_s = _around(clips[mine], clips[mine].times_s[picture], window_s, slack_s, rng)
            pairs.append(Pair(mine, picture, mine, start_s, True))
            continue
        other = int(rng.integers(len(clips)))
        while clips[other].group == clips[mine].group:
            other = int(rng.integers(len(clips)))
        pairs.append(Pair(mine, picture, other, _anywhere(clips[other], window_s, rng), False))
    return pairs


def _around(clip: Filmed, time_s: float, window_s: float, slack_s: float, rng: np.random.Generator) -> float:
    """A start on the frame grid such that the picture lies inside the window, or ``slack_s`` outside."""
    last = max(0, int((clip.duration_s - window_s) / clip.frame_s))
    low = int(np.clip(np.ceil((time_s - window_s - slack_s) / clip.frame_s), 0, last))
    high = int(np.clip(np.floor((time_s + slack_s) / clip.frame_s), low, last))
    return float(rng.integers(low, high + 1)) * clip.frame_s


def _anywhere(clip: Filmed, window_s: float, rng: np.random.Generator) -> float:
    last = max(0, int((clip.duration_s - window_s) / clip.frame_s))
    return float(rng.integers(last + 1)) * clip.frame_s


def window(clip: AVClip, start_s: float, window_s: float) -> NDArray[np.float32]:
    """The sound from ``start_s`` on, float32 [window_s * RATE_HZ], repeated from its start where the clip is short."""
    count, first = round(window_s * RATE_HZ), round(start_s * RATE_HZ)
    part = clip.sound[first : first + count]
    if len(part) == count:
        return part
    if not len(clip.sound):
        return np.zeros(count, np.float32)
    return np.resize(np.concatenate([part, clip.sound]), count).astype(np.float32)


def part_of(group: str, held_out: float = 0.15) -> str:
    """``"train"`` or ``"test"``: the side of the split that a recording lies on, by a hash of its name alone."""
    return "test" if zlib.crc32(f"split {group}".encode()) % 1000 < held_out * 1000 else "train"
