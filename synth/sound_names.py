"""The names of all sounds of the catalogue, for whoever must know them without loading what makes the sounds."""

from __future__ import annotations

from typing import Final

from synth.ambient_classes import DISPLAY_NAMES

_NAMES: Final = """
accordion air_conditioner alarm_clock ambulance applause babble basketball bass_drum bee bicycle bicycle_bell
blender boiling bowling breathing bus busy_signal buzzer camera car_alarm car_horn car_idle car_passing
cat cello chainsaw cheering chopping_food church_bell civil_defense_siren clarinet clock_tick coins
computer_keyboard cough cow crackling_fire cricket crow crying_baby cymbal dishes dog door_creak door_knock
door_slam doorbell drawer drill dripping drum_kit duck electric_shaver engine_start explosion fan fire_engine
fireworks flute footsteps_concrete footsteps_gravel footsteps_leaves footsteps_metal footsteps_mud footsteps_snow
footsteps_wood frog frying glass_breaking glass_clink gong guitar gull gunshot hail hair_dryer hammer harp heartbeat
helicopter hen horse horse_gallop jackhammer jet keys laughter lawn_mower lion machine_gun microwave_oven motorboat
motorcycle organ owl paper_crumpling paper_tearing piano pig pigeon police_siren pouring printer propeller_plane
race_car rain rain_on_leaves rain_on_roof reversing_beeps rooster rustling_leaves sanding sawing scissors sea_waves
sewing_machine sheep ship_horn singing_bowl skateboard smoke_detector snare_drum sneezing snoring songbird splash
steam steam_train stream tambourine telephone thunder traffic_noise train train_horn tram_bell trombone
truck truck_horn trumpet typewriter underwater vacuum_cleaner vibraphone violin washing_machine water_tap waterfall
whistling wind wind_chime wolf wood_chopping xylophone zipper
"""

SOUND_NAMES: Final[tuple[str, ...]] = tuple(_NAMES.split())
"""In alphabetical order; the ten of :data:`synth.ambient_classes.AMBIENT_CLASSES` are among them."""


def display_name(name: str) -> str:
    """What a person reads: "crackling fire"."""
    return DISPLAY_NAMES.get(name, name.replace("_", " "))
