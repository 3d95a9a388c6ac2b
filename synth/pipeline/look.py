"""The picture: decoded once for all takes, and looked at by the voice, or by each voice at its range of the clip."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synth.media import video
from synth.pipeline.job import Job, Request, accept
from synth.pipeline.modes import voice_of
from synth.routing import medley
from synth.stopwatch import Stopwatch
from synth.voices.base import Controls, Frame, Progress, Voice


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
            frames = _frames(job, voice, watch)
            controls = voice.controls(frames, job.info, options, request.progress, request.cancelled)
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


def _frames(job: Job, voice: Voice, watch: Stopwatch) -> Iterator[Frame]:
    width, height = voice.frame_size(job.info)
    request = job.request
    frames = video.read_frames(
        request.source,
        rate_hz=voice.rate_hz,
        width=width,
        height=height,
        lenient=True,
        views=request.views,
        cancelled=request.cancelled,
    )
    return watch.each("decode", frames)
