"""What ffmpeg's writer of mp4 and mov leaves out of a source, put into the result by hand.

ffmpeg 9 writes a Dolby Vision configuration into mp4 only and not into mov, adds a box ``vexu`` to a stereoscopic
picture that hides from its readers (itself too) how the eyes' pictures lie, and knows few of the tags of phones.
The boxes of an mp4 or mov source are copied as they are; those of another source are made from what is said of it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from synth.media.metadata import movie_box, side_data
from synth.media.metadata import tags as metadata
from synth.media.metadata.movie_box import Box
from synth.media.metadata.quicktime_keys import Key, keys_box, read_keys, text_key

CARRIED: Final = frozenset(
    # Dolby Vision; Apple's stereo and spatial video; 360 degrees; light levels; crop and pixel shape; motion cameras.
    b"dvcC dvvC dvwC hvcE avcE lhvC vexu hfov st3d sv3d mdcv clli amve cclv SmDm CoLL clap pasp colr fiel".split()
)
"""Boxes of a picture's sample entry that say how to show it, and that any writer may copy as they are."""
_AS_IN_SOURCE: Final = frozenset({b"st3d", b"vexu"})  # where there are both, the last one is believed
_OF_TRACK: Final = frozenset({b"uuid", b"tapt"})  # uuid: the first version of Google's spherical video
_WRITTEN_BY_FFMPEG: Final = frozenset(
    (
        *(b"meta", b"chpl", b"name", b"hnti", b"hinf", b"cprt", b"desc"),
        *(b"\xa9" + name for name in b"nam ART wrt alb day too cmt gen cpy grp lyr des swr".split()),
    )
)
_DOLBY_ENTRIES: Final = frozenset({b"dvh1", b"dvhe", b"dvav", b"dva1", b"dav1"})
_PLAIN_TAGS: Final = frozenset(
    [
        "title",
        "artist",
        "album_artist",
        "composer",
        "album",
        "date",
        "comment",
        "genre",
        "copyright",
        "grouping",
        "lyrics",
        "description",
        "synopsis",
        "location",
    ]
)
_CAMERA_TAGS: Final = {"make": b"\xa9mak", "model": b"\xa9mod"}
_STEREO_LAYOUTS: Final = {"top and bottom": 1, "side by side": 2}
_MAX_ITEM_BYTES: Final = 4 * 1024**2


def transfer(source: Path, description: str, target: Path, *, stream: int | None = None) -> None:
    """Put into a result of ours what its muxer left out of the source.

    Args:
        source: any file.
        description: what ffmpeg says of it.
        target: an mp4 or mov file of ours; replaced where something has to be put in.
        stream: number of the picture's stream in the source, where it is not the first picture.

    Raises:
        MediaError: the result would become too large.
        OSError: the disk refuses.
    """
    ours, theirs = movie_box.movie(target), movie_box.movie(source)
    if ours is None:
        return
    before = ours.packed()
    _complete(ours, theirs, description, stream)
    if ours.packed() != before:
        movie_box.rewrite(target, lambda movie: _complete(movie, theirs, description, stream))


def _complete(ours: Box, theirs: Box | None, description: str, stream: int | None) -> None:
    track = movie_box.picture_track(ours)
    entry = movie_box.picture_entry(track) if track else None
    if track is None or entry is None:
        return
    said = side_data.of_picture(description, stream)
    their_track = movie_box.picture_track(theirs, side_data.track_id(description, stream)) if theirs else None
    their_entry = movie_box.picture_entry(their_track) if their_track else None
    if their_track is not None and their_entry is not None:
        _copy_entry(entry, their_entry)
        _copy_missing(track, their_track.boxes, _OF_TRACK)
    else:
        _describe(entry, said)
    _copy_user_data(ours, theirs)
    present = {box.kind for box in (ours.find(b"udta") or Box(b"udta")).boxes}
    written = {name for name, kind in _CAMERA_TAGS.items() if kind in present}
    keys = [key for key in _keys(theirs, metadata.of_file(description)) if key.name.lower() not in written]
    if keys and ours.find(b"meta") is None:
        ours.boxes.append(keys_box(keys))


def _copy_entry(entry: Box, theirs: Box) -> None:
    """Copy what says how to show the picture, and the name under which players look for a Dolby Vision decoder."""
    if theirs.kind in _DOLBY_ENTRIES:
        entry.kind = theirs.kind
    entry.boxes = [box for box in entry.boxes if box.kind not in _AS_IN_SOURCE]
    _copy_missing(entry, theirs.boxes, CARRIED)


def _copy_missing(into: Box, found: list[Box], allowed: frozenset[bytes]) -> None:
    present = {box.kind for box in into.boxes}
    into.boxes += [box for box in found if box.kind in allowed and box.kind not in present]


def _copy_user_data(ours: Box, theirs: Box | None) -> None:
    """Copy what cameras and phones say in ``udta``: maker, model, place, lens, settings."""
    own = ours.find(b"udta")
    present = {box.kind for box in own.boxes} if own else set()
    found = [
        box
        for user_data in (theirs.all(b"udta") if theirs else ())
        for box in user_data.boxes
        if box.kind not in _WRITTEN_BY_FFMPEG | present and len(box.fixed) <= _MAX_ITEM_BYTES
    ]
    if not found:
        return
    if own is None:
        own = Box(b"udta")
        ours.boxes.append(own)
    own.boxes += found


def _describe(entry: Box, said: Mapping[str, str]) -> None:
    """Make the boxes that a source of another kind, such as Matroska, says in its own way."""
    present = {box.kind for box in entry.boxes}
    if side_data.DOLBY_VISION in said and not present & {b"dvcC", b"dvvC", b"dvwC"}:
        entry.boxes.append(_dolby_vision(said[side_data.DOLBY_VISION]))
    if side_data.dolby_vision_profile(said) == 5 and entry.kind in (b"hvc1", b"hev1"):
        entry.kind = b"dvh1"  # its colours mean something to a Dolby Vision decoder only
    layout = said.get(side_data.STEREO_3D, "").partition(",")[0]
    if layout in _STEREO_LAYOUTS:
        entry.boxes = [box for box in entry.boxes if box.kind not in _AS_IN_SOURCE]
        entry.boxes.append(Box(b"st3d", bytes(4) + bytes([_STEREO_LAYOUTS[layout]])))
    sphere = re.match(r"equirectangular ?(?:\((-?[\d.]+)/(-?[\d.]+)/(-?[\d.]+)\))?", said.get(side_data.SPHERICAL, ""))
    if sphere and b"sv3d" not in present:
        entry.boxes.append(_sphere(*(float(angle or 0) for angle in sphere.groups())))


def _sphere(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Box:
    """A whole sphere in an equirectangular picture (Google's Spherical Video RFC, version 2)."""
    pose = struct.pack(">4x3i", *(round(angle * 2**16) for angle in (yaw_deg, pitch_deg, roll_deg)))
    projection = Box(b"proj", b"", [Box(b"prhd", pose), Box(b"equi", bytes(20))])
    return Box(b"sv3d", b"", [Box(b"svhd", bytes(4) + b"Sonorize\0"), projection])


def _dolby_vision(said: str) -> Box:
    """The configuration record (Dolby Vision Streams Within the ISO Base Media File Format, section 3.2)."""
    number = {name.strip(): int(value) for name, value in re.findall(r"([\w ]+): (\d+)", said)}
    version = re.search(r"version: (\d+)\.(\d+)", said)
    major, minor = (int(version[1]), int(version[2])) if version else (1, 0)
    profile = number.get("profile", 0)
    rpu, enhancement, base = (number.get(f"{layer} flag", 0) for layer in ("rpu", "el", "bl"))
    bits = profile << 9 | number.get("level", 0) << 3 | rpu << 2 | enhancement << 1 | base
    last = number.get("compatibility id", 0) << 4 | number.get("compression", 0) << 2
    kind = b"dvcC" if profile <= 7 else b"dvvC" if profile <= 10 else b"dvwC"
    return Box(kind, struct.pack(">BBHB", major, minor, bits, last) + bytes(19))


def _keys(theirs: Box | None, tags: Mapping[str, str]) -> list[Key]:
    """The named values of the source that mp4's own list of tags has no place for."""
    places = [theirs, *theirs.all(b"udta")] if theirs else []
    metas = [meta for place in places for meta in place.all(b"meta")]
    keys = [key for meta in metas for key in read_keys(meta) if _is_named(key.name)]
    own = {key.name.lower() for key in keys}
    if theirs is None:
        keys += [text_key(name, value) for name, value in tags.items() if _is_named(name) and name not in own]
    if "comment" in tags and metadata.ORIGINAL_COMMENT not in own:
        keys.append(text_key(metadata.ORIGINAL_COMMENT, tags["comment"]))
    return keys


def _is_named(name: str) -> bool:
    return name.lower() not in metadata.FILE_OWN | _PLAIN_TAGS
