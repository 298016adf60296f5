"""Makes acknowledgement links and opens them again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.acknowledgement.domain import Link, is_genuine, read_token, token_of
from services.notifier.alerts.queries import AlertView, alert_with_id
from services.notifier.delivery.domain import DeliveryKind
from shared.ids import AlertId

_GENERATIONS = {DeliveryKind.ALERT: 1, DeliveryKind.REMINDER: 2}


@dataclass(frozen=True, slots=True)
class Links:
    """Everything a link is made of but the alert itself."""

    key: bytes
    public_url: str
    valid_for: timedelta

    def link_for(self, alert_id: AlertId, kind: DeliveryKind, recipient: str, now: datetime) -> str:
        """Return the address that the holder of this message, sent to `recipient` (address), answers at."""
        link = Link(alert_id, _GENERATIONS[kind], now + self.valid_for)
        return f"{self.public_url}/alerts/acknowledge/{token_of(link, recipient, self.key)}"

    async def open(self, session: AsyncSession, token: str, now: datetime) -> AlertView | None:
        """Return the alert that `token` answers for; None alike for an unknown, altered or expired one."""
        link = read_token(token)
        alert = await alert_with_id(session, link.alert_id) if link else None
        return alert if alert and is_genuine(token, alert.recipient_email, self.key, now) else None
