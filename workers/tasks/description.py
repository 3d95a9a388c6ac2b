"""The last stage of a job: look at the clip, listen to each take, and keep what was found beside them.

It comes between rendering and storing. Nothing that goes wrong here fails a job whose sound is made: the result then
says that it was not described, and why.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from synth.description import heat_map, texture_kinds
from synth.description.description import Description, TakeDescription
from synth.errors import Cancelled, SynthError, WeightsError
from synth.media import audio
from synth.media.looking import VideoInfo
from synth.media.picture.views import View, Views
from synth.result import Output, Result
from workers.attempt import Attempt
from workers.errors import StorageError, WorkError
from workers.files.result_upload import put_all
from workers.files.storage import Storage
from workers.jobs import Job, Jobs
from workers.search import vectors

if TYPE_CHECKING:
    from synth.description.describer import Seen

STAGE: Final = "describe"
SWITCHED_OFF: Final = "this server does not describe results"
_LOOK_AGAIN_S: Final = 0.2
TURNS: Final = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))
"""As many jobs are described at the same time as there are processors: the nets of one take one."""
_ONE_LOOKS: Final = threading.Lock()

_log = logging.getLogger(__name__)


class Describes(Protocol):
    """Who looks at a clip and hears its takes: :class:`synth.description.describer.Describer`."""

    def describe(
        self,
        source: Path,
        sounds: Sequence[tuple[NDArray[np.float32], int]],
        cancelled: Callable[[], bool],
        *,
        views: Views | None = None,
        seen: Seen | None = None,
    ) -> Description:
        """What is seen in the clip, and heard in each sound (float32 [N], and its rate in Hz)."""
        ...

    def see(self, source: Path, cancelled: Callable[[], bool], *, views: Views | None = None) -> Seen | None:
        """What is seen in the clip, for ``describe``; nothing where that looks for itself."""
        ...


@dataclass(frozen=True)
class Described:
    """What became of the stage.

    Attributes:
        description: nothing where there is none.
        reason: why there is none, as a sentence's end.
        files: an output each: the name of its entry in the row -> the file.
        shared: the same, of what all outputs share.
        spent_s: wall seconds.
    """

    description: Description | None = None
    reason: str | None = None
    files: tuple[Mapping[str, Path], ...] = ()
    shared: Mapping[str, Path] = field(default_factory=dict)
    spent_s: float = field(default=0.0, compare=False)


def is_tried(job: Job) -> bool:
    """Whether a job is described: should this be what its workers were lost with, its sound still arrives."""
    return not 1 < job.attempt_limit <= job.attempt


class Looking:
    """Looks at a job's clip as soon as its first reader has left the pictures, while its sound is being made.

    That it fails is no matter: describing looks again then, and says why. Leaving it waits for what has begun.
    """

    def __init__(self, attempt: Attempt, source: Path, views: Views) -> None:
        self._attempt, self._source, self._views = attempt, source, views
        self._pool = ThreadPoolExecutor(1, "look")
        self._begun: Future[Seen | None] | None = None
        views.when_ended(self._begin)

    def _begin(self) -> None:
        with contextlib.suppress(RuntimeError):  # the job has ended
            self._begun = self._pool.submit(self._see)

    def _see(self) -> Seen | None:
        with _ONE_LOOKS:
            return describer().see(self._source, self._attempt.stop, views=self._views)

    def seen(self) -> Seen | None:
        """What was seen, once it is; nothing where nobody has begun, or it failed."""
        try:
            return None if self._begun is None else self._begun.result()
        except Exception as error:
            _log.debug("job %s: not looked at beforehand: %s", self._attempt.job.id, error)
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def describer() -> Describes:
    """The one of this process, with its weights.

    Raises:
        WeightsError: they are not there.
    """
    from synth.description.describer import (
        describer as made,  # loads torch: who switched the stage off needs none of it
    )

    return made()


def views_of(info: VideoInfo) -> list[View]:
    """What will be looked at of a clip; see :class:`synth.media.picture.views.Views`."""
    from synth.description.describer import views_of as of_describer

    return of_describer(info)


def describe(
    attempt: Attempt, outcome: Result, folder: Path, views: Views | None = None, looking: Looking | None = None
) -> Described:
    """Look, listen, and draw the heat maps.

    What is measured (:attr:`Described.spent_s`) is for how long the job waits for that; how long looking took, beside
    other work or not, stands in the description's own stages.

    Args:
        folder: where the clip lies as ``source``, and room for what is drawn.
        views: what is kept of the clip since its voice looked at it.
        looking: who may have looked at it meanwhile.

    Raises:
        Cancelled: the job is to be stopped, and nothing of it kept.
    """
    job, began = attempt.job, time.perf_counter()
    if not is_tried(job):
        return Described(reason="earlier attempts at this job failed, so the last one made the sound alone")
    try:
        with _turn(attempt):
            attempt.progress(STAGE, 0.0)
            sounds = [output.decoded or audio.read(output.target) for output in outcome.outputs]
            seen = looking.seen() if looking else None
            found = describer().describe(folder / "source", sounds, attempt.stop, views=views, seen=seen)
            check(found, len(outcome.outputs))
            _heed(attempt)
            attempt.progress(STAGE, 0.7)
            files, shared = _draw(found, outcome.outputs, folder, attempt, views)
            return Described(found, None, files, shared, time.perf_counter() - began)
    except Cancelled:
        if attempt.given_up():
            raise
        return Described(reason="the job was canceled")  # what was made is kept: there is no time for more
    except Exception as error:
        known = isinstance(error, SynthError)
        _log.log(logging.WARNING if known else logging.ERROR, "job %s: not described", job.id, exc_info=not known)
        message = str(error).replace(f"{folder}/", "") if known else "something unexpected went wrong"
        return Described(reason=message, spent_s=time.perf_counter() - began)


def add(stored: dict[str, Any], described: Described, storage: Storage, attempt: Attempt) -> None:
    """Write a description into what :func:`workers.files.result_upload.store` gave, and put its files beside the
    others.

    Raises:
        Cancelled: the job is to be stopped.
    """
    tell(stored, described)
    _put(stored, described.shared, storage, attempt)
    for entry, files in zip(stored["outputs"], described.files, strict=False):  # no files where nothing was described
        _put(entry, files, storage, attempt)


def _put(entry: dict[str, Any], files: Mapping[str, Path], storage: Storage, attempt: Attempt) -> None:
    keys = {name: f"{attempt.job.attempt_prefix()}/{path.name}" for name, path in files.items()}
    try:
        put_all(storage, attempt, {key: files[name] for name, key in keys.items()})
    except StorageError:
        _log.warning("job %s: some of its heat maps could not be stored", attempt.job.id)
    entry.update({name: key for name, key in keys.items() if key in attempt.stored})


def tell(stored: dict[str, Any], described: Described) -> None:
    """Write a description into a result, without its files."""
    stored["description"] = {"described": described.description is not None, "reason": described.reason}
    found = described.description
    if found is None:
        return
    ranking = found.ranking()
    outputs = stored["outputs"]
    stored["description"] |= {
        "times_s": [round(time_s, 3) for time_s in found.times_s],
        "ranking": [outputs[place]["take"] for place in ranking],
        "units": [unit.as_json() for unit in found.units],
        "stages_s": {stage: round(seconds, 4) for stage, seconds in found.stages_s.items()},
    }
    for place, (entry, message) in enumerate(zip(outputs, found.takes, strict=True)):
        entry["description"] = {**_named(message.as_json()), "rank": ranking.index(place) + 1}
        entry["stages_s"] = {**entry["stages_s"], STAGE: round(described.spent_s, 4)}


def _named(message: dict[str, Any]) -> dict[str, Any]:
    """A take's JSON with the names of its kinds of texture, which other weights may call otherwise one day."""
    texture = message["texture"]
    if texture is not None:
        names: dict[int | None, str] = {}
        with contextlib.suppress(WeightsError):
            names = dict(enumerate(kind.name for kind in texture_kinds.kinds()))
        texture |= {"name": names.get(texture["cluster"]), "expected_name": names.get(texture["expected"])}
    return message


def keep_vectors(jobs: Jobs, attempt: Attempt, described: Described, outputs: Sequence[Output]) -> None:
    """Make a finished job findable; that it is not is no reason to fail it."""
    found, job = described.description, attempt.job
    if found is None:
        return
    of_takes = {output.take: take.vectors for output, take in zip(outputs, found.takes, strict=True)}
    try:
        vectors.keep(jobs, job.id, job.attempt, found.vectors, of_takes)
    except (ValueError, WorkError):
        _log.exception("job %s: it will not be found by picture or sound", job.id)


@contextlib.contextmanager
def _turn(attempt: Attempt) -> Iterator[None]:
    """Wait until a processor is left by those who describe."""
    while not TURNS.acquire(timeout=_LOOK_AGAIN_S):
        _heed(attempt)
    try:
        _heed(attempt)
        yield
    finally:
        TURNS.release()


def _heed(attempt: Attempt) -> None:
    if attempt.stop():
        raise Cancelled("the job was stopped")


def check(found: Description, takes: int) -> None:
    """Hold a description to be one that can be kept: a number that JSON lacks would spoil the whole row.

    Raises:
        ValueError: it is none, or not one of so many takes.
    """
    if len(found.takes) != takes:
        raise ValueError(f"{len(found.takes)} takes were described; there are {takes}")
    if not all(math.isfinite(unit.strength) for unit in found.units):
        raise ValueError("a unit is excited by a number that is none")
    for take in found.takes:
        numbers = [take.correspondence, take.distance, *(tag.probability for tag in take.tags), *take.firmness.values()]
        if take.texture is not None:
            numbers += [take.texture.distance, take.texture.typicality]
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError("a description holds a number that is none")


def _draw(
    found: Description, outputs: Sequence[Output], folder: Path, attempt: Attempt, views: Views | None
) -> tuple[tuple[Mapping[str, Path], ...], Mapping[str, Path]]:
    """The heat map files of each take, and of what all share."""
    if not any(take.maps for take in found.takes):
        return ({},) * len(outputs), {}
    pictures = heat_map.stills(folder / "source", found.times_s, cancelled=attempt.stop, views=views)
    drawn: list[Mapping[str, Path]] = []
    for number, (output, take) in enumerate(zip(outputs, found.takes, strict=True)):
        _heed(attempt)
        drawn.append(draw_take(take, f"take{output.take}", pictures, found.times_s, folder) if take.maps else {})
        attempt.progress(STAGE, 0.7 + 0.3 * (number + 1) / len(outputs))
    if not found.units:
        return tuple(drawn), {}
    shared = {"units_key": folder / "units.jpg"}
    heat_map.write_sheet(pictures, {str(unit.number): unit.maps for unit in found.units}, shared["units_key"])
    return tuple(drawn), shared


def draw_take(
    take: TakeDescription, stem: str, pictures: NDArray[np.uint8], times_s: Sequence[float], folder: Path
) -> dict[str, Path]:
    """The heat maps of a take as files; name of the entry in its row -> the file, whose name begins with ``stem``."""
    ordered = {name: take.maps[name] for name in heat_map.METHODS if name in take.maps}
    files = {"maps_key": folder / f"{stem}.maps.npz", "sheet_key": folder / f"{stem}.maps.jpg"}
    heat_map.save(ordered, times_s, files["maps_key"])
    heat_map.write_sheet(pictures, ordered, files["sheet_key"])
    for name, maps in ordered.items():
        files[f"heat_{name}_key"] = folder / f"{stem}.{name}.jpg"
        heat_map.write_strongest(pictures, maps, files[f"heat_{name}_key"])
    return files
