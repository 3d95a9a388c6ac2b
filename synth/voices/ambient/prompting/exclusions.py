"""What may not be heard: ``--without "speech, music"``, as a set of sounds that no part of the product may choose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from synth.errors import OptionError
from synth.nearest_names import nearest_names
from synth.voices.ambient.catalogue.entry import FAMILIES
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.prompting.lexicon import lexicon
from synth.voices.ambient.prompting.tokens import stems_of

SPEECH: Final = "speech"
GROUPS: Final[dict[str, str]] = {
    SPEECH: "babble cheering",
    "voices": "babble cheering laughter crying_baby whistling",
    "singing": "songbird whistling",
    "birds": "songbird crow owl pigeon gull hen duck rooster",
    "insects": "bee cricket",
    "pets": "dog cat",
    "water": "stream waterfall sea_waves dripping pouring water_tap splash boiling underwater rain rain_on_roof "
    "rain_on_leaves",
    "weather": "wind rain rain_on_roof rain_on_leaves hail thunder",
    "footsteps": "footsteps_wood footsteps_concrete footsteps_metal footsteps_gravel footsteps_snow footsteps_leaves "
    "footsteps_mud",
    "vehicles": "car_idle engine_start car_passing car_horn motorcycle truck bus race_car traffic_noise "
    "train train_horn steam_train tram_bell car_alarm truck_horn reversing_beeps police_siren ambulance fire_engine "
    "propeller_plane jet helicopter motorboat ship_horn",
    "cars": "car_idle engine_start car_passing car_horn race_car traffic_noise car_alarm",
    "engines": "car_idle engine_start motorcycle truck bus race_car motorboat propeller_plane chainsaw lawn_mower",
    "aircraft": "propeller_plane jet helicopter",
    "sirens": "police_siren ambulance fire_engine civil_defense_siren car_alarm",
    "alarms": "alarm_clock smoke_detector car_alarm buzzer police_siren ambulance fire_engine civil_defense_siren",
    "bells": "church_bell tram_bell bicycle_bell doorbell telephone alarm_clock singing_bowl wind_chime",
    "horns": "car_horn truck_horn train_horn ship_horn",
    "guns": "gunshot machine_gun",
    "weapons": "gunshot machine_gun explosion",
    "crowds": "applause cheering babble laughter",
    "instruments": "music",
    "tools": "chainsaw drill jackhammer hammer sawing sanding wood_chopping",
}
"""Words for several sounds at once, beside the families; a family's name in the list stands for all of it."""
_ALSO: Final = {"music": ("whistling",)}
"""Of another family, and heard as this one too."""


@dataclass(frozen=True)
class Exclusions:
    """What is left out.

    Attributes:
        sounds: names in the catalogue.
        speech: whether the speech voice is left out too.
    """

    sounds: frozenset[str] = frozenset()
    speech: bool = False


@cache
def parse_without(text: str | None) -> Exclusions:
    """What a list of families, groups and sounds rules out; nothing for None or an empty text.

    Raises:
        OptionError: a word that names none; the message gives the three nearest.
    """
    words = [word for part in re.split(r"[,;\n]|\band\b|\bor\b", text or "") if (word := part.strip(" ."))]
    sounds = frozenset().union(*(named_by(word) for word in words))
    return Exclusions(sounds, any(stems_of(word) in _speech_words() for word in words))


def named_by(word: str) -> frozenset[str]:
    """All sounds that a family, a group, or a word that is in their names means.

    Raises:
        OptionError: it means none.
    """
    stems = stems_of(word.lower().removeprefix("no ").removeprefix("any "))
    found = _groups().get(stems, frozenset())
    if stems:
        inside = (name for name in all_sounds() if set(stems) <= set(stems_of(name)))
        phrase = lexicon().sounds.get(stems)
        found = found.union(inside, () if phrase is None else (phrase,))
    if not found:
        near = ", ".join(nearest_names(word, [*GROUPS, *FAMILIES, *all_sounds()]))
        raise OptionError(
            f"without names {word[:60]!r}, which is no sound and no family of sounds; the nearest are {near}"
        )
    return found


@cache
def _groups() -> dict[tuple[str, ...], frozenset[str]]:
    families = {
        family: frozenset(sound.name for sound in all_sounds().values() if sound.family == family)
        for family in FAMILIES
    }
    found = {stems_of(family): names.union(_ALSO.get(family, ())) for family, names in families.items()}
    for group, listed in GROUPS.items():
        found[stems_of(group)] = frozenset().union(*(families.get(name, {name}) for name in listed.split()))
    for other, group in _OTHER_WORDS.items():
        found[stems_of(other)] = found[stems_of(group)]
    return found


_OTHER_WORDS: Final = {
    "talking": SPEECH,
    "talk": SPEECH,
    "dialogue": SPEECH,
    "spoken words": SPEECH,
    "musical": "music",
    "songs": "music",
    "machinery": "machines",
    "planes": "aircraft",
    "steps": "footsteps",
    "human": "people",
    "humans": "people",
    "animal": "animals",
}


@cache
def _speech_words() -> frozenset[tuple[str, ...]]:
    """Words that rule out the speech voice too, as stems; only who rules something out needs the stemmer."""
    return frozenset(
        stems_of(word) for word in (SPEECH, "voices", "people", "human", "talking", "spoken words", "dialogue")
    )
