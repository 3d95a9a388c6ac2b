"""One job: a silent clip in, the same picture with sound out.

    probe -> read_frames -> controls -> render -> fit and normalise -> remux

The :data:`MODES` table maps a mode to its voice. A new mode is one file in ``synth.synthesis`` and one row here.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from synth import provenance
from synth.errors import Cancelled, OptionError
from synth.files import file_sha256
from synth.media import audio, containers, video
from synth.options import Mode, Options
from synth.randomness import uniforms
from synth.result import Output, Result
from synth.stopwatch import Stopwatch
from synth.synthesis import hit_list
from synth.synthesis.base import (
    NO_HITS,
    CancelPoll,
    Controls,
    Progress,
    Rendering,
    Sound,
    Voice,
    ignore_progress,
    never_cancelled,
)


def _hits() -> Voice:
    from synth.synthesis.hits import HitsVoice  # only now: what was refused before needed none of it

    return HitsVoice()


MODES: Final[dict[Mode, Callable[[], Voice]]] = {Mode.HITS: functools.cache(_hits)}
"""Mode -> maker of its voice. A maker gives one voice a process, so that weights are loaded once."""


@dataclass(frozen=True)
class _Job:
    """What all takes of one job share."""

    source: Path
    target: Path
    options: Options
    voice: Voice
    mode: Mode
    mode_reason: str
    info: video.VideoInfo
    input_sha256: str
    from_list: bool
    replace: bool
    progress: Progress
    cancelled: CancelPoll


def sonorize(
    source: Path,
    target: Path,
    options: Options,
    *,
    replace: bool = False,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Result:
    """Sound one clip; write one file a take, each whole or not at all, and say what is in them.

    Args:
        source: any clip that :func:`synth.media.video.probe` accepts.
        target: the file to write; see :func:`take_target` for several takes.
        options: the request.
        replace: whether a file that is there already may be replaced; until the new one is whole it stays.
        progress: told how far each stage is.
        cancelled: polled often; true ends the job.

    Raises:
        OptionError: a mode without a voice, or a target that cannot be.
        MediaError: the clip is refused or a result cannot be written.
        WeightsError: weights are missing or damaged.
        Cancelled: ``cancelled()`` turned true; no output is left half-written.
    """
    watch = Stopwatch()
    job = _begin(source, target, options, watch, progress, cancelled, from_list=False, replace=replace)
    with watch.stage("controls"):
        width, height = job.voice.frame_size
        frames = video.read_frames(source, rate_hz=job.voice.rate_hz, width=width, height=height, cancelled=cancelled)
        controls = job.voice.controls(watch.each("decode", frames), job.info, options, progress, cancelled)
    return Result(tuple(_take(job, controls, take, watch.stages_s) for take in range(options.takes)))


def render_hits(
    hits_json: Path,
    source: Path,
    target: Path,
    options: Options,
    *,
    take: int = 0,
    replace: bool = False,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Result:
    """Sound an edited hit list under a clip, without running the nets.

    Args:
        hits_json: see :mod:`synth.synthesis.hit_list`.
        take: which entry of the list's ``outputs`` to sound; the others are as for :func:`sonorize`.

    Raises:
        OptionError: an entry of the list is not allowed; otherwise as :func:`sonorize`.
    """
    watch = Stopwatch()
    job = _begin(source, target, options, watch, progress, cancelled, from_list=True, replace=replace)
    duration_s = job.info.duration_s
    hits = hit_list.read(hits_json, duration_s=duration_s, material=options.material, take=take)
    controls = Controls(duration_s, hits, silence=None if hits else NO_HITS)
    return Result(tuple(_take(job, controls, number, watch.stages_s) for number in range(options.takes)))


def voice_for(mode: Mode) -> tuple[Mode, Voice, str]:
    """The mode that will be used, its voice, and the reason for the choice.

    Raises:
        OptionError: this release has no voice for the mode.
    """
    if mode is Mode.AUTO:
        return Mode.HITS, MODES[Mode.HITS](), "auto: hits is the only voice of this release"
    if mode not in MODES:
        available = ", ".join(["auto", *(known.value for known in MODES)])
        raise OptionError(f"mode is {mode.value!r}, which has no voice in this release; available are {available}")
    return mode, MODES[mode](), "asked for"


def take_target(target: Path, take: int, takes: int) -> Path:
    """Where one take goes: ``target`` itself if it is the only one, else ``<stem>.take<number><suffix>`` beside it."""
    return target if takes == 1 else target.with_name(f"{target.stem}.take{take}{target.suffix}")


def check_target(source: Path, target: Path, video_codec: str, *, replace: bool) -> None:
    """Refuse a target before any work is done for it.

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
    containers.for_target(target, video_codec)


def _begin(
    source: Path,
    target: Path,
    options: Options,
    watch: Stopwatch,
    progress: Progress,
    cancelled: CancelPoll,
    *,
    from_list: bool,
    replace: bool,
) -> _Job:
    """Everything that can be refused is refused here, before torch is imported or a frame decoded."""
    with watch.stage("probe"):
        info = video.probe(source)
        for take in range(options.takes):
            check_target(source, take_target(target, take, options.takes), info.video_codec, replace=replace)
        digest = file_sha256(source)
    with watch.stage("load"):
        mode, voice, reason = voice_for(options.mode)
    return _Job(source, target, options, voice, mode, reason, info, digest, from_list, replace, progress, cancelled)


def _take(job: _Job, controls: Controls, take: int, shared_s: Mapping[str, float]) -> Output:
    """Sound one take and write it."""
    options, rate_hz, duration_s = job.options.with_take(take), job.voice.sample_rate_hz, job.info.duration_s
    target = take_target(job.target, take, job.options.takes)
    watch = Stopwatch()
    if job.cancelled():
        raise Cancelled("the job was cancelled")
    with watch.stage("render"):
        rendering = _render(job, controls, options)
    with watch.stage("loudness"):
        sound, loudness = audio.normalise(
            audio.fit(rendering.sound, rate_hz, duration_s),
            rate_hz,
            loudness_lufs=options.loudness_lufs,
            true_peak_dbtp=options.true_peak_dbtp,
        )
    origin = provenance.record(
        input_sha256=job.input_sha256,
        weights=job.voice.weights(options),
        options=options,
        mode_reason=job.mode_reason,
        hit_list=job.from_list,
    )
    with watch.stage("remux"):
        _write(job, sound, target, {"comment": json.dumps(origin, separators=(",", ":"))})
    job.progress("write", (take + 1) / job.options.takes)
    # Where silence is meant, that its loudness cannot be measured is no news.
    notes = (*controls.warnings, controls.silence or loudness.warning)
    return Output(
        source=job.source,
        target=target,
        mode=job.mode,
        seed=options.seed,
        take=take,
        duration_s=duration_s,
        sample_rate_hz=rate_hz,
        hits=rendering.hits,
        loudness_lufs=loudness.lufs,
        true_peak_dbtp=loudness.true_peak_dbtp,
        stages_s={**shared_s, **watch.stages_s},
        provenance=origin,
        warnings=tuple(note for note in notes if note),
    )


def _render(job: _Job, controls: Controls, options: Options) -> Rendering:
    if controls.silence is not None:
        count = round(controls.duration_s * job.voice.sample_rate_hz)
        return Rendering(np.zeros(count, np.float32), controls.hits)
    draw = functools.partial(uniforms, options.seed)
    return job.voice.render(controls, options, draw, job.cancelled)


def _write(job: _Job, sound: Sound, target: Path, metadata: Mapping[str, str]) -> None:
    """Remux, beside an older file first if that may be replaced: it stays until the new one is whole."""
    fresh = target.with_name(f".{secrets.token_hex(8)}{target.suffix}") if job.replace else target
    existing, rate_hz = job.options.existing_sound, job.voice.sample_rate_hz
    try:
        video.remux(job.source, sound, rate_hz, fresh, existing=existing, metadata=metadata, cancelled=job.cancelled)
        if job.replace:
            fresh.replace(target)
    finally:
        if job.replace:
            fresh.unlink(missing_ok=True)
