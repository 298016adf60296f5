"""How many events came, and what became of them; by our own words for source and outcome, never theirs."""

from collections.abc import Iterable

from services.intake.inbound.domain import InboundEvent, UnknownEvent
from services.intake.inbound.handlers import Taken
from services.intake.inbound.mapping import Sources
from shared.observability import metrics

_UNKNOWN = "unknown"


def count(sources: Sources, results: Iterable[tuple[object, Taken | Exception]]) -> None:
    """Count each event with what became of it."""
    for event, result in results:
        metrics.INBOUND_EVENTS.labels(_source_id(sources, event), _outcome(result)).inc()


def _outcome(result: Taken | Exception) -> str:
    if isinstance(result, Exception):
        return "refused"
    return "repeated" if result.repeated else result.outcome.value


def _source_id(sources: Sources, event: object) -> str:
    try:
        return sources.rule_for(event)[0].id if isinstance(event, InboundEvent) else _UNKNOWN
    except UnknownEvent:
        return _UNKNOWN
