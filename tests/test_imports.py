"""The import graph, file by file: no circles, not even for the type checker, and nothing up the stairs."""

from __future__ import annotations

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

from tests.support.paths import ROOT

PACKAGES = ("synth", "workers", "web")
MOST_FILES, MOST_LINES = 18, 420


def imports_of(*packages: str) -> dict[str, set[str]]:
    """Module -> the modules of ours that it imports, anywhere in the file."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def loop_in(imports: dict[str, set[str]]) -> str | None:
    """A circle, written out, or ``None``."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return " imports ".join(reversed(error.args[1]))
    return None


@pytest.fixture(scope="module")
def ours() -> dict[str, set[str]]:
    return imports_of(*PACKAGES)


def test_no_circles(ours: dict[str, set[str]]) -> None:
    assert loop_in(ours) is None


def test_a_planted_circle_is_found_and_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("from planted import two\n")
    (package / "two.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from planted import three\n"
    )
    (package / "three.py").write_text("def late():\n    from planted.one import x\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = loop_in(imports_of("planted"))
    sys.modules.pop("planted", None)
    assert found is not None
    assert {"planted.one", "planted.two", "planted.three"} == set(found.split(" imports "))


def test_imports_go_down_only(ours: dict[str, set[str]]) -> None:
    rank = {name: number for number, name in enumerate(PACKAGES)}
    upward = [
        f"{module} imports {other}"
        for module, others in ours.items()
        for other in others
        if rank[other.split(".")[0]] > rank[module.split(".")[0]]
    ]
    assert upward == []


def test_folders_and_files_stay_small() -> None:
    for package in PACKAGES:
        for folder in {file.parent for file in (ROOT / package).rglob("*.py")}:
            files = sorted(folder.glob("*.py"))
            assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} has {len(files)} files"
            for file in files:
                lines = len(file.read_text(encoding="utf-8").splitlines())
                assert lines <= MOST_LINES, f"{file.relative_to(ROOT)} has {lines} lines"


def test_the_contracts_are_kept() -> None:
    """Those of pyproject.toml, as `make check` holds them."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter], capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0, done.stdout
