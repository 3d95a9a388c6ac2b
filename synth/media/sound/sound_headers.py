"""Which sound files libsndfile reads to the sample, told by their headers; the rest is ffmpeg's.

libsndfile takes a header at its word: of MP3 in a wav file it works out a length from the mean bit rate and stops
there, a wav file that was written to a pipe (size 0) has no samples for it, and a FLAC stream without its length is an
error. ffmpeg reads these to their end. Uncompressed files stay with libsndfile, which needs no child.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Final

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_PLAIN: Final = (_PCM, _FLOAT, _ALAW, _MULAW)
_MOST_CHUNKS: Final = 1000  # before the samples
_STREAMINFO_BYTES: Final = 34


def libsndfile_reads_all(path: Path) -> bool:
    """Whether a file is uncompressed wav or aiff, or FLAC, with its length in its header.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(12)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return _plain_wav(stream)
        if head[:4] == b"FORM":
            return head[8:] == b"AIFF"  # AIFC may hold anything
        if head[:4] == b"fLaC":
            stream.seek(8)
            return _flac_samples(stream.read(_STREAMINFO_BYTES)) > 0
    return False


def _plain_wav(stream: BinaryIO) -> bool:
    """Whether the chunks after a RIFF header are samples of fixed size, and say how many."""
    coding = None
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            return False
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return coding in _PLAIN and size > 0
        body = stream.read(min(size, 40)) if name == b"fmt " else b""
        if len(body) >= 2:
            (coding,) = struct.unpack_from("<H", body)
            if coding == _EXTENSIBLE and len(body) >= 26:
                (coding,) = struct.unpack_from("<H", body, 24)  # the first two bytes of its GUID
        stream.seek(size - len(body) + size % 2, 1)
    return False


def _flac_samples(streaminfo: bytes) -> int:
    """The number of samples in a FLAC header, 36 bits of it; 0 where the encoder did not know."""
    if len(streaminfo) < _STREAMINFO_BYTES:
        return 0
    return int.from_bytes(streaminfo[13:18], "big") & 0xF_FFFF_FFFF
