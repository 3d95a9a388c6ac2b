"""One job's way, top to bottom, for one clip or a list of them:

accept (probe, route, voice) -> look (frames, controls) -> render -> write (fit, loudness, remux)
"""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NoReturn, Self

from synth.media.picture.views import Views
from synth.options import Options
from synth.pipeline.job import Request, accept
from synth.pipeline.look import Observed, look
from synth.pipeline.render import Renderings, render, rendered_alone
from synth.pipeline.write import write
from synth.result import Result
from synth.stopwatch import Stopwatch
from synth.voices.base import NO_HITS, CancelPoll, Controls, Progress, ignore_progress, never_cancelled
from synth.voices.hits import hit_list

AT_ONCE: Final = 4
"""Clips that are looked at or written at the same time, where there are several: both wait for other programs."""

OnSettled = Callable[[int, Result | Exception], None]
"""``on_settled(number, outcome)``: what became of one request, called as soon as it is known, by any thread."""


def sonorize(
    source: str | Path,
    target: str | Path,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Result:
    """Sound one clip; write one file a take, each whole or not at all, and say what is in them.

    Args:
        source: any clip that :func:`synth.media.video.probe` accepts.
        target: the file to write; see :func:`synth.pipeline.job.take_target` for several takes.
        options: the request; without it, what everybody gets.
        overwrite: whether a file that is there already may be replaced; until the new one is whole it stays.
        progress: told how far each stage is.
        cancelled: polled often; true ends the job.

    Raises:
        OptionError: a mode without a voice, or a target that cannot be.
        MediaError: the clip is refused or a result cannot be written.
        WeightsError: weights are missing or damaged.
        Cancelled: ``cancelled()`` turned true, and nothing was made that is to be kept; no output is half-written.
    """
    asked = Options() if options is None else options
    outcome = sonorize_all([Request(Path(source), Path(target), asked, overwrite, progress, cancelled)])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def sonorize_all(requests: Sequence[Request], on_settled: OnSettled | None = None) -> list[Result | Exception]:
    """Sound several clips; where their voice can, all their takes are rendered in one go.

    The sound of each is the same as if it were alone, and an error of one is nobody else's: it stands in its place.

    Args:
        requests: the clips, in the order in which they are looked at.
        on_settled: called with each outcome while the others are still being worked on.
    """
    outcomes = _Outcomes(on_settled)
    with tempfile.TemporaryDirectory(prefix="sonorize-views-") as folder:
        _sonorize_all([_with_views(one, Path(folder) / str(n)) for n, one in enumerate(requests)], outcomes)
    return [outcomes.known[number] for number in range(len(requests))]


def _with_views(request: Request, folder: Path) -> Request:
    """The request with room for what the first reader of its picture leaves for later ones."""
    if request.views is not None:
        return request
    folder.mkdir()
    return dataclasses.replace(request, views=Views(folder))


def _sonorize_all(requests: Sequence[Request], outcomes: _Outcomes) -> None:
    """Look at all, render all, write each when it can be; what became of them stands in ``outcomes``."""
    observed: dict[int, Observed] = {}

    def look_at(number: int) -> None:
        observed[number] = look(requests[number])

    with _Workers(len(requests)) as workers:
        for number in range(len(requests)):
            workers.submit(functools.partial(outcomes.attempt, number, functools.partial(look_at, number)))
    with _Workers(len(requests)) as workers:

        def write_when_ready(number: int, takes: Renderings) -> None:
            make = functools.partial(write, observed[number], takes)
            workers.submit(functools.partial(outcomes.settle, number, make))

        render(observed, write_when_ready)


def render_hits(
    hits_json: str | Path,
    source: str | Path,
    target: str | Path,
    options: Options | None = None,
    *,
    take: int = 0,
    overwrite: bool = False,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Result:
    """Sound an edited hit list under a clip, without running the nets.

    Args:
        hits_json: see :mod:`synth.voices.hits.hit_list`.
        take: which entry of the list's ``outputs`` to sound; the others are as for :func:`sonorize`.

    Raises:
        OptionError: an entry of the list is not allowed; otherwise as :func:`sonorize`.
    """
    watch = Stopwatch()
    asked = Options() if options is None else options
    job = accept(Request(Path(source), Path(target), asked, overwrite, progress, cancelled), watch, from_list=True)
    duration_s = job.info.duration_s
    hits = hit_list.read(Path(hits_json), duration_s=duration_s, material=asked.material, take=take)
    controls = Controls(duration_s, hits, silence=None if hits else NO_HITS)
    observed = Observed(job, controls, watch.stages_s)
    return write(observed, rendered_alone(observed))


class _Outcomes:
    """What became of each request; an exception is an outcome too."""

    def __init__(self, on_settled: OnSettled | None) -> None:
        self.known: dict[int, Result | Exception] = {}
        self._on_settled = on_settled

    def settle(self, number: int, make: Callable[[], Result]) -> None:
        """Take what ``make`` returns or raises as the outcome of a request."""
        try:
            outcome: Result | Exception = make()
        except Exception as error:
            outcome = error
        self.known[number] = outcome
        if self._on_settled is not None:
            self._on_settled(number, outcome)

    def attempt(self, number: int, step: Callable[[], None]) -> None:
        """Take a step towards an outcome; only its failure is one."""
        try:
            step()
        except Exception as error:
            self.settle(number, functools.partial(_raise, error))


def _raise(error: Exception) -> NoReturn:
    raise error


class _Workers:
    """Runs steps beside each other; at once and in the calling thread where there is one clip only.

    Leaving it waits for all of them, and raises what the first failed one raised.
    """

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(min(count, AT_ONCE), "sonorize") if count > 1 else None
        self._futures: list[Future[None]] = []

    def submit(self, step: Callable[[], None]) -> None:
        """Run a step, now or soon."""
        if self._pool is None:
            step()
        else:
            self._futures.append(self._pool.submit(step))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is None:
            return
        self._pool.shutdown()
        for future in self._futures:
            future.result()
