"""docker-compose.yml, Dockerfile and what they are made from, as far as it can be held without a container engine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts import five_services, generate
from tests.support.paths import ROOT
from tests.support.servers import postgres_programs, weed

FILLED = {"POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "s"}
SCHEMA = "check_jsonschema"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return five_services.read_compose(FILLED)


def test_it_keeps_to_the_compose_specification(compose: dict[str, Any]) -> None:
    """The schema is the specification's own, as a linter's package ships it."""
    found = importlib.util.find_spec(SCHEMA)
    if found is None or found.origin is None:
        pytest.skip(f"{SCHEMA} is not installed")
    schema = Path(found.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate({**compose, "x-ok": True}, json.loads(schema.read_text()))
    broken = {**compose, "services": {**compose["services"], "web": {"ports": {"a": 1}}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(schema.read_text()))


def test_only_the_web_is_published_and_only_to_this_machine(compose: dict[str, Any]) -> None:
    published = {name: spec["ports"] for name, spec in compose["services"].items() if "ports" in spec}
    assert published == {"web": ["127.0.0.1:8080:8080"]}
    assert compose["networks"]["inside"] == {"internal": True}
    assert all("network_mode" not in spec and spec["networks"] for spec in compose["services"].values())
    assert [name for name, spec in compose["services"].items() if "outside" in spec["networks"]] == ["web"]


def test_every_service_has_a_check_time_to_stop_and_a_place_for_its_data(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"web", "worker", "worker-cpu", "redis", "postgres", "s3"}
    for name, spec in compose["services"].items():
        assert spec["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        assert spec["stop_grace_period"] == "60s", name
        assert spec["restart"] == "unless-stopped", name
        (volume,) = spec["volumes"]
        assert volume.split(":")[0] in compose["volumes"], name


def test_the_broker_remembers_evicts_nothing_and_asks_for_its_password(compose: dict[str, Any]) -> None:
    redis = compose["services"]["redis"]
    command = redis["command"][-1]
    for wanted in ("--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction", "--requirepass"):
        assert wanted in command
    assert "'r'" not in command, "the password stands in the environment, not in the command"
    assert redis["environment"] == {"REDIS_PASSWORD": "r"}


def test_a_gpu_for_one_worker_none_for_the_other(compose: dict[str, Any]) -> None:
    services = compose["services"]
    (device,) = services["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert "deploy" not in services["worker-cpu"]
    assert (services["worker"]["profiles"], services["worker-cpu"]["profiles"]) == (["gpu"], ["cpu"])
    named = five_services.read_compose({**FILLED, "TORCH_INDEX": "https://wheels.example/cpu"})["services"]
    assert named["worker-cpu"]["build"]["args"] == {"TORCH_INDEX": "https://wheels.example/cpu"}


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    for missing in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "S3_SECRET_KEY"):
        with pytest.raises(SystemExit, match=missing):
            five_services.read_compose({**FILLED, missing: ""})
    assert "SONORIZE_API_KEYS" not in compose["services"]["web"]["environment"]


def test_the_web_cannot_be_opened_to_the_network_without_keys(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from web import cli

    for name, value in compose["services"]["web"]["environment"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SONORIZE_DATA_DIR", str(tmp_path))
    assert cli.main(compose["services"]["web"]["command"]) == 2
    assert "no API keys are set" in capsys.readouterr().err


def test_the_images_it_builds_exist_in_the_dockerfile(compose: dict[str, Any]) -> None:
    text = (ROOT / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE))
    assert {spec["build"]["target"] for spec in compose["services"].values() if "build" in spec} <= stages
    assert text.count("USER sonorize") == 2
    defaults = [json.loads(found) for found in re.findall(r"^CMD (.+)$", text, re.MULTILINE)]
    assert defaults == [compose["services"]["web"]["command"], compose["services"]["worker"]["command"]]


def test_what_the_images_copy_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        # What another stage made need not be let through.
        if line.startswith("COPY ") and not line.startswith(("COPY . ", "COPY --from=")):
            assert set(line.split()[1:-1]) <= let_through
    assert {"synth", "web", "workers", "pyproject.toml", "README.md", "LICENSE"} <= let_through
    assert all((ROOT / name).exists() for name in let_through)


def test_made_files_are_up_to_date() -> None:
    for file, text in generate.documents().items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name}: run python -m scripts.generate"


def test_nothing_that_the_web_installs_asks_for_torch() -> None:
    """Of what the web's list names, and of what that asks for, as far as it is installed here."""
    seen: set[str] = set()
    left = [generate.bare(line) for line in generate.requirements().splitlines() if not line.startswith("#")]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += [generate.bare(entry) for entry in _requires(name) if "extra ==" not in entry]
    assert {"flask", "werkzeug", "kombu"} <= seen
    assert not seen & {"torch", "torchvision", "torchaudio"}


def _requires(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []  # for another system or Python


@pytest.mark.slow
def test_the_webs_image_works_in_a_clean_environment_without_torch(tmp_path: Path) -> None:
    """The Dockerfile's own steps for the web, in a virtual environment."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    copy = tmp_path / "build"
    for name in ("constraints.txt", "requirements-web.txt", "pyproject.toml", "README.md", "LICENSE"):
        copy.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for name in ("synth", "web", "workers"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, "-c", "constraints.txt", "-r", "requirements-web.txt"], cwd=copy, check=True)
    subprocess.run([*pip, "--no-deps", "."], cwd=copy, check=True)
    program = (
        "import importlib.util as u; assert u.find_spec('torch') is None\n"
        "from pathlib import Path\n"
        "from web.app import create_app\n"
        "from workers.settings import embedded\n"
        "app = create_app(embedded(Path('data')))\n"
        "with app.test_client() as client:\n"
        "    for page in ('/', '/gallery', '/docs', '/v1/openapi.json', '/readyz'):\n"
        "        assert client.get(page).status_code == 200, page\n"
    )
    subprocess.run([str(python), "-c", program], cwd=tmp_path, check=True)
    sonorize = [str(tmp_path / "venv" / "bin" / "sonorize"), "--help"]
    assert "serve" in subprocess.run(sonorize, cwd=tmp_path, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_a_job_goes_through_the_five_services_started_by_hand(flash_clip: Path) -> None:
    needed = [postgres_programs(), weed(), *map(shutil.which, ("redis-server", "redis-cli", "wget", "ip", "runuser"))]
    if os.getuid() != 0 or None in needed:
        pytest.skip("needs root, PostgreSQL, redis-server, SeaweedFS, wget and ip")
    command = [sys.executable, "scripts/five_services.py", "--preload", "tests.support.preload", str(flash_clip)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SONORIZE_")}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if "this needs root" in done.stderr:
        pytest.skip("this kernel gives no network of our own")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "succeeded, picture identical" in done.stdout
    assert done.stdout.count("failed before it was ready") == len(five_services.SERVICES)
    assert done.stdout.count(", exit code 0") == len(five_services.SERVICES)
