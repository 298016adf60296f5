"""Settings of notifier."""

from datetime import time, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from services.notifier.delivery.domain import MessageClass
from shared.events.vocabulary import AlertPurpose, Team
from shared.settings import CommaSeparated, Duration, ServiceSettings, Times


def split(value: object) -> object:
    """Return the parts of a list written as `a,b,c`."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _mailboxes(value: tuple[str, ...]) -> tuple[str, ...]:
    pairs = [entry.partition("=") for entry in value]
    teams = {team for team, _, _ in pairs}
    if not all(Team(team) and "@" in address for team, _, address in pairs) or Team.TRIAGE_DESK not in teams:
        raise ValueError("write teams and addresses as team=address, including the triage desk's")
    return value


MailboxTable = Annotated[CommaSeparated, AfterValidator(_mailboxes)]
"""Teams and their addresses, written as `smart=a@example.org,sirt=b@example.org`."""


class NotifierSettings(ServiceSettings):
    """Settings of notifier, besides the common ones. Durations are in ISO 8601 (`PT4H`) or seconds."""

    notifier_database_url: str
    """`postgresql+asyncpg://…` of notifier's own database."""
    alert_domains: CommaSeparated = ("example.org",)
    """Domains to which alerts may go even if the address is not in the staff directory: `a.example,b.example`."""
    notifier_fallback_email: str = "kcis-desk@example.org"
    """A team's mailbox that is alerted if no line manager can be; alerts also name it for questions."""
    notifier_smtp_host: str = "127.0.0.1"
    """The mail server that sends alerts."""
    notifier_smtp_port: Annotated[int, Field(ge=1, le=65535)] = 25
    """Its port."""
    notifier_smtp_starttls: bool = False
    """Send only if the mail server offers TLS and its certificate is valid."""
    notifier_smtp_ca_file: Path | None = None
    """PEM file of the authority that signed the mail server's certificate; without it, the system's apply."""
    notifier_smtp_username: str | None = None
    """Set this and the password if the mail server requires sign-in."""
    notifier_smtp_password: SecretStr | None = None
    """The password for the mail server."""
    notifier_smtp_from: str = "Signpost <signpost@example.org>"
    """The sender of alerts; its domain is also used in their Message-IDs."""
    notifier_smtp_timeout: Duration = timedelta(seconds=20)
    """The time-out of one whole dialogue with the mail server."""
    notifier_attempt_lease: Duration = timedelta(minutes=5)
    """After this time an open attempt is repeated, even if its process seems to be alive."""
    notifier_give_up_after: Duration = timedelta(hours=12)
    """How long temporary failures are retried before the next in the chain is alerted instead."""
    notifier_remind_after: Duration = timedelta(hours=4)
    """The time from sending to the one reminder."""
    notifier_escalate_after: Duration = timedelta(hours=24)
    """The time from sending until the next in the chain is alerted."""
    notifier_link_valid_for: Duration = timedelta(days=14)
    """How long the link in an alert is valid."""
    notifier_team_mailboxes: MailboxTable = (
        "smart=smart@example.org",
        "sirt=sirt@example.org",
        "advice_centre=advice-centre@example.org",
        "policy_standards=policy-standards@example.org",
        "triage_desk=triage-desk@example.org",
    )
    """Where each team is alerted to reports sent by the wrong form, and the triage desk to misuse without a manager:
    `team=address,…`. For teams not listed, alerts go to the triage desk's address, which is required."""
    notifier_lead_mailboxes: MailboxTable = (
        "smart=smart-lead@example.org",
        "sirt=sirt-lead@example.org",
        "triage_desk=triage-lead@example.org",
    )
    """Where each team's lead is alerted to deadlines; written like the teams' addresses."""
    notifier_on_call_mailboxes: MailboxTable = (
        "smart=smart-on-call@example.org",
        "sirt=sirt-on-call@example.org",
        "triage_desk=triage-on-call@example.org",
    )
    """Who is alerted to a P1 or P2 while its team is not at work; written like the teams' addresses."""
    notifier_comms_mailbox: str = "comms@example.org"
    """Alerted if an official account may be taken over, and about accounts whose owner is not in the directory."""
    notifier_remember_reports_for: Duration = timedelta(days=400)
    """How long notifier keeps how to reach a reporter and who misuse is about, but at most 30 days after closing."""
    notifier_digest_purposes: Annotated[tuple[AlertPurpose, ...], NoDecode, BeforeValidator(split)] = (
        AlertPurpose.DEADLINE_AT_RISK,
        AlertPurpose.REPORTER_REPLIED,
        AlertPurpose.SECOND_REVIEW_WAITING,
        AlertPurpose.ACCESS_GRANTED,
        AlertPurpose.REVIEW_DUE,
    )
    """Which messages of low urgency wait for a digest; all others are sent at once."""
    notifier_digest_times: Times = (time(9), time(14))
    """When digests are sent, in UK local time: `09:00,14:00`."""
    notifier_digest_within: Duration = timedelta(hours=8)
    """The longest that a message waits for its digest."""
    notifier_storm_after: Annotated[int, Field(ge=1)] = 50
    """More alerts than this to one recipient within the storm window are sent as one summary, except urgent ones."""
    notifier_storm_window: Duration = timedelta(minutes=10)
    """The length of a storm, and how long alerts wait for its summary."""
    notifier_notify_classes: Annotated[tuple[MessageClass, ...], NoDecode, BeforeValidator(split)] = ()
    """Which messages are sent by GOV.UK Notify instead of SMTP: `manager`, `team`, `reporter`, `account`."""
    notifier_notify_api_key: SecretStr | None = None
    """The API key of GOV.UK Notify; needed if a class of messages is sent by it."""
    notifier_notify_template_id: str | None = None
    """The id of an email template with the subject `((subject))` and the body `((body))`."""
    notifier_notify_url: str = "https://api.notifications.service.gov.uk"
    """The URL of its API."""
    notifier_notify_timeout: Duration = timedelta(seconds=20)
    """The time-out of one call of its API."""
    notifier_notify_callback_token: SecretStr | None = None
    """The bearer token that Notify sends with delivery receipts; without it, none are accepted."""

    @field_validator("notifier_notify_template_id")
    @classmethod
    def _notify_is_whole(cls, template: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("notifier_notify_classes") and not (template and others.data.get("notifier_notify_api_key")):
            raise ValueError("GOV.UK Notify needs an API key and a template")
        return template
