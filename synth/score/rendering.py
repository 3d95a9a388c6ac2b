"""A score as sound: what changed since the take that it came from is made anew, the rest is summed as it was.

The nets do not run, and the picture is not decoded: its packets are copied, and held against an earlier copy.

Shapes: N = samples; a sound is [N], or [N, 2].
"""

from __future__ import annotations

import dataclasses
import functools
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.stereo import to_channels
from synth.errors import MediaError
from synth.media import audio
from synth.media.remuxing import Verified
from synth.media.sound import lossless
from synth.options import ExistingSound, Mode, Options
from synth.pipeline.job import Job, Request
from synth.pipeline.look import Observed
from synth.pipeline.modes import voice_of
from synth.pipeline.write import write
from synth.randomness import uniforms
from synth.result import Output
from synth.score import drawings, heard_ranges, kept
from synth.score.heard_ranges import RangeContents
from synth.score.kept_files import Kept
from synth.score.recipe import KeptVoice, Recipe
from synth.score.score import HITS_STEM, LAYER_STEM, ORIGINAL, Score, ScoreLayer
from synth.voices.ambient.catalogue.registry import sound_class
from synth.voices.ambient.computed_voice import render_layer
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.mixing import RATE_HZ as LAYER_RATE_HZ
from synth.voices.base import (
    CancelPoll,
    Controls,
    Hit,
    Part,
    Progress,
    Rendering,
    Uniforms,
    ignore_progress,
    never_cancelled,
)

_OWN_NUMBERS: Final = re.compile(r"l([1-9]\d{0,3})")
_FIRST_OTHER: Final = 10_000


@dataclass(frozen=True)
class Before:
    """The take whose score was changed.

    Attributes:
        recipe: of its job.
        options: its own: its seed, one take.
        score: as it was rendered.
        parts: name -> file, of those that are kept.
        layers: as they were told of it, by their ids.
        edited: what of it was changed already.
        verified: what a copy of the picture can be held against.
        drawings: of its parts; ``None`` where they are not kept.
        in_ranges: hits and layers of its ranges, of those that are muted too.
    """

    recipe: Recipe
    options: Options
    score: Score
    parts: Mapping[str, Path]
    layers: Mapping[str, Layer]
    edited: tuple[str, ...] = ()
    verified: Verified | None = None
    drawings: Path | None = None
    in_ranges: RangeContents = field(default_factory=RangeContents)


def render_score(
    source: Path,
    target: Path,
    before: Before,
    score: Score,
    *,
    folder: Path | None = None,
    replace_target: bool = False,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Output:
    """Sound a score under its clip.

    Args:
        folder: where what is to be kept of the new take goes; nothing is kept by default.

    Raises:
        OptionError: an exemplar that no bank holds.
        MediaError: the clip is not the one that the score is for, a part is gone that cannot be made again, or the
            result cannot be written.
        Cancelled: ``cancelled()`` turned true.
    """
    made = _Remaking(before, score, cancelled, progress)
    rendering, rate_hz = made.rendering()
    recipe = before.recipe
    request = Request(
        source,
        target,
        _options(before, score),
        replace_target,
        progress,
        cancelled,
        keep=None if folder is None else functools.partial(made.keep, folder),
        existing_gain_db=score.stem(ORIGINAL).gain_db,
        verified=before.verified,
        edited=tuple(dict.fromkeys([*before.edited, *changed(before.score, score)])),
        heard_modes=_heard_modes(recipe, score),
    )
    voice = KeptVoice(recipe, rate_hz)
    from_list = recipe.from_list or "hits" in request.edited
    job = Job(
        request, voice, recipe.mode, recipe.mode_reason, recipe.ranges, recipe.info, recipe.input_sha256, from_list
    )
    controls = replace(recipe.controls, silence=None if score.hits or score.layers else recipe.controls.silence)
    result = write(Observed(job, controls, {}), [(rendering, made.spent_s)])
    return result.outputs[0]


def changed(old: Score, new: Score) -> list[str]:
    """Names of the members that differ in what is heard."""
    return [one.name for one in dataclasses.fields(Score) if _heard(old, one.name) != _heard(new, one.name)]


def reused_parts(before: Before, score: Score) -> list[str]:
    """Names of the parts of a score that are those of the take before, but for how they are mixed."""
    return [stem.name for stem in score.stems if is_unchanged(before.score, score, stem.name)]


def is_unchanged(old: Score, new: Score, name: str) -> bool:
    """Whether a part is the same in two scores, but for how it is mixed."""
    if name == HITS_STEM:
        return _heard(new, "hits") == _heard(old, "hits")
    keys = {LAYER_STEM + one.id: _layer_key(one) for one in new.layers}
    return name not in keys or keys[name] in map(_layer_key, old.layers)


def layer_number(id_: str) -> int:
    """From what a layer's random numbers come: of those that the picture asked for their place, else a name's own."""
    own = _OWN_NUMBERS.fullmatch(id_)
    return int(own.group(1)) - 1 if own else _FIRST_OTHER + zlib.crc32(id_.encode())


def _heard(score: Score, name: str) -> object:
    if name == "hits":
        return tuple(replace(hit, nearest=(), id="") for hit in score.hits)
    if name == "words":
        return None
    if name == "stems":
        return tuple((stem.name, stem.gain_db, score.is_heard(stem.name)) for stem in score.stems)
    if name == "layers":
        return tuple(_layer_key(layer, level=True) for layer in score.layers)
    return getattr(score, name)


def _layer_key(layer: ScoreLayer, *, level: bool = False) -> tuple[object, ...]:
    """What a layer's samples depend on; its level is only mixing."""
    return (
        layer.id,
        layer.sound,
        layer.start_s,
        layer.end_s,
        layer.pan,
        tuple(sorted(layer.knobs.items())),
        layer.level_db if level else None,
    )


def _options(before: Before, score: Score) -> Options:
    existing = before.recipe.options.existing_sound
    if score.stem(ORIGINAL) in score.stems:
        if score.is_heard(ORIGINAL):
            existing = ExistingSound.MIX
        elif existing is ExistingSound.MIX:
            existing = ExistingSound.REPLACE
    return replace(
        before.options,
        takes=1,
        existing_sound=existing,
        loudness_lufs=score.loudness_lufs,
        true_peak_dbtp=score.true_peak_dbtp,
        limiter=score.limiter,
    )


def _heard_modes(recipe: Recipe, score: Score) -> tuple[Mode, ...]:
    if recipe.ranges:
        return tuple(heard_ranges.heard_modes(score, recipe.ranges))
    is_silent = recipe.mode is Mode.SPEECH and not score.is_heard(kept.only_part(recipe))
    return () if is_silent else (recipe.mode,)


class _Remaking:
    """The parts of a score, those that changed made anew."""

    def __init__(self, before: Before, score: Score, cancelled: CancelPoll, progress: Progress) -> None:
        self._before, self._score = before, score
        self._cancelled, self._progress = cancelled, progress
        self._uniforms: Uniforms = functools.partial(uniforms, before.options.seed)
        self._rate_hz = before.recipe.rate_hz
        self._hits: tuple[Hit, ...] = ()
        self._made: dict[str, tuple[NDArray[np.float32], int]] = {}
        self.spent_s = 0.0

    def rendering(self) -> tuple[Rendering, int]:
        """The sum of the parts, and its rate in Hz."""
        score, levels = self._score, kept.levels(self._score)
        names = [stem.name for stem in score.stems if stem.name != ORIGINAL]
        parts = []
        for number, name in enumerate(names):
            self._progress("render", number / len(names))
            # What is not heard is not made; as soon as somebody wants to hear it, it is.
            if score.is_heard(name):
                sound, rate_hz = self._part(name)
                parts.append((Part(name, sound, levels[name]), rate_hz))
        rate_hz = max([self._rate_hz, *(rate for _, rate in parts)])
        moved = tuple(
            part if own == rate_hz else replace(part, sound=audio.resample(part.sound, own, rate_hz))
            for part, own in parts
        )
        layers = tuple(self._told(layer) for layer in score.layers if score.is_heard(LAYER_STEM + layer.id))
        hits = self._hits or tuple(hit.as_hit() for hit in score.hits)
        ranged = heard_ranges.told(self._before.in_ranges, score, self._before.recipe.ranges)
        both = sorted([*hits, *ranged.hits], key=lambda hit: hit.time_s)
        sound = summed(moved, round(self._before.recipe.info.duration_s * rate_hz))
        return Rendering(sound, tuple(both), layers=(*layers, *ranged.layers), parts=moved), rate_hz

    def keep(self, folder: Path, made: kept.Sounded, recipe: Recipe) -> Kept:
        """Keep the new parts of the take, and drawings of all."""
        stem, short = f"take{made.take}", recipe.info.duration_s <= kept.PARTS_S
        file = folder / f"{stem}{drawings.SUFFIX}"
        files = []
        with drawings.writing(file) as drawn:
            wav, flac = kept.deliver(folder, stem, made, recipe, drawn)
            for stem_ in self._score.stems:
                if stem_.name in self._made and short:
                    sound, own_hz = self._made[stem_.name]
                    files.append(kept.save_part(folder, stem, Part(stem_.name, sound), own_hz))
                    drawn.add(stem_.name, sound, own_hz)
                elif self._before.drawings is not None and is_unchanged(self._before.score, self._score, stem_.name):
                    drawn.copy(stem_.name, self._before.drawings)
        return Kept(self._with_exemplars(), tuple(files), file, None, wav, flac, None, gain_db=made.gain_db)

    def _with_exemplars(self) -> Score:
        """The score, with the exemplars that were chosen where it left that open."""
        if not self._hits:
            return self._score
        hits = zip(self._score.hits, self._hits, strict=True)
        return replace(self._score, hits=tuple(replace(one, exemplar=hit.exemplar) for one, hit in hits))

    def _part(self, name: str) -> tuple[NDArray[np.float32], int]:
        if is_unchanged(self._before.score, self._score, name) and (path := self._before.parts.get(name)) is not None:
            return lossless.audio_of(path)
        if name == HITS_STEM:
            made = self._struck()
        elif name.startswith(LAYER_STEM):
            layer = next(one for one in self._score.layers if LAYER_STEM + one.id == name)
            made = self._layer(layer), LAYER_RATE_HZ
        else:
            made = self._again(name)
        self._made[name] = made
        return made

    def _layer(self, layer: ScoreLayer) -> NDArray[np.float32]:
        controls = self._before.recipe.controls
        return render_layer(layer.as_layer(), layer_number(layer.id), controls, self._uniforms, self._cancelled)

    def _struck(self) -> tuple[NDArray[np.float32], int]:
        """All hits: those that did not move come out as before, but for how they give way to their neighbours."""
        recipe, options = self._before.recipe, self._before.options
        hits = self._exact_hits()
        plain = recipe.mode is not Mode.HITS or bool(recipe.ranges)
        own = {} if plain else {"synthesis": options.synthesis, "library": options.library}
        options = Options.parse({"mode": "hits", "seed": options.seed, "bank": options.bank, **own})
        controls = replace(recipe.controls, hits=hits, silence=None)
        if plain:  # what another voice saw says nothing of hits
            controls = Controls(recipe.info.duration_s, hits)
        voice = voice_of(Mode.HITS, options)
        rendering = voice.render(controls, options, self._uniforms, self._cancelled)
        self._hits = rendering.hits
        return rendering.sound, voice.sample_rate_hz if plain else recipe.rate_hz

    def _exact_hits(self) -> tuple[Hit, ...]:
        """The hits of the score, with what the picture said of those that it found."""
        seen = {(round(hit.time_s, 6), hit.material): hit for hit in self._before.recipe.controls.hits}
        hits = []
        for one in self._score.hits:
            hit = one.as_hit()
            if (found := seen.get((one.time_s, one.material))) is not None:
                hit = replace(hit, confidence=found.confidence, probabilities=found.probabilities)
            hits.append(hit)
        return tuple(hits)

    def _again(self, name: str) -> tuple[NDArray[np.float32], int]:
        """A part that is the whole sound of its voice, made once more."""
        recipe = self._before.recipe
        if recipe.ranges or name != kept.only_part(recipe):
            raise MediaError(f"the part {name!r} of this take is not kept, and cannot be made again by itself")
        if recipe.controls.silence is not None:
            return np.zeros(round(recipe.info.duration_s * recipe.rate_hz), np.float32), recipe.rate_hz
        voice = voice_of(recipe.mode, recipe.options)
        rendering = voice.render(recipe.controls, self._before.options, self._uniforms, self._cancelled)
        return rendering.sound, recipe.rate_hz

    def _told(self, layer: ScoreLayer) -> Layer:
        """The layer as it is heard: with all its knobs, and its mean place where that is known."""
        before = self._before.layers.get(layer.id)
        pan = layer.pan if layer.pan is not None or before is None else before.pan
        return replace(layer.as_layer(), knobs=sound_class(layer.sound).settings(layer.knobs), pan=pan)


def summed(parts: Sequence[Part], count: int) -> NDArray[np.float32]:
    """Parts at their levels, [count] where all have one channel, else [count, 2]; silence where there is none."""
    channels = max((part.sound.ndim for part in parts), default=1)
    out = np.zeros((count, 2) if channels == 2 else count, np.float32)
    for part in parts:
        sound = to_channels(part.sound, channels)[:count]
        out[: len(sound)] += sound * part.gain
    return out
