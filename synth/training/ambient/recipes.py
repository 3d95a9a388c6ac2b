"""The recipes of the ambient voice: SampleRNN alone, and with a picture in each variant (Zhou et al., CVPR 2018).

Many lanes run side by side, each through one recording after another; the state is carried from one stretch to the
next of the same recording (truncated back-propagation, Mehri et al.) and started anew with each recording. Classes are
drawn equally often. One fold of the recordings is never trained on: negative log-likelihoods are measured there.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from synth import weights
from synth.data.corpora import class_sounds
from synth.errors import OptionError
from synth.models.visual_to_sound import SMALL, VisualToSound, VisualToSoundConfig
from synth.training.ambient.data import Example, Recording, prepare
from synth.training.ambient.stretches import (
    LANES,
    AmbientTask,
    Carrying,
    _whole,
    band_frames,
    held_out_bits,
    labels_of,
    unigram_bits,
)
from synth.training.loop import Schedule, train
from synth.voices.ambient import band_envelopes, voice
from synth.voices.ambient.envelope_bank import EnvelopeBank
from synth.voices.ambient.sounding import Decoder
from synth.voices.ambient.voice import NETWORK
from synth.weights import DataSource, Figure

HELD_OUT_FOLD: Final = 4
STEPS: Final = 3500
TRIAL_STEPS: Final = 400  # of the variants that are compared, all alike
TRIAL_LANES: Final = 32
COMPARED: Final = dataclasses.replace(SMALL, decoder=dataclasses.replace(SMALL.decoder, width=128))
"""The size at which variants are compared: half of what ships, so that eight trainings take a quarter of an hour."""

FASTEST_FIRST: Final = ("int8", "bf16")
EQUAL_BITS: Final = 0.01  # a precision that costs less than this, in bits a sample, is as good as fp32

ESC10: Final = DataSource(
    "ESC-10, folds 1 to 3 (Piczak 2015; every recording's author in ESC-10-CREDITS.txt)", "CC BY 3.0", "training"
)


def fit(
    config: VisualToSoundConfig,
    recordings: Sequence[Example],
    folder: Path,
    *,
    steps: int,
    seed: int = 0,
    resume: bool = True,
    lanes: int | None = None,
) -> VisualToSound:
    """Train one network on recordings."""
    lanes = lanes or LANES
    torch.manual_seed(seed)
    model = Carrying(VisualToSound(config), lanes)
    task = AmbientTask(model, recordings, seed, lanes)
    schedule = Schedule(steps, learning_rate=2e-3, warm_up=min(100, steps // 4), weight_decay=0.0, save_every=200)
    settings = {"config": config.as_dict(), "recordings": [r.name for r in recordings], "steps": steps, "lanes": lanes}
    train(task, schedule, folder, settings=settings, seed=seed, resume=resume)
    return model.network.eval()


def split(recordings: Sequence[Recording]) -> tuple[list[Recording], list[Recording]]:
    """What is trained on, and the fold that is not.

    Raises:
        OptionError: one of the two is empty.
    """
    seen = [recording for recording in recordings if recording.fold != HELD_OUT_FOLD]
    held_out = [recording for recording in recordings if recording.fold == HELD_OUT_FOLD]
    if not seen or not held_out:
        raise OptionError(f"the sounds must lie in fold {HELD_OUT_FOLD} and in others; theirs leave one side empty")
    return seen, held_out


def recordings_of(data: Path | None, folder: Path) -> list[Recording]:
    """The recordings of a folder, ready.

    Raises:
        OptionError: there is no such data.
    """
    if data is None:
        raise OptionError("--data is missing: a folder with ESC-10, or with one folder of sounds a class")
    return prepare(class_sounds.load(data), folder.resolve().parent / "cache")


def train_ambient(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """The decoder that ships: guided, one for all classes."""
    recordings = recordings_of(data, folder)
    seen, held_out = split(recordings)
    config = dataclasses.replace(SMALL, variant="guided", classes=labels_of(recordings))
    network = fit(config, seen, folder, steps=steps or STEPS, seed=seed, resume=resume)
    return keep(NETWORK, network, seen, held_out, folder, "ten classes of sound, guided by band levels")


def keep(
    name: str,
    network: VisualToSound,
    seen: Sequence[Recording],
    held_out: Sequence[Recording],
    folder: Path,
    what: str,
    recipe: str = "ambient",
) -> dict[str, Any]:
    """Measure a network on recordings that it has not seen, and register it in the manifest of its run."""
    bits = held_out_bits(network, held_out)
    floor = unigram_bits(seen, held_out, network.config.decoder)
    guided = network.config.variant == "guided"
    bank = bank_of(seen) if guided else None
    costs = precision_costs(network, bank, held_out)
    precision = next((name for name in FASTEST_FIRST if costs[name] <= EQUAL_BITS), "fp32")
    tensors, about = voice.pack(network, bank, precision)
    figures = [Figure("held-out bits a sample (less is better)", round(bits["all"], 3), round(floor, 3), "unigram")]
    figures += [
        Figure(f"bits a sample more in {name} than in fp32", round(cost, 5), EQUAL_BITS, "what still counts as equal")
        for name, cost in costs.items()
    ]
    weights.register(
        name,
        tensors,
        licence="MIT for the weights; trained on CC BY 3.0 recordings, credited in ESC-10-CREDITS.txt",
        summary=f"SampleRNN of the ambient voice: {what}.",
        recipe=recipe,
        data=(ESC10,),
        split={"validation": tuple(sorted(recording.name for recording in held_out))},
        figures=tuple(figures),
        metadata=about,
        folder=folder,
    )
    return {"bits_per_sample": bits["all"], "unigram_bits_per_sample": floor, "precision": precision} | {
        "bits_more_than_fp32": costs,
        "bits_by_class": {name: value for name, value in bits.items() if name != "all"},
    }


def bank_of(recordings: Sequence[Recording]) -> EnvelopeBank:
    """Band levels and fine structure of recordings."""
    return EnvelopeBank.of([r.label for r in recordings], [r.levels for r in recordings], [r.fine for r in recordings])


def measure_pitches(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """The decoder that ships, the fine structure of its bank measured anew; the network stays, nothing is drawn.

    Raises:
        OptionError: ``data`` are not the recordings that its bank was measured on.
    """
    decoder, known = voice.load(), weights.entry(NETWORK)
    seen, _ = split(recordings_of(data, folder))
    bank = bank_of(seen)
    if decoder.bank is None or bank.labels != decoder.bank.labels or list(bank.starts) != list(decoder.bank.starts):
        raise OptionError(f"{data} holds other recordings than the bank of {NETWORK!r} was measured on")
    tensors, about = voice.pack(decoder.network, bank, weights.load(NETWORK).metadata["precision"])
    weights.register(
        NETWORK,
        tensors,
        licence=known.licence,
        summary="SampleRNN of the ambient voice: ten classes of sound, guided by band levels and fine structure.",
        recipe=known.recipe,
        data=known.data,
        split=known.split,
        figures=known.figures,
        metadata=about,
        folder=folder,
    )
    assert bank.fine is not None
    periodic = (bank.fine.periodicity > 127).any(1)
    return {"recordings": len(seen), "share_of_steps_with_a_pitch": float(np.mean(periodic))}


def precision_costs(
    network: VisualToSound, bank: EnvelopeBank | None, held_out: Sequence[Example], seconds: float = 1.0
) -> dict[str, float]:
    """Bits a sample that each smaller precision costs against fp32, through the sampler that will run.

    Args:
        seconds: of each recording, from its beginning; one recording a class.
    """
    first = list({recording.label: recording for recording in held_out}.values())
    bits: dict[str, float] = {}
    for precision in ("fp32", *FASTEST_FIRST):
        decoder = voice.unpack(*voice.pack(network, bank, precision))
        bits[precision] = float(np.mean([_sampler_bits(decoder, recording, seconds) for recording in first]))
    return {precision: bits[precision] - bits["fp32"] for precision in FASTEST_FIRST}


def _sampler_bits(decoder: Decoder, recording: Example, seconds: float) -> float:
    config, top = decoder.network.config, decoder.sampler.shape.top_frame
    frames = min(len(recording.sound), round(seconds * band_envelopes.RATE_HZ)) // top
    levels = config.decoder.encode(recording.sound[: frames * top])
    picture = _whole(config, [recording])
    if config.variant == "guided":
        picture = picture._replace(levels=torch.from_numpy(band_frames(config, recording, 0, frames))[None])
    with torch.inference_mode():
        fed = decoder.network.conditioning(picture, 0, frames)
        begun = decoder.network.start(picture, 1)[0][:, :, 0].numpy()
    stream = decoder.sampler.start(0, initial=begun)
    known = decoder.sampler.log_probabilities(levels, None if fed is None else fed[0].numpy(), stream)
    return float(-known[np.arange(len(levels)), levels].mean() / np.log(2))


def train_variants(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """All variants side by side at one size and for the same number of steps, to say which is better at what.

    Writes ``variants.json`` with held-out bits a sample; every network stays in its own folder of the run.
    """
    recordings = recordings_of(data, folder)
    seen, held_out = split(recordings)
    steps = steps or TRIAL_STEPS
    labels = labels_of(recordings)
    none = VisualToSoundConfig(COMPARED.decoder, "none")
    coded = dataclasses.replace(COMPARED, classes=labels)
    configs = {
        "2-tier": dataclasses.replace(none, decoder=dataclasses.replace(COMPARED.decoder, frames=(16,))),
        "3-tier": none,
        "class code": dataclasses.replace(coded, variant="none"),
        **{variant: dataclasses.replace(coded, variant=variant) for variant in ("frame", "seq", "flow", "guided")},
    }
    table: dict[str, dict[str, float]] = {}
    for name, config in configs.items():
        network = fit(
            config, seen, folder / name.replace(" ", "-"), steps=steps, seed=seed, resume=resume, lanes=TRIAL_LANES
        )
        table[name] = held_out_bits(network, held_out)
    table["one decoder a class"] = _one_a_class(none, labels, seen, held_out, folder, steps, seed, resume)
    outcome = {
        "steps": steps,
        "bits_per_sample": {
            "uniform": float(np.log2(COMPARED.decoder.levels)),
            "unigram": unigram_bits(seen, held_out, COMPARED.decoder),
            **{name: bits["all"] for name, bits in table.items()},
        },
        "by_class": table,
    }
    (folder / "variants.json").write_text(json.dumps(outcome, indent=1))
    return outcome


def _one_a_class(
    config: VisualToSoundConfig,
    labels: Sequence[str],
    seen: Sequence[Recording],
    held_out: Sequence[Recording],
    folder: Path,
    steps: int,
    seed: int,
    resume: bool,
) -> dict[str, float]:
    """Zhou's way, a decoder a class, with the same number of steps in all; each judged on its own class."""
    bits: dict[str, float] = {}
    for label in labels:
        own = [recording for recording in seen if recording.label == label]
        place = folder / "per-class" / label
        network = fit(
            config, own, place, steps=max(1, steps // len(labels)), seed=seed, resume=resume, lanes=TRIAL_LANES
        )
        bits[label] = held_out_bits(network, [r for r in held_out if r.label == label])["all"]
    samples = {label: sum(len(r.sound) for r in held_out if r.label == label) for label in labels}
    bits["all"] = sum(bits[label] * samples[label] for label in labels) / sum(samples.values())
    return bits
