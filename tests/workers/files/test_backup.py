"""What is backed up is put back: SQLite by our own verbs, PostgreSQL by its own tools, as the page says."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.paths import ROOT
from tests.support.serving import sonorize
from tests.support.voices import FlashVoice
from tests.support.web_place import place
from workers.errors import WorkError
from workers.files.backup import back_up, put_back
from workers.files.storage import open_storage
from workers.files.verification import Verifier
from workers.jobs import open_jobs


def test_a_server_of_one_machine(tmp_path: Path, flash_voice: FlashVoice, flash_clip: Path) -> None:
    """While it runs; the restored one has the same jobs, every file as it was, and the same log-ins."""
    with place(tmp_path / "data") as here:
        made = here.sent(flash_clip, mode="hits")
        here.work()
        done, waits = here.client.get(made["links"]["self"]).get_json(), here.sent(flash_clip, mode="hits")
        copied = sonorize("backup", tmp_path / "copy", "--data", tmp_path / "data", "--json")
        assert copied.returncode == 0, copied.stderr
        assert json.loads(copied.stdout)["jobs"] == 2
        there = {key: here.storage.size(key) for key in here.storage.keys("")}
        here.client.delete(done["links"]["self"])  # and then the disk is lost
    restored = sonorize("restore", tmp_path / "copy", "--data", tmp_path / "new")
    assert restored.returncode == 0, restored.stderr
    assert f"2 jobs and {len(there)} files" in restored.stdout
    with place(tmp_path / "new") as again:
        assert {key: again.storage.size(key) for key in again.storage.keys("")} == there
        assert again.client.get(done["links"]["self"]).get_json()["outputs"] == done["outputs"]
        assert again.client.get(done["outputs"][0]["links"]["video"]).status_code == 200
        assert Verifier(again.jobs, again.storage).run().findings == []
        assert (tmp_path / "new" / "secret_key").read_bytes() == (tmp_path / "data" / "secret_key").read_bytes()
        again.finish()  # what waited goes on
        assert again.client.get(waits["links"]["self"]).get_json()["status"] == "succeeded"


def test_what_cannot_be(tmp_path: Path, dark_clip: Path) -> None:
    with place(tmp_path / "data") as here:
        here.sent(dark_clip)
        (tmp_path / "there").mkdir()
        with pytest.raises(WorkError, match="is there already"):
            back_up(here.jobs, here.storage, here.settings.data_dir, tmp_path / "there")
        with pytest.raises(WorkError, match="is no copy of a server"):
            put_back(tmp_path / "there", here.storage, tmp_path / "new")
        back_up(here.jobs, here.storage, here.settings.data_dir, tmp_path / "copy")
        with pytest.raises(WorkError, match="has jobs already"):
            put_back(tmp_path / "copy", here.storage, here.settings.data_dir)
        assert not list(tmp_path.glob("*.part"))
    assert sonorize("restore", tmp_path / "there", "--data", tmp_path / "new").returncode == 2


def test_a_damaged_file_is_told(tmp_path: Path, dark_clip: Path) -> None:
    with place(tmp_path / "data") as here:
        here.sent(dark_clip)
        key = next(key for key in here.storage.keys("") if key.endswith("/source"))
        (tmp_path / "data" / "files" / key).write_bytes(b"rotten")
        assert back_up(here.jobs, here.storage, here.settings.data_dir, tmp_path / "copy").damaged == 1
        done = sonorize("backup", tmp_path / "copy2", "--data", tmp_path / "data")
        assert (done.returncode, "1 files are not what was stored" in done.stdout) == (2, True)


def test_postgresql_by_its_own_tools(
    tmp_path: Path, postgres_url: str, flash_voice: FlashVoice, flash_clip: Path
) -> None:
    """The commands are those of docs/OPERATIONS.md."""
    page = (ROOT / "docs" / "OPERATIONS.md").read_text()
    dump = re.search(r"pg_dump (-F\S+) ", page)
    load = re.search(r"pg_restore (.*?) -d", page)
    assert dump
    assert load
    url, programs = servers.emptied(postgres_url), servers.postgres_programs()
    assert programs is not None
    with place(tmp_path / "data", database_url=url) as here:
        done = here.sent(flash_clip, mode="hits")
        here.work()
        files = len(list(here.storage.keys("")))
        with pytest.raises(WorkError, match="pg_dump"):
            back_up(here.jobs, here.storage, here.settings.data_dir, tmp_path / "no")
        plain = url.replace("postgresql+psycopg", "postgresql")
        archive = tmp_path / "sonorize.dump"
        subprocess.run([programs / "pg_dump", dump[1], "-f", archive, plain], check=True, capture_output=True)
        report = back_up(here.jobs, here.storage, here.settings.data_dir, tmp_path / "copy", table=False)
        assert (report.jobs, report.files) == (None, files)
    servers.emptied(url)
    command = [programs / "pg_restore", *load[1].split(), "-d", plain, archive]
    subprocess.run(command, check=True, capture_output=True)
    storage = open_storage((tmp_path / "new" / "files").as_uri())
    put_back(tmp_path / "copy", storage, tmp_path / "new")
    jobs = open_jobs(url)
    assert jobs.get(done["id"], None).result is not None
    assert Verifier(jobs, storage).run().findings == []
    jobs.close()
