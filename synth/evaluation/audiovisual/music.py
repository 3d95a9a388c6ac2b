"""``sonorize eval music``: how well music finds its video and the other way round, as Hong et al. (ICMR 2018) ask.

They rank 1000 held-out pairs out of 200 500 from YouTube-8M. Here it is as many as the folder has videos with music;
where it has none, pairs of our own scenes that were never trained on, and then also the ceiling: a judge who knows what
the picture was drawn from, and how much was lost on the way.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from synth import weights
from synth.data.music_scenes.scenes import draw_mood, likeness, look_of
from synth.errors import OptionError
from synth.evaluation.audiovisual.music_rule import by_hand
from synth.files import write_whole
from synth.metrics.music_recall import canonical, chance, recalls
from synth.models import music_match
from synth.models.music_match import MusicMatch
from synth.training.audiovisual.music import likenesses
from synth.training.audiovisual.music_data import (
    HELD_OUT_FROM,
    HELD_OUT_PAIRS,
    SEED,
    TRAIN_PAIRS,
    Pairs,
    of_videos,
    simulated,
    simulated_if_cached,
    videos_in,
)

PAPER: Final = {
    "pairs_in_all": 200_500,
    "judged": 1000,
    "corpus": "HIMV-200K: videos of YouTube-8M labelled as music videos",
    "chance_recall_at_10": 0.01,
}
"""The paper's data. Its recall values could not be confirmed, so none is given."""
FEWEST: Final = 10


def evaluate_music(data: Path, out: Path | None) -> dict[str, Any]:
    """Recall both ways of the shipped towers, beside chance, untrained towers, a rule, and canonical correlation.

    Args:
        data: a folder of videos with music; where it holds no video, our own scenes are judged.
        out: where to write ``music.json``; pairs are kept in ``cache`` beside it.

    Raises:
        OptionError: the folder has videos, but fewer than ten that can be used.
        WeightsError: the weights are missing.
    """
    loaded = weights.load(music_match.NAME)
    model = music_match.unpack(loaded.tensors, loaded.metadata)
    cache = out.resolve().parent / "cache" if out else None
    pairs, told = _pairs(data, cache)
    rows = {
        "trained": recalls(likenesses(model, pairs)),
        "floor: chance": chance(len(pairs)),
        "floor: untrained towers": recalls(likenesses(_untrained(model), pairs)),
        "floor: rule of tempo, drums and timbre": recalls(by_hand(pairs)),
    }
    trained_on = simulated_if_cached(0, TRAIN_PAIRS, cache)
    if trained_on is not None:
        rows["floor: canonical correlation"] = recalls(canonical(trained_on, pairs))
    if told["simulated"]:
        rows["ceiling: what the pictures were drawn from"] = recalls(_perfect(len(pairs)))
    result = {**told, "pairs": len(pairs), "rows": rows, "paper": PAPER}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_whole(out / "music.json", (json.dumps(result, indent=2) + "\n").encode())
    return result


def _pairs(data: Path, cache: Path | None) -> tuple[Pairs, dict[str, Any]]:
    if not videos_in(data):
        pairs = simulated(HELD_OUT_FROM, HELD_OUT_PAIRS, cache)
        return pairs, {
            "judged_on": "held-out pairs of our own scenes, because the folder holds no videos",
            "simulated": True,
            "left_out": {},
        }
    found, left_out = of_videos(data, cache)
    if found is None or len(found) < FEWEST:
        why = f"; {next(iter(left_out.items()))}" if left_out else ""
        raise OptionError(f"{data} has {len(found) if found else 0} usable videos with music; {FEWEST} are needed{why}")
    return found, {"judged_on": "the videos of the folder", "simulated": False, "left_out": left_out}


def _untrained(model: MusicMatch) -> MusicMatch:
    """Towers as they were before training, but knowing what numbers to expect."""
    torch.manual_seed(0)
    fresh = MusicMatch(model.config)
    for mine, theirs in ((fresh.music, model.music), (fresh.picture, model.picture)):
        mine.mean.copy_(theirs.mean)
        mine.deviation.copy_(theirs.deviation)
    return fresh.eval()


def _perfect(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    moods = [draw_mood(SEED, HELD_OUT_FROM + number) for number in range(count)]
    looks = [look_of(mood) for mood in moods]
    return np.array([[likeness(look, mood) for look in looks] for mood in moods])
