"""A file that somebody searches with: a picture, a sound or a clip, told apart by what it is and not by its name.

Pictures are JPEG, PNG or WebP; sounds and clips whatever ffmpeg reads. A sound file with a cover is a sound. What is
longer or larger than needed to find something like it is refused with a sentence. Importable without torch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from synth.errors import MediaError
from synth.media import audio, video
from synth.options import LIMITS

PICTURE_FORMATS: Final = ("JPEG", "PNG", "WEBP")
MAX_PIXELS: Final = 50_000_000
MAX_SIDE_PX: Final = 16_384
MAX_CLIP_S: Final = 60.0
MAX_SOUND_S: Final = 600.0
MIN_SOUND_S: Final = 0.05
PICTURES: Final = 6
"""Of a clip, spread evenly."""
_PX: Final = 224
_ALLOWED: Final = f"allowed are {MAX_SIDE_PX} a side and {MAX_PIXELS} in all"
_SOUND_FILES: Final = (b"RIFF", b"fLaC", b"ID3")


@dataclass(frozen=True)
class Query:
    """What a file shows and sounds like; at least one of the two.

    Attributes:
        kind: ``picture``, ``sound`` or ``clip``.
        pictures: uint8 [K, 224, 224, 3] in RGB; one of a picture, :data:`PICTURES` of a clip.
        sound: float32 [N], one channel, and its rate in Hz; ``None`` where it is silent.
    """

    kind: str
    pictures: NDArray[np.uint8] | None
    sound: tuple[NDArray[np.float32], int] | None


def read(path: Path, cancelled: Callable[[], bool] = lambda: False) -> Query:
    """Tell what it is, and decode it.

    Raises:
        MediaError: it is none of the three, is damaged, too long or too large.
        Cancelled: ``cancelled`` said so.
    """
    with path.open("rb") as stream:
        magic = stream.read(16)
    if _is_picture(magic):
        return Query("picture", read_picture(path)[None], None)
    if magic.startswith(_SOUND_FILES) and magic[8:12] != b"AVI ":
        return Query("sound", None, _sound(path))
    try:
        info = video.probe(path, replace(LIMITS, max_duration_s=MAX_CLIP_S))
    except MediaError as error:
        return Query("sound", None, _sound_or(path, error))
    sound = _sound(path) if info.audio_codec else None
    return Query("clip", _pictures(path, info, cancelled), sound)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A still picture, upright, uint8 [224, 224, 3] in RGB, its sides pressed to that as those of clips are.

    Raises:
        MediaError: it is of another format, damaged, or too large.
    """
    try:
        with warnings.catch_warnings(), Image.open(path, formats=PICTURE_FORMATS) as picture:
            warnings.simplefilter("ignore")  # what is odd about it and can be read all the same is nobody's concern
            width, height = picture.size
            if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
                raise MediaError(f"the picture is {width} x {height} pixels; {_ALLOWED}")
            picture.draft("RGB", (2 * _PX, 2 * _PX))  # a JPEG need not be decoded whole
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            return np.asarray(upright.resize((_PX, _PX), Image.Resampling.BOX), dtype=np.uint8)
    except Image.DecompressionBombError as error:  # Pillow's own limit comes first where it is far beyond ours
        raise MediaError(f"the picture is far too large; {_ALLOWED}") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise MediaError("the picture is damaged; only whole JPEG, PNG and WebP files are taken") from error


def _is_picture(magic: bytes) -> bool:
    webp = magic[:4] == b"RIFF" and magic[8:12] == b"WEBP"
    return webp or magic.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def _sound(path: Path) -> tuple[NDArray[np.float32], int]:
    sound, rate_hz = audio.read(path)
    duration_s = len(sound) / rate_hz
    if not MIN_SOUND_S <= duration_s <= MAX_SOUND_S:
        raise MediaError(f"the sound lasts {duration_s:.2f} s; allowed are {MIN_SOUND_S:g} to {MAX_SOUND_S:g} s")
    return sound, rate_hz


def _sound_or(path: Path, why_no_clip: MediaError) -> tuple[NDArray[np.float32], int]:
    """The sound of what is no clip; where it is no sound either, what is wrong with it as a clip says more."""
    try:
        return _sound(path)
    except MediaError as error:
        raise why_no_clip from error


def _pictures(path: Path, info: video.VideoInfo, cancelled: Callable[[], bool]) -> NDArray[np.uint8]:
    rate_hz = min(2 * PICTURES / info.duration_s, info.rate_fps)
    frames = list(video.read_frames(path, rate_hz=rate_hz, width=_PX, height=_PX, cancelled=cancelled))
    # Every second one, so that each stands in the middle of its stretch.
    chosen = sorted({min(len(frames) - 1, 2 * number + 1) for number in range(PICTURES)})
    return np.stack([frames[number] for number in chosen])
