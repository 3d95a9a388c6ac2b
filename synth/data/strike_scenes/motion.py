"""How the stick moves: strokes drawn in the measured rhythm, and one continuous path through them.

Coordinates are those of the struck surface, in metres: ``u`` to the right, ``v`` away from the camera, ``h`` the height
above it, so that contact is ``h == 0``. The stick is rigid: the path moves the grip, the height of the tip fixes
the pitch, and the tip follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Measured on the label files of 970 videos of the Greatest Hits data set (39,676 onsets, 14,346 with a material).
MATERIAL_SHARES: Final[dict[str, float]] = {
    "wood": 0.165, "metal": 0.145, "dirt": 0.122, "rock": 0.099, "leaf": 0.095, "plastic": 0.076, "cloth": 0.073,
    "paper": 0.057, "grass": 0.038, "water": 0.028, "drywall": 0.019, "gravel": 0.018, "plastic-bag": 0.016,
    "ceramic": 0.014, "tile": 0.013, "carpet": 0.012, "glass": 0.011,
}  # fmt: skip
"""Share of each material among the onsets that name one."""

SCRATCH_SHARES: Final[dict[str, float]] = {
    "wood": 0.26, "metal": 0.30, "dirt": 0.36, "rock": 0.32, "leaf": 0.41, "plastic": 0.32, "cloth": 0.12,
    "paper": 0.21, "grass": 0.36, "water": 0.64, "drywall": 0.35, "gravel": 0.59, "plastic-bag": 0.36,
    "ceramic": 0.21, "tile": 0.40, "carpet": 0.20, "glass": 0.30,
}  # fmt: skip
"""Share of scratches among the onsets of a material that name their action."""

VIDEO_GAP_QUANTILES_S: Final = ((0.0, 0.33), (0.05, 0.40), (0.25, 0.533), (0.5, 0.60), (0.75, 0.733), (0.95, 0.933),
                                (1.0, 1.6))  # fmt: skip
"""Quantiles over videos of a video's median time between onsets; the median over all onsets is 0.533 s."""

GAP_SPREAD_QUANTILES: Final = ((0.0, 0.05), (0.05, 0.095), (0.25, 0.168), (0.5, 0.246), (0.75, 0.344), (0.95, 0.514),
                               (1.0, 0.6))  # fmt: skip
"""Quantiles over videos of the standard deviation of the logarithm of that time."""

SHORTEST_GAP_S: Final = 0.2
"""No two onsets of the label files lie closer."""

REBOUND: Final[dict[str, float]] = {
    "wood": 0.30, "metal": 0.35, "dirt": 0.08, "rock": 0.30, "leaf": 0.06, "plastic": 0.28, "cloth": 0.08,
    "paper": 0.15, "grass": 0.06, "water": 0.04, "drywall": 0.28, "gravel": 0.08, "plastic-bag": 0.08,
    "ceramic": 0.32, "tile": 0.34, "carpet": 0.12, "glass": 0.33,
}  # fmt: skip
"""Height of the first rebound as a share of the height of the swing; chosen by eye, soft things swallow the stick."""

SMOOTH: Final = 0
STRIKE: Final = 1
REBOUNDING: Final = 2
LINEAR: Final = 3


@dataclass(frozen=True)
class Stroke:
    """One swing of the stick.

    Attributes:
        time_s: when it touches, or for a miss when it turns.
        kind: ``"hit"``, ``"scratch"`` or ``"miss"``.
        spot_m: ``(u, v)`` of the contact.
        peak_m: height from which the tip falls.
        clearance_m: height of the tip at ``time_s``; above 0 for a miss and 0 otherwise.
        fall_s: time from the peak to the contact.
        contact_s: how long the tip then stays on the surface.
        strength: 0..1, from the speed of the tip at contact.
        rubs: a scratch that follows another one without the stick leaving the surface in between.
    """

    time_s: float
    kind: str
    spot_m: tuple[float, float]
    peak_m: float
    clearance_m: float
    fall_s: float
    contact_s: float
    strength: float
    rubs: bool = False


@dataclass(frozen=True)
class Manner:
    """How this person strikes, the same for a whole scene; lengths in metres, angles in radians."""

    reach_m: float  # from the grip to the tip
    azimuth: float  # of the stick, seen from above the surface
    grip_height_m: float  # of the hand while the tip touches
    wrist: float  # share of the swing that the wrist makes; the rest is lifting the whole hand
    sharpness: float  # exponent of the fall: 1 is even speed, 2 is free fall
    leaves: float  # chance that the hand leaves the picture between two strokes
    dwells: float  # chance that the stick rests where it struck
    raised: float  # chance that the stick waits high rather than low
    rebound: float


@dataclass(frozen=True, eq=False)
class StickPath:
    """A continuous path through key poses.

    Attributes:
        times_s: [K], increasing.
        poses: [K, 5] grip ``u``, grip ``v``, tip height, azimuth, and how far the hand is out of the picture (0..1).
        eases: [K], how each pose is approached.
        manner: what the poses leave open.
    """

    times_s: NDArray[np.float64]
    poses: NDArray[np.float64]
    eases: NDArray[np.int64]
    manner: Manner

    def at(self, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Grip [T, 3] and direction of the stick [T, 3] with the hand in place, and its share outside [T]."""
        pose = self._interpolated(times_s)
        manner = self.manner
        height = pose[:, 2]
        lift = (1 - manner.wrist) * height
        sine = np.clip((height - manner.grip_height_m - lift) / manner.reach_m, -0.96, 0.96)
        sideways = np.sqrt(1 - sine**2)
        direction = np.stack([np.cos(pose[:, 3]) * sideways, np.sin(pose[:, 3]) * sideways, sine], axis=1)
        grip = np.stack([pose[:, 0], pose[:, 1], height - sine * manner.reach_m], axis=1)
        return grip, direction, pose[:, 4]

    def _interpolated(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        times = np.clip(times_s, self.times_s[0], self.times_s[-1])
        after = np.clip(np.searchsorted(self.times_s, times, side="left"), 1, len(self.times_s) - 1)
        before = after - 1
        share = (times - self.times_s[before]) / (self.times_s[after] - self.times_s[before])
        smooth = share**3 * (10 - 15 * share + 6 * share**2)
        ease = self.eases[after]
        sharp = self.manner.sharpness
        fall = np.select(
            [ease == STRIKE, ease == REBOUNDING, ease == LINEAR],
            [share**sharp, 1 - (1 - share) ** sharp, share],
            smooth,
        )
        even = np.where(ease == STRIKE, 1 - (1 - share) ** 1.5, np.where(ease == LINEAR, share, smooth))
        shares = np.stack([even, even, fall, even, even], axis=1)
        return np.asarray(self.poses[before] + shares * (self.poses[after] - self.poses[before]))


def from_quantiles(rng: np.random.Generator, quantiles: tuple[tuple[float, float], ...]) -> float:
    """One draw from the distribution that has these ``(share, value)`` quantiles."""
    shares, values = zip(*quantiles, strict=True)
    return float(np.interp(rng.random(), shares, values))


def draw_manner(rng: np.random.Generator, material: str, azimuth: float) -> Manner:
    """A person's way of striking this material with the stick at this azimuth (radians)."""
    reach = rng.uniform(0.18, 0.32)
    return Manner(
        reach_m=reach,
        azimuth=azimuth,
        grip_height_m=reach * rng.uniform(0.03, 0.5),
        wrist=rng.uniform(0.35, 0.95),
        sharpness=rng.uniform(1.5, 2.6),
        leaves=float(rng.choice([0.0, 0.1, 0.5, 0.95], p=[0.4, 0.3, 0.15, 0.15])),
        dwells=rng.uniform(0.0, 0.8),
        raised=rng.uniform(0.3, 1.0),
        rebound=REBOUND[material] * rng.uniform(0.4, 1.4),
    )


def draw_strokes(
    rng: np.random.Generator,
    material: str,
    duration_s: float,
    spots_m: NDArray[np.float64],
    highest_m: float,
    *,
    demo: bool,
) -> tuple[Stroke, ...]:
    """Strokes in the measured rhythm between the first moments and the end of the scene.

    Args:
        spots_m: [S, 2] places that may be struck, in the order in which the person comes to them.
        highest_m: no swing starts above this height.
    """
    if not demo and rng.random() < 0.04:
        return ()
    gap_s = from_quantiles(rng, VIDEO_GAP_QUANTILES_S)
    spread = from_quantiles(rng, GAP_SPREAD_QUANTILES)
    if demo:
        gap_s, spread = max(gap_s, 0.6), min(spread, 0.15)
    usual_peak = highest_m * rng.uniform(0.4, 1.0)
    usual_fall = rng.uniform(0.06, 0.17)
    moves = rng.choice([0.03, 0.25, 0.8])
    misses = 0.0 if demo else float(rng.choice([0.0, 0.08, 0.3], p=[0.4, 0.4, 0.2]))
    scratches = rng.random() < 0.75
    rubbing = float(rng.choice([0.0, 0.3, 0.8]))
    strokes: list[Stroke] = []
    spot = 0
    time_s = 0.6 if demo else float(rng.uniform(0.05, 0.3) if rng.random() < 0.7 else rng.uniform(0.3, 2.0))
    while time_s < duration_s - (0.3 if demo else 0.02):
        kind = "hit"
        if rng.random() < misses:
            kind = "miss"
        elif scratches and rng.random() < SCRATCH_SHARES[material] / 0.75 and not (demo and len(strokes) % 4 != 3):
            kind = "scratch"
        gap = max(SHORTEST_GAP_S, gap_s * float(np.exp(spread * rng.standard_normal())))
        if not demo and rng.random() < 0.03:
            gap += rng.uniform(0.5, 3.0)
        stroke = _stroke(rng, kind, time_s, spots_m[spot], usual_peak, usual_fall, gap, highest_m)
        if strokes and kind == strokes[-1].kind == "scratch" and rng.random() < rubbing:
            stroke = replace(stroke, rubs=time_s - strokes[-1].time_s < 1.2)
        strokes.append(stroke)
        if rng.random() < moves:
            spot = (spot + 1) % len(spots_m)
        time_s += gap
    return tuple(strokes)


def _stroke(
    rng: np.random.Generator,
    kind: str,
    time_s: float,
    spot_m: NDArray[np.float64],
    usual_peak_m: float,
    usual_fall_s: float,
    gap_s: float,
    highest_m: float,
) -> Stroke:
    peak = min(highest_m, usual_peak_m * float(np.exp(0.3 * rng.standard_normal())))
    if kind == "scratch" and rng.random() < 0.6:
        peak *= rng.uniform(0.1, 0.5)
    fall = min(usual_fall_s * float(np.exp(0.25 * rng.standard_normal())), 0.45 * gap_s)
    contact = 0.0
    if kind == "scratch":
        contact = min(rng.uniform(0.2, 1.0), 0.75 * gap_s)
    place = spot_m + rng.normal(0.0, 0.008, 2)
    return Stroke(
        time_s=time_s,
        kind=kind,
        spot_m=(float(place[0]), float(place[1])),
        peak_m=peak,
        clearance_m=float(peak * rng.uniform(0.2, 0.6)) if kind == "miss" else 0.0,
        fall_s=fall,
        contact_s=contact,
        strength=float(np.clip(0.15 + 0.25 * peak / fall, 0.05, 1.0)),
    )


class _Keys:
    """The key poses under construction."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.poses: list[tuple[float, float, float, float, float]] = []
        self.eases: list[int] = []

    def add(
        self, time_s: float, place: NDArray[np.float64], height: float, azimuth: float, out: float = 0.0, ease: int = 0
    ) -> None:
        # Keys that would coincide are moved apart: the interpolation divides by their distance.
        if self.times and time_s <= self.times[-1]:
            time_s = self.times[-1] + 1e-4
        self.times.append(time_s)
        self.poses.append((float(place[0]), float(place[1]), height, azimuth, out))
        self.eases.append(ease)


def build_path(
    rng: np.random.Generator, strokes: tuple[Stroke, ...], duration_s: float, manner: Manner, peak_m: float
) -> StickPath:
    """The path through all strokes: wait, raise, fall, touch, rebound or slide, and on to the next."""
    keys = _Keys()
    home = np.zeros(2)
    if strokes:
        home = grip_place(manner, strokes[0].spot_m, manner.azimuth)
    away = not strokes or (rng.random() < 0.5 and strokes[0].time_s > 0.35)
    keys.add(-1.0, home, peak_m * 0.5, manner.azimuth, 1.0 if away else 0.0)
    for index, stroke in enumerate(strokes):
        azimuth = manner.azimuth + rng.normal(0.0, 0.08)
        place = grip_place(manner, stroke.spot_m, azimuth)
        following = strokes[index + 1] if index + 1 < len(strokes) else None
        if stroke.rubs:
            place, azimuth = np.array(keys.poses[-1][:2]), keys.poses[-1][3]
        else:
            _approach(rng, keys, stroke, place, azimuth, manner, first=index == 0)
        fall_s = 0.02 if following and following.rubs else following.fall_s if following else -1.0
        spare_s = (following.time_s if following else duration_s) - fall_s - stroke.time_s
        _touch(rng, keys, stroke, place, azimuth, manner, spare_s)
        if not (following and following.rubs):
            _release(rng, keys, stroke, place, azimuth, manner, spare_s)
    if not strokes and rng.random() < 0.6:
        _fidget(rng, keys, duration_s, manner, peak_m)
    last = keys.times[-1]
    out = 1.0 if rng.random() < 0.5 else 0.0
    keys.add(max(last + rng.uniform(0.3, 0.7), last + 0.1), home, peak_m * rng.uniform(0.2, 0.8), manner.azimuth, out)
    keys.add(max(duration_s + 1.0, keys.times[-1] + 1.0), home, peak_m * 0.5, manner.azimuth, out)
    return StickPath(np.array(keys.times), np.array(keys.poses), np.array(keys.eases), manner)


def _fidget(rng: np.random.Generator, keys: _Keys, duration_s: float, manner: Manner, peak_m: float) -> None:
    """A stick that points and hovers and never touches."""
    home = np.array(keys.poses[-1][:2])
    time_s = rng.uniform(0.0, 1.0)
    while time_s < duration_s:
        place = home + rng.normal(0, 0.05, 2)
        out = float(rng.random() < 0.2)
        keys.add(time_s, place, peak_m * rng.uniform(0.15, 1.0), manner.azimuth + rng.normal(0, 0.2), out)
        time_s += rng.uniform(0.15, 1.2)


def grip_place(manner: Manner, spot_m: Sequence[float] | NDArray[np.float64], azimuth: float) -> NDArray[np.float64]:
    """Where the hand is while the tip touches the spot."""
    sine = manner.grip_height_m / manner.reach_m
    reach = manner.reach_m * np.sqrt(1 - sine**2)
    return np.asarray(np.array(spot_m) - reach * np.array([np.cos(azimuth), np.sin(azimuth)]), np.float64)


def _approach(
    rng: np.random.Generator,
    keys: _Keys,
    stroke: Stroke,
    place: NDArray[np.float64],
    azimuth: float,
    manner: Manner,
    *,
    first: bool,
) -> None:
    """Wait where the last stroke ended, out of the picture or high up, then be at the peak ``fall_s`` before."""
    start = keys.times[-1]
    peak_at = stroke.time_s - stroke.fall_s
    spare = peak_at - start
    before = keys.poses[-1]
    backed = place + rng.normal(0.0, 0.012, 2)
    if spare > 0.25 and not first and rng.random() < manner.leaves:
        out = rng.uniform(0.6, 1.0)
        gone = start + spare * rng.uniform(0.3, 0.5)
        keys.add(gone, np.array(before[:2]), stroke.peak_m * rng.uniform(0.5, 1.0), azimuth, out)
        if peak_at - gone > 0.35:
            keys.add(peak_at - rng.uniform(0.12, 0.3), backed, stroke.peak_m * rng.uniform(0.5, 1.0), azimuth, out)
    elif spare > 0.3:
        raise_s = min(rng.uniform(0.15, 0.45), 0.8 * spare) if rng.random() < 0.6 else spare * rng.uniform(0.6, 0.9)
        if rng.random() < manner.raised:
            keys.add(start + raise_s, backed, stroke.peak_m * rng.uniform(0.8, 1.0), azimuth + rng.normal(0, 0.05))
        else:
            low = before[2] + rng.uniform(0.0, 0.3) * stroke.peak_m
            keys.add(peak_at - raise_s, np.array(before[:2]), low, before[3], before[4])
    keys.add(peak_at, backed, stroke.peak_m, azimuth + rng.normal(0, 0.04), 0.0)


def _touch(
    rng: np.random.Generator,
    keys: _Keys,
    stroke: Stroke,
    place: NDArray[np.float64],
    azimuth: float,
    manner: Manner,
    spare_s: float,
) -> None:
    """The contact itself and what follows at once: turning back, sliding, resting or rebounding."""
    time_s = stroke.time_s
    if stroke.kind == "miss":
        keys.add(time_s, place, stroke.clearance_m, azimuth, ease=SMOOTH)
        if rng.random() < 0.3:
            # The stick passes over the surface as in a scratch, but in the air.
            aside = place + rng.normal(0, 0.06, 2)
            keys.add(time_s + 0.5 * spare_s * rng.uniform(0.3, 1.0), aside, stroke.clearance_m, azimuth)
        return
    keys.add(time_s, place, 0.0, azimuth, ease=STRIKE)
    if stroke.kind == "scratch":
        turns = int(rng.integers(1, 4))
        angle = rng.uniform(0, 2 * np.pi)
        slide = rng.uniform(0.03, 0.15) * np.array([np.cos(angle), np.sin(angle)])
        for turn in range(turns):
            end = time_s + stroke.contact_s * (turn + 1) / turns
            side = 1.0 if turn % 2 == 0 else rng.uniform(-0.5, 0.2)
            ease = LINEAR if turns == 1 else SMOOTH
            keys.add(end, place + side * slide, 0.0, azimuth + rng.normal(0, 0.05), ease=ease)
    elif rng.random() < manner.dwells:
        keys.add(time_s + min(rng.uniform(0.02, 0.3), 0.4 * spare_s), place, 0.0, azimuth)


def _release(
    rng: np.random.Generator,
    keys: _Keys,
    stroke: Stroke,
    place: NDArray[np.float64],
    azimuth: float,
    manner: Manner,
    spare_s: float,
) -> None:
    """Off the surface again: the rebound of a hit, the lifting after a scratch, the way up after a miss."""
    start = keys.times[-1]
    place = np.array(keys.poses[-1][:2])
    if stroke.kind == "miss":
        keys.add(start + min(rng.uniform(0.1, 0.25), 0.4 * spare_s), place, stroke.peak_m * 0.9, azimuth)
        return
    left = max(stroke.time_s + spare_s - start, 0.02)
    height = max(manner.rebound * stroke.peak_m, 0.004)
    rise_s = min(rng.uniform(0.05, 0.14), 0.4 * left)
    if start == stroke.time_s and rng.random() < 0.15 and left > 0.3:
        # A second, soft bounce that stops just short of the surface, as one hears but nobody labels.
        keys.add(start + 0.05, place, height * 0.5, azimuth, ease=REBOUNDING)
        keys.add(start + 0.1, place, 0.003, azimuth, ease=STRIKE)
        start = keys.times[-1]
    keys.add(start + rise_s, place, height, azimuth, ease=REBOUNDING)
