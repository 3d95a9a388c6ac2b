"""The typed clients against a real server, and against connections that break."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from synth.media import video
from tests.support.paths import ROOT
from tests.support.serving import KEY, Serving
from web.client import tus
from web.client.asynchronous import AsyncClient
from web.client.errors import ClipRefused, InConflict, Missing, NotAllowed, OptionRefused, Unreachable
from web.client.models import Job, model
from web.client.sync import Client


def test_an_upload_goes_on_over_broken_connections(
    keyed: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(3).randbytes(300_000)
    (tmp_path / "clip.bin").write_bytes(content)
    monkeypatch.setattr(tus, "PIECE_BYTES", 20_000)
    monkeypatch.setattr("web.client.sync.FIRST_PAUSE_S", 0.01)
    draw, real, broken = random.Random(4), httpx.HTTPTransport(), []

    class Flaky(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "PATCH" and draw.random() < 0.4:
                broken.append(draw.random() < 0.5)
                if broken[-1]:  # the piece arrives, and its answer is lost
                    real.handle_request(request).read()
                raise httpx.ReadError("cut")
            return real.handle_request(request)

        def close(self) -> None:
            real.close()

    with Client(keyed.address, KEY, transport=Flaky()) as client:
        counts: list[int] = []
        upload = client.upload(tmp_path / "clip.bin", sent=counts.append)
        told = client._json("GET", f"/v1/uploads/{upload}")
    assert {True, False} <= set(broken)
    assert (told["status"], told["bytes"]) == ("ready", len(content))
    assert (counts == sorted(counts), counts[-1]) == (True, len(content))
    (stored,) = (path for path in (keyed.data / "uploads").iterdir() if path.name == upload)
    assert stored.read_bytes() == content


def test_asyncio_from_the_upload_to_the_file(keyed: Serving, flash_clip: Path, tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncClient(keyed.address, KEY) as client:
            upload = await client.upload(flash_clip)
            assert await client.upload(flash_clip, upload) == upload  # there is nothing left to send
            assert (await client.read_upload(upload)).status == "ready"
            items = [{"upload": upload, "custom_id": f"seed-{seed}", "seed": seed} for seed in (1, 2)]
            batch = await client.create_batch(items, {"mode": "hits"})
            assert batch.counts.total == 2
            single = await client.create(upload, mode="hits", seed=3)
            jobs = await asyncio.gather(*(client.wait(one.job.id) for one in batch.items), client.wait(single.id))
            assert [job.options.seed for job in jobs] == [1, 2, 3]
            assert [job.custom_id for job in jobs] == ["seed-1", "seed-2", None]
            assert (await client.batch(batch.id)).status == "finished"
            await client.download(jobs[2].outputs[0].links["video"], tmp_path / "out.mp4")
            assert await client.cancel(single.id) == "already_finished"
            with pytest.raises(Missing):
                await client.get("0" * 26)

    asyncio.run(run())
    assert video.packet_digest(tmp_path / "out.mp4") == video.packet_digest(flash_clip)


@pytest.mark.parametrize(
    ("do", "error"),
    [
        (lambda client: client.get("0" * 26), Missing),
        (lambda client: client.create_of("0" * 26), Missing),
        (lambda client: client.create_of("0" * 26, seed=-1), OptionRefused),
    ],
)
def test_errors_have_a_class_each(keyed: Serving, do: Callable[[Client], Any], error: type[Exception]) -> None:
    with Client(keyed.address, KEY) as client, pytest.raises(error):
        do(client)


def test_more_errors(keyed: Serving, flash_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no clip")
    with Client(keyed.address, KEY) as client:
        with pytest.raises(ClipRefused):
            client.create_of(client.upload(tmp_path / "no.mp4"))
        with pytest.raises(InConflict):
            client.create_of(client.begin_upload(flash_clip))
    with Client(keyed.address) as stranger, pytest.raises(NotAllowed):
        stranger.get("0" * 26)
    with Client("http://127.0.0.1:9", patience_s=0.1) as nobody, pytest.raises(Unreachable):
        nobody.get("0" * 26)


def test_a_model_forgives_what_a_newer_server_says_besides(keyed: Serving, flash_clip: Path) -> None:
    with Client(keyed.address, KEY) as client:
        job = client.create(flash_clip, {"mode": "hits"})
    assert model(Job, {**job, "of_tomorrow": 1}).id == job["id"]


def test_the_example_of_the_document(keyed: Serving, flash_clip: Path, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "UPLOADS.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(program.splitlines()) <= 20
    program = program.replace("http://127.0.0.1:8080", keyed.address).replace("THE KEY", KEY)
    program = program.replace('Path("clips")', f"Path({str(tmp_path / 'clips')!r})")
    program = program.replace('Path("out")', f"Path({str(tmp_path / 'out')!r})")
    (tmp_path / "clips").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(flash_clip.read_bytes())
    exec(compile(program, "UPLOADS.md", "exec"), {})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-seed1.mp4", "a-seed2.mp4"]
