"""What a prompt was understood as, and how that is written so that it can be read again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from synth.voices.ambient.layers import Layer
from synth.voices.ambient.prompting.time_ranges import told_range


@dataclass(frozen=True)
class Parsed:
    """A prompt as layers.

    Attributes:
        layers: in the order in which they were named.
        ignored: words that count for nothing, each with the reason.
        told: the layers as a prompt of its own, with exact names and knobs: it parses to the same layers.
        excluded: sounds that the prompt itself rules out ("no dogs").
        notes: what was read as something else ("'thuner' was read as thunder").
    """

    layers: tuple[Layer, ...]
    ignored: tuple[str, ...]
    told: str
    excluded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "layers": [layer.as_json() for layer in self.layers],
            "ignored": list(self.ignored),
            "told": self.told,
            "excluded": list(self.excluded),
            "notes": list(self.notes),
        }


def told_layers(layers: Iterable[Layer]) -> str:
    """Layers as a prompt: ``rain_on_roof, drops_per_s 1300; 2-5 s: thunder, distance_m 2400``."""
    return "; ".join(_told(layer) for layer in layers)


def _told(layer: Layer) -> str:
    settings = [f"{name} {value:.6g}" for name, value in layer.knobs.items()]
    if layer.level_db:
        settings.append(f"level_db {layer.level_db:.6g}")
    if layer.pan is not None:
        settings.append(f"pan {layer.pan:.6g}")
    return told_range(layer.start_s, layer.end_s) + ", ".join([layer.sound, *settings])
