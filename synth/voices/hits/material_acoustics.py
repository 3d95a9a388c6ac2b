"""What each material sounds like when a drumstick hits it or scratches along it, as figures with plain meanings.

How the figures were chosen. What rings and for how long follows the physics of the materials: inner friction is small
in metal, glass and glazed ceramic (long T60), large in wood and plastic (some tens of cycles), and a soft body such as
cloth or a carpet gives way before a mode can build up, which leaves a thump. Leaves, paper and gravel are many small
contacts one after another: a cloud of grains. Where recordings of drumstick hits with known material were at hand
(cloth, wood, metal, rock, grass, leaf, paper, plastic, plastic bag: some 80 hits and 20 scratches of Greatest Hits,
CVPR 2016) their median spectral centroid and their times to fall by 10, 20 and 30 dB were matched by hand, layer by
layer. No recording enters the sound itself. The other eight materials follow their neighbours: tile lies between
ceramic and rock, carpet between cloth and dirt, drywall between wood and paper; nothing was measured for them.

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
        layers=(Thump(105, 0.11), Burst(110, 750, 0.05, -3, 0.002), Burst(400, 3000, 0.05, -20, 0.002)),
        friction=Friction(400, 3200, 45, 120, -14),
    ),
    # Glazed and stiff: few high modes, evenly spread, that ring for some tenths of a second.
    "ceramic": Recipe(
        level=0.85,
        scratch_level=0.3,
        layers=(Modes(1250, 14, 0.95, 0.45, 0.4, -2.5), Burst(1500, 7000, 0.02, -6), Burst(500, 5000, 0.18, -26)),
        friction=Friction(1900, 6500, 60, 60, -8, -12),
    ),
    # A cushion: nearly all of it below 250 Hz, gone within a tenth of a second.
    "cloth": Recipe(
        level=0.6,
        scratch_level=0.12,
        layers=(
            Thump(115, 0.1, -3),
            Burst(55, 260, 0.07, 0, 0.003),
            Burst(60, 300, 0.2, -18, 0.01),
            Burst(500, 3500, 0.03, -26, 0.001),
        ),
        friction=Friction(220, 2200, 25, 60, -12),
    ),
    # Damp earth: a dull thud with a little grit.
    "dirt": Recipe(
        level=0.55,
        scratch_level=0.3,
        layers=(
            Thump(115, 0.08, -4),
            Burst(180, 1500, 0.04, 0, 0.001),
            Grains(35, 0.03, 1800, 6000, 0.006, -10),
            Burst(300, 2500, 0.15, -24),
        ),
        friction=Friction(1800, 5000, 55, 260, -3),
    ),
    # A board over a hollow: a low knock, drier than wood.
    "drywall": Recipe(
        level=0.7,
        scratch_level=0.25,
        layers=(
            Modes(150, 12, 0.85, 0.2, 0.55, -3.5),
            Burst(300, 3000, 0.035, 0),
            Burst(250, 2500, 0.2, -26),
        ),
        friction=Friction(700, 4500, 45, 80, -8, -26),
    ),
    # Clear, high and long; hardly any noise.
    "glass": Recipe(
        level=0.8,
        scratch_level=0.25,
        layers=(Modes(1600, 16, 0.9, 1.0, 0.5, -1.5), Burst(2500, 8000, 0.015, -8), Burst(800, 6000, 0.18, -30)),
        friction=Friction(2600, 7500, 80, 20, -10, -9),
    ),
    # Blades bend before the ground is reached: a rustle around a weak thud.
    "grass": Recipe(
        level=0.5,
        scratch_level=0.22,
        layers=(
            Thump(150, 0.05, -6),
            Burst(1000, 4200, 0.022, 0, 0.001),
            Grains(45, 0.035, 1500, 5500, 0.006, -11),
            Burst(400, 4000, 0.2, -20),
        ),
        friction=Friction(1300, 4800, 30, 300, -5),
    ),
    # Stones that click against each other for a while after the blow.
    "gravel": Recipe(
        level=0.7,
        scratch_level=0.35,
        layers=(
            Burst(700, 5000, 0.03, -3),
            Grains(45, 0.06, 1800, 7000, 0.012, 0),
            Thump(140, 0.06, -14),
        ),
        friction=Friction(1000, 5200, 35, 220, 2),
    ),
    # Dry leaves: a sharp crunch, then crackling.
    "leaf": Recipe(
        level=0.6,
        scratch_level=0.3,
        layers=(
            Burst(900, 4600, 0.025),
            Thump(170, 0.04, -13),
            Grains(70, 0.05, 1400, 6000, 0.005, -9),
            Burst(500, 4800, 0.2, -18),
        ),
        friction=Friction(1200, 4800, 30, 420, -1),
    ),
    # A thin wall of steel: many modes from a few hundred hertz up, ringing for half a second and more.
    "metal": Recipe(
        level=0.9,
        scratch_level=0.35,
        layers=(Modes(480, 36, 0.75, 0.95, 0.2, -1.8), Burst(800, 4500, 0.03, -5), Burst(400, 4500, 0.3, -24)),
        friction=Friction(1800, 6000, 70, 60, -8, -6),
    ),
    # A sheet on a table: the table's low knock through it, and a flap.
    "paper": Recipe(
        level=0.5,
        scratch_level=0.22,
        layers=(
            Modes(140, 12, 1.0, 0.25, 0.4, -1.5),
            Burst(450, 3800, 0.06, 3, 0.001),
            Burst(250, 3000, 0.28, -15),
            Grains(25, 0.05, 1500, 5500, 0.005, -14),
        ),
        friction=Friction(300, 2200, 40, 160, -4, -8),
    ),
    # A hollow, well damped box: short modes from 400 Hz up and much contact noise.
    "plastic": Recipe(
        level=0.75,
        scratch_level=0.28,
        layers=(
            Modes(420, 18, 0.9, 0.16, 0.25, -0.5),
            Burst(2600, 6500, 0.05, 3),
            Burst(700, 6000, 0.26, -10),
        ),
        friction=Friction(1400, 5600, 60, 100, -6, -18),
    ),
    # A crumpling film: crackles everywhere, for a long while.
    "plastic-bag": Recipe(
        level=0.5,
        scratch_level=0.28,
        layers=(
            Burst(450, 3600, 0.035, 0, 0.001),
            Grains(160, 0.12, 1100, 6000, 0.004, -5),
            Burst(400, 4500, 0.4, -20),
        ),
        friction=Friction(1500, 5800, 25, 520, 3),
    ),
    # Too stiff and too heavy to move: the stick's own short click, and what the place returns of it.
    "rock": Recipe(
        level=0.85,
        scratch_level=0.3,
        layers=(
            Burst(1000, 4800, 0.03),
            Modes(1600, 8, 0.8, 0.06, 0.2, -1.0, -7),
            Burst(700, 5000, 0.26, -12),
        ),
        friction=Friction(2000, 4600, 60, 160, -3, -30),
    ),
    # A thin slab glued to a floor: ceramic that hardly rings.
    "tile": Recipe(
        level=0.85,
        scratch_level=0.28,
        layers=(Modes(1350, 12, 0.9, 0.2, 0.4, -1.0), Burst(1200, 6500, 0.022, -3), Burst(600, 5000, 0.22, -20)),
        friction=Friction(2100, 6500, 65, 70, -6, -16),
    ),
    # A slap on the surface, spray, and bubbles that close behind the stick.
    "water": Recipe(
        level=0.6,
        scratch_level=0.3,
        layers=(
            Burst(300, 3500, 0.08, 0, 0.004),
            Bubbles(14, 0.14, 450, 2200, -4),
            Burst(1200, 7000, 0.35, -13, 0.02),
        ),
        friction=Friction(450, 4200, 12, 0, 0),
    ),
    # A table top: a few low modes of some tens of cycles and a woody click.
    "wood": Recipe(
        level=0.85,
        scratch_level=0.3,
        layers=(
            Modes(270, 16, 0.85, 0.22, 0.4, -2.5),
            Burst(2200, 4800, 0.025, -1),
            Burst(300, 3500, 0.28, -20),
        ),
        friction=Friction(1000, 4600, 50, 100, -6, -14),
    ),
}
