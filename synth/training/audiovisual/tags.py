"""``sonorize train tags``: a linear tagger on frozen features, for the words that people read beside a result.

Sounds: ESC-10's recordings and computed ones of the simulated scenes' classes, and sequences of hits and scratches as
the hits voice makes them, by what is struck; three in ten are two sounds at once. Folds 1 and 2 are learnt from, fold 3
chooses the features (SoundNet's, the texture, both) and calibrates (Platt, 1999, one slope and one offset for all
words), fold 4 judges; computed sounds are drawn anew for each part. Where ``--data`` has them, GRID's sentences are the
speech (dealt out to the three parts), and real hits of Greatest Hits join in: its held-out videos judge, the others are
learnt from.

Shapes: n sounds, D features, C words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from tqdm import tqdm

from synth import weights
from synth.data.corpora.av_clip import RATE_HZ
from synth.data.corpora.av_films import films_of
from synth.data.sounding_scenes import scenes
from synth.description import soundnets, tags
from synth.description.tags import WORDS, Linear
from synth.media import audio
from synth.models.soundnet import SoundNet
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual import soundnet_data
from synth.voices.hits import modal_synthesis
from synth.weights import Figure

Sound = NDArray[np.float32]

STRUCK: Final[Mapping[str, tuple[str, ...]]] = {
    "wood": ("wood", "drywall"),
    "metal": ("metal",),
    "glass": ("glass", "ceramic", "tile"),
    "stone": ("rock",),
    "plastic": ("plastic",),
    "soft": ("carpet", "cloth", "dirt"),
    "rustle": ("leaf", "grass", "paper", "plastic-bag"),
    "gravel": ("gravel",),
    "water": ("water",),
}
"""Word of a struck thing -> the materials that it stands for."""
PARTS: Final = {"learn": (1, 2), "calibrate": (3,), "judge": (4,)}
COUNTS: Final = {"learn": 540, "calibrate": 216, "judge": 216}
CHOICES: Final[tuple[tuple[str, ...], ...]] = (("soundnet",), ("texture",), ("soundnet", "texture"))
STEPS: Final = 400
_TWO: Final = 0.3
_SECOND_DB: Final = (-9.0, 0.0)
_SPOKEN: Final = 36
_REAL_HIT: Final = 0.5


@dataclass(frozen=True)
class Heard:
    """Sounds as features by choice, and which words are true, [n, C]."""

    features: Mapping[tuple[str, ...], NDArray[np.float32]]
    truth: NDArray[np.float32]


def train_tags(*, folder: Path, data: Path | None, steps: int | None, seed: int, resume: bool) -> dict[str, Any]:
    """Train the tagger; the SoundNet of ``<run>/../soundnet`` is used where there is one, else the one that ships.

    Args:
        data: a folder with ``esc10`` in it, and ``grid`` where it is there; without it all sounds are computed.
        steps: of the regression; below 50 a trial with few sounds.
        resume: means nothing here: it takes a minute.

    Raises:
        WeightsError: there is no SoundNet.
    """
    del resume
    trial = steps is not None and steps < 50
    beside = folder.resolve().parent / "soundnet"
    net = soundnets.load(beside if soundnets.NETWORK in weights.entries(beside) else weights.CHECKPOINTS)
    filmed = _filmed(data)
    heard = {part: _hear(net, data, part, 60 if trial else COUNTS[part], seed, filmed[part]) for part in PARTS}
    fitted = {choice: _fitted(heard["learn"], heard["calibrate"], choice, steps or STEPS) for choice in CHOICES}
    chosen = max(CHOICES, key=lambda one: judged(fitted[one], heard["calibrate"])["mean_average_precision"])
    figures: dict[str, Any] = {
        " and ".join(choice): judged(linear, heard["judge"]) for choice, linear in fitted.items()
    }
    figures["chosen"] = " and ".join(chosen)
    figures["floor: how often each word is true"] = usual(heard["learn"], heard["judge"])
    _register(fitted[chosen], folder, figures, data, filmed=any(filmed.values()))
    return figures


def judged(linear: Linear, heard: Heard) -> dict[str, float]:
    """Mean average precision over the words, how often the likeliest word is true, and the calibration's error."""
    return scores(linear(heard.features[linear.parts]), heard.truth)


def scores(chances: NDArray[np.float32], truth: NDArray[np.float32]) -> dict[str, float]:
    """Of probabilities [n, C] and truths [n, C]; the calibration's error is the expected one over ten equal bins."""
    precisions = [average_precision(chances[:, k], truth[:, k]) for k in range(truth.shape[1]) if truth[:, k].any()]
    first = truth[np.arange(len(truth)), chances.argmax(1)]
    bins = np.clip((chances * 10).astype(int), 0, 9).ravel()
    off = [
        abs(float(chances.ravel()[bins == one].mean() - truth.ravel()[bins == one].mean()))
        * float(np.mean(bins == one))
        for one in range(10)
        if (bins == one).any()
    ]
    return {
        "mean_average_precision": float(np.mean(precisions)),
        "likeliest_is_true": float(first.mean()),
        "calibration_error": float(np.sum(off)),
    }


def average_precision(chances: NDArray[Any], truth: NDArray[Any]) -> float:
    """Mean of the precision at each true item, items ordered by probability."""
    hits = truth[np.argsort(-chances, kind="stable")] > 0
    ranks = np.flatnonzero(hits) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else 0.0


def usual(learnt: Heard, heard: Heard) -> dict[str, float]:
    """The floor that says for every sound how often each word is true."""
    return scores(np.tile(learnt.truth.mean(0), (len(heard.truth), 1)), heard.truth)


def struck(word: str, rng: np.random.Generator, duration_s: float = tags.WINDOW_S) -> Sound:
    """One to five hits and scratches on a material that the word stands for, as the hits voice makes them."""
    material = STRUCK[word][int(rng.integers(len(STRUCK[word])))]
    size = float(rng.uniform(0.2, 0.9))
    out = np.zeros(round(duration_s * RATE_HZ), np.float32)
    for _ in range(int(rng.integers(1, 6))):
        uniforms = rng.random(RATE_HZ, np.float32)
        strength = float(rng.uniform(0.4, 1))
        if rng.random() < 0.8:
            one = modal_synthesis.strike(material, strength=strength, size=size, rate_hz=RATE_HZ, uniforms=uniforms)
        else:
            one = modal_synthesis.scratch(
                material, duration_s=float(rng.uniform(0.2, 0.6)), strength=strength, size=size, rate_hz=RATE_HZ,
                uniforms=uniforms,
            )  # fmt: skip
        start = int(rng.integers(max(1, len(out) - RATE_HZ // 2)))
        one = one[: len(out) - start]
        out[start : start + len(one)] += one
    return out


def _filmed(data: Path | None) -> dict[str, dict[str, list[Sound]]]:
    """Real speech and hits of a folder by part and word; empty where it has none."""
    found: dict[str, dict[str, list[Sound]]] = {part: {} for part in PARTS}
    if data is None or not any((data / name).is_dir() for name in ("grid", "greatest_hits")):
        return found
    words = {material: word for word, materials in STRUCK.items() for material in materials}
    spoken = 0
    for film in tqdm(films_of(data, talking=_SPOKEN), desc="clips", unit="clip", disable=None):
        word = next((words.get(label, label) for label in film.labels[:1]), "")
        if word not in WORDS:
            continue
        part = "judge" if film.held_out else "learn"
        if word == "speech":
            part, spoken = list(PARTS)[spoken % len(PARTS)], spoken + 1
        found[part].setdefault(word, []).append(audio.read(film.sound, RATE_HZ)[0])
    return found


def _hear(
    net: SoundNet, data: Path | None, part: str, count: int, seed: int, filmed: Mapping[str, list[Sound]]
) -> Heard:
    """Draw sounds of one part and make features of them."""
    rng = np.random.default_rng([seed, list(PARTS).index(part), 13])
    recordings = soundnet_data.together(list(soundnet_data.recordings_by_fold(data, PARTS[part]).values()))
    recordings |= filmed
    names = tuple(WORDS)
    truth = np.zeros((count, len(names)), np.float32)
    rows: dict[tuple[str, ...], list[NDArray[np.float32]]] = {("soundnet",): [], ("texture",): []}
    for number in tqdm(range(count), desc=part, unit="sound", disable=None):
        word = names[number % len(names)]
        sound = tags.levelled(_one(word, rng, recordings))
        truth[number, number % len(names)] = 1
        if rng.random() < _TWO:
            other = int(rng.integers(len(names)))
            share = np.float32(10 ** (rng.uniform(*_SECOND_DB) / 20))
            sound = sound + share * tags.levelled(_one(names[other], rng, recordings))
            truth[number, other] = 1
        noise = rng.standard_normal(len(sound), np.float32) * np.float32(10 ** (rng.uniform(-80, -35) / 20))
        sound = tags.levelled(np.asarray(sound + noise, np.float32))
        for choice, found in rows.items():
            found.append(tags.features(net, sound, choice))
    stacked = {choice: np.stack(found) for choice, found in rows.items()}
    stacked["soundnet", "texture"] = np.concatenate([stacked["soundnet",], stacked["texture",]], axis=1)
    return Heard(stacked, truth)


def _one(word: str, rng: np.random.Generator, recordings: soundnet_data.Recordings) -> Sound:
    if word in STRUCK:
        real = recordings.get(word, ())
        if len(real) and rng.random() < _REAL_HIT:
            return soundnet_data.stretch(real[int(rng.integers(len(real)))], rng)
        return struck(word, rng)
    return scenes.sound_of(word, tags.WINDOW_S, rng, recordings)


def _fitted(learnt: Heard, other: Heard, choice: tuple[str, ...], steps: int) -> Linear:
    """Logistic regressions by gradient descent, then one slope and one offset fitted to other sounds."""
    found = learnt.features[choice]
    mean, spread = found.mean(0), found.std(0) + 1e-3 * float(found.std(0).max()) + 1e-6
    inputs = torch.from_numpy(np.clip((found - mean) / spread, -5, 5).astype(np.float32))
    truth = torch.from_numpy(learnt.truth)
    weight = torch.zeros(inputs.shape[1], truth.shape[1], requires_grad=True)
    offset = torch.full((truth.shape[1],), -3.0, requires_grad=True)
    optimiser = torch.optim.Adam([weight, offset], lr=0.02)
    for _ in range(steps):
        optimiser.zero_grad()
        penalty = 0.3 * weight.square().sum() / len(inputs)
        loss = functional.binary_cross_entropy_with_logits(inputs @ weight + offset, truth) * truth.shape[1] + penalty
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    numbers = (weight.detach().numpy(), offset.detach().numpy())
    slope, shift = _calibration(Linear(tuple(WORDS), choice, mean, spread, *numbers), other)
    return Linear(tuple(WORDS), choice, mean, spread, numbers[0] * slope, numbers[1] * slope + shift)


def _calibration(linear: Linear, other: Heard) -> tuple[np.float32, np.float32]:
    chances = np.clip(linear(other.features[linear.parts]), 1e-6, 1 - 1e-6)
    logits = torch.from_numpy(np.log(chances / (1 - chances)))
    truth = torch.from_numpy(other.truth)
    slope, shift = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([slope, shift], max_iter=50)

    def descend() -> torch.Tensor:
        optimiser.zero_grad()
        loss = functional.binary_cross_entropy_with_logits(logits * slope + shift, truth)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(descend)  # type: ignore[no-untyped-call]
    return np.float32(slope.item()), np.float32(shift.item())


def _register(linear: Linear, folder: Path, figures: dict[str, Any], data: Path | None, *, filmed: bool) -> None:
    tensors, about = tags.pack(linear)
    mine, floor = figures[figures["chosen"]], figures["floor: how often each word is true"]
    heard = data is not None and (data / "esc10").is_dir()
    weights.register(
        tags.NETWORK,
        tensors,
        licence="MIT for the weights; trained on research data, see data" if filmed else "MIT",
        summary="Plain words for what is heard in a sound, on frozen features of SoundNet and of textures",
        recipe="tags",
        data=(av_data.OWN_SCENES, *([av_data.ESC10] if heard else []), *([av_data.FILMED] if filmed else [])),
        split={"test recordings": ("ESC-10 fold 4",)},
        figures=tuple(
            Figure(f"{name.replace('_', ' ')} on held-out sounds", mine[name], floor[name], "how often each is true")
            for name in ("mean_average_precision", "likeliest_is_true")
        ),
        metadata=about,
        folder=folder,
    )
