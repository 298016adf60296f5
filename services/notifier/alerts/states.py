"""The states of an alert. Receipts may come late, twice and out of order; the result is the same. Pure."""

from enum import StrEnum


class AlertState(StrEnum):
    """Where an alert is; later in this list wins over earlier."""

    CREATED = "created"
    SENDING = "sending"
    """Tried, not yet taken."""
    FAILED = "failed"
    """No attempt was taken, and no more will be made. One that turns out to have been taken is believed over it."""
    SENT = "sent"
    """The provider took it. By SMTP that is all there is to know."""
    UNDELIVERED = "undelivered"
    """The provider took it, says that it did not arrive, and no more attempts will be made."""
    DELIVERED = "delivered"
    """The provider says that it arrived."""
    ACKNOWLEDGED = "acknowledged"
    """The recipient answered; nothing tells more."""

    @property
    def reached(self) -> bool:
        """Tell whether the provider at least took it, and has not said that it failed."""
        return self in (AlertState.SENT, AlertState.DELIVERED, AlertState.ACKNOWLEDGED)

    def after(self, receipt: "AlertState") -> "AlertState":
        """Return the state once `receipt` is known: the furthest of both, whatever came first."""
        return max(self, receipt, key=_ORDER.index)


_ORDER = list(AlertState)
