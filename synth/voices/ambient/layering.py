"""Which sounds are heard together: a foreground, what else is seen, and a scene behind them.

The foreground is the sound for which most speaks. A second sound joins it where something else in the picture speaks
for it clearly, and a bed where the scene does: words that speak for the foreground have no more say. Only what may
sound together does (``together`` of the catalogue's entries), and never two sounds for which the same words speak. What
makes events gets more say where the picture has onsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from synth.models.vocabulary.sound_selector import SoundSelection
from synth.models.vocabulary.sounds import word_table
from synth.voices.ambient.catalogue.entry import SoundClass
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.layers import Layer

MOST: Final = 3
BEDS: Final = frozenset(
    {
        *("air_conditioner", "applause", "babble", "cheering", "cricket", "hail", "rain", "rain_on_leaves"),
        *("rain_on_roof", "rustling_leaves", "sea_waves", "stream", "traffic_noise", "underwater", "waterfall", "wind"),
    }
)
"""Sounds that come from all around: they are made wide, where others are panned."""

_SECOND, _BED = 0.1, 0.06  # evidence from which on a further layer is heard
_SECOND_DB, _BED_DB = -6.0, -12.0
_ALIKE: Final = 0.5
_WITH_ONSETS: Final = 1.5


def layers_of(selection: SoundSelection, *, onsets: bool, moves_s: float | None = None) -> tuple[Layer, ...]:
    """Up to :data:`MOST` layers for what was seen, the foreground first.

    Args:
        selection: what the picture calls for.
        onsets: whether things strike in it.
        moves_s: when something begins to move in it; before that, what somebody has to do is not heard.
    """
    sounds = all_sounds()
    chosen = _chosen(selection.best.name, selection.further, sounds, onsets=onsets)
    return tuple(replace(layer, start_s=moves_s) if sounds[layer.sound].worked else layer for layer in chosen)


def together(one: SoundClass, other: SoundClass) -> bool:
    """Whether two sounds may be heard at once, by what either says."""
    return _allows(one, other) or _allows(other, one)


def _allows(one: SoundClass, other: SoundClass) -> bool:
    return other.name in one.together or other.family in one.together


def _chosen(
    first: str, evidence: Mapping[str, float], sounds: Mapping[str, SoundClass], *, onsets: bool
) -> tuple[Layer, ...]:
    layers = [Layer(first)]

    def may_join(name: str) -> bool:
        return all(
            name != layer.sound
            and together(sounds[name], sounds[layer.sound])
            and word_table().likeness(name, layer.sound) < _ALIKE
            for layer in layers
        )

    def weight(name: str) -> float:
        # Whoever plays moves suddenly, on whichever instrument: that speaks for none before another.
        strikes = onsets and "onsets" in sounds[name].drives.values() and sounds[name].family != "music"
        return evidence[name] * (_WITH_ONSETS if strikes else 1.0)

    seconds = [name for name in evidence if name not in BEDS and evidence[name] >= _SECOND and may_join(name)]
    if seconds:
        layers.append(Layer(max(seconds, key=weight), level_db=_SECOND_DB))
    beds = [name for name in evidence if name in BEDS and evidence[name] >= _BED and may_join(name)]
    if beds and first not in BEDS:
        layers.append(Layer(max(beds, key=weight), level_db=_BED_DB))
    return tuple(layers[:MOST])
