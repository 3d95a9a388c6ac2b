"""One job as it was asked for: what can be refused is refused here, before torch loads or a frame is decoded."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.errors import OptionError
from synth.files import file_sha256
from synth.media import containers, video
from synth.media.picture.views import View, Views
from synth.media.remuxing import Verified
from synth.options import Mode, Options
from synth.pipeline.modes import MODES, allowed_modes, voice_of
from synth.result import Range
from synth.routing import router
from synth.score.kept import Keeper
from synth.stopwatch import Stopwatch
from synth.voices.base import CancelPoll, Progress, Renderer, ignore_progress, never_cancelled

_SMALL_BYTES: Final = 3 * 256 * 256


@dataclass(frozen=True)
class Request:
    """One clip that is to be sounded; see :func:`synth.pipeline.sonorize.sonorize`.

    ``keeps`` is asked when the job was cancelled: whether what was made of it is to be kept. ``None`` leaves that to
    the options; who may change their mind on the way brings an answer of their own. ``views`` are what the first
    reader of the picture leaves behind for later ones; a job without them decodes its clip each time. ``keep`` keeps
    what a take can be corrected with (:mod:`synth.score.kept`). Of a take that is rendered from a score ``edited``
    says what of it was changed, ``existing_gain_db`` how loud the clip's own sound is mixed in, ``verified`` what the
    copy of the picture can be held against, and ``heard_modes`` the voices that its score leaves to be heard; ``None``
    where all are.
    """

    source: Path
    target: Path
    options: Options
    replace: bool = False
    progress: Progress = ignore_progress
    cancelled: CancelPoll = never_cancelled
    keeps: Callable[[], bool] | None = None
    keep: Keeper | None = None
    existing_gain_db: float = 0.0
    verified: Verified | None = None
    edited: tuple[str, ...] = ()
    heard_modes: tuple[Mode, ...] | None = None
    views: Views | None = None

    def is_unwanted(self) -> bool:
        """Whether the job was cancelled, and what was made of it is not to be kept either."""
        return self.cancelled() and not (self.options.keep_partial if self.keeps is None else self.keeps())


@dataclass(frozen=True)
class Job:
    """A request that was accepted: its clip, its voice, and why that voice. All takes share it."""

    request: Request
    voice: Renderer
    mode: Mode
    mode_reason: str
    ranges: tuple[Range, ...]
    info: video.VideoInfo
    input_sha256: str
    from_list: bool


def accept(request: Request, watch: Stopwatch, *, from_list: bool = False) -> Job:
    """Check the clip, the targets and the options, and choose the voice.

    Args:
        from_list: the hits come from a list, so that ``auto`` has nothing to choose.

    Raises:
        OptionError: a mode without a voice, or a target that cannot be.
        MediaError: the clip is refused.
        WeightsError: weights are missing or damaged.
        Cancelled: the request was cancelled while the clip was looked at.
    """
    source, options = request.source, request.options
    modes = allowed_modes(options)
    with watch.stage("probe"):
        info = video.probe(source, salvage=options.salvage, recut=options.recut)
        for take in range(options.takes):
            target = take_target(request.target, take, options.takes)
            check_target(source, target, info, replace=request.replace, recut=options.recut)
        digest = file_sha256(source)
    mode, reason = _asked_mode(options, from_list=from_list)
    ranges: tuple[Range, ...] = ()
    if mode is Mode.AUTO:
        with watch.stage("route"):
            if request.views is not None:
                request.views.want(functools.partial(_voices_views, modes))
            route = router.route_clip(
                source, info, modes, views=request.views, progress=request.progress, cancelled=request.cancelled
            )
        mode, reason, ranges = route.mode, f"auto: {route.reason}", route.ranges if len(route.ranges) > 1 else ()
    with watch.stage("load"):
        voice = voice_of(mode, options)
    return Job(request, voice, mode, reason, ranges, info, digest, from_list)


def _asked_mode(options: Options, *, from_list: bool) -> tuple[Mode, str]:
    """The mode that the request itself says, and why; ``auto`` where the picture is to say it.

    Raises:
        OptionError: this release has no voice for it.
    """
    mode = options.settled_mode
    if mode is Mode.AUTO and from_list:
        return Mode.HITS, "auto: a hit list is sounded by hits"
    if mode is not Mode.AUTO and mode not in MODES:
        voice_of(mode)  # which says so
    return mode, "asked for" if options.mode is mode else f"auto: an option was given that goes with {mode.value} only"


def _voices_views(modes: Collection[Mode], info: video.VideoInfo) -> list[View]:
    """What the voices that may be chosen will look at, where that is small."""
    voices = [voice_of(mode) for mode in modes]
    views = [View.of(voice.rate_hz, *voice.frame_size(info)) for voice in voices]
    return [view for view in views if view.frame_bytes <= _SMALL_BYTES]


def take_target(target: Path, take: int, takes: int) -> Path:
    """Where one take goes: ``target`` if it is the only one, else ``<stem>.take<number><suffix>``, counted from 1."""
    return target if takes == 1 else target.with_name(f"{target.stem}.take{take + 1}{target.suffix}")


def check_target(source: Path, target: Path, info: video.VideoInfo, *, replace: bool, recut: bool = False) -> None:
    """Refuse a target before any work is done for it.

    Args:
        info: of the source.
        recut: whether the picture may be coded again where it does not fit as it is.

    Raises:
        OptionError: it is a folder, in no folder that may be written, the source itself, or is there already.
        MediaError: its container is not written, or cannot hold such a picture.
    """
    if "\0" in str(target):
        raise OptionError("the output's name holds a zero byte, which no file can have")
    try:
        if target.is_dir():
            raise OptionError(f"the output {target.name!r} is a folder; it must be a file")
        if not target.parent.is_dir():
            raise OptionError(f"the folder {str(target.parent)!r} of the output does not exist")
        if not os.access(target.parent, os.W_OK):
            raise OptionError(f"the folder {str(target.parent)!r} of the output may not be written")
        if target.exists() and target.samefile(source):
            raise OptionError("the output is the source itself; name another file")
        if os.path.lexists(target) and not replace:
            raise OptionError(f"the output {target.name!r} exists already and may not be replaced")
    except OSError as error:  # such as a name that is too long
        raise OptionError(f"the output cannot be written: {error.strerror}") from error
    containers.for_target(target, info.video_codec, transparent=info.transparent, recut=recut)
