"""What killed processes and full disks leave behind, and that a full disk can be emptied from inside."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.paths import ROOT
from tests.support.servers import wait_until
from tests.support.voices import FlashVoice
from tests.support.web_place import place, problem
from workers.errors import DatabaseFull, StorageError
from workers.files import ballast, disk
from workers.files.ballast import Ballast
from workers.files.s3 import S3Storage
from workers.files.storage import LocalStorage, open_storage

SMALL_DISK_BYTES = 24 * 1024**2


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real disk with little room, and a reserve to match."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "tmpfs", str(folder)]
    try:
        made = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("no file system can be mounted here")
    monkeypatch.setattr(disk, "RESERVE_BYTES", 4 * 1024**2)
    monkeypatch.setattr(ballast, "BALLAST_BYTES", 1024**2)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Take the disk's last byte."""
    with (folder / f"filling-{time.monotonic_ns()}").open("wb", buffering=0) as filling:
        for piece in (1024**2, 4096, 1):
            try:
                while filling.write(b"\0" * piece):
                    pass
            except OSError:
                continue


def old(path: Path) -> Path:
    os.utime(path, (time.time() - 3 * 3600,) * 2)
    return path


def test_an_upload_that_was_killed_is_swept_from_the_storage(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    put = "import sys, time; from pathlib import Path; from workers.files.storage import LocalStorage\n"
    put += "class Slow:\n    def read(self, size):\n        time.sleep(0.05)\n        return b'x' * 100\n"
    put += "LocalStorage(Path(sys.argv[1])).put('a/source', Slow(), 'video/mp4')"
    uploading = subprocess.Popen([sys.executable, "-c", put, str(tmp_path / "files")], cwd=ROOT)
    arriving = tmp_path / "files" / ".arriving"
    wait_until(lambda: arriving.is_dir() and any(arriving.iterdir()))
    uploading.send_signal(signal.SIGKILL)
    uploading.wait()
    (left,) = arriving.iterdir()
    assert storage.remove_unfinished(3600.0) == 0  # it might be going on
    old(left)
    assert storage.remove_unfinished(3600.0) == 1
    assert not list(arriving.iterdir())


def test_parts_of_a_large_upload_that_broke_off_are_swept_from_the_bucket(s3_server: servers.S3Server) -> None:
    keys = {"access_key": s3_server.access_key, "secret_key": s3_server.secret_key}
    s3_server.make_bucket("unfinished")
    storage = open_storage(s3_server.url("unfinished"), **keys)
    assert isinstance(storage, S3Storage)
    client = storage._client
    begun = client.create_multipart_upload(Bucket="unfinished", Key="a/source")
    client.upload_part(
        Bucket="unfinished", Key="a/source", UploadId=begun["UploadId"], PartNumber=1, Body=b"x" * 6 * 1024**2
    )
    assert storage.remove_unfinished(3600.0) == 0
    assert storage.remove_unfinished(-5.0) == 1
    assert not client.list_multipart_uploads(Bucket="unfinished").get("Uploads")


def test_the_server_sweeps_at_its_start_and_counts(tmp_path: Path, flash_voice: FlashVoice) -> None:
    with place(tmp_path / "data") as here:
        spool, arriving = here.settings.spool_dir, tmp_path / "data" / "files" / ".arriving"
        request = spool / "killed"
        request.mkdir()
        arriving.mkdir(parents=True)
        for path in (request / "0.upload", spool / "body", arriving / "part"):
            path.write_bytes(b"half a clip")
            old(path)
        old(request)
        (spool / "under way").mkdir()
        (arriving / "under way").touch()
        here.app.extensions["sonorize"].cleanup.turn()
        assert [path.name for path in (*spool.iterdir(), *arriving.iterdir())] == ["under way", "under way"]
        figures = here.client.get("/metrics").text
        assert 'sonorize_leftovers_removed_total{kind="spool"} 2.0' in figures
        assert 'sonorize_leftovers_removed_total{kind="storage"} 1.0' in figures


def test_readiness_on_a_full_disk_leaves_nothing(small_disk: Path) -> None:
    storage = LocalStorage(small_disk / "files")
    storage.check()
    fill(small_disk)
    for _ in range(3):
        with pytest.raises(StorageError):
            storage.check()
    assert not list((small_disk / "files" / ".arriving").iterdir())


def test_results_leave_the_reserve_alone(small_disk: Path) -> None:
    storage = LocalStorage(small_disk / "files")
    room = shutil.disk_usage(small_disk).free - disk.RESERVE_BYTES
    with pytest.raises(StorageError) as caught:
        storage.put("a/1/take0.mp4", io.BytesIO(b"\0" * (room + 1)), "video/mp4")
    assert disk.is_full(caught.value)
    large = small_disk.parent / "large"
    large.write_bytes(b"\0" * (room + 1))
    with pytest.raises(StorageError):
        storage.put("a/1/take0.mp4", large, "video/mp4")
    assert list(storage.keys("")) == []
    assert storage.put("a/1/take0.mp4", io.BytesIO(b"\0" * (room // 2)), "video/mp4").bytes_ == room // 2


def test_deleting_and_cancelling_on_a_full_disk(small_disk: Path, flash_clip: Path, flash_voice: FlashVoice) -> None:
    with place(small_disk / "data") as here:
        done, waiting = here.done(flash_clip), [here.sent(flash_clip) for _ in range(3)]
    with place(small_disk / "data") as here:  # a fresh start: SQLite's log begins anew, with no room for it
        assert here.jobs.get(done["id"], None)
        here.app.extensions["sonorize"].cleanup.turn()
        assert (small_disk / "data" / "ballast").stat().st_size == ballast.BALLAST_BYTES
        fill(small_disk)
        with pytest.raises(DatabaseFull):
            here.jobs.delete(done["id"], None)
        problem(here.send(flash_clip), 507, "disk-full")
        assert here.client.post(waiting[0]["links"]["cancel"]).get_json()["outcome"] == "canceled"
        assert here.client.delete(waiting[1]["links"]["self"]).status_code == 204
        assert here.client.delete(done["links"]["self"]).status_code == 204
        left = dict.fromkeys(key.partition("/")[0] for key in here.storage.keys(""))
        assert list(left) == [waiting[0]["id"], waiting[2]["id"]]
        for filling in small_disk.glob("filling-*"):
            filling.unlink()
        assert Ballast(small_disk / "data").restore()


def test_a_full_database_is_said_to_be(small_disk: Path, flash_clip: Path, flash_voice: FlashVoice) -> None:
    with place(small_disk / "data") as here:
        job = here.sent(flash_clip)
    with place(small_disk / "data") as here:
        assert here.jobs.get(job["id"], None)
        fill(small_disk)
        answer = here.client.post(job["links"]["retry"])
        assert answer.status_code in (409, 507)
        told = here.client.get("/readyz")
        assert told.status_code == 503
        assert told.get_json()["checks"]["storage"] == "full"


def test_rooms_and_leftovers_by_themselves(tmp_path: Path) -> None:
    disk.require_room(tmp_path, 0)
    with pytest.raises(OSError, match="No space left"):
        disk.require_room(tmp_path, 10**18)
    deep = tmp_path / "old" / "deep"
    deep.mkdir(parents=True)
    (deep / "young").touch()
    for path in (deep, tmp_path / "old"):
        old(path)
    assert disk.remove_abandoned(tmp_path, 3600.0) == 0  # something in it is young
    old(deep / "young")
    assert disk.remove_abandoned(tmp_path, 3600.0) == 1
    assert disk.remove_abandoned(tmp_path / "none", 3600.0) == 0
