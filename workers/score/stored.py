"""Scores and parts of takes as they lie in the storage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from synth.errors import OptionError
from synth.score.score import HITS_STEM, LAYER_STEM, Score, parse
from workers.errors import StorageError
from workers.files.storage import Storage
from workers.jobs import Job


def score_of(storage: Storage, job: Job, entry: Mapping[str, Any]) -> Score:
    """The score of a take as it was made.

    Args:
        entry: the take, as the job's result has it.

    Raises:
        OptionError: none is kept: the take is of an older release, or was cancelled.
        StorageError: the storage cannot be reached, or the score is damaged.
    """
    key = entry.get("score_key")
    if key is None:
        raise OptionError("no score is kept of this take: it was made by an older release, or was canceled")
    raw = b"".join(storage.read(str(key)))
    try:
        told = json.loads(raw)
        names = [str(stem["name"]) for stem in told["stems"]]
        return parse(told, duration_s=float(job.info["duration_s"]), parts=_fixed(names))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError("the score of this take is damaged") from error


def stems_of(score: Score) -> list[str]:
    """Names of the parts that are there whatever hits and layers there are."""
    return _fixed([stem.name for stem in score.stems])


def _fixed(names: list[str]) -> list[str]:
    return [name for name in names if name != HITS_STEM and not name.startswith(LAYER_STEM)]
