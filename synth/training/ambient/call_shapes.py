"""The recipe of the measured calls: band levels, pitch and voicing of calls in ESC-10, kept as a bank.

One call a recording is measured, the longest that stands clear of the background, in folds 1 to 3; the fourth is left
to the judges. Which recordings are kept was chosen by whether their resynthesis, at its own pitch and length, is heard
by YAMNet as what it is; the second judge of the catalogue had no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora import class_sounds
from synth.errors import OptionError
from synth.media import audio
from synth.voices.ambient.catalogue.call_shapes import NAME
from synth.voices.ambient.catalogue.parts.voice.call_shape import CallShape, measured, packed
from synth.weights import DataSource, Entry

RATE_HZ: Final = 48_000
_STEP_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Species:
    """Which calls are measured.

    Attributes:
        label: class of ESC-10.
        lowest_hz, highest_hz: where the pitch is looked for.
        shortest_s, longest_s: how long a call may be.
        range_db: how far under the loudest moment a call still sounds, where the background is lower.
        pause_s: a silence shorter than this belongs to the call.
        kept: recordings, by name.
    """

    label: str
    lowest_hz: float
    highest_hz: float
    shortest_s: float
    longest_s: float
    range_db: float
    pause_s: float
    kept: tuple[str, ...]


SPECIES: Final[dict[str, Species]] = {
    "dog": Species(
        "dog", 150, 1500, 0.05, 0.45, 20, 0.05,
        ("1-100032-A", "1-110389-A", "1-30226-A", "1-30344-A", "1-32318-A", "1-59513-A", "1-85362-A", "1-97392-A",
         "2-114280-A", "2-114587-A", "2-116400-A", "2-118072-A", "2-122104-A", "2-122104-B", "3-155312-A",
         "3-157695-A", "3-163459-A", "3-170015-A", "3-180977-A"),
    ),
    "rooster": Species(
        "rooster", 250, 1800, 0.6, 4.0, 26, 0.2,
        ("1-39923-A", "1-43382-A", "2-71162-A", "2-95035-A", "3-116135-A", "3-145382-A", "3-149189-A", "3-154957-A",
         "3-163288-A"),
    ),
    "baby": Species(
        "crying_baby", 200, 900, 0.25, 2.5, 22, 0.05,
        ("1-187207-A", "1-22694-A", "1-22694-B", "1-60997-A", "1-60997-B", "2-107351-B", "2-151079-A", "2-50666-A",
         "2-66637-A", "2-80482-A", "3-152007-D"),
    ),
    "sneeze": Species(
        "sneezing", 120, 700, 0.2, 2.2, 26, 0.25,
        ("1-26143-A", "1-29680-A", "1-31748-A", "1-47273-A", "1-47274-A", "1-54505-A", "1-59324-A", "1-81883-A",
         "2-109505-A", "2-118104-A", "2-119102-A", "2-128631-A", "2-130978-A", "2-130979-A", "2-82538-A", "2-93030-A",
         "3-141684-A", "3-142601-A", "3-142605-A", "3-143119-A", "3-144692-A", "3-148330-A", "3-150231-A",
         "3-156558-A"),
    ),
}  # fmt: skip
"""By the name of the tensor."""


def calls(sound: NDArray[np.float64], species: Species) -> list[tuple[int, int]]:
    """Start and end, in samples, of the stretches of ``sound`` [N] at 48 kHz that are louder than its background.

    Louder is 8 dB over the level that a fifth of the recording stays under, or ``range_db`` under the loudest moment.
    """
    hop = int(_STEP_S * RATE_HZ)
    steps = len(sound) // hop
    level = np.sqrt(np.mean(sound[: steps * hop].reshape(steps, hop) ** 2, axis=1))
    level_db = 20 * np.log10(level / max(level.max(), 1e-9) + 1e-9)
    heard = level_db[level_db > -150]
    floor_db = float(np.percentile(heard, 20)) if len(heard) else -150.0
    loud = level_db > max(-species.range_db, min(-8.0, floor_db + 8))
    pause = round(species.pause_s / _STEP_S)
    found = []
    at = 0
    while at < steps:
        if not loud[at]:
            at += 1
            continue
        end = at
        while end < steps and loud[end : end + pause].any():
            end += 1
        if species.shortest_s <= (end - at) * _STEP_S <= species.longest_s:
            found.append((max(0, at - 1) * hop, min(steps, end + 1) * hop))
        at = end
    return found


def shape_of(sound: NDArray[np.float64], species: Species) -> CallShape:
    """The shape of the longest call in ``sound`` [N] at 48 kHz.

    Raises:
        OptionError: no call in it is long and loud enough.
    """
    found = calls(sound, species)
    if not found:
        raise OptionError(f"no call of {species.shortest_s} to {species.longest_s} s was found in a recording")
    start, end = max(found, key=lambda one: one[1] - one[0])
    return measured(sound[start:end], RATE_HZ, species.lowest_hz, species.highest_hz)


def measure_call_shapes(
    *, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool
) -> dict[str, Any]:
    """Measure all species and register the bank in the manifest of the run; nothing is drawn, nothing is resumed."""
    from safetensors.numpy import save

    if data is None:
        raise OptionError("--data is missing: the folder of ESC-10, with one folder of sounds a class")
    recordings = {one.name: one for one in class_sounds.load(data, [one.label for one in SPECIES.values()])}
    tensors, counts = {}, {}
    for name, species in SPECIES.items():
        missing = [clip for clip in species.kept if clip not in recordings]
        if missing:
            raise OptionError(f"{data} lacks the recordings {', '.join(missing[:3])} of {species.label}")
        sounds = (audio.read(recordings[clip].path, RATE_HZ)[0] for clip in species.kept)
        shapes = [shape_of(np.asarray(sound, np.float64), species) for sound in sounds]
        tensors[name], counts[name] = packed(shapes), len(shapes)
    folder.mkdir(parents=True, exist_ok=True)
    new = Entry(
        name=NAME,
        file=f"{NAME}.safetensors",
        sha256="",
        bytes_=0,
        licence="MIT for the numbers; measured on CC BY 3.0 recordings, credited in ESC-10-CREDITS.txt",
        summary="Band levels, pitch and voicing along calls of dogs, roosters, babies and sneezing people.",
        kind="bank",
        recipe="call-shapes",
        data=(
            DataSource(
                "ESC-10, folds 1 to 3 (Piczak 2015; every recording's author in ESC-10-CREDITS.txt)",
                "CC BY 3.0",
                "measured: levels, pitch and voicing of one call a recording",
            ),
        ),
    )
    weights.register_file(new, save(tensors), folder)
    return {"calls": counts}
