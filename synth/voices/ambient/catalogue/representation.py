"""A sound of the catalogue as plain JSON values, for the command line and the API."""

from __future__ import annotations

from typing import Any

from synth.voices.ambient.catalogue.entry import SoundClass


def sound_json(sound: SoundClass) -> dict[str, Any]:
    """Names, knobs with their ranges, and what it may be heard with."""
    knobs = {
        knob.name: {
            "low": knob.low,
            "default": knob.default,
            "high": knob.high,
            "unit": knob.unit,
            "meaning": knob.meaning,
            "driven_by": sound.drives.get(knob.name),
        }
        for knob in sound.knobs
    }
    return {
        "name": sound.name,
        "audioset": list(sound.audioset),
        "engine": sound.engine,
        "knobs": knobs,
        "family": sound.family,
        "singular": sound.singular,
        "plural": sound.plural,
        "phrases": list(sound.phrases),
        "together": list(sound.together),
    }
