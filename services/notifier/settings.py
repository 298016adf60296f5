"""Notifier's settings."""

from datetime import time, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from services.notifier.delivery.domain import MessageClass
from shared.events.vocabulary import AlertPurpose, Team
from shared.settings import CommaSeparated, Duration, ServiceSettings


def split(value: object) -> object:
    """Return the parts of a list written `a,b,c`."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _mailboxes(value: tuple[str, ...]) -> tuple[str, ...]:
    pairs = [entry.partition("=") for entry in value]
    teams = {team for team, _, _ in pairs}
    if not all(Team(team) and "@" in address for team, _, address in pairs) or Team.TRIAGE_DESK not in teams:
        raise ValueError("teams and addresses are written team=address, the triage desk's among them")
    return value


MailboxTable = Annotated[CommaSeparated, AfterValidator(_mailboxes)]
"""Teams and their addresses, written `smart=a@example.org,sirt=b@example.org`."""


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
    notifier_smtp_ca_file: Path | None = None
    """PEM of the authority that signed the mail server's certificate; without it the system's authorities count."""
    notifier_smtp_username: str | None = None
    """Set together with the password where the mail server wants a sign-in."""
    notifier_smtp_password: SecretStr | None = None
    """Of that sign-in."""
    notifier_smtp_from: str = "Signpost <signpost@example.org>"
    """The sender of alerts; its domain also ends their Message-IDs."""
    notifier_smtp_timeout: Duration = timedelta(seconds=20)
    """For one whole dialogue with the mail server."""
    notifier_attempt_lease: Duration = timedelta(minutes=5)
    """After this an attempt that is still open is made again, even while its process seems to live."""
    notifier_give_up_after: Duration = timedelta(hours=12)
    """How long temporary failures are retried before the next in the chain is told instead."""
    notifier_remind_after: Duration = timedelta(hours=4)
    """From sending to the one reminder."""
    notifier_escalate_after: Duration = timedelta(hours=24)
    """From sending to telling the next in the chain."""
    notifier_link_valid_for: Duration = timedelta(days=14)
    """How long the link in an alert can be used."""
    notifier_team_mailboxes: MailboxTable = (
        "smart=smart@example.org",
        "sirt=sirt@example.org",
        "advice_centre=advice-centre@example.org",
        "policy_standards=policy-standards@example.org",
        "triage_desk=triage-desk@example.org",
    )
    """Where each team is told of reports that came by the wrong form, and the triage desk of misuse without a manager:
    `team=address,…`. A team that is not named is told at the triage desk's address, which has to be there."""
    notifier_lead_mailboxes: MailboxTable = (
        "smart=smart-lead@example.org",
        "sirt=sirt-lead@example.org",
        "triage_desk=triage-lead@example.org",
    )
    """Where each team's lead is told of deadlines; written as the teams' own."""
    notifier_on_call_mailboxes: MailboxTable = (
        "smart=smart-on-call@example.org",
        "sirt=sirt-on-call@example.org",
        "triage_desk=triage-on-call@example.org",
    )
    """Who is told of a P1 or P2 while its team is not at work; written as the teams' own."""
    notifier_comms_mailbox: str = "comms@example.org"
    """Told when an official account may be taken over, and of accounts whose owner the directory does not know."""
    notifier_policy_version: str = "2025-07-29"
    """The text of the policy in force; when it changes, everyone is asked to acknowledge it again."""
    notifier_remember_reports_for: Duration = timedelta(days=400)
    """How long notifier knows how to reach a reporter and who misuse is about: 30 days after closing at most."""
    notifier_digest_purposes: Annotated[tuple[AlertPurpose, ...], NoDecode, BeforeValidator(split)] = (
        AlertPurpose.DEADLINE_AT_RISK,
        AlertPurpose.REPORT_FINISHED,
        AlertPurpose.ACCESS_GRANTED,
        AlertPurpose.REVIEW_DUE,
    )
    """Which messages wait for a digest where they are of low urgency; the others leave at once."""
    notifier_digest_times: Annotated[tuple[time, ...], NoDecode, BeforeValidator(split)] = (time(9), time(14))
    """When digests leave, on the clocks of the United Kingdom: `09:00,14:00`."""
    notifier_digest_within: Duration = timedelta(hours=8)
    """No message waits longer than this for its digest."""
    notifier_storm_after: Annotated[int, Field(ge=1)] = 50
    """More alerts than this to one recipient within the storm window are sent as one summary; urgent ones never are."""
    notifier_storm_window: Duration = timedelta(minutes=10)
    """What counts as one storm, and how long its summary is waited for."""
    notifier_notify_classes: Annotated[tuple[MessageClass, ...], NoDecode, BeforeValidator(split)] = ()
    """Which messages leave by GOV.UK Notify and not by SMTP: `manager`, `team`, `reporter`, `account`."""
    notifier_notify_api_key: SecretStr | None = None
    """Of GOV.UK Notify; needed where a class leaves by it."""
    notifier_notify_template_id: str | None = None
    """Of an email template with the subject `((subject))` and the body `((body))`."""
    notifier_notify_url: str = "https://api.notifications.service.gov.uk"
    """Where its API is."""
    notifier_notify_timeout: Duration = timedelta(seconds=20)
    """For one call of its API."""
    notifier_notify_callback_token: SecretStr | None = None
    """The bearer token that Notify sends with delivery receipts; without it none is taken."""

    @field_validator("notifier_notify_template_id")
    @classmethod
    def _notify_is_whole(cls, template: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("notifier_notify_classes") and not (template and others.data.get("notifier_notify_api_key")):
            raise ValueError("GOV.UK Notify needs an API key and a template")
        return template
