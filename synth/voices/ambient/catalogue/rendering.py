"""A sound of the catalogue as samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from synth.errors import OptionError
from synth.voices.ambient.catalogue.engines import stream
from synth.voices.ambient.catalogue.entry import SoundClass
from synth.voices.ambient.catalogue.performance import Curve, Performance, Samples

LOWEST_RATE_HZ: Final = 16_000
DEFAULT_RATE_HZ: Final = 48_000
HIGHEST_RATE_HZ: Final = 96_000
_SEED_LIMIT: Final = 2**64


def performance_of(
    sound: SoundClass,
    *,
    seed: int,
    rate_hz: int = DEFAULT_RATE_HZ,
    knobs: Mapping[str, float] = MappingProxyType({}),
    curves: Mapping[str, Curve] = MappingProxyType({}),
    onsets_s: Sequence[float] | None = None,
    onset_gains: Sequence[float] | None = None,
    stream_name: str = "",
) -> Performance:
    """What is asked of the sound's source.

    Args:
        sound: which sound.
        seed: 0 .. 2**64 - 1.
        rate_hz: 16000 .. 96000.
        knobs: those that are not to stay at their default.
        curves: those that follow the picture; values are held inside the knob's range.
        onsets_s: when events come, ascending; None leaves it to the sound.
        onset_gains: the strength of each onset, 1 as usual.
        stream_name: distinguishes two of the same sound in one result.

    Raises:
        OptionError: a seed, rate or knob that is not allowed.
    """
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise OptionError(f"the rate is {rate_hz} Hz; allowed is {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}")
    if not 0 <= seed < _SEED_LIMIT:
        raise OptionError(f"seed is {seed}; allowed is 0 to {_SEED_LIMIT - 1}")
    all_curves = {name: Curve.of(value) for name, value in sound.settings(knobs).items()}
    for name, curve in curves.items():
        knob = sound.knob(name)
        all_curves[name] = Curve(np.clip(curve.values, knob.low, knob.high), curve.rate_hz)
    return Performance(
        seed=seed,
        stream=f"sounds/{sound.name}/{stream_name}",
        rate_hz=rate_hz,
        knobs=MappingProxyType(all_curves),
        onsets_s=None if onsets_s is None else np.asarray(onsets_s, float),
        onset_gains=None if onset_gains is None else np.asarray(onset_gains, float),
    )


def sound_blocks(sound: SoundClass, performance: Performance, duration_s: float) -> Iterator[Samples]:
    """The sound in blocks of at most a second: memory does not grow with the length."""
    return stream(sound.source, performance, duration_s)


def render(sound: SoundClass, performance: Performance, duration_s: float) -> Samples:
    """The whole sound, float64 [round(duration_s * rate_hz)]."""
    blocks = list(sound_blocks(sound, performance, duration_s))
    return np.concatenate(blocks) if blocks else np.zeros(0)
