"""Numbers with a unit, as values of a knob: ``2 km``, ``3 kHz``, ``40 %``."""

from __future__ import annotations

from typing import Final

UNITS: Final[dict[str, tuple[str, float]]] = {
    **dict.fromkeys(("m", "meter", "metre", "meters", "metres"), ("length", 1.0)),
    **dict.fromkeys(("km", "kilometer", "kilometre", "kilometers", "kilometres"), ("length", 1000.0)),
    **dict.fromkeys(("cm", "centimeter", "centimetre", "centimeters", "centimetres"), ("length", 0.01)),
    **dict.fromkeys(("mm", "millimeter", "millimetre", "millimeters", "millimetres"), ("length", 0.001)),
    **dict.fromkeys(("um", "µm", "micrometer", "micrometers"), ("length", 1e-6)),
    **dict.fromkeys(("mile", "miles"), ("length", 1609.344)),
    **dict.fromkeys(("ft", "foot", "feet"), ("length", 0.3048)),
    **dict.fromkeys(("yard", "yards"), ("length", 0.9144)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), ("time", 1.0)),
    **dict.fromkeys(("kg", "kilo", "kilos", "kilograms"), ("mass", 1.0)),
    "ms": ("time", 0.001),
    "hz": ("frequency", 1.0),
    "khz": ("frequency", 1000.0),
    "pers": ("frequency", 1.0),
    "mps": ("speed", 1.0),
    "kmh": ("speed", 1 / 3.6),
    "mph": ("speed", 0.44704),
    "rpm": ("turns", 1.0),
    "db": ("level", 1.0),
    "%": ("share", 0.01),
    "percent": ("share", 0.01),
}
"""Unit as it is written -> what it measures, and its size in that measure's own unit (m, s, Hz, m/s, 1/min, dB, 1)."""

_KNOB_UNITS: Final[dict[str, tuple[str, float]]] = {
    "m": ("length", 1.0),
    "mm": ("length", 0.001),
    "µm": ("length", 1e-6),
    "s": ("time", 1.0),
    "kg": ("mass", 1.0),
    "Hz": ("frequency", 1.0),
    "1/s": ("frequency", 1.0),
    "m/s": ("speed", 1.0),
    "km/h": ("speed", 1 / 3.6),
    "1/min": ("turns", 1.0),
    "": ("share", 1.0),
}


def in_unit_of(knob_unit: str, value: float, unit: str) -> float | None:
    """A value in ``unit`` as a number in a knob's unit; None where they measure different things."""
    measure, size = UNITS[unit]
    wanted = _KNOB_UNITS.get(knob_unit)
    if wanted is None or wanted[0] != measure:
        return None
    return value * size / wanted[1]


def measure_of(unit: str) -> str | None:
    """What a unit measures; None for a word that is no unit."""
    found = UNITS.get(unit)
    return None if found is None else found[0]
