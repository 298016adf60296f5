"""Traces, from a request through the event log to its last effect (W3C Trace Context)."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_HEADER = "traceparent"


def configure_tracing(process: str) -> None:
    """Enable spans in this process. Without an exporter they only carry ids through logs and events."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider(resource=Resource({"service.name": process})))


def current_traceparent() -> str | None:
    """Return the `traceparent` header of the current span; None if there is none."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_HEADER)


def current_trace_id() -> str | None:
    """Return the trace id of the current span as 32 hexadecimal digits; None if there is none."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


@contextmanager
def new_trace(name: str) -> Iterator[None]:
    """Begin a new trace, so that a caller's headers cannot choose our ids."""
    with _tracer().start_as_current_span(
        name, context=Context(), record_exception=False, set_status_on_exception=False
    ):
        yield


@contextmanager
def continued_from(traceparent: str | None, name: str = "continued") -> Iterator[None]:
    """Open a span that continues the trace of `traceparent`, or begins a new trace if that is missing or malformed."""
    context = _propagator.extract({_HEADER: traceparent} if traceparent else {}, Context())
    with _tracer().start_as_current_span(name, context=context, record_exception=False, set_status_on_exception=False):
        yield


def _tracer() -> trace.Tracer:
    return trace.get_tracer("signpost")
