"""Figures for Prometheus: of this process, and of the whole server as the database knows it.

What one part cannot tell because it is away is left out, and ``sonorize_part_up`` says that it is: the scrape itself
goes well, or nobody would learn of it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from synth.options import Mode
from synth.provenance import package_version
from web.context import Site, parts_of
from workers.errors import DatabaseError
from workers.files import tombstones
from workers.records import QUESTIONS
from workers.telemetry import counters, families, queue_figures
from workers.telemetry.counters import CounterFamily, HistogramFamily
from workers.timing import presence
from workers.webhooks import deliveries

BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_REGISTRY: Final = "sonorize-metrics"
_MODES: Final = (*(mode.value for mode in Mode), *QUESTIONS)
_OUTCOMES: Final = ("succeeded", "failed", "retried", "canceled", "lost")
# What is shown as zero before it first happens: a counter that begins at one has not risen for Prometheus.
_ZEROS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    families.ATTEMPTS.name: tuple((mode, outcome) for mode in _MODES for outcome in _OUTCOMES),
    families.LEASES_LOST.name: tuple((mode,) for mode in _MODES),
    families.NOTIFIED_AGAIN.name: tuple((mode,) for mode in _MODES),
    families.ORPHANS.name: ((),),
    families.DELIVERIES.name: tuple((one,) for one in ("delivered", "retried", "failed", "refused")),
}


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
    app.extensions[_REGISTRY] = registry

    def begin() -> None:
        g.began_s = time.perf_counter()

    def end(response: Response) -> Response:
        spent_s = time.perf_counter() - g.get("began_s", time.perf_counter())
        latency.labels(request.endpoint or "none", request.method, f"{response.status_code}").observe(spent_s)
        return response

    app.before_request(begin)
    app.after_request(end)


def exposition(app: Flask, *, by_owner: bool) -> bytes:
    """All figures of this moment, as Prometheus reads them.

    Args:
        by_owner: also how many jobs each owner has, which is nobody's business but the operator's.
    """
    figures = CollectorRegistry()
    figures.register(ServerFigures(parts_of(app), by_owner=by_owner))
    return generate_latest(figures) + generate_latest(app.extensions[_REGISTRY])


class ServerFigures(Collector):
    """Asked when somebody asks us."""

    def __init__(self, parts: Site, *, by_owner: bool) -> None:
        self._parts, self._by_owner = parts, by_owner

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        up = GaugeMetricFamily("sonorize_part_up", "Whether a part of the server answers now.", labels=["part"])
        seconds = GaugeMetricFamily(
            "sonorize_part_round_trip_seconds", "How long a part took to answer just now.", labels=["part"]
        )
        for part, check in self._checks().items():
            took_s = _timed(check)
            up.add_metric([part], float(took_s is not None))
            if took_s is not None:
                seconds.add_metric([part], took_s)
        yield up
        yield seconds
        version = package_version("sonorize") or "unknown"
        yield _gauge("sonorize_build_info", "The version that runs.", {(version,): 1.0}, "version")
        yield from self._of_this_process()
        yield from _of_disks(self._parts)
        try:
            yield from list(self._of_the_database())
        except DatabaseError:
            return

    def _checks(self) -> dict[str, Callable[[], Any]]:
        found: dict[str, Callable[[], Any]] = {"database": self._parts.jobs.check, "storage": self._parts.storage.check}
        if self._parts.broker_check is not None:
            found["broker"] = self._parts.broker_check
        return found

    def _of_this_process(self) -> Iterator[Metric]:
        parts = self._parts
        yield _gauge("sonorize_event_streams", "Live streams open.", {(): parts.streams.open})
        yield _gauge("sonorize_waiting_callers", "Requests that wait for the end of their job.", {(): parts.waits.open})
        faults = {(one.part, kind): count for one in parts.faults for kind, count in one.counts.items()}
        text = "What went wrong in the background of the web process, by part and kind of error."
        yield _counter("sonorize_faults", text, faults, "part", "kind")
        removed = {(kind,): count for kind, count in parts.cleanup.removed.items()}
        yield _counter("sonorize_leftovers_removed", "What the cleanup took away since the start.", removed, "kind")

    def _of_the_database(self) -> Iterator[Metric]:
        database = self._parts.jobs.database
        queue = queue_figures.read(database, self._parts.jobs.now())
        yield _gauge("sonorize_jobs", "Jobs by state.", _by(queue.by_state), "state")
        yield _gauge("sonorize_queued_jobs", "Jobs that wait, by mode.", _by(queue.waiting), "mode")
        text = "Age of the oldest job in a state."
        yield _gauge("sonorize_oldest_job_age_seconds", text, _by(queue.oldest_s), "state")
        if self._by_owner:
            yield _gauge("sonorize_owner_jobs", "Jobs by owner and state.", queue.by_owner, "owner", "state")
        there = presence.present(database, self._parts.jobs.now())
        yield _gauge("sonorize_workers", "Workers that have shown lately that they are there.", {(): there})
        waiting = tombstones.count(database)
        yield _gauge("sonorize_deletions_waiting", "Deleted jobs that have files still.", {(): waiting})
        pending, oldest_s = deliveries.waiting(database, self._parts.jobs.now())
        yield _gauge("sonorize_webhook_deliveries_pending", "Webhooks to be sent, or sent again.", {(): pending})
        text = "How long the longest due webhook has been due."
        yield _gauge("sonorize_webhook_oldest_due_seconds", text, {(): oldest_s})
        counters.UNWRITTEN.flush(database)
        known = counters.read(database)
        for counted in families.COUNTERS:
            yield _counter_of(counted, known)
        for histogram in families.HISTOGRAMS:
            yield _histogram_of(histogram, known)


def _timed(check: Callable[[], Any]) -> float | None:
    """How long it took, in seconds; ``None`` where it failed."""
    began_s = time.perf_counter()
    try:
        check()
    except Exception:  # whatever it is: the part does not answer as it should
        return None
    return time.perf_counter() - began_s


def _of_disks(parts: Site) -> Iterator[Metric]:
    folders = {"data": parts.settings.data_dir}
    storage = urlsplit(parts.settings.storage_url)
    if storage.scheme == "file":
        folders["storage"] = Path(unquote(storage.path))
    free, size = dict[tuple[str, ...], float](), dict[tuple[str, ...], float]()
    for name, folder in folders.items():
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            continue
        free[(name,)], size[(name,)] = usage.free, usage.total
    yield _gauge("sonorize_disk_free_bytes", "Room on the disk of a folder of the web process.", free, "folder")
    yield _gauge("sonorize_disk_size_bytes", "Size of the disk of a folder of the web process.", size, "folder")


def _by(values: Any) -> dict[tuple[str, ...], float]:
    return {(str(name),): value for name, value in values.items()}


def _gauge(name: str, text: str, values: Any, *labels: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, values: Any, *labels: str) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter_of(family: CounterFamily, known: dict[str, dict[tuple[str, ...], float]]) -> Metric:
    zeros = dict.fromkeys(_ZEROS.get(family.name, ()), 0.0)
    return _counter(family.name, family.help, {**zeros, **known.get(family.name, {})}, *family.labels)


def _histogram_of(family: HistogramFamily, known: dict[str, dict[tuple[str, ...], float]]) -> Metric:
    buckets: dict[tuple[str, ...], dict[str, float]] = {}
    for (*values, edge), count in known.get(f"{family.name}_bucket", {}).items():
        buckets.setdefault(tuple(values), {})[edge] = count
    sums = known.get(f"{family.name}_sum", {})
    made = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for key, counts in buckets.items():
        made.add_metric(key, list(counters.cumulative(family.buckets, counts)), sums.get(key, 0.0))
    return made
