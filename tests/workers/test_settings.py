"""The settings: typed, documented, from the environment or from files that it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synth.errors import OptionError
from tests.support.paths import ROOT
from workers.settings import (
    PREFIX,
    SOCKET_PATH_BYTES,
    ClientSettings,
    Settings,
    broker_socket,
    embedded,
    from_environment,
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def test_the_example_documents_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    example = dict(re.findall(rf"^(?:# )?{PREFIX}([A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    assert set(example) == {name.upper() for kind in (Settings, ClientSettings) for name in kind.model_fields}
    before = from_environment()
    for name, value in example.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)
    assert from_environment() == before


def test_what_is_left_empty_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = from_environment(data_dir=tmp_path / "with ünicode")
    assert settings.database_url == f"sqlite:///{tmp_path / 'with ünicode' / 'sonorize.db'}"
    assert settings.storage_url == (tmp_path / "with ünicode" / "files").as_uri()
    assert settings.broker_url.startswith("redis+socket:///")
    assert settings.heartbeat_s == pytest.approx(settings.lease_s / 3)


def test_arguments_go_before_the_environment_and_that_before_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "port").write_text(" 7001\n")
    monkeypatch.setenv("SONORIZE_PORT_FILE", str(tmp_path / "port"))
    assert from_environment().port == 7001
    monkeypatch.setenv("SONORIZE_PORT", "7002")
    assert from_environment().port == 7002
    assert from_environment(port=7003).port == 7003
    assert from_environment(port=None).port == 7002


def test_every_setting_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = from_environment(data_dir=tmp_path, lease_s=7.5, s3_secret_key="secret", api_keys="ann:" + "0" * 64)
    for name, value in wanted.model_dump().items():
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{PREFIX}{name.upper()}_FILE", str(tmp_path / name))
    assert from_environment() == wanted


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("LEASE_S", "-1"), ("MAX_ATTEMPTS", "0"), ("MAX_UPLOAD_BYTES", "2 GB")]
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    with pytest.raises(OptionError, match=f"SONORIZE_{name}"):
        from_environment()


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SONORIZE_SECRET_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(OptionError, match="SONORIZE_SECRET_KEY_FILE"):
        from_environment()


def test_secrets_are_not_shown() -> None:
    settings = from_environment(s3_secret_key="hush", secret_key="hush", broker_url="redis://:hush@host/0")
    assert "hush" not in repr(settings)


def test_a_child_finds_the_same_settings(tmp_path: Path) -> None:
    settings = embedded(tmp_path / "data", lease_s=7.25, preload="tests.support.preload", max_attempts=9)
    program = "from workers.settings import from_environment; print(from_environment().model_dump_json())"
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=settings.environment(), cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert Settings.model_validate_json(done.stdout) == settings


def test_an_embedded_server_keeps_its_secret(tmp_path: Path) -> None:
    first = embedded(tmp_path / "data")
    assert len(first.secret_key) > 30
    assert embedded(tmp_path / "data").secret_key == first.secret_key
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o077 == 0
    assert embedded(tmp_path / "other").secret_key != first.secret_key


def test_an_embedded_server_heeds_only_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SONORIZE_DATABASE_URL", "postgresql://host/name")
    monkeypatch.setenv("SONORIZE_LEASE_S", "6")
    settings = embedded(tmp_path)
    assert settings.database_url.startswith(f"sqlite:///{tmp_path}")
    assert settings.lease_s == 6


def test_a_data_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="cannot be used"):
        embedded(tmp_path / "file")


def test_the_socket_has_a_path_that_the_kernel_takes(tmp_path: Path) -> None:
    assert broker_socket(Path("/data")) == Path("/data/broker.sock")
    deep = tmp_path / ("x" * 200)
    assert len(os.fsencode(broker_socket(deep))) <= SOCKET_PATH_BYTES
    assert broker_socket(deep) == broker_socket(deep) != broker_socket(tmp_path / ("y" * 200))
