"""Band levels: how loud a sound is in a few bands over time, coarse enough to be chosen, fine enough to be heard.

They are what the *guided* variant of the ambient decoder is conditioned on. In training they are measured on the sound
itself; a silent picture has none, so they are taken from a bank of such tracks, example-based as in Owens et al. (CVPR
2016): of each class's tracks, the stretch whose loudness moves most like the picture does. What the decoder made is
then given just these levels, as that paper imposes envelopes on noise: a small decoder heeds them only about. Pitch and
periodicity of the same recordings lie beside them in the bank, for :mod:`synth.voices.ambient.harmonics`.

Importable without torch. Shapes: N samples at 16 kHz, S steps of 256 samples (62.5 Hz), K = 16 bands.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from synth.dsp.pitch import PitchTrack
from synth.dsp.spectra import hann, mel_filters, stft
from synth.voices.base import Sound, Uniforms

RATE_HZ: Final = 16_000
HOP: Final = 256
STEPS_HZ: Final = RATE_HZ / HOP
BANDS: Final = 16
_WINDOW: Final = 1024
_LOW_HZ: Final = 40.0
RANGE_DB: Final = 90.0  # level 1 is a full-scale band, level 0 lies this far below
_IMPOSED_DB: Final = (-40.0, 18.0)
_BLOCK: Final = 2048  # steps

Levels = NDArray[np.float32]
"""[S, K], 0 (silence) to about 1 (full scale), linear in dB."""


def band_levels(sound: NDArray[Any]) -> Levels:
    """Levels [S, K] of sound [N] at 16 kHz, S = N // 256 + 1; step s is centred on sample 256 s."""
    return _levels(np.abs(stft(np.asarray(sound, np.float32), window=_WINDOW, hop=HOP)) ** 2)


def impose(sound: Sound, track: Levels) -> Sound:
    """Sound [N] at 16 kHz with the band levels of ``track`` [S, K] in place of its own.

    Every bin of every spectrum is moved by what its bands lack or have too much, up to 18 dB up and 40 dB down: what
    lies within a band stays as it was made, how loud the band is becomes what was asked for.
    """
    half = _WINDOW // 2
    steps = len(sound) // HOP + 1
    held = track[np.minimum(np.arange(steps), len(track) - 1)]
    shares = _shares()
    window = hann(_WINDOW)
    padded = np.pad(np.asarray(sound, np.float32), (half, _WINDOW))
    total = np.zeros(steps * HOP + _WINDOW, np.float32)
    weight = np.zeros_like(total)
    # In blocks, so that the spectra of a long sound never lie in memory together; sums are in order of the steps.
    for first in range(0, steps, _BLOCK):
        last = min(steps, first + _BLOCK)
        windows = np.lib.stride_tricks.sliding_window_view(padded[first * HOP : last * HOP + _WINDOW], _WINDOW)[::HOP]
        spectra = scipy.fft.rfft(windows[: last - first] * window, axis=1)
        lacking = np.clip((held[first:last] - _levels(np.abs(spectra) ** 2)) * RANGE_DB, *_IMPOSED_DB)
        moved = scipy.fft.irfft(spectra * 10 ** (_product(lacking, shares) / 20), axis=1).astype(np.float32) * window
        for step, frame in enumerate(moved, first):
            total[step * HOP : step * HOP + _WINDOW] += frame
            weight[step * HOP : step * HOP + _WINDOW] += window**2
    return np.asarray((total / np.maximum(weight, 1e-6))[half : half + len(sound)], np.float32)


@functools.cache
def _filters() -> NDArray[np.float32]:
    return mel_filters(RATE_HZ, window=_WINDOW, bands=BANDS, low_hz=_LOW_HZ, htk=True)


@functools.cache
def _shares() -> NDArray[np.float32]:
    """What each bin takes of each band's gain, [K, bins]; bins beside all bands follow the nearest."""
    filters = _filters()
    sums = filters.sum(0)
    inside = np.flatnonzero(sums > 1e-6)
    nearest = inside[np.abs(np.arange(filters.shape[1])[:, None] - inside[None]).argmin(1)]
    return np.asarray((filters / np.maximum(sums, 1e-6))[:, nearest], np.float32)


def _levels(power: NDArray[Any]) -> Levels:
    """Levels [S, K] of power spectra [S, bins]."""
    scale = (np.sum(hann(_WINDOW)) / 2) ** 2  # a full-scale sine measures about 0 dB
    level_db = 10 * np.log10(_product(power, _filters().T) / scale + 1e-12)
    return np.asarray(np.maximum(level_db / RANGE_DB + 1, 0), np.float32)


def _product(rows: NDArray[Any], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows times a matrix without BLAS, whose roundings depend on how many rows come together."""
    return np.asarray(np.einsum("sb,bk->sk", rows.astype(np.float32), matrix), np.float32)


def loudness(levels: Levels) -> NDArray[np.float32]:
    """The loudness of levels [S, K] a step, [S]: their power summed, on the same scale."""
    power = 10 ** ((levels.astype(np.float64) - 1) * RANGE_DB / 10)
    return np.asarray(np.maximum(10 * np.log10(power.sum(1) + 1e-12) / RANGE_DB + 1, 0), np.float32)


def at_frames(track: NDArray[Any], first: int, count: int, frame: int, hop: int = HOP) -> NDArray[np.float32]:
    """A track [S, K] read at the middles of top frames ``first`` to ``first + count - 1`` of ``frame`` samples each.

    Linear between steps, held at both ends: [count, K].
    """
    place = np.clip(((np.arange(first, first + count) + 0.5) * frame) / hop, 0, len(track) - 1)
    low = np.minimum(place.astype(np.int64), max(len(track) - 2, 0))
    share = (place - low)[:, None].astype(np.float32)
    high = np.minimum(low + 1, len(track) - 1)
    values = np.asarray(track, np.float32)
    return np.asarray(values[low] * (1 - share) + values[high] * share, np.float32)


# --- the bank -----------------------------------------------------------------------------------------------------

_PIECE: Final = 188  # steps: 3 s of one recording
_FADE: Final = 32  # steps: 0.5 s, from one recording's levels to the next one's
_CANDIDATES: Final = 24
_STILL: Final = 0.04  # a picture whose activity varies less than this has no rhythm to follow
_FOLLOW: Final = 0.2  # how far loudness follows activity: 18 dB from a still moment to the liveliest
_LIFT: Final = (-0.12, 0.06)  # but no further than this beyond what the recording itself does
_SMOOTH: Final = 9  # steps: what happens within 0.14 s is the sound's own matter


class Guide(NamedTuple):
    """What a decoder is told in place of a picture.

    Attributes:
        levels: [S, K].
        voicing: float32 [S, 2], pitch in Hz and periodicity 0..1, from a bank that has them.
    """

    levels: Levels
    voicing: NDArray[np.float32] | None


@dataclass(frozen=True)
class EnvelopeBank:
    """Band levels of recordings, by class.

    Attributes:
        labels: the class of each recording.
        starts: int64 [recordings + 1], where each begins in ``levels``, and where the last one ends.
        levels: uint8 [all S, K]; 255 stands for level 1.
        voicing: float16 [all S, 2], pitch in Hz and periodicity 0..1; ``None`` in a bank without.
    """

    labels: tuple[str, ...]
    starts: NDArray[np.int64]
    levels: NDArray[np.uint8]
    voicing: NDArray[np.float16] | None = None

    @classmethod
    def of(
        cls, labels: Sequence[str], tracks: Sequence[Levels], pitches: Sequence[PitchTrack] | None = None
    ) -> EnvelopeBank:
        """The bank of these recordings' levels, and pitches where they are given."""
        starts = np.concatenate([[0], np.cumsum([len(track) for track in tracks])]).astype(np.int64)
        packed = np.clip(np.round(np.concatenate(list(tracks)) * 255), 0, 255).astype(np.uint8)
        if pitches is None:
            return cls(tuple(labels), starts, packed)
        voicing = [np.stack([one.pitch_hz, one.periodicity], 1) for one in pitches]
        return cls(tuple(labels), starts, packed, np.concatenate(voicing).astype(np.float16))

    def track(self, recording: int) -> Levels:
        """The levels [S, K] of one recording."""
        first, last = self.starts[recording : recording + 2]
        return np.asarray(self.levels[first:last] / np.float32(255), np.float32)

    def choose(self, label: str, activity: NDArray[np.float32], steps: int, uniforms: Uniforms) -> Guide:
        """What a class is told for a picture: pieces of recordings that move as it does, one after another.

        Of some pieces drawn at random the one is taken whose loudness correlates best with the picture's activity
        there, and which begins about as loud as the piece before ends; then its loudness is moved towards the
        activity. A picture that is still decides nothing. Where two pieces overlap, pitch passes from one to the
        other in the middle.

        Args:
            activity: float32 [steps], 0..1.
            uniforms: see :data:`synth.voices.base.Uniforms`.
        """
        known = [index for index, name in enumerate(self.labels) if name == label]
        out = np.zeros((steps, self.levels.shape[1]), np.float32)
        voicing = None if self.voicing is None else np.zeros((steps, 2), np.float32)
        wanted = _smoothed(np.asarray(activity, np.float32))
        fade_in = (np.arange(_FADE, dtype=np.float32) + 0.5) / _FADE
        for number, at in enumerate(range(0, steps, _PIECE - _FADE)):
            draws = uniforms("envelopes", number * 2 * _CANDIDATES, 2 * _CANDIDATES)
            places = [
                self._place(known[int(draws[2 * i] * len(known))], float(draws[2 * i + 1])) for i in range(_CANDIDATES)
            ]
            pieces = [np.asarray(self.levels[place] / np.float32(255), np.float32) for place in places]
            here = wanted[at : at + _PIECE]
            loud = [_smoothed(loudness(piece)) for piece in pieces]
            before = loudness(out[at : at + _FADE]).mean() if at else None
            best = int(np.argmax([_match(one, here, before) for one in loud]))
            piece = pieces[best]
            count = min(len(piece), steps - at)
            over = min(_FADE, count) if at else 0
            share = fade_in[:over, None]
            out[at : at + over] = out[at : at + over] * (1 - share) + piece[:over] * share
            out[at + over : at + count] = piece[over:count]
            if voicing is not None and self.voicing is not None:
                voicing[at + over // 2 : at + count] = self.voicing[places[best][over // 2 : count]]
        return Guide(_follow(out, wanted), voicing)

    def _place(self, recording: int, draw: float) -> NDArray[np.int64]:
        """The steps [188] of a piece of a recording, from a place that ``draw`` names; a short one is repeated."""
        begin, end = self.starts[recording : recording + 2]
        length = int(end - begin)
        repeated = length * max(1, -(-_PIECE // length))
        first = int(draw * (repeated - _PIECE + 1))
        return np.asarray(begin + (first + np.arange(_PIECE)) % length, np.int64)


def _smoothed(track: NDArray[np.float32]) -> NDArray[np.float32]:
    """A track [S] without what is faster than the picture, edges held."""
    padded = np.pad(track, (_SMOOTH // 2, _SMOOTH // 2), mode="edge")
    return np.asarray(np.convolve(padded, np.full(_SMOOTH, 1 / _SMOOTH, np.float32), mode="valid"), np.float32)


def _match(loud: NDArray[np.float32], activity: NDArray[np.float32], before: float | None) -> float:
    """How well a piece's loudness goes with the picture there and with what was heard before it."""
    score = 0.0 if before is None else -2.0 * abs(float(loud[:_FADE].mean()) - float(before))
    own = loud[: len(activity)]
    if len(activity) > 1 and activity.std() > _STILL and own.std() > 1e-3:
        score += float(np.corrcoef(own, activity)[0, 1])
    return score


def lift(activity: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far activity [S] moves loudness, [S], on the scale of levels; not at all where the picture is still."""
    if len(activity) == 0 or activity.std() <= _STILL:
        return np.zeros(len(activity), np.float32)
    return np.asarray(np.clip(_FOLLOW * (activity - np.quantile(activity, 0.75)), *_LIFT), np.float32)


def _follow(levels: Levels, activity: NDArray[np.float32]) -> Levels:
    """Levels moved towards the activity; silence stays silence."""
    return np.asarray(np.where(levels > 0, np.maximum(levels + lift(activity)[:, None], 0), 0), np.float32)
