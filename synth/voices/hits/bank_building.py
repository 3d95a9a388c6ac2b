"""Sound banks made: computed ones, and ones cut from recordings with known or detected hits.

Recordings may be the Greatest Hits data set (a label file gives times, materials and actions) or any folder with one
sub-folder a material. A material is never guessed: where nobody named it the maker asks by a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.cochleagram import cochleagram
from synth.dsp.onsets import onsets
from synth.dsp.resampling import resample
from synth.errors import MediaError, OptionError
from synth.materials import MATERIALS
from synth.media import audio
from synth.media.sound.recordings import find_recordings
from synth.randomness import uniforms
from synth.voices.hits import impact_synthesis, modal_synthesis
from synth.voices.hits.sound_bank import BANK_RATE_HZ, Bank, Exemplar, window

Floats = NDArray[np.float32]

LEAD_S: Final = 0.01  # kept before a contact in a recording: the attack must not be cut
LONGEST_S: Final = 1.0  # of an exemplar; what rings longer is faded
SNAP_S: Final = 0.1  # label files are exact to a video frame; the sound tells the contact better
_SILENT_DB: Final = -50.0  # of its peak: a tail below is cut
_FADE_S: Final = 0.03
_COMPUTED_LONGEST_S: Final = 0.6  # what ships is kept small; hits are seldom further apart
_COMPUTED_SILENT_DB: Final = -40.0
_SCRATCH_S: Final = 0.3
_SCRATCH_EVERY: Final = 4
STEPS_PER_FLOOR: Final = 3
VIDEO_SUFFIXES: Final = (".mkv", ".mov", ".mp4", ".webm")
"""Of clips whose sound is taken, beside :data:`synth.media.sound.recordings.SUFFIXES`."""


# --- computed -----------------------------------------------------------------------------------------------------


def build_computed(seed: int, per_material: int, *, rate_hz: int = BANK_RATE_HZ) -> Bank:
    """A computed bank: ``per_material`` sounds of each material, a quarter scratches, and three steps on each floor.

    Hits and steps are made by :mod:`synth.voices.hits.impact_synthesis`, scratches by
    :mod:`synth.voices.hits.modal_synthesis`. Equal arguments give equal banks. Sizes and strengths are spread evenly,
    in shuffled pairs.

    Raises:
        OptionError: ``per_material`` is below 1.
    """
    if per_material < 1:
        raise OptionError(f"per_material is {per_material}; it must be at least 1")
    exemplars = []
    for material in MATERIALS:
        for number, (size, strength) in enumerate(_spread(seed, material, per_material)):
            name = f"{material}-{number:02d}"
            action = "scratch" if number % _SCRATCH_EVERY == _SCRATCH_EVERY - 1 else "hit"
            exemplars.append(_computed(name, material, action, strength, size, rate_hz, seed))
    for material in impact_synthesis.STEP_FLOORS:
        for number, (size, strength) in enumerate(_spread(seed, f"{material}-step", STEPS_PER_FLOOR)):
            exemplars.append(
                _computed(f"{material}-step-{number:02d}", material, "step", strength, size, rate_hz, seed)
            )
    return Bank(
        exemplars=tuple(exemplars),
        licence="MIT",
        source="computed from figures: levels, decays and modes measured in recordings of the OpenClonk sounds "
        "(CC0 and CC BY 3.0), and physical figures; no recording is in it",
        how=f"synth.voices.hits.bank_building.build_computed(seed={seed}, per_material={per_material}, "
        f"rate_hz={rate_hz})",
        rate_hz=rate_hz,
    )


def _spread(seed: int, name: str, count: int) -> list[tuple[float, float]]:
    """Sizes in (0, 1) and strengths in (0.35, 1), [count] each, spread evenly and paired at random."""
    draws = uniforms(seed, f"bank/{name}", 0, 2 * count).astype(float)
    sizes = (np.argsort(draws[:count]) + 0.5) / count
    strengths = 0.35 + 0.65 * (np.argsort(draws[count:]) + 0.5) / count
    return list(zip(sizes.tolist(), strengths.tolist(), strict=True))


def _computed(name: str, material: str, action: str, strength: float, size: float, rate_hz: int, seed: int) -> Exemplar:
    numbers = uniforms(seed, f"bank/{name}", 0, 16)
    if action == "scratch":
        sound = modal_synthesis.scratch(
            material, duration_s=_SCRATCH_S, strength=strength, size=size, rate_hz=rate_hz, uniforms=numbers
        )
    else:
        make = impact_synthesis.step if action == "step" else impact_synthesis.strike
        whole = make(material, strength=strength, size=size, rate_hz=rate_hz, uniforms=numbers)
        sound = _tail_cut(whole[: round(_COMPUTED_LONGEST_S * rate_hz)], rate_hz, silent_db=_COMPUTED_SILENT_DB)
    # Half a second of silence around: its window is then like that of a hit in a silent room.
    envelopes = cochleagram(np.pad(sound, rate_hz // 2), rate_hz)
    return _exemplar(name, material, action, sound, 0, envelopes, 0.5)


# --- from recordings ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecordedHit:
    """One contact in a recording: when, on what, and ``"hit"`` or ``"scratch"``."""

    time_s: float
    material: str
    action: str = "hit"


@dataclass(frozen=True)
class Recording:
    """A sound [N] in which hits are known; ``name`` must be unique, names of exemplars begin with it."""

    name: str
    sound: Floats
    rate_hz: int
    hits: Sequence[RecordedHit]


def build_from_recordings(
    recordings: Iterable[Recording], *, licence: str, source: str, rate_hz: int = BANK_RATE_HZ
) -> Bank:
    """A bank with one exemplar a hit: from 10 ms before the contact to the next contact, at most 1 s.

    A time is moved to the detected onset nearest to it, within 0.1 s. Hits that are silent or lie outside their
    recording are left out. The level of the recordings is kept: it tells strong hits from weak ones.

    Raises:
        OptionError: no hit is left, or a material or an action is unknown.
    """
    exemplars = [one for recording in recordings for one in _cut(recording, rate_hz)]
    if not exemplars:
        raise OptionError("the recordings hold no hit that can be heard; a sound bank needs at least one")
    return Bank(
        exemplars=tuple(exemplars),
        licence=licence,
        source=source,
        how=f"{len(exemplars)} hits cut from recordings by synth.voices.hits.bank_building, version 1",
        rate_hz=rate_hz,
    )


def _cut(recording: Recording, rate_hz: int) -> list[Exemplar]:
    """The exemplars of one recording, in the order of its hits' times."""
    sound = resample(recording.sound, recording.rate_hz, rate_hz)
    duration_s = sound.size / rate_hz
    envelopes = cochleagram(sound, rate_hz)
    heard_s = onsets(sound, rate_hz)
    hits = sorted(recording.hits, key=lambda hit: hit.time_s)
    times = [_snapped(hit.time_s, heard_s) for hit in hits]
    exemplars = []
    for number, (hit, time_s) in enumerate(zip(hits, times, strict=True)):
        if not 0 <= time_s < duration_s:
            continue
        later = [other for other in (*times, *heard_s) if other > time_s + SNAP_S]
        stop_s = min(min(later, default=math.inf) - LEAD_S, time_s + LONGEST_S, duration_s)
        start = max(0, round((time_s - LEAD_S) * rate_hz))
        contact = round(time_s * rate_hz) - start
        piece = _tail_cut(sound[start : round(stop_s * rate_hz)], rate_hz, keep=contact + 1)
        if contact < piece.size and piece.any():
            name = f"{recording.name}-{number:03d}"
            exemplars.append(_exemplar(name, hit.material, hit.action, piece, contact, envelopes, time_s))
    return exemplars


def _snapped(time_s: float, heard_s: NDArray[np.float64]) -> float:
    if heard_s.size == 0:
        return time_s
    nearest = float(heard_s[np.argmin(np.abs(heard_s - time_s))])
    return nearest if abs(nearest - time_s) <= SNAP_S else time_s


def _exemplar(
    name: str, material: str, action: str, sound: Floats, contact: int, envelopes: NDArray[Any], time_s: float
) -> Exemplar:
    around = window(envelopes, time_s)
    return Exemplar(
        name=name,
        material=material,
        action=action,
        waveform=sound.astype(np.float16),
        contact=contact,
        features=around.features.astype(np.float16),
        loudness=around.loudness,
    )


def _tail_cut(sound: Floats, rate_hz: int, keep: int = 1, silent_db: float = _SILENT_DB) -> Floats:
    """``sound`` without a tail that nobody hears, its end faded over 30 ms, at least ``keep`` samples of it."""
    audible = np.flatnonzero(np.abs(sound) > np.abs(sound).max(initial=0) * 10 ** (silent_db / 20))
    stop = min(sound.size, max(keep, int(audible[-1]) + 1 if audible.size else 0))
    cut = sound[:stop].copy()
    fade = min(round(_FADE_S * rate_hz), stop - keep + 1) if stop else 0
    if fade > 1:
        cut[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut


# --- from a folder ------------------------------------------------------------------------------------------------


def recordings_in(
    folder: Path, material: str | None = None, *, skipped: dict[str, str] | None = None
) -> Iterable[Recording]:
    """Recordings under ``folder``, one at a time in the order of their paths; hits are where onsets are detected.

    The material is ``material`` if given, else the name of the nearest enclosing folder (``folder`` itself included)
    that is one of :data:`synth.materials.MATERIALS`. A file whose name contains ``scratch`` holds scratches. A file
    without any detected onset counts as one hit at its loudest moment, unless it is silent.

    Args:
        skipped: where given, takes path -> reason of what is not read, complete when all recordings were taken.

    Raises:
        OptionError: the folder holds no sound file, or a file's material is not to be known.
        MediaError: a file cannot be read, and ``skipped`` is not given.
    """
    if material is not None and material not in MATERIALS:
        raise OptionError(f"material is {material!r}; allowed are {', '.join(MATERIALS)}")
    root = folder.resolve()
    if not root.is_dir():
        raise MediaError(f"{folder} is not a folder")
    found = find_recordings(root, also=VIDEO_SUFFIXES)
    if not found.files:
        raise OptionError(f"{folder} holds no sound file such as wav, flac, ogg, mp3 or mp4")
    # All materials are settled before the first file is decoded: a question should come at once.
    named = {name: material or _material_of(path, root) for name, path in found.files.items()}
    if skipped is not None:
        skipped.update(found.passed_over)
    return _each(found.files, root, named, skipped)


def _each(
    files: Mapping[str, Path], root: Path, materials: Mapping[str, str], skipped: dict[str, str] | None
) -> Iterator[Recording]:
    for name, path in files.items():
        try:
            yield _recording(path, root, materials[name])
        except MediaError as error:
            if skipped is None:
                raise
            skipped[name] = str(error)


def _material_of(path: Path, root: Path) -> str:
    inside = path.relative_to(root).parts[:-1]
    for name in (*reversed(inside), root.name):
        if name.lower() in MATERIALS:
            return name.lower()
    raise OptionError(
        f"which material is {'/'.join((*inside, path.name))}? Put it into a folder named after its material "
        f"({', '.join(MATERIALS)}) or state one material for all"
    )


def _recording(path: Path, root: Path, material: str) -> Recording:
    sound, rate_hz = audio.read(path)
    action = "scratch" if "scratch" in path.stem.lower() else "hit"
    times = onsets(sound, rate_hz).tolist()
    if not times and sound.any():
        times = [int(np.argmax(np.abs(sound))) / rate_hz]
    hits = tuple(RecordedHit(time_s, material, action) for time_s in times)
    name = path.relative_to(root).with_suffix("").as_posix()
    return Recording(name, sound, rate_hz, hits)
