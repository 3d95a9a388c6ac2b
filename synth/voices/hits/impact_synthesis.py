"""Hits computed from measured bodies: each band's own burst of noise and modes, in a quiet room.

A material's bodies are those measured from recordings (``impact_bodies.json``, made by ``sonorize bank measure``);
materials of which there is no recording take the physical figures of :mod:`synth.voices.hits.material_acoustics`: a
hit is computed by :mod:`synth.voices.hits.modal_synthesis` and measured like a recording, so that its clean modes
become bursts of the same levels and decays. Two bodies are blended, resized and struck anew; no hit is a recording.

Shapes as in :mod:`synth.voices.hits.impact_body`. Strength and size run from 0 to 1.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.randomness import uniforms as counted_uniforms
from synth.voices.hits import modal_synthesis
from synth.voices.hits.impact_body import BANDS_HZ, SILENT_DB, TIMES_S, ImpactBody, band_gains, blended, measure
from synth.voices.hits.material_acoustics import RECIPES

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

TABLE: Final = "impact_bodies.json"
LONGEST_S: Final = 0.9
_RIGID: Final = frozenset({"ceramic", "drywall", "glass", "metal", "plastic", "rock", "tile", "wood"})
_MODES: Final = 48  # of a rigid body: those that were measured, and random ones between them
_RANDOM_SHARE: Final = 0.15  # of a rigid body's power in each band: belongs to modes too close to be measured apart
_LARGEST_BLEND: Final = 0.3
_RESIZED: Final = 0.25  # octaves that the smallest body lies above a middling one: its figures hold near its own size
_LEVEL_SPREAD_DB: Final = 1.5
_RISE_S: Final = 0.0002
_MEASURED_RATE_HZ: Final = 48_000
_ROOM_S: Final = 0.25  # reverberation time of a small furnished room
_ROOM_DB: Final = -30.0
_FADE_S: Final = 0.02


def measured_bodies() -> Mapping[str, tuple[ImpactBody, ...]]:
    """Material -> the bodies that recordings gave, at least one each; materials without a recording are missing."""
    return _table()


def strike(material: str, *, strength: float, size: float, rate_hz: int, numbers: NDArray[Any]) -> Floats:
    """The sound [N] of one hit; the contact is at its first sample and N at most 0.9 s.

    Args:
        material: one of :data:`synth.materials.MATERIALS`.
        strength: 0 (silent) to 1; the peak is ``strength`` times the material's level, a soft hit is duller.
        size: 0 to 1; a big body sounds deeper and longer.
        rate_hz: sample rate.
        numbers: [at least 8] values in [0, 1): which bodies, where they are hit, and the noise.

    Raises:
        OptionError: an unknown material, or a value out of its range.
    """
    modal_synthesis.checked(material, strength, size, rate_hz)
    dice = modal_synthesis.Dice(numbers)
    body = _drawn_body(material, strength, size, dice)
    sound = _render(_resized(body, size), material in _RIGID, rate_hz, dice)
    if material not in _table():  # a recording has its own room in it
        sound = _in_room(sound, rate_hz, dice)
    sound = modal_synthesis.brightness(sound, strength, rate_hz)
    fade = min(sound.size, round(_FADE_S * rate_hz))
    sound[sound.size - fade :] *= np.linspace(1, 0, fade)
    return (modal_synthesis.peak_one(sound) * (RECIPES[material].level * strength)).astype(np.float32)


def _drawn_body(material: str, strength: float, size: float, dice: modal_synthesis.Dice) -> ImpactBody:
    """A body of its own, near one of the material's."""
    known = _table().get(material)
    if known is None:
        numbers = dice.roll(8)
        struck = modal_synthesis.strike(
            material, strength=max(strength, 0.3), size=size, rate_hz=_MEASURED_RATE_HZ, uniforms=numbers
        )
        body = measure(struck, _MEASURED_RATE_HZ)
    else:
        first, second = (known[int(draw * len(known))] for draw in dice.roll(2))
        body = blended(first, second, _LARGEST_BLEND * float(dice.roll(1)[0]))
    spread_db = _LEVEL_SPREAD_DB * dice.spread(len(BANDS_HZ))
    return ImpactBody(body.levels_db + spread_db[:, None], body.mode_shares, body.modes_hz, body.modes_db)


def _resized(body: ImpactBody, size: float) -> ImpactBody:
    """The same material in another size: all frequencies move together, times the other way."""
    octaves = _RESIZED * (1 - 2 * size)
    places = np.arange(len(BANDS_HZ)) - 3 * octaves
    times_s = np.log(TIMES_S * 2**octaves + _RISE_S)
    rows = [np.interp(times_s, np.log(TIMES_S + _RISE_S), row) for row in body.levels_db]
    levels_db = np.stack([np.interp(places, np.arange(len(BANDS_HZ)), column) for column in np.stack(rows).T]).T
    shares = np.interp(places, np.arange(len(BANDS_HZ)), body.mode_shares)
    return ImpactBody(levels_db, shares, body.modes_hz * 2**octaves, body.modes_db)


def _render(body: ImpactBody, rigid: bool, rate_hz: int, dice: modal_synthesis.Dice) -> Doubles:
    """A blow on ``body`` [N], at any level."""
    audible_s = TIMES_S[(body.levels_db > body.levels_db.max() + SILENT_DB + 20).any(axis=0)]
    samples = round(min(LONGEST_S, 1.3 * float(audible_s[-1]) + 0.05) * rate_hz)
    times = np.arange(samples) / rate_hz
    shares = np.maximum(body.mode_shares, _RANDOM_SHARE) if rigid else body.mode_shares
    noise, modes = _noise_bands(samples, rate_hz, dice), _mode_bands(body, rigid, times, rate_hz, dice)
    places = np.log(times + _RISE_S)
    sound = np.zeros(samples)
    for band, row_db in enumerate(body.levels_db):
        share = shares[band] if modes[band].any() else 0.0
        carrier = math.sqrt(1 - share) * noise[band] + math.sqrt(share) * modes[band]
        sound += 10 ** (np.interp(places, np.log(TIMES_S + _RISE_S), row_db) / 20) * carrier
    return sound * np.minimum(1, (times + 1 / rate_hz) / _RISE_S)


def _noise_bands(samples: int, rate_hz: int, dice: modal_synthesis.Dice) -> Doubles:
    """Noise of each band [B, N] at an RMS of 1; bands above the top of the rate are silent."""
    size = int(scipy.fft.next_fast_len(samples, real=True))
    spectrum = scipy.fft.rfft(dice.spread(size))
    bands = scipy.fft.irfft(spectrum * band_gains(size, rate_hz), size)[:, :samples]
    bands[BANDS_HZ >= rate_hz / 2] = 0
    return np.asarray(bands / np.maximum(np.sqrt(np.mean(bands**2, axis=1, keepdims=True)), 1e-9))


def _mode_bands(body: ImpactBody, rigid: bool, times: Doubles, rate_hz: int, dice: modal_synthesis.Dice) -> Doubles:
    """The modes of each band [B, N] at an RMS of 1 where there are any; they die as their band does."""
    hz, levels_db = body.modes_hz, body.modes_db
    if rigid:
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


# --- the table ----------------------------------------------------------------------------------------------------


@functools.cache
def _table() -> dict[str, tuple[ImpactBody, ...]]:
    text = resources.files("synth.voices.hits").joinpath(TABLE).read_text(encoding="utf-8")
    return read_table(json.loads(text))


def as_table(bodies: Mapping[str, tuple[str, ImpactBody]]) -> dict[str, Any]:
    """Measured bodies, recording -> (material, body), as what JSON holds: whole dB, hundredths, Hz."""
    return {
        "bands_hz": np.round(BANDS_HZ, 1).tolist(),
        "times_s": TIMES_S.tolist(),
        "bodies": [
            {
                "recording": name,
                "material": material,
                "levels_db": np.round(body.levels_db).astype(int).tolist(),
                "mode_shares": np.round(body.mode_shares, 2).tolist(),
                "modes_hz": np.round(body.modes_hz).astype(int).tolist(),
                "modes_db": np.round(body.modes_db).astype(int).tolist(),
            }
            for name, (material, body) in bodies.items()
        ],
    }


def read_table(table: Mapping[str, Any]) -> dict[str, tuple[ImpactBody, ...]]:
    """Material -> bodies, of what :func:`as_table` made.

    Raises:
        OptionError: another grid of bands and times, or an unknown material.
    """
    if table["times_s"] != TIMES_S.tolist() or len(table["bands_hz"]) != len(BANDS_HZ):
        raise OptionError("the table of impact bodies has other bands or times than this code reads")
    found: dict[str, list[ImpactBody]] = {}
    for row in table["bodies"]:
        if row["material"] not in MATERIALS:
            raise OptionError(f"material is {row['material']!r}; allowed are {', '.join(MATERIALS)}")
        figures = [np.array(row[key], float) for key in ("levels_db", "mode_shares", "modes_hz", "modes_db")]
        found.setdefault(row["material"], []).append(ImpactBody(*figures))
    return {material: tuple(bodies) for material, bodies in found.items()}


def fresh_numbers(seed: int, name: str) -> Floats:
    """The numbers [16] of the hit of that name in a bank of that seed."""
    return counted_uniforms(seed, f"bank/{name}", 0, 16)
