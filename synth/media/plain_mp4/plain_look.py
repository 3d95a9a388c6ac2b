"""What :func:`synth.media.looking.probe` says of a plain mp4, fifty times as fast: nothing is started for it."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from synth.media.looking import VideoInfo, rate_fps
from synth.media.plain_mp4 import h264
from synth.media.plain_mp4.sample_tables import NotPlain, Samples, Track, boxes, movie_ticks_per_s, once
from synth.options import Limits

MOST_BYTES: Final = 16 * 1024**2
"""Of a larger file the look takes little of the time that its upload takes."""
MOST_FRAMES: Final = 3000
_BRANDS: Final = frozenset((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1"))
_OUTER: Final = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip"))
_MOVIE: Final = frozenset((b"mvhd", b"trak", b"udta"))
_ENTRY: Final = frozenset((b"avcC", b"pasp", b"colr", b"btrt"))
_UPRIGHT: Final = (0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000)
_AAC: Final = 0x40
_LOW_COMPLEXITY, _MOST_RATES, _MOST_CHANNELS = 2, 12, 7
_FRAMES_AT_LEAST: Final = 2


def plain_look(path: Path, limits: Limits) -> VideoInfo | None:
    """Look at a clip without starting anything.

    What is said is what :func:`synth.media.looking.probe` says, for files that break no limit and of which ffmpeg would
    find nothing to complain about before it decodes them. Every table is checked against the file, every sample against
    its own headers; no pixel is decoded, there as here.

    Returns:
        ``None`` where the clip is in any respect unusual, too large, damaged, cut short or refused: then
        :func:`synth.media.looking.look` says what it is, or why it is refused.
    """
    try:
        size = path.stat().st_size
        if not 0 < size <= min(MOST_BYTES, limits.max_bytes):
            return None
        data = path.read_bytes()
        return _look(data, limits) if len(data) == size else None
    except (NotPlain, OSError):
        return None


def _look(data: bytes, limits: Limits) -> VideoInfo:
    movie, media = _outer(data)
    inner = [(kind, content) for kind, content in boxes(movie, _MOVIE)]
    if [kind for kind, _ in inner].count(b"mvhd") != 1:
        raise NotPlain
    for kind, content in inner:
        if kind == b"udta":
            once(content, frozenset((b"meta",)))
    tracks = [Track(content) for kind, content in inner if kind == b"trak"]
    pictures = [track for track in tracks if track.header.handler == b"vide"]
    sounds = [track for track in tracks if track.header.handler == b"soun"]
    if len(pictures) != 1 or len(sounds) > 1 or len(tracks) != len(pictures) + len(sounds):
        raise NotPlain
    for sound in sounds:
        _check_aac(sound.header.entry, sound.header.coding)
        _check_places(sound.samples(), media)
    ticks_per_s = movie_ticks_per_s(dict(inner)[b"mvhd"])
    return _info(data, pictures[0], pictures[0].edit(ticks_per_s), media, "aac" if sounds else None, limits)


def _outer(data: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """The content of the movie box, and from where to where samples may lie. The whole file is boxes."""
    movie: list[bytes] = []
    media: list[tuple[int, int]] = []
    at = 0
    for kind, content in boxes(data, _OUTER):
        at += 8
        if (kind == b"ftyp") != (at == 8) or (kind == b"ftyp" and content[:4] not in _BRANDS):
            raise NotPlain
        if kind == b"moov":
            movie.append(content)
        elif kind == b"mdat":
            media.append((at, at + len(content)))
        at += len(content)
    if len(movie) != 1 or len(media) != 1:
        raise NotPlain
    return movie[0], media


def _info(
    data: bytes,
    track: Track,
    edit: tuple[int, int] | None,
    media: list[tuple[int, int]],
    audio_codec: str | None,
    limits: Limits,
) -> VideoInfo:
    samples, header = track.samples(), track.header
    count = len(samples.sizes)
    if not _FRAMES_AT_LEAST <= count <= min(MOST_FRAMES, limits.max_frames) or header.matrix != _UPRIGHT:
        raise NotPlain
    width, height = _check_picture(data, track, samples, media)
    edit_length, first = edit or (int(samples.shown.max()) + 1, 0)
    times = samples.shown - first
    order = np.argsort(times, kind="stable")
    # It begins with its first sample, at 0, and no edit hides the last ones; no two are shown at once.
    if times[0] != 0 or order[0] != 0 or int(times[order[-1]]) >= edit_length or (np.diff(times[order]) < 1).any():
        raise NotPlain
    times, length = times[order], int(samples.lengths[order[-1]])
    tick_s, steps = Fraction(1, header.ticks_per_s), np.diff(times)
    info = VideoInfo(
        duration_s=float((int(times[-1]) + length - int(times[0])) * tick_s),
        start_s=0.0,
        rate_fps=rate_fps(times, tick_s),
        frames=count,
        width=width,
        height=height,
        rotation_deg=0,
        video_codec="h264",
        audio_codec=audio_codec,
        container="mp4",
        variable_rate=bool(np.ptp(steps) > 2 + 0.1 * float(np.median(steps))),
        bytes_=len(data),
    )
    if info.duration_s > limits.max_duration_s or info.rate_fps > limits.max_rate_fps:
        raise NotPlain
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise NotPlain
    return info


def _check_picture(data: bytes, track: Track, samples: Samples, media: list[tuple[int, int]]) -> tuple[int, int]:
    """Width and height, when the headers agree on them and every sample is what its headers say."""
    entry = track.header.entry
    if track.header.coding != b"avc1" or len(entry) < 78:
        raise NotPlain
    stated = struct.unpack_from(">HH", entry, 24)
    found = h264.pictures(once(entry, _ENTRY, 78).get(b"avcC", b""))
    if stated != (found.width, found.height) or not samples.sync[0]:
        raise NotPlain
    _check_places(samples, media)
    for start, size, sync in zip(samples.starts.tolist(), samples.sizes.tolist(), samples.sync.tolist(), strict=True):
        h264.check_sample(data[start : start + size], found.sets, sync=sync)
    return found.width, found.height


def _check_places(samples: Samples, media: list[tuple[int, int]]) -> None:
    """Hold that every sample lies where samples may lie."""
    (low, high) = media[0]
    if samples.starts.min() < low or (samples.starts + samples.sizes).max() > high or samples.starts.max() > high:
        raise NotPlain


def _check_aac(entry: bytes, coding: bytes) -> None:
    """Hold that a sound is AAC of low complexity, as its configuration says (ISO/IEC 14496-1, 7.2.6; 14496-3, 1.6)."""
    if coding != b"mp4a" or len(entry) < 28 or entry[8:10] != b"\0\0":
        raise NotPlain
    data = once(entry, frozenset((b"esds", b"btrt")), 28).get(b"esds", b"")
    stream, _ = _inside(data, 4, len(data), 0x03)
    decoder, end = _inside(data, stream + 3, len(data), 0x04)
    own, end = _inside(data, decoder + 13, end, 0x05)
    if data[decoder : decoder + 1] != bytes((_AAC,)) or own + 2 > end:
        raise NotPlain
    bits = int.from_bytes(data[own : own + 2], "big")
    kind, rate, channels, special = bits >> 11, bits >> 7 & 15, bits >> 3 & 15, bits & 7
    if kind != _LOW_COMPLEXITY or rate > _MOST_RATES or not 1 <= channels <= _MOST_CHANNELS or special:
        raise NotPlain


def _inside(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """From where to where the content of a descriptor goes, which lies before ``end`` as a whole."""
    if data[at : at + 1] != bytes((tag,)):
        raise NotPlain
    length = 0
    for place in range(at + 1, min(at + 5, end)):
        length = length << 7 | data[place] & 0x7F
        if not data[place] & 0x80:
            if place + 1 + length > end:
                raise NotPlain
            return place + 1, place + 1 + length
    raise NotPlain
