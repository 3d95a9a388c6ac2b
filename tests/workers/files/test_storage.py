"""One contract for all storages, S3 against a real server."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.patience import within
from workers.errors import NotFound, ObjectNotFound, StorageError
from workers.files.s3 import S3Storage
from workers.files.storage import LocalStorage, Storage, Stored, open_storage

JOB = "01m820yhne6pjbpfjedwkntt82"


@pytest.fixture(scope="session")
def bucket(s3_server: servers.S3Server) -> Storage:
    keys = {"access_key": s3_server.access_key, "secret_key": s3_server.secret_key}
    return open_storage(s3_server.url(servers.BUCKET), **keys)


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return open_storage((tmp_path / "files with ünicode").as_uri())
    bucket: Storage = request.getfixturevalue("bucket")
    for key in list(bucket.keys()):
        bucket.delete(key)
    return bucket


def whole(storage: Storage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join(storage.read(key, start, end))


def stored_as(data: bytes) -> Stored:
    return Stored(len(data), hashlib.sha256(data).hexdigest())


def test_what_is_put_can_be_read_in_every_way(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(bytes(range(256)) * 4000)
    assert storage.put(f"{JOB}/source", source, "video/mp4").bytes_ == 1_024_000
    assert storage.put(f"{JOB}/1/take0.wav", io.BytesIO(b"sound"), "audio/wav") == stored_as(b"sound")
    assert storage.size(f"{JOB}/source") == 1_024_000
    assert whole(storage, f"{JOB}/source") == source.read_bytes()
    assert whole(storage, f"{JOB}/1/take0.wav") == b"sound"
    storage.fetch(f"{JOB}/source", tmp_path / "copy.bin")
    assert (tmp_path / "copy.bin").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(("start", "end"), [(0, 1), (3, 7), (9, 10), (4, None), (0, 99), (10, None), (5, 5)])
def test_ranges(storage: Storage, start: int, end: int | None) -> None:
    storage.put("a/b", io.BytesIO(b"0123456789"), "text/plain")
    assert whole(storage, "a/b", start, end) == b"0123456789"[start:end]


def test_a_large_stream_goes_through_in_parts(storage: Storage) -> None:
    block = hashlib.sha256(b"block").digest() * 32_768  # 1 MiB
    assert storage.put("large/source", io.BytesIO(block * 40), "video/mp4") == stored_as(block * 40)
    digest = hashlib.sha256()
    for piece in storage.read("large/source"):
        assert len(piece) <= 1 << 20
        digest.update(piece)
    assert digest.hexdigest() == hashlib.sha256(block * 40).hexdigest()
    assert whole(storage, "large/source", 20 * len(block) + 5, 20 * len(block) + 9) == block[5:9]


def test_putting_again_replaces(storage: Storage) -> None:
    storage.put("a/b", io.BytesIO(b"a longer first one"), "text/plain")
    storage.put("a/b", io.BytesIO(b"second"), "text/plain")
    assert whole(storage, "a/b") == b"second"


def test_a_file_that_nobody_writes_to_any_more_may_be_taken_as_it_is(storage: Storage, tmp_path: Path) -> None:
    clip, known = tmp_path / "clip", Stored(5, hashlib.sha256(b"clip!").hexdigest())
    clip.write_bytes(b"clip!")
    assert storage.put("job/source", clip, "video/mp4", known=known) == known
    clip.unlink()
    assert b"".join(storage.read("job/source")) == b"clip!"
    clip.write_bytes(b"other")
    assert (
        storage.put("job/source", clip, "video/mp4", known=Stored(5, hashlib.sha256(b"other").hexdigest())).bytes_ == 5
    )
    assert b"".join(storage.read("job/source")) == b"other"
    assert list(storage.keys()) == ["job/source"]


def test_a_file_of_another_disk_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    clip = tmp_path / "clip"
    clip.write_bytes(b"clip!")
    stored = LocalStorage(tmp_path / "files")
    assert stored.put("job/source", clip, "video/mp4", known=stored_as(b"clip!")) == stored_as(b"clip!")
    assert whole(stored, "job/source") == b"clip!"


def test_nothing_stored_is_not_found(storage: Storage, tmp_path: Path) -> None:
    for look in (
        lambda: storage.size("no/such"),
        lambda: storage.read("no/such"),
        lambda: storage.fetch("no/such", tmp_path / "x"),
    ):
        with pytest.raises(ObjectNotFound) as caught:
            look()
        assert isinstance(caught.value, NotFound)
    assert not (tmp_path / "x").exists()
    assert storage.delete("no/such") == 0


def test_deleting_takes_the_folder_and_not_its_neighbours(storage: Storage) -> None:
    for key in ("ab/source", "ab/1/take0.mp4", "ab/1/take0.wav", "ab/10/take0.mp4", "abc/source"):
        storage.put(key, io.BytesIO(b"x"), "text/plain")
    assert sorted(storage.keys("ab/1")) == ["ab/1/take0.mp4", "ab/1/take0.wav"]
    assert storage.delete("ab/1") == 2
    assert sorted(storage.keys("")) == ["ab/10/take0.mp4", "ab/source", "abc/source"]
    assert storage.delete("ab/") == 2
    assert list(storage.keys()) == ["abc/source"]


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../secret", "a/../b", "a//b", ".arriving/x", "a/.hidden", "a\0b", "a b", "a/" * 9 + "a"]
)
def test_strange_keys_are_refused(storage: Storage, key: str) -> None:
    with pytest.raises(StorageError):
        storage.put(key, io.BytesIO(b"x"), "text/plain")
    with pytest.raises(StorageError):
        storage.read(key)
    with pytest.raises(StorageError):
        storage.delete(key)


class BrokenStream(io.RawIOBase):
    """Gives some bytes, then fails, as a connection does that is cut."""

    def __init__(self) -> None:
        self.left = 3

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise OSError("cut")
        return b"x" * 1000


def test_a_stream_that_breaks_leaves_nothing(storage: Storage) -> None:
    storage.put("kept/source", io.BytesIO(b"old"), "text/plain")
    with pytest.raises(StorageError):
        storage.put("kept/source", BrokenStream(), "text/plain")  # type: ignore[arg-type]
    assert whole(storage, "kept/source") == b"old"
    assert list(storage.keys("")) == ["kept/source"]


def test_check_passes_and_leaves_nothing(storage: Storage) -> None:
    storage.check()
    assert list(storage.keys("")) == []


def test_local_files_have_no_address(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    storage.put("a/b", io.BytesIO(b"x"), "text/plain")
    assert storage.url("a/b", expires_s=60, filename="x.mp4", content_type=None) is None
    assert not list((tmp_path / "files" / ".arriving").iterdir())


def test_a_folder_that_cannot_be_used_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    storage = LocalStorage(tmp_path / "file")
    with pytest.raises(StorageError):
        storage.check()
    with pytest.raises(StorageError):
        storage.put("a/b", io.BytesIO(b"x"), "text/plain")


def _fetched(url: str) -> tuple[bytes, str | None, str | None]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read(), answer.headers["Content-Disposition"], answer.headers["Content-Type"]


def test_s3_addresses_are_signed_and_end(s3_server: servers.S3Server, bucket: Storage) -> None:
    bucket.put("a/b", io.BytesIO(b"sound"), "text/plain")
    url = bucket.url("a/b", expires_s=60, filename='Tür "1".mp4', content_type="video/mp4")
    assert url is not None
    body, disposition, content_type = _fetched(url)
    assert (body, content_type) == (b"sound", "video/mp4")
    assert disposition == "attachment; filename*=UTF-8''T%C3%BCr%20%221%22.mp4"
    for tampered in (url.replace("a/b", "a/c"), url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            _fetched(tampered)
    brief = bucket.url("a/b", expires_s=1, filename=None, content_type=None)
    assert brief is not None

    def ended() -> bool:
        try:
            _fetched(brief)
        except urllib.error.HTTPError as error:
            return error.code == 403
        return False

    servers.wait_until(ended, patience_s=10, every_s=0.2)
    hidden = open_storage(s3_server.url(servers.BUCKET, public=False), access_key="any", secret_key="any")
    assert hidden.url("a/b", expires_s=60, filename=None, content_type=None) is None


def test_s3_says_what_is_wrong(s3_server: servers.S3Server) -> None:
    with pytest.raises(StorageError, match="refused"):
        open_storage(s3_server.url(servers.BUCKET), access_key="tests", secret_key="wrong").check()
    keys = {"access_key": s3_server.access_key, "secret_key": s3_server.secret_key}
    with pytest.raises(StorageError, match="refused"):
        open_storage(s3_server.url("no-such-bucket"), **keys).check()
    (port,) = servers.free_ports(1)
    with within(10), pytest.raises(StorageError, match="cannot be reached"):
        S3Storage("any", endpoint=f"http://127.0.0.1:{port}", **keys).check()


@pytest.mark.parametrize("url", ["", "ftp://x", "file://", "s3://", "/just/a/path", "s3://b?endpont=http://x"])
def test_urls_that_name_no_storage(url: str) -> None:
    with pytest.raises(StorageError, match="allowed are"):
        open_storage(url)
