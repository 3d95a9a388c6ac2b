"""One job: a silent clip in, the same picture with sound out.

    probe -> route, for mode auto -> read_frames -> controls -> render -> fit and normalise -> remux

The :data:`MODES` table maps a mode to its voice. A new mode is one file in ``synth.voices`` and one row here.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import numpy as np

from synth import provenance
from synth.errors import Cancelled, OptionError
from synth.files import file_sha256
from synth.media import audio, containers, video
from synth.media.remuxing import Remuxed
from synth.options import Mode, Options, Synthesis
from synth.randomness import uniforms
from synth.result import Output, Range, Result
from synth.routing import medley, router
from synth.stopwatch import Stopwatch
from synth.voices.base import (
    NO_HITS,
    BatchVoice,
    CancelPoll,
    Controls,
    Frame,
    Progress,
    Renderer,
    Rendering,
    Sound,
    Take,
    Voice,
    ignore_progress,
    never_cancelled,
)
from synth.voices.hits import hit_list
from synth.voices.library import registry
from synth.voices.library.matching import sounds_of


def _hits() -> Voice:
    from synth.voices.hits.voice import HitsVoice  # only now: what was refused before needed none of it

    return HitsVoice()


def _ambient() -> Voice:
    from synth.voices.ambient.voice import AmbientVoice

    return AmbientVoice()


def _speech() -> Voice:
    from synth.voices.speech.voice import SpeechVoice

    return SpeechVoice()


MODES: Final[dict[Mode, Callable[[], Voice]]] = {
    Mode.HITS: functools.cache(_hits),
    Mode.AMBIENT: functools.cache(_ambient),
    Mode.SPEECH: functools.cache(_speech),
}
"""Mode -> maker of its voice. A maker gives one voice a process, so that weights are loaded once."""


def _over(mode: Mode) -> Callable[[Voice], Voice]:
    """Maker of the voice that lays recordings of a library under what a mode's own voice sees, one a voice."""

    def make(voice: Voice) -> Voice:
        from synth.voices.library.voice import LibraryVoice

        if mode not in laying or laying[mode][0] is not voice:
            laying[mode] = (voice, LibraryVoice(voice, mode))
        return laying[mode][1]

    laying: dict[Mode, tuple[Voice, Voice]] = {}
    return make


LIBRARY_MODES: Final = {mode: _over(mode) for mode in (Mode.HITS, Mode.AMBIENT)}
"""Modes that ``synthesis=library`` means something for; any other is sounded as ever."""

TOGETHER: Final = frozenset({Mode.AMBIENT})
"""Modes of which several jobs are done faster in one :func:`sonorize_all` than one after another."""


@dataclass(frozen=True)
class Request:
    """One clip that is to be sounded; see :func:`sonorize`.

    ``keeps`` is asked when the job was cancelled: whether what was made of it is to be kept. ``None`` leaves that to
    the options; who may change their mind on the way brings an answer of their own.
    """

    source: Path
    target: Path
    options: Options
    replace: bool = False
    progress: Progress = ignore_progress
    cancelled: CancelPoll = never_cancelled
    keeps: Callable[[], bool] | None = None


AT_ONCE: Final = 4
"""Clips that are looked at or written at the same time, where there are several: both wait for others' programs."""

Settled = Callable[[int, Result | Exception], None]
"""``settled(number, outcome)``: what became of one request, told as soon as it is known, by any thread."""


def _nobody_listens(_number: int, _outcome: Result | Exception) -> None:
    pass


@dataclass(frozen=True)
class _Job:
    """What all takes of one job share."""

    source: Path
    target: Path
    options: Options
    voice: Renderer
    mode: Mode
    mode_reason: str
    ranges: tuple[Range, ...]
    info: video.VideoInfo
    input_sha256: str
    from_list: bool
    replace: bool
    progress: Progress
    cancelled: CancelPoll
    keeps: Callable[[], bool] | None = None


@dataclass(frozen=True)
class _Looked:
    """A job whose picture was looked at: what its takes are to sound, and the seconds spent so far."""

    job: _Job
    controls: Controls
    spent_s: Mapping[str, float]


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
        Cancelled: ``cancelled()`` turned true, and nothing was made that is to be kept; no output is half-written.
    """
    outcome = sonorize_all([Request(source, target, options, replace, progress, cancelled)])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def sonorize_all(requests: Sequence[Request], settled: Settled = _nobody_listens) -> list[Result | Exception]:
    """Sound several clips; where their voice can, all their takes are rendered in one go.

    The sound of each is the same as if it were alone, and an error of one is nobody else's: it stands in its place.

    Args:
        requests: the clips, in the order in which they are looked at.
        settled: told of each outcome while the others are still in the works.
    """
    outcomes: dict[int, Result | Exception] = {}

    def settle(number: int, make: Callable[[], Result]) -> None:
        try:
            outcomes[number] = make()
        except Exception as error:
            outcomes[number] = error
        settled(number, outcomes[number])

    def look(number: int) -> None:
        try:
            looked[number] = _look(requests[number])
        except Exception as error:
            settle(number, functools.partial(_raise, error))

    looked: dict[int, _Looked] = {}
    with _hands(len(requests)) as do:
        for number in range(len(requests)):
            do(functools.partial(look, number))
    with _hands(len(requests)) as do:
        for group in _by_voice(looked):
            _render(group, lambda number, takes: settle(number, lambda: _finish(looked[number], takes)), do)
    return [outcomes[number] for number in range(len(requests))]


_Do = Callable[[Callable[[], None]], None]


@contextmanager
def _hands(count: int) -> Iterator[_Do]:
    """Who does several things beside each other; a single one is done at once, and where it is asked for."""
    if count < 2:
        yield lambda thing: thing()
        return
    begun: list[Future[None]] = []
    with ThreadPoolExecutor(min(count, AT_ONCE), "sonorize") as pool:
        yield lambda thing: begun.append(pool.submit(thing))
    for one in begun:
        one.result()


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
        hits_json: see :mod:`synth.voices.hits.hit_list`.
        take: which entry of the list's ``outputs`` to sound; the others are as for :func:`sonorize`.

    Raises:
        OptionError: an entry of the list is not allowed; otherwise as :func:`sonorize`.
    """
    watch = Stopwatch()
    job = _begin(source, target, options, watch, progress, cancelled, from_list=True, replace=replace)
    duration_s = job.info.duration_s
    hits = hit_list.read(hits_json, duration_s=duration_s, material=options.material, take=take)
    looked = _Looked(job, Controls(duration_s, hits, silence=None if hits else NO_HITS), watch.stages_s)
    return _finish(looked, (_alone(job.voice, take) for take in _takes(looked)))


def voice_of(mode: Mode, options: Options | None = None) -> Voice:
    """The voice of a mode other than ``auto``; with a library instead of its own sounds, where the options say so.

    Raises:
        OptionError: this release has none, or there is no such library.
    """
    if mode not in MODES:
        available = ", ".join(["auto", *(known.value for known in MODES)])
        raise OptionError(f"mode is {mode.value!r}, which has no voice in this release; available are {available}")
    voice = MODES[mode]()
    if options is None or options.synthesis is not Synthesis.LIBRARY or mode not in LIBRARY_MODES:
        return voice
    registry.find(options.library)
    return LIBRARY_MODES[mode](voice)


def take_target(target: Path, take: int, takes: int) -> Path:
    """Where one take goes: ``target`` itself if it is the only one, else ``<stem>.take<number><suffix>`` beside it."""
    return target if takes == 1 else target.with_name(f"{target.stem}.take{take}{target.suffix}")


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
    keeps: Callable[[], bool] | None = None,
) -> _Job:
    """Everything that can be refused is refused here, before torch is imported or a frame decoded."""
    with watch.stage("probe"):
        info = video.probe(source, salvage=options.salvage, recut=options.recut)
        for take in range(options.takes):
            where = take_target(target, take, options.takes)
            check_target(source, where, info, replace=replace, recut=options.recut)
        digest = file_sha256(source)
    mode, reason = _settled(options, from_list=from_list)
    ranges: tuple[Range, ...] = ()
    if mode is Mode.AUTO:
        with watch.stage("route"):
            route = router.route_clip(source, info, tuple(MODES), progress=progress, cancelled=cancelled)
        mode, reason, ranges = route.mode, f"auto: {route.reason}", route.ranges if len(route.ranges) > 1 else ()
    with watch.stage("load"):
        voice = voice_of(mode, options)
    return _Job(
        source=source,
        target=target,
        options=options,
        voice=voice,
        mode=mode,
        mode_reason=reason,
        ranges=ranges,
        info=info,
        input_sha256=digest,
        from_list=from_list,
        replace=replace,
        progress=progress,
        cancelled=cancelled,
        keeps=keeps,
    )


def _settled(options: Options, *, from_list: bool) -> tuple[Mode, str]:
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


def _look(request: Request) -> _Looked:
    """Decode the clip once, for all takes, and let the voice look at it; or each voice at its range of the clip."""
    watch = Stopwatch()
    job = _begin(
        request.source,
        request.target,
        request.options,
        watch,
        request.progress,
        request.cancelled,
        from_list=False,
        replace=request.replace,
        keeps=request.keeps,
    )
    with watch.stage("controls"):
        if job.ranges:
            job, controls = _look_at_ranges(job, watch)
        else:
            voice = voice_of(job.mode, job.options)
            controls = voice.controls(_frames(job, voice, watch), job.info, job.options, job.progress, job.cancelled)
    return _Looked(job, controls, watch.stages_s)


def _look_at_ranges(job: _Job, watch: Stopwatch) -> tuple[_Job, Controls]:
    """The job with a voice that is made of several."""
    parts = []
    for one in job.ranges:
        voice = voice_of(one.mode, job.options)
        frames = functools.partial(_frames, job, voice, watch)
        between_s = (one.start_s, one.end_s)
        progress = functools.partial(_within, job.progress, one.start_s, one.end_s, job.info.duration_s)
        parts.append(medley.look(voice, between_s, frames, job.info, job.options, progress, job.cancelled))
    together = medley.Medley(parts, job.info.duration_s)
    return dataclasses.replace(job, voice=together), together.controls()


def _within(progress: Progress, start_s: float, end_s: float, duration_s: float, stage: str, fraction: float) -> None:
    """Progress in a range as progress in the clip."""
    progress(stage, (start_s + fraction * (end_s - start_s)) / duration_s)


def _frames(job: _Job, voice: Voice, watch: Stopwatch) -> Iterator[Frame]:
    width, height = voice.frame_size(job.info)
    frames = video.read_frames(
        job.source, rate_hz=voice.rate_hz, width=width, height=height, lenient=True, cancelled=job.cancelled
    )
    return watch.each("decode", frames)


def _by_voice(looked: Mapping[int, _Looked]) -> list[dict[int, _Looked]]:
    """The jobs that are rendered together, by their numbers."""
    groups: dict[int, dict[int, _Looked]] = {}
    for number, one in sorted(looked.items()):
        groups.setdefault(id(one.job.voice), {})[number] = one
    return list(groups.values())


_Renderings = Iterable[tuple[Rendering, float]]
"""The takes of one job, each with the seconds that it took; those rendered together took them together."""
_Ready = Callable[[int, _Renderings], None]


def _render(group: Mapping[int, _Looked], ready: _Ready, do: _Do) -> None:
    """All takes of jobs of one voice; ``ready(number, takes)`` is called for each job, once its takes can be had.

    What the voice can it renders in one go, while others write what is there; anything else when it is asked for.
    """
    voice = next(iter(group.values())).job.voice
    together = {n: one for n, one in group.items() if isinstance(voice, BatchVoice) and not one.controls.silence}
    for number, one in group.items():
        if number not in together:
            ready(number, (_alone(voice, take) for take in _takes(one)))
    if together and isinstance(voice, BatchVoice):
        _render_together(voice, together, ready, do)


def _render_together(voice: BatchVoice, group: Mapping[int, _Looked], ready: _Ready, do: _Do) -> None:
    begin, takes = time.perf_counter(), list[Take]()
    made: dict[int, dict[int, tuple[Rendering, float]]] = {number: {} for number in group}

    def finished(number: int, take: int, rendering: Rendering) -> None:
        if take in made[number]:
            return
        made[number][take] = (rendering, time.perf_counter() - begin)
        if len(made[number]) == group[number].job.options.takes:
            do(functools.partial(ready, number, [made[number][take] for take in sorted(made[number])]))

    whose = []
    for number, one in group.items():
        for take, wanted in enumerate(_takes(one)):
            whose.append((number, take))
            takes.append(dataclasses.replace(wanted, finished=functools.partial(finished, number, take)))
    try:
        for (number, take), rendering in zip(whose, voice.render_all(takes), strict=True):
            finished(number, take, rendering)
    except Exception as error:
        for number, one in group.items():
            if len(made[number]) < one.job.options.takes:
                ready(number, map(_raise, [error]))


def _raise(error: Exception) -> NoReturn:
    raise error


def _takes(one: _Looked) -> list[Take]:
    """What is wanted of the voice. The job is as far as its takes are on average."""
    shares = dict.fromkeys(range(one.job.options.takes), 0.0)

    def progress(take: int, stage: str, fraction: float) -> None:
        shares[take] = fraction
        one.job.progress(stage, sum(shares.values()) / len(shares))

    wanted = []
    for take in shares:
        options = one.job.options.with_take(take)
        draw, told = functools.partial(uniforms, options.seed), functools.partial(progress, take)
        wanted.append(Take(one.controls, options, draw, told, one.job.cancelled))
    return wanted


def _alone(voice: Renderer, take: Take) -> tuple[Rendering, float]:
    controls = take.controls
    if take.cancelled():
        raise Cancelled("the job was cancelled")
    if controls.silence is not None:
        return Rendering(np.zeros(round(controls.duration_s * voice.sample_rate_hz), np.float32), controls.hits), 0.0
    watch = Stopwatch()
    with watch.stage("render"):
        rendering = voice.render(controls, take.options, take.uniforms, take.cancelled)
    return rendering, watch.stages_s["render"]


def _finish(looked: _Looked, renderings: _Renderings) -> Result:
    """Write the takes of one job.

    Raises:
        Cancelled: one was cancelled, and what was made of it is not to be kept.
    """
    asked, outputs = looked.job, []

    def unwanted() -> bool:
        return asked.cancelled() and not (asked.options.keep_partial if asked.keeps is None else asked.keeps())

    job = dataclasses.replace(asked, cancelled=unwanted)  # what is to be kept is written down, cancelled or not
    for take, (rendering, spent_s) in enumerate(renderings):
        if rendering.made_s is not None and unwanted():
            raise Cancelled("the job was cancelled")
        if rendering.made_s != 0:
            outputs.append(_take(job, looked.controls, take, rendering, {**looked.spent_s, "render": spent_s}))
    if not outputs:
        raise Cancelled("the job was cancelled")
    return Result(tuple(outputs))


def _take(job: _Job, controls: Controls, take: int, rendering: Rendering, spent_s: Mapping[str, float]) -> Output:
    """Write one take."""
    options, rate_hz, duration_s = job.options.with_take(take), job.voice.sample_rate_hz, job.info.duration_s
    target = take_target(job.target, take, job.options.takes)
    watch = Stopwatch()
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
        ranges=[one.as_json() for one in job.ranges],
        synthetic_speech=Mode.SPEECH in ([one.mode for one in job.ranges] or [job.mode]),
        sounds=sounds_of(rendering.laid),
    )
    with watch.stage("remux"):
        written = _write(job, sound, target, {"comment": provenance.comment(origin)})
    job.progress("write", (take + 1) / job.options.takes)
    cut = (
        f"the job was cancelled after {rendering.made_s:.1f} s of sound: silence follows" if rendering.made_s else None
    )
    # Where silence is meant, that its loudness cannot be measured is no news.
    notes = (*controls.warnings, _unused_library(job), cut, controls.silence or loudness.warning, *written.warnings)
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
        stages_s={**spent_s, **watch.stages_s},
        provenance=origin,
        warnings=tuple(note for note in notes if note),
        sound_class=controls.choice,
        made_s=rendering.made_s,
        mode_reason=job.mode_reason,
        ranges=job.ranges,
        library=rendering.laid,
        picture=written.picture,
        digests=written.digests,
        delivered=written.delivery,
    )


def _unused_library(job: _Job) -> str | None:
    """A sentence where a library was asked for, and the router chose a voice that uses none."""
    modes = {one.mode for one in job.ranges} or {job.mode}
    if job.options.synthesis is not Synthesis.LIBRARY or modes & set(LIBRARY_MODES):
        return None
    return f"the voice is {job.mode.value}, which uses no library: nothing of it is heard"


def _write(job: _Job, sound: Sound, target: Path, metadata: Mapping[str, str]) -> Remuxed:
    """Remux, beside an older file first if that may be replaced: it stays until the new one is whole."""
    fresh = target.with_name(f".{secrets.token_hex(8)}{target.suffix}") if job.replace else target
    options = job.options
    try:
        written = video.remux(
            job.source,
            sound,
            job.voice.sample_rate_hz,
            fresh,
            existing=options.existing_sound,
            metadata=metadata,
            true_peak_dbtp=options.true_peak_dbtp,
            salvage=options.salvage,
            recut=options.recut,
            cancelled=job.cancelled,
        )
        if job.replace:
            fresh.replace(target)
        return written
    finally:
        if job.replace:
            fresh.unlink(missing_ok=True)
