"""The settings: typed, documented, from the environment or from files that it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
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
    assert settings.database_url == f"sqlite:///{tmp_path}/with %C3%BCnicode/sonorize.db"
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


PASSWORD = "hunter2"
SLIPS = {
    "BROKER_URL": (
        ("redis://:hunter2/x@host:6379/0", "ends it early; write / as %2F"),
        ("redis://:12/hunter2@host/0", "ends it early"),
        ("redis://:hunter2#x@host:6379/0", "# as %23"),
        ("redis://:x?hunter2@host:6379/0", "? as %3F"),
        ("redis://:hunter2[x@host:6379/0", "write them as %5B"),
        ("redis://:hunter2@host:6379/sonorize", "the database at the end must be a number"),
        ("redis://:hunter2@host:6379/-1", "must be a number"),
        ("redis://:hunter2@host:port/0", "the port must be a number"),
        ("redis://:hunter2@host:99999/0", "the port must be a number"),
        ("redis://:hunter2@host:0/0", "the port must be a number"),
        ("redis://:hunter2@:6379/0", "the host is missing"),
        ("redis://:hunter2@a host/0", "a space"),
        ("redis://:hunter2@host:6379/0\n", "a line break"),
        ("reddis://:hunter2@host:6379/0", "begins with reddis://; allowed is redis://"),
        ("amqp://me:hunter2@host", "begins with amqp://"),
        ("hunter2", "is no address"),
        ("redis:hunter2@host", "is no address"),
        ("redis+socket://hunter2/broker.sock", "the socket's path"),
        ("redis+socket:///x/broker.sock?virtual_host=hunter2", "must be a number"),
        ("redis+socket:///x/broker.sock?hunter2=1", "allowed are virtual_host"),
    ),
    "DATABASE_URL": (
        ("postgresql://me:hunter2/x@host/name", "ends it early"),
        ("postgresql://me:hunter2@x@host/name", "@ as %40"),
        ("postgresql://me:hunter2@host:port/name", "the port must be a number"),
        ("postgresql://me:hunter2@host", "the database's name is missing"),
        ("postgresql://me:hunter2@/name", "the host is missing"),
        ("mysql://me:hunter2@host/name", "begins with mysql://; allowed is sqlite:///FILE and postgresql://"),
        ("sqlite://hunter2.db", "a third / and the file's path"),
        ("hunter2.db", "is no address"),
    ),
    "STORAGE_URL": (
        ("s3://key:hunter2@bucket", "SONORIZE_S3_SECRET_KEY"),
        ("s3://bucket/hunter2", "the name of a bucket"),
        ("s3://?endpoint=http://s3:8333", "the name of a bucket"),
        ("s3://bucket?hunter2=http://s3:8333", "allowed are endpoint, region, public"),
        ("s3://bucket?endpoint=hunter2:8333", "is no address; allowed is http://HOST:PORT as endpoint"),
        ("s3://bucket?endpoint=http://hunter2:port", "the port must be a number"),
        ("file://hunter2", "a third / and the folder's path"),
        ("ftp://me:hunter2@host/", "begins with ftp://"),
    ),
}


@pytest.mark.parametrize(("name", "url", "said"), [(name, *slip) for name, slips in SLIPS.items() for slip in slips])
def test_a_slip_in_an_address_stops_the_start_with_one_sentence_without_the_password(
    name: str, url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from web import cli

    monkeypatch.setenv(f"SONORIZE_{name}", url)
    for command in (["serve", "--data", str(tmp_path), "--port", "0"], ["worker", "--data", str(tmp_path)], ["doctor"]):
        assert cli.main(command) == 2
        told = capsys.readouterr()
        assert said in told.err
        assert f"setting SONORIZE_{name}: " in told.err
        # Threads of earlier tests may log beside it.
        assert len([line for line in told.err.splitlines() if line.startswith("error: ")]) == 1
        assert PASSWORD not in told.err + told.out
    with pytest.raises(OptionError) as caught:
        from_environment()
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("BROKER_URL", "redis://:p%2Fw%40%23@redis:6379/0"),
        ("BROKER_URL", "redis://host"),
        ("BROKER_URL", "rediss://user:pw@[::1]:6380/15?ssl_cert_reqs=required"),
        ("BROKER_URL", "redis+socket:///run/a folder/broker.sock?virtual_host=3"),
        ("DATABASE_URL", "postgresql://me:p%40w@host:5432/name?sslmode=require"),
        ("DATABASE_URL", "postgresql://me@/name?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql+psycopg://me@host/name"),
        ("DATABASE_URL", "sqlite:///relative.db"),
        ("DATABASE_URL", "sqlite:////data/a%23folder/x.db"),
        ("STORAGE_URL", "s3://bucket"),
        ("STORAGE_URL", "s3://bucket?endpoint=http://s3:8333&region=us-east-1&public=https://files.example.org"),
        ("STORAGE_URL", "file:///data/a%20folder"),
    ],
)
def test_addresses_as_they_are_documented_pass(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SONORIZE_{name}", url)
    assert getattr(from_environment(), name.lower()) == url


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
