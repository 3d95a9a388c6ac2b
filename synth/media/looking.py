"""Looking at a video without decoding it: what it is, whether it is taken, and what a person should know of it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import clock as clocks
from synth.media import containers, packets
from synth.media.complaints import DISORDERED
from synth.media.files import source_bytes
from synth.media.metadata import mp4_boxes
from synth.media.packets import Listing
from synth.media.shown import shown
from synth.media.streams import UNKNOWN
from synth.options import LIMITS, NOMINAL_MARGIN, ExistingSound, Limits

MAX_LEAD_S: Final = 1.0
"""A live recording whose clock starts later is moved to 0: its clock ran before it began."""
SLACK_S: Final = 0.001  # Matroska keeps times in whole milliseconds; a frame that comes so much late is in time
MOST_AT_ONCE: Final = 0.02  # share of frames that may come up at the same moment as another
MOST_TIMES: Final = 8  # named in one warning
_RATES: Final = tuple(Fraction(rate) for rate in (12, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)) + tuple(
    Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120, 240)
)
_FRAMES_AT_LEAST: Final = 2
_FILES_KEPT: Final = 16  # that were looked at last
_FRAMES_KEPT: Final = 50_000  # of a longer one the times alone take megabytes
_LOCK: Final = threading.Lock()


@dataclass(frozen=True)
class VideoInfo:
    """What a video is, counted from its packets.

    ``duration_s`` is how long the picture lasts, the showing of the last frame included; ``start_s`` is when its
    first frame is shown on the clock of the file; ``rate_fps`` is the mean rate. ``width`` and ``height`` are those
    of the upright picture, after the turn by ``rotation_deg`` (0, 90, 180 or 270, clockwise) that players make.
    ``transparent`` says whether it has transparency beside its packets; ``warnings`` are sentences for a person.
    """

    duration_s: float
    start_s: float
    rate_fps: float
    frames: int
    width: int
    height: int
    rotation_deg: int
    video_codec: str
    audio_codec: str | None
    container: str
    variable_rate: bool
    bytes_: int
    transparent: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """A video as it is to be read: ``found.clock`` is the clock that ``info.start_s`` is on.

    Attributes:
        joined: whether its edit list shows parts that do not follow each other in the file, so that its packets cannot
            be copied with the times at which they are shown.
        hidden_before, hidden_after: packets that are decoded but not shown before the first frame and after the last.
    """

    info: VideoInfo
    found: Listing
    joined: bool
    hidden_before: int
    hidden_after: int

    @property
    def hides_frames(self) -> bool:
        """Whether a copy of the picture needs a container that can hold frames which are not shown."""
        return not self.joined and bool(self.hidden_before or self.hidden_after or self.info.start_s < 0)

    def result_suffix(self, existing: ExistingSound) -> str:
        """The container in which a server gives the video back; see :func:`synth.media.containers.suffix_for`.

        Raises:
            MediaError: none can hold its picture.
        """
        return containers.suffix_for(
            containers.CODED_AS if self.joined else self.info.video_codec,
            self.found.sounds,
            transparent=self.info.transparent,
            hides_frames=self.hides_frames,
            existing=existing,
        )


def probe(path: Path, limits: Limits = LIMITS, *, salvage: bool = False, recut: bool = False) -> VideoInfo:
    """Look at a video without decoding it.

    Args:
        salvage: whether a recording that breaks off is taken as far as it goes.
        recut: whether a video is taken whose picture cannot be copied as it is shown, and must be coded again.

    Raises:
        MediaError: it is not a whole, readable video of an allowed kind, or it breaks ``limits``.
    """
    return look(path, limits, salvage=salvage, recut=recut).info


def look(path: Path, limits: Limits = LIMITS, *, salvage: bool = False, recut: bool = False) -> Look:
    """What :func:`probe` sees, and how the file is to be read; arguments and errors are the same.

    A job asks this of one file in many places: a file that has not changed since is not read again, nor is one again
    with ``salvage`` or ``recut`` that needs neither.
    """
    asked = (_identity(path), limits, salvage, recut)
    with _LOCK:
        known = _KNOWN.pop(asked, None)
        if known is not None:
            _KNOWN[asked] = known
        elif salvage or recut:
            known = _KNOWN.get((asked[0], limits, False, False))
            known = None if known is None or known.found.picture.corrupt else known
    if known is not None:
        return known
    found = _look(path, limits, salvage=salvage, recut=recut)
    if found.info.frames <= _FRAMES_KEPT and asked[0] is not None and asked[0] == _identity(path):
        with _LOCK:
            _KNOWN[asked] = found
            while len(_KNOWN) > _FILES_KEPT:
                del _KNOWN[next(iter(_KNOWN))]
    return found


def _identity(path: Path) -> tuple[str | int, ...] | None:
    """What of a file changes with what is in it; None where there is no such file."""
    try:
        now = path.stat()
    except (OSError, ValueError):
        return None
    return (str(path), now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


def _look(path: Path, limits: Limits, *, salvage: bool, recut: bool) -> Look:
    bytes_ = source_bytes(path, limits.max_bytes)
    found = packets.listing(path, limits, beside=(), salvage=salvage)
    times, last_length = found.shown()
    if len(times) == 0:
        raise MediaError("the video has no frames")
    _refuse_picture(found, limits)
    if len(times) < _FRAMES_AT_LEAST:
        raise MediaError("the video has one frame, so nothing moves in it; at least 2 frames are needed")
    live = _is_live(path, found)
    broken = found.cut_short or live.broken or (bool(found.picture.corrupt) and found.container not in clocks.OWN_CLOCK)
    if broken and not salvage:
        raise MediaError(
            "the video is cut short or damaged; only whole files are taken, or with the option salvage others as far "
            "as they go"
        )
    hidden, joined = np.array(found.picture.hidden, dtype=np.int64), DISORDERED in found.complaints
    if joined and not len(hidden) and len(times) - len(np.unique(times)) > MOST_AT_ONCE * len(times):
        raise MediaError(RESTARTED)
    before, after = int((hidden < times[0]).sum()), int((hidden > times[-1]).sum())
    joined = bool(len(hidden)) and (joined or before + after < len(hidden))
    if joined and not recut:
        raise MediaError(JOINED)
    if joined:  # rare enough to be decoded: its packets do not say when they are shown
        film = shown(path, clock=found.clock, picture=found.selector)
        times = np.array([round(time / found.tick_s) for time in film.times_s], dtype=np.int64)
        if len(times) < _FRAMES_AT_LEAST:
            raise MediaError("the picture cannot be decoded")
    shift_s = found.start_s if live.clock and found.start_s and found.start_s > MAX_LEAD_S else 0.0
    info = _info(packets.shifted(found, shift_s), times, last_length, bytes_, salvaged=broken)
    _refuse_length(info, limits)
    return Look(info, packets.shifted(found, shift_s), joined, before, after)


_KNOWN: Final[dict[tuple[Any, ...], Look]] = {}
"""What was seen of the files that were looked at last, the latest at the end."""

RESTARTED: Final = (
    "the clock of the video begins again on the way, so it does not say when its frames are shown; this is taken of "
    "mpg, vob and ts only, other parts must be joined by a program that lets the clock run on"
)
JOINED: Final = (
    "the edit list of the video joins parts that do not follow each other in the file, so its picture cannot be kept "
    "bit by bit as it is shown; with the option recut it is coded again"
)


@dataclass(frozen=True)
class _Live:
    """Whether the clock of a file may have run before its recording began, and whether its last fragment is cut."""

    clock: bool
    broken: bool


def _is_live(path: Path, found: Listing) -> _Live:
    """Edits of a finished mp4 stay as they are; Matroska has none."""
    if found.container != "mp4":
        return _Live(found.container == "matroska", False)
    fragments = mp4_boxes.fragments(path)
    return _Live(fragments.there, fragments.there and not fragments.whole)


def _info(found: Listing, times: NDArray[np.int64], last_length: int, bytes_: int, *, salvaged: bool) -> VideoInfo:
    steps = np.diff(times)
    length = last_length or int(np.median(steps))
    stream, picture = found.stream, found.picture
    sideways = stream.rotation_deg in (90, 270)
    duration_s = float((int(times[-1]) + length - int(times[0])) * found.tick_s)
    return VideoInfo(
        duration_s=duration_s,
        start_s=float(int(times[0]) * found.tick_s) - found.clock.shift_s,
        rate_fps=_rate_fps(times, found.tick_s),
        frames=len(times),
        width=picture.height if sideways else picture.width,
        height=picture.width if sideways else picture.height,
        rotation_deg=stream.rotation_deg,
        video_codec=picture.coding,
        audio_codec=next((one.coding for one in found.sounds if one.coding != UNKNOWN), None),
        container=found.container,
        variable_rate=bool(np.ptp(steps) > 2 + 0.1 * float(np.median(steps))),
        bytes_=bytes_,
        transparent=stream.transparent,
        warnings=tuple(_warnings(found, duration_s, salvaged=salvaged)),
    )


def _warnings(found: Listing, duration_s: float, *, salvaged: bool) -> list[str]:
    sentences = [one for one in found.complaints if one != DISORDERED]
    if salvaged:
        of = f" of {found.stated_s:.1f} s" if found.stated_s and found.stated_s > duration_s + 0.5 else ""
        sentences.append(f"the recording breaks off or is damaged: {duration_s:.1f} s{of} of picture could be read")
    elif found.picture.corrupt:
        origin = int(found.shown()[0][0])
        at = sorted(float((time - origin) * found.tick_s) for time in found.picture.corrupt)
        more = f" and {len(at) - MOST_TIMES} other places" if len(at) > MOST_TIMES else ""
        places = ", ".join(f"{time_s:.2f} s" for time_s in at[:MOST_TIMES])
        sentences.append(f"the recording lost data at {places}{more}: frames from there on may not decode")
    if found.clock.shift_s:
        sentences.append(f"the clock of the recording starts at {found.clock.shift_s:.1f} s; the result starts near 0")
    if found.others:
        names = ", ".join(one.name for one in found.others)
        sentences.append(f"the film is track {found.stream.index}; other pictures are left out: {names}")
    return sentences


def _rate_fps(times: NDArray[np.int64], tick_s: Fraction) -> float:
    """Mean rate; the usual rate next to it where rounding of the times could explain the difference."""
    span = int(times[-1] - times[0])
    if span <= 0:
        raise MediaError("the video shows all its frames at the same moment")
    mean = (len(times) - 1) / (span * tick_s)
    usual = min(_RATES, key=lambda rate: abs(rate - mean))
    rounding_s = max(tick_s, Fraction(SLACK_S))  # kept by a file that was once Matroska
    return float(usual if abs(usual - mean) <= mean * rounding_s / (span * tick_s) else mean)


def _refuse_picture(found: Listing, limits: Limits) -> None:
    picture = found.picture
    if picture.coding not in containers.VIDEO_CODECS:
        allowed = ", ".join(containers.VIDEO_CODECS)
        raise MediaError(f"the picture is coded as {picture.coding or 'nothing known'}; allowed are {allowed}")
    width, height = picture.width, picture.height
    if refused := re.search(r"Picture size (\d+)x(\d+)", found.said):  # by the decoder, under the same limit
        width, height = int(refused.group(1)), int(refused.group(2))
    if min(width, height) < 1:
        raise MediaError("the video does not say how large its picture is")
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise MediaError(
            f"the picture is {width} x {height}; allowed are {limits.max_side_px} pixels a side "
            f"and {limits.max_pixels} in all"
        )


def _refuse_length(info: VideoInfo, limits: Limits) -> None:
    if info.duration_s > limits.max_duration_s * NOMINAL_MARGIN:
        raise MediaError(f"the video lasts {info.duration_s:.1f} s; allowed are {limits.max_duration_s:g} s")
    if info.frames > limits.max_frames * NOMINAL_MARGIN:
        raise MediaError(f"the video has {info.frames} frames; allowed are {limits.max_frames}")
    if info.rate_fps > limits.max_rate_fps * NOMINAL_MARGIN:
        raise MediaError(f"the video has {info.rate_fps:g} frames a second; allowed are {limits.max_rate_fps:g}")
