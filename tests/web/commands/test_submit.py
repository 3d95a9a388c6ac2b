"""``sonorize submit`` and its client: against a real server, and against answers that go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from synth.media import video
from tests.support.serving import KEY, Serving, sonorize
from web import cli
from web.client.errors import ClientError, Unreachable
from web.client.sync import Client


def test_several_clips_go_and_come_back(keyed: Serving, flash_clip: Path, dark_clip: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video")
    how = ("--server", keyed.address, "-o", tmp_path / "out", "--takes", "2", "--save-hits", "--json")
    done = sonorize("submit", flash_clip, bad, dark_clip, *how, SONORIZE_API_KEY=KEY)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[0].startswith("error: bad.mp4: ")
    assert "warning: dark.mp4: " in done.stderr
    flash, refused, dark = json.loads(done.stdout)["jobs"]
    assert refused["problem"]["code"] == "media"
    assert [Path(name).name for name in flash["files"]] == [
        "flash.take1.mp4",
        "flash.take1.hits.json",
        "flash.take2.mp4",
        "flash.take2.hits.json",
    ]
    assert len(dark["files"]) == 4
    for name in flash["files"][::2]:
        assert video.packet_digest(Path(name)) == video.packet_digest(flash_clip)


def test_sent_now_and_fetched_later(keyed: Serving, flash_clip: Path, tmp_path: Path) -> None:
    sent = sonorize("submit", flash_clip, "--server", keyed.address, "--json", SONORIZE_API_KEY=KEY)
    (job,) = json.loads(sent.stdout)["jobs"]
    assert (sent.returncode, job["files"], job["job"]["status"]) == (0, [], "queued")
    how = ("--server", keyed.address, "-o", tmp_path)
    done = sonorize("submit", "--job", job["job"]["id"], *how, SONORIZE_API_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{tmp_path}/flash.mp4: 2 hits, -20.0 LUFS, 2.00 s of picture; {keyed.address}/")
    again = sonorize("submit", "--job", job["job"]["id"], *how, SONORIZE_API_KEY=KEY)
    assert again.returncode == 2
    assert "exists already and is not overwritten" in again.stderr


def test_without_the_key_nothing_is_seen(keyed: Serving, flash_clip: Path) -> None:
    done = sonorize("submit", flash_clip, "--server", keyed.address)
    assert done.returncode == 2
    assert done.stderr == (
        "error: flash.mp4: an API key is needed here; it is taken from SONORIZE_API_KEY, or from `key` of the Python "
        "client\n"
    )
    wrong = sonorize("submit", flash_clip, "--server", keyed.address, SONORIZE_API_KEY="wrong")
    assert wrong.returncode == 2
    assert "SONORIZE_API_KEY" not in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "there is nothing to send; name clips"),
        (["a.mp4", "b/a.mov", "-o", "out"], "a.mp4 and a.mov would both be written as a"),
        (["a.mp4", "-o", "README.md"], "'README.md' is a file; -o names a folder"),
        (["a.mp4", "--takes", "9"], "takes is 9; allowed is 1 to 8"),
        (["README.md", "--server", "http://127.0.0.1:1"], "the server at http://127.0.0.1:1 does not answer"),
        (["README.md", "--server", "localhost"], "does not answer"),
        (["--job", "x", "--server", "http://127.0.0.1:1"], "does not answer"),
    ],
)
def test_what_is_not_allowed_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["submit", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert sentence in printed.err
    assert printed.err.count("\n") == 1


JOB = {"id": "j", "status": "succeeded", "queue": None, "progress": {"stage": None, "fraction": 1.0}}


def _client(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client("http://there", transport=httpx.MockTransport(answer), patience_s=5)


def test_a_server_that_is_restarted_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.client.sync.FIRST_PAUSE_S", 0.01)
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if 1 < len(calls) < 5:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, json=JOB)

    with _client(answer) as client:
        assert client.get("j") == client.get("j") == JOB
    assert len(calls) == 5


def test_a_server_that_never_was_there_is_not() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with _client(answer) as client, pytest.raises(Unreachable, match="http://there does not answer: refused"):
        client.get("j")


def test_an_upload_that_is_sent_twice_makes_one_job(flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.client.sync.FIRST_PAUSE_S", 0.01)
    keys, bodies = [], []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        bodies.append(request.read().count(flash_clip.read_bytes()))
        if len(keys) == 1:
            return httpx.Response(503, json={"detail": "away", "code": "unavailable"})
        return httpx.Response(202, json=JOB)

    sent: list[int] = []
    with _client(answer) as client:
        assert client.create(flash_clip, {"seed": 1}, sent=sent.append) == JOB
    assert len(set(keys)) == 1
    assert bodies == [1, 1]
    assert sent[-1] == flash_clip.stat().st_size


def test_a_refusal_is_its_sentence() -> None:
    problem = {"detail": "seed is -1; allowed is 0 to 9", "code": "option"}
    with _client(lambda request: httpx.Response(422, json=problem)) as client, pytest.raises(ClientError) as caught:
        client.get("j")
    assert (str(caught.value), caught.value.status, caught.value.code) == (problem["detail"], 422, "option")
    with (
        _client(lambda request: httpx.Response(418, text="<html>")) as client,
        pytest.raises(ClientError, match=r"the server answered 418 I'm a teapot"),
    ):
        client.get("j")


def test_a_download_goes_on_where_it_broke_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.client.sync.FIRST_PAUSE_S", 0.01)
    whole = bytes(range(256)) * 4
    asked: list[str | None] = []

    class Cut(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield whole[:600]
            raise httpx.ReadError("cut off")

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("Range"))
        if request.url.path == "/known":
            return httpx.Response(200, json=JOB)
        if asked[-1] is None:
            return httpx.Response(200, stream=Cut())
        return httpx.Response(206, content=whole[int(asked[-1].removeprefix("bytes=").rstrip("-")) :])

    with _client(answer) as client:
        client._request("GET", "/known")
        client.download("/v1/jobs/j/outputs/0/video", tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == whole
    assert asked == [None, None, "bytes=600-"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_without_events_the_job_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.client.sync.POLL_S", 0.01)
    states = iter(["running", "running", "succeeded"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(503, json={"detail": "too many", "code": "too-many-streams"})
        return httpx.Response(200, json={**JOB, "status": next(states)})

    told: list[str] = []
    with _client(answer) as client:
        assert client.wait("j", lambda state: told.append(state["status"]))["status"] == "succeeded"
    assert told == ["running", "running", "succeeded"]


def test_a_key_is_shown_once_with_the_line_for_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "create", "anna"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  sonorize_")
    assert lines[3].startswith("  SONORIZE_API_KEYS=anna:")
    assert cli.main(["keys", "create", "an na"]) == 2
    assert "the name is 'an na'" in capsys.readouterr().err
