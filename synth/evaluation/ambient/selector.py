"""How well the ambient selector chooses on clips with their natural sound, in a folder that a person may have.

The clips are third-party footage: nothing is trained on them, and none is in the project. Their labels stand below by
file name, given by looking at frames of each clip and by its name, not by listening. They were seen while the selector
was written: the threshold and the weight of the sea cue were set, and the words of
:data:`synth.models.vocabulary.scenes.SEEN_IN_EVALUATION` came in, in view of them. The figures are therefore those of a
development set, and four of the ten classes (chainsaw, crackling fire, helicopter, rain) do not occur in it at all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import OptionError
from synth.files import write_whole
from synth.media import video
from synth.metrics.hits import wilson_interval
from synth.models.selector import Selection, combine, cue_evidence, decide, select
from synth.models.vocabulary import scenes
from synth.voices.ambient.scene import FRAME_SIZE, RATE_HZ, Eye, Seen, look, packaged_eye

SOUNDING: Final[dict[str, str]] = {
    "aset_vRPCcapAWeg_40000": "clock_tick",
    "avs15_chicken_crowing": "rooster",
    "fc_avsync_0": "dog",
    "vas_baby_video_01951": "crying_baby",
    "vas_dog_video_02677": "dog",
    "vggs_1aDnyPubxdY_118000_128000": "crying_baby",
}
"""Clips that show one of the ten and sound like it."""

SHOWING: Final[dict[str, str]] = {
    "aset_0mZQ6Q-viPw_10000": "dog",  # fur and a snout from close by
    "mma_F8Zt3mYlOqU_000094": "sea_waves",  # an animal in clear shallow water
    "v2am_baby-laugh_gt": "crying_baby",  # it laughs
    "vas_cough_video_00331": "sneezing",  # she coughs
    "vggs_3JYjNHFJfO4_363000_373000": "crying_baby",  # it laughs
}
"""Clips in whose picture one of the ten is, or nearly, while the sound is another or unknown."""

SUFFIXES: Final = (".mkv", ".mp4", ".webm", ".mov", ".avi")
OTHER: Final = "other"
REPORT: Final = "selector.json"


@dataclass(frozen=True)
class Looked:
    """One clip: what was seen, and what it is by the tables above (:data:`OTHER` when in neither)."""

    name: str
    seen: Seen
    label: str
    sounding: bool


def evaluate_selector(data: Path, out: Path | None) -> dict[str, Any]:
    """All figures of the selector on the clips of a folder.

    Args:
        data: a folder of clips; those that :data:`SOUNDING` and :data:`SHOWING` do not name count as "other".
        out: a folder for ``selector.json``, the same report with what every clip was taken for.

    Raises:
        OptionError: the folder holds no clip, or none that is labelled.
        MediaError: a clip cannot be read, or the report not be written.
        WeightsError: the packaged network is missing.
    """
    files = sorted(file for file in data.glob("*") if file.suffix.lower() in SUFFIXES) if data.is_dir() else []
    if not files:
        raise OptionError(f"{data} holds no video")
    eye = packaged_eye()
    looked = [look_at(file, eye) for file in tqdm(files, desc="clips", unit="clip", disable=None)]
    if not any(one.label != OTHER for one in looked):
        raise OptionError(f"no clip in {data} is in the table of labels")
    result = judge(looked)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**result, "clips_one_by_one": one_by_one(looked)}, indent=2)
        write_whole(out / REPORT, text.encode())
    return result


def look_at(file: Path, eye: Eye) -> Looked:
    """Look at one clip as the ambient voice does."""
    width, height = FRAME_SIZE
    frames = video.read_frames(file, rate_hz=RATE_HZ, width=width, height=height)
    label = SOUNDING.get(file.stem) or SHOWING.get(file.stem) or OTHER
    return Looked(file.stem, look(frames, eye=eye), label, file.stem in SOUNDING)


def judge(looked: Sequence[Looked]) -> dict[str, Any]:
    """The figures of clips that were looked at, one row a way to choose."""
    labelled = Counter(one.label for one in looked if one.label != OTHER)
    every = [choices(one.seen) for one in looked]
    most, count = labelled.most_common(1)[0]
    return {
        "clips": len(looked),
        "labels": dict(sorted(labelled.items())) | {OTHER: sum(one.label == OTHER for one in looked)},
        "classes_without_a_clip": [name for name in AMBIENT_CLASSES if name not in labelled],
        "rows": {row: _row(looked, [chosen[row] for chosen in every]) for row in ROWS},
        "floors": {
            "chance": 1 / len(AMBIENT_CLASSES),
            "most frequent": {"class": most, "accuracy": count / labelled.total()},
        },
    }


ROWS: Final = ("words and cues", "words", "cues", "words, less those that these clips suggested")


def choices(seen: Seen) -> dict[str, Selection]:
    """What each way to choose takes a clip for; ways without words have no nearest class either."""
    logits, nothing = seen.logits_mean, np.zeros(len(AMBIENT_CLASSES))
    cues = cue_evidence(seen.cues)
    ways = (
        (combine(scenes.evidence(logits), cues, seen), scenes.lifts(logits)),
        (scenes.evidence(logits), scenes.lifts(logits)),
        (combine(nothing, cues, seen), nothing + 1),
        (scenes.evidence(logits, unseen_only=True), scenes.lifts(logits, unseen_only=True)),
    )
    return {row: decide(seen, total, nearness) for row, (total, nearness) in zip(ROWS, ways, strict=True)}


def _row(looked: Sequence[Looked], chosen: Sequence[Selection]) -> dict[str, Any]:
    pairs = list(zip(looked, chosen, strict=True))
    of_ten = [(one, selection) for one, selection in pairs if one.label != OTHER]
    others = [selection for one, selection in pairs if one.label == OTHER]
    confusion: dict[str, Counter[str]] = {}
    for one, selection in pairs:
        confusion.setdefault(one.label, Counter())[selection.name if selection.fits else "none fits"] += 1
    strengths = [max(selection.evidence.values()) for _, selection in of_ten]
    return {
        "of the ten, seen and heard": _accuracy([pair for pair in of_ten if pair[0].sounding]),
        "of the ten, seen": _accuracy(of_ten),
        "others": {
            "n": len(others),
            "fits_is_false": sum(not selection.fits for selection in others),
            "taken_for": dict(Counter(selection.name for selection in others if selection.fits)),
        },
        "auc_fits": auc(strengths, [max(selection.evidence.values()) for selection in others]),
        "confusion": {label: dict(row) for label, row in sorted(confusion.items())},
    }


def _accuracy(pairs: Sequence[tuple[Looked, Selection]]) -> dict[str, Any]:
    right = sum(selection.name == one.label for one, selection in pairs)
    ranks = [rank(selection.probabilities, one.label) for one, selection in pairs]
    interval = wilson_interval(right, len(pairs))
    return {
        "n": len(pairs),
        "right": right,
        "accuracy": right / len(pairs) if pairs else None,
        "accuracy_95": [interval.low, interval.high] if interval else None,
        "right_and_fits": sum(selection.name == one.label and selection.fits for one, selection in pairs),
        "mean_rank": float(np.mean(ranks)) if ranks else None,
    }


def rank(probabilities: Mapping[str, float], label: str) -> float:
    """Place of a class, 1 for the likeliest; equals share the mean of their places."""
    ours, others = probabilities[label], list(probabilities.values())
    return sum(value > ours for value in others) + (1 + sum(value == ours for value in others)) / 2


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Probability that one of the ten has more evidence than an "other", ties half; ``None`` where either lacks."""
    if not positives or not negatives:
        return None
    apart = np.asarray(positives)[:, None] - np.asarray(negatives)
    return float((apart > 0).mean() + (apart == 0).mean() / 2)


def one_by_one(looked: Sequence[Looked]) -> dict[str, Any]:
    """What each clip was taken for, and why."""
    return {one.name: {"label": one.label, **select(one.seen).as_json()} for one in looked}
