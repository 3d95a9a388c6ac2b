"""``sonorize eval hits``: how well the hits voice hears silent clips that it has not seen, with floors and ceilings.

Clips are few, so the figures are cross-validated: each clip is judged by the network of the fold that had
no clip of the same source video in its training. A clip from a source that no fold knows is judged by the shipped one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from synth import weights
from synth.data.corpora import greatest_hits
from synth.dsp.onsets import detect_onsets
from synth.errors import OptionError
from synth.evaluation.ambient.catalogue import evaluate_sounds
from synth.evaluation.ambient.report import evaluate_ambient
from synth.evaluation.ambient.selector import evaluate_selector
from synth.evaluation.ambient.wild import evaluate_wild
from synth.evaluation.audiovisual.ave import evaluate_ave
from synth.evaluation.audiovisual.avol import evaluate_avol
from synth.evaluation.audiovisual.crossmodal import evaluate_crossmodal
from synth.evaluation.audiovisual.l3 import evaluate_l3
from synth.evaluation.audiovisual.localizer import evaluate_localizer
from synth.evaluation.audiovisual.music import evaluate_music
from synth.evaluation.audiovisual.soundnet import evaluate_soundnet
from synth.evaluation.audiovisual.texture import evaluate_texture
from synth.evaluation.hits import pictures
from synth.evaluation.hits.bank import evaluate_hit_bank
from synth.evaluation.hits.baselines import motion_stops, uniform_rhythm
from synth.evaluation.hits.clips import Judged, Listener, judge, listeners, see
from synth.evaluation.router import evaluate_router
from synth.evaluation.speech.report import evaluate_speech
from synth.evaluation.speech.typed_words import evaluate_typed_words
from synth.materials import MATERIALS
from synth.metrics import hits
from synth.models.imagenet import ImageNetEye

TOLERANCES_S: Final = (0.1, 0.05)


def evaluate_hits(data: Path, out: Path | None) -> dict[str, Any]:
    """All figures of the hits voice on the labelled clips of a Greatest Hits folder.

    Args:
        data: the corpus, in either layout of :mod:`synth.data.corpora.greatest_hits`.
        out: a folder for pictures of the same figures.

    Raises:
        OptionError: no clip there is labelled.
        WeightsError: the weights are missing.
    """
    clips = [clip for clip in greatest_hits.load(data) if clip.hits]
    if not clips:
        raise OptionError(f"no clip in {data} has labelled hits")
    eye = ImageNetEye(weights.load_imagenet())
    seen = [see(clip, eye) for clip in tqdm(clips, desc="clips", unit="clip", disable=None)]
    rows = {listener.name: [judge(one, listener) for one in seen] for listener in listeners()}
    ours = rows["cross-validated"]
    result = {
        "clips": len(clips),
        "sources": len({clip.group for clip in clips}),
        "hits": sum(len(clip.hits or ()) for clip in clips),
        "onsets": {
            **{name: _onsets(judged, Listener.hits_of, Listener.candidates_of) for name, judged in rows.items()},
            "floor: uniform rhythm": _onsets(ours, uniform_rhythm(ours)),
            "floor: sudden stop of motion": _onsets(ours, motion_stops(ours)),
            "ceiling: onsets of the real sound": _onsets(ours, _heard),
        },
        "loudness": _agreements(rows, hits.hit_loudness),
        "centroid_bands": _agreements(rows, hits.hit_centroid),
        "materials": {name: _materials(judged) for name, judged in rows.items()} | {"chance": _chance(ours)},
    }
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        pictures.draw(ours, out)
    return result


Timed = tuple[Sequence[float], Sequence[float]]


def _onsets(
    judged: Sequence[Judged], claim: Callable[[Judged], Timed], rank: Callable[[Judged], Timed] | None = None
) -> dict[str, float | None]:
    """F1 of what is claimed, and average precision of what ``rank`` gives: the claims, or all candidates for them."""
    claims = [claim(one) for one in judged]
    candidates = [rank(one) for one in judged] if rank else claims
    table: dict[str, float | None] = {}
    for tolerance_s in TOLERANCES_S:
        counts = hits.Detection(0, 0, 0)
        for one, (times_s, _) in zip(judged, claims, strict=True):
            counts += hits.detection(times_s, one.labels_s, tolerance_s)
        ranked = [
            hits.ClipHits(list(times_s), list(sure), list(one.labels_s))
            for one, (times_s, sure) in zip(judged, candidates, strict=True)
        ]
        label = f"{round(tolerance_s * 1000)}ms"
        table[f"f1_{label}"] = counts.f1
        table[f"precision_{label}"] = counts.precision
        table[f"recall_{label}"] = counts.recall
        table[f"average_precision_{label}"] = hits.average_precision(ranked, tolerance_s)
    return table


def _heard(one: Judged) -> Timed:
    times_s, heights = detect_onsets(one.seen.sound, one.seen.sound_rate_hz)
    return list(times_s), list(heights)


Measure = Callable[..., float | None]


def _agreements(rows: Mapping[str, Sequence[Judged]], measure: Measure) -> dict[str, dict[str, Any]]:
    """Of predicted and of sounded envelopes against the real ones, at the labelled times; floors beside them."""
    ours = rows["cross-validated"]
    real = [measure(one.seen.real, time_s) for one in ours for time_s in one.labels_s]
    known = [value for value in real if value is not None]
    table = {
        f"{name}, predicted": _agreement([measure(one.predicted, t) for one in judged for t in one.labels_s], real)
        for name, judged in rows.items()
    }
    sounded = [measure(one.sounded, t) for one in ours for t in one.labels_s]
    table["cross-validated, sounded from the bank"] = _agreement(sounded, real)
    table["floor: always the mean"] = _agreement([float(np.mean(known))] * len(real), real)
    shuffled = list(np.random.default_rng(0).permutation(np.array(known)))
    table["floor: a random other hit"] = _agreement(shuffled, known)
    return table


def _agreement(ours: Sequence[float | None], real: Sequence[float | None]) -> dict[str, Any]:
    found = hits.agreement(ours, real)
    return {"pairs": found.pairs, "error": found.error, "correlation": found.correlation}


def _materials(judged: Sequence[Judged]) -> dict[str, Any]:
    truth = [name for one in judged for name, _ in one.materials]
    guess = [name for one in judged for _, name in one.materials]
    present = sorted(set(truth))
    confusion = hits.confusion_matrix(truth, guess, MATERIALS)
    return {
        "class_average_accuracy": hits.class_average_accuracy(confusion),
        "accuracy": hits.accuracy(confusion),
        "hits": len(truth),
        "classes_present": len(present),
        "confusion": {
            name: {MATERIALS[k]: int(count) for k, count in enumerate(confusion[MATERIALS.index(name)]) if count}
            for name in present
        },
    }


def _chance(judged: Sequence[Judged]) -> dict[str, float]:
    truth = [name for one in judged for name, _ in one.materials]
    present = sorted(set(truth))
    return {
        "one_of_17": 1 / len(MATERIALS),
        "one_of_those_present": 1 / len(present),
        "always_the_most_frequent_accuracy": max(truth.count(name) for name in present) / len(truth),
    }


EVALUATIONS: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    "hits": evaluate_hits,
    "hit-bank": evaluate_hit_bank,
    "ambient": evaluate_ambient,
    "selector": evaluate_selector,
    "sounds": evaluate_sounds,
    "wild": evaluate_wild,
    "speech": evaluate_speech,
    "typed-words": evaluate_typed_words,
    "router": evaluate_router,
    "texture": evaluate_texture,
    "soundnet": evaluate_soundnet,
    "l3": evaluate_l3,
    "ave": evaluate_ave,
    "avol": evaluate_avol,
    "localizer": evaluate_localizer,
    "crossmodal": evaluate_crossmodal,
    "music": evaluate_music,
}

FURTHER_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "speech": frozenset({"voice", "beside"}),
    "ambient": frozenset({"beside"}),
    "typed-words": frozenset({"voice"}),
    "soundnet": frozenset({"beside"}),
    "localizer": frozenset({"beside"}),
    "crossmodal": frozenset({"beside"}),
    "sounds": frozenset({"seeds", "classes", "knobs"}),
    "wild": frozenset({"beside"}),
}
"""Names of further arguments that an evaluation understands."""

WITHOUT_DATA: Final = frozenset({"sounds"})
"""Those that can measure without a folder of clips."""
