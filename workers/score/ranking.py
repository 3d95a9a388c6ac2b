"""The takes of a job by how well they go with the picture, those that came from a score among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def ranked(result: Mapping[str, Any]) -> dict[str, Any]:
    """A job's result with its takes ranked anew by their distance from the picture; takes that were not described have
    no rank. Unchanged where nothing was described.
    """
    told = result.get("description")
    if not told or not told.get("described"):
        return dict(result)
    described = [one for one in result["outputs"] if one.get("description")]
    order = [int(one["take"]) for one in sorted(described, key=lambda one: float(one["description"]["distance"]))]
    outputs = [_placed(one, order) for one in result["outputs"]]
    return {**result, "outputs": outputs, "description": {**told, "ranking": order}}


def _placed(entry: Mapping[str, Any], order: Sequence[int]) -> Mapping[str, Any]:
    if not entry.get("description"):
        return entry
    return {**entry, "description": {**entry["description"], "rank": order.index(int(entry["take"])) + 1}}
