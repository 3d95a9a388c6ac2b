"""Spectrograms of one sentence, as it is and as every system says it, on one sheet to be looked at.

matplotlib is an extra (``sonorize[eval]``); its figures are drawn without a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.evaluation.hits.pictures import new_figure
from synth.voices.speech import spectra

_COLUMNS: Final = 3
_SHOWN_DB: Final = 70.0  # below the loudest point of a sound, where black begins


def draw(title: str, sounds: Mapping[str, NDArray[np.float32]], target: Path) -> None:
    """Write the log mel spectrogram of each sound [N] at 16 kHz by name, all of them over one time axis.

    Colours are relative to each sound's own loudest point, so that a quieter one is not taken for a blurred one.

    Raises:
        ValueError: there is no sound.
    """
    if not sounds:
        raise ValueError("there is no sound to draw")
    columns = min(_COLUMNS, len(sounds))
    rows = -(-len(sounds) // columns)
    longest_s = max(len(sound) for sound in sounds.values()) / spectra.RATE_HZ
    figure, axes = new_figure(rows, columns, (5.0 * columns, 2.4 * rows + 0.5))
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, sound) in zip(axes.flat, sounds.items(), strict=False):
        level_db = 20 / np.log(10) * spectra.log_mel(sound)
        extent = (0.0, len(level_db) * spectra.HOP / spectra.RATE_HZ, 0, spectra.BANDS)
        axis.set_axis_on()
        picture = axis.imshow(level_db.T, origin="lower", aspect="auto", extent=extent, cmap="magma")
        picture.set_clim(level_db.max() - _SHOWN_DB, level_db.max())
        axis.set(xlim=(0, longest_s), yticks=[])
        axis.tick_params(labelsize=7)
        axis.set_title(name, fontsize=9)
    figure.suptitle(title)
    figure.savefig(target, dpi=90)
