"""The web is killed in the middle of an upload: it goes on, byte for byte, and nothing is left lying about."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import services
from tests.support.servers import wait_until
from tests.support.serving import serving
from tests.web.uploads.test_tus import send_and_cut
from web.client import tus
from web.client.sync import Client


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sonorize-") as folder:  # short: the broker's socket lies in it
        yield Path(folder) / "data"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@services.embedded_only
def test_killed_in_the_middle_of_a_piece(data: Path, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = flash_clip.read_bytes()
    monkeypatch.setattr(tus, "PIECE_BYTES", 700)
    with serving("--workers", "0", data=data) as server, Client(server.address) as client:
        upload, gone = client.begin_upload(flash_clip), client.begin_upload(flash_clip)
        piece, headers = tus.piece_of(flash_clip, 0)
        client._request("PATCH", f"/v1/uploads/{upload}", content=piece, headers=headers)
        port = int(server.address.rpartition(":")[2])
        send_and_cut(port, f"/v1/uploads/{upload}", len(piece), clip[len(piece) :], 300)
        server.stop(signal.SIGKILL)
    with serving("--search-workers", "0", data=data) as server, Client(server.address) as client:
        told = client._json("GET", f"/v1/uploads/{upload}")
        assert told["offset"] in (len(piece), len(piece) + 300)  # what was cut off may have been counted by then
        assert client.upload(flash_clip, upload) == upload
        done = client.wait(client.create_of(upload, mode="hits")["id"])
        assert done["status"] == "succeeded"
        assert (data / "files" / upload / "source").read_bytes() == clip
        client.delete(done["id"])
        for one in (upload, gone):
            client._request("DELETE", f"/v1/uploads/{one}")
        assert list((data / "uploads").iterdir()) == []
        server.stop()
    with serving("--workers", "0", data=data):  # the first thing that it does is to sweep
        wait_until(lambda: files_in(data / "files") == [])
    assert files_in(data / "spool") == []


@services.embedded_only
def test_killed_right_after_the_answer(data: Path, flash_clip: Path) -> None:
    """What was acknowledged is there: the row and every byte of the clip, of several that came at once too."""
    clips = 6
    with serving("--workers", "0", data=data) as server, Client(server.address) as client:
        with ThreadPoolExecutor(clips) as pool:
            made = list(pool.map(lambda seed: client.create(flash_clip, {"mode": "hits", "seed": seed}), range(clips)))
        server.stop(signal.SIGKILL)
    with serving("--workers", "0", data=data) as server, Client(server.address) as client:
        for number, job in enumerate(made):
            found = client._json("GET", job["links"]["self"])
            assert (found["status"], found["options"]["seed"]) == ("queued", number)
            assert (data / "files" / job["id"] / "source").read_bytes() == flash_clip.read_bytes()
