"""How late a corpus' sound is against its picture, measured on the lips of those who talk.

What is measured: sudden onsets are looked for in the sound, and the moments at which the mouth's dark opening grows in
the picture. Of all pairs of the two that lie near each other, over all clips, the commonest difference is the offset.

Why so: an offset is only measurable where mouth and sound must meet. Most articulation does not: lips round and open
50 to 200 ms before the vowel is heard, so that the cross-correlation of mouth motion with the sound's level has a flat
top whose place says more of the language than of the recording. A /b/ or /p/ is heard when, and only when, the lips
part, within some 10 ms. Onsets of other sounds, such as /t/ and /k/, have no such partner and spread over all
differences; where the words' times are known they can be left out (:func:`labial_starts_s`).

What is not measured: where within a frame the camera's shutter was open. Frame k is taken for the picture at k / rate,
so that half a frame of doubt remains whatever the interval of confidence says; and an offset beyond the range that is
searched, which shows as a low ``contrast``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from synth.errors import OptionError

Crops = NDArray[np.uint8]
Sound = NDArray[np.float32]
Doubles = NDArray[np.float64]

WITHIN_S: Final = 0.25
FEWEST_ONSETS: Final = 20

_CUTOFF_HZ: Final = 1000.0  # a burst is bright; voicing that goes on through a closure is not
_STEP_S: Final = 0.001
_RISE_S, _RISE_DB = 0.005, 20.0  # an onset: so much louder within so short a time
_APART_S: Final = 0.1
_NEAR_S: Final = 0.12  # alignments are about so exact
_KERNEL_S: Final = 0.012  # a third of a frame at 25 a second
_GRID_S: Final = 0.002
_LIP_ROWS, _LIP_COLUMNS, _DARKEST = slice(20, 46), slice(26, 38), 3  # of a mouth's crop: its middle


@dataclass(frozen=True)
class Offset:
    """How late the sound is.

    Attributes:
        offset_s: positive where the sound is late, negative where it is early.
        low_s: lower end of its 95 % interval, by drawing clips anew.
        high_s: the upper end.
        clips: how many clips had an onset to tell by.
        onsets: how many there were in all.
        contrast: how much commoner this difference is than others; below 1.3 it may be chance.
    """

    offset_s: float
    low_s: float
    high_s: float
    clips: int
    onsets: int
    contrast: float


def measure(
    crops: Sequence[Crops],
    sounds: Sequence[Sound],
    rate_hz: float,
    sound_rate_hz: int,
    *,
    near_s: Sequence[Sequence[float]] | None = None,
    within_s: float = WITHIN_S,
    seed: int = 0,
) -> Offset:
    """The offset that all clips of a corpus share.

    Args:
        crops: of each clip the mouth in every frame, uint8 [T, 64, 64], as
            :func:`synth.voices.speech.face_tracking.follow` gives it.
        sounds: of each clip float32 [N] in -1..1, beginning when its first frame does.
        rate_hz: frames a second.
        sound_rate_hz: samples a second, 8000 or more.
        near_s: of each clip the times in its sound near which an onset counts; all count where this is not given.
        within_s: the largest offset that is looked for, either way.
        seed: of the draws that the interval comes from.

    Raises:
        OptionError: lists of different lengths, a sample rate too low, or too few onsets to tell by.
    """
    if len(crops) != len(sounds) or (near_s is not None and len(near_s) != len(crops)):
        raise OptionError(f"{len(crops)} clips of lips and {len(sounds)} sounds were given; they must be pairs")
    if sound_rate_hz < 8000:
        raise OptionError(f"the sound has {sound_rate_hz} samples a second; at least 8000 are needed")
    steps = round(within_s / _GRID_S)
    lags = np.linspace(-steps * _GRID_S, steps * _GRID_S, 2 * steps + 1)
    rows = []
    onsets = 0
    for number, (pictures, sound) in enumerate(zip(crops, sounds, strict=True)):
        heard = onsets_s(sound, sound_rate_hz)
        if near_s is not None:
            heard = _beside(heard, near_s[number])
        if len(heard) and len(pictures) > 1:
            rows.append(_coincidence(heard, opening(pictures), rate_hz, lags))
            onsets += len(heard)
    if onsets < FEWEST_ONSETS:
        raise OptionError(
            f"{onsets} sudden onsets were heard in {len(crops)} clips; at least {FEWEST_ONSETS} are needed to tell "
            "how late the sound is"
        )
    sums = np.stack(rows)  # [clips, 2, lags]
    offset_s, contrast = _peak(sums.sum(0), lags)
    rng = np.random.default_rng(seed)
    draws = [_peak(sums[rng.integers(0, len(sums), len(sums))].sum(0), lags)[0] for _ in range(200)]
    low_s, high_s = (float(end) for end in np.percentile(draws, (2.5, 97.5)))
    return Offset(offset_s, low_s, high_s, len(rows), onsets, contrast)


def shifted(sound: Sound, late_s: float, rate_hz: int) -> Sound:
    """A sound [N] played ``late_s`` later (earlier where negative), as long as before, silence where nothing is left.

    What is ``offset_s`` late is put right by ``shifted(sound, -offset_s, rate_hz)``.
    """
    out = np.zeros_like(sound)
    step = max(-len(sound), min(len(sound), round(late_s * rate_hz)))
    if step >= 0:
        out[step:] = sound[: len(sound) - step]
    else:
        out[:step] = sound[-step:]
    return out


def labial_starts_s(words: Iterable[tuple[float, str]]) -> list[float]:
    """Of words as (start in seconds, text), the starts of those that begin with closed lips and a burst: b and p."""
    return [start_s for start_s, text in words if text[:1].lower() in ("b", "p")]


def onsets_s(sound: Sound, rate_hz: int) -> Doubles:
    """When a sound [N] sets in suddenly, in seconds, to about a millisecond."""
    bright = signal.sosfilt(signal.butter(4, _CUTOFF_HZ, "highpass", fs=rate_hz, output="sos"), sound)
    # Energy of the last 5 ms at each millisecond, less that of the 5 ms before.
    total = np.concatenate([[0.0], np.cumsum(np.square(bright, dtype=np.float64))])
    ends = np.arange(0.0, len(sound) / rate_hz, _STEP_S)
    energy = [
        np.diff(np.interp([ends - back - _RISE_S, ends - back], np.arange(len(total)) / rate_hz, total), axis=0)[0]
        for back in (0.0, _RISE_S)
    ]
    level = [10 * np.log10(np.maximum(one, 0) / (_RISE_S * rate_hz) + 1e-8) for one in energy]
    peaks, _ = signal.find_peaks(level[0] - level[1], height=_RISE_DB, distance=round(_APART_S / _STEP_S))
    return np.asarray(ends[peaks] - _RISE_S)


def opening(crops: Crops) -> Doubles:
    """How much darker the darkest rows of the mouth's middle are than a frame before, [T, 64, 64] -> [T], 0 or more.

    The gap between parted lips is the darkest there is in a mouth; closed lips show none.
    """
    rows = crops[:, _LIP_ROWS, _LIP_COLUMNS].astype(np.float64).mean(2)
    dark = np.sort(rows, axis=1)[:, :_DARKEST].mean(1)
    return np.asarray(np.maximum(0.0, -np.diff(dark, prepend=dark[:1])), np.float64)


def _beside(heard: Doubles, near_s: Sequence[float]) -> Doubles:
    """Those onsets of which a time of interest is near."""
    if not len(near_s):
        return heard[:0]
    apart_s = np.abs(heard[:, None] - np.asarray(near_s, np.float64)[None]).min(1)
    return np.asarray(heard[apart_s <= _NEAR_S])


def _coincidence(heard: Doubles, opened: Doubles, rate_hz: float, lags: Doubles) -> Doubles:
    """Of one clip, for each lag: opening that far before an onset, and how many frames that was measured on, [2, lags].

    The lips parted between two frames: half a frame before the one that shows it.
    """
    seen_s = (np.arange(len(opened)) - 0.5) / rate_hz
    late = heard[:, None] - seen_s[None]
    near = np.abs(late) <= lags[-1] + 4 * _KERNEL_S
    kernel = np.exp(-0.5 * ((lags[:, None] - late[near][None]) / _KERNEL_S) ** 2)
    return np.stack([kernel @ np.broadcast_to(opened, late.shape)[near], kernel.sum(1)])


def _peak(sums: Doubles, lags: Doubles) -> tuple[float, float]:
    """The lag with the most opening a frame, by a parabola through the three nearest; and that over the mean."""
    mean = sums[0] / np.maximum(sums[1], 1e-9)
    top = int(mean[1:-1].argmax()) + 1
    part = np.clip(beside(mean, top), -1, 1)
    return float(lags[top] + part * _GRID_S), float(mean[top] / max(mean.mean(), 1e-9))


def beside(values: Sequence[float] | Doubles, top: int) -> float:
    """How far from ``top``, in steps, the parabola through the three values around it is highest; 0 if it is not."""
    before, here, after = values[top - 1 : top + 2]
    bend = before - 2 * here + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0
