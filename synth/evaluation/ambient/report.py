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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from synth.data.corpora import class_sounds
from synth.errors import OptionError
from synth.evaluation.ambient import kept_sounds, likelihood, set_figures, sound_checks
from synth.evaluation.ambient.aisfx import installed_aisfx
from synth.evaluation.ambient.judged_sets import Judged, Set, Sound
from synth.evaluation.ambient.neighbours import by_neighbours
from synth.evaluation.ambient.verdicts import by_class, class_figures, cross_validated_real, verdicts
from synth.evaluation.ambient.yamnet import RATE_HZ, YamNet, installed_yamnet
from synth.files import write_whole
from synth.training.ambient.data import Recording, prepare
from synth.training.ambient.recipes import split
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


def report(judged: Judged) -> dict[str, Any]:
    """All figures but those of likelihood."""
    found = verdicts(judged)
    classes = {verdict.name: class_figures(verdict, judged.generated.labels) for verdict in found}
    return {
        "sounds": {"generated": len(judged.generated.sounds), "real": len(judged.folds), "classes": judged.classes},
        "class_accuracy": classes | {"chance": 1 / len(judged.classes)},
        "cross_validated_real": cross_validated_real(judged),
        "aim": {"share_of_ceiling": WANTED_SHARE}
        | {name: figures["share_of_ceiling"] >= WANTED_SHARE for name, figures in classes.items()},
        "by_class": {
            verdict.name: {
                "generated": by_class(judged.generated.labels, verdict.generated, judged.classes),
                "real": by_class(verdict.real_labels, verdict.real, judged.classes),
            }
            | (
                {"another build": by_class(verdict.beside_labels, verdict.beside, judged.classes)}
                if verdict.beside
                else {}
            )
            for verdict in found
        },
        "distance": set_figures.distances(judged),
        "faults": set_figures.faults(judged),
        "dropouts": set_figures.dropouts(judged),
        "copies": set_figures.copies(judged),
        "trained_on_generated": set_figures.trained_on_generated(judged),
        "spread": set_figures.spread(judged),
    }


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
