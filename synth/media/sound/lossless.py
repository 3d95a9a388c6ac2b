"""Files of sound without loss: WAV and FLAC, whose samples of 24 bit are carried over unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from synth.errors import MediaError


def audio_of(path: Path) -> tuple[NDArray[np.float32], int]:
    """The sound of a kept file, float32 [N] or [N, 2], and its rate.

    Raises:
        MediaError: it cannot be read.
    """
    try:
        sound, rate_hz = soundfile.read(path, dtype="float32")
    except (soundfile.SoundFileError, OSError) as error:
        raise MediaError(f"{path.name} cannot be read: {error}") from error
    return np.asarray(sound, np.float32), int(rate_hz)


def copy_samples(source: Path, target: Path) -> None:
    """The same samples of 24 bit in another form, WAV or FLAC by suffix.

    Raises:
        MediaError: the source cannot be read, or the disk refuses.
    """
    try:
        sound, rate_hz = soundfile.read(source, dtype="int32")
        soundfile.write(target, sound, rate_hz, format=target.suffix[1:].upper(), subtype="PCM_24")
    except (soundfile.SoundFileError, OSError) as error:
        raise MediaError(f"{source.name} cannot be copied: {error}") from error
