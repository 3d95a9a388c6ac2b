"""Data folders with odd names, a spool that is taken away, a database that is damaged, errors that name no path."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from synth import weights
from synth.options import Mode
from synth.pipeline.modes import LEARNT
from synth.voices.ambient.learnt_voice import LearntVoice
from tests.support.serving import serving
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from web.client.sync import Client
from web.server.http_server import SMALL_BODY
from workers import database, redaction
from workers.embedded.supervisor import Embedded
from workers.errors import DatabaseDamaged
from workers.settings import broker_socket, embedded

ODD_NAMES = ("50%", "100%20", "a#b", "what?", "%d take #1? é&=+;")


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.mark.parametrize("name", ODD_NAMES)
def test_addresses_in_a_data_folder_with_an_odd_name(name: str, flash_clip: Path, flash_voice: FlashVoice) -> None:
    with tempfile.TemporaryDirectory(prefix="sonorize-") as parent, place(Path(parent) / name) as here:
        job = here.sent(flash_clip, mode="hits")
        here.work()
        assert here.client.get(job["links"]["self"]).get_json()["status"] == "succeeded"
        assert sorted(path.name for path in Path(parent).iterdir()) == [name]
        there = {path.name for path in (Path(parent) / name).iterdir()}
        assert {"sonorize.db", "files", "spool", "work"} <= there
        assert here.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("name", ["50% #1? é"])
def test_jobs_run_in_a_data_folder_with_an_odd_name(name: str, flash_clip: Path) -> None:
    """The whole server, with its broker on a socket in that folder."""
    with (
        tempfile.TemporaryDirectory(prefix="s-") as parent,
        serving("--search-workers", "0", data=Path(parent) / name) as server,
    ):
        with Client(server.address) as client:
            job = client.wait(client.create(flash_clip, {"mode": "hits"})["id"])
            assert (job["status"], job["error"]) == ("succeeded", None)
            target = Path(parent) / "result.mp4"
            client.download(job["outputs"][0]["links"]["video"], target)
            assert target.stat().st_size > 0
        assert httpx.get(f"{server.address}/readyz").json()["checks"]["broker"] == "ok"


def test_the_embedded_broker_knows_its_own_address(tmp_path: Path) -> None:
    settings = embedded(tmp_path / "a?b")
    assert settings.broker_url.count("?") == 0
    services = Embedded(settings, workers=0)
    assert services.broker is not None
    assert broker_socket(settings.data_dir).parent in (settings.data_dir, services.broker.socket.parent)
    services.stop()


def test_a_spool_that_is_taken_away_is_made_again(here: Place, flash_clip: Path) -> None:
    shutil.rmtree(here.settings.spool_dir)
    assert here.send(flash_clip).status_code == 202
    shutil.rmtree(here.settings.spool_dir)
    assert here.client.get("/readyz").status_code == 200
    assert here.settings.spool_dir.is_dir()


def test_a_spool_that_cannot_be_used_is_reported(here: Place, flash_clip: Path) -> None:
    shutil.rmtree(here.settings.spool_dir)
    here.settings.spool_dir.write_text("in the way")
    problem(here.send(flash_clip), 503, "unavailable")
    told = here.client.get("/readyz")
    assert (told.status_code, told.get_json()["checks"]["spool"]) == (503, "away")
    here.settings.spool_dir.unlink()
    assert here.client.get("/readyz").status_code == 200


def test_a_large_body_arrives_although_its_folder_is_gone(flash_clip: Path) -> None:
    """waitress keeps a large body in the spool before any view runs."""
    with serving("--workers", "0") as server:
        shutil.rmtree(server.data / "spool")
        large = flash_clip.read_bytes() + bytes(2 * SMALL_BODY)
        answer = httpx.post(f"{server.address}/v1/probe", files={"file": ("a.mp4", large)}, timeout=30)
        assert answer.status_code == 200, answer.text


def test_a_half_damaged_database_is_reported(
    tmp_path: Path, flash_clip: Path, flash_voice: FlashVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "EXAMINE_EVERY_S", 0.0)
    monkeypatch.setattr(database, "EXAMINING_SHARE", 1e9)
    with place(tmp_path / "data") as here:
        for _ in range(8):
            here.sent(flash_clip)
    with place(tmp_path / "data") as here:  # closed once, all is in the one file
        assert here.client.get("/readyz").status_code == 200
        file = tmp_path / "data" / "sonorize.db"
        whole = file.read_bytes()
        damaged = bytearray(whole)
        damaged[len(damaged) // 2 :] = b"\xa5" * (len(damaged) - len(damaged) // 2)
        file.write_bytes(damaged)
        told = here.client.get("/readyz")
        assert (told.status_code, told.get_json()["checks"]["database"]) == (503, "damaged")
        assert told.get_json()["status"] == "unready"
        with pytest.raises(DatabaseDamaged):
            here.jobs.check()
        file.write_bytes(whole)
        assert here.client.get("/readyz").status_code == 200


def test_the_database_is_examined_now_and_then_only(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    connect = sqlite3.connect

    def counted(address: str, **more: Any) -> sqlite3.Connection:
        opened.append(address)
        found: sqlite3.Connection = connect(address, **more)
        return found

    monkeypatch.setattr(sqlite3, "connect", counted)
    assert here.client.get("/readyz").status_code == 200
    first = [one for one in opened if "mode=ro" in one]  # the look at the whole file, and the watcher of its version
    for _ in range(5):
        assert here.client.get("/readyz").status_code == 200
    assert [one for one in opened if "mode=ro" in one] == first != []


def test_damaged_weights_are_reported_without_a_path(
    here: Place, flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real voice, and weights of which the second half is gone."""
    copies = tmp_path / "my check points"
    copies.mkdir()
    for path in weights.CHECKPOINTS.iterdir():
        if path.is_file():
            data = path.read_bytes()
            (copies / path.name).write_bytes(data if path.suffix != ".safetensors" else data[: len(data) // 2])
    monkeypatch.setattr(weights, "CHECKPOINTS", copies)
    for reader in (weights.entries, weights.entry, weights.path, weights.load):
        monkeypatch.setattr(reader, "__defaults__", (copies,))
    monkeypatch.setitem(LEARNT, Mode.AMBIENT, LearntVoice)  # one that has loaded nothing yet
    job = here.sent(flash_clip, mode="ambient", synthesis="learnt")
    here.work()
    told = here.client.get(job["links"]["self"]).get_json()
    assert (told["status"], told["error"]["code"]) == ("failed", "weights"), told["error"]
    assert str(tmp_path) not in json.dumps(told)
    assert "/" not in told["error"]["detail"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("weights are not in /known one/w/manifest.toml", "weights are not in w/manifest.toml"),
        ("the file /srv/my-data/w.safetensors is damaged", "the file w.safetensors is damaged"),
        ("the file '/srv/my data/w 1.safetensors' is damaged", "the file 'w 1.safetensors' is damaged"),
        ("/etc/passwd: no such file", "passwd: no such file"),
        ("cannot open /a/b/c, /d/e; (/f/g)", "cannot open c, e; (g)"),
        ('File "/usr/lib/x.py", line 3', 'File "x.py", line 3'),
        ("see https://example.org/a/b for 24/7 and/or 1 / 2", "see https://example.org/a/b for 24/7 and/or 1 / 2"),
        ("take0.mp4 of work/job is damaged", "take0.mp4 of work/job is damaged"),
        ("path=/a/b.npz", "path=b.npz"),
    ],
)
def test_paths_are_cut_down_to_names(text: str, told: str) -> None:
    assert redaction.without_paths(text, [Path("/known one"), Path("/")]) == told
