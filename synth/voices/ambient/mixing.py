"""Layers of the catalogue as one sound in two channels, block by block.

Each layer is a stem with its own level and place: what is one thing is panned to where it is seen, at constant power;
what is all around is made wide. Every sound is first brought to one level, so that levels in dB mean something.

Shapes: N = samples, [N, 2] = two channels, left first.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.decorrelation import Decorrelator
from synth.dsp.stereo import pan_gains
from synth.voices.ambient.catalogue.entry import SoundClass
from synth.voices.ambient.catalogue.performance import Curve, Performance
from synth.voices.ambient.catalogue.registry import sound_class
from synth.voices.ambient.catalogue.rendering import performance_of, render
from synth.voices.ambient.layering import BEDS
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.picture_drive import PictureDrive

RATE_HZ: Final = 48_000
LEVEL: Final = 0.05
"""Root mean square of the louder half of a sound at 0 dB."""

_FADE_S: Final = 0.05
_PROBE_HZ, _PROBE_S, _PROBE_SEED = 16_000, 6.0, 7
_LONGEST_PROBE_S: Final = 48.0
_BLOCK_S: Final = 0.4
_GATE_DB: Final = 12.0  # blocks that are quieter than the loudest by more do not count
_LIFT_DB: Final = 6.0  # of the foreground, from where nothing moves to where all does


@functools.cache
def level_of(name: str) -> float:
    """Root mean square of a sound at its defaults where it is not silent, found by listening to a few seconds."""
    sound, length_s = sound_class(name), _PROBE_S
    while True:
        heard = render(sound, performance_of(sound, seed=_PROBE_SEED, rate_hz=_PROBE_HZ), length_s)
        block = round(_BLOCK_S * _PROBE_HZ)
        power = np.square(heard[: len(heard) // block * block]).reshape(-1, block).mean(1)
        if power.max() > 0 or length_s >= _LONGEST_PROBE_S:
            break
        length_s *= 2
    loud = power[power >= power.max() * 10 ** (-_GATE_DB / 10)]
    return float(np.sqrt(loud.mean())) or 1.0


class Stem:
    """One layer on its way; read in order, block by block.

    Args:
        layer: what is asked for.
        drive: what the picture does.
        seed: of this layer.
        foreground: it follows the picture in loudness too.
    """

    def __init__(self, layer: Layer, drive: PictureDrive, seed: int, *, foreground: bool) -> None:
        sound = sound_class(layer.sound)
        self.layer = layer
        self._first = round((layer.start_s or 0.0) * RATE_HZ)
        self._last = None if layer.end_s is None else round(layer.end_s * RATE_HZ)
        self._reader = sound.source.open(_performance(layer, sound, drive, seed, self._first / RATE_HZ))
        self._gain = LEVEL / level_of(layer.sound)
        self._lift = Curve.of(0.0)
        if foreground and len(drive.cues["activity"]) > 1:
            self._lift = replace(drive.pan, values=_LIFT_DB * (drive.cues["activity"].astype(np.float64) - 0.5))
        self._pan = drive.pan if layer.pan is None else Curve.of(layer.pan)
        wide = layer.sound in BEDS and layer.pan is None
        self._decorrelator = Decorrelator(RATE_HZ) if wide else None

    def told(self) -> Layer:
        """The layer as it is heard: with all its knobs and its mean place."""
        pan = None if self._decorrelator else round(float(self._pan.values.mean()), 3)
        knobs = sound_class(self.layer.sound).settings(self.layer.knobs)
        return replace(self.layer, pan=pan, knobs=knobs)

    @property
    def gain(self) -> np.float32:
        """The factor of the layer's own level."""
        return np.float32(10 ** (self.layer.level_db / 20))

    def read(self, start: int, count: int) -> NDArray[np.float64]:
        """The next block [count, 2], which begins at sample ``start`` of the clip, before the layer's own level."""
        low = max(start, self._first)
        high = start + count if self._last is None else min(start + count, self._last)
        out = np.zeros((count, 2))
        if low >= high:
            return out
        at = np.arange(low, high)
        piece = self._reader.read(low - self._first, high - low) * self._gain
        piece *= self._edges(at) * 10 ** (self._lift.at(at / RATE_HZ) / 20)
        if self._decorrelator is not None:
            out[low - start : high - start] = self._decorrelator.widen(piece)
        else:
            out[low - start : high - start] = piece[:, None] * pan_gains(self._pan.at(at / RATE_HZ))
        return out

    def _edges(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Fades where a layer begins or ends within the clip."""
        fade = _FADE_S * RATE_HZ
        gain = np.ones(len(at))
        if self._first:
            gain = np.minimum(gain, (at - self._first) / fade)
        if self._last is not None:
            gain = np.minimum(gain, (self._last - at) / fade)
        return gain.clip(0, 1)


def _performance(layer: Layer, sound: SoundClass, drive: PictureDrive, seed: int, start_s: float) -> Performance:
    curves = {name: _later(curve, start_s) for name, curve in drive.curves(sound, layer.knobs).items()}
    strikes = drive.strikes(sound)
    onsets_s = gains = None
    if strikes is not None:
        after = strikes[0] >= start_s
        onsets_s, gains = list(strikes[0][after] - start_s), list(strikes[1][after])
    return performance_of(
        sound,
        seed=seed,
        rate_hz=RATE_HZ,
        knobs=layer.knobs,
        curves=curves,
        onsets_s=onsets_s or None,
        onset_gains=gains or None,
    )


def _later(curve: Curve, start_s: float) -> Curve:
    """A curve on a clock that begins later."""
    skipped = min(round(start_s * curve.rate_hz), len(curve.values) - 1)
    return Curve(curve.values[skipped:], curve.rate_hz)


def stems_of(layers: Sequence[Layer], drive: PictureDrive, seeds: Sequence[int]) -> list[Stem]:
    """A stem a layer; the first one is the foreground."""
    return [
        Stem(layer, drive, seed, foreground=number == 0)
        for number, (layer, seed) in enumerate(zip(layers, seeds, strict=True))
    ]
