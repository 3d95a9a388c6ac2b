"""Traces by OpenTelemetry, where its packages are installed and somebody has switched them on; else nothing at all.

A trace goes from the request to the stages of its job: the row carries the request's span to the worker. What is
exported where is said by OpenTelemetry's own variables, such as ``OTEL_EXPORTER_OTLP_ENDPOINT``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from synth.errors import OptionError

SCOPE: Final = "sonorize"
_log = logging.getLogger(__name__)


class _Tracer:
    """What of OpenTelemetry is used here, imported once somebody wants traces."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.trace = trace
        self.tracer = provider.get_tracer(SCOPE)
        self.propagator = TraceContextTextMapPropagator()


_TRACER: list[_Tracer] = []  # one a process


def set_up(exporter: str, service: str) -> None:
    """Record traces from now on, in this process.

    Args:
        exporter: ``otlp``; empty for none.
        service: how this program is called in them.

    Raises:
        OptionError: it is not known, or its packages are not installed.
    """
    if not exporter:
        return
    if exporter != "otlp":
        raise OptionError(f"traces is {exporter!r}; allowed is otlp, or nothing")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise OptionError("traces need OpenTelemetry's packages: pip install 'sonorize[otel]'") from error
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)


def use(provider: Any) -> None:
    """Record with this provider of OpenTelemetry's, ``None`` for nothing more."""
    _TRACER[:] = [] if provider is None else [_Tracer(provider)]


def traceparent() -> str | None:
    """The span that this thread is in, as W3C Trace Context writes it."""
    if not _TRACER:
        return None
    carrier: dict[str, str] = {}
    _TRACER[0].propagator.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(name: str, parent: str | None = None, **attributes: str | int | float) -> Iterator[Any]:
    """A span around a block, in that of the caller or, where one is given, in a ``traceparent`` of somebody else's.

    Gives the span, or ``None`` where nothing is recorded.
    """
    if not _TRACER:
        yield None
        return
    one = _TRACER[0]
    inside = one.propagator.extract({"traceparent": parent}) if parent else None
    told = {f"{SCOPE}.{key}": value for key, value in attributes.items()}
    with one.tracer.start_as_current_span(name, context=inside, attributes=told) as found:
        yield found


def add_job(
    stages_s: Mapping[str, float], parent: str | None, *, succeeded: bool, **attributes: str | int | float
) -> None:
    """Spans for an attempt that has just ended: one around it, and in it one for each stage, the last ending now.

    Args:
        stages_s: stage -> wall seconds, in the order in which they were done.
        parent: the job's ``traceparent``.
    """
    if not _TRACER or not stages_s:
        return
    one = _TRACER[0]
    inside = one.propagator.extract({"traceparent": parent}) if parent else None
    at_ns = time.time_ns() - int(sum(stages_s.values()) * 1e9)
    told = {f"{SCOPE}.{key}": value for key, value in attributes.items()}
    job = one.tracer.start_span("job", context=inside, start_time=at_ns, attributes=told)
    job.set_status(one.trace.StatusCode.OK if succeeded else one.trace.StatusCode.ERROR)
    around = one.trace.set_span_in_context(job)
    for stage, seconds in stages_s.items():
        made = one.tracer.start_span(f"stage {stage}", context=around, start_time=at_ns)
        at_ns += int(seconds * 1e9)
        made.end(end_time=at_ns)
    job.end(end_time=at_ns)
