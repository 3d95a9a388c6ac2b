"""``sonorize eval ambient``: whether what the ambient decoder makes is of the class that was asked for, and not a copy.

Eight sounds of five seconds of each class, judged by two pairs of ears that the decoder never met (see
:mod:`synth.evaluation.ambient.judges`), beside real recordings (ceiling), noise and shuffled classes (floors), and
noise with the very band levels that the decoder is told (a control: what is in the conditioning already).

The decoder has learnt from folds 1 to 3. A judge that is trained on **the held-out fold** knows nothing that the
decoder knows; its few clips make it the stricter one. A judge trained on **the decoder's folds** has met the same
recordings: it would also applaud a decoder that plays them back, which is what the search for copies is for. Each
stands beside the real clips that it has not met.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.stats
from tqdm import tqdm

from synth.ambient_classes import AMBIENT_CLASSES
from synth.data.corpora import class_sounds
from synth.errors import OptionError
from synth.evaluation.ambient import kept_sounds, likelihood, sound_checks, variety
from synth.evaluation.ambient.aisfx import installed_aisfx
from synth.evaluation.ambient.judged_sets import Judged, Set, Sound, Verdict
from synth.evaluation.ambient.judges import Ears, Judge, cross_validated, mapped
from synth.evaluation.ambient.neighbours import by_neighbours
from synth.evaluation.ambient.yamnet import RATE_HZ, YamNet, installed_yamnet
from synth.files import write_whole
from synth.metrics.frechet import Axes, frechet_distance
from synth.metrics.hits import class_accuracies, confusion_matrix, wilson_interval
from synth.training.ambient.data import Recording, prepare
from synth.training.ambient.recipes import HELD_OUT_FOLD, split
from synth.voices.ambient import band_envelopes, voice
from synth.voices.ambient.envelope_bank import EnvelopeBank
from synth.voices.ambient.harmonics import with_harmonics
from synth.voices.ambient.sounding import Decoder

SEEDS: Final = range(8)
DURATION_S: Final = 5.0
WANTED_SHARE: Final = 0.7
"""The aim: this share of the accuracy that real clips have."""
RUNS: Final = Path("runs")
"""Where training keeps its runs and what it decoded; used where it is there already."""
REPORT: Final = "ambient.json"
SOUNDS: Final = "sounds"


def evaluate_ambient(data: Path, out: Path | None, *, beside: Path | None = None) -> dict[str, Any]:
    """All figures of the ambient decoder that ships, on ESC-10 or a folder of sounds like it.

    Args:
        data: see :mod:`synth.data.corpora.class_sounds`; its fold 4 must be one that the decoder was not trained on.
        out: a folder for pictures, the sounds, and ``ambient.json`` with the same figures.
        beside: the ``sounds`` of another build's ``out``: a folder a class.

    Raises:
        OptionError: the folder holds no recordings of the decoder's classes, or all in one fold; or
            ``beside`` lacks a class.
        MediaError: a recording cannot be read.
        WeightsError: the decoder is missing.
    """
    decoder = voice.load()
    recordings = [recording for recording in _recordings(data) if recording.label in decoder.classes]
    if not recordings:
        raise OptionError(f"{data} holds no sound of {', '.join(decoder.classes)}")
    yamnet = installed_yamnet()
    ears = None if isinstance(yamnet, str) else yamnet
    labels = sorted({recording.label for recording in recordings})
    others = None if beside is None else kept_sounds.read(beside, labels)
    judged = judge_all(decoder, recordings, ears, seeds=SEEDS, duration_s=DURATION_S)
    if others is not None:
        judged = replace(judged, beside=Set.of(*others, ears, "another build"))
    result = report(judged)
    aisfx = installed_aisfx()
    if not isinstance(aisfx, str):
        result["nearest_by_aisfx"] = by_neighbours(judged, aisfx)
    missing = [why for why in (yamnet, aisfx) if isinstance(why, str)]
    if missing:
        result["left_out"] = "; ".join(missing)
    result["retrieval"] = retrievals(decoder, recordings)
    if out is not None:
        from synth.evaluation.ambient import pictures

        out.mkdir(parents=True, exist_ok=True)
        pictures.draw(judged, verdicts(judged), result, out)
        kept_sounds.keep(judged.generated.sounds, judged.generated.labels, out / SOUNDS)
        write_whole(out / REPORT, json.dumps(result, indent=1).encode())
    return result


def _recordings(data: Path) -> list[Recording]:
    """The recordings as the decoder's training had them: levelled, silences cut."""
    sounds = class_sounds.load(data)
    if (RUNS / "cache").is_dir():
        return prepare(sounds, RUNS / "cache")
    with tempfile.TemporaryDirectory() as folder:
        return prepare(tqdm(sounds, desc="decoding", unit="clip", disable=None), Path(folder))  # type: ignore[arg-type]


def judge_all(
    decoder: Decoder,
    recordings: Sequence[Recording],
    yamnet: YamNet | None,
    *,
    seeds: Sequence[int],
    duration_s: float,
) -> Judged:
    """Generate, and listen to everything."""
    seen, held_out = split(recordings)
    labels = sorted({recording.label for recording in recordings})
    asked = [label for label in labels for _ in seeds]
    count = round(duration_s * RATE_HZ)
    made: list[Sound] = []
    for label in tqdm(labels, desc="generating", unit="class", disable=None):
        made += voice.generate(label, duration_s, seeds, decoder=decoder)
    noises = (sound_checks.white_noise, sound_checks.pink_noise)
    noise = [noises[k % 2](count, k) for k in range(len(asked))]
    # What everyone hears has been through the decoder's 8-bit levels: their hiss must not tell real from made.
    coded = decoder.network.config.decoder
    real = [[coded.decode(coded.encode(one.sound)) for one in part] for part in (seen, held_out)]
    shaped = None
    if decoder.bank is not None:
        sounds = [_control(decoder.bank, label, count, seed) for label in labels for seed in seeds]
        shaped = Set.of([coded.decode(coded.encode(one)) for one in sounds], asked, yamnet, "shaped noise")
    pulses = plain = None
    if decoder.bank is not None and decoder.bank.fine is not None:
        sounds = [_voiced_control(decoder.bank, label, count, seed) for label in labels for seed in seeds]
        pulses = Set.of([coded.decode(coded.encode(one)) for one in sounds], asked, yamnet, "shaped pulses")
        unpitched = replace(decoder, bank=replace(decoder.bank, fine=None))
        sounds = [one for label in labels for one in voice.generate(label, duration_s, seeds, decoder=unpitched)]
        plain = Set.of(sounds, asked, yamnet, "without fine structure")
    return Judged(
        Set.of(real[0], [one.label for one in seen], yamnet, "real, learnt from"),
        Set.of(real[1], [one.label for one in held_out], yamnet, "real, held out"),
        [one.fold for one in (*seen, *held_out)],
        Set.of(made, asked, yamnet, "generated"),
        Set.of(noise, asked, yamnet, "noise"),
        shaped,
        pulses,
        plain,
    )


def _control(bank: EnvelopeBank, label: str, count: int, seed: int) -> Sound:
    """Noise with the levels that a picture that is still gives a seed, the same as the decoder is told."""
    guide = likelihood.blind_guide(bank, label, count // band_envelopes.HOP + 2, seed)
    return sound_checks.shaped_noise(guide.levels, count, seed)


def _voiced_control(bank: EnvelopeBank, label: str, count: int, seed: int) -> Sound:
    """Pulses and noise with all that a decoder with a harmonic source is told."""
    guide = likelihood.blind_guide(bank, label, count // band_envelopes.HOP + 2, seed)
    return with_harmonics(sound_checks.white_noise(count, seed), guide)


# --- class --------------------------------------------------------------------------------------------------------

BY_HELD_OUT: Final = f"trained on fold {HELD_OUT_FOLD}"
BY_SEEN: Final = "trained on the decoder's folds"
MAPPED: Final = "untrained"


def verdicts(judged: Judged) -> list[Verdict]:
    """All judges on all sets."""
    found = []
    for ears in judged.generated.ears.embeddings:
        for training, known, real in (
            (BY_HELD_OUT, judged.held_out, judged.seen),
            (BY_SEEN, judged.seen, judged.held_out),
        ):
            judge = Judge.trained(known.ears.embeddings[ears], known.labels)
            taken = {
                name: judge(one.ears.embeddings[ears]) for name, one in _sets(judged).items() if name != "real"
            } | {"real": judge(real.ears.embeddings[ears])}
            found.append(_verdict(ears, training, taken, real.labels, judged.beside))
    if judged.generated.ears.evidence is not None and set(judged.classes) <= set(AMBIENT_CLASSES):
        every = _together(judged.seen, judged.held_out)
        taken = {name: _mapped(one, judged.classes) for name, one in (_sets(judged) | {"real": every}).items()}
        found.append(_verdict("yamnet", MAPPED, taken, every.labels, judged.beside))
    return found


def _sets(judged: Judged) -> dict[str, Set]:
    return {"generated": judged.generated, "noise": judged.noise, **judged.further}


def _verdict(
    ears: str, training: str, taken: Mapping[str, Sequence[str]], real_labels: Sequence[str], beside: Set | None
) -> Verdict:
    return Verdict(
        ears,
        training,
        taken["generated"],
        taken["real"],
        real_labels,
        taken["noise"],
        taken.get("shaped"),
        taken.get("pulses"),
        taken.get("plain"),
        taken.get("beside"),
        () if beside is None else beside.labels,
    )


def _mapped(sounds: Set, classes: Sequence[str]) -> list[str]:
    evidence = sounds.ears.evidence
    assert evidence is not None
    unasked = [name not in classes for name in AMBIENT_CLASSES]
    return mapped(np.where(unasked, -1.0, evidence))


def _together(first: Set, second: Set) -> Set:
    a, b = first.ears, second.ears
    yamnet = None if a.yamnet is None or b.yamnet is None else np.concatenate([a.yamnet, b.yamnet])
    evidence = None if a.evidence is None or b.evidence is None else np.concatenate([a.evidence, b.evidence])
    ears = Ears(np.concatenate([a.own, b.own]), yamnet, evidence)
    return Set([*first.sounds, *second.sounds], [*first.labels, *second.labels], ears)


def report(judged: Judged) -> dict[str, Any]:
    """All figures but those of likelihood."""
    found = verdicts(judged)
    classes = {verdict.name: class_figures(verdict, judged.generated.labels) for verdict in found}
    return {
        "sounds": {"generated": len(judged.generated.sounds), "real": len(judged.folds), "classes": judged.classes},
        "class_accuracy": classes | {"chance": 1 / len(judged.classes)},
        "cross_validated_real": _cross_validated(judged),
        "aim": {"share_of_ceiling": WANTED_SHARE}
        | {name: figures["share_of_ceiling"] >= WANTED_SHARE for name, figures in classes.items()},
        "by_class": {
            verdict.name: {
                "generated": _by_class(judged.generated.labels, verdict.generated, judged.classes),
                "real": _by_class(verdict.real_labels, verdict.real, judged.classes),
            }
            | (
                {"another build": _by_class(verdict.beside_labels, verdict.beside, judged.classes)}
                if verdict.beside
                else {}
            )
            for verdict in found
        },
        "distance": distances(judged),
        "faults": faults(judged),
        "dropouts": dropouts(judged),
        "copies": copies(judged),
        "trained_on_generated": variety.trained_on_generated(judged),
        "spread": variety.spread(judged),
    }


def class_figures(verdict: Verdict, asked: Sequence[str]) -> dict[str, Any]:
    """Accuracy of one judge on what was generated, beside its ceiling and its floors."""
    shuffled = [asked[k] for k in np.random.default_rng(0).permutation(len(asked))]
    generated = _accuracy(asked, verdict.generated)
    ceiling = _accuracy(verdict.real_labels, verdict.real)
    return {
        "generated": generated,
        "ceiling: real clips it has not met": ceiling,
        "share_of_ceiling": generated["accuracy"] / ceiling["accuracy"] if ceiling["accuracy"] else 0.0,
        "control: noise with the same band levels": _accuracy(asked, verdict.shaped) if verdict.shaped else None,
        "control: pulses and noise with the same band levels": (
            _accuracy(asked, verdict.pulses) if verdict.pulses else None
        ),
        "without fine structure": _accuracy(asked, verdict.plain) if verdict.plain else None,
        "another build": _accuracy(verdict.beside_labels, verdict.beside) if verdict.beside else None,
        "beyond_control": beyond(asked, verdict.generated, verdict.shaped) if verdict.shaped else None,
        "floor: white and pink noise": _accuracy(asked, verdict.noise),
        "floor: shuffled classes": _accuracy(shuffled, verdict.generated),
    }


def beyond(asked: Sequence[str], made: Sequence[str], control: Sequence[str]) -> dict[str, Any]:
    """How many sounds only the decoder got right and how many only its control, pair by pair with the same levels.

    ``p`` is that of a two-sided sign test: how likely so uneven a split is if the decoder adds nothing.
    """
    pairs = [(one == label, other == label) for label, one, other in zip(asked, made, control, strict=True)]
    won, lost = pairs.count((True, False)), pairs.count((False, True))
    p = float(scipy.stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return {"decoder_only": won, "control_only": lost, "p": p}


def _accuracy(expected: Sequence[str], taken: Sequence[str]) -> dict[str, Any]:
    right = sum(one == other for one, other in zip(expected, taken, strict=True))
    interval = wilson_interval(right, len(expected))
    assert interval is not None
    return {"accuracy": right / len(expected), "n": len(expected), "interval_95": [interval.low, interval.high]}


def _by_class(expected: Sequence[str], taken: Sequence[str], classes: Sequence[str]) -> dict[str, float | None]:
    return dict(zip(classes, class_accuracies(confusion_matrix(expected, taken, classes)), strict=True))


def _cross_validated(judged: Judged) -> dict[str, Any]:
    every = _together(judged.seen, judged.held_out)
    return {
        name: _accuracy(every.labels, cross_validated(embeddings, every.labels, judged.folds))
        for name, embeddings in every.ears.embeddings.items()
    }


# --- distance, faults, copies -------------------------------------------------------------------------------------


def distances(judged: Judged) -> dict[str, Any]:
    """Frechet distances to the held-out recordings, by ears; all sets have as many sounds a class, so they compare."""
    each = min(
        min(list(one.labels).count(name) for name in judged.classes)
        for one in (judged.seen, judged.held_out, judged.generated)
    )
    sets = {
        "generated": judged.generated,
        "floor: white and pink noise": judged.noise,
        "ceiling: other real recordings": judged.seen,
    }
    sets |= variety.controls(judged)
    table: dict[str, Any] = {"sounds_in_each_set": each * len(judged.classes)}
    for ears, embeddings in judged.seen.ears.embeddings.items():
        axes = Axes.of(embeddings)
        real = axes(_evenly(judged.held_out, each, judged.classes).ears.embeddings[ears])
        table[f"FD-{ears}"] = {
            name: frechet_distance(axes(_evenly(one, each, judged.classes).ears.embeddings[ears]), real)
            for name, one in sets.items()
        }
    return table


def _evenly(sounds: Set, each: int, classes: Sequence[str]) -> Set:
    """As many of every class, spread over those that there are."""
    chosen: list[int] = []
    for name in classes:
        own = [k for k, label in enumerate(sounds.labels) if label == name]
        chosen += [own[k * len(own) // each] for k in range(each)]
    return sounds.where(chosen)


def faults(judged: Judged) -> dict[str, Any]:
    """Shares of sounds with each fault, of what was generated and of real recordings that it has not met."""
    table: dict[str, Any] = {}
    for name, one in (("generated", judged.generated), ("real", judged.held_out)):
        found = [sound_checks.faults(sound) for sound in one.sounds]
        kinds = ("silent", "clipped", "tone", "repeats")
        table[name] = {kind: float(np.mean([getattr(fault, kind) for fault in found])) for kind in kinds}
        table[name]["loudest_db"] = float(np.median([fault.loudest_db for fault in found]))
        table[name]["named"] = [
            f"{label} {one.labels[:k].count(label)}: {kind}"
            for k, (label, fault) in enumerate(zip(one.labels, found, strict=True))
            for kind in kinds
            if getattr(fault, kind)
        ]
    return table


def dropouts(judged: Judged) -> list[str] | None:
    """Generated sounds that are silent for over a quarter of a second in which their band levels are not.

    A decoder begins in silence, and may stay or fall back there. ``None`` for one that is told no levels.
    """
    if judged.shaped is None:
        return None
    labels = judged.generated.labels
    missing_s = [
        sound_checks.missing_s(made, control)
        for made, control in zip(judged.generated.sounds, judged.shaped.sounds, strict=True)
    ]
    return [f"{labels[k]} {labels[:k].count(labels[k])}: {one:.1f} s" for k, one in enumerate(missing_s) if one > 0.25]


def copies(judged: Judged) -> dict[str, Any]:
    """How near the loudest half seconds come to recordings of their class that the decoder learnt from."""
    found: dict[str, list[sound_checks.Nearest]] = {"generated": [], "real": []}
    for label in judged.classes:
        known = sound_checks.Recordings(judged.seen.of_class(label))
        found["generated"] += [known.nearest(sound) for sound in judged.generated.of_class(label)]
        if judged.beside is not None:
            found.setdefault("another build", []).extend(map(known.nearest, judged.beside.of_class(label)))
        found["real"] += [known.nearest(sound) for sound in judged.held_out.of_class(label)]
    return {
        name: {
            "correlation_median": float(np.median([one.correlation for one in nearest])),
            "correlation_largest": max(one.correlation for one in nearest),
            "mel_db_median": float(np.median([one.mel_db for one in nearest])),
            "mel_db_smallest": min(one.mel_db for one in nearest),
        }
        for name, nearest in found.items()
    }


# --- likelihood ---------------------------------------------------------------------------------------------------


def retrievals(decoder: Decoder, recordings: Sequence[Recording], run: Path | None = None) -> dict[str, Any]:
    """Retrieval by likelihood in held-out recordings: the decoder's own, and that of every network of a comparison.

    Args:
        run: folder of ``sonorize train ambient-variants``, by default where it is left; need not exist.
    """
    seen, held_out = split(recordings)
    bank = likelihood.bank_of(held_out, sorted({recording.label for recording in recordings}))
    levels = decoder.bank or EnvelopeBank.of([r.label for r in seen], [r.levels for r in seen])
    networks = {"shipped": decoder.network} | likelihood.networks_of(run or RUNS / "ambient-variants")
    return {
        name: likelihood.retrieve(network, bank, levels)
        for name, network in tqdm(networks.items(), desc="retrieval", unit="network", disable=None)
    }
