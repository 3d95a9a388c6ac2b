"""What users install is enough: every module loads, and the broker is reached, with the runtime requirements alone.

The tests' own environment has more; here whatever the requirements do not ask for, at any depth, cannot be imported.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.support.requirements_only import normal

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN_BY_ALEMBIC = "workers.migrations.env"  # runs a migration when it is imported

CONNECTS = """
from pathlib import Path
import tempfile
from workers.broker.notifications import QueueNotifier
from workers.broker.queue import make_app
from workers.settings import embedded

with tempfile.TemporaryDirectory() as folder:
    for url in ("", "redis://host:1/0", "rediss://host:1/0"):
        with make_app(embedded(Path(folder), broker_url=url)).connection_for_write() as connection:
            assert connection.transport.Channel.connection_class is not None
"""
SERVES = """
with tempfile.TemporaryDirectory() as folder:
    from web.app import create_app
    with create_app(embedded(Path(folder))).test_client() as client:
        for page in ("/", "/gallery", "/docs", "/v1/openapi.json", "/readyz", "/metrics"):
            assert client.get(page).status_code == 200, page
"""


def closure(requirements: Iterable[str]) -> set[str]:
    """The distributions that requirements ask for, with all that those ask for here."""
    asked: dict[str, set[str]] = {}
    left = [Requirement(one) for one in requirements]
    while left:
        one = left.pop()
        name = normal(one.name)
        if one.extras <= asked.get(name, set()) and name in asked:
            continue
        extras = asked[name] = asked.get(name, set()) | one.extras
        for line in importlib.metadata.requires(name) or []:
            further = Requirement(line)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                left.append(further)
    return set(asked)


def modules(*packages: str) -> list[str]:
    """All modules of some packages of this project."""
    paths = [
        path.relative_to(ROOT).with_suffix("") for part in packages for path in sorted((ROOT / part).rglob("*.py"))
    ]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if path.name not in ("__main__", "env")]


def failures(requirements: Iterable[str], names: list[str], program: str) -> dict[str, str]:
    """Module -> the package that it lacks."""
    asked = {"distributions": sorted(closure(requirements)), "modules": names, "program": program}
    command = [sys.executable, "-m", "tests.support.requirements_only"]
    done = subprocess.run(
        command, input=json.dumps(asked), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_every_module_loads_with_what_users_install() -> None:
    assert failures(PROJECT["dependencies"], modules("synth", "workers", "web"), CONNECTS + SERVES) == {}


def test_the_web_loads_with_what_its_image_installs() -> None:
    lines = (ROOT / "requirements-web.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if not line.startswith("#")]
    assert failures(requirements, modules("web"), CONNECTS + SERVES) == {}
