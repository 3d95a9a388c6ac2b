"""Third-octave band levels of real sounds, in dB of the whole, 25 Hz to 20 kHz: what computed noise is shaped by.

Each is the median over recordings of ESC-10 (Piczak, 2015; CC BY 3.0, folds 1 to 4), brought to one level first. They
are statistics of many recordings; no recording can be made out of them.
"""

from __future__ import annotations

from typing import Final

RAIN_DB: Final = (
    *(-27, -24, -22, -22, -21, -20, -19, -19, -17, -17, -16, -17, -16, -15, -14),
    *(-14, -14, -14, -14, -13, -14, -14, -15, -16, -15, -16, -17, -19, -22, -26),
)
"""32 recordings; deviation 3 to 5 dB from 200 Hz to 4 kHz, 10 dB and more below 50 Hz."""

SEA_WAVES_DB: Final = (
    *(-31, -32, -30, -29, -27, -22, -21, -18, -15, -14, -13, -12, -11, -11, -10),
    *(-11, -11, -12, -12, -14, -15, -17, -19, -21, -22, -23, -24, -26, -29, -33),
)
"""32 recordings; deviation 1 to 4 dB from 250 Hz to 6 kHz."""

FIRE_DB: Final = (
    *(-19, -17, -15, -14, -13, -13, -11, -13, -14, -17, -20, -22, -23, -24, -24),
    *(-23, -25, -24, -23, -21, -21, -20, -18, -16, -17, -17, -17, -19, -22, -25),
)
"""32 recordings; deviation 5 to 8 dB: flames below 250 Hz, crackling above 2 kHz."""
