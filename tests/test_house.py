"""The rules of the house that no linter holds: who may start a child, read the environment, or hold code."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth import model_card, weights
from tests.support.paths import ROOT

SOURCES = sorted(path for part in ("synth", "workers", "web") for path in (ROOT / part).rglob("*.py"))
LAUNCHERS = (
    ROOT / "synth" / "media" / "ffmpeg.py",  # waits for every ffmpeg
    ROOT / "synth" / "media" / "launcher.py",  # starts it
    ROOT / "workers" / "embedded" / "services.py",  # the broker and the workers of one machine
    ROOT / "web" / "benchmarks" / "builds.py",  # another build, as people run it
)
STARTS_CHILDREN = {"subprocess", "pty", "popen2", "commands"}
STARTS_CHILDREN_IN_OS = ("system", "popen", "fork", "spawn", "posix_spawn", "exec")
BECOME_ANOTHER = (
    ROOT / "synth" / "media" / "guard.py",  # limits itself and becomes ffmpeg
    ROOT / "workers" / "embedded" / "die_with_parent.py",  # ties itself to its parent, becomes broker or worker
)
WAY_IN = ROOT / "synth" / "__init__.py"
READS_THE_ENVIRONMENT = ROOT / "workers" / "settings.py"
ABOVE = {"synth": ("workers", "web"), "workers": ("web",), "web": ()}
WITHOUT_TORCH = (
    "synth.cli.app",
    "synth.dsp",
    "synth.errors",
    "synth.materials",
    "synth.sampler.native",
    "synth.sampler.backends",
    "synth.media.audio",
    "synth.media.video",
    "synth.options",
    "synth.pipeline.sonorize",
    "synth.randomness",
    "synth.result",
    "synth.description.heat_map",
    "synth.description.texture_kinds",
    "synth.voices.ambient.voice",
    "synth.voices.base",
    "synth.voices.library.registry",
    "synth.voices.library.index_file",
    "synth.voices.hits.hit_list",
    "synth.voices.library.voice",
    "synth.weights",
    "web.app",
    "web.cli",
    "web.client.sync",
    "web.server.run",
    "web.server.http_server",
    "workers.boxes",
    "workers.embedded.supervisor",
    "workers.jobs",
    "workers.broker.queue",
    "workers.reconciler",
    "workers.settings",
    "workers.files.storage",
)


def _tree(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _of_os(tree: ast.Module) -> Iterator[str]:
    """Names taken from the module os, as attribute or by import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_file_obeys_the_house(source: Path) -> None:
    tree = _tree(source)
    from_os = set(_of_os(tree))
    if source not in LAUNCHERS:
        assert not STARTS_CHILDREN & {name.split(".")[0] for name in _imports(tree)}
    if source not in (*LAUNCHERS, *BECOME_ANOTHER):
        assert not [name for name in from_os if name.startswith(STARTS_CHILDREN_IN_OS)]
    if source != READS_THE_ENVIRONMENT:
        assert not from_os & {"environ", "environb", "getenv", "getenvb", "putenv"}
    above = ABOVE[source.relative_to(ROOT).parts[0]]
    assert not [name for name in _imports(tree) if name.split(".")[0] in (*above, "pickle")]
    assert ast.get_docstring(tree), "a file begins by saying what it is"
    if source == WAY_IN:
        assert _only_exports_lazily(tree), "synth/__init__.py holds a docstring, a table and a lazy __getattr__"
    elif source.name == "__init__.py":
        assert len(tree.body) == 1, "__init__.py holds a docstring and no code"


def _only_exports_lazily(tree: ast.Module) -> bool:
    """Whether there is nothing beside a docstring, constants, importlib and the functions that modules may have."""
    docstring, *rest = tree.body
    allowed: list[bool] = [isinstance(docstring, ast.Expr)]
    for node in rest:
        if isinstance(node, ast.FunctionDef):
            allowed.append(node.name in ("__getattr__", "__dir__"))
        else:
            allowed.append(
                isinstance(node, ast.Assign) or (isinstance(node, ast.ImportFrom) and node.module == "importlib")
            )
    return all(allowed)


def test_the_way_in_loads_nothing_until_it_is_used() -> None:
    program = (
        "import sys, synth\n"
        "assert [name for name in sys.modules if name.startswith('synth')] == ['synth']\n"
        "assert 'sonorize' in dir(synth)\n"
        "assert synth.Options(seed=3).seed == 3\n"
        "assert callable(synth.sonorize) and 'torch' not in sys.modules\n"
        "try:\n    synth.sonorise\nexcept AttributeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "module 'synth' has no attribute 'sonorise'; it has sonorize, render_hits, Options, Mode\n"


def test_importable_without_torch() -> None:
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, f'{name} brings torch'\n"
    )
    command = [sys.executable, "-c", program, *WITHOUT_TORCH]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_job_waits_for_no_import_that_it_does_not_use() -> None:
    """A command is a process of its own: the parts of scipy take it half a second, forty stemmers a tenth."""
    program = (
        "import sys\n"
        "import synth.pipeline.sonorize, synth.voices.hits.detector, synth.voices.hits.voice\n"
        "import synth.voices.ambient.computed_voice\n"
        "print(*(name for name in sys.argv[1:] if name in sys.modules))\n"
    )
    slow = ("scipy.signal", "scipy.fft", "scipy.ndimage", "scipy.special", "scipy.stats", "snowballstemmer")
    done = subprocess.run([sys.executable, "-c", program, *slow], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_version_is_the_newest_in_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == project["version"]


def test_constraints_pin_every_direct_dependency_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {entry.split(">")[0].split("[")[0].lower() for entry in wanted} - {"sonorize"}
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(pin.count("==") == 1 for pin in pins)
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    assert names <= pinned


@pytest.mark.parametrize("document", [model_card.CARD, model_card.LEDGER])
def test_documents_made_from_the_manifest_are_up_to_date(document: str) -> None:
    wanted = model_card.documents(weights.entries())[document]
    assert (ROOT / "docs" / document).read_text(encoding="utf-8") == wanted, "run: sonorize weights card --write"


def test_the_documents_list_every_verb() -> None:
    from web.cli import app

    listed = (ROOT / "docs" / "COMMAND_LINE.md").read_text(encoding="utf-8")
    verbs = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    verbs += [group.name for group in app.registered_groups if group.name]
    assert [verb for verb in verbs if f"`sonorize {verb}" not in listed] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_ci_runs_what_people_run() -> None:
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make test || exec make again")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
