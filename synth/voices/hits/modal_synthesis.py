"""Hits and scratches of the 17 materials, computed: damped modes, contact noise, thumps, grains and bubbles.

Modal synthesis as in van den Doel and Pai, "The Sounds of Physical Shapes" (Presence 1998): a struck body sounds as a
sum of damped sinusoids. Modes alone sound like a clink, since much of a drumstick's contact is noise; so each material
is a handful of layers (:mod:`synth.voices.hits.material_acoustics`). Nothing here is recorded sound.

Shapes: N = samples, K = modes. Size and strength run from 0 to 1. A big body (size 1) sounds an octave deeper than a
middling one (0.5) and rings longer, a small one an octave higher and shorter; a hard hit is louder and brighter.

The one source of randomness is the argument ``uniforms``: draws are expanded from its bytes with the Philox counter, so
that any number of values will do and equal values give equal sound.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth import randomness
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.voices.hits.material_acoustics import RECIPES, Bubbles, Burst, Grains, Layer, Modes, Recipe, Thump

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LONGEST_STRIKE_S: Final = 3.0
_T60: Final = math.log(1000)  # an amplitude falls by 60 dB as exp(-_T60 * t / fall_s)
_FADE_S: Final = 0.01


def strike(material: str, *, strength: float, size: float, rate_hz: int, uniforms: NDArray[Any]) -> Floats:
    """The sound [N] of one hit; the contact is at its first sample. N follows from how long the material rings.

    Args:
        material: one of :data:`synth.materials.MATERIALS`.
        strength: 0 (silent) to 1; the peak is ``strength`` times the material's level, which is below 1.
        size: 0 to 1, see the module's head.
        rate_hz: sample rate.
        uniforms: [any, at least one] values in [0, 1): which body it is, where it is hit, and the noise.

    Raises:
        OptionError: an unknown material, or a value out of its range.
    """
    recipe = checked(material, strength, size, rate_hz)
    dice = Dice(uniforms)
    samples = round(min(LONGEST_STRIKE_S, _length_s(recipe, size)) * rate_hz)
    sound = np.zeros(samples)
    for layer in recipe.layers:
        sound += 10 ** (layer.db / 20) * peak_one(_render(layer, samples, rate_hz, size, dice))
    sound = brightness(sound, strength, rate_hz)
    fade = min(samples, round(_FADE_S * rate_hz))
    sound[samples - fade :] *= np.linspace(1, 0, fade)
    return (peak_one(sound) * (recipe.level * strength)).astype(np.float32)


def scratch(
    material: str, *, duration_s: float, strength: float, size: float, rate_hz: int, uniforms: NDArray[Any]
) -> Floats:
    """The sound [round(duration_s * rate_hz)] of a stick that is dragged along the material for ``duration_s``.

    Arguments as in :func:`strike`; the peak is ``strength`` times the material's level for scratches.

    Raises:
        OptionError: an unknown material, or a value out of its range.
    """
    recipe = checked(material, strength, size, rate_hz)
    if not (math.isfinite(duration_s) and 0 < duration_s <= 3600):
        raise OptionError(f"duration_s is {duration_s}; allowed is above 0 to 3600")
    dice = Dice(uniforms)
    samples = max(1, round(duration_s * rate_hz))
    sound = _rub(recipe, samples, rate_hz, size, dice) * _stroke(samples, rate_hz, dice)
    return (peak_one(brightness(sound, strength, rate_hz)) * (recipe.scratch_level * strength)).astype(np.float32)


# --- inside -------------------------------------------------------------------------------------------------------


class Dice:
    """Uniform numbers in [0, 1) without end, expanded from the caller's; each call continues where the last ended."""

    def __init__(self, uniforms: NDArray[Any]) -> None:
        values = np.ascontiguousarray(uniforms, np.float32).ravel()
        if values.size == 0:
            raise OptionError("uniforms is empty; at least one number is needed")
        digest = hashlib.blake2b(values.astype("<f4").tobytes(), digest_size=8).digest()
        self._seed = int.from_bytes(digest, "little")
        self._next = 0

    def roll(self, count: int) -> Doubles:
        """[count] values in [0, 1)."""
        values = randomness.uniforms(self._seed, "modal", self._next, count)
        self._next += count
        return values.astype(np.float64)

    def spread(self, count: int) -> Doubles:
        """[count] values in [-1, 1)."""
        return 2 * self.roll(count) - 1


def checked(material: str, strength: float, size: float, rate_hz: int) -> Recipe:
    """The material's recipe, once all arguments are found to be in their ranges.

    Raises:
        OptionError: they are not.
    """
    recipe = RECIPES.get(material)
    if recipe is None:
        raise OptionError(f"material is {material!r}; allowed are {', '.join(MATERIALS)}")
    for name, value in (("strength", strength), ("size", size)):
        if not 0 <= value <= 1:
            raise OptionError(f"{name} is {value}; allowed is 0 to 1")
    if not 4000 <= rate_hz <= 192_000:
        raise OptionError(f"rate_hz is {rate_hz}; allowed is 4000 to 192000")
    return recipe


def _pitch(size: float) -> float:
    """Factor on frequencies: 2 for the smallest body, 1/2 for the biggest (half the length, twice the frequency)."""
    return float(4 ** (0.5 - size))


def _length_s(recipe: Recipe, size: float) -> float:
    """When the last layer has fallen by 60 dB."""
    longest = 0.0
    for layer in recipe.layers:
        if isinstance(layer, Modes):
            longest = max(longest, layer.ring_s / _pitch(size))
        elif isinstance(layer, Burst):
            longest = max(longest, layer.attack_s + layer.fall_s)
        elif isinstance(layer, Thump):
            longest = max(longest, layer.fall_s / _pitch(size))
        else:
            longest = max(longest, 4.6 * layer.spread_s + 0.05)  # 99 in 100 events have begun by then
    return longest + _FADE_S


def _render(layer: Layer, samples: int, rate_hz: int, size: float, dice: Dice) -> Doubles:
    """One layer [N] of a hit, at any level."""
    if isinstance(layer, Modes):
        return _modes(layer, samples, rate_hz, size, dice)
    if isinstance(layer, Burst):
        return _burst(layer, samples, rate_hz, dice)
    if isinstance(layer, Thump):
        return _thump(layer, samples, rate_hz, size, dice)
    if isinstance(layer, Grains):
        starts = -layer.spread_s * np.log1p(-dice.roll(layer.count))
        return _grains(starts, layer.low_hz, layer.high_hz, layer.grain_s, samples, rate_hz, dice)
    starts = -layer.spread_s * np.log1p(-dice.roll(layer.count))
    return _bubbles(starts, layer, samples, rate_hz, size, dice)


def _modes(layer: Modes, samples: int, rate_hz: int, size: float, dice: Dice) -> Doubles:
    ratios = np.arange(1, layer.count + 1) ** layer.spacing * (1 + layer.scatter * dice.spread(layer.count))
    # Where a body is hit decides how much of each mode sounds: up to 12 dB less.
    levels_db = layer.tilt_db * np.log2(ratios) - 12 * dice.roll(layer.count)
    falls_s = layer.ring_s / _pitch(size) * ratios**-layer.damping * 2 ** (0.3 * dice.spread(layer.count))
    phases = 2 * np.pi * dice.roll(layer.count)
    hz = layer.base_hz * _pitch(size) * ratios
    times = np.arange(samples) / rate_hz
    out = np.zeros(samples)
    for frequency, level_db, fall_s, phase in zip(hz, levels_db, falls_s, phases, strict=True):
        if frequency < 0.45 * rate_hz:
            stop = min(samples, math.ceil(1.2 * fall_s * rate_hz))
            at = times[:stop]
            out[:stop] += (
                10 ** (level_db / 20) * np.exp(-_T60 / fall_s * at) * np.sin(2 * np.pi * frequency * at + phase)
            )
    return out


def _burst(layer: Burst, samples: int, rate_hz: int, dice: Dice) -> Doubles:
    length = min(samples, math.ceil((layer.attack_s + 1.2 * layer.fall_s) * rate_hz) + 1)
    noise = _band_noise(length, layer.low_hz, layer.high_hz, rate_hz, dice)
    times = np.arange(length) / rate_hz
    envelope = np.minimum(times / layer.attack_s, 1) * np.exp(-_T60 / layer.fall_s * times)
    return np.pad(noise * envelope, (0, samples - length))


def _band_noise(length: int, low_hz: float, high_hz: float, rate_hz: int, dice: Dice) -> Doubles:
    """Noise [length] between two corners, 12 dB an octave beyond them."""
    padded = int(scipy.fft.next_fast_len(length, real=True))
    hz = np.maximum(scipy.fft.rfftfreq(padded, 1 / rate_hz), 1e-3)
    gain = 1 / np.sqrt((1 + (low_hz / hz) ** 4) * (1 + (hz / high_hz) ** 4))
    noise = scipy.fft.irfft(scipy.fft.rfft(dice.spread(padded)) * gain, padded)
    return np.asarray(noise[:length])


def _thump(layer: Thump, samples: int, rate_hz: int, size: float, dice: Dice) -> Doubles:
    fall_s = layer.fall_s / _pitch(size)
    hz = layer.hz * _pitch(size) * 2 ** (0.2 * dice.spread(1)[0])
    times = np.arange(samples) / rate_hz
    envelope = np.exp(-_T60 / fall_s * times)
    swing = hz * (2 / 3 * times + fall_s / _T60 / 3 * (1 - envelope))  # the integral of hz * (2/3 + 1/3 envelope)
    return np.asarray(np.sin(2 * np.pi * swing) * envelope)


def _grains(
    starts_s: Doubles, low_hz: float, high_hz: float, grain_s: float, samples: int, rate_hz: int, dice: Dice
) -> Doubles:
    count = starts_s.size
    hz = low_hz * (high_hz / low_hz) ** dice.roll(count)
    levels = dice.roll(count) ** 3  # few strong ones, many faint ones
    falls_s = grain_s * 2 ** dice.spread(count)
    times = np.arange(math.ceil(2 * grain_s * rate_hz) + 1) / rate_hz
    out = np.zeros(samples)
    for start, frequency, level, fall_s in zip((starts_s * rate_hz).astype(int), hz, levels, falls_s, strict=True):
        found = times[: max(0, samples - start)]
        if found.size and frequency < 0.45 * rate_hz:
            grain = np.sin(2 * np.pi * frequency * found) * np.exp(-_T60 / fall_s * found)
            out[start : start + found.size] += level * grain
    return out


def _bubbles(starts_s: Doubles, layer: Bubbles, samples: int, rate_hz: int, size: float, dice: Dice) -> Doubles:
    count = starts_s.size
    hz = layer.low_hz * (layer.high_hz / layer.low_hz) ** dice.roll(count) * _pitch(size) ** 0.5
    levels = dice.roll(count) ** 2
    out = np.zeros(samples)
    for start, frequency, level in zip((starts_s * rate_hz).astype(int), hz, levels, strict=True):
        # A bubble of pitch f is damped at 0.13 f + 0.0072 f^1.5 per second and rises at a share of that (paper, eq. 3).
        damping = 0.13 * frequency + 0.0072 * frequency**1.5
        times = np.arange(math.ceil(7 / damping * rate_hz)) / rate_hz
        found = times[: max(0, samples - start)]
        phase = 2 * np.pi * frequency * (found + 0.05 * damping * found**2)
        out[start : start + found.size] += level * np.sin(phase) * np.exp(-damping * found)
    return out


def _rub(recipe: Recipe, samples: int, rate_hz: int, size: float, dice: Dice) -> Doubles:
    """A steady scratch [N]: unsteady noise, grains, bubbles, and the body's modes that the noise excites."""
    friction, duration_s = recipe.friction, samples / rate_hz
    noise = _band_noise(samples, friction.low_hz, friction.high_hz, rate_hz, dice)
    sound = _rms_one(noise * np.exp(0.6 * _slow_noise(samples, friction.rough_hz, rate_hz, dice)))
    count = round(friction.grains_per_s * duration_s)
    if count:
        starts = duration_s * dice.roll(count)
        grains = _grains(starts, friction.low_hz, friction.high_hz, 0.008, samples, rate_hz, dice)
        sound += 10 ** (friction.grains_db / 20) * _rms_one(grains)
    for layer in recipe.layers:
        if isinstance(layer, Modes):
            body = _modes(layer, min(samples, round(layer.ring_s * rate_hz) + 1), rate_hz, size, dice)
            rung = scipy.signal.oaconvolve(sound, body)[:samples]
            sound += 10 ** (friction.ring_db / 20) * _rms_one(rung)
        elif isinstance(layer, Bubbles):
            starts = duration_s * dice.roll(max(1, round(30 * duration_s)))
            sound += _rms_one(_bubbles(starts, layer, samples, rate_hz, size, dice))
    return sound


def _stroke(samples: int, rate_hz: int, dice: Dice) -> Doubles:
    """The envelope [N] of a stick that is set down, dragged with a wavering hand and lifted."""
    swell = np.exp(0.35 * _slow_noise(samples, 4.0, rate_hz, dice))
    times = (np.arange(samples) + 1) / rate_hz
    duration_s = samples / rate_hz
    rise_s, fall_s = min(0.015, duration_s / 4), min(0.06, duration_s / 4)
    edges = np.minimum(times / rise_s, 1) * np.minimum((duration_s - times) / fall_s, 1)
    return np.asarray(swell * np.maximum(edges, 0))


def _slow_noise(samples: int, rate_of_change_hz: float, rate_hz: int, dice: Dice) -> Doubles:
    """Gaussian-like noise [N] of unit deviation that changes about ``rate_of_change_hz`` times a second."""
    knots = max(2, math.ceil(samples / rate_hz * rate_of_change_hz) + 2)
    heights = math.sqrt(3) * (dice.spread(knots) + dice.spread(knots)) / math.sqrt(2)
    places = np.arange(samples) * (rate_of_change_hz / rate_hz)
    return np.asarray(np.interp(places, np.arange(knots), heights))


def brightness(sound: Doubles, strength: float, rate_hz: int) -> Doubles:
    """A hard hit is a short contact and excites high modes; a soft one is low-passed (6 dB an octave)."""
    corner_hz = 2500 * 2 ** (3.5 * strength)
    if corner_hz >= 0.45 * rate_hz:
        return sound
    pole = math.exp(-2 * math.pi * corner_hz / rate_hz)
    return np.asarray(scipy.signal.lfilter([1 - pole], [1, -pole], sound))


def peak_one(sound: Doubles) -> Doubles:
    """``sound`` [N] at a peak of 1; silence stays silent."""
    peak = float(np.max(np.abs(sound)))
    return sound / peak if peak > 0 else sound


def _rms_one(sound: Doubles) -> Doubles:
    level = float(np.sqrt(np.mean(sound**2)))
    return sound / level if level > 0 else sound
