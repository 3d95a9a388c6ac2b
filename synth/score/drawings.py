"""Waveforms and spectrograms of a take and its parts, in one zip: what pages draw, made where the sound is at hand."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media.sound import spectrogram, waveform_peaks

MIX: Final = "mix"
"""The name of the take as delivered, among its parts."""
SUFFIX: Final = ".drawings.zip"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same sound makes the same file


class Drawings:
    """A zip that is being written."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def add(self, name: str, sound: NDArray[np.float32], rate_hz: int) -> None:
        """Draw a part, float32 [N] or [N, C]."""
        for zoom in waveform_peaks.ZOOMS:
            points = waveform_peaks.peaks_of(sound, zoom)
            self._write(_peaks_name(name, zoom), waveform_peaks.as_bytes(points, rate_hz, zoom), zipfile.ZIP_DEFLATED)
        self._write(_picture_name(name), spectrogram.png(sound, rate_hz), zipfile.ZIP_STORED)

    def copy(self, name: str, other: Path) -> None:
        """Take over the drawings of a part that has not changed, where the other file has them."""
        with zipfile.ZipFile(other) as file:
            there = file.namelist()
            for one in [_picture_name(name), *(_peaks_name(name, zoom) for zoom in waveform_peaks.ZOOMS)]:
                if one in there:
                    self._write(one, file.read(one), zipfile.ZIP_DEFLATED)

    def _write(self, name: str, data: bytes, how: int) -> None:
        self._file.writestr(zipfile.ZipInfo(name, _EPOCH), data, compress_type=how)


@contextmanager
def writing(path: Path) -> Iterator[Drawings]:
    """Write a file of drawings."""
    with zipfile.ZipFile(path, "w") as file:
        yield Drawings(file)


def peaks(file: IO[bytes], name: str, zoom: int) -> bytes | None:
    """The waveform of a part in audiowaveform's binary form; ``None`` where the part is not drawn.

    Raises:
        MediaError: it is no file of drawings.
    """
    return _read(file, _peaks_name(name, zoom))


def picture(file: IO[bytes], name: str) -> bytes | None:
    """The spectrogram of a part as PNG; ``None`` where the part is not drawn. Raises as :func:`peaks`."""
    return _read(file, _picture_name(name))


def _read(file: IO[bytes], name: str) -> bytes | None:
    try:
        with zipfile.ZipFile(file) as opened:
            return opened.read(name)
    except KeyError:
        return None
    except (zipfile.BadZipFile, OSError) as error:
        raise MediaError(f"the drawings of this take cannot be read: {error}") from error


def _peaks_name(name: str, zoom: int) -> str:
    return f"{name}.{zoom}.dat"


def _picture_name(name: str) -> str:
    return f"{name}.png"
