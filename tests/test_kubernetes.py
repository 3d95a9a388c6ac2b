"""deploy/kubernetes: its images, commands, environment and probes are those that there are; no cluster is needed."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import five_services
from tests.support.paths import ROOT
from tests.support.web_place import place
from tests.test_compose import FILLED
from web import cli
from workers.settings import Settings

EXAMPLE = ROOT / "deploy" / "kubernetes" / "sonorize.yaml"
RUNS = ("StatefulSet", "Deployment")
USER = 10001


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    """By kind and name."""
    found = list(yaml.safe_load_all(EXAMPLE.read_text()))
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


@pytest.fixture(scope="module")
def pods(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod of whatever runs, by its name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in documents.values() if one["kind"] in RUNS
    }


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (found,) = pod["containers"]
    return dict(found)


def test_the_images_are_built_by_the_dockerfile_and_carry_this_version(pods: dict[str, dict[str, Any]]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    for pod in pods.values():
        found = re.fullmatch(r"registry\.example\.org/sonorize-(\w+):(\S+)", container(pod)["image"])
        assert found is not None
        assert found[1] in stages
        assert f"--target {found[1]}" in EXAMPLE.read_text()
        assert found[2] == version
        assert str(pod["securityContext"]["runAsUser"]) in (ROOT / "Dockerfile").read_text()


def test_the_commands_are_understood(pods: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """The entry point is `sonorize`; help is asked for behind the arguments: they are read and nothing starts."""
    assert 'ENTRYPOINT ["sonorize"]' in (ROOT / "Dockerfile").read_text()
    compose = five_services.read_compose(FILLED)["services"]
    assert container(pods["web"])["args"] == compose["web"]["command"]
    for pod in pods.values():
        arguments = container(pod)["args"]
        assert all(isinstance(one, str) for one in arguments)
        assert cli.main([*arguments, "--help"]) == 0
        shown = capsys.readouterr().out
        assert all(one in shown for one in arguments if one.startswith("--"))
    worker = container(pods["worker-gpu"])["args"]
    assert cli.main([*worker, "--mode", "nonsense"]) == 2


def test_every_mode_has_a_worker_and_one_class_of_workers_has_the_gpu(pods: dict[str, dict[str, Any]]) -> None:
    from web.uploads import forms

    modes = {name: [one for one in container(pod)["args"] if one in set(forms.MODES)] for name, pod in pods.items()}
    named = [mode for name in pods if name.startswith("worker") for mode in modes[name]]
    assert sorted(named) == sorted(forms.MODES)
    gpus = {name: container(pod)["resources"]["limits"].get("nvidia.com/gpu") for name, pod in pods.items()}
    assert gpus == {"web": None, "worker-gpu": 1, "worker-cpu": None}


def test_every_setting_is_one(documents: dict[str, dict[str, Any]], pods: dict[str, dict[str, Any]]) -> None:
    settings = {f"SONORIZE_{name.upper()}" for name in Settings.model_fields}
    configured = documents["ConfigMap/sonorize"]["data"]
    assert set(configured) <= settings
    assert all(isinstance(value, str) for value in configured.values())
    named = set(re.findall(r"SONORIZE_[A-Z0-9_]+", EXAMPLE.read_text()))
    assert named <= settings
    secret = named - set(configured)
    assert {"SONORIZE_DATABASE_URL", "SONORIZE_BROKER_URL", "SONORIZE_STORAGE_URL", "SONORIZE_API_KEYS"} <= secret
    assert not any(word in name for name in configured for word in ("SECRET", "KEY", "TOKEN", "PASSWORD"))
    for pod in pods.values():
        assert container(pod)["envFrom"] == [
            {"configMapRef": {"name": "sonorize"}},
            {"secretRef": {"name": "sonorize"}},
        ]
        mounts = {one["mountPath"]: one["name"] for one in container(pod)["volumeMounts"]}
        assert set(mounts) == {configured["SONORIZE_DATA_DIR"], "/tmp"}  # whatever else is written to is read-only
        assert container(pod)["securityContext"]["readOnlyRootFilesystem"] is True


def test_probes_ask_what_is_answered(
    documents: dict[str, dict[str, Any]], pods: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """By the number of the pod, without a key, as a kubelet asks; and with the settings of the example."""
    configured = documents["ConfigMap/sonorize"]["data"]
    names = {name.removeprefix("SONORIZE_").lower(): value for name, value in configured.items()}
    del names["data_dir"]
    web = container(pods["web"])
    (port,) = web["ports"]
    assert str(port["containerPort"]) == web["args"][web["args"].index("--port") + 1]
    keys = f"anna:{hashlib.sha256(b'x').hexdigest()}"
    with place(tmp_path / "data", api_keys=keys, **names) as here:
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = web[kind]["httpGet"]
            assert asked["port"] == port["name"]
            answer = here.client.get(asked["path"], headers={"Host": "10.1.2.3:8080"})
            assert answer.status_code == 200, answer.text
        assert here.client.get("/v1/jobs", headers={"Host": "10.1.2.3:8080"}).status_code == 400
        assert here.client.get("/v1/jobs", headers={"Host": names["trusted_hosts"]}).status_code == 401
    compose = five_services.read_compose(FILLED)["services"]
    for name in ("worker-gpu", "worker-cpu"):
        assert ["CMD", *container(pods[name])["livenessProbe"]["exec"]["command"]] == compose["worker"]["healthcheck"][
            "test"
        ]
        assert pods[name]["terminationGracePeriodSeconds"] == 60


def test_what_names_another_finds_it(documents: dict[str, dict[str, Any]], pods: dict[str, dict[str, Any]]) -> None:
    for one in documents.values():
        if one["kind"] in RUNS:
            assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
            pod = one["spec"]["template"]["spec"]
            volumes = {volume["name"] for volume in pod["volumes"]}
            volumes |= {claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", ())}
            assert {mount["name"] for mount in container(pod)["volumeMounts"]} == volumes
    labels = documents["StatefulSet/web"]["spec"]["template"]["metadata"]["labels"]
    service = documents["Service/web"]["spec"]
    assert service["selector"] == labels
    (port,) = service["ports"]
    assert port["targetPort"] == container(pods["web"])["ports"][0]["name"]
    (rule,) = documents["Ingress/web"]["spec"]["rules"]
    assert rule["host"] == documents["ConfigMap/sonorize"]["data"]["SONORIZE_TRUSTED_HOSTS"]
    (path,) = rule["http"]["paths"]
    assert path["backend"] == {"service": {"name": "web", "port": {"name": port["name"]}}}
