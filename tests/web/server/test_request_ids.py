"""One id from the request to the worker's log lines, and one trace from the request to the stages of its job."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from synth.errors import OptionError
from tests.support.servers import wait_until
from tests.support.serving import serving
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place
from web.client.sync import Client
from workers.telemetry import tracing
from workers.telemetry.logs import JsonFormatter

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged meanwhile, as JSON lines."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonFormatter())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)
    provider.shutdown()


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ({"X-Request-Id": "abc-123"}, "abc-123"),
        ({"traceparent": PARENT}, "0af7651916cd43dd8448eb211c80319c"),
        ({"X-Request-Id": "mine", "traceparent": PARENT}, "mine"),
        ({}, None),
        ({"X-Request-Id": "with space"}, None),
        ({"X-Request-Id": "x" * 200}, None),
        ({"X-Request-Id": '"}'}, None),
        ({"traceparent": "00-zz-zz-01"}, None),
    ],
)
def test_every_answer_has_an_id(here: Place, headers: dict[str, str], id: str | None) -> None:
    for path in ("/v1/jobs", "/v1/jobs/nothing", "/livez", "/gallery"):
        answered = here.client.get(path, headers=headers).headers["X-Request-Id"]
        assert answered == id if id else re.fullmatch("[0-9a-f]{32}", answered)


def test_the_id_goes_with_the_job_to_the_worker(here: Place, flash_clip: Path, written: io.StringIO) -> None:
    job = here.sent(flash_clip, mode="hits", headers={"X-Request-Id": "from-afar"})
    here.work()
    told = lines(written.getvalue())
    asked = next(one for one in told if one["logger"] == "web.requests" and one["view"] == "api.create")
    assert (asked["request_id"], asked["status"], asked["level"]) == ("from-afar", 202, "info")
    worked = [one for one in told if one.get("job_id") == job["id"]]
    assert {one["request_id"] for one in worked} == {"from-afar"}
    assert any("attempt 1 begins" in one["message"] for one in worked)
    assert any("attempt 1 succeeded" in one["message"] for one in worked)
    later = here.client.get("/livez").headers["X-Request-Id"]
    assert later != "from-afar"


def test_an_error_is_one_line(written: io.StringIO) -> None:
    try:
        raise ValueError("in\ntwo lines")
    except ValueError:
        logging.getLogger("x").exception("broken: %s", "yes")
    (told,) = lines(written.getvalue())
    assert (told["level"], told["message"]) == ("error", "broken: yes")
    assert "ValueError: in\ntwo lines" in told["exception"]


def test_one_trace_from_the_request_to_the_stages(here: Place, flash_clip: Path, spans: InMemorySpanExporter) -> None:
    here.sent(flash_clip, mode="hits", headers={"traceparent": PARENT})
    here.work()
    done = {span.name: span for span in spans.get_finished_spans()}
    request, job = done["POST api.create"], done["job"]

    def parent(span: ReadableSpan) -> int:
        assert span.parent is not None
        return span.parent.span_id

    assert f"{request.context.trace_id:032x}" == PARENT.split("-")[1]
    assert f"{parent(request):016x}" == PARENT.split("-")[2]
    assert parent(job) == request.context.span_id
    stages = {name: span for name, span in done.items() if name.startswith("stage ")}
    assert {"stage fetch", "stage look", "stage write", "stage store"} <= set(stages)
    assert {parent(span) for span in stages.values()} == {job.context.span_id}
    assert {span.context.trace_id for span in done.values()} == {request.context.trace_id}
    assert (request.attributes or {})["http.response.status_code"] == 202
    assert job.status.is_ok


def test_a_job_that_fails_is_a_failed_span(here: Place, flash_clip: Path, spans: InMemorySpanExporter) -> None:
    here.sent(flash_clip, mode="hits", bank="no-such-bank")
    here.work()
    (job,) = [span for span in spans.get_finished_spans() if span.name == "job"]
    assert not job.status.is_ok


def test_nothing_is_recorded_unless_asked_for(here: Place, flash_clip: Path) -> None:
    here.sent(flash_clip, headers={"traceparent": PARENT})
    (job,), _ = here.jobs.recent(owner=None)
    assert job.traceparent is None
    assert tracing.traceparent() is None


def test_an_exporter_that_is_not_known() -> None:
    with pytest.raises(OptionError, match="allowed is otlp"):
        tracing.set_up("jaeger", "web")


def test_a_real_server_writes_json(flash_clip: Path) -> None:
    """Of web and worker alike: every line of the log is JSON, and both know the id."""
    with serving("--search-workers", "0", SONORIZE_LOG_FORMAT="json") as server, Client(server.address) as client:
        job = client.create(flash_clip, {"mode": "hits"})
        client.wait(job["id"])
        asked = next(
            one for one in lines(server.complained) if one.get("view") == "api.create" and one["status"] == 202
        )

        def worked() -> list[dict[str, Any]]:
            text = "".join(file.read_text() for file in (server.data / "logs").glob("worker-1*"))
            told = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
            return [one for one in told if one.get("job_id") == job["id"]]

        wait_until(lambda: any("succeeded" in one["message"] for one in worked()))
        assert {one["request_id"] for one in worked()} == {asked["request_id"]}
