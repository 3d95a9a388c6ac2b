"""Hits and steps computed from bodies: each band's own burst of noise and modes, in a quiet room.

Where recordings gave bodies (:mod:`synth.voices.hits.impact_table`), one is drawn, moved a little towards another one,
resized and struck anew. Materials of which there is no recording keep the physical figures of
:mod:`synth.voices.hits.material_acoustics`: a hit is computed by :mod:`synth.voices.hits.modal_synthesis`; where it has
clean modes, which read as music, it is measured like a recording and its bands become bursts with the same levels and
decays, with random modes between; where it is grains and noise already it stays as it is. Both get a quiet room.

Shapes as in :mod:`synth.voices.hits.impact_body`. Strength and size run from 0 to 1.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.voices.hits import modal_synthesis
from synth.voices.hits.impact_body import (
    BANDS_HZ,
    LATE_S,
    MEASURED_RATE_HZ,
    SILENT_DB,
    TIMES_S,
    ImpactBody,
    band_gains,
    blended,
    measure,
)
from synth.voices.hits.impact_table import HARD_STEP, SOFT_STEP, Bodies, shipped_bodies
from synth.voices.hits.material_acoustics import RECIPES, Modes

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

STEP_FLOORS: Final = ("carpet", "dirt", "grass", "gravel", "leaf", "metal", "rock", "tile", "wood")
"""The materials that people walk on."""

_HARD_FLOORS: Final = frozenset({"metal", "rock", "tile", "wood"})
_FLOOR_SHARE: Final = 0.35  # of a step's levels in dB: the shoe decides how it begins, the floor how it goes on
_STEP_LEVEL: Final = 0.6  # of the peak of a hit with a stick
LONGEST_S: Final = 0.9
_MODES: Final = 48  # of a body that was not recorded: those found, and random ones between them
_RANDOM_SHARE: Final = 0.15  # of such a body's power in each band that belongs to modes, at least
_LARGEST_BLEND: Final = 0.2
_RESIZED: Final = 0.12  # octaves that the smallest body lies above a middling one: its figures hold near its own size
_LEVEL_SPREAD_DB: Final = 1.0
_RISE_S: Final = 0.0002
_ROOM_S: Final = 0.25  # reverberation time of a small furnished room
_ROOM_DB: Final = -30.0
_FADE_S: Final = 0.02


def strike(
    material: str, *, strength: float, size: float, rate_hz: int, uniforms: NDArray[Any], bodies: Bodies | None = None
) -> Floats:
    """The sound [N] of one hit; the contact is at its first sample and N at most 0.9 s.

    Args:
        material: one of :data:`synth.materials.MATERIALS`.
        strength: 0 (silent) to 1; the peak is ``strength`` times the material's level, a soft hit is duller.
        size: 0 to 1; a big body sounds deeper and longer.
        rate_hz: sample rate.
        uniforms: [any, at least one] values in [0, 1): which body, where it is hit, and the noise.
        bodies: the measured ones; those that ship where None.

    Raises:
        OptionError: an unknown material, or a value out of its range.
    """
    modal_synthesis.checked(material, strength, size, rate_hz)
    dice = modal_synthesis.Dice(uniforms)
    known = (shipped_bodies() if bodies is None else bodies).get(material)
    if known:
        sound = _render(_resized(_varied(known, dice), size), False, rate_hz, dice)
    else:
        sound = _in_room(_unrecorded(material, size, rate_hz, dice), rate_hz, dice)
    sound = modal_synthesis.brightness(sound, 0.5 + strength / 2, rate_hz)
    return _finished(sound, RECIPES[material].level * strength, rate_hz)


def step(material: str, *, strength: float, size: float, rate_hz: int, uniforms: NDArray[Any]) -> Floats:
    """The sound [N] of a shoe that is set down on a floor; arguments and errors as of :func:`strike`.

    Raises:
        OptionError: also where nobody walks on the material.
    """
    modal_synthesis.checked(material, strength, size, rate_hz)
    if material not in STEP_FLOORS:
        raise OptionError(f"a step is asked for on {material!r}; allowed are {', '.join(STEP_FLOORS)}")
    dice, table = modal_synthesis.Dice(uniforms), shipped_bodies()
    shoe = _varied(table[HARD_STEP if material in _HARD_FLOORS else SOFT_STEP], dice)
    struck = _unrecorded(material, size, rate_hz, dice)
    floor = _varied(table[material], dice) if material in table else measure(struck, rate_hz)
    sound = _render(_resized(blended(shoe, floor, _FLOOR_SHARE), size), False, rate_hz, dice)
    if material not in table and not _rings(material):  # what crackles under a stick crackles under a shoe
        struck = struck[: sound.size]
        sound = modal_synthesis.peak_one(sound)
        sound[: struck.size] += modal_synthesis.peak_one(struck)
    return _finished(_in_room(sound, rate_hz, dice), _STEP_LEVEL * RECIPES[material].level * strength, rate_hz)


def _rings(material: str) -> bool:
    return any(isinstance(layer, Modes) for layer in RECIPES[material].layers)


def _unrecorded(material: str, size: float, rate_hz: int, dice: modal_synthesis.Dice) -> Doubles:
    """A hit [N] by the table of physical figures, at any level, without clean modes."""
    numbers = dice.roll(8)
    if not _rings(material):
        struck = modal_synthesis.strike(material, strength=1.0, size=size, rate_hz=rate_hz, uniforms=numbers)
        return struck[: round(LONGEST_S * rate_hz)].astype(np.float64)
    struck = modal_synthesis.strike(material, strength=1.0, size=size, rate_hz=MEASURED_RATE_HZ, uniforms=numbers)
    return _render(measure(struck, MEASURED_RATE_HZ), True, rate_hz, dice)


def _varied(known: tuple[ImpactBody, ...], dice: modal_synthesis.Dice) -> ImpactBody:
    """A body of its own, near one of those known."""
    first, second = (known[int(draw * len(known))] for draw in dice.roll(2))
    body = blended(first, second, _LARGEST_BLEND * float(dice.roll(1)[0]))
    spread_db = _LEVEL_SPREAD_DB * dice.spread(len(BANDS_HZ))
    return ImpactBody(body.levels_db + spread_db[:, None], body.mode_shares, body.modes_hz, body.modes_db)


def _finished(sound: Doubles, peak: float, rate_hz: int) -> Floats:
    """``sound`` [N], at most 0.9 s of it, with a soft end and this peak."""
    sound = sound[: round(LONGEST_S * rate_hz)]
    fade = min(sound.size, round(_FADE_S * rate_hz))
    sound[sound.size - fade :] *= np.linspace(1, 0, fade)
    return (modal_synthesis.peak_one(sound) * peak).astype(np.float32)


def _resized(body: ImpactBody, size: float) -> ImpactBody:
    """The same material in another size: all frequencies move together, times the other way."""
    octaves = _RESIZED * (1 - 2 * size)
    places = np.arange(len(BANDS_HZ)) - 3 * octaves
    times_s = np.log(TIMES_S * 2**octaves + _RISE_S)
    rows = [np.interp(times_s, np.log(TIMES_S + _RISE_S), row) for row in body.levels_db]
    levels_db = np.stack([np.interp(places, np.arange(len(BANDS_HZ)), column) for column in np.stack(rows).T]).T
    shares = np.stack([np.interp(places, np.arange(len(BANDS_HZ)), column) for column in body.mode_shares.T], axis=1)
    return ImpactBody(levels_db, shares, body.modes_hz * 2**octaves, body.modes_db)


def _render(body: ImpactBody, random_modes: bool, rate_hz: int, dice: modal_synthesis.Dice) -> Doubles:
    """A blow on ``body`` [N], at any level."""
    audible_s = TIMES_S[(body.levels_db > body.levels_db.max() + SILENT_DB + 20).any(axis=0)]
    samples = round(min(LONGEST_S, 1.3 * float(audible_s[-1]) + 0.05) * rate_hz)
    times = np.arange(samples) / rate_hz
    shares = np.maximum(body.mode_shares, _RANDOM_SHARE) if random_modes else body.mode_shares
    noise, modes = _noise_bands(samples, rate_hz, dice), _mode_bands(body, random_modes, times, rate_hz, dice)
    places = np.log(times + _RISE_S)
    sound = np.zeros(samples)
    for band, row_db in enumerate(body.levels_db):
        share = np.interp(times, (LATE_S / 4, LATE_S), shares[band]) if modes[band].any() else np.zeros(1)
        carrier = np.sqrt(1 - share) * noise[band] + np.sqrt(share) * modes[band]
        sound += 10 ** (np.interp(places, np.log(TIMES_S + _RISE_S), row_db) / 20) * carrier
    return sound * np.minimum(1, (times + 1 / rate_hz) / _RISE_S)


def _noise_bands(samples: int, rate_hz: int, dice: modal_synthesis.Dice) -> Doubles:
    """Noise of each band [B, N] at an RMS of 1; bands above the top of the rate are silent."""
    size = int(scipy.fft.next_fast_len(samples, real=True))
    spectrum = scipy.fft.rfft(dice.spread(size))
    bands = scipy.fft.irfft(spectrum * band_gains(size, rate_hz), size)[:, :samples]
    bands[np.greater_equal(BANDS_HZ, rate_hz / 2)] = 0
    return np.asarray(bands / np.maximum(np.sqrt(np.mean(bands**2, axis=1, keepdims=True)), 1e-9))


def _mode_bands(
    body: ImpactBody, random_modes: bool, times: Doubles, rate_hz: int, dice: modal_synthesis.Dice
) -> Doubles:
    """The modes of each band [B, N] at an RMS of 1 where there are any; they die as their band does."""
    hz, levels_db = body.modes_hz, body.modes_db
    if random_modes:
        missing = max(0, _MODES - hz.size)
        random_hz = 150 * 2 ** (6.4 * dice.roll(missing))  # to 12.7 kHz
        hz, levels_db = np.concatenate((hz, random_hz)), np.concatenate((levels_db, np.full(missing, -12.0)))
    hz = hz * 2 ** (0.03 * dice.spread(hz.size))
    gains = 10 ** ((levels_db - 8 * dice.roll(hz.size)) / 20)  # where a body is hit decides what sounds
    phases = 2 * np.pi * dice.roll(hz.size)
    bands = np.zeros((len(BANDS_HZ), times.size))
    for frequency, gain, phase in zip(hz, gains, phases, strict=True):
        if frequency < 0.45 * rate_hz:
            band = int(np.clip(round(3 * math.log2(frequency / BANDS_HZ[0])), 0, len(BANDS_HZ) - 1))
            bands[band] += gain * np.sin(2 * np.pi * frequency * times + phase)
    return np.asarray(bands / np.maximum(np.sqrt(np.mean(bands**2, axis=1, keepdims=True)), 1e-9))


def _in_room(sound: Doubles, rate_hz: int, dice: modal_synthesis.Dice) -> Doubles:
    """``sound`` [N] with the diffuse reflections of a small room, softly."""
    times = np.arange(round(_ROOM_S * rate_hz)) / rate_hz
    tail = dice.spread(times.size) * np.exp(-math.log(1000) / _ROOM_S * times)
    tail[: round(0.003 * rate_hz)] = 0
    reflected = scipy.signal.oaconvolve(sound, tail / np.linalg.norm(tail))
    wet = 10 ** (_ROOM_DB / 20) * reflected
    wet[: sound.size] += sound
    return np.asarray(wet[: round(LONGEST_S * rate_hz)])
