"""What is kept of a take so that it can be corrected: its score, its parts, its recipe, and drawings of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from synth.dsp.stereo import to_channels
from synth.errors import MediaError
from synth.media import audio
from synth.media.looking import look
from synth.media.sound import lossless, original
from synth.options import ExistingSound, Mode, Options, Synthesis
from synth.score import drawings
from synth.score.kept_files import Kept, KeptPart
from synth.score.recipe import Recipe
from synth.score.score import (
    HITS_STEM,
    MAX_TEXT,
    ORIGINAL,
    RANGES_STEM,
    Score,
    ScoreHit,
    ScoreLayer,
    ScoreStem,
    ScoreWord,
)
from synth.voices.base import Part, Rendering

PARTS_S: Final = 180.0
"""Of clips that last longer no parts are kept: they are rendered anew when they are wanted."""
RECIPE: Final = "recipe.npz"
ORIGINAL_FILE: Final = "original.flac"
NEAREST: Final = 5
_QUIET_DB, _PAUSE_S, _SHORTEST_S = -38.0, 0.25, 0.08


@dataclass(frozen=True)
class Sounded:
    """A take that is being written.

    Attributes:
        source: the clip.
        target: the result.
        take: its number.
        options: of this take.
        rendering: what the voice made.
        sound: as it goes into the result, at ``options.rate_hz``.
        gain_db: by which the rendering was raised.
    """

    source: Path
    target: Path
    take: int
    options: Options
    rendering: Rendering
    sound: NDArray[np.float32]
    gain_db: float

    @property
    def needs_target(self) -> bool:
        """Whether the sound that is delivered is known only once the result is written: the clip's own is mixed in."""
        return self.options.existing_sound is ExistingSound.MIX


Keeper = Callable[[Sounded, Recipe], Kept]
"""Keeps what is to be kept of a take while it is written, or afterwards where :attr:`Sounded.needs_target`."""


def keeper(folder: Path) -> Keeper:
    """Keeps everything of new takes, as files in a folder."""
    return functools.partial(_keep, folder)


def _keep(folder: Path, made: Sounded, recipe: Recipe) -> Kept:
    stem = f"take{made.take}"
    if not (folder / RECIPE).exists():
        recipe.save(folder / RECIPE)
    parts = made.rendering.parts or (Part(only_part(recipe), made.rendering.sound),)
    own = _original(folder, made.source, recipe)
    kept: list[KeptPart] = []
    with drawings.writing(folder / f"{stem}{drawings.SUFFIX}") as drawn:
        wav, flac = deliver(folder, stem, made, recipe, drawn)
        for part in parts if recipe.info.duration_s <= PARTS_S else ():
            kept.append(save_part(folder, stem, part, recipe.rate_hz))
            drawn.add(part.name, part.sound, recipe.rate_hz)
        if own is not None:
            drawn.add(ORIGINAL, lossless.audio_of(own)[0], original.RATE_HZ)
    fixed = [part.name for part in parts if not _is_told(part.name)] + ([ORIGINAL] if own else [])
    score = as_made(recipe, made.rendering, made.options, fixed)
    return Kept(
        score,
        tuple(kept),
        folder / f"{stem}{drawings.SUFFIX}",
        folder / RECIPE,
        wav,
        flac,
        own,
        gain_db=made.gain_db,
    )


def deliver(folder: Path, stem: str, made: Sounded, recipe: Recipe, drawn: drawings.Drawings) -> tuple[Path, Path]:
    """The sound alone as WAV and FLAC, and its drawings. Where the clip's own is mixed in, with it."""
    sound, rate_hz = made.sound, made.options.rate_hz
    if made.needs_target and recipe.info.audio_codec is not None:
        mixed = original.of_result(made.target, recipe.info.duration_s)
        if mixed is not None:
            sound, rate_hz = audio.resample(mixed, original.RATE_HZ, rate_hz), rate_hz
    paths = folder / f"{stem}.wav", folder / f"{stem}.flac"
    audio.write(paths[0], sound, rate_hz)
    lossless.copy_samples(*paths)  # by itself it would be rounded otherwise here and there
    drawn.add(drawings.MIX, sound, rate_hz)
    return paths


def only_part(recipe: Recipe) -> str:
    """The name of the only part that a voice's sound has."""
    if recipe.ranges:
        return RANGES_STEM
    if recipe.mode is Mode.HITS:
        return HITS_STEM
    if recipe.mode is Mode.SPEECH:
        return "speech"
    return "library" if recipe.options.synthesis is Synthesis.LIBRARY else "ambience"


def save_part(folder: Path, stem: str, part: Part, rate_hz: int) -> KeptPart:
    """Write a part as a file; 32 bit float, so that nothing of it is lost.

    Raises:
        MediaError: the disk refuses.
    """
    path = folder / f"{stem}.{part.name}.wav"
    try:
        soundfile.write(path, part.sound, rate_hz, format="WAV", subtype="FLOAT")
    except (soundfile.SoundFileError, OSError) as error:
        raise MediaError(f"{path.name} cannot be written: the disk is full or refuses it") from error
    peak = float(np.abs(part.sound).max(initial=0.0))
    return KeptPart(part.name, path, rate_hz, len(part.sound) / rate_hz, 20 * float(np.log10(peak)) if peak else None)


def as_made(recipe: Recipe, rendering: Rendering, options: Options, fixed: Sequence[str]) -> Score:
    """The score of a take that nobody has touched.

    Args:
        fixed: names of its parts that are neither hits nor layers.
    """
    alone = not recipe.ranges
    hits = _hits(recipe, rendering, options) if alone and recipe.mode is Mode.HITS else ()
    has_layers = alone and bool(rendering.layers)
    layers = _layers(recipe) if has_layers else ()
    mixed = options.existing_sound is ExistingSound.MIX
    names = [*([HITS_STEM] if hits else []), *(f"layer-{one.id}" for one in layers), *fixed]
    return Score(
        hits,
        layers,
        tuple(_spoken(recipe, rendering)),
        tuple(ScoreStem(name, muted=name == ORIGINAL and not mixed) for name in names),
        options.loudness_lufs,
        options.limiter,
        options.true_peak_dbtp,
    )


def _is_told(name: str) -> bool:
    return name == HITS_STEM or name.startswith("layer-")


def _hits(recipe: Recipe, rendering: Rendering, options: Options) -> tuple[ScoreHit, ...]:
    from synth.voices.hits.voice import nearest_exemplars

    library = options.synthesis is Synthesis.LIBRARY  # whose pieces are found by more than what is seen
    return tuple(
        ScoreHit(
            f"h{number}",
            round(hit.time_s, 6),
            hit.material,
            round(hit.strength, 6),
            hit.exemplar,
            () if library else nearest_exemplars(recipe.controls, hit, options.bank, NEAREST),
            round(hit.pan, 3),
            hit.gain_db,
        )
        for number, hit in enumerate(rendering.hits, start=1)
    )


def _layers(recipe: Recipe) -> tuple[ScoreLayer, ...]:
    return tuple(
        ScoreLayer(f"l{number}", layer.sound, layer.start_s, layer.end_s, layer.level_db, layer.pan, dict(layer.knobs))
        for number, layer in enumerate(recipe.controls.layers, start=1)
    )


def _spoken(recipe: Recipe, rendering: Rendering) -> Iterator[ScoreWord]:
    """What is said, where somebody typed it; else where speech is heard: the text is the reader's to write."""
    for number, word in enumerate(rendering.words, start=1):
        end_s = max(word.end_s, word.start_s + _SHORTEST_S)
        yield ScoreWord(f"w{number}", word.text[:MAX_TEXT], round(word.start_s, 3), round(end_s, 3))
    if rendering.words or recipe.mode is not Mode.SPEECH or recipe.ranges:
        return
    block = max(1, recipe.rate_hz // 50)
    mono = to_channels(rendering.sound, 1)
    power = np.square(mono[: len(mono) // block * block].reshape(-1, block)).mean(1)
    loud = power > max(float(power.max(initial=0.0)), 1e-12) * 10 ** (_QUIET_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
    runs: list[list[float]] = []
    for start, end in edges.reshape(-1, 2) * block / recipe.rate_hz:
        if runs and start - runs[-1][1] < _PAUSE_S:
            runs[-1][1] = float(end)
        else:
            runs.append([float(start), float(end)])
    said = [run for run in runs if run[1] - run[0] >= _SHORTEST_S]
    for number, (start_s, end_s) in enumerate(said, start=1):
        yield ScoreWord(f"w{number}", "", round(start_s, 3), round(min(end_s, recipe.info.duration_s), 3))


def _original(folder: Path, source: Path, recipe: Recipe) -> Path | None:
    """The clip's own sound as a file, once a job."""
    path, options = folder / ORIGINAL_FILE, recipe.options
    if recipe.info.audio_codec is None:
        return None
    if not path.exists():
        sound = original.read(source, look(source, salvage=options.salvage, recut=options.recut))
        if sound is None:
            return None
        audio.write(path, sound, original.RATE_HZ)
    return path


def levels(score: Score) -> Mapping[str, float]:
    """Part -> level in dB at which it is summed: that of its layer, and of its stem."""
    told = {f"layer-{layer.id}": layer.level_db for layer in score.layers}
    return {stem.name: told.get(stem.name, 0.0) + stem.gain_db for stem in score.stems}
