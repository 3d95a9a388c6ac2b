"""Real recordings that stand for classes of the catalogue: what the second judge compares with.

They lie in one folder: ``esc10/CLASS/*``, ``urbansound8k/CLASS/*`` and ``effects/**`` (of two games and an ambience
app), in any format that ffmpeg reads. What a recording shows is known by its folder or by its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.ambient_classes import AMBIENT_CLASSES

SOUND_SUFFIXES: Final = frozenset({".opus", ".ogg", ".wav", ".flac"})

_URBANSOUND: Final[dict[str, tuple[str, ...]]] = {
    "air_conditioner": ("air_conditioner", "fan"),
    "car_horn": ("car_horn", "car_alarm"),
    "dog_bark": ("dog",),
    "drilling": ("drill",),
    "engine_idling": ("car_idle", "truck", "bus", "motorcycle"),
    "gun_shot": ("gunshot", "machine_gun"),
    "jackhammer": ("jackhammer",),
    "siren": ("police_siren", "ambulance", "fire_engine"),
}
_RAIN: Final = ("rain", "rain_on_roof", "rain_on_leaves")
_EFFECTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (r"blanket/birds|BirdsLoop|osfx_(66|72)", ("songbird",)),
    (r"blanket/coffee-shop", ("babble",)),
    (r"blanket/fireplace|Fire/Fire$", ("crackling_fire",)),
    (r"blanket/rain|StereoRain", _RAIN),
    (r"blanket/storm", ("thunder", *_RAIN)),
    (r"blanket/summer-night", ("cricket",)),
    (r"blanket/train|osfx_(10|65|71)", ("train",)),
    (r"blanket/waves", ("sea_waves",)),
    (r"blanket/wind|WindLoop|osfx_(52|57)|Windbag/Gust", ("wind",)),
    (r"Lightning/Thunder", ("thunder",)),
    (r"Environment/Waterfall", ("waterfall",)),
    (r"Liquids/Boiling", ("boiling",)),
    (r"Liquids/Bubble", ("underwater", "boiling")),
    (r"Liquids/(Sizzle|Pshshsh|SmokeSizzle)|osfx_13", ("steam", "frying")),
    (r"Liquids/(Splash|Swim)", ("splash",)),
    (r"Liquids/Waterdrop", ("dripping",)),
    (r"StepHard", ("footsteps_wood", "footsteps_concrete", "footsteps_metal")),
    (r"StepSoft|Action/Dig", ("footsteps_gravel", "footsteps_snow", "footsteps_leaves", "footsteps_mud")),
    (r"DoorClose|Chest/Close|StoneGate/GateHit", ("door_slam", "drawer")),
    (r"DoorOpen|Chest/Open", ("drawer", "door_slam", "door_creak")),
    (r"WoodCreak|HingeCreak", ("door_creak",)),
    (r"Wood/(Dull)?WoodHit|Shield/WoodHit", ("door_knock", "hammer", "wood_chopping")),
    (r"Tree/Chop", ("wood_chopping", "hammer", "chopping_food")),
    (r"GlassBreak|GlassShatter", ("glass_breaking",)),
    (r"GlassHit", ("glass_clink", "glass_breaking", "dishes")),
    (r"Blunderbuss/(GunShoot|BulletShot)", ("gunshot", "machine_gun")),
    (r"Fire/Blast(\d|Liquid|Metal)|osfx_18", ("explosion",)),
    (r"Fire/(BlastFirework|Cracker)", ("fireworks",)),
    (r"osfx_(04|05)|Structures/SteamEngine", ("steam_train",)),
    (r"osfx_(06|07)", ("ship_horn",)),
    (r"osfx_08|PropellerLoop", ("propeller_plane",)),
    (r"osfx_(09|59|61)", ("jet",)),
    (r"osfx_14", ("tram_bell",)),
    (r"osfx_20", ("cash_register",)),
    (r"osfx_(25|26|27|28)", ("bus", "truck", "engine_start")),
    (r"osfx_29", ("applause",)),
    (r"osfx_33", ("jackhammer",)),
    (r"osfx_35", ("car_horn",)),
    (r"osfx_36", ("sheep",)),
    (r"osfx_37", ("cow",)),
    (r"osfx_38", ("horse",)),
    (r"osfx_56", ("chainsaw",)),
    (r"osfx_67", ("lion",)),
    (r"Wipf/Aroof", ("dog",)),
    (r"MosquitoBuzz", ("bee",)),
    (r"Action/Breathing", ("breathing",)),
    (r"Elevator/Drilling", ("drill",)),
    (r"FanLoop", ("fan",)),
)


@dataclass(frozen=True)
class Reference:
    """A recording, the classes that it may stand for, and its source: cuts of one recording have one source."""

    path: Path
    classes: tuple[str, ...]
    source: str


def references(folder: Path) -> list[Reference]:
    """The recordings of a folder whose class is known, in the order of their names."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SOUND_SUFFIXES)
    return [reference for path in found if (reference := _reference(path.relative_to(folder), path)) is not None]


def _reference(inside: Path, path: Path) -> Reference | None:
    corpus, kind, stem = inside.parts[0], inside.parts[1] if len(inside.parts) > 1 else "", inside.stem
    if corpus == "esc10" and kind in AMBIENT_CLASSES:
        return Reference(path, (kind,), f"esc10/{'-'.join(stem.split('-')[:2])}")
    if corpus == "urbansound8k" and kind in _URBANSOUND:
        return Reference(path, _URBANSOUND[kind], f"urbansound8k/{stem.split('-')[0]}")
    if corpus == "effects":
        name = inside.with_suffix("").as_posix()
        for pattern, classes in _EFFECTS:
            if re.search(pattern, name):
                return Reference(path, classes, re.sub(r"\d+(alt)?$", "", name))
    return None
