"""Retrieval by likelihood: which sound of a bank does a decoder find likeliest, told what a picture shows?

Zhou et al., "Visual to Sound" (CVPR 2018, arXiv 1712.01393), section 5: the share of pictures for which the likeliest
sound is of the right class (chance: one in the number of classes), or the picture's own (chance: one in the bank).

Raw likelihood prefers quiet and simple sounds whatever is shown, so the *gain* is reported beside it: how many bits a
sample fewer a sound costs with this picture than on average over all pictures, which is pointwise mutual information
with the geometric mean of the conditional likelihoods in place of the unconditional one; and the same in units of how
much each sound's bits vary over pictures. The other way round, *told* is the share of sounds whose own class, of all
classes, makes them likeliest.

Our recordings have no pictures. What stands in for one is the class (as its code, and as a selector's answer), and for
the variant ``flow`` how the sound's loudness moves. A ``guided`` decoder's band levels would come from the sound itself
and give it away; it is told those of training recordings of the class instead, drawn blindly, and a sound's likelihood
is the mean over the draws. So only ``flow`` can tell sounds of one class apart: the others find a picture's own sound
as often as chance does within its class.

Shapes: U pictures that differ, Q pictures, B sounds of the bank.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from synth import randomness
from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import WeightsError
from synth.metrics.hits import wilson_interval
from synth.models.visual_to_sound import VisualToSound, VisualToSoundConfig
from synth.training.ambient.data import Recording
from synth.training.ambient.stretches import STRETCH, stretch_bits
from synth.voices.ambient import band_envelopes
from synth.voices.ambient.envelope_bank import EnvelopeBank, Guide

PER_CLASS: Final = 3
STRETCHES: Final = 16  # of a sound in the bank: about a second
DRAWS: Final = 2
_PART: Final = "model.network."

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """What stands in for a picture; a :class:`synth.training.ambient.data.Example` whose sound nobody looks at.

    Attributes:
        activity: float32 [T].
        levels: [S, K], what a guided decoder is told.
    """

    name: str
    label: str
    activity: NDArray[np.float32]
    levels: band_envelopes.Levels
    untold: float = 0.0

    @property
    def sound(self) -> NDArray[np.float32]:
        """None."""
        return np.zeros(0, np.float32)

    @property
    def motion(self) -> NDArray[np.float32]:
        """The activity, [T, 1]."""
        return self.activity[:, None]

    def appearance(self, size: int, share: float) -> NDArray[np.float32]:
        """A selector's answer, as :meth:`synth.training.ambient.data.Recording.appearance`."""
        answer = np.full(size, (1 - share) / max(1, size - 1), np.float32)
        if self.label in AMBIENT_CLASSES[:size]:
            answer[AMBIENT_CLASSES.index(self.label)] = share
        return np.repeat(answer[None], len(self.activity), 0)


def bank_of(
    recordings: Sequence[Recording], labels: Sequence[str], per_class: int = PER_CLASS, stretches: int = STRETCHES
) -> list[Recording]:
    """The loudest second of the first recordings of each class, at most one of each source where names tell it."""
    bank = []
    for label in labels:
        sources: dict[str, Recording] = {}
        for recording in recordings:
            if recording.label == label:
                sources.setdefault(recording.name.rsplit("-", 1)[0], recording)
        spare = [r for r in recordings if r.label == label and r not in sources.values()]
        for recording in [*sources.values(), *spare][:per_class]:
            length = min(stretches * STRETCH, len(recording.sound))
            energy = np.concatenate(([0.0], np.cumsum(recording.sound.astype(np.float64) ** 2)))
            starts = np.arange(0, len(recording.sound) - length + 1, STRETCH)
            first = int(starts[np.argmax(energy[starts + length] - energy[starts])])
            bank.append(Recording(recording.name, label, recording.fold, recording.sound[first : first + length]))
    return bank


def pictures(
    variant: str, bank: Sequence[Recording], levels: EnvelopeBank | None, draws: int = DRAWS
) -> list[list[Shown]]:
    """What each bank sound's picture shows, a list of draws each; pictures that do not differ have one name."""
    steps = max(len(recording.sound) for recording in bank) // band_envelopes.HOP + 1
    shown = []
    for recording in bank:
        own = variant == "flow"
        activity = recording.activity if own else np.full(len(recording.activity), 0.5, np.float32)
        name = recording.name if own else recording.label
        tracks = [np.zeros((steps, 1), np.float32)]
        if variant == "guided":
            assert levels is not None
            tracks = [blind_guide(levels, recording.label, steps, draw).levels for draw in range(draws)]
        shown.append([Shown(f"{name} {index}", recording.label, activity, t) for index, t in enumerate(tracks)])
    return shown


def blind_guide(bank: EnvelopeBank, label: str, steps: int, seed: int) -> Guide:
    """What a class is told in ``steps`` steps for a picture that is still."""
    return bank.choose(label, np.full(steps, 0.5, np.float32), steps, functools.partial(randomness.uniforms, seed))


def conditional_bits(network: VisualToSound, bank: Sequence[Recording], shown: Sequence[Sequence[Shown]]) -> Doubles:
    """Bits a sample of each bank sound under each picture, [Q, B]; a picture that comes again is computed once."""
    samples = np.array([len(recording.sound) for recording in bank])
    known: dict[str, Doubles] = {}
    rows = []
    for draws in shown:
        for one in draws:
            if one.name not in known:
                bits = stretch_bits(network, bank, [one] * len(bank))
                known[one.name] = np.array([row.mean() for row in bits], np.float64)
        rows.append(mean_likelihood(np.array([known[one.name] for one in draws]), samples))
    return np.array(rows)


def mean_likelihood(bits: Doubles, samples: NDArray[np.int64]) -> Doubles:
    """Bits a sample [B] of the mean likelihood of draws [draws, B], for sounds of so many samples [B]."""
    least = bits.min(0)
    surplus = np.exp2(-np.minimum((bits - least) * samples, 1000.0)).mean(0)
    return np.asarray(least - np.log2(surplus) / samples)


def gains(bits: Doubles) -> Doubles:
    """How many bits a sample fewer each sound costs under a picture than on average over all of them, [Q, B]."""
    return np.asarray(bits.mean(0) - bits)


def standard_gains(bits: Doubles) -> Doubles:
    """:func:`gains` in units of how much a sound's bits vary over the pictures, [Q, B].

    A sound that most pictures make very unlikely gains most from any other one; this takes that out.
    """
    return np.asarray(gains(bits) / (bits.std(0) + 1e-9))


def hit_rates(scores: Doubles, labels: Sequence[str]) -> dict[str, Any]:
    """How often the best-scored sound of a row of ``scores`` [B, B] is of the row's class, or is the row's own."""
    best = scores.argmax(1)
    of_class = sum(labels[found] == labels[row] for row, found in enumerate(best))
    own = sum(int(found) == row for row, found in enumerate(best))
    return {"class": _share(of_class, len(best)), "instance": _share(own, len(best))}


def _share(hits: int, trials: int) -> dict[str, Any]:
    interval = wilson_interval(hits, trials)
    assert interval is not None
    return {"rate": hits / trials, "n": trials, "interval_95": [interval.low, interval.high]}


def told(bits: Doubles, labels: Sequence[str]) -> dict[str, Any]:
    """How often a sound is likeliest under a picture of its own class, of all pictures: ``bits`` is [Q = B, B]."""
    right = sum(labels[int(row)] == labels[column] for column, row in enumerate(bits.argmin(0)))
    return _share(right, len(labels))


def retrieve(network: VisualToSound, bank: Sequence[Recording], levels: EnvelopeBank | None = None) -> dict[str, Any]:
    """All figures of one network on a bank, with what chance gives.

    Args:
        levels: of training recordings; needed for the guided variant.
    """
    shown = pictures(network.config.variant, bank, levels)
    bits = conditional_bits(network, bank, shown)
    labels = [recording.label for recording in bank]
    same = float(np.mean([labels.count(label) / len(labels) for label in labels]))
    return {
        "variant": network.config.variant,
        "sounds": len(bank),
        "pictures_that_differ": len({tuple(one.name for one in draws) for draws in shown}),
        "by likelihood": hit_rates(-bits, labels),
        "by gain": hit_rates(gains(bits), labels),
        "by standardised gain": hit_rates(standard_gains(bits), labels),
        "told": told(bits, labels),
        "chance": {"class": same, "instance": 1 / len(bank), "instance_within_class": 1 / (same * len(bank))},
        "bits_with_the_right_class": float(np.diag(bits).mean()),
        "bits_mean_over_pictures": float(bits.mean()),
    }


def networks_of(run: Path) -> dict[str, VisualToSound]:
    """The networks that ``sonorize train ambient-variants`` left in its folder, by name: those that know classes.

    Raises:
        WeightsError: a checkpoint there is damaged.
    """
    found = {path.parent.name: _restored(path) for path in sorted(run.glob("*/checkpoint.safetensors"))}
    return {name: network for name, network in found.items() if network.config.classes}


def _restored(checkpoint: Path) -> VisualToSound:
    try:
        with safe_open(checkpoint, "pt") as file:
            config = VisualToSoundConfig.from_dict(json.loads(file.metadata()["settings"])["config"])
            names = [name for name in file.keys() if name.startswith(_PART)]  # noqa: SIM118 - not a mapping
            tensors = {name.removeprefix(_PART): file.get_tensor(name) for name in names}
        network = VisualToSound(config)
        network.load_state_dict(tensors)
    except Exception as error:
        raise WeightsError(f"the checkpoint {checkpoint} is damaged or not one of an ambient decoder") from error
    return network.eval()
