"""What each material sounds like when a drumstick hits it or scratches along it, as figures with plain meanings.

How the figures were chosen. What rings and for how long follows the physics of the materials: inner friction is small
in metal, glass and glazed ceramic (long T60), large in wood and plastic (some tens of cycles), and a soft body such as
cloth or a carpet gives way before a mode can build up, which leaves a thump. Leaves, paper and gravel are many small
contacts one after another: a cloud of grains. Where recordings of drumstick hits with known material were at hand
(cloth, wood, metal, rock, grass, leaf, paper, plastic, plastic bag; 90 hits of the Greatest Hits data set, CVPR 2016)
their median spectral centroid and their times to fall by 10, 20 and 30 dB were matched by hand, layer by layer. No
recording enters the sound itself. The other eight materials are set by ear and by neighbourhood: tile between ceramic
and rock, carpet between cloth and dirt, drywall between wood and paper.

Levels in dB are relative to the loudest layer's peak. Times called fall or ring are T60: how long 60 dB take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# --- the layers a material is made of -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Modes:
    """Damped sinusoids; mode k = 1, 2 ... lies at ``base_hz * k ** spacing``."""

    base_hz: float
    count: int
    spacing: float  # 2: a thin bar; 1: a membrane or a thick plate, where modes lie evenly
    ring_s: float  # T60 of the lowest mode
    damping: float  # T60 falls as frequency ** -damping; 1: every mode rings equally many cycles
    tilt_db: float  # level of a mode an octave above the lowest, relative to it
    db: float = 0.0
    scatter: float = 0.08  # share by which a mode strays at random: no two bodies are alike


@dataclass(frozen=True)
class Burst:
    """Noise between two corners (12 dB an octave beyond them), rising within ``attack_s``."""

    low_hz: float
    high_hz: float
    fall_s: float
    db: float = 0.0
    attack_s: float = 0.0005


@dataclass(frozen=True)
class Thump:
    """One deep swing whose pitch sinks by a third while it dies: a soft body gives way."""

    hz: float
    fall_s: float
    db: float = 0.0


@dataclass(frozen=True)
class Grains:
    """A cloud of crackles, dense at first, of very unequal strength."""

    count: int
    spread_s: float  # mean time after contact
    low_hz: float
    high_hz: float
    grain_s: float  # T60 of one
    db: float = 0.0


@dataclass(frozen=True)
class Bubbles:
    """Rising chirps of air bubbles in water (van den Doel, "Physically based models for liquid sounds", TAP 2005)."""

    count: int
    spread_s: float
    low_hz: float
    high_hz: float
    db: float = 0.0


@dataclass(frozen=True)
class Friction:
    """A scratch: noise in a band whose strength wavers at ``rough_hz``, with grains, exciting the body's modes."""

    low_hz: float
    high_hz: float
    rough_hz: float
    grains_per_s: float = 0.0
    grains_db: float = 0.0
    ring_db: float = -60.0


Layer = Modes | Burst | Thump | Grains | Bubbles


@dataclass(frozen=True)
class Recipe:
    """One material; ``level`` and ``scratch_level`` are the peaks of its hardest hit and scratch, full scale is 1."""

    level: float
    scratch_level: float
    layers: tuple[Layer, ...]
    friction: Friction


# --- the table ----------------------------------------------------------------------------------------------------

RECIPES: Final[dict[str, Recipe]] = {
    # Soft pile on a hard floor: the floor's thump through a layer that swallows all above 1 kHz.
    "carpet": Recipe(
        level=0.5,
        scratch_level=0.2,
        layers=(Thump(95, 0.12), Burst(120, 900, 0.05, -8, 0.002), Burst(500, 3500, 0.04, -24, 0.002)),
        friction=Friction(500, 4500, 45, 120, -14),
    ),
    # Glazed and stiff: few high modes, evenly spread, that ring for some tenths of a second.
    "ceramic": Recipe(
        level=0.85,
        scratch_level=0.3,
        layers=(Modes(1150, 14, 0.95, 0.55, 0.45, -3.5), Burst(1500, 8000, 0.02, -7), Burst(500, 5000, 0.12, -28)),
        friction=Friction(2200, 8000, 60, 60, -8, -14),
    ),
    # A cushion: nearly all of it below 250 Hz, gone within a tenth of a second.
    "cloth": Recipe(
        level=0.6,
        scratch_level=0.12,
        layers=(Thump(115, 0.13), Burst(50, 260, 0.09, -7, 0.004), Burst(500, 3000, 0.05, -32, 0.002)),
        friction=Friction(280, 3500, 25, 40, -16),
    ),
    # Damp earth: a dull thud with a little grit.
    "dirt": Recipe(
        level=0.55,
        scratch_level=0.3,
        layers=(
            Thump(105, 0.1),
            Burst(150, 1600, 0.05, -5, 0.001),
            Grains(35, 0.03, 1800, 6500, 0.006, -10),
        ),
        friction=Friction(1900, 6500, 55, 260, -3),
    ),
    # A board over a hollow: a low knock, drier than wood.
    "drywall": Recipe(
        level=0.7,
        scratch_level=0.25,
        layers=(
            Modes(135, 12, 0.85, 0.2, 0.55, -4.5),
            Burst(300, 3500, 0.03, -7),
            Burst(300, 2500, 0.15, -30),
        ),
        friction=Friction(900, 6000, 45, 80, -8, -26),
    ),
    # Clear, high and long; hardly any noise.
    "glass": Recipe(
        level=0.8,
        scratch_level=0.25,
        layers=(Modes(1450, 16, 0.9, 1.1, 0.5, -2.5), Burst(2500, 9000, 0.015, -9), Burst(800, 6000, 0.15, -32)),
        friction=Friction(3000, 9000, 80, 20, -10, -10),
    ),
    # Blades bend before the ground is reached: a rustle around a weak thud.
    "grass": Recipe(
        level=0.5,
        scratch_level=0.22,
        layers=(
            Thump(130, 0.07, -7),
            Burst(900, 5000, 0.03, -1, 0.001),
            Grains(60, 0.045, 1500, 6500, 0.006, -9),
        ),
        friction=Friction(1500, 6500, 30, 300, -5),
    ),
    # Stones that click against each other for a while after the blow.
    "gravel": Recipe(
        level=0.7,
        scratch_level=0.35,
        layers=(
            Burst(700, 5500, 0.03, -3),
            Grains(45, 0.06, 1800, 7500, 0.012, 0),
            Thump(140, 0.06, -14),
        ),
        friction=Friction(1200, 7000, 35, 220, 2),
    ),
    # Dry leaves: a sharp crunch, then crackling.
    "leaf": Recipe(
        level=0.6,
        scratch_level=0.3,
        layers=(
            Burst(700, 5200, 0.035),
            Thump(150, 0.05, -10),
            Grains(80, 0.06, 1400, 7000, 0.005, -8),
        ),
        friction=Friction(1400, 6500, 30, 420, 0),
    ),
    # A thin wall of steel: many modes from a few hundred hertz up, ringing for half a second and more.
    "metal": Recipe(
        level=0.9,
        scratch_level=0.35,
        layers=(Modes(520, 36, 0.8, 1.0, 0.3, -0.6), Burst(900, 6000, 0.03, -5), Burst(500, 5000, 0.25, -26)),
        friction=Friction(2000, 8000, 70, 60, -8, -8),
    ),
    # A sheet on a table: the table's low knock through it, and a flap.
    "paper": Recipe(
        level=0.5,
        scratch_level=0.22,
        layers=(
            Modes(140, 10, 1.0, 0.2, 0.6, -3.0),
            Burst(600, 4500, 0.05, -5, 0.001),
            Grains(25, 0.05, 1500, 6500, 0.005, -14),
        ),
        friction=Friction(500, 4500, 40, 160, -6, -20),
    ),
    # A hollow, well damped box: short modes from 400 Hz up and much contact noise.
    "plastic": Recipe(
        level=0.75,
        scratch_level=0.28,
        layers=(
            Modes(420, 18, 0.9, 0.13, 0.3, -1.0),
            Burst(2200, 7000, 0.04, -3),
            Burst(700, 6000, 0.16, -22),
        ),
        friction=Friction(1600, 7500, 60, 100, -6, -22),
    ),
    # A crumpling film: crackles everywhere, for a long while.
    "plastic-bag": Recipe(
        level=0.5,
        scratch_level=0.28,
        layers=(
            Burst(600, 5000, 0.035, 0, 0.001),
            Grains(150, 0.11, 1500, 7500, 0.004, -6),
        ),
        friction=Friction(1800, 8000, 25, 520, 3),
    ),
    # Too stiff and too heavy to move: the stick's own short click, and what the place returns of it.
    "rock": Recipe(
        level=0.85,
        scratch_level=0.3,
        layers=(
            Burst(1100, 5800, 0.028),
            Modes(1600, 8, 0.8, 0.06, 0.2, -1.0, -5),
            Burst(900, 5500, 0.2, -21),
        ),
        friction=Friction(2000, 6500, 60, 160, -3, -30),
    ),
    # A thin slab glued to a floor: ceramic that hardly rings.
    "tile": Recipe(
        level=0.85,
        scratch_level=0.28,
        layers=(Modes(1250, 12, 0.9, 0.22, 0.4, -1.5), Burst(1200, 7500, 0.022, -4), Burst(600, 5000, 0.18, -25)),
        friction=Friction(2400, 8500, 65, 70, -6, -18),
    ),
    # A slap on the surface, spray, and bubbles that close behind the stick.
    "water": Recipe(
        level=0.6,
        scratch_level=0.3,
        layers=(
            Burst(350, 4500, 0.09, 0, 0.004),
            Bubbles(14, 0.14, 450, 2200, -4),
            Burst(1500, 8000, 0.35, -13, 0.02),
        ),
        friction=Friction(500, 5500, 12, 0, 0),
    ),
    # A table top: a few low modes of some tens of cycles and a woody click.
    "wood": Recipe(
        level=0.85,
        scratch_level=0.3,
        layers=(
            Modes(255, 16, 0.85, 0.28, 0.5, -3.0),
            Burst(1500, 5200, 0.02, -9),
            Burst(400, 4000, 0.2, -28),
        ),
        friction=Friction(1300, 6000, 50, 100, -6, -18),
    ),
}
