"""Where the sound comes from, for people: maps of 14 x 14 numbers as colour over the picture, still or moving.

Colours come from a scale of our own: lightness (CIE L*) rises evenly from dark violet to pale yellow and the hue turns
one way, so that more looks like more, also to people who do not tell red from green. How much of the picture they cover
follows the strength: where nothing sounds the picture stays as it is.

Importable without torch. Shapes: K pictures of H x W pixels, maps [K, 14, 14] in 0..1.
"""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError, OptionError
from synth.files import write_whole
from synth.media import audio, video
from synth.media.ffmpeg import Cancel
from synth.media.picture.views import Views

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]

METHODS: Final = {"avol": "AVOL-Net", "attention": "Attention"}
"""Method -> its name for people. The first that there is is shown first."""

FIRM: Final = 0.5
"""A map whose highest value lies below shows no place firmly: what sounds is not in the picture, or not recognised."""
_FADE: Final = (0.6, 1.5)  # of FIRM: below the first nothing is coloured, from the second on the colour is full
_COVER: Final = 0.72  # the most that colour hides of the picture
_SMOOTH: Final = 4  # colours are found on a grid so many times finer than the map's, then blended

VIDEO_WIDTH: Final = 480
MAX_RATE_FPS: Final = 30.0
STILL_WIDTH: Final = 480
CELL_WIDTH: Final = 160
_JPEG_QUALITY: Final = 86
_NEAR_S: Final = 0.02  # a picture may be so much off its moment


@functools.cache
def colours() -> NDArray[np.uint8]:
    """The scale, RGB [256, 3], from nothing to most."""
    share = np.linspace(0.0, 1.0, 256)
    lightness = 18 + 74 * share
    hue = np.deg2rad(305 + 150 * share)  # violet, through red and orange, to yellow
    chroma = 48 + 34 * np.sin(np.pi * share)
    for _ in range(60):  # paler where a screen cannot show it: cutting off would bend the lightness
        light = _linear_rgb(np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1))
        chroma = np.where(((light < 0) | (light > 1)).any(axis=1), 0.97 * chroma, chroma)
    light = np.clip(light, 0, 1)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * coded), np.uint8)


def _linear_rgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) [N, 3] as light of the three primaries of sRGB; outside 0..1 no screen shows it."""
    y = (lab[:, 0] + 16) / 116
    bent = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    xyz = np.where(bent > 6 / 29, bent**3, 3 * (6 / 29) ** 2 * (bent - 4 / 29)) * [0.95047, 1.0, 1.08883]
    matrix = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    return np.asarray(xyz @ np.array(matrix).T)


def cover(strength: Map, firm: float = FIRM) -> Map:
    """How much of the picture the colour hides, 0..1, as a smooth step of the strength."""
    low, high = firm * _FADE[0], min(1.0, firm * _FADE[1])
    step = np.clip((strength - low) / max(high - low, 1e-6), 0, 1)
    return np.asarray(_COVER * step * step * (3 - 2 * step), np.float32)


def overlay(picture: Picture, strength: Map, firm: float = FIRM) -> Picture:
    """One picture [H, W, 3] with one map [14, 14] over it.

    Args:
        strength: 0..1.
        firm: strengths well below leave the picture as it is, to the byte.
    """
    height, width = picture.shape[:2]
    side = (_SMOOTH * strength.shape[1], _SMOOTH * strength.shape[0])
    fine = _resized(strength.astype(np.float32), side, cv2.INTER_CUBIC).clip(0, 1)
    hides = cover(fine, firm)
    if not hides.any():
        return picture.copy()
    tint = colours()[np.round(255 * fine).astype(np.uint8)] * hides[..., None]
    # Colour times cover is what is blended: the scale's dark end must not bleed into where nothing is covered.
    layer = np.concatenate([tint, hides[..., None]], axis=2).astype(np.float32)
    layer = _resized(layer, (width, height), cv2.INTER_LINEAR)
    mixed = picture * (1 - layer[..., 3:]) + layer[..., :3]
    return np.round(mixed).clip(0, 255).astype(np.uint8)


def _resized(values: Map, size: tuple[int, int], how: int) -> Map:
    return np.asarray(cv2.resize(values, size, interpolation=how), np.float32)


def at(maps: Map, times_s: Sequence[float], time_s: float) -> Map:
    """The map [14, 14] at a moment: between two pictures in proportion, before the first and after the last theirs."""
    place = float(np.interp(time_s, times_s, np.arange(len(times_s))))
    first = int(place)
    second = min(first + 1, len(maps) - 1)
    share = np.float32(place - first)
    return np.asarray((1 - share) * maps[first] + share * maps[second], np.float32)


def strongest(maps: Map) -> int:
    """Number of the picture whose map has the highest value."""
    return int(np.argmax(maps.reshape(len(maps), -1).max(axis=1)))


def stills(
    source: Path,
    times_s: Sequence[float],
    width: int = STILL_WIDTH,
    cancelled: Cancel | None = None,
    views: Views | None = None,
) -> Picture:
    """Pictures [K, H, W, 3] of a clip at moments in rising order, in one pass.

    Args:
        views: what is kept of the clip, see :func:`synth.media.video.read_frames`.

    Raises:
        MediaError: the clip is refused or cannot be decoded.
        Cancelled: ``cancelled`` said so.
    """
    info = video.probe(source, salvage=True, recut=True)
    width, height = still_size(info, width)
    rate_hz = _sparsest(times_s, info)
    last = max(0, round(info.duration_s * rate_hz) - 1)
    wanted = [min(max(0, round(time_s * rate_hz)), last) for time_s in times_s]
    found: dict[int, Picture] = {}
    frames = video.read_frames(
        source, rate_hz=rate_hz, width=width, height=height, lenient=True, views=views, cancelled=cancelled
    )
    for number, frame in enumerate(frames):
        if number in wanted:
            found[number] = frame
        if number >= wanted[-1]:
            break
    return np.stack([found[number] for number in wanted])


def _sparsest(times_s: Sequence[float], info: video.VideoInfo) -> float:
    """A rate at which frames can be read that has one at each moment: what is passed over costs its decoding alone."""
    apart_s = min((b - a for a, b in itertools.pairwise(times_s)), default=max(times_s[0], 0.5))
    for parts in (1, 2, 4, 8, 16):
        rate_hz = parts / max(apart_s, 1e-3)
        if rate_hz > info.rate_fps:
            break
        if all(abs(time_s * rate_hz - round(time_s * rate_hz)) < _NEAR_S * rate_hz for time_s in times_s):
            return rate_hz
    return info.rate_fps


def still_size(info: video.VideoInfo, width: int = STILL_WIDTH) -> tuple[int, int]:
    """Of :func:`stills`: width and height, both even, no larger than the clip's own."""
    width = min(width, info.width)
    return max(2, width // 2 * 2), max(2, round(width * info.height / info.width / 2) * 2)


def jpeg(picture: Picture) -> bytes:
    """A picture [H, W, 3] as JPEG."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(picture).save(held, format="JPEG", quality=_JPEG_QUALITY, optimize=True)
    return held.getvalue()


def write_strongest(pictures: Picture, maps: Map, target: Path) -> None:
    """The picture whose map is strongest, with that map over it, as JPEG.

    Raises:
        OptionError: as :func:`check`.
    """
    check(maps, len(pictures))
    number = strongest(maps)
    write_whole(target, jpeg(overlay(pictures[number], maps[number])))


def write_sheet(pictures: Picture, maps: Mapping[str, Map], target: Path) -> None:
    """All K pictures side by side, each :data:`CELL_WIDTH` wide, one row a method in the order of ``maps``, as JPEG.

    Raises:
        OptionError: as :func:`check`, or there are no maps.
    """
    if not maps:
        raise OptionError("there are no maps to draw")
    height, width = pictures.shape[1:3]
    size = (CELL_WIDTH, max(1, round(CELL_WIDTH * height / width)))
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures]
    rows = []
    for of_method in maps.values():
        check(of_method, len(pictures))
        rows.append(np.hstack([overlay(picture, one) for picture, one in zip(small, of_method, strict=True)]))
    write_whole(target, jpeg(np.vstack(rows)))


def write_video(
    source: Path,
    maps: Map,
    times_s: Sequence[float],
    target: Path,
    *,
    width: int = VIDEO_WIDTH,
    cancelled: Cancel | None = None,
    progress: Callable[[float], object] = lambda _fraction: None,
) -> None:
    """The clip with its maps moving over it and its own sound under it.

    Args:
        source: a clip with sound.
        maps: [K, 14, 14]; between the pictures they are interpolated in time.
        times_s: K of them, rising.
        target: an mp4, mov or mkv file.
        width: at most; a smaller clip keeps its own.
        progress: told how far it is, 0..1.

    Raises:
        OptionError: as :func:`check`.
        MediaError: the clip cannot be read or the target not be written.
        Cancelled: ``cancelled`` said so.
    """
    check(maps, len(times_s))
    info = video.probe(source, salvage=True, recut=True)
    width, height = still_size(info, width)
    rate_fps = min(info.rate_fps, MAX_RATE_FPS)

    def coloured() -> Iterator[Picture]:
        frames = video.read_frames(
            source, rate_hz=rate_fps, width=width, height=height, lenient=True, cancelled=cancelled
        )
        for number, frame in enumerate(frames):
            progress(min(1.0, number / rate_fps / max(info.duration_s, 0.001)))
            yield overlay(frame, at(maps, times_s, number / rate_fps))

    sound, rate_hz = audio.read(source) if info.audio_codec else (None, 48_000)
    video.write_frames(coloured(), target, rate_fps=rate_fps, sound=sound, sound_rate_hz=rate_hz, cancelled=cancelled)


def save(maps: Mapping[str, Map], times_s: Sequence[float], target: Path) -> None:
    """Keep the maps of one take: an npz file with float16 [K, 14, 14] a method and ``times_s`` [K]."""
    held = io.BytesIO()
    small = {name: of_method.astype(np.float16) for name, of_method in maps.items()}
    np.savez_compressed(held, allow_pickle=False, times_s=np.asarray(times_s, np.float32), **small)
    write_whole(target, held.getvalue())


def load(path: Path) -> tuple[dict[str, Map], tuple[float, ...]]:
    """What :func:`save` kept: maps by method, and the times of their pictures.

    Raises:
        MediaError: it is another kind of file.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            times_s = tuple(float(time_s) for time_s in kept["times_s"])
            maps = {name: np.asarray(kept[name], np.float32) for name in kept.files if name != "times_s"}
    except (OSError, ValueError, KeyError) as error:
        raise MediaError(f"{path.name} holds no heat maps") from error
    return maps, times_s


def check(maps: Map, count: int) -> None:
    """Refuse maps that do not belong to so many pictures.

    Raises:
        OptionError: their shape or their values are not as they must be.
    """
    if maps.ndim != 3 or len(maps) != count or not count:
        raise OptionError(f"the maps are {list(maps.shape)}; they must be one of height and width for {count} pictures")
    low, high = float(maps.min()), float(maps.max())
    if not (low >= 0 and high <= 1):
        raise OptionError(f"the maps lie between {low:g} and {high:g}; allowed are 0 to 1")
