"""Is it alive, is it ready, how is it doing: for those who run the server.

The broker only carries notifications: without it jobs are accepted and done a little later, so its absence makes the
server degraded and not unready. Without database or storage nothing can be accepted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, g, json, request
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from web.context import Site, site
from workers.errors import DatabaseDamaged
from workers.faults import reason_of
from workers.files import disk, tombstones
from workers.jobs import Jobs, State

blueprint = Blueprint("health", __name__)

BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PAGE: Final = 200


class JobFigures(Collector):
    """Counts and ages, asked of the database when somebody asks us."""

    def __init__(self, parts: Site) -> None:
        self.parts = parts

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        counts = self.parts.jobs.counts()
        jobs = GaugeMetricFamily("sonorize_jobs", "Jobs by state.", labels=["state"])
        for state, count in counts.items():
            jobs.add_metric([state], count)
        yield jobs
        now_s = self.parts.jobs.now()
        age = GaugeMetricFamily(
            "sonorize_oldest_job_age_seconds", "Age of the oldest job in a state.", labels=["state"]
        )
        for state in (State.QUEUED, State.RUNNING):
            age.add_metric([state.value], _oldest_age_s(self.parts.jobs, state, now_s) if counts[state.value] else 0.0)
        yield age
        yield GaugeMetricFamily("sonorize_event_streams", "Live streams open.", value=self.parts.streams.open)
        faults = CounterMetricFamily(
            "sonorize_faults", "What went wrong in the background, by part and kind of error.", labels=["part", "kind"]
        )
        for one in self.parts.faults:
            for kind, count in one.counts.items():
                faults.add_metric([one.part, kind], count)
        yield faults
        removed = CounterMetricFamily(
            "sonorize_leftovers_removed", "What the cleanup took away since the start.", labels=["kind"]
        )
        for kind, count in self.parts.cleanup.removed.items():
            removed.add_metric([kind], count)
        yield removed
        waiting = tombstones.count(self.parts.jobs.database)
        yield GaugeMetricFamily("sonorize_deletions_waiting", "Deleted jobs that have files still.", value=waiting)


def install(app: Flask) -> None:
    """Measure every request of ``app``."""
    registry = CollectorRegistry()
    latency = Histogram(
        "sonorize_request_seconds",
        "Time to answer a request, by view.",
        labelnames=("view", "method", "status"),
        buckets=BUCKETS_S,
        registry=registry,
    )
    app.extensions["sonorize-metrics"] = registry

    def begin() -> None:
        g.began_s = time.perf_counter()

    def end(response: Response) -> Response:
        spent_s = time.perf_counter() - g.get("began_s", time.perf_counter())
        latency.labels(request.endpoint or "none", request.method, f"{response.status_code}").observe(spent_s)
        return response

    app.before_request(begin)
    app.after_request(end)


@blueprint.get("/livez")
def livez() -> Response:
    """200 as long as requests are answered at all."""
    return Response("alive\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when jobs can be accepted, 503 when not; says what is away, and what goes wrong in the background."""
    parts = site()
    needed = {
        "database": _try(parts.jobs.check),
        "storage": _try(parts.storage.check),
        "spool": _try(parts.submitter.spool.check),
    }
    broker = _try_broker(parts)
    ready = all(answer == "ok" for answer in needed.values())
    reasons = {one.part: one.reason for one in parts.faults if one.reason is not None}
    whole = broker in ("ok", "not asked") and not reasons
    status = ("ready" if whole else "degraded") if ready else "unready"
    body = {"status": status, "checks": {**needed, "broker": broker}, **({"reasons": reasons} if reasons else {})}
    return Response(json.dumps(body) + "\n", 200 if ready else 503, content_type="application/json")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus."""
    registry = current_app.extensions["sonorize-metrics"]
    figures = CollectorRegistry()
    figures.register(JobFigures(site()))
    return Response(generate_latest(figures) + generate_latest(registry), content_type=METRICS_TYPE)


def _try(check: Callable[[], Any]) -> str:
    try:
        check()
    except Exception as error:
        current_app.logger.warning("not ready: %s", error)
        if isinstance(error, DatabaseDamaged):
            return "damaged"
        return "full" if disk.is_full(error) else "away"
    return "ok"


def _try_broker(parts: Site) -> str:
    """``ok``, or in words why not."""
    if parts.broker_check is None:
        return "not asked"
    try:
        parts.broker_check()
    except Exception as error:
        return reason_of(error).removeprefix("the broker: ")
    return "ok"


def _oldest_age_s(jobs: Jobs, state: State, now_s: float) -> float:
    cursor: str | None = None
    oldest_s = now_s
    while True:
        page, cursor = jobs.recent(owner=None, state=state, cursor=cursor, limit=_PAGE)
        oldest_s = min([oldest_s, *(job.queued_at for job in page)])
        if cursor is None:
            return max(0.0, now_s - oldest_s)
