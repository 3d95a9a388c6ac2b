"""``sonorize eval hit-bank``: is the real impact nearest to a computed hit of the same material?

Nearest by aiSFX, an embedding with which no constant was searched but that of how far a body may be varied. Figures are
means over materials, so that a material with many recordings counts no more than another.

* **cross-fitted**: hits computed from the bodies of one fold of recordings, judged against the recordings of the other
  fold, both ways round. Ceiling: the recordings of the one fold themselves.
* **shipped**: the hits of the bank that ships, against all those recordings: its bodies were measured in them.
  Ceiling: each recording against all others.
* **greatest hits**: the same hits against labelled hits of Greatest Hits, none of which is in a body, everything at
  the 22.05 kHz of those clips. Ceiling: each real hit against those of other videos.

Beside each: the same figure for hits as they were before bodies were measured (modal synthesis, 22.05 kHz), and chance.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora import greatest_hits
from synth.data.corpora.impacts import FOLDS, impact_files
from synth.dsp.resampling import resample
from synth.errors import OptionError, WeightsError
from synth.evaluation.ambient.aisfx import RATE_HZ as AISFX_HZ
from synth.evaluation.ambient.aisfx import EffectsNet, installed_aisfx
from synth.materials import MATERIALS
from synth.media import audio
from synth.randomness import uniforms
from synth.voices.hits import impact_synthesis, modal_synthesis
from synth.voices.hits.bank_building import LEAD_S, RecordedHit, Recording, build_from_recordings
from synth.voices.hits.impact_body import MEASURED_RATE_HZ, ImpactBody, measure
from synth.voices.hits.sound_bank import Bank
from synth.voices.hits.voice import BANK

Floats = NDArray[np.float32]

HITS_PER_MATERIAL: Final = 6
SEED: Final = 90_001
"""Of the hits that are computed to be judged: used nowhere else."""
OLD_RATE_HZ: Final = 22_050


@dataclass(frozen=True, eq=False)
class Heard:
    """A hit as the judge hears it; it is listened to when its embedding is first asked for.

    Attributes:
        sound: float32 [N], with 10 ms before the contact.
        material: what was struck.
        group: hits of one group are not compared with each other when reality is judged.
        fold: of the recording; 0 where there are no folds.
    """

    sound: Floats
    rate_hz: int
    material: str
    judge: EffectsNet
    group: str = ""
    fold: int = 0

    @functools.cached_property
    def embedding(self) -> Floats:
        """Float32 [512]."""
        return self.judge.embed(resample(self.sound, self.rate_hz, AISFX_HZ))

    @functools.cached_property
    def narrow(self) -> Floats:
        """Float32 [512] of the hit at 22.05 kHz."""
        slow = resample(self.sound, self.rate_hz, OLD_RATE_HZ)
        return self.judge.embed(resample(slow, OLD_RATE_HZ, AISFX_HZ))


def evaluate_hit_bank(data: Path, out: Path | None) -> dict[str, Any]:
    """All figures of the bank that ships.

    Args:
        data: a folder with ``effects``, and with ``greatest_hits`` where that is to be judged against too.
        out: not used: there are no pictures.

    Raises:
        OptionError: there is no folder ``effects``.
        WeightsError: the judge or the bank is not installed.
    """
    if not (data / "effects").is_dir():
        raise OptionError(f"{data} holds no folder effects; impacts of known material are expected in it")
    judge = installed_aisfx()
    if isinstance(judge, str):
        raise WeightsError(judge)
    effects, bodies = _effects(data / "effects", judge)
    bank = _of_bank(Bank.load(weights.path(BANK)), judge)
    before = _computed(_struck_before, OLD_RATE_HZ, MATERIALS, judge)
    folds = [[one for one in effects if one.fold == fold] for fold in range(FOLDS)]
    refitted = [_refitted(table, judge) for table in bodies]
    result: dict[str, Any] = {
        "judge": "aisfx 0.1.2",
        "recordings": len(effects),
        "hits_in_bank": len(bank),
        "effects, cross-fitted": {
            "measured bodies": _both(refitted, folds),
            "before": _both([before] * FOLDS, folds),
            "floor: chance": 1 / len({one.material for one in effects}),
            "ceiling: real recordings": _both(folds, folds),
        },
        "effects, shipped": {
            "bank": _share(bank, effects),
            "before": _share(before, effects),
            "floor: chance": 1 / len({one.material for one in effects}),
            "ceiling: real recordings": _share(effects, effects, apart=True),
        },
    }
    if (data / "greatest_hits").is_dir():
        real = _greatest_hits(data / "greatest_hits", judge)
        result["greatest hits"] = {
            "real_hits": len(real),
            "bank": _share(bank, real, narrow=True),
            "before": _share(before, real, narrow=True),
            "floor: chance": 1 / len({one.material for one in real}),
            "ceiling: real hits of other videos": _share(real, real, narrow=True, apart=True),
        }
    return result


# --- what is heard ------------------------------------------------------------------------------------------------


def _effects(folder: Path, judge: EffectsNet) -> tuple[list[Heard], list[dict[str, tuple[ImpactBody, ...]]]]:
    """The recordings of impacts (steps are left out), and by fold the bodies that they give."""
    heard: list[Heard] = []
    bodies: list[dict[str, tuple[ImpactBody, ...]]] = [{} for _ in range(FOLDS)]
    for file in impact_files(folder):
        if file.kind not in MATERIALS:
            continue
        sound = file.impact(MEASURED_RATE_HZ)
        heard.append(Heard(sound, MEASURED_RATE_HZ, file.kind, judge, file.name, file.fold))
        table = bodies[file.fold]
        table[file.kind] = (*table.get(file.kind, ()), measure(sound, MEASURED_RATE_HZ))
    return heard, bodies


def _greatest_hits(folder: Path, judge: EffectsNet) -> list[Heard]:
    heard = []
    for clip in greatest_hits.load(folder):
        hits = [
            RecordedHit(hit.time_s, hit.material) for hit in clip.hits or () if hit.material and hit.action == "hit"
        ]
        if hits:
            sound, rate_hz = audio.read(clip.sound_path)
            cut = build_from_recordings(
                [Recording(clip.name, sound, rate_hz, hits)], licence="", source="", rate_hz=rate_hz
            )
            heard += [Heard(one.sound, rate_hz, one.material, judge, clip.group) for one in cut.exemplars]
    return heard


def _of_bank(bank: Bank, judge: EffectsNet) -> list[Heard]:
    return [
        Heard(_led(one.sound, bank.rate_hz), bank.rate_hz, one.material, judge)
        for one in bank.exemplars
        if one.action == "hit"
    ]


Strike = Callable[[str, float, float, NDArray[np.float32]], Floats]


def _computed(strike: Strike, rate_hz: int, materials: Iterable[str], judge: EffectsNet) -> list[Heard]:
    """Hits of each material, strengths and sizes spread evenly."""
    heard = []
    for material in materials:
        for number in range(HITS_PER_MATERIAL):
            numbers = uniforms(SEED, f"{material}-{number}", 0, 16)
            size = (number + 0.5) / HITS_PER_MATERIAL
            strength = 0.35 + 0.65 * ((3 * number) % HITS_PER_MATERIAL + 0.5) / HITS_PER_MATERIAL
            heard.append(Heard(_led(strike(material, strength, size, numbers), rate_hz), rate_hz, material, judge))
    return heard


def _struck_before(material: str, strength: float, size: float, numbers: NDArray[np.float32]) -> Floats:
    return modal_synthesis.strike(material, strength=strength, size=size, rate_hz=OLD_RATE_HZ, uniforms=numbers)


def _refitted(bodies: dict[str, tuple[ImpactBody, ...]], judge: EffectsNet) -> list[Heard]:
    def struck(material: str, strength: float, size: float, numbers: NDArray[np.float32]) -> Floats:
        return impact_synthesis.strike(
            material, strength=strength, size=size, rate_hz=MEASURED_RATE_HZ, uniforms=numbers, bodies=bodies
        )

    return _computed(struck, MEASURED_RATE_HZ, bodies, judge)


def _led(sound: Floats, rate_hz: int) -> Floats:
    """``sound`` with as much silence before its contact as a recording keeps."""
    return np.pad(sound, (round(LEAD_S * rate_hz), 0))


# --- figures ------------------------------------------------------------------------------------------------------


def _share(
    hits: Sequence[Heard], real: Sequence[Heard], *, narrow: bool = False, apart: bool = False
) -> dict[str, Any]:
    """For how many hits the nearest real one is of their material: by material, and the mean of those.

    Args:
        narrow: compare at 22.05 kHz.
        apart: leave real hits of a hit's own group out.
    """
    space = np.stack([one.narrow if narrow else one.embedding for one in real])
    present = {one.material for one in real}
    right: dict[str, list[bool]] = {}
    for one in hits:
        if one.material not in present:
            continue
        likeness = space @ (one.narrow if narrow else one.embedding)
        if apart:
            likeness[[other.group == one.group for other in real]] = -np.inf
        right.setdefault(one.material, []).append(real[int(likeness.argmax())].material == one.material)
    by_material = {name: float(np.mean(found)) for name, found in sorted(right.items())}
    return {"mean_over_materials": float(np.mean(list(by_material.values()))), "materials": by_material}


def _both(hits: Sequence[Sequence[Heard]], folds: Sequence[Sequence[Heard]]) -> dict[str, Any]:
    """:func:`_share` of what comes from each fold, judged against the other one; the mean of the two."""
    found = [_share(hits[fold], folds[1 - fold]) for fold in range(FOLDS)]
    names = sorted({name for one in found for name in one["materials"]})
    by_material = {
        name: float(np.mean([one["materials"][name] for one in found if name in one["materials"]])) for name in names
    }
    return {
        "mean_over_materials": float(np.mean([one["mean_over_materials"] for one in found])),
        "folds": [one["mean_over_materials"] for one in found],
        "materials": by_material,
    }
