"""Sound that comes in blocks, written to a file with its loudest sample at one level; memory does not grow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media.files import arriving

PEAK_DBFS: Final = -1.0
_KINDS: Final = {".wav": ("WAV", "PCM_24"), ".flac": ("FLAC", "PCM_24")}
_BLOCK: Final = 1 << 16


def write_blocks(target: Path, blocks: Iterable[NDArray[np.float64]], rate_hz: int) -> None:
    """Write blocks [N] of one channel as wav or flac (24 bit) by suffix, the peak at -1 dBFS; whole or not at all.

    The blocks are spooled to a temporary file first, because the peak is known only at the end.

    Raises:
        MediaError: the suffix is another, a value is not finite, or the disk refuses.
    """
    kind = _KINDS.get(target.suffix.lower())
    if kind is None:
        raise MediaError(f"the sound file ends in {target.suffix!r}; allowed are {', '.join(_KINDS)}")
    with tempfile.TemporaryFile() as spool, arriving(target) as part:
        peak = 0.0
        for block in blocks:
            if not np.isfinite(block).all():
                raise MediaError("the sound holds values that are not numbers and cannot be written")
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            spool.write(block.astype(np.float32).tobytes())
        gain = 10 ** (PEAK_DBFS / 20) / max(peak, 1e-9)
        try:
            with soundfile.SoundFile(part, "w", rate_hz, 1, kind[1], format=kind[0]) as file:
                for block32 in _spooled(spool):
                    file.write(block32 * np.float32(gain))
        except (soundfile.SoundFileError, ValueError) as error:
            raise MediaError(f"{target.name} cannot be written: the disk is full or refuses it") from error


def _spooled(spool: BinaryIO) -> Iterator[NDArray[np.float32]]:
    spool.seek(0)
    while piece := spool.read(4 * _BLOCK):
        yield np.frombuffer(piece, np.float32)
