"""How well ``mode=auto`` chooses, on clips of three kinds: hits of Greatest Hits, speech of GRID, and wild ones.

The wild clips are third-party footage: none is in the project. Their labels stand below by file name, given by looking
at six frames of each clip and at its name, not by listening: what a person would want of the three voices. "Neither" is
what sounds as no voice here does: instruments that are blown, bowed or plucked, singing, guns, an alarm.

The weights in :mod:`synth.routing.router` were fitted on the clips of one half, "tuned on"; those of the other half,
"held out", were not, but the measures that are weighed were chosen in view of all of them. Clips of one source video
are in one half.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from synth.data.corpora import greatest_hits
from synth.errors import OptionError
from synth.files import write_whole
from synth.media import video
from synth.metrics.hits import wilson_interval
from synth.routing.router import VOICES, Route, route_clip

WILD: Final[dict[str, tuple[str, ...]]] = {
    "hits": (
        "aset_QhFtABqY9cs_220000",
        "aset_s9d-2nhuJCQ_30000",
        "avs15_sharpen_knife",
        "avs15_striking_bowling",
        "derpo_IcmAVLJQAXs",
        "fc_vggsound_0",
        "fc_vggsound_3",
        "sonic_2d41lt8R79k_0071_0081_target",
        "sonic_2x7moYmJu9A_0127_0137_target",
        "sonic_3Q56DpBv5gE_0007_0017_target",
        "sonic_ci8sj1HmskI_0012_0022_target",
        "sonic_dKpyqhjFu14_0001_0011_target",
        "sonic_eJqwL1utI9U_0006_0016_target",
        "vas_drum_video_02480",
        "vas_hammer_video_00323",
        "vggs_-Qowmc0P9ic_34000_44000",
        "vggs_D1NO38P8vqI_284000_294000",
        "vta_-BAKe6QGTUk_000030",
        "vta_0Bp8c3PfAAA_000053",
    ),
    "ambient": (
        "aset_-HAoExLVs6Q_380000",
        "aset_0mZQ6Q-viPw_10000",
        "aset_rZfSTca9wCw_210000",
        "aset_rxhnnJ_hJyk_30000",
        "aset_vRPCcapAWeg_40000",
        "avs15_chicken_crowing",
        "avs15_frog_croaking",
        "avs15_lions_roaring",
        "derpo_LC4vDpnkDtM",
        "derpo_njodYtK0Hqg",
        "fc_avsync_0",
        "fc_vggsound_1",
        "fc_vggsound_2",
        "mma_F8Zt3mYlOqU_000094",
        "sonic_cclR4JDZGPI_0023_0033_target",
        "v2am_baby-laugh_gt",
        "v2am_football_gt",
        "v2am_snowdrive_gt",
        "vas_baby_video_01951",
        "vas_cough_video_00331",
        "vas_dog_video_02677",
        "vggs_-1pRmoJIGQc_10000_20000",
        "vggs_0nib7bMm8BA_15000_25000",
        "vggs_1aDnyPubxdY_118000_128000",
        "vggs_3JYjNHFJfO4_363000_373000",
        "vggs_7fRaV39Y-2o_50000_60000",
        "vggs_7tMPoaU2oL4_0_10000",
        "water_K87g4RvO-9k_254.0_259.0",
        "water_biDn0Gi6V8U_7.0_15.0",
        "water_goWgiQQMugA_2.5_9.0",
    ),
    "speech": (
        "aset_2VjbDttFK44_540000",
        "aset_80nWT6sboTo_60000",
        "mma_0B4dYTMsgHA_000130",
    ),
    "neither": (
        "aset_-ByoSbgzr4M_0",
        "aset__cYiqHDZGQk_60000",
        "aset_bAJrcYJgllE_30000",
        "avs15_cap_gun_shooting",
        "avs15_machine_gun_shooting",
        "avs15_playing_cello",
        "avs15_playing_trombone",
        "avs15_playing_trumpet",
        "derpo_zNuT6b5vAnU",
        "fc_avsync_1",
        "v2am_rel_5_r",
        "v2am_rel_6_r",
        "v2am_rock-concert_gt",
        "vas_fireworks_video_02997",
        "vas_gun_video_00819",
        "vggs_3HgbEKrbA9s_54000_64000",
        "vggs_54bz5yqN2IA_4000_14000",
        "vggs_6zlMP_kQ_-w_30000_40000",
        "vta_-26aVYRtEAc_000030",
    ),
}
"""What a person would want -> the wild clips."""

NEITHER: Final = "neither"
GRID_CLIPS: Final = 20
"""So many of GRID's validation sentences are looked at, the first by name."""

BINS: Final = 5
REPORT: Final = "router.json"
HALVES: Final = ("tuned on", "held out")


@dataclass(frozen=True)
class Item:
    """One clip: where it is from, what is wanted of it, and which half it is in (0 or 1)."""

    file: Path
    corpus: str
    label: str
    half: int


@dataclass(frozen=True)
class Judged:
    """A clip and what the router made of it, with the seconds that it took and the clip lasts."""

    item: Item
    route: Route
    spent_s: float
    duration_s: float


def evaluate_router(data: Path, out: Path | None) -> dict[str, Any]:
    """The confusion table, how far the probabilities mean something, what it costs, and the clips that it gets wrong.

    Args:
        data: a folder that holds ``greatest_hits``, ``grid`` and ``wild``, or some of them.
        out: a folder for ``router.json``, the same report with every clip's answer.

    Raises:
        OptionError: none of the clips is there.
        MediaError: a clip cannot be read, or the report not be written.
        WeightsError: weights are missing or damaged.
    """
    items = find(data)
    if not items:
        raise OptionError(f"{data} holds no clip in greatest_hits, grid or wild")
    judged = [_judge(item) for item in tqdm(items, desc="clips", unit="clip", disable=None)]
    result = report(judged)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        clips = {one.item.file.stem: _told(one) for one in judged}
        write_whole(out / REPORT, json.dumps({**result, "clips_one_by_one": clips}, indent=2).encode())
    return result


def find(data: Path) -> list[Item]:
    """The clips that are there, in order of corpus and name."""
    return [*_hits(data / "greatest_hits"), *_speech(data / "grid"), *_wild(data / "wild")]


def _hits(folder: Path) -> list[Item]:
    if not folder.is_dir():
        return []
    clips = greatest_hits.load(folder)
    halves = _halves(clip.group for clip in clips)
    return [Item(clip.video, "greatest_hits", "hits", halves[clip.group]) for clip in clips]


def _speech(folder: Path) -> list[Item]:
    listed = folder / "s1_val.txt"
    if not listed.is_file():
        return []
    names = sorted(listed.read_text(encoding="utf-8").split())[:GRID_CLIPS]
    halves = _halves(names)
    return [Item(folder / "s1" / f"{name}.mkv", "grid", "speech", halves[name]) for name in names]


def _wild(folder: Path) -> list[Item]:
    items = []
    for label, names in WILD.items():
        halves = _halves(names)
        files = [folder / f"{name}.mkv" for name in names]
        items += [Item(file, "wild", label, halves[file.stem]) for file in files if file.is_file()]
    return items


def _halves(groups: Iterable[str]) -> dict[str, int]:
    """Every other one, in order of name."""
    return {group: number % 2 for number, group in enumerate(sorted(set(groups)))}


def _judge(item: Item) -> Judged:
    begin = time.perf_counter()
    info = video.probe(item.file)
    return Judged(item, route_clip(item.file, info, VOICES), time.perf_counter() - begin, info.duration_s)


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """The figures of clips that were judged."""
    wanted = [one for one in judged if one.item.label != NEITHER]
    return {
        "clips": dict(Counter(f"{one.item.corpus}: {one.item.label}" for one in judged)),
        "halves": {name: _half([one for one in wanted if one.item.half == half]) for half, name in enumerate(HALVES)},
        "confusion": _confusion(judged),
        "confusion_wild": _confusion([one for one in judged if one.item.corpus == "wild"]),
        "always_the_most_frequent": max(Counter(one.item.label for one in wanted).values(), default=0)
        / max(1, len(wanted)),
        "calibration": calibration(wanted),
        "several_ranges": sum(len(one.route.ranges) > 1 for one in judged),
        "seconds_per_10_s_of_clip": 10 * sum(one.spent_s for one in judged) / sum(one.duration_s for one in judged),
        "wrong": {one.item.file.stem: _told(one) for one in wanted if not _right(one)},
    }


def _half(judged: Sequence[Judged]) -> dict[str, Any]:
    right = sum(map(_right, judged))
    interval = wilson_interval(right, len(judged))
    return {
        "n": len(judged),
        "right": right,
        "accuracy": right / len(judged) if judged else None,
        "accuracy_95": [interval.low, interval.high] if interval else None,
        "confusion": _confusion(judged),
    }


def _confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """What it is -> what it was taken for -> how many."""
    table: dict[str, Counter[str]] = {}
    for one in judged:
        table.setdefault(one.item.label, Counter())[one.route.mode.value] += 1
    return {label: dict(row) for label, row in sorted(table.items())}


def calibration(judged: Sequence[Judged]) -> list[dict[str, float]]:
    """Of clips whose answer was about so probable, how many were right."""
    bins: dict[int, list[Judged]] = {}
    for one in judged:
        bins.setdefault(min(BINS - 1, int(_sure(one) * BINS)), []).append(one)
    return [
        {
            "n": len(members),
            "probability": sum(map(_sure, members)) / len(members),
            "right": sum(map(_right, members)) / len(members),
        }
        for _, members in sorted(bins.items())
    ]


def _right(one: Judged) -> bool:
    return one.route.mode.value == one.item.label


def _sure(one: Judged) -> float:
    return one.route.probabilities[one.route.mode]


def _told(one: Judged) -> dict[str, Any]:
    return {"label": one.item.label, "half": HALVES[one.item.half], **one.route.as_json()}
