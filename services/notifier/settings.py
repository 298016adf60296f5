"""Notifier's settings."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import CommaSeparated, ServiceSettings


class NotifierSettings(ServiceSettings):
    """What notifier needs beside what all services need. Durations are ISO 8601 (`PT4H`) or seconds."""

    notifier_database_url: str
    """`postgresql+asyncpg://…` of notifier's own database."""
    alert_domains: CommaSeparated = ("example.org",)
    """Domains to which an alert may go although the address is not in the staff directory: `a.example,b.example`."""
    notifier_fallback_email: str = "kcis-desk@example.org"
    """A team's mailbox, told when no line manager can be; also where alerts send questions to."""
    notifier_smtp_host: str = "127.0.0.1"
    """The mail server that alerts are handed to."""
    notifier_smtp_port: Annotated[int, Field(ge=1, le=65535)] = 25
    """Its port."""
    notifier_smtp_starttls: bool = False
    """Refuse to send unless the mail server offers TLS and its certificate is good."""
    notifier_smtp_username: str | None = None
    """Set together with the password where the mail server wants a sign-in."""
    notifier_smtp_password: SecretStr | None = None
    """Of that sign-in."""
    notifier_smtp_from: str = "Signpost <signpost@example.org>"
    """The sender of alerts; its domain also ends their Message-IDs."""
    notifier_smtp_timeout: timedelta = timedelta(seconds=20)
    """For one whole dialogue with the mail server."""
    notifier_attempt_lease: timedelta = timedelta(minutes=5)
    """After this an attempt that nobody closed is made again, even while its process seems to live."""
    notifier_give_up_after: timedelta = timedelta(hours=12)
    """How long temporary failures are retried before the next in the chain is told instead."""
    notifier_remind_after: timedelta = timedelta(hours=4)
    """From sending to the one reminder."""
    notifier_escalate_after: timedelta = timedelta(hours=24)
    """From sending to telling the next in the chain."""
    notifier_link_valid_for: timedelta = timedelta(days=14)
    """How long the link in an alert can be used."""
