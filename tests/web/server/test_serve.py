"""``sonorize serve`` from start to stop and again, over HTTP alone."""

from __future__ import annotations

import json
import signal
import socket
import tempfile
from pathlib import Path

import httpx
import pytest

from synth.media import audio, video
from tests.support.servers import wait_until
from tests.support.serving import KEY, Serving, alive, serving
from web import cli
from web.client.sync import Client

BEARER = {"Authorization": f"Bearer {KEY}"}


def test_a_clip_goes_in_and_comes_out_with_sound(keyed: Serving, flash_clip: Path, tmp_path: Path) -> None:
    with Client(keyed.address, KEY) as client:
        states: list[str] = []
        job = client.wait(
            client.create(flash_clip, {"seed": 3, "takes": 2})["id"], lambda state: states.append(state["status"])
        )
        assert job["status"] == states[-1] == "succeeded"
        for output in job["outputs"]:
            target = tmp_path / f"take{output['take']}.{output['container']}"
            client.download(output["links"]["video"], target)
            assert video.packet_digest(target) == video.packet_digest(flash_clip)
            sound, rate_hz = audio.read(target)
            info = video.probe(target)
            assert len(sound) / rate_hz == pytest.approx(info.duration_s, abs=1 / info.rate_fps)
            assert abs(sound).max() > 0.01


def test_the_gallery_shows_it(keyed: Serving, flash_clip: Path) -> None:
    with Client(keyed.address, KEY) as client:
        job = client.wait(client.create(flash_clip, {})["id"])
    page = httpx.get(f"{keyed.address}/gallery", headers=BEARER, trust_env=False)
    assert page.status_code == 200
    assert job["id"] in page.text


def test_what_is_no_clip_is_refused_and_leaves_nothing(keyed: Serving) -> None:
    files = {"file": ("a.mp4", b"not a video")}
    answer = httpx.post(f"{keyed.address}/v1/jobs", files=files, headers=BEARER, trust_env=False)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert list((keyed.data / "spool").iterdir()) == []


def test_a_body_over_the_limit_is_cut_off(keyed: Serving) -> None:
    """Its length is refused before any of it has arrived."""
    address = httpx.URL(keyed.address)
    with socket.create_connection((address.host, address.port or 80), timeout=10) as wire:
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: {address.netloc.decode()}\r\nContent-Length: {2 * 1024**3}\r\n\r\n"
        wire.sendall(head.encode())
        answer = wire.recv(4096).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert "application/problem+json" in answer


def _refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one sentence of a refusal."""
    assert cli.main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("error: ").strip()


def test_a_second_server_on_the_same_folder_is_refused(keyed: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    said = _refused(capsys, "serve", "--port", "0", "--data", keyed.data)
    assert said == f"another server runs on the data folder {str(keyed.data)!r}"


def test_the_worker_is_seen_to_live(keyed: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wait_until(lambda: "The worker is ready." in keyed.said)
    assert cli.main(["doctor", "--worker", "--data", str(keyed.data)]) == 0
    assert capsys.readouterr().out == "a worker is alive\n"
    assert "has shown lately that it lives" in _refused(capsys, "doctor", "--worker", "--data", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "can be reached from other machines, and no API keys are set"),
        (["--host", "no.such.host.invalid"], "is not known here"),
        (["--port", "99999"], "'--port': Input should be less than or equal to 65535"),
        (["--data", "/proc/nothing"], "cannot be used"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in _refused(capsys, "serve", "--data", tmp_path / "data", *arguments)


def test_a_port_in_use_is_one_sentence(keyed: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = httpx.URL(keyed.address).port
    said = _refused(capsys, "serve", "--data", tmp_path / "data", "--port", port, "--workers", "0")
    assert said == f"127.0.0.1 port {port} cannot be listened on: Address already in use"


def test_stop_and_start_again(flash_clip: Path, tmp_path: Path) -> None:
    """Ctrl-C while a job waits: nothing is left running, and the next start finishes the job."""
    with serving("--workers", "0") as first:
        with Client(first.address) as client:
            waiting = client.create(flash_clip, {})["id"]
        children = first.children()
        assert children  # the broker
        assert first.stop(signal.SIGINT) == 0
        assert alive(children) == []
        assert first.complained == ""
        with serving("--search-workers", "0", data=first.data) as second, Client(second.address) as client:
            assert client.wait(waiting)["status"] == "succeeded"
            wait_until(lambda: "The worker is ready." in second.said)
            children = second.children()
            assert second.stop(signal.SIGTERM) == 0
            assert alive(children) == []
            assert list((second.data / "work").iterdir()) == []


def test_killed_it_takes_its_children_along() -> None:
    with serving("--search-workers", "0") as server:
        children = wait_until(lambda: len(server.children()) > 1 and server.children())
        assert children is not False
        server.process.kill()
        server.process.wait()
        wait_until(lambda: not alive(children))


def test_the_demo_goes_the_whole_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from web.commands import demo

    monkeypatch.setattr(demo, "DURATION_S", 1.0)
    monkeypatch.setattr(demo, "SIZE", (64, 48))
    monkeypatch.setenv("SONORIZE_PRELOAD", "tests.support.preload")
    with tempfile.TemporaryDirectory(prefix="sonorize-") as name:
        out = Path(name)
        assert cli.main(["demo", "-o", name, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [job["files"] for job in told["jobs"]] == [[str(out / f"sounded-{number}.mp4")] for number in (1, 2, 3)]
        assert told["gallery"].endswith("/gallery")
        for number in (1, 2, 3):
            silent, sounded = out / f"silent-{number}.mp4", out / f"sounded-{number}.mp4"
            assert video.packet_digest(sounded) == video.packet_digest(silent)
            assert video.probe(sounded).audio_codec == "aac"


def test_doctor_looks_at_the_parts_of_a_server(
    keyed: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_until(lambda: "The worker is ready." in keyed.said)  # the web answers earlier
    for data, words in (
        (keyed.data, ("; answers", "answers; ", "can be stored", "alive on this")),
        (tmp_path / "none", ("starts with the server", "will be made", "will be made", "none runs")),
    ):
        cli.main(["doctor", "--data", str(data), "--json"])
        checks = {row["check"]: row for row in json.loads(capsys.readouterr().out)["checks"]}
        for check, word in zip(("broker", "database", "storage", "worker"), words, strict=True):
            assert checks[check]["ok"], checks[check]
            assert word in checks[check]["detail"]
    assert not (tmp_path / "none").exists()
