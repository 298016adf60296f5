"""What the process says while it works: on its streams, as talkative as it can be, and in its spans."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import cast

import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.observability.logging import configure_logging
from shared.observability.tracing import configure_tracing


@contextmanager
def listening() -> Iterator[tuple[io.StringIO, InMemorySpanExporter]]:
    """Keep what the process says, as talkative as it can be, and every span; everything is then as it was."""
    root, said, spans = logging.getLogger(), io.StringIO(), InMemorySpanExporter()
    before = {name: logger.level for name, logger in _loggers()}
    handlers, level = list(root.handlers), root.level
    configure_tracing("signpost")
    cast(TracerProvider, trace.get_tracer_provider()).add_span_processor(SimpleSpanProcessor(spans))
    with redirect_stderr(said), redirect_stdout(said):
        configure_logging("debug", json=True)
        root.setLevel(logging.DEBUG)
        for _name, logger in _loggers():
            logger.setLevel(logging.DEBUG)
        try:
            yield said, spans
        finally:
            structlog.reset_defaults()
            root.handlers[:] = handlers
            root.setLevel(level)
            for name, logger in _loggers():
                logger.setLevel(before.get(name, logging.NOTSET))
            spans.shutdown()


def _loggers() -> list[tuple[str, logging.Logger]]:
    known = logging.Logger.manager.loggerDict.items()
    return [(name, logger) for name, logger in known if isinstance(logger, logging.Logger)]
