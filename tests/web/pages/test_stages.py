"""What a job says that it is doing: every stage has words on the pages and a share of the bar."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from web.pages import filters
from workers import attempt
from workers.uploads.sources import STORING

TELLS = {"progress", "_progress", "_enter", "_report"}
"""Functions that are told a stage first."""
NO_JOBS = {"cli", "training", "evaluation", "benchmarks", "data", "sampler"}
"""Rooms of the library whose progress is a terminal's, or one of samples."""


def sources() -> Iterator[Path]:
    for file in sorted([*(ROOT / "workers").rglob("*.py"), *(ROOT / "synth").rglob("*.py")]):
        if not NO_JOBS & set(file.relative_to(ROOT).parts):
            yield file


def stages_told(file: Path) -> set[str]:
    """Stages that a file names: words, and constants of the file itself."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(target := node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    said: list[ast.expr] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        said += [keyword.value for keyword in node.keywords if keyword.arg == "stage"]
        if _name(node.func) in TELLS:
            said += node.args[:1]
        elif _name(node.func) == "partial" and _name(node.args[0]) in TELLS:
            said += node.args[1:2]
    words = [one.value if isinstance(one, ast.Constant) else constants.get(_name(one) or "") for one in said]
    return {word for word in words if isinstance(word, str) and word}


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def told() -> set[str]:
    return set().union(*(stages_told(file) for file in sources()))


def test_the_walk_finds_what_is_told_in_every_way() -> None:
    assert {"fetch", "load", "route", "look", "faces", "render", "write", "describe", "draw", "bed", "store"} <= told()


def test_every_stage_of_a_job_has_words() -> None:
    assert told() | {STORING} <= set(filters.STAGES)


def test_looking_for_faces_moves_the_bar_as_looking_does() -> None:
    assert attempt._SPANS_OF["speech"]["faces"] == attempt.SPANS["look"]
    assert attempt.ROUTED_SPANS["faces"] == attempt.ROUTED_SPANS["look"]


@pytest.mark.parametrize("mode", ["hits", "speech", "ambient", "auto", "overlay"])
def test_every_share_of_the_bar_has_words(mode: str) -> None:
    spans = attempt._SPANS_OF.get(mode, attempt.SPANS)
    assert set(spans) <= set(filters.STAGES)
