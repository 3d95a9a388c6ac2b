"""Resumable uploads: tus 1.0.0 as it is written, byte-exact over cuts, and nothing of anybody else's."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.support.kept import keep
from tests.support.servers import wait_until
from tests.support.web_place import Place, place, problem
from tests.web.security.test_security import KEYS, bearer
from tests.web.uploads.test_uploads import listening
from web.context import parts_of
from web.uploads import tus
from workers.files import disk
from workers.uploads import store
from workers.uploads.store import Uploads

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
CONTENT = random.Random(5).randbytes(400_000)
CUTS = 20


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data", max_upload_bytes=2_000_000) as made:
        yield made


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data", api_keys=KEYS) as made:
        yield made


def uploads_of(here: Place) -> Uploads:
    return parts_of(here.app).uploads


def metadata(**values: str | bytes) -> str:
    raw = {name: value if isinstance(value, bytes) else value.encode() for name, value in values.items()}
    return ",".join(f"{name} {base64.b64encode(value).decode()}" for name, value in raw.items())


def begin(here: Place, length: int = len(CONTENT), **headers: str) -> str:
    answer = here.client.post("/v1/uploads", headers={**TUS, "Upload-Length": str(length), **headers})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def patch(here: Place, link: str, offset: int, data: bytes, **headers: str) -> TestResponse:
    return here.client.patch(link, data=data, headers={**PIECE, "Upload-Offset": str(offset), **headers})


def offset_of(here: Place, link: str) -> int:
    answer = here.client.head(link, headers=TUS)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def arrived(here: Place, link: str) -> bytes:
    return uploads_of(here).path(link.rpartition("/")[2]).read_bytes()


def test_the_server_says_what_it_can(here: Place) -> None:
    answer = here.client.options("/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == "2000000"
    assert {"creation", "creation-with-upload", "expiration", "checksum", "termination"} <= set(
        answer.headers["Tus-Extension"].split(",")
    )
    assert {"sha1", "sha256"} <= set(answer.headers["Tus-Checksum-Algorithm"].split(","))


def test_piece_by_piece(here: Place) -> None:
    link = begin(
        here, len(CONTENT), **{"Upload-Metadata": metadata(filename="a clip.mp4", filetype="video/mp4", other="")}
    )
    for start in range(0, len(CONTENT), 150_000):
        piece = CONTENT[start : start + 150_000]
        answer = patch(here, link, start, piece)
        assert answer.status_code == 204
        assert int(answer.headers["Upload-Offset"]) == start + len(piece) == offset_of(here, link)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert "GMT" in answer.headers["Upload-Expires"]
    assert arrived(here, link) == CONTENT
    told = here.client.get(link).get_json()
    assert (told["status"], told["bytes"], told["offset"]) == ("ready", len(CONTENT), len(CONTENT))
    assert (told["filename"], told["filetype"]) == ("a clip.mp4", "video/mp4")
    asked = here.client.head(link, headers=TUS).headers
    assert tus.metadata_of(asked["Upload-Metadata"]) == {"filename": "a clip.mp4", "filetype": "video/mp4", "other": ""}
    assert asked["Cache-Control"] == "no-store"
    assert [one["id"] for one in here.client.get("/v1/uploads").get_json()["uploads"]] == [told["id"]]


def test_creation_with_upload_and_an_empty_one(here: Place) -> None:
    headers = {**PIECE, "Upload-Length": str(len(CONTENT))}
    answer = here.client.post("/v1/uploads", data=CONTENT[:99], headers=headers)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "99")
    assert patch(here, answer.headers["Location"], 99, CONTENT[99:]).status_code == 204
    assert arrived(here, answer.headers["Location"]) == CONTENT
    assert here.client.get(begin(here, 0)).get_json()["status"] == "ready"


def test_where_only_post_gets_through(here: Place) -> None:
    link = begin(here, 3)
    override = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert here.client.post(link, data=b"abc", headers=override).status_code == 204
    assert arrived(here, link) == b"abc"
    problem(here.client.post(link, headers={**TUS, "X-HTTP-Method-Override": "GET"}), 405, "method")
    assert here.client.post(link, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    problem(here.client.get(link), 410, "gone")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload-Length": "3"}, 412, "precondition"),
        ({"Tus-Resumable": "0.2.2", "Upload-Length": "3"}, 412, "precondition"),
        ({**TUS}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "-3"}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "3.0"}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "9" * 30}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "2000001"}, 413, "too-large"),
        ({**TUS, "Upload-Defer-Length": "1"}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "3", "Upload-Metadata": "filename not*base64"}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "3", "Upload-Metadata": "a YQ==,a YQ=="}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "3", "Upload-Metadata": "a/b YQ=="}, 400, "bad-request"),
        ({**TUS, "Upload-Length": "3", "Upload-Metadata": f"a {'YWFh' * 1200}"}, 400, "bad-request"),
        ({**PIECE, "Upload-Length": "3", "Upload-Checksum": "crc32 AAAA"}, 400, "bad-request"),
        ({**PIECE, "Upload-Length": "3", "Upload-Checksum": "sha256 AAAA"}, 400, "bad-request"),
    ],
)
def test_an_upload_that_is_not_begun(here: Place, headers: dict[str, str], status: int, code: str) -> None:
    answer = here.client.post("/v1/uploads", headers=headers)
    problem(answer, status, code)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    if code == "precondition":
        assert answer.headers["Tus-Version"] == "1.0.0"
    assert not uploads_of(here).folder.exists() or list(uploads_of(here).folder.iterdir()) == []


def test_a_piece_that_does_not_fit(here: Place) -> None:
    link = begin(here, 10)
    assert patch(here, link, 0, b"abcd").status_code == 204
    problem(patch(here, link, 0, b"abcd"), 409, "conflict")
    problem(patch(here, link, 5, b"x"), 409, "conflict")
    problem(patch(here, link, 4, b"1234567"), 413, "too-large")
    problem(patch(here, link, 4, b"x", **{"Content-Type": "text/plain"}), 415, "unsupported-type")
    problem(patch(here, link, 4, b"x", **{"Tus-Resumable": "2.0.0"}), 412, "precondition")
    problem(here.client.patch(link, data=b"x", headers=PIECE), 400, "bad-request")
    assert offset_of(here, link) == 4
    assert patch(here, link, 4, b"123456").status_code == 204
    assert arrived(here, link) == b"abcd123456"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5"])
def test_a_piece_that_arrives_damaged_is_dropped(here: Place, algorithm: str) -> None:
    link = begin(here, 8)
    right = base64.b64encode(hashlib.new(algorithm, b"abcd").digest()).decode()
    wrong = patch(here, link, 0, b"abce", **{"Upload-Checksum": f"{algorithm} {right}"})
    problem(wrong, 460, "checksum")
    assert offset_of(here, link) == 0
    assert patch(here, link, 0, b"abcd", **{"Upload-Checksum": f"{algorithm} {right}"}).status_code == 204
    assert patch(here, link, 4, b"1234").status_code == 204
    assert arrived(here, link) == b"abcd1234"


def test_two_writers(here: Place) -> None:
    link = begin(here, 10)
    with uploads_of(here).hold(link.rpartition("/")[2], None):
        answer = patch(here, link, 0, b"abc")
        problem(answer, 423, "locked")
        assert answer.headers["Retry-After"] == "1"
    assert patch(here, link, 0, b"abc").status_code == 204


def test_what_a_killed_process_wrote_after_its_last_count_is_cut_off(here: Place) -> None:
    link = begin(here, 6)
    patch(here, link, 0, b"abc")
    with uploads_of(here).path(link.rpartition("/")[2]).open("ab") as file:
        file.write(b"zzz")
    assert offset_of(here, link) == 3
    assert patch(here, link, 3, b"def").status_code == 204
    assert arrived(here, link) == b"abcdef"


def test_names_are_text_and_no_paths(here: Place) -> None:
    hostile = "../../etc/\x00pass\u202ewd<script>.mp4"
    injected = metadata(
        filename=hostile, id="0" * 26, owner="anna", path=b"/etc/passwd", received="9", filetype=b"\xff\xfe\r\nX: y"
    )
    link = begin(here, 4, **{"Upload-Metadata": injected})
    told = here.client.get(link).get_json()
    assert told["filename"] == "passwd<script>.mp4"
    assert told["id"] == link.rpartition("/")[2] != "0" * 26
    assert told["offset"] == 0
    assert "\r" not in told["filetype"]
    assert uploads_of(here).get(told["id"], None).owner == "local"
    assert [path.name for path in uploads_of(here).folder.iterdir()] == [told["id"]]
    assert "\n" not in here.client.head(link, headers=TUS).headers["Upload-Metadata"]


def test_an_upload_is_its_owners(locked: Place) -> None:
    answer = locked.client.post("/v1/uploads", headers={**TUS, **bearer("anna"), "Upload-Length": "3"})
    link = answer.headers["Location"]
    for method in ("HEAD", "GET", "PATCH", "DELETE"):
        headers = {**PIECE, **bearer("ben"), "Upload-Offset": "0"}
        assert locked.client.open(link, method=method, headers=headers).status_code == 404
    with uploads_of(locked).hold(link.rpartition("/")[2], None):  # not even that it is being written
        problem(
            locked.client.patch(link, data=b"abc", headers={**PIECE, **bearer("ben"), "Upload-Offset": "0"}),
            404,
            "not-found",
        )
    assert locked.client.get(link, headers=bearer("anna")).get_json()["offset"] == 0


def test_an_upload_that_ended(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    link, other = begin(here, 3), begin(here, 3)
    assert here.client.delete(other, headers=TUS).status_code == 204
    for answer in (patch(here, other, 0, b"abc"), here.client.delete(other, headers=TUS)):
        problem(answer, 410, "gone")
    assert here.client.head(other, headers=TUS).status_code == 410
    now = time.time()
    monkeypatch.setattr(uploads_of(here), "_clock", lambda: now + 25 * 3600)
    problem(patch(here, link, 0, b"abc"), 410, "gone")
    parts_of(here.app).cleanup.turn()
    assert list(uploads_of(here).folder.iterdir()) == []
    problem(here.client.get(link), 410, "gone")
    monkeypatch.setattr(uploads_of(here), "_clock", lambda: now + 75 * 3600)
    parts_of(here.app).cleanup.turn()
    problem(here.client.get(link), 404, "not-found")


def test_how_much_one_may_begin(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_OPEN", 2)
    begin(here, 5)
    begin(here, 5)
    begun = here.client.post("/v1/uploads", headers={**TUS, "Upload-Length": "5"})
    problem(begun, 429, "too-many-uploads")


def test_many_at_once_get_no_more_than_the_quota(tmp_path: Path) -> None:
    with place(tmp_path / "data", owner_bytes=1000) as here:
        together = threading.Barrier(20)

        def one(_: int) -> int:
            together.wait()
            headers = {**TUS, "Upload-Length": "900"}
            return here.app.test_client().post("/v1/uploads", headers=headers).status_code

        with ThreadPoolExecutor(20) as pool:
            assert sorted(pool.map(one, range(20))) == [201, *[507] * 19]
        assert len(list(uploads_of(here).folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Upload-Length": "2"}, 413),
        ({"Upload-Checksum": f"sha1 {base64.b64encode(bytes(20)).decode()}"}, 460),
    ],
)
def test_a_first_piece_that_is_refused_leaves_no_upload(here: Place, changed: dict[str, str], status: int) -> None:
    answer = here.client.post("/v1/uploads", data=b"abc", headers={**PIECE, "Upload-Length": "3", **changed})
    assert answer.status_code == status
    assert here.client.get("/v1/uploads").get_json()["uploads"] == []


def test_the_reserve_of_the_disk_stays_free(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    link = begin(here, 1_000_000)

    class Usage:
        free = disk.RESERVE_BYTES + 1_500_000

    monkeypatch.setattr("workers.files.disk.shutil.disk_usage", lambda folder: Usage)
    # What is announced by those who are under way counts as taken.
    problem(here.client.post("/v1/uploads", headers={**TUS, "Upload-Length": "600000"}), 507, "disk-full")
    Usage.free = disk.RESERVE_BYTES + 6_000_000
    assert begin(here, 400_000)
    Usage.free = disk.RESERVE_BYTES + 1000
    answer = patch(here, link, 0, CONTENT)
    problem(answer, 507, "disk-full")
    assert answer.headers["Retry-After"] == "15"
    at = offset_of(here, link)
    Usage.free = disk.RESERVE_BYTES + 10_000_000
    assert patch(here, link, at, CONTENT[at:]).status_code == 204
    assert arrived(here, link) == CONTENT


def test_what_is_announced_and_never_comes_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = disk.RESERVE_BYTES + 10_000_000

    monkeypatch.setattr("workers.files.disk.shutil.disk_usage", lambda folder: Usage)
    names = ("anna", "ben", "carla")
    keys = ",".join(f"{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in names)
    with place(tmp_path / "data", api_keys=keys, max_upload_bytes=4_000_000) as locked:

        def announce(who: str, length: int) -> TestResponse:
            headers = {**TUS, "Authorization": f"Bearer {who}", "Upload-Length": str(length)}
            return locked.client.post("/v1/uploads", headers=headers)

        first = announce("anna", 2_000_000)
        assert first.status_code == 201
        told = problem(announce("anna", 600_000), 429, "too-many-uploads")["detail"]
        assert "2000000 bytes of your uploads" in told
        assert "25% of the room" in told
        assert announce("ben", 2_500_000).status_code == 201
        told = problem(announce("carla", 600_000), 429, "too-many-uploads")["detail"]
        assert "50% of the room" in told
        piece = {**PIECE, "Authorization": "Bearer anna", "Upload-Offset": "0"}
        assert locked.client.patch(first.headers["Location"], data=bytes(1_500_000), headers=piece).status_code == 204
        assert announce("anna", 600_000).status_code == 201  # what has arrived is on the disk, and announced no more
        now = time.time()
        monkeypatch.setattr(uploads_of(locked), "_clock", lambda: now + 3601)  # nobody has gone on with any of them
        assert announce("carla", 4_000_000).status_code == 201


def test_a_file_that_no_upload_has_is_swept(here: Place) -> None:
    link = begin(here, 3)
    stray = uploads_of(here).folder / "stray"
    stray.write_bytes(b"x")
    parts_of(here.app).cleanup.sweep()
    assert stray.exists()  # it may be that of an upload that is being begun
    os.utime(stray, (0, 0))
    parts_of(here.app).cleanup.sweep()
    assert [path.name for path in uploads_of(here).folder.iterdir()] == [link.rpartition("/")[2]]


def send_and_cut(port: int, link: str, offset: int, data: bytes, cut: int) -> None:
    """A PATCH that announces all of the data and breaks off after ``cut`` bytes."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        head = f"PATCH {link} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
        head += f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
        line.sendall(head.encode() + data[:cut])


def call(port: int, method: str, link: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, dict[str, str]]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request(method, link, body or None, {**TUS, **headers})
        answer = line.getresponse()
        answer.read()
        return answer.status, dict(answer.headers)
    finally:
        line.close()


@pytest.mark.promise
def test_cut_at_twenty_random_bytes_it_goes_on_where_it_was(here: Place) -> None:
    """What had arrived counts, to the byte, although the server hands requests on only when they are whole."""
    draw = random.Random(11)
    with listening(here) as port:
        link = call(port, "POST", "/v1/uploads", {"Upload-Length": str(len(CONTENT))})[1]["Location"]
        at = 0
        for number in range(CUTS):
            cut = draw.randrange(0, (len(CONTENT) - at) // (CUTS - number))
            send_and_cut(port, link, at, CONTENT[at:], cut)
            at += cut
            wait_until(lambda at=at: int(call(port, "HEAD", link, {})[1]["Upload-Offset"]) == at)  # type: ignore[misc]
        piece = {**PIECE, "Upload-Offset": str(at)}
        assert call(port, "PATCH", link, piece, CONTENT[at:])[0] == 204
    assert arrived(here, link) == CONTENT
    keep("chaos", {"upload_cuts": {"cuts": CUTS, "byte_exact": arrived(here, link) == CONTENT}})
