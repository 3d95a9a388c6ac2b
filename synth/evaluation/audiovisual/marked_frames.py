"""Where the sound comes from in frames of clips that a person may have, by file name.

One person marked one frame of each clip by looking at it: the thing that by its looks and the clip's name makes the
sound, whole, where it does not fill the picture. Clips whose source is not seen, fills the picture or is in doubt were
left out. Only fractions of the picture and names stand here; the clips are third-party footage, nothing is trained on
them, and none is in the project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.boxes import Box

TIME_S: Final = 1.0
"""Of the frame that was marked; in clips shorter than twice that, the middle."""

_TABLE: Final[Mapping[str, tuple[str, float, float, float, float]]] = {
    "aset_-ByoSbgzr4M_0": ("guitar", 0.15, 0.60, 1.00, 1.00),
    "aset__cYiqHDZGQk_60000": ("singer", 0.42, 0.00, 1.00, 1.00),
    "aset_rxhnnJ_hJyk_30000": ("engine", 0.24, 0.28, 0.78, 0.85),
    "aset_s9d-2nhuJCQ_30000": ("drums", 0.00, 0.25, 0.72, 0.98),
    "aset_vRPCcapAWeg_40000": ("clock", 0.08, 0.00, 0.66, 0.52),
    "avs15_cap_gun_shooting": ("gun", 0.06, 0.46, 0.44, 0.68),
    "avs15_chicken_crowing": ("rooster", 0.38, 0.17, 0.92, 0.73),
    "avs15_frog_croaking": ("frog", 0.32, 0.31, 0.61, 0.60),
    "avs15_lions_roaring": ("lion", 0.20, 0.08, 0.87, 0.85),
    "avs15_machine_gun_shooting": ("gun", 0.13, 0.36, 0.75, 0.82),
    "avs15_playing_cello": ("cello", 0.16, 0.28, 0.88, 0.98),
    "avs15_playing_trombone": ("trombone", 0.10, 0.20, 0.92, 0.98),
    "avs15_playing_trumpet": ("trumpet", 0.17, 0.34, 1.00, 0.97),
    "avs15_sharpen_knife": ("knife", 0.22, 0.20, 1.00, 0.85),
    "derpo_LC4vDpnkDtM": ("cow", 0.12, 0.30, 0.70, 0.84),
    "fc_avsync_0": ("dog", 0.06, 0.30, 0.92, 0.98),
    "fc_avsync_1": ("gun", 0.04, 0.16, 0.62, 0.42),
    "fc_vggsound_0": ("drums", 0.00, 0.50, 0.72, 1.00),
    "fc_vggsound_1": ("sheep", 0.00, 0.50, 0.95, 1.00),
    "fc_vggsound_2": ("train", 0.00, 0.16, 0.98, 0.72),
    "fc_vggsound_3": ("tennis player", 0.45, 0.40, 0.67, 0.90),
    "sonic_3Q56DpBv5gE_0007_0017_target": ("saw", 0.15, 0.15, 1.00, 0.80),
    "sonic_cclR4JDZGPI_0023_0033_target": ("swimmer", 0.08, 0.30, 0.80, 0.56),
    "v2am_baby-laugh_gt": ("baby", 0.17, 0.12, 0.60, 0.68),
    "v2am_rel_5_r": ("piano", 0.25, 0.50, 0.90, 1.00),
    "v2am_rel_6_r": ("choir", 0.00, 0.36, 1.00, 0.85),
    "v2am_rock-concert_gt": ("band", 0.10, 0.45, 0.85, 0.85),
    "vas_baby_video_01951": ("baby", 0.38, 0.18, 1.00, 0.82),
    "vas_cough_video_00331": ("face", 0.50, 0.05, 0.92, 0.70),
    "vas_dog_video_02677": ("dog", 0.40, 0.24, 0.72, 0.87),
    "vas_drum_video_02480": ("drums", 0.33, 0.25, 1.00, 1.00),
    "vas_fireworks_video_02997": ("fireworks", 0.45, 0.16, 0.70, 0.53),
    "vas_gun_video_00819": ("gun", 0.00, 0.05, 0.56, 0.40),
    "vggs_-Qowmc0P9ic_34000_44000": ("drums", 0.00, 0.50, 1.00, 1.00),
    "vggs_0nib7bMm8BA_15000_25000": ("bird", 0.47, 0.44, 0.73, 0.87),
    "vggs_1aDnyPubxdY_118000_128000": ("baby", 0.12, 0.04, 0.95, 0.95),
    "vggs_3HgbEKrbA9s_54000_64000": ("double bass", 0.30, 0.00, 0.95, 1.00),
    "vggs_3JYjNHFJfO4_363000_373000": ("child", 0.48, 0.30, 0.75, 0.62),
    "vggs_6zlMP_kQ_-w_30000_40000": ("harp", 0.10, 0.03, 0.95, 0.98),
    "vggs_7fRaV39Y-2o_50000_60000": ("waterfall", 0.00, 0.06, 0.33, 0.60),
    "vggs_D1NO38P8vqI_284000_294000": ("drums", 0.00, 0.45, 0.95, 0.78),
    "vta_-26aVYRtEAc_000030": ("guitarist", 0.18, 0.05, 0.80, 0.65),
    "vta_-BAKe6QGTUk_000030": ("guitar", 0.10, 0.58, 0.72, 0.88),
    "water_biDn0Gi6V8U_7.0_15.0": ("glass", 0.24, 0.15, 0.64, 0.70),
    "water_goWgiQQMugA_2.5_9.0": ("glass", 0.43, 0.43, 0.75, 1.00),
}


@dataclass(frozen=True)
class MarkedFrame:
    """One frame: the stem of its clip's file, its time, and what sounds in it."""

    name: str
    time_s: float
    box: Box


def marked_frame(name: str, duration_s: float) -> MarkedFrame | None:
    """The frame that was marked of a clip of this name and length; ``None`` where none was."""
    if name not in _TABLE:
        return None
    label, left, top, right, bottom = _TABLE[name]
    return MarkedFrame(name, min(TIME_S, duration_s / 2), Box(label, True, left, top, right, bottom))


def names() -> tuple[str, ...]:
    """Stems of all clips that were marked."""
    return tuple(_TABLE)


@dataclass(frozen=True)
class Frame:
    """A marked frame of a real clip: its maps [1, 432, 14, 14], the spectrogram around it, what sounds, the picture."""

    name: str
    maps: NDArray[np.float16]
    mel: NDArray[np.float32]
    box: Box
    picture: NDArray[np.uint8]
