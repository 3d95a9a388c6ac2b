"""What a struck thing sounds like as figures: band levels over time, and the modes that stand out of the noise.

A plank or a plate has so many modes that its blow is a burst of noise in each band with that band's own level and
decay; a handful of clean modes reads as music. So a body is measured as the level of each third of an octave at
:data:`TIMES_S` after the contact, with the frequencies of those modes that tower over their neighbours and the share
of a band's power that is theirs. Some 500 numbers describe a hit; its waveform cannot be had back from them.

Shapes: B = bands, T = times after the contact, N = samples, K = modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.errors import OptionError

Doubles = NDArray[np.float64]

BANDS_HZ: Final = 50.0 * 2 ** (np.arange(27) / 3)
"""Centres [B] of the bands, thirds of an octave from 50 Hz to 20 kHz."""

TIMES_S: Final = np.array([0, 1, 2, 4, 8, 16, 30, 50, 80, 120, 180, 260, 380, 550, 800]) / 1000
"""After the contact [T]."""

SILENT_DB: Final = -80.0
"""Below the loudest band and time: what is softer is not told from the recording's own noise."""

MEASURED_RATE_HZ: Final = 48_000
MOST_MODES: Final = 48
_LEAD_S: Final = 0.02
_LONGEST_S: Final = 1.0
LATE_S: Final = 0.08
_MODE_WINDOW_S: Final = 0.25
_MODE_DB: Final = 12.0  # over the median of its surroundings: noise gets there in one of 65,000 bins
_MODE_HALF_WIDTH: Final = 2  # bins that count as a mode's own
_CONTACT_SHARE: Final = 0.1


@dataclass(frozen=True)
class ImpactBody:
    """One struck thing.

    Attributes:
        levels_db: [B, T] power of each band, 0 the loudest; :data:`SILENT_DB` and less is silence.
        mode_shares: [B, 2] of a band's power, 0 to 1, that belongs to modes: over the first quarter of a second, and
            from :data:`LATE_S` on, when what rings is left alone.
        modes_hz: [K] ascending, at most :data:`MOST_MODES`.
        modes_db: [K] levels, 0 the loudest.
    """

    levels_db: Doubles
    mode_shares: Doubles
    modes_hz: Doubles
    modes_db: Doubles

    def __post_init__(self) -> None:
        shape = (len(BANDS_HZ), len(TIMES_S))
        if self.levels_db.shape != shape or self.mode_shares.shape != (shape[0], 2):
            raise ValueError(f"levels {self.levels_db.shape} and shares {self.mode_shares.shape} must be {shape}")
        if self.modes_hz.shape != self.modes_db.shape or self.modes_hz.ndim != 1:
            raise ValueError(f"modes have frequencies {self.modes_hz.shape} and levels {self.modes_db.shape}")


def contact_of(sound: NDArray[Any]) -> int:
    """The first sample of ``sound`` [N] that reaches a tenth of its peak: the contact of a single impact."""
    strength = np.abs(sound)
    peak = float(strength.max(initial=0.0))
    return int(np.argmax(strength >= _CONTACT_SHARE * peak)) if peak > 0 else 0


def measure(sound: NDArray[Any], rate_hz: int) -> ImpactBody:
    """The body that gave this impact, ``sound`` [N] at 44.1 kHz or more; its contact is found by :func:`contact_of`.

    Bands that are narrower than a moment is short ring themselves: there the largest level within the band's own ring
    stands for all of it, so that a sudden attack stays sudden.

    Raises:
        OptionError: the sound is silent, or ``rate_hz`` cannot carry the highest band.
    """
    if rate_hz < 44_100:
        raise OptionError(f"rate_hz is {rate_hz}; a body is measured at 44100 or more")
    if not np.any(sound):
        raise OptionError("a silent recording has no body to measure")
    lead = round(_LEAD_S * rate_hz)
    contact = contact_of(sound)
    whole = np.zeros(lead + round(_LONGEST_S * rate_hz))
    before = np.asarray(sound[max(0, contact - lead) : contact], float)
    whole[lead - before.size : lead] = before
    after = np.asarray(sound[contact : contact + whole.size - lead], float)
    whole[lead : lead + after.size] = after
    powers = _band_powers(whole, lead, rate_hz)
    levels_db = 10 * np.log10(powers / powers.max() + 1e-12)
    modes_hz, modes_db, shares = _modes(after, rate_hz)
    return ImpactBody(np.maximum(levels_db, SILENT_DB), shares, modes_hz, modes_db)


def blended(one: ImpactBody, other: ImpactBody, share: float) -> ImpactBody:
    """A body between two: levels that far from ``one`` (0) to ``other`` (1) in dB; the modes are those of ``one``."""
    levels_db = one.levels_db + share * (other.levels_db - one.levels_db)
    return ImpactBody(levels_db, one.mode_shares, one.modes_hz, one.modes_db)


@lru_cache(maxsize=8)
def band_gains(size: int, rate_hz: int) -> Doubles:
    """Gains [B, size // 2 + 1] on a real spectrum: neighbouring bands' squares sum to 1, the outer ones stay open."""
    hz = np.maximum(scipy.fft.rfftfreq(size, 1 / rate_hz), 1e-3)
    place = np.clip(np.log2(hz / BANDS_HZ[0]) * 3, 0, len(BANDS_HZ) - 1)
    distance = np.abs(place[None] - np.arange(len(BANDS_HZ))[:, None])
    return np.asarray(np.cos(np.pi / 2 * np.minimum(distance, 1)))


def _band_powers(sound: Doubles, contact: int, rate_hz: int) -> Doubles:
    """Mean power [B, T] of each band around each of the times after ``contact``."""
    size = int(scipy.fft.next_fast_len(sound.size + round(0.1 * rate_hz)))
    spectrum = scipy.fft.rfft(sound, size)
    edges_s = np.concatenate(([0.0], (TIMES_S[1:] + TIMES_S[:-1]) / 2, [_LONGEST_S]))
    edges = contact + np.round(edges_s * rate_hz).astype(int)
    powers = np.zeros((len(BANDS_HZ), len(TIMES_S)))
    for band, gains in enumerate(band_gains(size, rate_hz)):
        analytic = np.zeros(size, complex)
        analytic[: gains.size] = spectrum * gains * 2
        power = np.abs(scipy.fft.ifft(analytic)[: sound.size]) ** 2 / 2
        sums = np.concatenate(([0.0], np.cumsum(power)))
        powers[band] = (sums[edges[1:]] - sums[edges[:-1]]) / np.maximum(1, np.diff(edges))
        ring_s = 1 / (0.35 * BANDS_HZ[band])
        ringing = np.less(TIMES_S, ring_s)
        powers[band, ringing] = powers[band, ringing].max()
    return powers


def _modes(sound: Doubles, rate_hz: int) -> tuple[Doubles, Doubles, Doubles]:
    """Frequencies [K] and levels in dB [K] of the modes that stand out, and their shares of the bands' power [B, 2]."""
    size = round(_MODE_WINDOW_S * rate_hz)
    hz = scipy.fft.rfftfreq(size, 1 / rate_hz)
    gains = band_gains(size, rate_hz) ** 2
    heights, shares = np.zeros(hz.size), []
    for start_s in (0.0, LATE_S):
        cut = sound[round(start_s * rate_hz) :][:size]
        cut = np.pad(cut, (0, size - cut.size)) * np.cos(np.linspace(0, np.pi / 2, size)) ** 2
        power = np.abs(scipy.fft.rfft(cut)) ** 2 + 1e-20
        peaks = _peaks(power, hz)
        own = np.where(scipy.ndimage.binary_dilation(peaks, iterations=_MODE_HALF_WIDTH), power, 0.0)
        shares.append((gains @ own) / np.maximum(gains @ power, 1e-30))
        # A mode that is found twice counts once, with its earlier level.
        known = scipy.ndimage.binary_dilation(heights > 0, iterations=_MODE_HALF_WIDTH)
        heights = np.where(peaks & ~known, power, heights)
    found = np.flatnonzero(heights)
    found = np.sort(found[np.argsort(heights[found], kind="stable")[::-1][:MOST_MODES]])
    levels_db = 10 * np.log10(heights[found] / heights[found].max()) if found.size else np.zeros(0)
    return hz[found], levels_db, np.stack(shares, axis=1)


def _peaks(power: Doubles, hz: Doubles) -> NDArray[np.bool_]:
    """Which bins [bins] are modes: they tower over their surroundings, and are not 50 dB below the strongest bin."""
    largest = power == scipy.ndimage.maximum_filter1d(power, 2 * _MODE_HALF_WIDTH + 1)
    tall = power > np.maximum(_running_median(power) * 10 ** (_MODE_DB / 10), 1e-5 * power.max())
    return np.asarray(largest & tall & (hz > 80) & (hz < 18_000))


def _running_median(power: Doubles) -> Doubles:
    """The median of each bin's surroundings [bins], a third of an octave wide and at least 25 bins."""
    out = np.empty_like(power)
    starts = np.unique(np.round(2 ** np.arange(0, np.log2(power.size), 1 / 6)).astype(int))
    for first, stop in zip(starts, [*starts[1:], power.size], strict=True):
        reach = max(12, round(0.12 * first))
        out[first:stop] = np.median(power[max(0, first - reach) : stop + reach])
    out[0] = out[1]
    return out
