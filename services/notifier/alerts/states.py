"""The states of an alert. Receipts may come late, twice and out of order; the result is the same. Pure."""

from enum import StrEnum


class AlertState(StrEnum):
    """Where an alert is; later in this list wins over earlier."""

    CREATED = "created"
    SENDING = "sending"
    """Tried, not yet taken."""
    SENT = "sent"
    """The provider took it. By SMTP that is all there is to know."""
    FAILED = "failed"
    """Will not reach its recipient."""
    DELIVERED = "delivered"
    """The provider says that it arrived: believed over an earlier or later failure notice."""
    ACKNOWLEDGED = "acknowledged"
    """The recipient answered; nothing tells more."""

    def after(self, receipt: "AlertState") -> "AlertState":
        """Return the state once `receipt` is known: the furthest of both, whatever came first."""
        return max(self, receipt, key=_ORDER.index)


_ORDER = list(AlertState)
