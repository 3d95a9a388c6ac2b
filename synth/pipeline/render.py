"""The sound: takes of one voice rendered together where it can, one after another where it cannot.

A job is handed on by ``on_ready`` as soon as its takes can be had, so that a short one is written while long ones are
still being rendered.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

import numpy as np

from synth.errors import Cancelled
from synth.pipeline.look import Observed
from synth.randomness import uniforms
from synth.score.kept import PARTS_S
from synth.stopwatch import Stopwatch
from synth.voices.base import BatchVoice, Renderer, Rendering, Take

Renderings = Iterable[tuple[Rendering, float]]
"""The takes of one job, each with the seconds that it took; those rendered together took them together.

Taking the next one may raise what went wrong with it.
"""

OnReady = Callable[[int, Renderings], None]
"""``on_ready(number, takes)``: the takes of job ``number`` can be had."""


def render(jobs: Mapping[int, Observed], on_ready: OnReady) -> None:
    """Render all takes of jobs, each group of one voice in one go."""
    for group in _by_voice(jobs):
        voice = next(iter(group.values())).job.voice
        batch = {n: one for n, one in group.items() if isinstance(voice, BatchVoice) and not one.controls.silence}
        for number, one in group.items():
            if number not in batch:
                on_ready(number, rendered_alone(one))
        if batch and isinstance(voice, BatchVoice):
            _Batch(batch, on_ready).render(voice)


def rendered_alone(observed: Observed) -> Renderings:
    """The takes of a job, each rendered when it is asked for."""
    return (_render_take(observed.job.voice, take) for take in _takes(observed))


def _by_voice(jobs: Mapping[int, Observed]) -> list[dict[int, Observed]]:
    groups: dict[int, dict[int, Observed]] = {}
    for number, one in sorted(jobs.items()):
        groups.setdefault(id(one.job.voice), {})[number] = one
    return list(groups.values())


class _Batch:
    """Jobs of one voice that are rendered together; each is handed on once all of its takes are there."""

    def __init__(self, jobs: Mapping[int, Observed], on_ready: OnReady) -> None:
        self._jobs = jobs
        self._on_ready = on_ready
        self._begin = time.perf_counter()
        self._made: dict[int, dict[int, tuple[Rendering, float]]] = {number: {} for number in jobs}

    def render(self, voice: BatchVoice) -> None:
        """Render all; an error of the voice becomes the outcome of every job that is not whole yet."""
        numbered = [
            (number, take, wanted) for number, one in self._jobs.items() for take, wanted in enumerate(_takes(one))
        ]
        takes = [
            dataclasses.replace(wanted, finished=functools.partial(self._add, number, take))
            for number, take, wanted in numbered
        ]
        try:
            for (number, take, _), rendering in zip(numbered, voice.render_all(takes), strict=True):
                self._add(number, take, rendering)
        except Exception as error:
            for number in self._jobs:
                if not self._is_whole(number):
                    self._on_ready(number, map(_raise, [error]))

    def _add(self, number: int, take: int, rendering: Rendering) -> None:
        made = self._made[number]
        if take in made:
            return
        made[take] = (rendering, time.perf_counter() - self._begin)
        if self._is_whole(number):
            self._on_ready(number, [made[take] for take in sorted(made)])

    def _is_whole(self, number: int) -> bool:
        return len(self._made[number]) == self._jobs[number].job.request.options.takes


def _raise(error: Exception) -> NoReturn:
    raise error


def _takes(observed: Observed) -> list[Take]:
    """What is wanted of the voice. The job is as far as its takes are on average."""
    request = observed.job.request
    shares = dict.fromkeys(range(request.options.takes), 0.0)

    def progress(take: int, stage: str, fraction: float) -> None:
        shares[take] = fraction
        request.progress(stage, sum(shares.values()) / len(shares))

    wanted = []
    for take in shares:
        options = request.options.with_take(take)
        draw, tell = functools.partial(uniforms, options.seed), functools.partial(progress, take)
        take_of = Take(observed.controls, options, draw, tell, request.cancelled, in_parts=_in_parts(observed))
        wanted.append(take_of)
    return wanted


def _in_parts(observed: Observed) -> bool:
    """Whether the parts of the sound are wanted: where they are kept, and small enough for that."""
    return observed.job.request.keep is not None and observed.job.info.duration_s <= PARTS_S


def _render_take(voice: Renderer, take: Take) -> tuple[Rendering, float]:
    controls = take.controls
    if take.cancelled():
        raise Cancelled("the job was cancelled")
    if controls.silence is not None:
        return Rendering(np.zeros(round(controls.duration_s * voice.sample_rate_hz), np.float32), controls.hits), 0.0
    watch = Stopwatch()
    with watch.stage("render"):
        rendering = voice.render(controls, take.options, take.uniforms, take.cancelled)
    return rendering, watch.stages_s["render"]
