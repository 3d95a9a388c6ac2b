"""All sounds of the catalogue, found by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from synth.errors import OptionError
from synth.nearest_names import nearest_names
from synth.voices.ambient.catalogue import families
from synth.voices.ambient.catalogue.entry import SoundClass


@cache
def all_sounds() -> Mapping[str, SoundClass]:
    """Every class by name, family by family, in the order in which the modules list them.

    Raises:
        ValueError: two classes of one name.
    """
    found: dict[str, SoundClass] = {}
    for module in pkgutil.walk_packages(families.__path__, f"{families.__name__}."):
        if module.ispkg:
            continue
        for sound in importlib.import_module(module.name).CLASSES:
            if sound.name in found:
                raise ValueError(f"{sound.name} stands twice in the catalogue")
            found[sound.name] = sound
    return MappingProxyType(found)


def sound_class(name: str) -> SoundClass:
    """The class of that name.

    Raises:
        OptionError: there is none; the message gives the three nearest names.
    """
    sounds = all_sounds()
    if name not in sounds:
        raise OptionError(f"there is no sound {name!r}; the nearest are {', '.join(nearest_names(name, sounds))}")
    return sounds[name]
