"""``sonorize doctor --server``: a line a check, and what is wrong is said and counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.serving import KEY, Serving, sonorize
from tests.support.web_place import Place, place
from web.commands import server_checks
from workers.errors import ServiceError


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def asked(here: Place, key: str = "", **changed: Any) -> dict[str, str]:
    """What each check says of a server in this process; ``changed``: answers that are another server's."""

    class Transport(httpx.WSGITransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            for path, (status, body) in changed.get("answers", {}).items():
                if request.url.path == path:
                    return httpx.Response(status, text=body, request=request)
            answer.headers.setdefault("Date", changed.get("date", httpx_date()))
            answer.headers["Date"] = changed.get("date", answer.headers["Date"])
            return answer

    found = server_checks.checks("http://localhost", key, clip=True, transport=Transport(app=here.app))
    told = {}
    for name, check in found.items():
        try:
            told[name] = f"ok: {check()}"
        except ServiceError as error:
            told[name] = str(error)
    return told


def httpx_date() -> str:
    from email.utils import formatdate

    return formatdate(usegmt=True)


def test_a_server_that_is_well(keyed: Serving) -> None:
    done = sonorize("doctor", "--server", keyed.address, "--clip", "--json", SONORIZE_API_KEY=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {one["check"]: one for one in json.loads(done.stdout)["checks"]}
    assert list(told) == ["answers", "ready", "version", "clock", "key", "limits", "metrics", "upload"]
    assert all(one["ok"] for one in told.values())
    assert told["key"]["detail"] == "jobs stand under the name anna; good for read, write"
    assert told["upload"]["detail"].startswith("64 x 48, 0.5 s")
    assert "0 jobs wait" in told["metrics"]["detail"]


def test_a_key_that_is_refused_and_a_server_that_is_not_there(keyed: Serving) -> None:
    done = sonorize("doctor", "--server", keyed.address, SONORIZE_API_KEY="nobody's")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "ok    answers: " in lines[0]
    assert any(line.startswith("FAIL  key: the API key is not known here") for line in lines)
    nobody = sonorize("doctor", "--server", "http://127.0.0.1:9")
    assert nobody.returncode == 1
    assert nobody.stdout.splitlines()[0].startswith("FAIL  answers: no answer")
    assert sonorize("doctor", "--server", "http://[::1").returncode == 2


def test_a_server_in_this_process_is_well(here: Place) -> None:
    told = asked(here)
    assert {name: text for name, text in told.items() if not text.startswith("ok: ")} == {}


def test_a_clock_that_is_wrong(here: Place) -> None:
    assert "s from this machine's; allowed are 30 s" in asked(here, date="Fri, 01 Jan 2021 00:00:00 GMT")["clock"]


def test_a_storage_that_is_away(here: Place) -> None:
    files = here.settings.data_dir / "files"
    if files.exists():
        files.rmdir()
    files.write_text("no folder")
    told = asked(here)
    assert told["ready"].startswith("unready: database ok, storage away")
    assert "the storage does not answer" in told["metrics"]


def test_jobs_without_workers(here: Place, dark_clip: Path) -> None:
    here.sent(dark_clip)
    assert asked(here)["metrics"] == "1 jobs wait, and no worker is there"


def test_another_kind_of_server(here: Place) -> None:
    told = asked(here, answers={"/readyz": (200, "<html>"), "/v1/limits": (404, "nothing"), "/metrics": (403, "no")})
    assert told["ready"] == "/readyz answers no JSON; is it a Sonorize server?"
    assert told["limits"] == "/v1/limits answers 404: and says no more"
    assert told["metrics"] == "ok: not shown to this key"


def test_little_room(here: Place) -> None:
    text = 'sonorize_disk_size_bytes{folder="data"} 100\nsonorize_disk_free_bytes{folder="data"} 4\n'
    text += 'sonorize_part_up{part="broker"} 0\n'
    told = asked(here, answers={"/metrics": (200, text)})["metrics"]
    assert told == "the broker does not answer; 0.0 GB are free on the disk of data"
