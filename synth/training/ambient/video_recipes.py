"""The recipes of the ambient decoder on real videos: what Zhou et al. (CVPR 2018, arXiv 1712.01393) trained.

VEGAS or any folder of videos with their own sound. Frame, seq and flow are the paper's three ways for the picture to
reach the decoder; what is seen are the packaged network's features, as in the ambient voice, or VGG-19's fc6, as in the
paper, where ``vgg19.safetensors`` or ``vgg19.pth`` (torchvision's names) lies in the data's folder or in the run's.

Features are brought to a common scale for training; the weights that are stored take them as they are. Some recordings
are never trained on. Their bits are measured with their own picture and with another's: the difference is what the
picture is worth.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora.video_folder import HELD_OUT, TRAIN
from synth.models.samplernn import SampleRNNConfig
from synth.models.visual_to_sound import SMALL, VisualToSound, VisualToSoundConfig
from synth.training.ambient.recipes import EQUAL_BITS, FASTEST_FIRST, fit, precision_costs
from synth.training.ambient.stretches import LANES, labels_of, stretch_bits, unigram_bits
from synth.training.ambient.video_data import BROUGHT, ChosenEye, Filmed, Scale, load_videos, prepare
from synth.voices.ambient import voice
from synth.voices.ambient.scene import MOTION
from synth.voices.ambient.voice import NETWORK
from synth.weights import DataSource, Figure

STEPS: Final = 20_000
JUDGED: Final = 200  # held-out recordings that are measured, shared among the classes
_AT_ONCE: Final = 40

Bits = list[NDArray[np.float32]]


def train_videos(
    variant: str, *, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool
) -> dict[str, Any]:
    """A decoder on real videos, registered in the manifest of its run.

    Args:
        variant: ``"frame"``, ``"seq"`` or ``"flow"``.

    Returns:
        Figures of :func:`judge`, how many recordings there were, and which videos were left out and why.

    Raises:
        OptionError: there are no videos, or not enough for a split.
        MediaError: a list of videos cannot be read; a video that cannot be is left out.
        WeightsError: VGG-19's weights are there and do not fit.
    """
    videos = load_videos(data)
    assert data is not None
    chosen = ChosenEye(data, folder)
    filmed, left_out = prepare(videos, folder.resolve().parent / "cache", chosen)
    network, scale = train_decoder(
        filmed, variant, SMALL.decoder, folder, steps=steps or STEPS, seed=seed, resume=resume, lanes=LANES
    )
    seen = [one for one in filmed if one.part == TRAIN]
    judged = to_judge(filmed, network.config)
    plain = unscaled(network, scale)
    figures = judge(plain, seen, judged)
    figures |= _keep(plain, seen, judged, figures, folder, variant, chosen)
    return figures | {
        "trained_on": len(seen),
        "held_out": len(filmed) - len(seen),
        "left_out": len(left_out),
        "left_out_because": dict(list(left_out.items())[:10]),
    }


train_frame = partial(train_videos, "frame")
train_seq = partial(train_videos, "seq")
train_flow = partial(train_videos, "flow")


def train_decoder(
    filmed: Sequence[Filmed],
    variant: str,
    decoder: SampleRNNConfig,
    folder: Path,
    *,
    steps: int,
    seed: int = 0,
    resume: bool = True,
    lanes: int = LANES,
) -> tuple[VisualToSound, Scale]:
    """Train on those of the recordings that are not held out.

    Returns:
        The network, which takes features that were brought to a common scale, and that scale.
    """
    seen = [one for one in filmed if one.part == TRAIN]
    scale = Scale.of(seen)
    labels = labels_of(seen)
    config = VisualToSoundConfig(
        decoder,
        variant,
        labels if len(labels) > 1 else (),
        appearance=len(scale.appearance_mean),
        motion=len(MOTION),
        bands=SMALL.bands,
        hidden=SMALL.hidden,
    )
    scaled = [dataclasses.replace(one, scale=scale) for one in seen]
    return fit(config, scaled, folder, steps=steps, seed=seed, resume=resume, lanes=lanes), scale


def unscaled(network: VisualToSound, scale: Scale) -> VisualToSound:
    """The same network for features as they come: w (x - mean) / deviation + b is another w and b."""
    plain = copy.deepcopy(network.without_weight_norm())
    mean, deviation = scale.appearance_mean, scale.appearance_deviation
    if plain.config.variant == "flow":
        mean = np.concatenate((mean, scale.motion_mean))
        deviation = np.concatenate((deviation, scale.motion_deviation))
    takes_in = [(plain.look.weight, plain.look.bias)] if plain.look is not None else []
    if plain.reader is not None:
        parameters = dict(plain.reader.named_parameters())
        takes_in.append((parameters["weight_ih_l0"], parameters["bias_ih_l0"]))
    with torch.no_grad():
        for weight, bias in takes_in:
            weight.div_(torch.from_numpy(deviation))
            bias.sub_(weight @ torch.from_numpy(mean))
    return plain.eval()


def to_judge(filmed: Sequence[Filmed], config: VisualToSoundConfig) -> list[Filmed]:
    """The held-out recordings that are measured: of each class equally many, chosen by a hash of their names."""
    held_out = [one for one in filmed if one.part == HELD_OUT and (not config.classes or one.label in config.classes)]
    labels = labels_of(held_out)
    out: list[Filmed] = []
    for label in labels:
        own = sorted((one for one in held_out if one.label == label), key=_shuffled)
        out += own[: max(1, JUDGED // len(labels))]
    return out


def _shuffled(one: Filmed) -> bytes:
    return blake2b(one.name.encode(), digest_size=8).digest()


def judge(network: VisualToSound, seen: Sequence[Filmed], judged: Sequence[Filmed]) -> dict[str, Any]:
    """Bits a sample of recordings that were not trained on, and what their picture is worth.

    The picture of another is one of another recording, of any class; where there are several classes also one of the
    same class, so that it says no less about the class. Bits weigh recordings by their length; what a picture is worth
    is the mean over groups, since pieces of one recording are alike, and its error the standard error of that mean,
    ``None`` for a single group.

    The decoder is told all samples before the one that it is asked about, and those tell much of what the picture
    would; a picture that is read before the first sample (seq, flow) can be worth something at the beginning only.

    Returns:
        ``bits_per_sample``, ``unigram_bits_per_sample``, ``bits_by_class``; with ``another_picture`` and
        ``another_of_the_class``: ``bits_per_sample``, ``worth_bits`` (how much better the own picture is), its
        ``error_bits``, and ``worth_bits_at_start``, in the first 1024 samples.
    """
    network.eval()
    own = _bits(network, judged, judged)
    out: dict[str, Any] = {
        "bits_per_sample": _mean(own),
        "unigram_bits_per_sample": unigram_bits(seen, judged, network.config.decoder),
        "bits_by_class": {
            label: _mean([row for one, row in zip(judged, own, strict=True) if one.label == label])
            for label in labels_of(judged)
        },
    }
    for name, same_class in (("another_picture", False), ("another_of_the_class", True)):
        if same_class and len(out["bits_by_class"]) < 2:
            continue
        swapped = swaps(judged, seen, same_class=same_class)
        kept = [at for at, other in enumerate(swapped) if other is not None]
        if kept:
            shown = [other for other in swapped if other is not None]
            others = _bits(network, [judged[at] for at in kept], shown)
            out[name] = _worth([judged[at].group for at in kept], [own[at] for at in kept], others)
    return out


def swaps(judged: Sequence[Filmed], seen: Sequence[Filmed], *, same_class: bool) -> list[Filmed | None]:
    """Each with the picture of another recording, that of a held-out one where there is one; ``None`` without any."""
    out: list[Filmed | None] = []
    order = sorted(judged, key=_shuffled)
    for one in judged:
        at = order.index(one)
        candidates = [*order[at + 1 :], *order[:at], *seen]
        fitting = (o for o in candidates if o.group != one.group and (not same_class or o.label == one.label))
        other = next(fitting, None)
        out.append(one.showing(other) if other else None)
    return out


def _bits(network: VisualToSound, sounds: Sequence[Filmed], shown: Sequence[Filmed]) -> Bits:
    """Bits a sample of each stretch of each, in their order; those of like length are measured together."""
    order = sorted(range(len(sounds)), key=lambda at: sounds[at].count)
    out: Bits = [np.zeros(0, np.float32)] * len(sounds)
    for first in range(0, len(order), _AT_ONCE):
        some = order[first : first + _AT_ONCE]
        for at, row in zip(
            some, stretch_bits(network, [sounds[i] for i in some], [shown[i] for i in some]), strict=True
        ):
            out[at] = row
    return out


def _mean(rows: Bits) -> float:
    return float(np.concatenate(rows).mean())


def _worth(groups: Sequence[str], own: Bits, others: Bits) -> dict[str, float | None]:
    better = [other - one for one, other in zip(own, others, strict=True)]
    names = sorted(set(groups))
    of_group = {name: [row for group, row in zip(groups, better, strict=True) if group == name] for name in names}
    means = np.array([np.concatenate(rows).mean() for rows in of_group.values()])
    starts = np.array([np.mean([row[0] for row in rows]) for rows in of_group.values()])
    return {
        "bits_per_sample": _mean(others),
        "worth_bits": float(means.mean()),
        "error_bits": float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else None,
        "worth_bits_at_start": float(starts.mean()),
    }


def _keep(
    network: VisualToSound,
    seen: Sequence[Filmed],
    judged: Sequence[Filmed],
    measured: dict[str, Any],
    folder: Path,
    variant: str,
    chosen: ChosenEye,
) -> dict[str, Any]:
    """Register the network. One that looks through VGG-19 gets a name of its own: the voice has no such eye."""
    costs = precision_costs(network, None, judged)
    precision = next((name for name in FASTEST_FIRST if costs[name] <= EQUAL_BITS), "fp32")
    tensors, about = voice.pack(network, None, precision)
    bits, floor = measured["bits_per_sample"], measured["unigram_bits_per_sample"]
    figures = [Figure("held-out bits a sample (less is better)", round(bits, 3), round(floor, 3), "unigram")]
    if other := measured.get("another_picture"):
        figures.append(
            Figure("bits a sample that the own picture is worth", round(other["worth_bits"], 4), 0.0, "none")
        )
    name = f"{NETWORK}-vgg19" if chosen.name == BROUGHT else NETWORK
    weights.register(
        name,
        tensors,
        licence="as the videos that it was trained on allow",
        summary=f"SampleRNN of the ambient voice, trained on {len(seen)} pieces of video, variant {variant}.",
        recipe=f"ambient-videos-{variant}",
        data=(DataSource("videos of the one who trained it", "theirs", "training and validation"),),
        split={"validation": tuple(sorted({one.group for one in judged}))},
        figures=tuple(figures),
        metadata=about | {"eye": chosen.name, "eye_sha256": chosen.sha256},
        folder=folder,
    )
    return {"network": name, "precision": precision, "bits_more_than_fp32": costs}
