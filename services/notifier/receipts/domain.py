"""Reads what GOV.UK Notify calls back with. Pure."""

from collections.abc import Mapping
from uuid import UUID

from services.notifier.delivery.domain import DeliveryKind, OutcomeKind
from shared.ids import AlertId

STATUSES: Mapping[str, OutcomeKind] = {
    "delivered": OutcomeKind.ACCEPTED,
    "permanent-failure": OutcomeKind.PERMANENT,
    "temporary-failure": OutcomeKind.TEMPORARY,
    "technical-failure": OutcomeKind.TECHNICAL,
}
"""Notify's final statuses of an e-mail; the others say only that it is on its way."""


def message_of(reference: str | None) -> tuple[AlertId, DeliveryKind] | None:
    """Return which of our messages a reference names, None where it names none."""
    alert_id, _, kind = (reference or "").partition(".")
    try:
        return AlertId(UUID(alert_id)), DeliveryKind(kind)
    except ValueError:
        return None
