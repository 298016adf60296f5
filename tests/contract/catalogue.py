"""Every event, and each by its type."""

from shared.events.envelope import Event
from shared.events.intake import INTAKE_EVENTS
from shared.events.notifier import NOTIFIER_EVENTS
from shared.events.operations import OPERATIONS_EVENTS
from shared.events.registry import REGISTRY_EVENTS
from shared.events.triage import TRIAGE_EVENTS

EVENTS: tuple[type[Event], ...] = (
    *INTAKE_EVENTS,
    *TRIAGE_EVENTS,
    *REGISTRY_EVENTS,
    *NOTIFIER_EVENTS,
    *OPERATIONS_EVENTS,
)

BY_TYPE: dict[str, type[Event]] = {event.TYPE: event for event in EVENTS}
