"""The picture: decoded once for all takes, and looked at by the voice, or by each voice at its range of the clip."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from synth.media import video
from synth.pipeline.job import Job, Request, accept
from synth.pipeline.modes import voice_of
from synth.read_ahead import ReadAhead
from synth.routing import medley
from synth.stopwatch import Stopwatch
from synth.voices.base import Controls, Frame, Progress, Voice

AHEAD_BYTES: Final = 16 * 1024**2
"""Of frames that are decoded and not yet looked at."""


@dataclass(frozen=True)
class Observed:
    """A job whose picture was looked at: what its takes are to sound, and the seconds spent so far."""

    job: Job
    controls: Controls
    spent_s: Mapping[str, float]


def look(request: Request) -> Observed:
    """Accept a request and look at its clip.

    Raises:
        OptionError, MediaError, WeightsError, Cancelled: see :func:`synth.pipeline.job.accept`.
    """
    watch = Stopwatch()
    job = accept(request, watch)
    with watch.stage("controls"):
        if job.ranges:
            job, controls = _look_at_ranges(job, watch)
        else:
            voice, options = voice_of(job.mode, request.options), request.options
            with _ahead(job, voice) as frames:
                taken = watch.each("decode", frames)
                controls = voice.controls(taken, job.info, options, request.progress, request.cancelled)
    return Observed(job, controls, watch.stages_s)


def _look_at_ranges(job: Job, watch: Stopwatch) -> tuple[Job, Controls]:
    """The job with a voice that is made of several."""
    request, parts = job.request, []
    for one in job.ranges:
        voice = voice_of(one.mode, request.options)
        frames = functools.partial(_frames, job, voice, watch)
        between_s = (one.start_s, one.end_s)
        progress = functools.partial(_within, request.progress, one.start_s, one.end_s, job.info.duration_s)
        parts.append(medley.look(voice, between_s, frames, job.info, request.options, progress, request.cancelled))
    together = medley.Medley(parts, job.info.duration_s)
    return dataclasses.replace(job, voice=together), together.controls()


def _within(progress: Progress, start_s: float, end_s: float, duration_s: float, stage: str, fraction: float) -> None:
    """Progress in a range as progress in the clip."""
    progress(stage, (start_s + fraction * (end_s - start_s)) / duration_s)


def _ahead(job: Job, voice: Voice) -> ReadAhead[Frame]:
    """The picture, decoded from now on: while the voice's nets are still being loaded, and while they look."""
    width, height = voice.frame_size(job.info)
    return ReadAhead(_decoded(job, voice), AHEAD_BYTES // (3 * width * height))


def _frames(job: Job, voice: Voice, watch: Stopwatch) -> Iterator[Frame]:
    return watch.each("decode", _decoded(job, voice))


def _decoded(job: Job, voice: Voice) -> Iterator[Frame]:
    width, height = voice.frame_size(job.info)
    request = job.request
    return video.read_frames(
        request.source,
        rate_hz=voice.rate_hz,
        width=width,
        height=height,
        lenient=True,
        views=request.views,
        cancelled=request.cancelled,
    )
