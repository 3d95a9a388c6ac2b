"""What the picture does to a sound: its knobs, when its events come, and where it stands.

A cue is a curve of 0..1, .5 for what is usual, which leaves a knob at its default. Excursions are moderate: a cue at
its end takes a knob half of the way to the end of its range, so that the sound stays what it is.

Shapes: T = frames at :data:`synth.voices.ambient.optical_flow.RATE_HZ`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.curves import peaks_of, smoothed
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.performance import Curve
from synth.voices.ambient.optical_flow import MOTION, RATE_HZ

Floats = NDArray[np.float32]

EXCURSION: Final = 0.5
_USUAL_ACTIVITY, _USUAL_AREA = 0.35, 0.15
_SMOOTH_S: Final = 0.4
_PAN_SMOOTH_S: Final = 0.8
_GROWTH_HZ: Final = 1.0  # relative growth of the area a second that is a cue of 1
_BY_RATIO: Final = 4.0  # high / low of a knob from which on it is turned by ratio
_STRIKING_SPEED: Final = 0.05  # sides a second: what is slower cannot be told from noise
_SHARP: Final = 0.5  # fall of log speed within two frames: half as fast, about
_CLOSEST_S: Final = 0.2
_STILL, _MOVES = 0.03, 0.1  # activity below which nothing moves but coding noise, and from which on something does
_BEGINS_S: Final = 0.3  # what moves earlier moves from the beginning
_SOFTEST: Final = 0.5


@dataclass(frozen=True, eq=False)
class PictureDrive:
    """Curves of one clip.

    Attributes:
        cues: name of the cue -> float32 [T], 0..1.
        onsets_s: when things strike, ascending.
        strengths: how hard each does, .5..1.
    """

    cues: Mapping[str, Floats]
    onsets_s: NDArray[np.float64]
    strengths: NDArray[np.float64]

    def curves(self, sound: SoundClass, fixed: Mapping[str, float]) -> dict[str, Curve]:
        """Knob -> curve, for the knobs that the picture turns and nobody has fixed."""
        return {
            name: Curve(turned(sound.knob(name), self.cues[cue]), RATE_HZ)
            for name, cue in sound.drives.items()
            if name not in fixed and cue in self.cues
        }

    def strikes(self, sound: SoundClass) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """When the events of a sound come, and how strong they are; ``None`` leaves it to the sound.

        The picture says it where onsets drive one of the sound's knobs and there are any; where there are more than
        that knob allows, the strongest stay.
        """
        driven = [name for name, cue in sound.drives.items() if cue == "onsets"]
        if not driven or not len(self.onsets_s):
            return None
        closest_s = 1 / sound.knob(driven[0]).high
        kept: list[int] = []
        for index in np.argsort(-self.strengths, kind="stable"):
            if all(abs(self.onsets_s[index] - self.onsets_s[other]) >= closest_s for other in kept):
                kept.append(int(index))
        kept.sort()
        return self.onsets_s[kept], self.strengths[kept]

    @property
    def pan(self) -> Curve:
        """Where what moves is, -1 (left) .. 1 (right)."""
        smooth = smoothed(self.cues["position"], _PAN_SMOOTH_S * RATE_HZ)
        return Curve(np.clip(2 * smooth - 1, -1, 1), RATE_HZ)


def drive_of(motion: Floats, activity: Floats, position: Floats) -> PictureDrive:
    """The cues of a clip from its motion [T, 15], activity [T] and position [T]; a clip without frames is still."""
    if not len(motion):
        still = {name: np.full(1, 0.5, np.float32) for name in ("activity", "onsets", "area", "position", "approach")}
        return PictureDrive(still, np.zeros(0), np.zeros(0))
    area = _smooth(motion[:, MOTION.index("moving_share")])
    growth = np.gradient(np.log(area + 0.02)) * RATE_HZ if len(area) > 1 else np.zeros(1)
    onsets_s, strengths = onsets_of(motion[:, MOTION.index("speed_p98")], motion[:, MOTION.index("cut")])
    cues = {
        "activity": _cue(_smooth(activity), _USUAL_ACTIVITY),
        "area": _cue(area, _USUAL_AREA),
        "position": np.asarray(position, np.float32),
        "approach": np.asarray(np.clip(0.5 + 0.5 * _smooth(growth) / _GROWTH_HZ, 0, 1), np.float32),
        "onsets": _cue(_smooth(activity), _USUAL_ACTIVITY),
    }
    return PictureDrive(cues, onsets_s, strengths)


def onsets_of(speed: Floats, cut: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When what moves stops suddenly, as what strikes does: times in seconds and strengths .5..1.

    Args:
        speed: of the fastest fiftieth of the picture [T], sides a second.
        cut: 1 where another scene begins [T]; near a cut nothing strikes.
    """
    if len(speed) < 4:
        return np.zeros(0), np.zeros(0)
    log_speed = np.log(np.maximum(speed.astype(np.float64), _STRIKING_SPEED) / _STRIKING_SPEED)
    fall = np.maximum(0, np.concatenate([log_speed[:-2] - log_speed[2:], [0, 0]]))
    near_cut = np.convolve(cut, np.ones(5), mode="same") > 0
    fall[near_cut] = 0
    peaks = peaks_of(fall, height=_SHARP, distance=max(1, round(_CLOSEST_S * RATE_HZ)))
    if not len(peaks):
        return np.zeros(0), np.zeros(0)
    heights = fall[peaks]
    return (peaks + 1) / RATE_HZ, _SOFTEST + (1 - _SOFTEST) * heights / heights.max()


def first_move_s(activity: Floats) -> float | None:
    """When something begins to move in a picture that is still until then; ``None`` where it moves from the beginning,
    or never does.

    Args:
        activity: [T], 0..1.
    """
    moving = np.flatnonzero(activity >= _MOVES)
    if not len(moving):
        return None
    # Activity is smoothed, so that it rises a little before anything moves.
    still = np.flatnonzero(activity[: moving[0]] < _STILL)
    begins = int(still[-1]) + 1 if len(still) else 0
    seen_before = activity[:begins].max(initial=0.0) >= _STILL
    return None if seen_before or begins < _BEGINS_S * RATE_HZ else begins / RATE_HZ


def turned(knob: Knob, cue: Floats) -> NDArray[np.float64]:
    """A knob's value for each cue: its default at .5, half of the way to an end of its range at 0 and 1."""
    away = (2 * cue.astype(np.float64) - 1) * EXCURSION
    if knob.low > 0 and knob.high / knob.low >= _BY_RATIO:
        up, down = np.log(knob.high / knob.default), np.log(knob.default / knob.low)
        return np.asarray(knob.default * np.exp(np.where(away > 0, away * up, away * down)))
    return np.asarray(
        knob.default + np.where(away > 0, away * (knob.high - knob.default), away * (knob.default - knob.low))
    )


def _cue(value: Floats, usual: float) -> Floats:
    """0..1 with .5 at what is usual."""
    return np.asarray(np.clip(value, 0, 1) ** (np.log(0.5) / np.log(usual)), np.float32)


def _smooth(value: NDArray[np.floating]) -> Floats:
    return np.asarray(smoothed(value, _SMOOTH_S * RATE_HZ), np.float32)
