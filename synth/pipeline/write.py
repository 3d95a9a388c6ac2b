"""The result: sound as long as the picture, at the loudness asked for, under the picture's own packets."""

from __future__ import annotations

import dataclasses
import functools
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

from synth import provenance
from synth.dsp.stereo import to_channels
from synth.errors import Cancelled
from synth.media import audio, video
from synth.media.remuxing import Remuxed
from synth.options import Mode, Options, Synthesis
from synth.pipeline.job import Job, take_target
from synth.pipeline.look import Observed
from synth.pipeline.modes import LIBRARY_MODES
from synth.pipeline.render import Renderings
from synth.result import Output, Result
from synth.score.kept import Sounded
from synth.score.kept_files import Kept
from synth.score.recipe import Recipe
from synth.stopwatch import Stopwatch
from synth.voices.base import Controls, Rendering, Sound
from synth.voices.library.matching import sounds_of

UNASKED_DB: Final = 9.0
"""So much quieter than usual a sound of loud moments and silence may be without a warning, where nobody asked for a
loudness: nothing is wrong with it, and making it louder would crackle."""
_USUAL: Final = Options()


def write(observed: Observed, renderings: Renderings) -> Result:
    """Write the takes of one job; what is to be kept is written, cancelled or not.

    Raises:
        MediaError: a result cannot be written.
        Cancelled: a take was cancelled, and what was made of it is not to be kept.
    """
    request, outputs = observed.job.request, []
    for take, (rendering, spent_s) in enumerate(renderings):
        if rendering.made_s is not None and request.is_unwanted():
            raise Cancelled("the job was cancelled")
        if rendering.made_s != 0:
            outputs.append(_write_take(observed, take, rendering, {**observed.spent_s, "render": spent_s}))
    if not outputs:
        raise Cancelled("the job was cancelled")
    return Result(tuple(outputs))


def _write_take(observed: Observed, take: int, rendering: Rendering, spent_s: Mapping[str, float]) -> Output:
    job, request = observed.job, observed.job.request
    options, rate_hz, duration_s = request.options.with_take(take), request.options.rate_hz, job.info.duration_s
    target = take_target(request.target, take, request.options.takes)
    watch = Stopwatch()
    with watch.stage("loudness"):
        sound, loudness = audio.normalise(
            _as_asked(rendering, job, duration_s),
            rate_hz,
            loudness_lufs=options.loudness_lufs,
            true_peak_dbtp=options.true_peak_dbtp,
            limiting=options.limiter,
        )
    origin = provenance.record(
        input_sha256=job.input_sha256,
        weights=job.voice.weights(options),
        options=options,
        mode_reason=job.mode_reason,
        hit_list=job.from_list,
        ranges=[one.as_json() for one in job.ranges],
        synthetic_speech=Mode.SPEECH in _heard_modes(job),
        sounds=sounds_of(rendering.laid),
        edited=request.edited,
    )
    made = Sounded(request.source, target, take, options, rendering, sound, loudness.gain_db)
    with _Keeping(observed, made) as keeping:
        with watch.stage("remux"):
            remuxed = _remux(job, sound, target, {"comment": provenance.comment(origin)})
        kept = keeping.kept(remuxed, watch)
    request.progress("write", (take + 1) / request.options.takes)
    return Output(
        source=request.source,
        target=target,
        mode=job.mode,
        seed=options.seed,
        take=take,
        duration_s=duration_s,
        sample_rate_hz=rate_hz,
        channels=options.channels,
        hits=rendering.hits,
        loudness_lufs=loudness.lufs,
        true_peak_dbtp=loudness.true_peak_dbtp,
        stages_s={**spent_s, **watch.stages_s},
        provenance=origin,
        warnings=(*_warnings(job, observed.controls, rendering, _of_loudness(options, loudness)), *remuxed.warnings),
        sound_class=observed.controls.choice,
        made_s=rendering.made_s,
        mode_reason=job.mode_reason,
        ranges=job.ranges,
        library=rendering.laid,
        layers=rendering.layers,
        words=rendering.words,
        picture=remuxed.picture,
        digests=remuxed.digests,
        delivered=remuxed.delivery,
        kept=kept,
        decoded=remuxed.decoded,
    )


class _Keeping:
    """What is kept of a take, made in a thread while the result is written, which waits for ffmpeg most of the time.

    Leaving it waits for the thread.
    """

    def __init__(self, observed: Observed, made: Sounded) -> None:
        self._pool = ThreadPoolExecutor(1, "keep")
        self._keep: Callable[[], Kept] | None = None
        self._begun: Future[Kept] | None = None
        keep = observed.job.request.keep
        if keep is not None and made.rendering.made_s is None:
            self._keep = functools.partial(keep, made, recipe_of(observed))
            self._begun = None if made.needs_target else self._pool.submit(self._keep)

    def kept(self, remuxed: Remuxed, watch: Stopwatch) -> Kept | None:
        """It, once the result is written; None where nothing is to be kept.

        Args:
            watch: counts how long it is waited for, as the stage ``keep``.

        Raises:
            MediaError: the disk refuses.
        """
        if self._keep is None:
            return None
        with watch.stage("keep"):
            kept = self._begun.result() if self._begun else self._keep()
        return dataclasses.replace(kept, verified=remuxed.verified)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


def recipe_of(observed: Observed) -> Recipe:
    """What the takes of a job are made from."""
    job = observed.job
    return Recipe(
        job.mode,
        job.mode_reason,
        job.ranges,
        job.info,
        job.input_sha256,
        job.from_list,
        job.request.options,
        job.voice.weights(job.request.options),
        job.voice.sample_rate_hz,
        observed.controls,
    )


def _heard_modes(job: Job) -> Sequence[Mode]:
    """The voices that are heard in a take."""
    if job.request.heard_modes is not None:
        return job.request.heard_modes
    return [one.mode for one in job.ranges] or [job.mode]


def _as_asked(rendering: Rendering, job: Job, duration_s: float) -> Sound:
    """The sound as long as the picture, with the channels and the rate that were asked for."""
    options, own_hz = job.request.options, job.voice.sample_rate_hz
    fitted = audio.fit(to_channels(rendering.sound, options.channels.number), own_hz, duration_s)
    return audio.fit(audio.resample(fitted, own_hz, options.rate_hz), options.rate_hz, duration_s)


def _warnings(job: Job, controls: Controls, rendering: Rendering, loudness: str | None) -> tuple[str, ...]:
    cut = None
    if rendering.made_s:
        cut = f"the job was cancelled after {rendering.made_s:.1f} s of sound: silence follows"
    # Where silence is meant, that its loudness cannot be measured is no news.
    notes = (*controls.warnings, _unused_library(job), cut, controls.silence or loudness)
    return tuple(note for note in notes if note)


def _of_loudness(options: Options, reached: audio.Loudness) -> str | None:
    """What is to be said of the loudness: where nobody asked for one, not that short hits leave it a little lower."""
    by_peaks = reached.lufs is not None and reached.gain_db < audio.MAX_GAIN_DB
    if by_peaks and options.loudness_lufs == _USUAL.loudness_lufs:
        quieter_db = options.loudness_lufs - (reached.lufs or 0.0)
        return reached.warning if quieter_db > UNASKED_DB else None
    return reached.warning


def _unused_library(job: Job) -> str | None:
    """A sentence where a library was asked for, and the router chose a voice that uses none."""
    modes = {one.mode for one in job.ranges} or {job.mode}
    if job.request.options.synthesis is not Synthesis.LIBRARY or modes & set(LIBRARY_MODES):
        return None
    return f"the voice is {job.mode.value}, which uses no library: nothing of it is heard"


def _remux(job: Job, sound: Sound, target: Path, metadata: Mapping[str, str]) -> Remuxed:
    """Remux, beside an older file first if that may be replaced: it stays until the new one is whole."""
    request, options = job.request, job.request.options
    fresh = target.with_name(f".{secrets.token_hex(8)}{target.suffix}") if request.replace else target
    try:
        remuxed = video.remux(
            request.source,
            sound,
            options.rate_hz,
            fresh,
            existing=options.existing_sound,
            metadata=metadata,
            true_peak_dbtp=options.true_peak_dbtp,
            salvage=options.salvage,
            recut=options.recut,
            existing_gain_db=request.existing_gain_db,
            to_verify=request.keep is not None,
            verified=request.verified,
            source_shown=request.views.shown if request.views else None,
            cancelled=request.is_unwanted,
        )
        if request.replace:
            fresh.replace(target)
        return remuxed
    finally:
        if request.replace:
            fresh.unlink(missing_ok=True)
